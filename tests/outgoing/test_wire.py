"""What may happen to the wire: down, deaf, other addresses, IPv6 that leads
nowhere. Nothing is lost, nothing goes twice, mailq says why it waits.
"""

import os
import re
import signal
import socket
import threading
import time

import pytest

from fakes import FakeSMTP, Hangup, Session
from instance import wait_for
from wire import Wire

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs namespaces")
ONE, TWO, SIX = "10.78.0.25", "10.78.0.26", "2001:db8:78::25"
PORT = 2525
ZONE = {("relay.test", "A"): [ONE], ("six.test", "AAAA"): [SIX],
        ("both.test", "A"): [ONE], ("both.test", "AAAA"): [SIX]}
RELAY = f"smarthost relay.test:{PORT} none\n"
BIG = "".join(f"{n:070}\n" for n in range(80_000))      # 5.7 MB


class SMTP6(FakeSMTP):
    address_family = socket.AF_INET6


@pytest.fixture
def wire():
    with Wire([ONE, TWO, SIX], dict(ZONE)) as w:
        yield w


def server(wire, kind=FakeSMTP, address=ONE, **kw):
    with wire.far():
        return kind(address, PORT, **kw)


def send(i, rcpt, body="x\n"):
    i.run("sendmail", "-i", "-f", "alice@a.test", rcpt,
          input=f"Subject: {rcpt}\n\n" + body)


def deferred(i, rcpt, why, since=0):
    m = i.wait_log(rf"to=<{rcpt}> .*status=deferred \((.*)\)", 15, since)
    assert re.search(why, m[1]), m[1]
    said = wait_for(lambda: re.search(why, i.run("mailq").stdout))
    assert said


def only_once(i, *servers, rcpts):
    wait_for(lambda: not i.spooled(), 20)
    got = [r for s in servers for m in s.messages for r in m[1]]
    assert sorted(got) == sorted(rcpts)
    assert "bounced" not in i.log() and "damaged" not in i.log()


def test_down_and_up(wire):
    """With a connection that is kept, and without."""
    with server(wire) as s, wire.device(RELAY) as i:
        send(i, "one@b.test")
        wait_for(lambda: s.messages)
        wire.down()
        send(i, "two@b.test")
        send(i, "three@b.test")
        time.sleep(1)
        assert "two@b.test" in i.run("mailq").stdout
        wire.up()
        only_once(i, s, rcpts=["one@b.test", "two@b.test", "three@b.test"])


def test_down_from_the_start(wire):
    with server(wire) as s, wire.device(RELAY) as i:
        wire.down()
        send(i, "one@b.test")
        deferred(i, "one@b.test", "4.4.3")
        wire.up()
        only_once(i, s, rcpts=["one@b.test"])


def test_dns_dead_then_alive(wire):
    wire.dns.zone[("relay.test", "A")] = "silence"
    with server(wire) as s, wire.device(RELAY) as i:
        send(i, "one@b.test")
        deferred(i, "one@b.test", "4.4.3")
        assert not s.sessions
        wire.dns.zone[("relay.test", "A")] = [ONE]
        only_once(i, s, rcpts=["one@b.test"])


@pytest.mark.parametrize("how", ["gone", "deaf", "leaves"])
def test_the_address_changes(wire, how):
    """The old one: nothing there, nobody answers, 421."""
    replies = {"greeting": "421 4.3.2 moving house"}
    with server(wire, replies=replies) as old, \
            server(wire, address=TWO) as new, wire.device(RELAY) as i:
        why = r"moving house"
        if how == "gone":
            old.close()
            why = "refused"
        elif how == "deaf":
            wire.deaf(ONE)
            why = "timed out"
        send(i, "one@b.test")
        deferred(i, "one@b.test", why)
        wire.dns.zone[("relay.test", "A")] = [TWO]
        only_once(i, new, rcpts=["one@b.test"])


def test_ipv6_alone(wire):
    with server(wire, SMTP6, SIX) as s, wire.device(
            f"smarthost six.test:{PORT} none\n") as i:
        send(i, "one@b.test")
        only_once(i, s, rcpts=["one@b.test"])
        assert f"[IPv6:{SIX}]:{PORT}" in i.log()


def test_ipv6_that_leads_nowhere(wire):
    wire.deaf(SIX)
    with server(wire) as s, wire.device(
            f"smarthost both.test:{PORT} none\n") as i:
        for n in range(3):
            before = time.monotonic()
            send(i, f"u{n}@b.test")
            wait_for(lambda: len(s.messages) == n + 1)
            assert time.monotonic() - before < 2
            i.run("mailq", "--flush")
        only_once(i, s, rcpts=[f"u{n}@b.test" for n in range(3)])
        assert "deferred" not in i.log()


# -- the wire is cut in the middle of the text --------------------------------

class Pausing(FakeSMTP):
    """Stops once, in the text or before the reply to it, and goes on when it
    may; or breaks off there.
    """

    def __init__(self, *args, when=None, breaks=False, **kw):
        self.when, self.breaks = when, breaks
        self.reached, self.may = threading.Event(), threading.Event()
        super().__init__(*args, **kw)
        self.RequestHandlerClass = PausingSession


class PausingSession(Session):
    def pause(self):
        if self.server.reached.is_set():
            return
        self.server.reached.set()
        self.server.may.wait(20)
        if self.server.breaks:
            raise Hangup

    def tell(self, text):
        if text.startswith("250 2.6.0") and self.server.when == "reply":
            self.pause()
        good = super().tell(text)
        if text.startswith("354") and self.server.when == "text":
            self.rfile.peek(1)
            self.pause()
        return good


@pytest.mark.parametrize("when", ["text", "reply"])
def test_a_hole_for_a_moment(wire, when):
    """TCP bridges it: the same connection goes on, and the message is there
    once. Meanwhile it is in the spool."""
    with server(wire, Pausing, when=when) as s, wire.device(RELAY) as i:
        send(i, "one@b.test", BIG)
        assert s.reached.wait(10)
        wire.swallow()
        s.may.set()
        time.sleep(2)
        assert len(i.spooled()) == 1 and "status=" not in i.log()
        wire.heal()
        only_once(i, s, rcpts=["one@b.test"])
        assert s.sessions == 1 and "deferred" not in i.log()
        assert s.messages[0][2].replace(b"\r\n", b"\n").endswith(
            BIG[-71 * 1000:].encode())


def test_a_hole_that_the_connection_does_not_outlive(wire):
    """The server has gone when the wire is back: all is sent again."""
    with server(wire, Pausing, when="text", breaks=True) as s, \
            wire.device(RELAY) as i:
        send(i, "one@b.test", BIG)
        assert s.reached.wait(10)
        wire.swallow()
        s.may.set()
        time.sleep(1)
        assert len(i.spooled()) == 1
        wire.heal()
        deferred(i, "one@b.test", "hung up|reset|Broken pipe")
        only_once(i, s, rcpts=["one@b.test"])


def test_long_packets_vanish(wire):
    """One that hangs in such a hole does not hold up others."""
    with server(wire, Pausing, when="text") as s, wire.device(RELAY) as i:
        send(i, "one@b.test", BIG)
        assert s.reached.wait(10)
        wire.narrow(800)
        s.may.set()
        send(i, "two@b.test")
        wait_for(lambda: s.messages)
        assert s.messages[0][1] == ["two@b.test"]
        time.sleep(1)
        assert len(i.spooled()) == 1 and "deferred" not in i.log()
        wire.narrow(1500)
        only_once(i, s, rcpts=["one@b.test", "two@b.test"])
        assert "deferred" not in i.log()


@pytest.mark.parametrize("how", ["down", "kill"])
def test_cut_while_the_text_goes(wire, how):
    """The interface goes down and comes back, queue ends and starts anew."""
    with server(wire, Pausing, when="text") as s, wire.device(RELAY) as i:
        send(i, "one@b.test", BIG)
        assert s.reached.wait(10)
        wire.down()
        if how == "kill":
            os.kill(i.pids("queue")[0], signal.SIGKILL)
        time.sleep(0.5)
        wire.up()
        s.may.set()
        only_once(i, s, rcpts=["one@b.test"])
