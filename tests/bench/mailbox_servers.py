"""The servers whose mailboxes are held against each other.

Both have the users bob and u0, u1, ... at a.test and their Maildirs in one
folder, MAIL/a.test/USER.
"""

import os
import pathlib
import re
import subprocess

from instance import Instance, free_port, wait_for, wait_port
from peers_cpu import Group
from peers_run import Missing
from peers_server import Server

OWNER = 2001                    # of Dovecot's mail: it takes none of root's
LIMITS = ("auth-without-tls yes\nmax-sessions 1200\nrate-connections none\n"
          "max-sessions-per-address 1200\n")
CONF = """
base_dir = {work}/run
state_dir = {work}/state
log_path = {work}/log
protocols = pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{work}/cert.pem
ssl_key = <{work}/key.pem
disable_plaintext_auth = no
auth_username_format = %Lu
mail_location = maildir:{mail}/a.test/%n
default_process_limit = 1100
default_client_limit = 3000
protocol pop3 {{
  mail_max_userip_connections = 1100
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {plain}
  }}
  inet_listener pop3s {{
    port = {tls}
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0600
  }}
}}
service stats {{
  client_limit = 3000
}}
passdb {{
  driver = passwd-file
  args = {work}/users
}}
userdb {{
  driver = passwd-file
  args = {work}/users
}}
"""


def password(name):
    return "bob-pw" if name == "bob" else "u-pw"


class Mailboxes(Server):
    """What both need; start() and kill() are each one's own."""
    seccomp = True

    def __init__(self, work, mail, users):
        self.work, self.mail = pathlib.Path(work) / self.name, mail
        self.users = ["bob", *(f"u{n}" for n in range(users))]
        self.process = None
        mail.mkdir(exist_ok=True)

    def port_of(self, tls):
        return self.ports[tls]

    def begin(self, flushes):
        self.counts = flushes
        self.group = Group(self.name.lower())

    def memory(self):
        """KB of all its processes, what they share counted once."""
        total = 0
        for pid in (self.group.dir / "cgroup.procs").read_text().split():
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
            except (OSError, TypeError):
                continue        # it has just ended
        return total

    def flushes(self):
        """Program and call: how often."""
        found = {}
        for line in self.trace.read_text(errors="replace").splitlines():
            call = re.match(r"\d+<([^>]*)> (\w+)\(", line)
            if call:
                key = f"{call[1]} {call[2]}"
                found[key] = found.get(key, 0) + 1
        return found

    def warm(self, bench):
        """One login of each kind: what is made once is made."""
        for tls in self.ports:
            bench.client("pop3", self.port_of(tls), "u0@a.test", "u-pw",
                         "one", tls)
        self.settle()


class Pillarbox(Mailboxes):
    name = "Pillarbox"
    version = "of this tree"
    instance = None

    def owns(self, folder):
        """It runs as root here, who may read all."""

    def make(self):
        i = Instance(users=[], folder=self.work, start=False,
                     omit=("mail-dir",),
                     extra=LIMITS + f"mail-dir {self.mail}\n")
        for name in self.users:
            i.run("mailuser", "add", f"{name}@a.test",
                  input=f"{password(name)}\n")
        self.ports = {"plain": i.port["pop3"], "tls": i.port["pop3s"]}
        self.lmtp = self.work / "run" / "deliver"
        return i

    def start(self, flushes=False):
        self.work.mkdir(exist_ok=True)
        self.begin(flushes)
        self.instance = self.instance or self.make()
        self.instance.wrapper = self.wrapper()
        try:
            self.instance.start()
        except AssertionError as why:
            self.kill()
            raise Missing(f"does not start: {why}") from None

    def said(self):
        return self.instance.log()[-300:]

    def kill(self):
        if self.instance:
            self.instance.stop()
        if self.group:
            self.group.close()
            self.group = None


class Dovecot(Mailboxes):
    name = "Dovecot"
    program = "/usr/sbin/dovecot"

    def owns(self, folder):
        for root, _, files in os.walk(folder):
            for name in ("", *files):
                os.chown(os.path.join(root, name), OWNER, OWNER)

    def make(self):
        self.work.mkdir(exist_ok=True)
        self.version = subprocess.check_output(
            [self.program, "--version"], text=True).split()[0]
        self.ports = {"plain": free_port(), "tls": free_port()}
        self.lmtp = self.work / "run" / "lmtp"
        (self.work / "users").write_text("".join(
            f"{name}@a.test:{{PLAIN}}{password(name)}:{OWNER}:{OWNER}::"
            f"{self.work}::\n" for name in self.users))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=a.test", "-keyout", self.work / "key.pem", "-out",
             self.work / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
        (self.work / "conf").write_text(CONF.format(
            work=self.work, mail=self.mail, **self.ports))

    def start(self, flushes=False):
        if not os.path.exists(self.program):
            raise Missing("dovecot-pop3d and dovecot-lmtpd are not installed")
        if not self.work.exists():
            self.make()
        self.begin(flushes)
        self.owns(self.mail / "a.test")
        os.makedirs(self.mail / "a.test", exist_ok=True)
        os.chown(self.mail / "a.test", OWNER, OWNER)
        self.process = subprocess.Popen(
            [*map(str, self.wrapper()), self.program, "-F", "-c",
             str(self.work / "conf")], stdin=subprocess.DEVNULL)
        try:
            wait_port(self.ports["plain"])
            wait_for(self.lmtp.exists)
        except AssertionError:
            self.kill()
            raise Missing(f"does not start: {self.said()}") from None

    def said(self):
        return (self.work / "log").read_text(errors="replace")[-300:]

    def kill(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None
        if self.group:
            self.group.close()
            self.group = None


SERVERS = [Pillarbox, Dovecot]
