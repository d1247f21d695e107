"""Users of an LDAP directory: Debian's slapd behind authd."""

import concurrent.futures
import re
import signal
import socket
import threading
import time

import pytest

from directory import (Slapd, person, plain, pop, rcpt, secret)
from instance import Instance, wait_for
from strangers import Stranger

PEOPLE = (
    person("carol", "carol-pw", mail=["carol@a.test", "c.arol@a.test"]),
    person("dave", "dave-pw", employeeType="team/dave", roomNumber="5M"),
    person("eve", None),
    person("star", "star-pw", mail=["s*r@a.test"]),
    person("twin1", "x", mail=["twins@a.test"]),
    person("twin2", "x", mail=["twins@a.test"]),
    person("bad", "bad-pw", employeeType="../../etc"),
    person("alice", "ldap-pw"),
    person("far", "far-pw", mail=["far@b.test"]),
)


@pytest.fixture(scope="module")
def slapd():
    with Slapd(*PEOPLE) as server:
        yield server


def test_logins_and_mail(slapd):
    with Instance(extra=slapd.directives()) as inst:
        for user in ("carol@a.test", "carol", "CAROL@A.test",
                     "c.arol@a.test"):
            assert plain(inst, user, "carol-pw").startswith("235"), user
            assert plain(inst, user, "wrong").startswith("535"), user
        for user, password in (
                ("nobody@a.test", "x"), ("eve@a.test", "x"),
                ("far@b.test", "far-pw"), ("far@a.test", "far-pw"),
                # users.db goes first, and has the last word
                ("alice@a.test", "ldap-pw")):
            assert plain(inst, user, password).startswith("535"), user
        assert plain(inst, "alice@a.test", "alice-pw").startswith("235")
        assert [rcpt(inst, a) for a in
                ("carol@a.test", "c.arol@a.test", "Carol+x@a.test",
                 "eve@a.test", "nobody@a.test", "postmistress@a.test",
                 "alice@a.test")] == \
            ["250", "250", "250", "250", "550", "550", "250"]
        # one mailbox, whatever of its addresses the mail is for
        with Stranger(inst, "127.0.0.9") as s:
            s.say("EHLO x.example")
            s.say("MAIL FROM:<x@y.example>")
            for to in ("carol@a.test", "c.arol@a.test", "dave@a.test"):
                assert s.say(f"RCPT TO:<{to}>").startswith("250")
            assert s.say("DATA").startswith("354")
            assert s.say("Subject: x\r\n\r\nx\r\n.").startswith("250")
        wait_for(lambda: pop(inst, "c.arol", "carol-pw") == 2)
        wait_for(lambda: pop(inst, "dave", "dave-pw") == 1)
        assert (inst.dir / "mail/team/dave/new").is_dir()
        assert "-ERR [AUTH]" in pop(inst, "carol", "wrong")
        # its own addresses are its own
        with Stranger(inst, "127.0.0.9", "submission") as s:
            s.say("EHLO x.example")
            s.say("AUTH PLAIN AGNhcm9sAGNhcm9sLXB3")
            for sender, code in (("carol@a.test", "250"),
                                 ("c.arol@a.test", "250"),
                                 ("dave@a.test", "553"),
                                 ("alice@a.test", "553")):
                assert s.say(f"MAIL FROM:<{sender}>").startswith(code)
                s.say("RSET")
        assert "carol-pw" not in inst.log()
        assert "reader-pw" not in inst.log()


def test_what_the_directory_gets_wrong_is_put_off(slapd):
    with Instance(extra=slapd.directives()) as inst:
        assert rcpt(inst, "twins@a.test") == "451"
        assert plain(inst, "twins@a.test", "x").startswith("454")
        inst.wait_log("ldap-filter finds several entries for twins@a.test")
        assert rcpt(inst, "bad@a.test") == "451"
        inst.wait_log(r"bad@a.test: its mailbox is ../../etc")
    # a base that is not there is no answer either
    text = slapd.directives().replace("ou=people", "ou=nothing")
    with Instance(extra=text) as inst:
        assert rcpt(inst, "carol@a.test") == "451"
        assert plain(inst, "carol", "carol-pw").startswith("454")
        inst.wait_log("searching: No such object")
    # nor is a wrong password of ldap-user
    text = re.sub("(ldap-password-file).*", rf"\1 "
                  f"{secret(slapd.dir, 'other')}", slapd.directives())
    with Instance(extra=text) as inst:
        assert plain(inst, "carol", "carol-pw").startswith("454")
        inst.wait_log("ldap-user: Invalid credentials")
    # a secret that all can read is not used
    path = secret(slapd.dir, "reader-pw ")
    path.chmod(0o644)
    text = re.sub("(ldap-password-file).*", rf"\1 {path}", slapd.directives())
    with Instance(extra=text) as inst:
        assert plain(inst, "carol", "carol-pw").startswith("454")


INJECTED = ["*", "*@a.test", "c*@a.test", "carol)(uid=*@a.test",
            "carol@a.test)(&", "*)(|(uid=*", "\\2a@a.test", "s*r@a.test",
            "carol\\00@a.test", "carol@a.test)(uid=*))(|(mail=*", "s\\2ar",
            '"s*r"@a.test', "carol,ou=people,dc=a,dc=test",
            "uid=carol\\,ou=people", "=", "(", ")", "~", "&", "|", "!"]


def test_injection(slapd):
    """Names are never read as filters; who has a star in his is nobody."""
    with Instance(extra=slapd.directives() + "ban-after none\n") as inst:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda user: plain(
                inst, user, "star-pw" if "s" in user else "carol-pw"),
                INJECTED)
        for user, answer in zip(INJECTED, answers):
            assert answer.startswith("535"), (user, answer)
        for address in ("c*@a.test", '"c*"@a.test', '"*"@a.test',
                        '"carol)(uid=*"@a.test'):
            assert rcpt(inst, address) in ("550", "501", "553"), address
        # no password is no login, though LDAP calls it one
        with Stranger(inst, "127.0.0.9", "submission") as s:
            s.say("EHLO x.example")
            assert s.say("AUTH PLAIN AGNhcm9sAA==")[0] == "5"
        assert "several entries" not in inst.log()
        assert "no answer" not in inst.log()


def test_a_server_that_is_away():
    with Slapd(*PEOPLE) as server, \
            Instance(extra=server.directives() + "ban-after 1/1h\n") as inst:
        assert plain(inst, "carol", "carol-pw").startswith("235")
        server.stop()
        for _ in range(2):
            assert plain(inst, "dave", "dave-pw").startswith("454 4.7.0")
            assert plain(inst, "dave", "wrong").startswith("454 4.7.0")
        assert "-ERR [SYS/TEMP]" in pop(inst, "dave", "dave-pw")
        assert rcpt(inst, "dave@a.test") == "451"
        assert rcpt(inst, "nobody@a.test") == "451"
        # users.db needs nobody
        assert plain(inst, "alice", "alice-pw").startswith("235")
        assert rcpt(inst, "alice@a.test") == "250"
        assert "ban address" not in inst.log()
        server.start()
        wait_for(lambda: rcpt(inst, "dave@a.test") == "250", 45, 1)
        assert plain(inst, "dave", "dave-pw").startswith("235")
        # restarted while we were connected: nobody notices
        before = inst.log().count("no answer")
        server.stop()
        server.start()
        assert rcpt(inst, "eve@a.test") == "250"
        assert plain(inst, "dave", "dave-pw").startswith("235")
        assert inst.log().count("no answer") == before


def test_fail_over():
    with Slapd(*PEOPLE) as one, Slapd(*PEOPLE) as other:
        with Instance(extra=one.directives(one.uri, other.uri)) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("235")
            one.stop()
            assert plain(inst, "dave", "dave-pw").startswith("235")
            assert rcpt(inst, "eve@a.test") == "250"
            # none is left
            other.signal(signal.SIGSTOP)
            assert rcpt(inst, "far.off@a.test") == "451"
            other.signal(signal.SIGCONT)
            one.start()


def test_all_workers_know_who_hangs():
    """One has waited for it: the others, who begin now, need not."""
    with Slapd(*PEOPLE) as one, Slapd(*PEOPLE) as other, Instance(
            extra=one.directives(one.uri, other.uri).replace(
                "timeout 1s", "timeout 4s")) as inst:
        one.signal(signal.SIGSTOP)
        start = time.monotonic()
        assert plain(inst, "carol", "carol-pw").startswith("235")
        assert time.monotonic() - start > 3
        took = []

        def eve():
            start = time.monotonic()
            answer = plain(inst, "dave", "dave-pw")
            took.append((answer[:3], time.monotonic() - start))
        threads = [threading.Thread(target=eve) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30)
        one.signal(signal.SIGCONT)
        assert [a for a, _ in took] == ["235"] * 8
        assert max(t for _, t in took) < 4, took
        assert inst.log().count("Timed out") == 1


def test_one_that_hangs():
    with Slapd(*PEOPLE) as server, \
            Instance(extra=server.directives()) as inst:
        assert plain(inst, "carol", "carol-pw").startswith("235")
        server.signal(signal.SIGSTOP)
        took = []

        def dave():
            start = time.monotonic()
            answer = plain(inst, "dave", "dave-pw")
            took.append((answer[:9], time.monotonic() - start))
        threads = [threading.Thread(target=dave) for _ in range(12)]
        for t in threads:
            t.start()
        # others are not held up, neither in smtpd nor in pop3d
        start = time.monotonic()
        assert plain(inst, "alice", "alice-pw").startswith("235")
        assert pop(inst, "alice", "alice-pw") == 0
        assert rcpt(inst, "alice@a.test") == "250"
        assert time.monotonic() - start < 2
        for t in threads:
            t.join(30)
        assert {a for a, _ in took} == {"454 4.7.0"}, took
        assert max(t for _, t in took) < 12, took
        server.signal(signal.SIGCONT)
        wait_for(lambda: plain(inst, "dave", "dave-pw").startswith("235"),
                 45, 1)
        assert "hangs; killed" not in inst.log()


def test_garbage():
    """Somebody else's port: neither an answer nor the end of authd."""
    with socket.socket() as s, Slapd(*PEOPLE) as server:
        s.bind(("127.0.0.1", 0))
        s.listen(20)

        def serve():
            while True:
                try:
                    c, _ = s.accept()
                except OSError:
                    return
                c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 50)
                c.close()
        threading.Thread(target=serve, daemon=True).start()
        uri = f"ldap://127.0.0.1:{s.getsockname()[1]}"
        with Instance(extra=server.directives(uri)) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("454")
            assert rcpt(inst, "carol@a.test") == "451"
            assert "was killed by signal" not in inst.log()
        s.shutdown(socket.SHUT_RDWR)


TLS_HOST = "127.0.0.2"		# 127.0.0.1 is near, and needs none


def test_tls():
    with Slapd(*PEOPLE, tls=(f"IP:{TLS_HOST}",), host=TLS_HOST) as server:
        good = f"directory-ca {server.dir}/ca.pem\n"
        for uri in (server.uri, server.tls_uri):
            with Instance(extra=server.directives(uri, more=good)) as inst:
                assert plain(inst, "carol", "carol-pw").startswith("235")
                assert rcpt(inst, "carol@a.test") == "250"
            # an authority that we do not know
            with Instance(extra=server.directives(uri)) as inst:
                assert plain(inst, "carol", "carol-pw").startswith("454")
                assert rcpt(inst, "carol@a.test") == "451"
        off = server.directives(more="directory-tls no\n")
        with Instance(extra=off) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("235")
        with Instance(extra=server.directives(server.socket)) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("235")
    # its certificate is another's
    with Slapd(*PEOPLE, tls=("IP:127.0.0.3",), host=TLS_HOST) as server:
        good = f"directory-ca {server.dir}/ca.pem\n"
        for uri in (server.uri, server.tls_uri):
            with Instance(extra=server.directives(uri, more=good)) as inst:
                assert plain(inst, "carol", "carol-pw").startswith("454")
    # no TLS to be had: not without it
    with Slapd(*PEOPLE, host=TLS_HOST) as server:
        with Instance(extra=server.directives()) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("454")
            assert "STARTTLS" in inst.log()
