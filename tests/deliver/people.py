"""An instance with accounts of its own, in a mount namespace: the machine's stay as they are."""

import os
import pathlib
import shutil
import smtplib

import pytest

from fakes import FakeSMTP
from instance import Instance

# each worker has its own: notices go to all terminals of a uid
FIRST_UID = 64100 + 10 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
FAST = "retry-first 1s\nretry-most 1s\nrelay-from 127.0.0.0/8\n"
TEXT = ("From: Xaver <x@b.test>\r\nTo: bob@a.test\r\nSubject: {subject}\r\n"
        "Message-ID: <{subject}@b.test>\r\n{more}\r\nHello, Bob.\r\n")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class House(Instance):
    """Accounts with homes below dir/home; mail for b.test goes to self.world."""
    def __init__(self, *accounts, extra="", users=("alice",), shell="/bin/sh",
                 **world):
        self.world = FakeSMTP(**world)
        super().__init__(
            users=(), start=False, omit=("system-users", "user-store"),
            extra=FAST + "user-store mail\nsystem-users yes\n" + extra +
            f"route b.test smtp:[127.0.0.1]:{self.world.port}\n")
        self.dir.chmod(0o755)
        shutil.chown(self.dir / "mail", "mail", "mail")
        for user in users:
            self.run("mailuser", "add", f"{user}@{self.domain}",
                     input=f"{user}-pw\n")
        self.home = {}
        passwd = pathlib.Path("/etc/passwd").read_text()
        for n, name in enumerate(accounts):
            home = self.dir / "home" / name
            home.mkdir(parents=True, mode=0o755)
            os.chown(home, FIRST_UID + n, FIRST_UID + n)
            self.home[name] = home
            passwd += (f"{name}:x:{FIRST_UID + n}:{FIRST_UID + n}:"
                       f"{name.title()} Test,,:{home}:{shell}\n")
        (self.dir / "passwd").write_text(passwd)
        (self.dir / "passwd").chmod(0o644)
        # procmail looks after a file for its user in there
        (self.dir / "var-mail").mkdir()
        (self.dir / "var-mail").chmod(0o1777)
        self.wrapper = ["unshare", "-m", "sh", "-c",
                        f"mount --bind {self.dir}/passwd /etc/passwd && "
                        f"mount --bind {self.dir}/var-mail /var/mail && "
                        "exec \"$0\" \"$@\""]
        self.start()

    def put(self, name, file, text, mode=0o644):
        """A file of an account's, as its owner would write it."""
        path = self.home[name] / file
        path.write_text(text.replace("{DIR}", str(self.home[name])))
        path.chmod(mode)
        st = self.home[name].stat()
        os.chown(path, st.st_uid, st.st_gid)
        return path

    def mbox(self, name):
        """Its messages."""
        path = self.dir / "mbox" / name
        text = path.read_text() if path.exists() else ""
        return [m for m in ("\n" + text).split("\nFrom ") if m.strip()]

    def send(self, *rcpts, subject="s", sender="x@b.test", more="", text=None):
        with smtplib.SMTP("127.0.0.1", self.port["smtp"], timeout=20) as s:
            s.ehlo("c")
            s.mail(sender)
            for r in rcpts:
                code, reply = s.rcpt(r)
                assert code == 250, (r, reply)
            code, reply = s.data(text or TEXT.format(subject=subject,
                                                     more=more))
            assert code == 250, reply

    def close(self):
        super().close()
        self.world.close()
