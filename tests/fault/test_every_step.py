"""queue is killed, or the power fails, before each of its steps; what became of
each recipient is then compared with what docs/queue.md promises.

FAULT=all takes every step; without it a sample does. -s shows the table.
"""

import collections
import contextlib
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

import spoolfile
from fakes import FakeSMTP, Session
from instance import BIN, Instance, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import steps  # noqa: E402

ALL = os.environ.get("FAULT") == "all"
SAMPLE = 4
SLOW = {"digest", "spill"}           # they wait for a second or two
pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
CONF = """retry-first 1s
retry-most 1s
warn-after 1h
alerts root@a.test
alert-merge 1s
relay-from 127.0.0.0/8
route b.test smtp:[127.0.0.1]:%d
"""
ALIASES = "all: alice, bob, carol\nteam: bob, out@b.test\nowner-team: alice\n"
DAYS = 86400


class Far(FakeSMTP):
    """Knows how many talk to it."""

    def __init__(self):
        self.busy = 0
        super().__init__()

    def process_request_thread(self, request, client_address):
        self.busy += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.busy -= 1


class House:
    """authd and deliver for all runs, a queue for each."""

    def __init__(self, folder, extra="", spill=False):
        self.so = steps.build(folder)
        self.far = Far()
        self.flash = pathlib.Path(folder) / "flash"
        if spill:
            extra += f"spill-dir {self.flash}\nspill-after 1s\n"
        # a flush takes no time there, and ours are told by step.c
        self.memory = tempfile.mkdtemp(prefix="pb", dir="/dev/shm" if
                                       os.path.isdir("/dev/shm") else None)
        self.i = Instance(users=("alice", "bob", "carol"), start=False,
                          folder=self.memory, extra=CONF % self.far.port + extra)
        (self.i.dir / "aliases").write_text(ALIASES)
        spoolfile.prepare(self.i)
        self.daemons = {}
        for name in ("authd", "deliver"):
            self.daemon(name)
        self.spool = self.i.dir / "spool"
        self.folders = [self.spool / "msg", self.flash / "msg"]

    def daemon(self, name, env=None):
        before = len(self.i.log())
        with open(self.i.log_path, "ab") as log:
            p = subprocess.Popen([name, "-f", "-C", str(self.i.conf)],
                                 executable=BIN, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log,
                                 env=dict(os.environ, **(env or {})))
        self.daemons[name] = p
        return before

    def ready(self, name, before, dead=None):
        wait_for(lambda: f"{name}: ready" in self.i.log()[before:]
                 or (dead and dead.is_set())
                 or self.daemons[name].poll() is not None)

    def end(self, name):
        p = self.daemons.pop(name, None)
        if p:
            p.kill()
            p.wait(20)

    def reset(self):
        for root in (self.spool, self.flash, self.i.dir / "mail"):
            for folder, _, names in os.walk(root):
                for name in names:
                    if name != "lock":
                        os.unlink(os.path.join(folder, name))
        self.far.messages.clear()
        self.far.replies.clear()
        self.far.replies.update({
            "RCPT <no@b.test>": ["550 5.1.1 no"] * 99,
            "RCPT <never@b.test>": ["450 4.2.0 not now"] * 99,
            "RCPT <later@b.test>": ["450 4.2.0 later"],
            "RCPT <late@b.test>": ["450 4.2.0 later"]})
        self.i.log_path.write_text("")

    def put(self, tag, sender, rcpts, body=b"x\r\n", subject=None,
            dsn=None, **kw):
        text = b"From: <%s>\r\nSubject: %s\r\nX-Tag: %s\r\n\r\n" % (
            sender.encode(), (subject or tag).encode(), tag.encode())
        return spoolfile.put(self.i, sender, rcpts, message=text + body,
                             dsn=f"ENVID={tag}" if dsn is None else dsn, **kw)

    def waiting(self):
        return [p for f in self.folders if f.is_dir() for p in f.iterdir()]

    def boxes(self):
        """(user, message) of all mailboxes."""
        return [(u, p.read_bytes()) for u in ("alice", "bob", "carol")
                for p in self.i.messages(u)]

    def flush(self):
        with contextlib.suppress(OSError), socket.socket(
                socket.AF_UNIX) as s:
            s.settimeout(2)
            s.connect(str(self.i.dir / "run" / "queue.ctl"))
            s.sendall(b"FLUSH\n")
            s.recv(1000)

    def close(self):
        for name in list(self.daemons):
            self.end(name)
        self.far.close()
        self.i.close()
        shutil.rmtree(self.memory, ignore_errors=True)


class Count:
    """Who got what: {(tag, address): n}, and reports: {what: {Message-ID}}."""

    def __init__(self, house):
        self.got = collections.Counter()
        self.reports = collections.defaultdict(set)
        for user, body in house.boxes():
            self.add(user + "@a.test", body)
        for _, rcpts, body in list(house.far.messages):
            for r in rcpts:
                self.add(r, body)

    def add(self, address, body):
        told = steps.reports(body)
        for what in told:
            self.reports[what].add(steps.message_id(body))
        if not told:
            for tag in steps.tags(body):
                self.got[tag.decode(), address] += 1


class Model:
    """What a run has to come to, and what a restart found."""

    def __init__(self, house, expected, told):
        self.house, self.expected, self.told = house, expected, told
        self.maybe, self.client = set(), None

    def send(self, one, sent):
        """one(tag) is true when it was acknowledged; sent: {(tag, address)}."""
        self.maybe = set(sent)

        def run():
            for tag in sorted({t for t, _ in sent}):
                try:
                    taken = one(tag)
                except (OSError, smtplib.SMTPException):
                    continue
                if taken:
                    self.expected |= {k for k in sent if k[0] == tag}

        self.client = threading.Thread(target=run, daemon=True)

    def found(self):
        """After the kill: how many may be had of each."""
        if self.client and self.client.ident:
            self.client.join(20)
        self.maybe -= self.expected
        before = Count(self.house)
        self.most = collections.Counter(before.got)
        self.ids = {what: set(ids) for what, ids in before.reports.items()}
        letters = steps.letters(self.house.folders)
        merged = {name for one in letters.values()
                  if one.origin.startswith("digest ")
                  for name in one.origin.split()[1:]}
        for name, letter in letters.items():
            if not letter.whole or name in merged:
                continue
            for what in steps.reports(letter.body):
                self.ids.setdefault(what, set()).add(
                    steps.message_id(letter.body))
            for rcpt, state in letter.rcpts.items():
                for tag in steps.tags(letter.body):
                    if letter.sender and state == "w":
                        self.most[tag.decode(), rcpt] += 1
        if not self.ids.get(("slow", "late@b.test", "delayed")):
            # no second try in vain, no warning
            self.house.far.replies["RCPT <late@b.test>"] = ["450 4.2.0 later"]

    def in_memory(self):
        """Nobody has promised that it outlives a power cut."""
        return {(t.decode(), r) for letter in
                steps.letters(self.house.folders[:1]).values()
                for t in steps.tags(letter.body)
                for r, state in letter.rcpts.items() if state == "w"}

    def settled(self):
        if self.client and self.client.is_alive():
            return False
        c = Count(self.house)
        return not self.house.waiting() and all(
            c.got[k] for k in self.expected) and all(
            c.reports[k] for k in self.told)

    def judge(self):
        """How often other hosts got one twice; no report comes twice."""
        c, twice = Count(self.house), 0
        for k in self.expected:
            assert c.got[k], f"{k} is lost"
            if k[1].endswith("@a.test"):
                assert c.got[k] == 1, f"{k} came {c.got[k]} times"
            assert c.got[k] <= max(1, self.most[k]), \
                f"{k}: {c.got[k]} times, not {self.most[k]}"
            twice += c.got[k] - 1
        for k in self.told:
            n = len(c.reports[k])
            assert n, f"nobody is told of {k}"
            assert n == 1, f"{k} is told {n} times"
        assert set(c.got) <= self.expected | self.maybe, set(c.got)
        assert all(c.got[k] <= max(1, self.most[k]) for k in self.maybe)
        assert set(c.reports) <= set(self.told), set(c.reports)
        return twice


def recipients(h):
    """Here, there, refused, put off, out of time, warned, with DSN."""
    h.put("one", "alice@a.test", ["bob@a.test", "yes@b.test", "no@b.test",
                                  "later@b.test"])
    old = int(time.time()) - 20 * DAYS
    h.put("old", "alice@a.test", ["never@b.test"], created=old,
          attempts=10 ** 6)
    h.put("dsn", "alice@a.test", ["carol@a.test\tNOTIFY=SUCCESS",
                                  "dsn@b.test\tNOTIFY=SUCCESS"])
    h.put("slow", "alice@a.test", ["late@b.test"],
          created=int(time.time()) - 3 * 3600, attempts=3600 * 3)
    return Model(h, {("one", "bob@a.test"), ("one", "yes@b.test"),
                     ("one", "later@b.test"), ("dsn", "carol@a.test"),
                     ("dsn", "dsn@b.test"), ("slow", "late@b.test")},
                 {("one", "no@b.test", "failed"),
                  ("old", "never@b.test", "failed"),
                  ("slow", "late@b.test", "delayed"),
                  ("dsn", "carol@a.test", "delivered"),
                  ("dsn", "dsn@b.test", "relayed")})


def aliases(h):
    """An alias of three, a list with an owner, one with NOTIFY=SUCCESS."""
    h.put("all", "alice@a.test", ["all@a.test\tNOTIFY=SUCCESS", "no@b.test"])
    h.put("team", "x@c.test", ["team@a.test"])
    return Model(h, {("all", u + "@a.test") for u in ("alice", "bob", "carol")}
                 | {("team", "bob@a.test"), ("team", "out@b.test")},
                 {("all", "no@b.test", "failed"),
                  ("all", "all@a.test", "expanded")})


def forwards(h):
    """alice keeps a copy, bob does not and is in her .forward, too."""
    for user, text in (("alice", "alice, bob, out@b.test\n"),
                       ("bob", "carol\n")):
        h.i.maildir(user).mkdir(parents=True, exist_ok=True)
        (h.i.maildir(user) / "forward").write_text(text)
    h.put("one", "alice@a.test", ["alice@a.test\tNOTIFY=SUCCESS",
                                  "no@b.test"])
    return Model(h, {("one", "alice@a.test"), ("one", "carol@a.test"),
                     ("one", "out@b.test")},
                 {("one", "no@b.test", "failed"),
                  ("one", "alice@a.test", "expanded")})


def digest(h):
    """The first goes, the others are merged."""
    for n in range(4):
        h.put(f"disk{n}", "root@a.test", ["me@b.test"], subject=f"disk {n}%",
              dsn="")
    return Model(h, {(f"disk{n}", "me@b.test") for n in range(4)}, set())


def spill(h):
    """Put off for longer than spill-after."""
    h.put("one", "alice@a.test", ["bob@a.test", "yes@b.test", "later@b.test"])
    h.far.replies["RCPT <later@b.test>"] = ["450 4.2.0 later"] * 3
    return Model(h, {("one", "bob@a.test"), ("one", "yes@b.test"),
                     ("one", "later@b.test")}, set())


def submit(h):
    """To queue itself, as sendmail does it."""
    def one(tag):
        text = f"Subject: x\nX-Tag: {tag}\n\nx\n"
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(h.i.dir / "run" / "queue.ctl"))
            s.sendall(f"SUBMIT\t{len(text)}\t-\talice@a.test\t\n"
                      "bob@a.test\t\nyes@b.test\t\n\n".encode())
            f = s.makefile("rb")
            if not f.readline().startswith(b"354"):
                return False
            s.sendall(text.encode())
            return f.readline().startswith(b"250")

    m = Model(h, set(), set())
    m.send(one, {(f"s{n}", a) for n in range(3)
                 for a in ("bob@a.test", "yes@b.test")})
    return m


def intake(h):
    """By way of smtpd; one of the messages is no small one."""
    def one(tag):
        text = f"Subject: x\r\nX-Tag: {tag}\r\n\r\n"
        with smtplib.SMTP("127.0.0.1", h.i.port["smtp"], timeout=20) as s:
            s.sendmail("x@c.test", ["bob@a.test", "yes@b.test"],
                       text + "x\r\n" * (20000 if tag == "i1" else 1))
            return True

    m = Model(h, set(), set())
    m.send(one, {(f"i{n}", a) for n in range(3)
                 for a in ("bob@a.test", "yes@b.test")})
    return m


def run(h, fill, n, power=None):
    """One run that ends at step n. None: there is no such step."""
    h.reset()
    if power:
        h.end("deliver")
    model = fill(h)
    disk = steps.Disk([h.spool, h.flash, h.i.dir / "mail"]) if power else None
    s = steps.Steps(n, disk)
    try:
        if power:
            h.ready("deliver", h.daemon("deliver", s.env(h.so)), s.dead)
        if not s.dead.is_set():
            h.ready("queue", h.daemon("queue", s.env(h.so)), s.dead)
        if fill is intake and not s.dead.is_set():
            h.ready("smtpd", h.daemon("smtpd", s.env(h.so)), s.dead)
        if model.client and not s.dead.is_set():
            model.client.start()
        end, nudge = time.monotonic() + 20, 0
        while not s.dead.is_set() and not model.settled():
            assert time.monotonic() < end, "it does not end by itself"
            time.sleep(0.02)
            nudge += 1
            if nudge % 10 == 0 and fill is not spill:
                h.flush()
        died = s.dead.is_set()
        if not died:
            s.kill()
        for name in ("queue", "smtpd", *(["deliver"] if power else [])):
            h.end(name)
    finally:
        s.close()
    wait_for(lambda: h.far.busy == 0)
    memory = set()
    if power and fill is spill:
        memory = model.in_memory()
        disk.safe[h.spool] = {}
    if power:
        disk.cut(steps.shuffled(n) if power == "some" else None,
                 [h.spool] if fill is spill else [])
    model.found()
    lost = {k for k in model.expected if not model.most[k]} & memory
    model.expected -= lost
    if power:
        h.ready("deliver", h.daemon("deliver"))
    h.ready("queue", h.daemon("queue"))
    end, nudge = time.monotonic() + 20, 0
    while not model.settled() and time.monotonic() < end:
        time.sleep(0.02)
        nudge += 1
        if nudge % 10 == 0:
            h.flush()
    h.end("queue")
    damaged = list((h.spool / "damaged").glob("*"))
    if power:
        damaged = [p for p in damaged
                   if str(h.spool / "msg" / p.name) in disk.safe[h.spool]]
    assert not damaged
    return died, s, model.judge()


def walk(h, fill, power=None):
    """Every step, or some; prints a row of the table."""
    if not ALL and power == "none" and fill.__name__ in SLOW:
        pytest.skip("FAULT=all only")
    _, whole, _ = run(h, fill, 0, power)
    if not whole.n:
        pytest.skip("a static binary, or another machine's")
    total, bad, rows, missed = whole.n, [], [], 0
    sample = SAMPLE - (fill.__name__ in SLOW)
    every = range(1, total + 20) if ALL else [
        (k + 1) * total // (sample + 1) for k in range(sample)]
    for n in every:
        try:
            died, s, twice = run(h, fill, n, power)
        except AssertionError as e:
            bad.append(f"step {n}: {e}\n{h.i.log()[-3000:]}")
            continue
        if not died:                # the order is not always the same
            missed += 1
            if missed == 3:
                break
            continue
        rows.append((n, s.trace[-1], twice))
    print(f"\n{fill.__name__} {power or 'kill'}: {len(rows)} steps, doubled at"
          f" other hosts {sum(r[2] for r in rows)} in"
          f" {sum(r[2] > 0 for r in rows)}")
    for n, what, twice in rows:
        if twice:
            print("  ", n, what[1], what[2], twice)
    assert not bad, "\n".join(bad)
    assert rows
    return whole.trace


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    h = House(tmp_path_factory.mktemp("steps"))
    yield h
    h.close()


@pytest.mark.parametrize("fill", [recipients, aliases, digest, submit,
                                  intake])
@pytest.mark.parametrize("power", [None, "none", "some"])
def test_queue(house, fill, power):
    walk(house, fill, power)


@pytest.mark.parametrize("power", [None, "none", "some"])
def test_forward(tmp_path, power):
    h = House(tmp_path, "forward all\n")
    try:
        walk(h, forwards, power)
    finally:
        h.close()


@pytest.mark.parametrize("power", [None, "none", "some"])
def test_spill(tmp_path, power):
    h = House(tmp_path, spill=True)
    try:
        trace = walk(h, spill, power)
        assert any(what == "rename" and path.startswith(str(h.flash))
                   for _, what, path in trace)
    finally:
        h.close()


def test_the_end_spills_file_by_file(tmp_path):
    """spool-sync files holds for what an orderly stop moves, too."""
    h = House(tmp_path, "spool-sync files\n", spill=True)
    s = steps.Steps(0)
    try:
        h.reset()
        h.far.replies["RCPT <later@b.test>"] = ["450 4.2.0 later"] * 99
        name = h.put("one", "alice@a.test", ["later@b.test"])
        h.ready("queue", h.daemon("queue", s.env(h.so)))
        wait_for(lambda: "status=deferred" in h.i.log())
        h.daemons["queue"].terminate()
        h.daemons.pop("queue").wait(20)
        assert (h.flash / "msg" / name).exists() and s.n
        seen = [(what, p) for _, what, p in s.trace
                if p.startswith(str(h.flash))]
        assert ("fsync", str(h.flash / "msg" / name)) in seen, seen
        assert not [p for what, p in seen if what == "syncfs"], seen
    finally:
        s.close()
        h.close()


@pytest.mark.parametrize("fill", [recipients, aliases, intake])
@pytest.mark.parametrize("power", ["none", "some"])
def test_files_flushed_one_by_one(tmp_path, fill, power):
    """spool-sync files; that a removal was flushed the disk here forgets."""
    if not ALL and (power, fill) not in (("some", recipients),
                                         ("none", aliases)):
        pytest.skip("FAULT=all only")
    h = House(tmp_path, "spool-sync files\n")
    try:
        trace = walk(h, fill, power)
        assert any(what == "fsync" for _, what, _ in trace)
        assert not [p for _, what, p in trace if what == "syncfs"
                    and p.startswith(str(h.spool))]
    finally:
        h.close()
