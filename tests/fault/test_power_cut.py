"""The power fails under load, on a file system of its own: ext4 is shut down as
by a pulled plug (nothing more of its journal or its pages is written), deliver is
killed, the image mounted again. Whatever LMTP had acknowledged is whole; what
it had not is sent again and is there once.

POWER_ROUNDS=100 pulls it as often.
"""

import contextlib
import fcntl
import os
import pathlib
import random
import shutil
import signal
import smtplib
import struct
import subprocess
import sys
import threading
import time

import pytest

from instance import wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_deliver_steps import SYSTEM, House  # noqa: E402

ROUNDS = int(os.environ.get("POWER_ROUNDS", "5"))
CLIENTS = 4
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2      # EXT4_IOC_SHUTDOWN
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
    pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="no e2fsprogs")]
BOXES = ["alice@a.test", "bob@a.test", SYSTEM + "@a.test"]


class Disk:
    def __init__(self, folder):
        self.image, self.at = folder / "image", folder / "disk"
        self.copies = 0
        self.at.mkdir()
        with open(self.image, "wb") as f:
            f.truncate((24 + 2 * ROUNDS) << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)

    def mount(self):
        if subprocess.run(["mount", "-o", "loop", self.image, self.at],
                          stderr=subprocess.DEVNULL).returncode:
            pytest.skip("no loop devices here")

    def check(self):
        """What the medium has is a file system, when its journal is read."""
        copy = self.image.with_name("check")
        subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
        p = subprocess.run(["e2fsck", "-fp", copy], capture_output=True,
                           text=True)
        assert p.returncode in (0, 1), p.stdout
        copy.unlink()

    def mount_again(self):
        """Where another namespace of mounts still has it, it stays as it was
        shut down: a copy is mounted then."""
        self.mount()
        try:
            (self.at / "probe").write_text("")
        except OSError:
            self.umount()
            old, self.copies = self.image, self.copies + 1
            self.image = old.with_name(f"image{self.copies}")
            subprocess.run(["cp", "--sparse=always", old, self.image],
                           check=True)
            old.unlink()
            self.mount()

    def umount(self):
        wait_for(lambda: subprocess.run(
            ["umount", self.at], stderr=subprocess.DEVNULL).returncode == 0, 10)

    def pull_the_plug(self):
        fd = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(fd)


class Mail:
    """One message and who has it for sure."""

    def __init__(self, number, rng):
        self.tag = f"m{number}"
        self.id = f"1k{number}p"
        self.rcpts = rng.sample(BOXES, rng.randrange(1, 4))
        self.lines = rng.choice([1, 5, 40, 400, 2000])
        self.text = f"Subject: {self.tag}\nX-Tag: {self.tag}\n\n" + "".join(
            rng.choice(["From a", ".", "", "x" * rng.randrange(70)]) + "\n"
            for _ in range(self.lines)) + "end\n"
        self.taken, self.tried = set(), False

    def send(self, s):
        rcpts = [r for r in self.rcpts if r not in self.taken]
        if not rcpts:
            return
        s.mail("x@c.example", [f"XSPOOL={self.id}" +
                               (",again" if self.tried else "")])
        self.tried = True
        rcpts = [r for r in rcpts if s.rcpt(r)[0] == 250]
        if not rcpts or s.docmd("DATA")[0] != 354:
            s.rset()
            return
        s.send(smtplib.quotedata(self.text).encode() + b".\r\n")
        for r in rcpts:
            if s.getreply()[0] == 250:
                self.taken.add(r)


class Power(House):
    def __init__(self, folder):
        self.disk = Disk(folder)
        self.disk.mount()
        self.mails, self.rng = [], random.Random(7)
        self.lock = threading.Lock()
        super().__init__()
        for name in ("mail", "mbox"):
            shutil.move(self.i.dir / name, self.disk.at / name)
            (self.i.dir / name).symlink_to(self.disk.at / name)

    def client(self, over):
        try:
            with smtplib.LMTP(str(self.i.dir / "run/deliver")) as s:
                s.ehlo()
                while not over.is_set():
                    with self.lock:
                        m = Mail(len(self.mails), self.rng)
                        self.mails.append(m)
                    m.send(s)
        except (OSError, smtplib.SMTPException):
            pass

    def round(self, rng):
        over = threading.Event()
        clients = [threading.Thread(target=self.client, args=(over,),
                                    daemon=True) for _ in range(CLIENTS)]
        self.start("deliver")
        for c in clients:
            c.start()
        # a slow machine has so many, too
        enough = len(self.mails) + rng.randrange(30, 80)
        wait_for(lambda: len(self.mails) > enough, 60)
        time.sleep(rng.random() / 20)
        # after this nobody acknowledges anything
        os.kill(self.daemons["deliver"].pid, signal.SIGSTOP)
        self.disk.pull_the_plug()
        for pid in self.i.pids("deliver"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.end("deliver")
        over.set()
        for c in clients:
            c.join(20)
        wait_for(lambda: not self.i.pids("deliver"))
        self.disk.umount()
        self.disk.check()
        self.disk.mount_again()

    def finish(self):
        """As queue does it."""
        self.start("deliver")
        for _ in range(3):
            with smtplib.LMTP(str(self.i.dir / "run/deliver")) as s:
                s.ehlo()
                for m in self.mails:
                    m.send(s)
        self.end("deliver")
        assert all(m.taken == set(m.rcpts) for m in self.mails)

    def tag(self, data):
        head, _, body = data.partition(b"\n\n")
        tag = head.rpartition(b"X-Tag: ")[2].partition(b"\n")[0].decode()
        m = self.mails[int(tag[1:])]
        assert body == m.text.partition("\n\n")[2].encode(), f"{tag} is damaged"
        return tag

    def acknowledged(self):
        return sorted((m.tag, r) for m in self.mails for r in m.taken)


def test_pulled_plugs(tmp_path):
    h = Power(tmp_path)
    try:
        lost = 0
        for n in range(ROUNDS):
            h.round(random.Random(n))
            before = h.acknowledged()
            h.finish()
            found = sorted(h.found())
            assert [k for k in before if k not in set(found)] == []
            assert found == h.acknowledged(), n     # all, and each once
            lost += len(found) - len(before)
        print(f"\n{len(h.mails)} messages, {len(found)} deliveries, "
              f"{ROUNDS} cuts, {lost} sent again")
        assert len(h.mails) > 20 * ROUNDS
    except BaseException:
        print(h.i.log()[-3000:])
        raise
    finally:
        h.end("deliver")
        h.close()
        subprocess.run(["umount", "-l", h.disk.at], check=False)
