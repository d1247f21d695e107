"""kill -9 of queue while mailq changes messages: each is as it was, or as it is
to be; what was not deleted is delivered once."""

import contextlib
import json
import random
import subprocess
import time

import spoolfile
from fakes import FakeSMTP
from instance import BIN, Instance, wait_for

HOW = [["-h", "-a"], ["-H", "-a"], ["-r", "-a"], ["-d", "--from", "no@a.test"],
       ["-q", "-a"], ["-h", "--to", "@b.test"]]
KEPT, GONE = 400, 300


class Queue:
    """queue alone, without maild, which would take its time to start it again."""

    def __init__(self, i):
        self.i = i
        self.start()

    def start(self):
        before = len(self.i.log())
        with open(self.i.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["queue", "-f", "-C", str(self.i.conf)], executable=BIN,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.i.wait_log("queue: ready", since=before)

    def kill(self, again=True):
        self.process.kill()
        self.process.wait()
        if again:
            self.start()


@contextlib.contextmanager
def alone(extra):
    with Instance(start=False, extra=extra) as i:
        spoolfile.prepare(i)
        q = Queue(i)
        try:
            yield i, q
        finally:
            q.kill(again=False)


def states(i):
    out = i.run("mailq", "-j").stdout
    return [json.loads(line) for line in out.splitlines()]


def test_changes_survive_kills():
    random.seed(9)
    with FakeSMTP() as dead:
        port = dead.port
    with alone("retry-first 1s\nretry-most 2s\n"
               f"route b.test smtp:[127.0.0.1]:{port}\n") as (i, q):
        for n in range(KEPT):
            spoolfile.put(i, "yes@a.test", [f"x{n}@b.test", f"y{n}@b.test"])
        for n in range(GONE):
            spoolfile.put(i, "no@a.test", ["z@b.test"])
        cut = 0
        for turn in range(30):
            p = subprocess.Popen([BIN, "mailq", *HOW[turn % len(HOW)]],
                                 env=i.env(), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            time.sleep(random.random() * 0.06)
            q.kill()
            cut += p.wait(20) == 69
        assert cut > 5, "no change was cut in the middle"
        kept = [m for m in states(i) if m["sender"] == "yes@a.test"]
        assert len(kept) == KEPT
        assert not list((i.dir / "spool" / "damaged").glob("*"))
        i.run("mailq", "-d", "--from", "no@a.test", check=False)
        i.run("mailq", "-h", "-a")
        q.kill()
        assert {m["state"] for m in states(i)} == {"held"}
        assert len(states(i)) == KEPT
        with FakeSMTP(port=port) as s:
            i.run("mailq", "-H", "-a")
            wait_for(lambda: not i.spooled(), 60)
            time.sleep(0.5)
            got = sorted(r for m in s.messages for r in m[1])
            assert got == sorted(f"{c}{n}@b.test" for c in "xy"
                                 for n in range(KEPT))
            assert {m[0] for m in s.messages} == {"yes@a.test"}
        assert not list((i.dir / "spool" / "damaged").glob("*"))


def test_kills_while_messages_are_sent_and_changed():
    """Nothing is lost; twice has only what was under way when it was killed."""
    random.seed(10)
    with FakeSMTP() as s, alone(
            "retry-first 1s\nretry-most 2s\n"
            f"route b.test smtp:[127.0.0.1]:{s.port}\n") as (i, q):
        kills = 0
        for n in range(600):
            spoolfile.put(i, "yes@a.test", [f"x{n}@b.test"])
            if n % 20 == 10:
                i.run("mailq", random.choice(["-h", "-r", "-q"]), "-a",
                      check=False)
            if n % 40 == 30:
                q.kill()
                kills += 1
        i.run("mailq", "-q", check=False)
        i.run("mailq", "-H", "-a", check=False)
        wait_for(lambda: not i.spooled(), 60)
        time.sleep(0.5)
        got = [r for m in s.messages for r in m[1]]
        assert set(got) == {f"x{n}@b.test" for n in range(600)}
        links = 10                  # queue-sessions-per-host, at most
        assert len(got) - len(set(got)) <= kills * links
