"""queue --once: from cron, in place of a daemon."""

import os
import subprocess
import time

import pytest

from device import ALERT, Device
from fakes import FakeSMTP
from instance import BIN, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's sendmail")


@pytest.fixture
def far():
    with FakeSMTP() as s:
        yield s


def device(far, extra=""):
    return Device(f"smarthost 127.0.0.1:{far.port} none\n" + extra,
                  start=False)


def once(d, **kw):
    return d.run("queue", "-f", "--once", check=False, **kw)


def test_nothing_there(far):
    with device(far) as d:
        p = once(d)
        assert p.returncode == 0 and not p.stderr, p
        assert not far.sessions


def test_sends_all_and_ends(far):
    with device(far, "max-recipients 500\n") as d:
        for n in range(5):
            d.send(f"u{n}@b.test")
        p = once(d)
        assert p.returncode == 0, p
        assert len(far.messages) == 5 and not d.spooled()
        assert "QUIT" in far.lines
        # neither kept nor left behind
        assert not (d.run_dir / "queue.ctl").exists()
        assert once(d).returncode == 0


def test_more_than_a_site_has_room_for(far):
    """Parked ones are waited for, not left for the next time."""
    with device(far) as d:
        for n in range(120):
            d.send(f"u{n}@b.test")
        p = once(d)
        assert p.returncode == 0, p.stderr[-2000:]
        assert len(far.messages) == 120
        assert not d.spooled()


def test_what_waits(far):
    """75, and the next time it is not tried before it is due."""
    far.replies["RCPT <x@b.test>"] = ["450 4.7.1 later"] * 9
    with device(far, "retry-first 2s\nretry-most 2s\n") as d:
        d.send("x@b.test")
        d.send("y@b.test")
        assert once(d).returncode == 75
        assert [m[1] for m in far.messages] == [["y@b.test"]]
        tried = len(far.replies["RCPT <x@b.test>"])
        assert once(d).returncode == 75
        assert len(far.replies["RCPT <x@b.test>"]) == tried
        far.replies.clear()
        time.sleep(2.5)
        assert once(d).returncode == 0
        assert len(far.messages) == 2


def test_bounces_go_in_the_same_run(far):
    far.replies["RCPT <x@b.test>"] = "550 5.1.1 who?"
    with device(far) as d:
        d.send("-f", "me@c.test", "x@b.test")
        assert once(d).returncode == 0
        (sender, rcpts, _), = far.messages
        assert sender == "" and rcpts == ["me@c.test"]


def test_dead_host(far):
    far.close()
    with device(far) as d:
        d.send()
        begin = time.monotonic()
        assert once(d).returncode == 75
        assert time.monotonic() - begin < 5
        assert len(d.spooled()) == 1


def test_beside_a_daemon(far):
    with device(far) as d:
        d.start()
        p = once(d)
        assert p.returncode == 75
        assert "another process works on this queue" in p.stderr
        d.send()
        wait_for(lambda: far.messages)


def test_two_at_a_time(far):
    """Of several one works, the others say so: nothing goes twice."""
    with device(far) as d:
        for n in range(10):
            d.send(f"u{n}@b.test")
        procs = [subprocess.Popen([BIN, "queue", "--once"], env=d.env())
                 for _ in range(4)]
        assert {p.wait(20) for p in procs} <= {0, 75}
        once(d)
        assert sorted(m[1][0] for m in far.messages) == \
            sorted(f"u{n}@b.test" for n in range(10))


def test_what_comes_meanwhile(far):
    """A message of root's that comes while it works goes, too."""
    with device(far) as d:
        d.send("first@b.test")
        real = far.reply

        def reply(what, default):
            if what == "dot" and len(far.messages) == 0:
                subprocess.run([BIN, "sendmail", "second@b.test"],
                               env=d.env(), input=ALERT, text=True, check=True)
            return real(what, default)
        far.reply = reply
        assert once(d).returncode == 0
        assert [m[1] for m in far.messages] == [["first@b.test"],
                                                ["second@b.test"]]


def test_other_daemons_have_none():
    with Device(start=False) as d:
        for name in ("smtpd", "deliver"):
            p = d.run(name, "--once", check=False)
            assert p.returncode == 64 and "--once" in p.stderr
