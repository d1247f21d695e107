"""deliver is killed, or the power fails, before each of its steps. Each message
that LMTP has acknowledged is then whole in its mailbox; what was not is sent
again, as queue does it, and is there once in the end.

FAULT=all takes every step; without it a sample does. -s shows how many.
"""

import gzip
import hashlib
import os
import pathlib
import pwd
import random
import re
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from instance import BIN, Instance, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import steps  # noqa: E402

ALL = os.environ.get("FAULT") == "all"
SAMPLE = 8
pytestmark = [
    pytest.mark.skipif(not shutil.which("cc"), reason="no compiler"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for mboxes")]
SYSTEM = "nobody"
# who gets what, and how many lines there are
MAIL = [
    ("one", ["alice@a.test"], 3),
    ("box", [SYSTEM + "@a.test"], 40),
    ("all", ["alice@a.test", SYSTEM + "@a.test", "bob@a.test"], 30),
    ("big", ["bob@a.test"], 3000),
    ("two", [SYSTEM + "@a.test", "alice@a.test"], 2000),
]


def text_of(tag, lines):
    """From_ lines to be quoted, and no empty last line."""
    rng = random.Random(tag)
    body = "\n".join(
        rng.choice(["From me", ">From you", ".", "", "x" * rng.randrange(70)])
        for _ in range(lines)) + "\nend\n"
    return f"Subject: {tag}\nX-Tag: {tag}\n\n{body}"


class House:
    """authd for all runs, a deliver for each."""

    def __init__(self, extra=""):
        folder = tempfile.mkdtemp(prefix="pb", dir="/dev/shm" if
                                  os.path.isdir("/dev/shm") else None)
        self.so = steps.build(folder)
        self.i = Instance(start=False, folder=folder, omit=("system-users",),
                          extra="system-users yes\n" + extra)
        self.roots = [self.i.dir / "mail", self.i.dir / "mbox"]
        self.daemons, self.pressed = {}, 0
        self.start("authd")

    def start(self, name, env=None, dead=None):
        before = len(self.i.log())
        with open(self.i.log_path, "ab") as log:
            p = subprocess.Popen([name, "-f", "-C", str(self.i.conf)],
                                 executable=BIN, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log,
                                 env=dict(os.environ, **(env or {})))
        self.daemons[name] = p
        wait_for(lambda: f"{name}: ready" in self.i.log()[before:]
                 or (dead and dead.is_set()) or p.poll() is not None)

    def end(self, name):
        p = self.daemons.pop(name, None)
        if p:
            p.kill()
            p.wait(20)

    def reset(self):
        for root in self.roots:
            for entry in root.iterdir():
                if entry.is_dir() and entry.name != ".staging":
                    shutil.rmtree(entry)
                elif entry.is_file():
                    entry.unlink()
        self.i.log_path.write_text("")

    def close(self):
        for name in list(self.daemons):
            self.end(name)
        self.i.close()
        shutil.rmtree(self.i.dir, ignore_errors=True)

    def found(self):
        """[(tag, address)] of all that is in the mailboxes; whole, all of it."""
        got = []
        for user in ("alice", "bob"):
            for p in self.i.messages(user):
                data = p.read_bytes()
                if data[:2] == b"\x1f\x8b":
                    data = gzip.decompress(data)
                    self.pressed += 1
                got.append((self.tag(data), user + "@a.test"))
        box = self.i.dir / "mbox" / SYSTEM
        data = box.read_bytes() if box.exists() else b""
        parts = re.split(rb"(?:^|(?<=\n\n))From [^\n]*\n", data)
        assert parts[0] == b"", "before the first From_ line: %r" % parts[0]
        for part in parts[1:]:
            assert part.endswith(b"\n\n"), part[-100:]
            part = re.sub(rb"^>(>*From )", rb"\1", part[:-1], flags=re.M)
            got.append((self.tag(part), SYSTEM + "@a.test"))
        return got

    @staticmethod
    def tag(data):
        head, _, body = data.partition(b"\n\n")
        tag = re.search(rb"^X-Tag: (.*)$", head, re.M)[1].decode()
        lines = next(n for t, _, n in MAIL if t == tag)
        want = text_of(tag, lines).partition("\n\n")[2].encode()
        assert hashlib.sha256(body).digest() == \
            hashlib.sha256(want).digest(), f"{tag} is not whole"
        return tag


class Queue(threading.Thread):
    """Says to deliver what queue says; again until all is acknowledged."""

    def __init__(self, house, again=False, taken=()):
        super().__init__(daemon=True)
        self.house, self.again, self.taken = house, again, set(taken)

    def run(self):
        try:
            with smtplib.LMTP(str(self.house.i.dir / "run/deliver")) as s:
                s.sock.settimeout(20)
                s.ehlo()
                for number, (tag, rcpts, lines) in enumerate(MAIL):
                    self.one(s, number, tag, rcpts, lines)
        except (OSError, smtplib.SMTPException):
            pass

    def one(self, s, number, tag, rcpts, lines):
        rcpts = [r for r in rcpts if (tag, r) not in self.taken]
        if not rcpts:
            return
        s.mail("x@c.example", [f"XSPOOL=1k{number}x" +
                               (",again" if self.again else "")])
        rcpts = [r for r in rcpts if s.rcpt(r)[0] == 250]
        code, _ = s.docmd("DATA")
        if code != 354:
            return
        s.send(smtplib.quotedata(text_of(tag, lines)).encode() + b".\r\n")
        for r in rcpts:
            if s.getreply()[0] == 250:
                self.taken.add((tag, r))


def run(h, n, power):
    """(whether it came to step n, its Steps)"""
    h.reset()
    disk = steps.Disk(h.roots) if power else None
    s = steps.Steps(n, disk)
    client = Queue(h)
    try:
        h.start("deliver", s.env(h.so), s.dead)
        client.start()
        while client.is_alive() and not s.dead.is_set():
            client.join(0.02)
        died = s.dead.is_set()
        s.kill()
        h.end("deliver")
        client.join(20)
    finally:
        s.close()
    if power:
        disk.cut(steps.shuffled(n) if power == "some" else None, tails=True)
    second = Queue(h, True, client.taken)
    all_of_it = sorted((t, r) for t, rcpts, _ in MAIL for r in rcpts)
    h.start("deliver")
    end = time.monotonic() + 20
    while second.taken != set(all_of_it) and time.monotonic() < end:
        second = Queue(h, True, second.taken)
        second.start()
        second.join(20)
    h.end("deliver")
    assert sorted(h.found()) == all_of_it
    return died, s


def walk(h, power):
    _, whole = run(h, 0, power)
    if not whole.n:
        pytest.skip("a static binary, or another machine's")
    total, bad, done, missed = whole.n, [], 0, 0
    every = range(1, total + 20) if ALL else [
        (k + 1) * total // (SAMPLE + 1) for k in range(SAMPLE)]
    for n in every:
        try:
            died, _ = run(h, n, power)
        except AssertionError as e:
            bad.append(f"step {n}: {e}\n{h.i.log()[-3000:]}")
            continue
        done += died
        missed += not died          # the order is not always the same
        if missed == 3:
            break
    print(f"\ndeliver {power or 'kill'}: {done} of {total} steps")
    assert not bad, "\n".join(bad)
    assert done
    return whole.trace


@pytest.fixture(scope="module")
def house():
    h = House()
    yield h
    h.close()


def test_compressed():
    h = House("mailbox-gzip 4K\nmailbox-quota 1M\n")
    try:
        walk(h, "some")
        assert h.pressed
    finally:
        h.close()


@pytest.mark.parametrize("power", [None, "none", "some"])
def test_deliver(house, power):
    trace = walk(house, power)
    assert any(what == "syncfs" for _, what, _ in trace)
    assert any(what == "fsync" for _, what, _ in trace)
