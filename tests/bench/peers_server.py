"""The servers that are held against each other, each on a high port.

start() runs one, kill() ends it; cpu() is what all its processes have used,
the ended ones too. What it stores is below a folder of the work folder, so
that all of them flush the same disk.
"""

import os
import pathlib
import random
import shutil
import socket
import subprocess
import time

import peers_root
from peers_cpu import Group, tree_cpu
from instance import Instance, wait_for

FLUSHES = "fsync,fdatasync,sync_file_range,syncfs,sync,msync"
# A process namespace: when its first process is killed, all of it ends.
UNSHARE = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
           "--kill-child=SIGKILL"]
# $1 the root folder, $2 the spool there, $3 the work folder, then the command
INSIDE = """
set -e
cd "$1"
mount -t proc proc proc
mount -t tmpfs tmpfs dev
for node in null zero random urandom; do
	: >"dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mount --bind "$3/mail" mail
[ "$2" = - ] || mount --bind "$3/spool" "$1$2"
root=$1
shift 3
ulimit -n 1024		# as init gives; some close every number they may have
chroot "$root" "$@" </dev/null &
wait
"""


class Missing(Exception):
    """This server cannot be measured here; the text says why."""


def quiet_port():
    """Below those of outgoing connections: one of them, even closed, would
    keep a server that starts again from its port."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
              .read_text().split()[0])
    while True:
        port = random.randrange(low // 2, low)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Server:
    package = None
    spool = "-"
    seccomp = True          # or has setuid programs, which that would break

    def __init__(self, work):
        self.work = pathlib.Path(work) / self.name
        self.port = quiet_port()
        self.process = self.group = self.trace = None
        if self.package:
            self.root, self.version = peers_root.make(self.package)

    def folders(self):
        shutil.rmtree(self.work, ignore_errors=True)
        for name in ("spool", "mail"):
            (self.work / name).mkdir(parents=True)
        box = self.work / "mail" / "bob"
        for sub in ("", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
            (box / sub).mkdir()
            os.chown(box / sub, peers_root.USERS["bob"],
                     peers_root.USERS["bob"])
        self.new = box / "Maildir" / "new"

    def wrapper(self, flushes):
        """What a command line of a server starts with."""
        argv = self.group.enter()
        self.trace = None
        if flushes:
            self.trace = self.work / "flushes"
            argv += ["strace", "-D", "-f", "-qq", "-Y", "-e", "signal=none",
                     "-e", f"trace={FLUSHES}", "-o", self.trace]
            argv += ["--seccomp-bpf"] if self.seccomp else []
        return argv

    def inside(self, *command):
        """The command in the root folder, below a shell that reaps."""
        if self.spool != "-":
            (self.root / self.spool[1:]).mkdir(parents=True, exist_ok=True)
        return [*UNSHARE, "sh", "-c", INSIDE, "sh", self.root, self.spool,
                self.work, *command]

    def start(self, flushes=False):
        self.folders()
        self.configure()
        self.group = Group(self.name.lower())
        try:
            self.run(flushes)
            wait_for(self.greets, 40, 0.1)
        except AssertionError:
            said = self.said()
            self.kill()
            raise Missing(f"does not start: {said}") from None

    def run(self, flushes):
        with open(self.work / "log", "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, self.wrapper(flushes)
                         + self.inside(*self.command()))),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self):
        log = (self.work / "log").read_text(errors="replace").splitlines()
        return " / ".join(log[-3:]) or "it says nothing"

    def greets(self):
        assert self.process.poll() is None, self.said()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                return s.recv(3) == b"220"
        except OSError:
            return False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        if self.group:
            self.group.close()
            self.group = None

    # --- what it has done

    def cpu(self):
        return (self.group.cpu() if self.group.dir
                else tree_cpu(self.process.pid))

    def delivered(self):
        return len(os.listdir(self.new))

    def clear(self):
        for entry in os.scandir(self.new):
            os.unlink(entry.path)

    def settle(self):
        """Until it has nothing more to do, 10 s at most."""
        end = time.monotonic() + 10
        before, now = -1, self.cpu()
        while now - before > 0.001 and time.monotonic() < end:
            time.sleep(0.15)
            before, now = now, self.cpu()

    def flushes(self):
        """Program: how often it has flushed."""
        found = {}
        for line in self.trace.read_text(errors="replace").splitlines():
            if "(" in line and "resumed>" not in line:
                who = line.split()[0].partition("<")[2].rstrip(">")
                found[who] = found.get(who, 0) + 1
        return found


class Sink(Server):
    """smtp-source's counterpart, which throws the mail away."""
    name = "smtp-sink"
    package = "postfix"

    def configure(self):
        pass

    def command(self):
        return ["/usr/sbin/smtp-sink", "-u", "nobody",
                f"127.0.0.1:{self.port}", "1024"]

    def delivered(self):
        return None


class Pillarbox(Server):
    name = "Pillarbox"
    version = "of this tree"
    instance = None
    extra = ("max-sessions 200\nmax-sessions-per-address 200\n"
             "max-queue 100000\n")

    def start(self, flushes=False):
        self.folders()
        self.group = Group(self.name.lower())
        i = Instance(folder=self.work / "box", extra=self.extra, start=False,
                     wrapper=self.wrapper(flushes))
        self.port, self.instance = i.port["smtp"], i
        self.new = i.maildir("bob") / "new"
        try:
            i.start()
        except AssertionError as why:
            self.kill()
            raise Missing(f"does not start: {why}") from None
        self.process = i.maild

    def delivered(self):
        return super().delivered() if self.new.exists() else 0

    def clear(self):
        if self.new.exists():
            super().clear()

    def said(self):
        return self.instance.log()[-300:]

    def kill(self):
        if self.instance:
            self.instance.stop()
        self.process = None
        super().kill()


class Postfix(Server):
    name = "Postfix"
    package = "postfix"
    spool = "/var/spool/postfix"

    def configure(self):
        etc = self.root / "etc" / "postfix"
        rows = [row.split() for row in (
            self.root / "usr/share/postfix/master.cf.dist").read_text()
            .splitlines() if row and row[0] not in "# \t"]
        for row in rows:
            row[4] = "n"            # not chrooted: it is in one already
            if row[0] == "smtp" and row[1] == "inet":
                row[0] = f"127.0.0.1:{self.port}"
        (etc / "master.cf").write_text("".join(
            " ".join(row) + "\n" for row in rows))
        (etc / "main.cf").write_text(
            "compatibility_level = 3.6\nmyhostname = bench.a.test\n"
            "mydestination = a.test\nmynetworks = 127.0.0.0/8\n"
            "inet_protocols = ipv4\nalias_maps =\nhome_mailbox = Maildir/\n")
        owner = peers_root.USERS["postfix"]
        for name in ("active bounce corrupt defer deferred flush hold incoming"
                     " maildrop pid private public saved trace").split():
            (self.work / "spool" / name).mkdir()
            if name != "pid":
                os.chown(self.work / "spool" / name, owner, 0)
        data = self.root / "var/lib/postfix"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        os.chown(data, owner, 0)

    def command(self):
        return ["/usr/lib/postfix/sbin/master", "-d"]


class OpenSMTPD(Server):
    name = "OpenSMTPD"
    package = "opensmtpd"
    spool = "/var/spool/smtpd"

    def configure(self):
        (self.root / "etc" / "smtpd.conf").write_text(
            "smtp limit max-mails 10000000\n"
            f"listen on 127.0.0.1 port {self.port}\n"
            'action "local" maildir\n'
            'match from any for domain "a.test" action "local"\n')
        (self.root / "etc" / "mailname").write_text("bench.a.test\n")
        (self.root / "var/lib/opensmtpd/empty").mkdir(parents=True,
                                                      exist_ok=True)
        (self.work / "spool").chmod(0o711)

    def command(self):
        return ["/usr/sbin/smtpd", "-d"]


class Exim(Server):
    name = "Exim"
    package = "exim4-daemon-light"
    spool = "/var/spool/exim4"
    seccomp = False
    conf = """
primary_hostname = bench.a.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
exim_path = /usr/sbin/exim4
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept domains = a.test
begin routers
local:
  driver = accept
  domains = a.test
  check_local_user
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = $home/Maildir
  maildir_format
"""

    def configure(self):
        etc = self.root / "etc" / "exim4"
        etc.mkdir(exist_ok=True)
        (etc / "exim4.conf").write_text(self.conf.format(port=self.port))
        owner = peers_root.USERS["Debian-exim"]
        log = self.root / "var/log/exim4"
        shutil.rmtree(log, ignore_errors=True)
        log.mkdir()
        for folder in (log, self.work / "spool"):
            os.chown(folder, owner, owner)

    def command(self):
        return ["/usr/sbin/exim4", "-bdf"]


SERVERS = [Pillarbox, Postfix, OpenSMTPD, Exim]
