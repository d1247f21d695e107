"""The servers that are held against each other, each on a high port.

start() runs one, kill() ends it; cpu() is what all its processes have used,
the ended ones too. What it stores is below a folder of the work folder, so
that all of them flush the same disk.
"""

import os
import shutil
import time

import peers_root
from peers_cpu import Group, tree_cpu
from peers_run import Missing, Peer, postfix_folders
from instance import Instance

FLUSHES = "fsync,fdatasync,sync_file_range,syncfs,sync,msync"


class Server(Peer):
    seccomp = True          # or has setuid programs, which that would break
    group = trace = None
    sink = None             # the port that mail for b.test is relayed to
    waiting = ()            # folders of its spool where mail waits

    def wrapper(self):
        """What a command line of a server starts with."""
        argv = self.group.enter()
        self.trace = None
        if self.counts:
            self.trace = self.work / "flushes"
            argv += ["strace", "-D", "-f", "-qq", "-Y", "-e", "signal=none",
                     "-e", f"trace={FLUSHES}", "-o", self.trace]
            argv += ["--seccomp-bpf"] if self.seccomp else []
        return argv

    def start(self, flushes=False):
        self.counts = flushes
        self.group = Group(self.name.lower())
        super().start()

    def kill(self):
        super().kill()
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
        """Aside only: where many inodes were freed a moment ago, ext4 without
        a journal looks at each of them for every file that is made."""
        gone = self.work / "gone"
        gone.mkdir(exist_ok=True)
        for entry in os.scandir(self.new):
            os.rename(entry.path, gone / entry.name)

    def queued(self):
        """Does it hold mail that has to go out?"""
        return any(files for name in self.waiting
                   for _, _, files in os.walk(self.work / name))

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

    def queued(self):
        return False


class Pillarbox(Server):
    name = "Pillarbox"
    version = "of this tree"
    instance = None
    waiting = ["box/spool/msg"]
    extra = ("max-sessions 200\nmax-sessions-per-address 200\n"
             "max-queue 100000\nrelay-from 127.0.0.1\n")

    def start(self, flushes=False):
        self.folders()
        self.counts = flushes
        self.group = Group(self.name.lower())
        route = f"route b.test smtp:[127.0.0.1]:{self.sink}\n"
        i = Instance(folder=self.work / "box", start=False,
                     extra=self.extra + (route if self.sink else ""),
                     wrapper=self.wrapper())
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
    waiting = ["spool/incoming", "spool/active", "spool/deferred"]

    def configure(self):
        postfix_folders(self)
        (self.root / "etc" / "postfix" / "main.cf").write_text(
            "compatibility_level = 3.6\nmyhostname = bench.a.test\n"
            "mydestination = a.test\nmynetworks = 127.0.0.0/8\n"
            "inet_protocols = ipv4\nalias_maps =\nhome_mailbox = Maildir/\n"
            + (f"relayhost = [127.0.0.1]:{self.sink}\n" if self.sink else ""))

    def command(self):
        return ["/usr/lib/postfix/sbin/master", "-d"]


class OpenSMTPD(Server):
    name = "OpenSMTPD"
    package = "opensmtpd"
    spool = "/var/spool/smtpd"
    waiting = ["spool/queue"]

    def configure(self):
        (self.root / "etc" / "smtpd.conf").write_text(
            "smtp limit max-mails 10000000\n"
            f"listen on 127.0.0.1 port {self.port}\n"
            'action "local" maildir\n'
            'match from any for domain "a.test" action "local"\n'
            + (f'action "on" relay host smtp://127.0.0.1:{self.sink}\n'
               'match from any for domain "b.test" action "on"\n'
               if self.sink else ""))
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
    waiting = ["spool/input"]
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
  accept hosts = 127.0.0.1
begin routers
on:
  driver = manualroute
  domains = ! a.test
  transport = on
  route_list = * 127.0.0.1
  self = send
local:
  driver = accept
  domains = a.test
  check_local_user
  transport = maildir
begin transports
on:
  driver = smtp
  port = {sink}
  allow_localhost
  hosts_try_dane =
maildir:
  driver = appendfile
  directory = $home/Maildir
  maildir_format
"""

    def configure(self):
        etc = self.root / "etc" / "exim4"
        etc.mkdir(exist_ok=True)
        (etc / "exim4.conf").write_text(self.conf.format(
            port=self.port, sink=self.sink or 25))
        owner = peers_root.USERS["Debian-exim"]
        log = self.root / "var/log/exim4"
        shutil.rmtree(log, ignore_errors=True)
        log.mkdir()
        for folder in (log, self.work / "spool"):
            os.chown(folder, owner, owner)

    def command(self):
        return ["/usr/sbin/exim4", "-bdf"]


SERVERS = [Pillarbox, Postfix, OpenSMTPD, Exim]
