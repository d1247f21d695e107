"""One user with a home, an mbox, and a mail system that only listens."""
import os
import pathlib
import pwd
import socket
import struct
import subprocess
import threading

import pexpect

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PILLARBOX", str(ROOT / "build" / "pillarbox"))
_BYTES = pathlib.Path(BINARY).read_bytes()

# `make SANITIZE=...` copies the binary unstripped: only then is this in it
SANITIZED = b"__asan_init" in _BYTES

# Lines about old messages have their year: for who compares these, mail sees
# the days after our messages. A sanitizer has to be loaded first, so not there.
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
                None)
IN_NOVEMBER = {} if SANITIZED or not FAKETIME else {
    "LD_PRELOAD": str(FAKETIME), "FAKETIME": "@2026-11-28 12:00:00"}


def high_water(pid):
    """The most memory that a process ever had, in kB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


class Submission(threading.Thread):
    """An SMTP server that keeps what it is sent: on RUN/submit, or on TCP."""

    def __init__(self, path=None):
        super().__init__(daemon=True)
        self.unix = path is not None
        self.socket = socket.socket(socket.AF_UNIX if self.unix
                                    else socket.AF_INET)
        self.socket.bind(str(path) if self.unix else ("127.0.0.1", 0))
        self.socket.listen(8)
        self.messages = []      # (sender, [recipients], bytes)
        self.refuse = {}        # recipient -> reply
        self.data_reply = b"250 2.0.0 taken"
        self.peak = []          # memory of each client at its end of data
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            with conn, conn.makefile("rwb") as f:
                pid = 0
                if self.unix:
                    pid = struct.unpack("3i", conn.getsockopt(
                        socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
                try:
                    self.session(f, pid)
                except (ConnectionError, ValueError):
                    pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join(5)

    @staticmethod
    def say(f, reply):
        f.write(reply + b"\r\n")
        f.flush()

    def session(self, f, pid):
        sender, rcpts = None, []
        self.say(f, b"220 mail.a.com ESMTP")
        for line in f:
            assert line.endswith(b"\r\n"), line
            verb = line.split()[0].upper()
            if verb == b"EHLO":
                self.say(f, b"250-mail.a.com\r\n250-8BITMIME\r\n"
                         b"250-SIZE\r\n250-PIPELINING\r\n"
                         b"250 ENHANCEDSTATUSCODES")
            elif verb == b"MAIL":
                sender, rcpts = line.split(b"<")[1].split(b">")[0], []
                self.say(f, b"250 2.1.0 ok")
            elif verb == b"RCPT":
                rcpt = line.split(b"<")[1].split(b">")[0].decode()
                if rcpt not in self.refuse:
                    rcpts.append(rcpt)
                self.say(f, self.refuse.get(rcpt, "250 2.1.5 ok").encode())
            elif verb == b"DATA" and not rcpts:
                self.say(f, b"554 5.5.1 no valid recipients")
            elif verb == b"DATA":
                self.say(f, b"354 go on")
                data = self.data(f)
                if pid:
                    self.peak.append(high_water(pid))
                if self.data_reply.startswith(b"2"):
                    self.messages.append((sender.decode(), rcpts, data))
                self.say(f, self.data_reply)
            elif verb == b"QUIT":
                self.say(f, b"221 2.0.0 bye")
                return
            else:
                self.say(f, b"250 2.0.0 ok")

    @staticmethod
    def data(f):
        lines = []
        for line in f:
            if line == b".\r\n":
                return b"".join(lines)
            assert line.endswith(b"\r\n") and b"\n" not in line[:-1]
            lines.append(line[1:] if line.startswith(b".") else line)
        raise ConnectionError


class Desk:
    """What a user of `mail` has."""

    def __init__(self, path):
        self.path = path
        self.login = pwd.getpwuid(os.getuid()).pw_name
        self.home = path / "home"
        self.run_dir = path / "run"
        self.mbox = path / "mbox" / self.login
        for d in ("home", "mbox", "run", "spool", "state", "mail"):
            (path / d).mkdir()
        (path / "conf").write_text(
            "hostname mail.a.com\ndomain a.com\n" +
            f"user-queue {self.login}\n" +
            f"mail-rc {path}/mail.rc\n" +
            "".join(f"{d}-dir {path}/{d}\n" for d in
                    ("spool", "state", "mail", "mbox", "run")))
        self.env = dict(
            PATH=os.environ["PATH"], HOME=str(self.home), LC_ALL="C.UTF-8",
            PILLARBOX_CONF=str(path / "conf"), TMPDIR=str(path),
            TERM="dumb", TZ="UTC", SHELL="/bin/sh", LINES="24", COLUMNS="80",
            **{k: v for k, v in os.environ.items() if "SAN_OPTIONS" in k})
        self.server = None

    def mail(self, *args, stdin=b"", **env):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run([BINARY, "mail", *args], input=stdin,
                              env={**self.env, **env}, capture_output=True,
                              timeout=120, cwd=self.home, check=False)

    def text(self, *args, stdin=b"", **env):
        """stdout and stderr of a run that must succeed."""
        p = self.mail(*args, stdin=stdin, **env)
        assert p.returncode == 0, p.stderr.decode()
        return p.stdout.decode(), p.stderr.decode()

    def terminal(self, *args, rows=24, **env):
        return pexpect.spawn(BINARY, ["mail", *args], timeout=10,
                             env={**self.env, "LINES": str(rows), **env},
                             cwd=self.home, encoding="utf-8", echo=False,
                             dimensions=(rows, 80))

    def sent(self):
        assert len(self.server.messages) == 1
        return self.server.messages[0]
