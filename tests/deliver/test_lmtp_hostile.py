"""Clients of LMTP that stall, vanish, flood or lie; strangers at the socket."""

import os
import pwd
import resource
import smtplib
import socket
import subprocess
import sys

import pytest

from instance import Instance, wait_for


@pytest.fixture(scope="module")
def house():
    with Instance(omit=("system-users",), extra="system-users yes\n"
                  "max-errors 50\ndata-timeout 2s\ncommand-timeout 3s\n") as i:
        yield i


class Client:
    def __init__(self, i, hello=True):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(str(i.dir / "run/deliver"))
        self.f = self.s.makefile("rb")
        assert self.reply() == "220"
        if hello:
            assert self.say(b"LHLO c") == "250"

    def reply(self):
        while True:
            line = self.f.readline()
            if line[3:4] != b"-":
                return line[:3].decode()

    def say(self, text):
        self.s.sendall(text + b"\r\n")
        return self.reply()

    def begin(self, *rcpts):
        assert self.say(b"MAIL FROM:<x@c.example>") == "250"
        for r in rcpts:
            assert self.say(b"RCPT TO:<%s@a.test>" % r) == "250"

    def close(self):
        self.f.close()
        self.s.close()


def staged(i):
    return list((i.dir / "mail/.staging").iterdir())


def alive(i):
    """It still serves, and has no files of those who have gone."""
    before = len(i.messages("bob"))
    with smtplib.LMTP(str(i.dir / "run/deliver")) as s:
        s.sendmail("x@c.example", ["bob@a.test"], "Subject: ok\r\n\r\nx\r\n")
    assert len(i.messages("bob")) == before + 1
    wait_for(lambda: not staged(i), 10)
    assert "deliver: ready" in i.log()
    assert i.log().count("deliver: ready") == 1


def test_gone_before_the_answers(house):
    """What was handed over is there, for each of them, once."""
    i = house
    before = len(i.messages("alice"))
    for n in range(20):
        c = Client(i)
        c.begin(b"alice", b"nobody", b"bob")
        assert c.say(b"DATA") == "354"
        c.s.sendall(b"Subject: gone\r\n\r\nx\r\n.\r\n")
        c.close()
    wait_for(lambda: len(i.messages("alice")) == before + 20, 10)
    alive(i)


@pytest.mark.parametrize("at", ["rcpt", "data", "half", "chunk", "bdat"])
def test_gone_in_the_middle(house, at):
    i = house
    before = len(i.messages("alice"))
    for _ in range(20):
        c = Client(i)
        if at == "rcpt":
            c.say(b"MAIL FROM:<>")
            c.s.sendall(b"RCPT TO:<alice@a.test>\r\n" * 30)
        else:
            c.begin(b"alice", b"bob")
        if at in ("data", "half"):
            assert c.say(b"DATA") == "354"
        if at == "half":
            c.s.sendall(b"x" * 100000 + b"\r\n.")
        if at == "chunk":
            c.s.sendall(b"BDAT 1000 LAST\r\nx")
        if at == "bdat":
            c.s.sendall(b"BDAT 3\r\nxyz")
            assert c.reply() == "250"
        c.close()
    alive(i)
    assert len(i.messages("alice")) == before


def test_who_stalls_is_left(house):
    i = house
    c = Client(i)
    c.begin(b"alice")
    assert c.say(b"DATA") == "354"
    c.s.sendall(b"Subject: slow\r\n")
    assert c.f.read()[:3] in (b"421", b"451", b"")
    c.close()
    c = Client(i)
    assert c.f.read().startswith(b"421")
    c.close()
    alive(i)


def test_lines_without_end_and_odd_octets(house):
    i = house
    c = Client(i)
    c.begin(b"alice", b"bob")
    assert c.say(b"DATA") == "354"
    for _ in range(160):        # one line of 10 MB
        c.s.sendall(b"x" * 65536)
    c.s.sendall(b"\r\n.\r\n")
    assert [c.reply(), c.reply()] == ["250", "250"]
    c.begin(b"alice", b"bob")
    assert c.say(b"DATA") == "354"
    c.s.sendall(b"Subject: \0\r\n\r\n" + bytes(range(256)).replace(
        b"\r", b"").replace(b"\n", b"") + b"\r\n.\r\n")
    codes = [c.reply(), c.reply()]
    assert codes[0] == codes[1] and codes[0] in ("250", "550", "554")
    c.s.sendall(b"x" * 10_000_000 + b"\r\n")
    assert c.reply() == "500"
    assert c.say(b"\0\1\2") == "500"
    assert c.say(b"NOOP") == "250"
    c.close()
    alive(i)


def test_answers_that_nobody_reads(house):
    """Memory does not grow with commands whose answers are not taken."""
    i = house
    pid, = [p for p in i.pids("deliver") if b"deliver" in open(
        f"/proc/{p}/cmdline", "rb").read() and len(os.listdir(
            f"/proc/{p}/fd")) == max(len(os.listdir(f"/proc/{q}/fd"))
                                     for q in i.pids("deliver"))][:1]

    def rss():
        with open(f"/proc/{pid}/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    before = rss()
    clients = []
    for _ in range(10):
        c = Client(i)
        c.s.settimeout(0.5)
        try:
            for _ in range(200):
                c.s.sendall(b"NOOP\r\n" * 2000)
        except TimeoutError:
            pass
        clients.append(c)
    assert rss() - before < 2 << 20
    for c in clients:
        c.close()
    alive(i)


def test_a_hundred_recipients_of_both_kinds_in_order(house):
    """A reply for each, in the order of RCPT (RFC 2033 4.2)."""
    i = house
    c = Client(i)
    assert c.say(b"MAIL FROM:<x@c.example>") == "250"
    n = 0
    for k in range(100):
        who = (b"alice", b"nobody", b"missing", b"bob")[k % 4]
        code = c.say(b"RCPT TO:<%s@a.test>" % who)
        assert code == ("550" if who == b"missing" else "250")
        n += code == "250"
    assert c.say(b"DATA") == "354"
    c.s.sendall(b"Subject: many\r\n\r\nx\r\n.\r\n")
    assert [c.reply() for _ in range(n)] == ["250"] * n
    assert c.say(b"QUIT") == "221"
    c.close()
    alive(i)
    assert (i.dir / "mbox/nobody").read_text().count("Subject: many\n") == 25


ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rb")
print(f.readline().decode(), end="")
s.sendall(b"LHLO c\\r\\n")
for line in f:
    print(line.decode(), end="")
    if line[3:4] != b"-":
        break
"""


def ask_as(i, name):
    return subprocess.run(
        [sys.executable, "-c", ASK, str(i.dir / "run/deliver")], text=True,
        user=name, group=pwd.getpwnam(name).pw_gid, extra_groups=[],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_whoever_is_not_named_is_turned_away(house):
    os.chmod(house.dir, 0o755)
    assert ask_as(house, "nobody").startswith("421 4.7.0 Not for this user")
    house.wait_log("connection refused: 4.7.0 Not for this user")
    with Instance(extra="lmtp-user nobody\n") as i:
        os.chmod(i.dir, 0o755)
        said = ask_as(i, "nobody")
        assert said.startswith("220") and "250-PIPELINING" in said
        assert "XSPOOL" not in said
        assert ask_as(i, "daemon").startswith("421 4.7.0")


def test_a_hundred_of_the_longest_addresses():
    """RFC 5321 4.5.3.1.8: 100 recipients, 4.5.3.1.1 and 2: each of 64 octets
    and a long domain; and RFC 9422 says how many in one transaction."""
    domain = ".".join(["d" * 60] * 3)
    names = [f"{'u' * 60}{n:04d}@{domain}" for n in range(101)]
    with Instance(users=(), extra=f"domain {domain}\nmax-recipients 100\n") \
            as i:
        i.run("mailuser", "import", "-", input="".join(
            f"{name},{{PLAIN}}pw\n" for name in names))
        c = Client(i)
        c.s.sendall(b"LHLO c\r\n")
        said = b""
        while b"250 ENHANCEDSTATUSCODES" not in said:
            said += c.s.recv(4096)
        assert b"\r\n250-LIMITS RCPTMAX=100\r\n" in said
        assert c.say(b"MAIL FROM:<x@c.example>") == "250"
        for name in names[:100]:
            assert c.say(b"RCPT TO:<%s>" % name.encode()) == "250"
        assert c.say(b"RCPT TO:<%s>" % names[100].encode()) == "452"
        assert c.say(b"DATA") == "354"
        c.s.sendall(b"Subject: many\r\n\r\nx\r\n.\r\n")
        assert [c.reply() for _ in range(100)] == ["250"] * 100
        c.close()
        boxes = i.dir / "mail" / domain
        assert len(list(boxes.glob("*/new/*"))) == 100
