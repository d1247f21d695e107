"""A maildrop of 100,000 messages: what it costs to have it open."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from instance import Instance, wait_for
from pop import Pop, dovecot_name, put

MANY = 100_000
TEXT = "Subject: x\n\nx\n"
EXTRA = "auth-without-tls yes\n"


def status(pid):
    return {k: int(v) * 1024 for k, v in re.findall(
        r"^(RssAnon|VmData):\s+(\d+) kB",
        pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)}


@pytest.fixture(scope="module")
def many():
    """In RAM, where there is room for so many files."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pb", dir=where))
    with Instance(folder=folder, extra=EXTRA) as i:
        box = i.maildir("alice")
        for n in range(MANY):
            put_empty(box, n)
        yield i
    shutil.rmtree(folder, ignore_errors=True)


def put_empty(box, n):
    """Sizes that only the name tells: who opens it finds nothing."""
    if n == 0:
        put(box, "0.first", "")
        (box / "new" / "0.first").unlink()
    flags = "S" if n % 2 else None
    name = dovecot_name(n, TEXT, flags)
    folder = "new" if flags is None else "cur"
    os.close(os.open(f"{box}/{folder}/{name}", os.O_CREAT | os.O_WRONLY))


def test_no_file_is_opened_and_24_octets_a_message(many, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    pid = many.pids("pop3d")[0]
    Pop(many.port["pop3"], ("bob@a.test", "bob-pw")).quit()
    before = status(pid)
    p = Pop(many.port["pop3"], login=None)
    p.ok("USER alice@a.test")
    trace = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o",
                              tmp_path / "trace", "-e",
                              "trace=open,openat,openat2,stat,newfstatat,"
                              "statx,fstat,read,pread64"],
                             stderr=subprocess.PIPE)
    assert b"attached" in trace.stderr.readline()
    assert p.ok("PASS alice-pw").endswith(f" {MANY} messages")
    size = len(TEXT) + TEXT.count("\n")
    assert p.ok("STAT") == f"+OK {MANY} {MANY * size}"
    listing = p.list("LIST")
    assert listing == [f"{n} {size}" for n in range(1, MANY + 1)]
    uids = p.uids()
    assert len(set(uids)) == MANY and max(map(len, uids)) <= 70
    assert p.ok("UIDL 77") == f"+OK 77 {uids[76]}"
    after = status(pid)
    trace.send_signal(signal.SIGINT)
    trace.wait(10)
    seen = (tmp_path / "trace").read_text()
    assert "alice" in seen and "cur" in seen, "nothing was traced"
    assert ".host" not in seen
    for kind in before:
        each = (after[kind] - before[kind]) / MANY
        print(f"{kind}: {each:.1f} octets a message")
        assert each <= 24, (kind, before, after)
    p.quit()


def test_one_after_the_other_costs_the_same(many, tmp_path):
    """Names are found where they stand, not by a walk through the folder."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    pid = many.pids("pop3d")[0]
    p = Pop(many.port["pop3"])
    p.list("RETR 1")
    p.list("RETR 2")
    trace = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o",
                              tmp_path / "trace", "-e", "trace=getdents64"],
                             stderr=subprocess.PIPE)
    assert b"attached" in trace.stderr.readline()
    for n in (*range(1000, 1400), *range(MANY, MANY - 100, -1),
              *range(1, MANY, 997)):
        p.list(f"RETR {n}")
    trace.send_signal(signal.SIGINT)
    trace.wait(10)
    octets = [int(n) for n in re.findall(r"= (\d+)\n",
                                         (tmp_path / "trace").read_text())]
    assert 600 <= len(octets) < 1300
    assert sum(octets) < 1300 * 1024
    p.quit()


def test_all_is_deleted(many):
    """... while another session goes on."""
    p = Pop(many.port["pop3"])
    p.sock.sendall(b"".join(b"DELE %d\r\n" % n for n in range(1, MANY + 1)))
    for _ in range(MANY):
        assert p.line().startswith("+OK")
    assert p.ok("STAT") == "+OK 0 0"
    p.send("QUIT")
    other = Pop(many.port["pop3"], ("bob@a.test", "bob-pw"))
    other.quit()
    assert p.line() == "+OK bye"
    wait_for(lambda: not many.messages("alice"))
