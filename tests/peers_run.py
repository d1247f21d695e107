"""A mail server of Debian in its root folder (peers_root), on a high port.

It runs below chroot, in namespaces of its own for mounts and processes; what
it stores is below a work folder of the caller.
"""

import os
import pathlib
import random
import shutil
import socket
import subprocess

import peers_root
from instance import wait_for

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


class Peer:
    """name, package, spool and configure(), command() are the server's."""
    package = None
    more = ()               # packages beside it
    spool = "-"

    def __init__(self, work):
        self.work = pathlib.Path(work) / self.name
        self.port = quiet_port()
        self.process = None
        if self.package:
            self.root, self.version = peers_root.make(self.package, self.more)

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

    def wrapper(self):
        """What its command line starts with."""
        return []

    def inside(self, *command):
        """The command in the root folder, below a shell that reaps."""
        if self.spool != "-":
            (self.root / self.spool[1:]).mkdir(parents=True, exist_ok=True)
        return [*UNSHARE, "sh", "-c", INSIDE, "sh", self.root, self.spool,
                self.work, *command]

    def start(self):
        self.folders()
        self.configure()
        self.go()

    def go(self):
        """Again, with all that it had."""
        try:
            self.run()
            wait_for(self.greets, 40, 0.1)
        except AssertionError:
            said = self.said()
            self.kill()
            raise Missing(f"does not start: {said}") from None

    def run(self):
        with open(self.work / "log", "ab") as log:
            self.process = subprocess.Popen(
                list(map(str, self.wrapper() + self.inside(*self.command()))),
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


def postfix_folders(peer):
    """master.cf with the peer's port, the queue, and what runs expect."""
    rows = [row.split() for row in (
        peer.root / "usr/share/postfix/master.cf.dist").read_text()
        .splitlines() if row and row[0] not in "# \t"]
    for row in rows:
        row[4] = "n"            # not chrooted: it is in one already
        if row[0] == "smtp" and row[1] == "inet":
            row[0] = f"127.0.0.1:{peer.port}"
    (peer.root / "etc/postfix/master.cf").write_text("".join(
        " ".join(row) + "\n" for row in rows))
    owner = peers_root.USERS["postfix"]
    for name in ("active bounce corrupt defer deferred flush hold incoming"
                 " maildrop pid private public saved trace").split():
        (peer.work / "spool" / name).mkdir()
        if name != "pid":
            os.chown(peer.work / "spool" / name, owner, 0)
    data = peer.root / "var/lib/postfix"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    os.chown(data, owner, 0)


def dovecot_folders(peer):
    """Its accounts, no sockets of an earlier run, peer.cert; gives etc/dovecot."""
    peers_root.USERS.update({"dovecot": 2107, "dovenull": 2108})
    peers_root.accounts(peer.root)
    etc = peer.root / "etc/dovecot"
    shutil.rmtree(peer.root / "run/dovecot", ignore_errors=True)
    for source, name in zip(peer.cert, ("cert.pem", "key.pem")):
        shutil.copy(source, etc / name)
    return etc
