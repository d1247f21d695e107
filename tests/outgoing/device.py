"""A device that only sends: queue and sendmail, no smtpd, no maild."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from instance import BIN, wait_for

ALERT = "Subject: alert\nTo: admin@b.test\n\nHot.\n"


class Device:
    def __init__(self, extra="", start=True, folder="/tmp", wrapper=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pbd", dir=folder))
        self.dir.chmod(0o755)
        self.spool = self.dir / "spool"
        self.run_dir = self.dir / "run"
        self.conf = self.dir / "pillarbox.conf"
        self.log_path = self.dir / "log"
        self.wrapper, self.queue, self.extra = list(wrapper), None, extra
        me = subprocess.check_output(["id", "-un"], text=True).strip()
        (self.dir / "run").mkdir()
        self.configure(
            f"hostname box.a.test\nspool-dir {self.spool}\n"
            f"run-dir {self.run_dir}\nstate-dir {self.dir}/state\n"
            f"user-queue {me}\nnameserver 127.0.0.9\ndns-timeout 1s\n" + extra)
        if start:
            self.start()

    def configure(self, text):
        self.conf.write_text(text)

    def env(self, **more):
        return dict(os.environ, PILLARBOX_CONF=str(self.conf), **more)

    def start(self):
        before = len(self.log())
        with open(self.log_path, "ab") as log:
            self.queue = subprocess.Popen(
                [*self.wrapper, BIN, "queue", "-f", "-C", str(self.conf)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(lambda: "queue: ready" in self.log()[before:]
                 or self.queue.poll() is not None)
        assert self.queue.poll() is None, self.log()

    def stop(self, how=signal.SIGTERM):
        if self.queue and self.queue.poll() is None:
            self.queue.send_signal(how)
            self.queue.wait(20)
        self.queue = None

    def run(self, *argv, check=True, uid=None, **kw):
        kw.setdefault("input", "")
        p = subprocess.run([BIN, *argv], env=self.env(), text=True,
                           timeout=30, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, user=uid, **kw)
        assert not check or p.returncode == 0, (argv, p.stdout, p.stderr)
        return p

    def send(self, *rcpt, text=ALERT, **kw):
        return self.run("sendmail", *(rcpt or ["admin@b.test"]), input=text,
                        **kw)

    def talk(self, data, shut=True):
        """Octets to queue.ctl; all that it says."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(15)
            s.connect(str(self.run_dir / "queue.ctl"))
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
            said = b""
            while (piece := s.recv(4096)):
                said += piece
            return said.decode("latin-1")

    def log(self):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")

    def wait_log(self, text, n=1, seconds=10):
        wait_for(lambda: self.log().count(text) >= n, seconds)

    def spooled(self, where=None):
        return sorted(((where or self.spool) / "msg").glob("*"))

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print(self.log()[-6000:])
        self.close()
