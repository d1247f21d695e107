"""Name servers in trouble: what they do to the way of a message.

The servers are scripts here; test_dns.py has a real one and odd zones.
"""

import os
import re
import smtplib
import socket
import struct
import threading

import pytest

from fakes import FakeDNS
from instance import Instance, wait_for
from sinks import Sinks

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs port 25")
ONE, TWO = "127.0.79.1", "127.0.79.2"
ZONE = {("b.test", "MX"): [(10, "one.b.test")],
        ("one.b.test", "A"): [ONE], ("two.b.test", "A"): [TWO],
        ("null.test", "MX"): [(0, ""), (10, "two.b.test")],
        ("null2.test", "MX"): [(5, "two.b.test"), (10, "")],
        ("big.test", "MX"): [(k, f"mx{k}.big.test" if k else "two.b.test")
                             for k in range(400)]}
CONF = ("relay-from 127.0.0.0/8\nretry-first 1s\nretry-most 1s\n"
        "connect-timeout 2s\n")
QR, TC, AA, RCODE = 0x8000, 0x0200, 0x0400, 0x000f


class Server(FakeDNS):
    """script(server, query) gives the packets that follow, in this order."""
    ttl = 60

    def __init__(self, script=None, tcp=False, zone=ZONE):
        self.script, self.queries, self.tcp = script or good, [], None
        self.tcp_asked = 0
        super().__init__(zone)
        if tcp:
            self.listen()

    def run(self):
        while True:
            try:                # closed by the test: the end
                query, peer = self.socket.recvfrom(600)
                self.queries.append(query)
                for packet in self.script(self, query):
                    self.socket.sendto(packet, peer)
            except OSError:
                return

    def record(self, owner, kind, value):
        data = self.data(kind, value)
        return owner + struct.pack("!HHIH", self.TYPES[kind], 1, self.ttl,
                                   len(data)) + data

    def listen(self):
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                s = self.tcp.accept()[0]
            except OSError:
                return
            with s, s.makefile("rb") as f:
                self.tcp_asked += 1
                answer = self.answer(f.read(struct.unpack("!H", f.read(2))[0]))
                s.sendall(struct.pack("!H", len(answer)) + answer)

    def close(self):
        super().close()
        if self.tcp:
            self.tcp.close()


def question(packet):
    """The header's end to the end of the question."""
    return packet[12:packet.index(b"\0", 12) + 5]


def head(query, flags, *counts):
    return query[:2] + struct.pack("!HHHHH", flags, 1, *counts)


def good(server, query):
    yield server.answer(query)


def truncated(server, query):
    """Nothing in it at all, as many servers cut."""
    yield head(query, QR | TC | AA, 0, 0, 0) + question(query)


def forged(server, query):
    """Each would lead the mail to TWO, or send it back."""
    other = bytes([query[0] ^ 1]) + query[1:2]
    evil = Server.zone_to(TWO, server, query)
    nothing = head(query, QR | AA | 3, 0, 0, 0)
    yield other + evil[2:]                              # another's id
    yield evil[:2] + struct.pack("!H", 0x0180) + evil[4:]   # a question
    yield evil.replace(b"\1b\4test", b"\1c\4test", 1)   # another name
    at = 12 + len(question(query)) - 3
    yield evil[:at] + b"\x63" + evil[at + 1:]           # another type
    yield nothing + question(query).replace(b"test", b"tesu", 1)
    yield b""
    yield query[:2]
    yield query[:2] + os.urandom(300)
    yield server.answer(query)


def zone_to(address, server, query):
    """What the answer would be if all led there."""
    kept, server.zone = server.zone, {
        k: [address] if k[1] == "A" else v for k, v in server.zone.items()}
    try:
        return server.answer(query)
    finally:
        server.zone = kept


Server.zone_to = staticmethod(zone_to)


def no_edns(server, query):
    """RFC 6891 7: a server that does not know OPT says FORMERR."""
    if query[10:12] != b"\0\0":
        yield head(query, QR | 1, 0, 0, 0) + question(query)
    else:
        yield server.answer(query)


def refused(server, query):
    yield head(query, QR | 5, 0, 0, 0) + question(query)


def bare_refusal(server, query):
    yield query[:2] + struct.pack("!HHHHH", QR | 5, 0, 0, 0, 0)


def servfail(server, query):
    yield head(query, QR | 2, 0, 0, 0) + question(query)


def formerr(server, query):
    yield head(query, QR | 1, 0, 0, 0) + question(query)


def referral(server, query):
    """Not its zone: it says who may know (RFC 1034 4.3.2)."""
    ns = b"\xc0\x0c" + struct.pack("!HHIH", 2, 1, 60, 11) + \
        Server.name("ns.b.test")
    yield head(query, QR, 0, 1, 0) + question(query) + ns


def silent(server, query):
    return ()


@pytest.fixture(scope="module")
def hosts():
    with Sinks([ONE, TWO]) as sinks:
        yield sinks


def start(*servers):
    return Instance(
        extra=CONF + f"dns-timeout {1 if len(servers) == 1 else 5}s\n"
        "nameserver " + " ".join(f"127.0.0.1:{s.port}" for s in servers) +
        "\n", omit={"nameserver", "dns-timeout"})


def send(i, rcpt):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail("x@b.test", [rcpt], "Subject: x\r\n\r\nx\r\n")


def fate(i, rcpt, seconds=15):
    m = i.wait_log(r"to=<" + re.escape(rcpt) + r"> relay=(\S+) status=(\w+) "
                   r"\((.*)\)", seconds)
    return m.groups()


@pytest.mark.parametrize("script", [
    forged, no_edns, truncated], ids=lambda f: f.__name__)
def test_one_server(hosts, script):
    with Server(script, tcp=True) as dns, start(dns) as i:
        send(i, "x@b.test")
        assert fate(i, "x@b.test")[:2] == (f"one.b.test[{ONE}]:25", "sent")
        assert bool(dns.tcp_asked) == (script is truncated)


@pytest.mark.parametrize("script", [
    truncated, refused, bare_refusal, servfail, formerr, referral, silent],
    ids=lambda f: f.__name__)
def test_lame_one_first(hosts, script):
    """The other one is asked; nobody on TCP of the first is no answer, too."""
    with Server(script) as lame, Server() as well, start(lame, well) as i:
        send(i, "x@b.test")
        assert fate(i, "x@b.test")[:2] == (f"one.b.test[{ONE}]:25", "sent")
        assert lame.queries


@pytest.mark.parametrize("script", [
    truncated, refused, servfail, formerr, referral, silent],
    ids=lambda f: f.__name__)
def test_no_answer_is_for_later(hosts, script):
    """Nothing goes back, mailq says why; when DNS answers, it goes out."""
    with Server(script) as dns, start(dns) as i:
        send(i, "x@b.test")
        _, status, text = fate(i, "x@b.test")
        assert status == "deferred" and text.startswith("451 4.4.3"), text
        assert "4.4.3" in i.run("mailq").stdout
        if script is truncated:
            dns.listen()
        else:
            dns.script = good
        i.wait_log("to=<x@b.test> .*status=sent")
        wait_for(lambda: not i.spooled())
        assert "bounced" not in i.log()


def test_more_than_udp_holds(hosts):
    """400 MX in 64 KB, by TCP: the best is found."""
    def cut(server, query):
        answer = server.answer(query)
        if len(answer) <= 512:
            yield answer
        else:
            yield answer[:2] + struct.pack("!H", QR | TC | AA) + \
                answer[4:512]

    with Server(cut, tcp=True) as dns, start(dns) as i:
        send(i, "x@big.test")
        assert fate(i, "x@big.test")[:2] == (f"two.b.test[{TWO}]:25", "sent")
        assert dns.tcp_asked == 1


def test_null_mx_beside_others(hosts):
    """RFC 7505 3 has it alone; where it is not, the others are meant."""
    with Server() as dns, start(dns) as i:
        for rcpt in ("x@null.test", "x@null2.test"):
            send(i, rcpt)
            assert fate(i, rcpt)[:2] == (f"two.b.test[{TWO}]:25", "sent")


def test_ttl_0(hosts):
    """It may be used for what it was asked for (RFC 1035 3.2.1), not longer."""
    with Server() as dns, start(dns) as i:
        dns.ttl = 0
        send(i, "x@b.test")
        assert fate(i, "x@b.test")[:2] == (f"one.b.test[{ONE}]:25", "sent")
        n = len(dns.queries)
        assert n <= 4               # MX, A, AAAA: not round in circles
        dns.zone = {**ZONE, ("one.b.test", "A"): [TWO]}
        i.stop()
        i.start()
        send(i, "y@b.test")
        assert fate(i, "y@b.test")[:2] == (f"one.b.test[{TWO}]:25", "sent")
