"""Alerts are merged and wait for the morning; what goes out has limits."""

import contextlib
import email
import json
import os
import shutil
import signal
import smtplib
import time

import pytest

from fakes import FakeSMTP
from instance import DAEMONS, Instance, wait_for

RELAY = "relay-from 127.0.0.0/8\nretry-first 1s\nretry-most 2s\n"
ALERTS = RELAY + "alerts root@a.test @nas.test\n"
faketime = pytest.mark.skipif(not shutil.which("faketime"),
                              reason="needs faketime")


def alert(i, subject, sender="root@a.test", to="me@b.test", body="text",
          more="", login=None):
    with smtplib.SMTP("127.0.0.1", i.port["smtp" if not login
                                          else "submission"]) as s:
        if login:
            s.starttls()
            s.login(login, login.split("@")[0] + "-pw")
        s.sendmail(sender, [to], f"From: <{sender}>\r\nTo: <{to}>\r\n"
                   f"Subject: {subject}\r\n{more}\r\n{body}\r\n")


class Far(FakeSMTP):
    def route(self):
        return f"route b.test smtp:[127.0.0.1]:{self.port}\n"

    def subjects(self):
        return [email.message_from_bytes(m[2])["Subject"]
                for m in self.messages]

    def parts(self, n):
        """The messages in the digest that came as the n-th."""
        m = email.message_from_bytes(self.messages[n][2])
        assert m.get_content_type() == "multipart/mixed"
        text, digest = m.get_payload()
        assert digest.get_content_type() == "multipart/digest"
        return text.get_payload(), [p.get_payload(0)
                                    for p in digest.get_payload()]


def reasons(i):
    return {r["reason"] for line in i.run("mailq", "-j").stdout.splitlines()
            for r in json.loads(line)["recipients"]}


def test_the_first_at_once_the_rest_as_one():
    with Far() as far, Instance(extra=ALERTS + far.route()
                                + "alert-merge 4s\n") as i:
        for n in range(91, 96):
            alert(i, f"Disk {n}% full", body=f"it is {n}")
        alert(i, "Fan stopped")
        alert(i, "Disk 99% full", sender="alice@a.test")
        alert(i, "Disk 98% full", to="other@b.test")
        alert(i, "disk 97% FULL", sender="ups@nas.test")
        alert(i, "Disk 96% full", more="X-Priority: 1 (Highest)\r\n")
        wait_for(lambda: len(far.messages) == 6)
        assert sorted(far.subjects()) == sorted([
            "Disk 91% full", "Fan stopped", "Disk 99% full", "Disk 98% full",
            "disk 97% FULL", "Disk 96% full"])
        assert reasons(i) == {"an alert like one before: goes with others in "
                              "a digest"}
        wait_for(lambda: not i.spooled(), 15)
        assert far.subjects()[6:] == ["[4] Disk 95% full"]
        assert far.messages[6][:2] == ("root@a.test", ["me@b.test"])
        text, parts = far.parts(6)
        assert [p["Subject"] for p in parts] == [
            f"Disk {n}% full" for n in range(92, 96)]
        assert [p.get_payload().strip() for p in parts] == [
            f"it is {n}" for n in range(92, 96)]
        assert "4 messages" in text and "Disk 93% full" in text
        # the digest is the first of a new time
        alert(i, "Disk 90% full")
        alert(i, "Disk 89% full")
        wait_for(lambda: not i.spooled(), 15)
        assert far.subjects()[7:] == ["[2] Disk 89% full"]


def test_alone_in_its_time_it_goes_as_it_is():
    with Far() as far, Instance(extra=ALERTS + far.route()
                                + "alert-merge 2s\n") as i:
        alert(i, "one 1")
        alert(i, "one 2")
        wait_for(lambda: not i.spooled(), 15)
        assert far.subjects() == ["one 1", "one 2"]


def test_local_mail_and_large_ones_are_not_kept():
    with Far() as far, Instance(extra=ALERTS + far.route()
                                + "alert-merge 1h\n") as i:
        for _ in range(3):
            alert(i, "same", to="bob@a.test")
            alert(i, "same", body="x" * 70 + ("\r\n" + "x" * 70) * 1000)
        wait_for(lambda: not i.spooled(), 15)
        assert len(i.wait_messages("bob", 3)) == len(far.messages) == 3


def test_nothing_is_lost_when_queue_is_killed():
    with Far() as far, Instance(extra=ALERTS + far.route()
                                + "alert-merge 2s\n") as i:
        for n in range(5):
            alert(i, f"kill {n}")
        wait_for(lambda: len(far.messages) == 1 and reasons(i))
        pids = [i.maild.pid] + [p for d in DAEMONS for p in i.pids(d)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        i.maild.wait()
        # their ports are free when they are gone
        wait_for(lambda: not any(i.pids(d) for d in DAEMONS))
        assert len(i.spooled()) == 4
        i.start()
        wait_for(lambda: not i.spooled(), 20)
        seen = []
        for n in range(len(far.messages)):
            m = email.message_from_bytes(far.messages[n][2])
            seen += [p["Subject"] for p in far.parts(n)[1]] \
                if m.is_multipart() else [m["Subject"]]
        assert sorted(seen) == [f"kill {n}" for n in range(5)]


def test_what_is_held_or_deleted_is_not_in_the_digest():
    with Far() as far, Instance(extra=ALERTS + far.route()
                                + "alert-merge 3s\n") as i:
        for n in range(5):
            alert(i, f"x {n}")
        wait_for(lambda: len(far.messages) == 1)
        ids = sorted(p.name for p in i.spooled())
        i.run("mailq", "-d", ids[1])
        i.run("mailq", "-h", ids[2])
        i.run("mailq", "--flush")
        wait_for(lambda: len(far.messages) == 2, 15)
        assert [p["Subject"] for p in far.parts(1)[1]] == ["x 1", "x 4"]
        assert [p.name for p in i.spooled()] == [ids[2]]
        i.run("mailq", "-H", ids[2])
        wait_for(lambda: not i.spooled(), 15)
        assert far.subjects()[2] == "x 3"


@faketime
@pytest.mark.parametrize("merge, subjects", [
    ("", ["night 0", "night 1", "other"]),
    ("alert-merge 1h\n", ["[2] night 1", "other"])])
def test_quiet_hours(merge, subjects):
    with Far() as far, Instance(
            extra=ALERTS + far.route() + "quiet-hours 21:00-07:00\n" + merge,
            wrapper=["faketime", "-f", "@2026-11-27 06:59:50"]) as i:
        alert(i, "night 0")
        alert(i, "night 1")
        alert(i, "other")
        alert(i, "fire", more="Priority: urgent\r\n")
        alert(i, "no alert", sender="alice@a.test")
        wait_for(lambda: len(far.messages) == 2)
        assert sorted(far.subjects()) == ["fire", "no alert"]
        assert reasons(i) == {"an alert in quiet-hours: goes when they end"}
        i.run("mailq", "--flush")
        wait_for(lambda: not i.spooled(), 25)
        assert sorted(far.subjects()[2:]) == subjects


def hook(tmp_path, text):
    path = tmp_path / "hook"
    path.write_text(f"#!/bin/sh\ncd {tmp_path}\n{text}\n")
    path.chmod(0o755)
    return (f"alert-command {path}\nalert-command-after 1s\n"
            "warn-after 0\n")


def test_command_is_told_once_of_what_does_not_get_out(tmp_path):
    with Far(replies={"MAIL": ["451 4.3.0 later"] * 8}) as far, Instance(
            extra=ALERTS + far.route() + hook(
                tmp_path, 'for a; do echo "$a"; done >>args; cat >>mail')) as i:
        alert(i, "help", body="it burns")
        alert(i, "no alert", sender="alice@a.test")
        wait_for(lambda: len(far.messages) == 2, 25)
        i.wait_log("alert-command has been told")
        assert (tmp_path / "args").read_text().splitlines() == [
            "451 4.3.0 later", "root@a.test", "me@b.test"]
        mail = (tmp_path / "mail").read_text()
        assert mail.startswith("Received: ") and "it burns" in mail
        assert len(i.log().split("alert-command has been told")) == 2


def test_command_that_fails_is_run_again(tmp_path):
    with Far(replies={"MAIL": ["451 4.3.0 later"] * 7}) as far, Instance(
            extra=ALERTS + far.route() + hook(
                tmp_path, "echo x >>runs; [ $(wc -l <runs) -gt 1 ]")) as i:
        alert(i, "help")
        i.wait_log("alert-command has failed", 15)
        i.wait_log("alert-command has been told", 15)
        wait_for(lambda: far.messages, 25)
        assert (tmp_path / "runs").read_text() == "x\nx\n"


def test_command_that_is_not_there(tmp_path):
    with Far(replies={"MAIL": ["451 4.3.0 later"] * 3}) as far, Instance(
            extra=ALERTS + far.route() + "alert-command /nowhere\n"
            "alert-command-after 1s\n") as i:
        alert(i, "help")
        i.wait_log("alert-command: start /nowhere")
        wait_for(lambda: far.messages, 25)


def test_cap_of_a_user():
    with Far() as far, Instance(extra=RELAY + far.route()
                                + "outgoing-cap-user 2/1h\n") as i:
        for n in range(4):
            alert(i, f"a{n}", sender="alice@a.test", login="alice@a.test")
        alert(i, "home", sender="alice@a.test", to="bob@a.test",
              login="alice@a.test")
        alert(i, "b0", sender="bob@a.test", login="bob@a.test")
        i.wait_messages("bob", 1)
        wait_for(lambda: len(far.messages) == 3)
        i.run("mailq", "--flush")
        time.sleep(0.5)
        assert sorted(far.subjects()) == ["a0", "a1", "b0"]
        assert len(i.spooled()) == 2
        assert reasons(i) == {"its sender has sent too many: "
                              "outgoing-cap-user; goes later"}
        assert "attempts" in i.run("mailq", "-j").stdout
        assert {json.loads(line)["attempts"] for line in
                i.run("mailq", "-j").stdout.splitlines()} == {0}


def test_cap_of_all_lets_the_rest_go_later():
    with Far() as far, Instance(extra=RELAY + far.route()
                                + "outgoing-cap 2/4s\n") as i:
        start = time.monotonic()
        for n in range(4):
            alert(i, f"a{n}")
        wait_for(lambda: len(far.messages) == 2)
        wait_for(lambda: not i.spooled(), 15)
        # one each two seconds behind the first two
        assert 3.5 < time.monotonic() - start < 9
        assert len(far.messages) == 4


def test_a_try_that_failed_is_not_counted_again():
    with Far(replies={"MAIL": ["451 4.3.0 later"] * 3}) as far, Instance(
            extra=RELAY + far.route() + "outgoing-cap 1/1h\n") as i:
        alert(i, "once")
        wait_for(lambda: far.messages, 20)
        assert not i.spooled() or wait_for(lambda: not i.spooled())
