"""The spool in memory, and what waits on flash."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import spoolfile
from device import Device
from fakes import FakeSMTP
from instance import Instance, wait_for

MEMORY = "/dev/shm"
pytestmark = pytest.mark.skipif(not os.path.isdir(MEMORY), reason="no tmpfs")


class Device2(Device):
    """spool-dir on a tmpfs, spill-dir on the disk."""

    def __init__(self, extra="", **kw):
        self.flash = pathlib.Path(tempfile.mkdtemp(prefix="pbf", dir="/tmp"))
        self.flash.chmod(0o755)
        super().__init__(f"spill-dir {self.flash}/spool\n" + extra,
                         folder=MEMORY, **kw)
        self.spill = self.flash / "spool"

    def on_flash(self):
        return self.spooled(self.spill)

    def power_cut(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.spool, ignore_errors=True)

    def close(self):
        super().close()
        shutil.rmtree(self.flash, ignore_errors=True)


def far_and(extra="", **kw):
    far = FakeSMTP(**kw)
    return far, Device2(f"smarthost 127.0.0.1:{far.port} none\n" + extra)


def mtimes(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*")}


def test_what_goes_at_once_never_touches_the_flash():
    far, d = far_and("spill-after 1s\n")
    with far, d:
        before = mtimes(d.flash)
        for n in range(5):
            d.send(f"u{n}@b.test")
        wait_for(lambda: len(far.messages) == 5 and not d.spooled())
        time.sleep(1.5)
        assert mtimes(d.flash) == before


def test_what_waits_goes_to_flash():
    far, d = far_and("spill-after 1s\nretry-first 1h\n", replies={
        "RCPT <u1@b.test>": ["450 4.7.1 later"] * 3})
    with far, d:
        d.send("u0@b.test", "u1@b.test")
        wait_for(lambda: far.messages)
        assert d.spooled() and not d.on_flash()
        wait_for(lambda: d.on_flash() and not d.spooled())
        d.power_cut()
        far.replies.clear()
        d.start()                   # the mark of u0 has come along
        wait_for(lambda: len(far.messages) == 2 or d.run("mailq", "--flush"))
        wait_for(lambda: not d.on_flash())
        assert [m[1] for m in far.messages] == [["u0@b.test"], ["u1@b.test"]]


def test_changes_on_flash_stay():
    """Marks and holds of a message that has moved already."""
    far, d = far_and("spill-after 1s\nretry-first 1h\n")
    with d:
        far.close()
        d.send("u0@b.test")
        wait_for(lambda: d.on_flash() and not d.spooled())
        path, = d.on_flash()
        d.run("mailq", "--hold", path.name)
        d.power_cut()
        d.start()
        m = json.loads(d.run("mailq", "-j").stdout)
        assert m["state"] == "held" and m["id"] == path.name
        d.run("mailq", "--delete", path.name)
        assert not d.on_flash() and not d.spooled()


@pytest.mark.parametrize("big", [0, 3 << 20])
def test_all_of_it_when_queue_ends(big):
    far, d = far_and("retry-first 1h\nspill-after 1h\n")
    with d:
        far.close()
        for n in range(3):
            d.send(f"u{n}@b.test", text="Subject: x\n\n" + "x" * 60 * (
                big // 60) + "\n")
        bodies = {p.name: p.read_bytes()[48:] for p in d.spooled()}
        assert len(bodies) == 3
        d.wait_log("status=deferred", 3)
        d.stop()
        assert not d.spooled()
        assert {p.name for p in d.on_flash()} == set(bodies)
        assert {p.stat().st_mode & 0o777 for p in d.on_flash()} == {0o600}
        shutil.rmtree(d.spool)      # the reboot
        with FakeSMTP(port=far.port) as again:
            d.start()
            d.run("mailq", "--flush")
            wait_for(lambda: len(again.messages) == 3)
            wait_for(lambda: not d.on_flash())
            assert "damaged" not in d.log()


def test_killed_in_memory():
    """kill -9 is no power cut: what is in memory is found again."""
    far, d = far_and("retry-first 1h\nspill-after 1h\n", replies={
        "RCPT": ["450 4.7.1 later"]})
    with far, d:
        d.send("u0@b.test")
        d.wait_log("status=deferred")
        d.stop(signal.SIGKILL)
        assert len(d.spooled()) == 1 and not d.on_flash()
        d.start()
        d.run("mailq", "--flush")
        wait_for(lambda: far.messages and not d.spooled())


def test_killed_while_it_moves():
    """Two files of one message are one message."""
    far, d = far_and("retry-first 1h\nspill-after 1h\n", replies={
        "RCPT": ["450 4.7.1 later"]})
    with far, d:
        d.send("u0@b.test")
        d.wait_log("status=deferred")
        d.stop(signal.SIGKILL)
        path, = d.spooled()
        shutil.copy(path, d.spill / "msg" / path.name)
        d.start()
        out = d.run("mailq", "-j").stdout.splitlines()
        assert len(out) == 1
        d.run("mailq", "--flush")
        wait_for(lambda: far.messages and not d.spooled())
        assert not d.on_flash() and len(far.messages) == 1


def test_many_move_together():
    far, d = far_and("retry-first 1h\nspill-after 2s\n", replies={})
    with d:
        far.close()
        for n in range(60):
            spoolfile.put(d, "me@c.test", [f"u{n}@b.test"])
        d.run("mailq", "--flush")
        wait_for(lambda: len(d.on_flash()) == 60 and not d.spooled(), 20)
        assert len(d.run("mailq", "-j").stdout.splitlines()) == 60
        assert not list((d.spill / "tmp").glob("*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_full_flash():
    """It stays in memory, is sent when it can be, and nothing is left over."""
    far, d = far_and("retry-first 1h\nspill-after 1s\n", replies={
        "RCPT": ["450 4.7.1 later"]})
    with far, d:
        d.stop()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none",
                        str(d.spill)], check=True)
        try:
            d.start()
            d.send("u0@b.test", text="Subject: x\n\n" + "x\n" * 100000)
            d.wait_log("spill-dir: ")
            assert len(d.spooled()) == 1 and not d.on_flash()
            assert not list((d.spill / "tmp").glob("*"))
            d.run("mailq", "--flush")
            wait_for(lambda: far.messages and not d.spooled())
            d.send("-i", "u1@b.test", "u2@b.test")
            d.stop()
        finally:
            subprocess.run(["umount", str(d.spill)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="root's sendmail")
def test_root_without_queue_writes_to_flash():
    far, d = far_and()
    with far, d:
        d.stop()
        d.send()
        assert len(d.on_flash()) == 1 and not d.spooled()
        assert d.run("queue", "--once").returncode == 0
        assert far.messages and not d.on_flash()


def test_once_leaves_nothing_in_memory():
    far, d = far_and("retry-first 1h\nspill-after 1h\n", replies={
        "RCPT": ["450 4.7.1 later"] * 5})
    with far, d:
        d.send()
        d.wait_log("status=deferred")
        d.stop(signal.SIGKILL)
        assert d.run("queue", "--once", check=False).returncode == 75
        assert not d.spooled() and len(d.on_flash()) == 1


def test_queue_ends_last():
    """What smtpd takes while all end is on flash, too."""
    flash = tempfile.mkdtemp(prefix="pbf", dir="/tmp")
    folder = tempfile.mkdtemp(prefix="pbi", dir=MEMORY)
    try:
        with Instance(folder=folder, extra=f"spill-dir {flash}/spool\n"
                      "route b.test smtp:[127.0.0.1]:1\n") as i:
            i.run("sendmail", "x@b.test", input="Subject: x\n\nx\n")
            i.wait_log("x@b.test.*deferred")
            i.stop()
            assert not i.spooled()
            assert len(list(pathlib.Path(flash, "spool", "msg").iterdir())) == 1
            log = i.log()
            assert log.rindex("queue: stopped") > log.rindex("smtpd: stopped")
    finally:
        shutil.rmtree(flash)
        shutil.rmtree(folder)


def test_says_when_it_makes_no_sense():
    with Device("spill-dir /tmp/pb-no-such/spool\n", start=False) as d:
        d.start()
        assert "spool-dir is not in memory" in d.log()
        shutil.rmtree("/tmp/pb-no-such")
