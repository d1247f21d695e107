"""A queue with nothing to do does nothing: no system call, no write."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from device import Device
from fakes import FakeSMTP
from instance import Instance, wait_for

needs_strace = pytest.mark.skipif(
    not shutil.which("strace") or os.geteuid() != 0, reason="no strace")
IDLE = float(os.environ.get("IDLE_SECONDS", 4))     # 180 for the whole proof


def calls(pid, seconds, tmp):
    """What strace sees of a process, its helpers too, in that time."""
    out = tmp / "strace"
    helpers = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    argv = ["strace", "-f", "-o", str(out)]
    for p in [str(pid), *helpers.split()]:
        argv += ["-p", p]
    p = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    wait_for(lambda: "TracerPid:\t0" not in
             pathlib.Path(f"/proc/{pid}/status").read_text())
    time.sleep(seconds)
    p.send_signal(signal.SIGINT)
    p.wait(10)
    # where each of them was when we came is no call of that time
    return [line for line in out.read_text().splitlines()
            if "detached" not in line and "resuming interrupted" not in line
            and "restart_syscall" not in line
            and not line.rstrip().endswith("<unfinished ...>")]


def cputime(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return words[13:15], [line for line in status.splitlines()
                          if "ctxt_switches" in line]


@needs_strace
def test_idle_queue_makes_no_system_call(tmp_path):
    with FakeSMTP() as far, Device(f"smarthost 127.0.0.1:{far.port} none\n"
                                   ) as d:
        d.send()
        wait_for(lambda: far.messages and not d.spooled())
        d.send("nobody@b.test", text="Subject: x\n\nx\n")
        wait_for(lambda: len(far.messages) == 2 and not d.spooled())
        # the connection is kept for 5 s; who is remembered goes within 60
        wait_for(lambda: "QUIT" in far.lines, 10)
        time.sleep(0.3)
        files = {p: p.stat().st_mtime_ns for p in d.dir.rglob("*")}
        before = cputime(d.queue.pid)
        seen = calls(d.queue.pid, IDLE, tmp_path)
        # at most the one look for sites to forget, a minute after the last
        timers = [n for n in seen if "epoll_" in n]
        assert len(seen) <= len(timers) <= (0 if IDLE < 50 else 2), seen
        assert cputime(d.queue.pid)[0] == before[0]
        assert {p: p.stat().st_mtime_ns for p in d.dir.rglob("*")} == files


@needs_strace
def test_never_had_any_mail(tmp_path):
    """No timer at all: what is true for seconds is true for ever."""
    with Device() as d:
        out = tmp_path / "waits"
        assert calls(d.queue.pid, 1, tmp_path) == []
        with out.open("w") as to:           # with -o it would keep it back
            p = subprocess.Popen(["strace", "-p", str(d.queue.pid)],
                                 stderr=to)
        wait_for(lambda: "TracerPid:\t0" not in pathlib.Path(
            f"/proc/{d.queue.pid}/status").read_text())
        for n in (1, 2, 3):                     # it looks, and waits anew
            d.queue.send_signal(signal.SIGHUP)
            wait_for(lambda: out.read_text().count("0 entries") == n)
        p.send_signal(signal.SIGINT)
        p.wait(10)
        waits = [n for n in out.read_text().splitlines() if "epoll_" in n
                 and "detached" not in n]
        assert len(waits) >= 2 and all(", -1)" in n for n in waits), waits


def test_what_comes_without_a_word():
    """A file that nobody tells of is seen at SIGHUP, and at mailq -q."""
    with FakeSMTP() as far, Device(f"smarthost 127.0.0.1:{far.port} none\n",
                                   start=False) as d:
        d.send()
        path, = d.spooled()
        away = d.dir / path.name
        path.rename(away)
        d.start()
        for how in (lambda: d.queue.send_signal(signal.SIGHUP),
                    lambda: d.run("mailq", "--flush")):
            n = len(far.messages)
            shutil.copy(away, path)
            time.sleep(0.2)
            assert len(far.messages) == n
            how()
            wait_for(lambda: len(far.messages) == n + 1)
            wait_for(lambda: not d.spooled())


def test_smtpd_that_starts_anew_says_look():
    """It may have been killed between its 250 and its word to queue."""
    with Instance(extra="route b.test smtp:[127.0.0.1]:1\n") as i:
        i.run("sendmail", "x@b.test", input="Subject: x\n\nx\n")
        i.wait_log("x@b.test.*deferred")
        path, = i.spooled()
        twin = path.with_name("1k19a4g5z1jj125smq6")
        text = path.read_bytes().replace(path.name.encode(),
                                         twin.name.encode())
        twin.write_bytes(text)      # its CRC is wrong: set aside, and logged
        time.sleep(0.2)
        assert twin.exists()
        for pid in i.pids("smtpd")[:1]:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not twin.exists(), 15)
