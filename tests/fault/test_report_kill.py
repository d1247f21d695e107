"""A report of success that was promised comes, though queue is killed between
the delivery and the report; at worst it comes twice (docs/queue.md)."""

import os
import random
import signal
import smtplib
import time

from instance import Instance, wait_for


def told(i):
    return {line.split(": ")[1] for m in i.messages("alice")
            for line in m.read_text().splitlines()
            if line.startswith("Original-Envelope-Id: ")}


def send(i, first, n):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.ehlo()
        for k in range(first, first + n):
            s.mail("alice@a.test", ["RET=HDRS", f"ENVID=m{k}"])
            s.rcpt("bob@a.test", ["NOTIFY=SUCCESS"])
            assert s.data(f"Subject: {k}\r\n\r\nx\r\n")[0] == 250


def test_reports_survive_kills():
    with Instance(extra="retry-first 1s\nretry-most 1s\n") as i:
        for batch in range(15):
            send(i, batch * 10, 10)
            time.sleep(random.random() * 0.2)
            for pid in i.pids("queue")[:1]:
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not i.spooled() and len(told(i)) == 150, 60)
        assert len(i.messages("bob")) == 150
