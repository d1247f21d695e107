"""A board without a clock: it wakes up in 1970 and is set right later.

The daemons see a clock of our making (libfaketime, by LD_PRELOAD); intervals
run on as they do.
"""

import pathlib
import re
import smtplib
import subprocess

import pytest

from fakes import FakeSMTP, make_cert
from instance import BIN, Instance, wait_for

LIBRARY = next(iter(pathlib.Path("/usr/lib").glob(
    "*/faketime/libfaketime.so.1")), None)
pytestmark = pytest.mark.skipif(not LIBRARY, reason="no libfaketime")
OLD = "@1970-01-01 00:01:00"


class Clock:
    """The time of an instance, changed by writing a file."""

    def __init__(self, i):
        # the daemons see it at the same name before and after their chroot
        name = i.dir / "clock"
        inside = i.dir / "run" / name.relative_to("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        self.files = [name, inside]
        self.set(OLD)
        i.wrapper = ["env", f"LD_PRELOAD={LIBRARY}", "FAKETIME_NO_CACHE=1",
                     f"FAKETIME_TIMESTAMP_FILE={name}", "TZ=UTC",
                     "FAKETIME_DONT_FAKE_MONOTONIC=1",
                     "DONT_FAKE_MONOTONIC=1"]

    def set(self, text):
        for f in self.files:
            f.write_text(text + "\n")


def start(extra):
    i = Instance(start=False, extra=extra)
    clock = Clock(i)
    i.start()
    return i, clock


def send(i, to):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail("alice@a.test", [to], "Subject: alert\r\n\r\nHot.\r\n")


def test_verified_smarthost_waits_for_the_clock(tmp_path):
    """RFC 5280 4.1.2.5 cannot be asked before: it goes as soon as it can."""
    cert = make_cert(tmp_path, "localhost")
    with FakeSMTP(offers=("STARTTLS",), cert=cert) as far:
        i, clock = start(f"smarthost localhost:{far.port} starttls\n"
                         f"tls-ca {cert[0]}\nrelay-from 127.0.0.0/8\n"
                         "retry-first 1s\nretry-most 1s\nbounce-after 1m\n")
        with i:
            send(i, "bob@b.test")
            i.wait_log("bob@b.test.*deferred.*clock", 20)
            since = len(i.log())
            i.wait_log("bob@b.test.*deferred", 20, since)   # and again
            assert not far.messages and i.spooled()
            clock.set("+0")
            wait_for(lambda: far.messages, 20)
            wait_for(lambda: not i.spooled())
            assert "report is" not in i.log()


def test_nothing_expires_when_the_clock_jumps():
    """Fifty years in one step are no fifty years of trying."""
    i, clock = start("relay-from 127.0.0.0/8\nretry-first 1s\n"
                     "retry-most 1s\nbounce-after 1h\n"
                     "route b.test smtp:[127.0.0.1]:1\n")
    with i:
        send(i, "bob@b.test")
        i.wait_log("bob@b.test.*deferred", 20)
        clock.set("+0")
        since = len(i.log())
        i.run("mailq", "--flush")
        i.wait_log("bob@b.test.*deferred", 20, since)
        clock.set("+400d")
        since = len(i.log())
        i.run("mailq", "--flush")
        i.wait_log("bob@b.test.*deferred", 20, since)
        assert "report is" not in i.log() and i.spooled()


@pytest.mark.parametrize("own", [None, "Thu, 1 Jan 1970 00:01:00 +0000"])
def test_late_date(own):
    """Written with no clock it has no Date, and gets one when it goes; one
    that its author wrote is his."""
    with FakeSMTP(offers=("SIZE",), replies={
            "RCPT <bob@b.test>": ["451 4.7.1 later"]}) as far:
        i, clock = start(f"smarthost 127.0.0.1:{far.port} none\n"
                         "retry-first 1h\nretry-most 1h\n")
        with i:
            env = i.env() | {"FAKETIME": OLD, "LD_PRELOAD": str(LIBRARY)}
            text = f"Date: {own}\n" if own else ""
            subprocess.run([BIN, "sendmail", "-t"], env=env, check=True,
                           input=text + "To: bob@b.test\n\n.Hot.\n", text=True,
                           timeout=20)
            i.wait_log("bob@b.test.*deferred", 20)
            clock.set("@2031-05-06 07:08:09")
            i.run("mailq", "--flush")
            wait_for(lambda: far.messages, 20)
            text = far.messages[0][2].decode()
            dates = re.findall(r"^Date: (.*)\r$", text, re.M)
            assert len(dates) == 1, text
            assert dates[0].startswith(own or "Tue, 6 May 2031 07:08:"), text
            assert text.endswith("\r\n\r\n.Hot.\r\n"), text
            mail = [line for line in far.lines if line.startswith("MAIL")][-1]
            assert int(re.search(r"SIZE=(\d+)", mail).group(1)) == len(text)


def test_date_is_right_once_the_clock_is():
    i, clock = start("")
    with i:
        clock.set("@2031-05-06 07:08:09")
        text = "To: bob@a.test\nSubject: x\n\nHi.\n"
        env = i.env() | {"FAKETIME": "@2031-05-06 07:08:09",
                         "LD_PRELOAD": str(LIBRARY), "TZ": "UTC"}
        subprocess.run([BIN, "sendmail", "-t"], input=text, text=True, env=env,
                       check=True, timeout=20)
        message = i.wait_messages("bob", 1)[0].read_text()
        assert re.search(r"^Date: Tue, 6 May 2031 07:08:", message, re.M)
        assert re.search(r"^Received:.*\n?(?:\s.*\n)*?.*6 May 2031 07:08:",
                         message, re.M), message
