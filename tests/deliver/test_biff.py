"""biff, and what terminals are told of new mail."""

import os
import pty
import select
import subprocess
import termios

import pytest

from instance import BIN, wait_for
from people import TEXT, House, needs_root


class Terminal:
    def __init__(self, uid=None, mode=0o720):
        self.master, self.slave = pty.openpty()
        self.name = os.ttyname(self.slave)
        if uid is not None:
            os.fchown(self.slave, uid, -1)
        os.fchmod(self.slave, mode)

    def read(self, seconds=0.0):
        got = b""
        while select.select([self.master], [], [], seconds)[0]:
            got += os.read(self.master, 4096)
            seconds = 0.1
        return got

    def biff(self, *args):
        p = subprocess.run([BIN, "biff", *args], stdin=self.slave,
                           capture_output=True, text=True, timeout=5)
        return p.returncode, p.stdout, p.stderr

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal():
    opened = []

    def make(*a, **kw):
        opened.append(Terminal(*a, **kw))
        return opened[-1]
    yield make
    for t in opened:
        t.close()


def test_biff(terminal):
    t = terminal(mode=0o620)
    assert t.biff() == (1, "is n\n", "")
    assert t.biff("y") == (0, "", "")
    assert os.fstat(t.slave).st_mode & 0o7777 == 0o720
    assert t.biff() == (0, "is y\n", "")
    assert t.biff("n") == (1, "", "")
    assert os.fstat(t.slave).st_mode & 0o7777 == 0o620
    os.fchmod(t.slave, 0o600)
    assert t.biff("y") == (0, "", "biff: nothing is shown while mesg is n\n")
    assert t.biff("x")[0] == 64
    p = subprocess.run([BIN, "biff"], stdin=subprocess.DEVNULL,
                       capture_output=True)
    assert p.returncode > 1 and p.stderr == b"biff: no terminal\n"


@needs_root
def test_notice(terminal):
    h = House("bob", "ann")
    try:
        bob, ann = (h.home[n].stat().st_uid for n in ("bob", "ann"))
        yes, no = terminal(bob), terminal(bob, mode=0o620)
        mesg, other = terminal(bob, mode=0o700), terminal(ann)
        stopped = terminal(bob)
        termios.tcflow(stopped.slave, termios.TCOOFF)
        h.send("bob@a.test", text=TEXT.replace("Xaver", "=?utf-8?q?J=C3=BCrg?=")
               .format(subject="=?utf-8?q?a_=1B[2J_?= \x1b]0;x\x07 \x9b1m end",
                       more="").replace("Hello", "\x1b[31m\r\nfirst\r\n\r\n"
                                        "\r\nsecond" + 200 * "x" +
                                        "\r\nthird\r\nHello")
               .encode("latin-1"))
        got = yes.read(10)
        wait_for(lambda: not h.spooled())
        assert got.count(b"\a") == 1
        assert not any(c < 32 and c not in b"\r\n\a" or c > 126 for c in got)
        lines = got.decode().replace("\a", "").replace("\r", "").split("\n")
        assert lines[1] == "New mail for bob from x@b.test"
        assert lines[2] == "From: J?rg <x@b.test>"
        assert lines[3].startswith("Subject: a ") and "end" in lines[3]
        assert lines[5] == "first" and lines[6].startswith("secondxxx")
        assert len(lines) == 8 and max(map(len, lines)) < 80
        for t in (no, mesg, other):
            assert t.read() == b""
        # base64 and other kinds are not shown
        h.send("bob@a.test", more="Content-Transfer-Encoding: base64\r\n")
        assert b"Hello" not in yes.read(10)
        h.send("bob@a.test", more="Content-Type: text/html\r\n")
        assert b"Hello" not in yes.read(10)
        h.send("bob@a.test", more="Content-Type: text/plain\r\n")
        assert b"Hello" in yes.read(10)
    finally:
        h.close()
