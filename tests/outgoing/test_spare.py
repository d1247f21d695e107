"""Spool files that are used again: behind a short message there is the end of
somebody else's, which nobody may see."""

import os
import signal
import smtplib
import subprocess

import pytest

from fakes import FakeSMTP
from instance import Instance, wait_for

FAST = "retry-first 1s\nretry-most 1s\nrelay-from 127.0.0.0/8\n"
SECRET = "Subject: for bob alone\r\n\r\n" + "the secret\r\n" * 1100


def spare(i):
    return list((i.dir / "spool" / "spare").glob("*"))


def send(i, text, rcpt, sender="alice@a.test", mail=()):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.ehlo("c")
        assert s.mail(sender, mail)[0] == 250
        assert s.rcpt(rcpt)[0] == 250
        assert s.data(text)[0] == 250


def after_secrets(i, n, left=None):
    """That many files of longer messages that have gone; or so many left."""
    deliver = i.pids("deliver")
    for pid in deliver:
        os.kill(pid, signal.SIGSTOP)
    for _ in range(n):
        send(i, SECRET, "bob@a.test")
    for pid in deliver:
        os.kill(pid, signal.SIGCONT)
    i.wait_messages("bob", n)
    wait_for(lambda: not i.spooled())
    assert len(spare(i)) == (n if left is None else left)


def reused(i, n):
    """So many messages wait in such files."""
    wait_for(lambda: [f.stat().st_size > 12000 and "the secret" in f.read_text()
                      for f in i.spooled()] == [True] * n)


def route(domain, far):
    return f"route {domain} smtp:[127.0.0.1]:{far.port}\n"


def test_what_waits_what_goes_and_what_comes_back():
    """With a whole message in its report, with one that is a header alone."""
    later = "451 4.2.0 later"
    with FakeSMTP(replies={"RCPT": [later]}) as far, \
            FakeSMTP(replies={"RCPT": [later] * 2 + ["550 5.1.1 no"] * 2}) \
            as no, Instance(extra=FAST + route("b.test", far) +
                            route("c.test", no)) as i:
        after_secrets(i, 5)
        send(i, "Subject: goes\r\n\r\nshort\r\n", "y@b.test")
        for text in ("Subject: back\r\n\r\nshort\r\n", "Subject: no text\r\n"):
            send(i, text, "z@c.test", mail=["RET=FULL"])
        reused(i, 3)
        for path in i.wait_messages("alice", 2, 20):
            text = path.read_text()
            assert "550 5.1.1 no" in text and "the secret" not in text
        wait_for(lambda: far.messages, 20)
        assert far.messages[0][2].endswith(b"\r\n\r\nshort\r\n")


def test_an_alert_on_the_command_s_input(tmp_path):
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\nexec cat >{tmp_path}/mail\n")
    hook.chmod(0o755)
    with FakeSMTP(replies={"MAIL": ["451 4.3.0 later"] * 5}) as far, Instance(
            extra=FAST + route("b.test", far) +
            f"alerts root@a.test\nalert-command {hook}\n"
            "alert-command-after 1s\nwarn-after 0\n") as i:
        after_secrets(i, 1)
        send(i, "Subject: fire\r\n\r\nit burns\r\n", "me@b.test",
             sender="root@a.test")
        reused(i, 1)
        i.wait_log("alert-command has been told", 15)
        assert (tmp_path / "mail").read_bytes().endswith(
            b"\n\r\nit burns\r\n")
        wait_for(lambda: far.messages, 20)
        assert far.messages[0][2].endswith(b"\n\r\nit burns\r\n")


def test_alerts_that_become_one():
    with FakeSMTP() as far, Instance(
            extra=FAST + route("b.test", far) +
            "alerts root@a.test\nalert-merge 5s\n") as i:
        after_secrets(i, 6)
        for n in range(91, 95):
            send(i, f"Subject: disk {n}% full\r\n\r\n{n}\r\n",
                 "me@b.test", sender="root@a.test")
        reused(i, 3)
        wait_for(lambda: len(far.messages) == 2, 25)
        wait_for(lambda: not i.spooled())
        merged = far.messages[1][2]
        assert b"disk 94% full" in merged and b"the secret" not in merged


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")
@pytest.mark.parametrize("room, n", [("16m", 0), ("24m", 3)])
def test_a_small_disk_keeps_none(room, n):
    """Beside them there has to be as much as min-free-space says: 2 MB."""
    with Instance(start=False) as i:
        spool = i.dir / "spool"
        spool.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "x",
                        spool], check=True)
        try:
            i.start()
            after_secrets(i, 3, n)
        finally:
            i.stop()
            subprocess.run(["umount", spool], check=True)


def test_what_nobody_wants_goes():
    with Instance() as i:
        for _ in range(20):
            send(i, SECRET, "bob@a.test")
        i.wait_messages("bob", 20)
        wait_for(lambda: not i.spooled())
        wait_for(lambda: not spare(i), 15)
        assert os.listdir(i.dir / "spool" / "tmp") == []
