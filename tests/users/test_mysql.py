"""Users of a database: Debian's MariaDB behind authd."""

import base64
import concurrent.futures
import hashlib
import hmac
import re
import signal
import subprocess
import threading
import time

import pytest

from directory import Mariadb, plain, pop, rcpt
from instance import Instance, wait_for
from strangers import Stranger


def ssha512(password, salt=b"saltsalt"):
    return "{SSHA512}" + base64.b64encode(hashlib.sha512(
        password.encode() + salt).digest() + salt).decode()


def crypt(password, *how):
    return subprocess.check_output(["openssl", "passwd", *how, password],
                                   text=True).strip()


def scram(password, salt=b"0123456789abcdef", rounds=4096):
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(key, b"Client Key", "sha256")).digest()
    server = hmac.digest(key, b"Server Key", "sha256")
    return "{SCRAM-SHA-256}" + ",".join([str(rounds)] + [
        base64.b64encode(x).decode() for x in (salt, stored, server)])


ROWS = [
    ("carol@a.test", ssha512("carol-pw")),
    ("dave@a.test", "{SHA512-CRYPT}" + crypt("dave-pw", "-6"), None,
     "team/dave", 5000000),
    ("erin@a.test", crypt("erin-pw", "-5")),
    ("fred@a.test", scram("fred-pw")),
    ("gina@a.test", "{PLAIN}gina-pw"),
    ("o'brien@a.test", ssha512("brien-pw")),
    ("eve@a.test", None),
    ("c.arol@a.test", ssha512("carol-pw"), "carol@a.test"),
    ("odd@a.test", "{WHIRLPOOL}abcdef"),
    ("bad@a.test", ssha512("x"), None, "../../etc"),
    ("long@a.test", "x" * 600),
    ("j\u00f6rg@a.test", ssha512("j\u00f6rg-pw")),
    ("alice@a.test", ssha512("sql-pw")),
]


@pytest.fixture(scope="module")
def server():
    with Mariadb(ROWS) as s:
        yield s


def test_logins_and_mail(server):
    with Instance(extra=server.directives() + "ban-after none\n") as inst:
        good = {"carol@a.test": "carol-pw", "carol": "carol-pw",
                "CAROL@A.test": "carol-pw", "c.arol": "carol-pw",
                "dave@a.test": "dave-pw", "erin": "erin-pw",
                "fred": "fred-pw", "gina@a.test": "gina-pw",
                "o'brien": "brien-pw", "j\u00f6rg@a.test": "j\u00f6rg-pw",
                "alice": "alice-pw"}
        wrong = {**{user: "wrong" for user in good}, "alice@a.test": "sql-pw",
                 "eve": "x", "nobody": "x", "odd": "abcdef", "gina": "=gina-pw",
                 "fred@a.test": scram("fred-pw")}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for user, answer in zip(good, pool.map(
                    lambda u: plain(inst, u, good[u]), good)):
                assert answer.startswith("235"), (user, answer)
            for user, answer in zip(wrong, pool.map(
                    lambda u: plain(inst, u, wrong[u]), wrong)):
                assert answer.startswith("535"), (user, answer)
        inst.wait_log(r"odd@a\.test cannot log in: ")
        assert [rcpt(inst, a) for a in
                ("carol@a.test", "eve@a.test", "odd@a.test", "Dave+x@a.test",
                 "nobody@a.test", "o'brien@a.test", "o''brien@a.test")] == \
            ["250", "250", "250", "250", "550", "250", "550"]
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
        for text in ("carol-pw", "reader-pw", "SSHA512"):
            assert text not in inst.log()


def scram_login(inst, user, password):
    """AUTH SCRAM-SHA-256, by hand: the code, or whether authd proved itself."""
    with Stranger(inst, "127.0.0.9", "submission") as s:
        s.say("EHLO x.example")
        first = f"n={user},r=abcdefgh"
        answer = base64.b64decode(s.say("AUTH SCRAM-SHA-256 " + base64.b64encode(
            b"n,," + first.encode()).decode())[4:]).decode()
        nonce, salt, rounds = re.fullmatch("r=(.*),s=(.*),i=(.*)",
                                           answer).groups()
        bare = f"c=biws,r={nonce}"
        key = hashlib.pbkdf2_hmac("sha256", password.encode(),
                                  base64.b64decode(salt), int(rounds))
        client = hmac.digest(key, b"Client Key", "sha256")
        message = f"{first},{answer},{bare}".encode()
        signed = hmac.digest(hashlib.sha256(client).digest(), message,
                             "sha256")
        proof = base64.b64encode(bytes(
            a ^ b for a, b in zip(client, signed))).decode()
        answer = s.say(base64.b64encode(f"{bare},p={proof}".encode()).decode())
        if not answer.startswith("334"):
            return answer[:3]
        v = base64.b64encode(hmac.digest(hmac.digest(
            key, b"Server Key", "sha256"), message, "sha256"))
        assert base64.b64decode(answer[4:]) == b"v=" + v
        return s.say("")[:3]


def test_scram(server):
    """Who has such keys in the database; the others look like nobody."""
    with Instance(extra=server.directives()) as inst:
        assert scram_login(inst, "fred", "fred-pw") == "235"
        assert scram_login(inst, "fred@a.test", "wrong") == "535"
        assert scram_login(inst, "carol", "carol-pw") == "535"
        assert scram_login(inst, "nobody", "x") == "535"
        assert scram_login(inst, "alice", "alice-pw") == "235"


INJECTED = ["carol'or'1'='1@a.test", "'or'1'='1", "'@a.test", "''", "\\'",
            "carol@a.test'#", "carol@a.test' -- ", "%@a.test", "_arol@a.test",
            "carol@a.test\\", '"carol"', "c%rol", "?", "%u", "x'||'1"]


def test_injection(server):
    with Instance(extra=server.directives() + "ban-after none\n") as inst:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda u: plain(inst, u, "carol-pw"), INJECTED)
        for user, answer in zip(INJECTED, answers):
            assert answer.startswith("535"), (user, answer)
        assert rcpt(inst, "carol'or'1'='1@a.test") == "550"
        assert rcpt(inst, "'or'1'='1'#@a.test") == "550"
        assert "no answer" not in inst.log()


def test_what_the_database_gets_wrong_is_put_off(server):
    with Instance(extra=server.directives()) as inst:
        assert rcpt(inst, "bad@a.test") == "451"
        inst.wait_log(r"bad@a\.test: its mailbox is ../../etc")
        assert rcpt(inst, "long@a.test") == "451"
    for query, why in (
            ("SELECT password FROM nothing WHERE address = %u",
             "doesn't exist"),
            ("SELECT password FROM users WHERE %u <> 'x'", "several rows"),
            ("SELECT password FROM users WHERE address = '%u'",
             "in quotes"),
            ("SELEKT %u", "SQL syntax"),
            ("DELETE FROM users WHERE address = %u", "denied")):
        with Instance(extra=server.directives(query=query)) as inst:
            assert rcpt(inst, "carol@a.test") == "451"
            assert plain(inst, "carol", "carol-pw").startswith("454")
            inst.wait_log(why)
    # by its parts; a percent sign of its own
    query = ("SELECT password FROM users WHERE address = CONCAT(%n, '@', %d) "
             "AND address LIKE 'c%%'")
    with Instance(extra=server.directives(query=query)) as inst:
        assert plain(inst, "carol", "carol-pw").startswith("235")
        assert plain(inst, "dave", "dave-pw").startswith("535")


def test_a_server_that_is_away(server):
    extra = server.directives() + "ban-after 1/1h\n"
    with Instance(extra=extra) as inst:
        assert plain(inst, "carol", "carol-pw").startswith("235")
        server.stop()
        assert plain(inst, "gina", "gina-pw").startswith("454 4.7.0")
        assert plain(inst, "gina", "wrong").startswith("454 4.7.0")
        assert "-ERR [SYS/TEMP]" in pop(inst, "gina", "gina-pw")
        assert rcpt(inst, "gina@a.test") == "451"
        assert rcpt(inst, "nobody@a.test") == "451"
        assert plain(inst, "alice", "alice-pw").startswith("235")
        assert rcpt(inst, "alice@a.test") == "250"
        assert "ban address" not in inst.log()
        server.start()
        wait_for(lambda: rcpt(inst, "gina@a.test") == "250", 45, 1)
        assert plain(inst, "gina", "gina-pw").startswith("235")
        # connections that were cut: nobody notices
        before = inst.log().count("no answer")
        for line in server.sql(
                "SELECT CONCAT('KILL ', id, ';') FROM information_schema."
                "processlist WHERE user = 'reader'").splitlines():
            server.sql(line)
        assert rcpt(inst, "erin@a.test") == "250"
        assert plain(inst, "gina", "gina-pw").startswith("235")
        server.stop()
        server.start()
        assert rcpt(inst, "eve@a.test") == "250"
        assert inst.log().count("no answer") == before


def test_one_that_hangs(server):
    with Instance(extra=server.directives(server.tcp)) as inst:
        assert plain(inst, "carol", "carol-pw").startswith("235")
        server.signal(signal.SIGSTOP)
        took = []

        def gina():
            start = time.monotonic()
            answer = plain(inst, "gina", "gina-pw")
            took.append((answer[:9], time.monotonic() - start))
        threads = [threading.Thread(target=gina) for _ in range(12)]
        for t in threads:
            t.start()
        start = time.monotonic()
        assert plain(inst, "alice", "alice-pw").startswith("235")
        assert pop(inst, "alice", "alice-pw") == 0
        assert rcpt(inst, "alice@a.test") == "250"
        assert time.monotonic() - start < 2
        for t in threads:
            t.join(30)
        server.signal(signal.SIGCONT)
        assert {a for a, _ in took} == {"454 4.7.0"}, took
        assert max(t for _, t in took) < 12, took
        wait_for(lambda: plain(inst, "gina", "gina-pw").startswith("235"),
                 45, 1)
        assert "hangs; killed" not in inst.log()


TLS_HOST = "127.0.0.2"		# 127.0.0.1 is near, and needs none


def test_fail_over_and_tls(server):
    with Mariadb(ROWS[:2], tls=(f"IP:{TLS_HOST}",), host=TLS_HOST) as far:
        good = f"directory-ca {far.dir}/ca.pem\n"
        with Instance(extra=server.directives("127.0.0.1:1", far.tcp,
                                              more=good)) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("235")
            assert rcpt(inst, "dave@a.test") == "250"
            # the second one is asked, and has the last word
            assert rcpt(inst, "gina@a.test") == "550"
        # an authority that we do not know
        with Instance(extra=far.directives(far.tcp)) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("454")
            assert rcpt(inst, "carol@a.test") == "451"
        with Instance(extra=far.directives(
                far.tcp, more="directory-tls no\n")) as inst:
            assert plain(inst, "carol", "carol-pw").startswith("235")
        # its certificate is another's
        far.stop()
        far.tls = ()
        far.start()
        with Instance(extra=far.directives(far.tcp, more=good)) as inst:
            # no TLS to be had: not without it
            assert plain(inst, "carol", "carol-pw").startswith("454")
