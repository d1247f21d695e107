"""How sure queue is of the next host: tls-policy, fingerprints, sessions."""

import ssl
import time

import pytest

from fakes import FakeSMTP
from instance import Instance, wait_for
from tls_world import (  # noqa: F401
    BASE, folder, good, other, pair, put_off, send, sent, sha256, spki)


# -- lines of tls-policy ------------------------------------------------------

def by_route(port, *lines):
    return "".join(f"route {d} smtp:[127.0.0.1]:{port}\n"
                   f"tls-policy {d} {what}\n" for d, what in lines)


def test_what_a_line_asks_for(good, other):
    with FakeSMTP(cert=good.pair) as s, FakeSMTP() as plain:
        lines = by_route(
            s.port, ("none.test", "none"), ("may.test", "may"),
            ("require.test", "require"),
            ("verify.test", "verify name=two.test"),
            ("wrong.test", "verify name=three.test"),
            ("pin.test", "fingerprint=" + "00" * 32 + "," +
             sha256(good.der).hex()),
            ("key.test", "fingerprint=" + sha256(spki(good)).hex()),
            ("nopin.test", "fingerprint=" + other.sha256)) + \
            by_route(plain.port, ("plain.test", "require"))
        with Instance(extra=BASE + f"tls-ca {good.ca.cert}\n" + lines) as i:
            for name in ("none", "may", "require", "verify", "pin", "key"):
                before = len(s.lines)
                send(i, f"x@{name}.test")
                sent(i, f"x@{name}.test")
                assert ("STARTTLS" in s.lines[before:]) == (name != "none")
            assert len(s.messages) == 6
            send(i, "x@wrong.test", "x@nopin.test", "x@plain.test")
            put_off(i, "x@wrong.test", "is for another name")
            put_off(i, "x@nopin.test", "is not one that was named")
            put_off(i, "x@plain.test", "STARTTLS is required and not offered")
            assert len(s.messages) == 6 and not plain.messages
            assert "MAIL" not in "".join(plain.lines)


def test_names_and_first_match(good):
    """The same host behind three lines: their connections are not shared."""
    with FakeSMTP(cert=good.pair) as s, Instance(
            extra=BASE + f"tls-ca {good.ca.cert}\n"
            f"route * smtp:[127.0.0.1]:{s.port}\n"
            "tls-policy sub.b.test none\n"
            "tls-policy .b.test verify name=mx.two.test\n"
            "tls-policy * verify name=nobody.test\n") as i:
        send(i, "x@sub.b.test")
        sent(i, "x@sub.b.test")
        assert "STARTTLS" not in s.lines
        send(i, "x@SUB2.B.test")
        sent(i, "x@sub2.b.test")
        send(i, "x@b.test")
        put_off(i, "x@b.test", "is for another name")
        assert s.sessions == 3


@pytest.mark.parametrize("lines, what", [
    ("tls-policy b.test dane\n", "dane needs dns-trust yes"),
    ("tls-policy b.test encrypt\n", "is neither none"),
    ("tls-policy b_.test may\n", "is neither DOMAIN"),
    ("tls-policy b.test may name=x.test\n", "name= goes with verify"),
    ("tls-policy b.test fingerprint=12\n", "is no SHA-256"),
    ("smarthost h.test none fingerprint=" + "ab" * 32, "goes with tls"),
    ("smarthost h.test noverify fingerprint=" + "ab" * 32, "goes with tls"),
])
def test_what_a_line_cannot_say(lines, what):
    with Instance(extra=lines, start=False, users=()) as i:
        p = i.run("mailconf", check=False)
        assert p.returncode == 78 and what in p.stderr, (p.stdout, p.stderr)


def test_smarthost_by_fingerprint(folder, other):
    with FakeSMTP(cert=pair(other), user=("me", "pw")) as s:
        secret = folder / "secret"
        secret.write_text("pw\n")
        secret.chmod(0o600)
        for hash_, ok in ((other.sha256, True), ("ab" * 32, False)):
            with Instance(extra=BASE + "tls-ca /nonexistent\n"
                          f"smarthost 127.0.0.1:{s.port} starttls user=me "
                          f"password-file={secret} fingerprint={hash_}\n"
                          ) as i:
                send(i, "x@b.test")
                if ok:
                    sent(i, "x@b.test")
                else:
                    put_off(i, "x@b.test", "is not one that was named")
        assert len(s.messages) == 1
        assert sum(x.startswith("AUTH") for x in s.lines) == 1


# -- sessions are taken up again under the same expectation only --------------

def test_sessions(good, folder):
    """Two connections: the second handshake is a short one."""
    reused = []

    class Watching(FakeSMTP):
        pass

    with Watching(cert=good.pair) as s:
        context = s.context

        def note(*args, **kw):
            sock = ssl.SSLContext.wrap_socket(context, *args, **kw)
            reused.append(sock.session_reused)
            return sock

        class Context:
            wrap_socket = staticmethod(note)
        s.context = Context
        lines = f"route * smtp:[127.0.0.1]:{s.port}\n" \
            f"tls-policy one.test fingerprint={sha256(good.der).hex()}\n" \
            f"tls-policy two.test fingerprint={sha256(good.ca.der).hex()}\n"
        with Instance(extra=BASE + lines) as i:
            send(i, "x@one.test")
            sent(i, "x@one.test")
            time.sleep(6)           # the kept connection ends
            send(i, "y@one.test")
            sent(i, "y@one.test")
            send(i, "x@two.test")
            put_off(i, "x@two.test", "is not one that was named")
            wait_for(lambda: len(reused) == 3)
            assert reused == [False, True, False]


@pytest.mark.parametrize("how", ["smtp", "sendmail"])
def test_the_commands_know_the_fingerprint(other, tmp_path, how):
    """Without daemons, and without a bundle."""
    with FakeSMTP(cert=pair(other)) as s:
        for hash_, ok in ((other.sha256, True), ("ab" * 32, False)):
            with Instance(start=False, users=(), extra="tls-ca /nonexistent\n"
                          "sendmail-direct yes\n"
                          f"smarthost 127.0.0.1:{s.port} starttls "
                          f"fingerprint={hash_}\n") as i:
                p = i.run(how, "-f", "a@a.test", "x@b.test", input="hi\n",
                          check=False)
                # sendmail of root has the spool, where smtp has nothing
                assert (p.returncode == 0) == (ok or how == "sendmail")
        assert len(s.messages) == 1


def test_the_fallback_route_is_no_way_round_it(good):
    with FakeSMTP() as plain, Instance(
            extra=BASE + "route b.test smtp:[127.0.0.1]:1\n"
            "route c.test smtp:[127.0.0.1]:1\n"
            f"fallback-route smtp:[127.0.0.1]:{plain.port}\n"
            "tls-policy b.test require\n") as i:
        send(i, "x@b.test", "x@c.test")
        sent(i, "x@c.test")
        put_off(i, "x@b.test", "STARTTLS is required and not offered")
        assert [m[1] for m in plain.messages] == [["x@c.test"]]


def test_ticket_of_another_host(good):
    """One name, three hosts: the second knows no tickets, the third takes the
    first one's. mbedTLS keeps a ticket beside keys that it is not for, and the
    third host would be right to hang up.
    """
    with FakeSMTP(cert=good.pair) as first, FakeSMTP(cert=good.pair) as \
            second, FakeSMTP(cert=good.pair) as third:
        first.context.maximum_version = ssl.TLSVersion.TLSv1_2
        second.context.maximum_version = ssl.TLSVersion.TLSv1_2
        second.context.options |= ssl.OP_NO_TICKET
        third.context = first.context
        hosts = (("one", first), ("two", second), ("three", third))
        with Instance(extra=BASE + f"tls-ca {good.ca.cert}\n" + "".join(
                by_route(s.port, (f"{d}.test", "verify name=two.test"))
                for d, s in hosts)) as i:
            for d, s in hosts:
                send(i, f"x@{d}.test")
                sent(i, f"x@{d}.test")
            assert "deferred" not in i.log()
