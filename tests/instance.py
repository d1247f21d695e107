"""A running Pillarbox of its own: temporary folder, configuration, users, maild."""

import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = os.environ.get("PILLARBOX", str(ROOT / "build" / "pillarbox"))
SERVICES = ("smtp", "submission", "smtps", "pop3", "pop3s")
DAEMONS = ("authd", "deliver", "queue", "smtpd", "pop3d")


def needs(*features):
    """Skips a test where a feature is not built in: a word of its tables."""
    import pytest           # which other users of this file do without
    words = {"MAIL_ATTACH": b"video/mp4 mp4", "MAIL_ACCOUNT": b"account NAME {",
             "MAIL_LATIN": b"ttycharset", "MAIL_NAIL": b"replysender",
             "MAIL_PARTS": b"S/MIME signature", "AUTHD_LDAP": b"ldap-user",
             "AUTHD_MYSQL": b"mysql-query", "MAILQ_ADMIN": b"next_try"}
    binary = pathlib.Path(BIN).read_bytes()
    lacks = [f for f in features if words[f] not in binary]
    return pytest.mark.skipif(bool(lacks), reason=f"built without {lacks}")


def free_port():
    """One that no other test has, and none that the kernel gives to clients."""
    with open("/tmp/pillarbox-test-ports", "a+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.seek(0)
        port = int(f.read() or 10000)
        while True:
            port = port + 1 if port < 32000 else 10001
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("", port))
                    break
                except OSError:
                    continue
        f.truncate(0)
        f.write(str(port))
        return port


def wait_for(what, seconds=10, step=0.02):
    """Polls what() until it is true; gives its value or fails."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "timed out"
        time.sleep(step)


def wait_port(port, host="127.0.0.1"):
    """Until somebody listens there."""
    def up():
        try:
            socket.create_connection((host, port), 1).close()
            return True
        except OSError:
            return False

    wait_for(up)


class Instance:
    def __init__(self, users=("alice", "bob"), domain="a.test", extra="",
                 folder=None, start=True, wrapper=(), omit=()):
        # short: a unix socket's path holds 107 bytes
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="pb"))
        self.dir.mkdir(exist_ok=True)
        self.own_dir = folder is None
        self.domain = domain
        self.wrapper = list(wrapper)
        self.port = {s: free_port() for s in SERVICES}
        self.conf = self.dir / "pillarbox.conf"
        self.log_path = self.dir / "log"
        self.maild = None
        me = subprocess.check_output(["id", "-un"], text=True).strip()
        lines = {
            "hostname": f"mail.{domain}", "domain": domain,
            "spool-dir": self.dir / "spool", "state-dir": self.dir / "state",
            "mail-dir": self.dir / "mail", "mbox-dir": self.dir / "mbox",
            "run-dir": self.dir / "run", "user-queue": me, "user-store": me,
            "user-auth": me, "system-users": "no", "nameserver": "127.0.0.9",
            "dns-timeout": "1s", "mx-loopback": "yes",
            "dns-timeout": "1s", "aliases": self.dir / "aliases",
        }
        text = "".join(f"{k} {v}\n" for k, v in lines.items()
                       if k not in omit)
        for service, port in self.port.items():
            if f"listen {service}" not in extra:
                text += f"listen {service} 127.0.0.1:{port}\n"
        # only where a test says so: @ conf listen lmtp 127.0.0.1:{PORT:lmtp}
        self.port["lmtp"] = free_port()
        self.conf.write_text(text + re.sub(
            r"\{PORT:(\w+)\}", lambda m: str(self.port[m[1]]), extra))
        for sub in ("state", "mail", "mbox", "run"):
            (self.dir / sub).mkdir(exist_ok=True)
        for user in users:
            self.run("mailuser", "add", f"{user}@{domain}",
                     input=f"{user}-pw\n")
        if start:
            self.start()

    def env(self):
        return dict(os.environ, PILLARBOX_CONF=str(self.conf))

    def run(self, *argv, check=True, **kw):
        kw.setdefault("input", "")
        if isinstance(kw["input"], str):
            kw.setdefault("text", True)
        p = subprocess.run([BIN, *argv], env=self.env(), timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           **kw)
        assert not check or p.returncode == 0, (argv, p.stdout, p.stderr)
        return p

    def start(self):
        before = len(self.log())
        with open(self.log_path, "ab") as log:
            self.maild = subprocess.Popen(
                [*self.wrapper, BIN, "maild", "-f", "-C", str(self.conf)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(lambda: all(f"{d}: ready" in self.log()[before:]
                             for d in DAEMONS) or self.maild.poll() is not None,
                 20)
        assert self.maild.poll() is None, self.log()

    def log(self):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")

    def wait_log(self, pattern, seconds=10, since=0):
        return wait_for(lambda: re.search(pattern, self.log()[since:]), seconds)

    def pids(self, applet):
        """Processes of this instance whose argv[0] is the applet, helpers too."""
        found = []
        for p in pathlib.Path("/proc").iterdir():
            if not p.name.isdigit():
                continue
            try:
                argv = (p / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            # under qemu-user the words are: qemu, the file, argv[0], ...
            if applet.encode() in argv[:3] and str(self.conf).encode() in argv:
                found.append(int(p.name))
        return sorted(found)

    def maildir(self, user):
        return self.dir / "mail" / self.domain / user

    def messages(self, user):
        box = self.maildir(user)
        return sorted([*box.glob("new/*"), *box.glob("cur/*")])

    def wait_messages(self, user, n, seconds=15):
        wait_for(lambda: len(self.messages(user)) >= n, seconds)
        got = self.messages(user)
        assert len(got) == n, got
        return got

    def spooled(self):
        return list((self.dir / "spool" / "msg").glob("*"))

    def stop(self):
        if self.maild and self.maild.poll() is None:
            # faketime would end without its child
            for pid in self.wrapper and self.pids("maild") or [self.maild.pid]:
                os.kill(pid, signal.SIGTERM)
            try:
                self.maild.wait(45)
            except subprocess.TimeoutExpired:
                self.maild.kill()
                raise
        self.maild = None

    def close(self):
        self.stop()
        if self.own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print(self.log()[-8000:])
        self.close()
