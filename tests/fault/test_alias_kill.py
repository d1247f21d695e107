"""A list's message comes to each once, wherever queue was killed (docs/queue.md)."""

import collections
import os
import random
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time

import pytest

from instance import Instance, wait_for
from spoolfile import prepare, put, record

LIST = "all: alice, bob, carol\n"
MESSAGE = b"From: x@b.test\r\nSubject: one\r\n\r\nx\r\n"


def instance(**kw):
    i = Instance(users=("alice", "bob", "carol"), start=False,
                 extra="retry-first 1s\nretry-most 1s\n", **kw)
    (i.dir / "aliases").write_text(LIST)
    prepare(i)
    return i


def subjects(i, user):
    return collections.Counter(
        re.search(r"^Subject: (.*)$", m.read_text(), re.M)[1]
        for m in i.messages(user))


def once(i, user="alice"):
    return subjects(i, user) == {"one": 1}


def child(i, parent, number="0000", **kw):
    """As queue makes it for the parent's first recipient."""
    return put(i, "x@b.test", ["alice@a.test", "bob@a.test", "carol@a.test"],
               message=b"Delivered-To: all@a.test\r\n" + MESSAGE,
               name=parent + number, origin=f"alias {parent}", **kw)


def wait_empty(i, seconds=15):
    wait_for(lambda: not i.spooled(), seconds)


def test_killed_before_the_mark():
    """The child is there, durable; its parent still waits."""
    with instance() as i:
        parent = put(i, "x@b.test", ["all@a.test"], message=MESSAGE)
        child(i, parent)
        i.start()
        wait_empty(i)
        assert all(once(i, u) for u in ("alice", "bob", "carol"))
        assert "expanded to 3" in i.log() or "is marked as" in i.log()


def test_killed_before_the_mark_and_the_parent_is_not_due():
    """The child does not go before its parent has the mark."""
    with instance() as i:
        parent = put(i, "x@b.test", ["all@a.test"], message=MESSAGE,
                     attempts=1, next_try=int(time.time()) + 600)
        child(i, parent)
        i.start()
        for user in ("alice", "bob", "carol"):
            i.wait_messages(user, 1)
        assert f"{parent}: is marked as {parent}0000 has it" in i.log()
        i.wait_log("status=sent")
        assert i.log().index("is marked as") < i.log().index("status=sent")
        i.run("mailq", "-q")
        wait_empty(i)
        assert all(once(i, u) for u in ("alice", "bob", "carol"))


def test_killed_after_the_mark():
    with instance() as i:
        parent = put(i, "x@b.test", ["all@a.test"], message=MESSAGE)
        path = i.dir / "spool" / "msg" / parent
        path.write_bytes(path.read_bytes().replace(b"\nw all", b"\nd all"))
        child(i, parent)
        i.start()
        wait_empty(i)
        assert all(once(i, u) for u in ("alice", "bob", "carol"))
        assert "expanded" not in i.log()


@pytest.mark.parametrize("cut", [0, 20, 60, 200, -1, "zero"])
def test_power_failed_before_the_child_was_durable(cut):
    """It is set aside and made anew."""
    with instance() as i:
        parent = put(i, "x@b.test", ["all@a.test"], message=MESSAGE)
        path = i.dir / "spool" / "msg" / child(i, parent)
        data = path.read_bytes()
        path.write_bytes(data[:-9] + b"\0" * 9 if cut == "zero" else data[:cut])
        i.start()
        wait_empty(i)
        assert all(once(i, u) for u in ("alice", "bob", "carol"))
        assert len(list((i.dir / "spool" / "damaged").iterdir())) == 1


def test_killed_while_the_child_is_a_draft():
    with instance() as i:
        parent = put(i, "x@b.test", ["all@a.test"], message=MESSAGE)
        (i.dir / "spool" / "tmp").mkdir(mode=0o700)
        (i.dir / "spool" / "tmp" / (parent + "0000")).write_bytes(b"unfin")
        i.start()
        wait_empty(i)
        assert once(i) and not list((i.dir / "spool" / "tmp").iterdir())


def test_a_child_is_not_expanded_again():
    """... and nobody can make himself one: a user's origin is not his to say."""
    with instance() as i:
        parent = "1k10gzpdsnwkg1s5nz1"
        put(i, "x@b.test", ["all@a.test"], message=MESSAGE,
            name=parent + "0000", origin=f"alias {parent}")
        i.start()
        i.wait_log("551 5.1.6")
        assert "expanded" not in i.log()


def test_kills_under_load():
    """Each message to the list once to each, though queue dies and dies."""
    with instance() as i:
        i.conf.write_text(i.conf.read_text() + "relay-from 127.0.0.0/8\n")
        i.start()
        n = 0
        for _ in range(10):
            with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
                for _ in range(8):
                    s.sendmail("x@b.test", ["all@a.test"],
                               f"Subject: m{n}\r\n\r\n" + "x" * 3000)
                    n += 1
            time.sleep(random.random() * 0.05)
            for pid in i.pids("queue"):
                os.kill(pid, signal.SIGKILL)
            i.stop()                    # maild takes ever longer by itself
            i.start()
        wait_empty(i, 60)
        for user in ("alice", "bob", "carol"):
            got = subjects(i, user)
            assert len(got) == n, "lost"
            assert max(got.values()) == 1, "doubled"
        assert not list((i.dir / "spool" / "damaged").iterdir())


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_the_child_waits_for_the_flush_of_the_mark():
    """What a power cut could not show us: the order of the system calls."""
    with tempfile.NamedTemporaryFile("r") as trace, instance() as i:
        i.conf.write_text(i.conf.read_text() + "spool-sync files\n")
        i.start()
        p = subprocess.Popen(
            ["strace", "-o", trace.name, "-e", "pwrite64,fsync,renameat,connect",
             *(f"-p{pid}" for pid in i.pids("queue"))], stderr=subprocess.PIPE)
        for _ in i.pids("queue"):
            assert b"attached" in p.stderr.readline()
        i.run("sendmail", "-f", "alice@a.test", "all@a.test", input="x\n")
        i.wait_messages("carol", 1)
        wait_empty(i)
        p.terminate()
        p.wait(10)
        calls = trace.read().splitlines()

    def after(start, pattern):
        return next(n for n in range(start, len(calls))
                    if re.search(pattern, calls[n]))

    made = after(0, r'renameat\(.*\w{19}0000"')
    durable = after(made, r"fsync\(.* = 0|fsync resumed.* = 0")
    marked = after(durable, r'pwrite64\(\d+, "d", 1,')
    flushed = after(marked, r"fsync\(.* = 0|fsync resumed.* = 0")
    assert after(0, r'connect\(.*/deliver"') > flushed
