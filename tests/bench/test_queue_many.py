"""A long queue: memory and time of queue and mailq; one dead host, others.

make check has 3,000 messages; QUEUE_MANY=100000 for as many as were asked for.
"""

import json
import os
import pathlib
import re
import smtplib
import socket
import subprocess
import time

import pytest

import spoolfile
from instance import BIN, Instance, needs, wait_for

MANY = int(os.environ.get("QUEUE_MANY", "3000"))
EXTRA = "max-queue 200000\nretry-first 600s\nrelay-from 127.0.0.0/8\n"


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.M).group(1))


def fill(i, n, **kw):
    spoolfile.prepare(i)
    for k in range(n):
        spoolfile.put(i, "alice@a.test", [f"x{k}@dead.test"], **kw)


def listed(i):
    """(seconds, messages by state, kB that mailq took, kB if queue grew)"""
    start = time.monotonic()
    p = subprocess.Popen([BIN, "mailq", "-j"], env=i.env(),
                         stdout=subprocess.PIPE)
    states, most = {}, 0
    for n, line in enumerate(p.stdout):
        m = json.loads(line)
        states[m["state"]] = states.get(m["state"], 0) + 1
        if n % 1000 == 10:
            most = max(most, memory(p.pid))
    assert p.wait() == 0
    return time.monotonic() - start, states, most


@needs("MAILQ_ADMIN")
def test_many_wait():
    with Instance(start=False, extra=EXTRA) as i:
        fill(i, MANY, attempts=1, next_try=int(time.time()) + 3600)
        start = time.monotonic()
        i.start()
        ready = time.monotonic() - start
        wait_for(lambda: listed(i)[1] == {"waiting": MANY}, 60, 0.1)
        known = time.monotonic() - start
        (queue, *_) = i.pids("queue")
        seconds, states, most = listed(i)
        print(f"{MANY} wait: ready in {ready:.2f} s, all read by {known:.1f} s;"
              f" queue {memory(queue)} kB; mailq -j {seconds:.1f} s, {most} kB")
        start = time.monotonic()
        assert f"{MANY} messages held" in i.run("mailq", "-h", "-a").stdout
        print(f"all held in {time.monotonic() - start:.1f} s")
        assert memory(queue) <= 6 * 1024 + MANY * 32 * 1024 // 120000
        assert most <= 6 * 1024
        assert ready <= 10 and known <= 10 + MANY / 2000


@pytest.mark.parametrize("how", ["hangs", "refuses"])
def test_one_dead_host_does_not_delay_others(how):
    """90 % of the queue is for it; ten others' mail goes through at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as dead:
        port = dead.getsockname()[1]
        if how == "refuses":
            dead.close()
        with Instance(start=False, extra=EXTRA + "connect-timeout 60s\n"
                      f"route dead.test smtp:[127.0.0.1]:{port}\n") as i:
            fill(i, MANY * 9 // 10)
            i.start()
            start = time.monotonic()
            for n in range(10):
                with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
                    s.sendmail("alice@a.test", ["bob@a.test"],
                               "Subject: x\n\nx")
            i.wait_messages("bob", 10, 10)
            first = time.monotonic() - start
            # all of them tried at once, by the admin
            i.run("mailq", "-q")
            start = time.monotonic()
            with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
                s.sendmail("alice@a.test", ["alice@a.test"], "Subject: x\n\nx")
            i.wait_messages("alice", 1, 10)
            print(f"{how}: ten delivered in {first:.2f} s, one behind a flush "
                  f"in {time.monotonic() - start:.2f} s")
            assert first <= 5 and time.monotonic() - start <= 3
            wait_for(lambda: len(i.spooled()) == MANY * 9 // 10)
