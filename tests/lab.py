"""Several hosts on one machine: network and mount namespaces, a real DNS server.

A host is a process that sleeps in its own namespaces; commands are run in it
with nsenter. All addresses are 10.77.0.0/24, reachable from these hosts only.
"""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

from instance import BIN, wait_for

SUBNET = "10.77.0"


def sh(*argv, **kw):
    return subprocess.run([str(a) for a in argv], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **kw).stdout


class Host:
    """name, last octet of its address, system users {name: (uid, password)}."""

    def __init__(self, lab, name, octet, users=None):
        self.lab, self.name, self.users = lab, name, users or {}
        self.address = f"{SUBNET}.{octet}"
        self.dir = lab.dir / name
        self.etc = self.dir / "etc"
        for sub in (self.etc, self.dir / "mail", self.dir / "home",
                    self.dir / "run", self.dir / "var"):
            sub.mkdir(parents=True)
        self.sleeper = subprocess.Popen(
            ["unshare", "-n", "-m", "--propagation", "private",
             "sleep", "100000"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        mine = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{self.sleeper.pid}/ns/net")
                 != mine and pathlib.Path(
                     f"/proc/{self.sleeper.pid}/comm").read_text()
                 == "sleep\n")
        self.daemons = []

    def enter(self, *argv):
        return ["nsenter", "-t", str(self.sleeper.pid), "-n", "-m",
                *[str(a) for a in argv]]

    def wire(self):
        """An interface on the lab's bridge; called once the bridge exists."""
        pid = self.sleeper.pid
        veth = f"v{self.address.split('.')[-1]}"
        sh(*self.lab.net.enter("ip", "link", "add", veth, "type", "veth",
                               "peer", "name", "eth0", "netns", pid))
        sh(*self.lab.net.enter("ip", "link", "set", veth, "master", "br0",
                               "up"))
        self.sh("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.sh("ip", "link", "set", "eth0", "up")
        self.sh("ip", "link", "set", "lo", "up")
        self.accounts()

    def accounts(self):
        passwd = open("/etc/passwd").read()
        shadow = open("/etc/shadow").read()
        group = open("/etc/group").read()
        for name, (uid, password) in self.users.items():
            home = self.dir / "home" / name
            home.mkdir()
            os.chown(home, uid, uid)
            key = sh("openssl", "passwd", "-6", password).strip()
            passwd += f"{name}:x:{uid}:{uid}:{name.title()}:{home}:/bin/sh\n"
            shadow += f"{name}:{key}:20000:0:99999:7:::\n"
            group += f"{name}:x:{uid}:\n"
        if "\npillarbox:" not in passwd:
            passwd += "pillarbox:x:2999:2999::/nonexistent:/bin/false\n"
            group += "pillarbox:x:2999:\n"
        mail = pwd.getpwnam("mail")
        box = self.dir / "mail"
        os.chown(box, 0, mail.pw_gid)
        box.chmod(0o2775)
        self.dir.chmod(0o755)
        for name, text in (("passwd", passwd), ("shadow", shadow),
                           ("group", group), ("resolv.conf",
                            f"nameserver {SUBNET}.53\n")):
            (self.etc / name).write_text(text)
            self.bind(self.etc / name, f"/etc/{name}")
        (self.etc / "shadow").chmod(0o600)
        self.bind(box, "/var/mail")

    def bind(self, source, target):
        self.sh("mount", "--bind", source, target)

    def sh(self, *argv, **kw):
        return sh(*self.enter(*argv), **kw)

    def popen(self, *argv, **kw):
        p = subprocess.Popen(self.enter(*argv), **kw)
        self.daemons.append(p)
        return p

    def as_user(self, user, *argv, **kw):
        """Runs a command of the user, with HOME and the like set."""
        home = self.dir / "home" / user
        uid = self.users[user][0]
        env = {"HOME": str(home), "USER": user, "LOGNAME": user,
               "PATH": os.environ["PATH"], "TERM": "dumb",
               "PILLARBOX_CONF": str(self.etc / "pillarbox.conf")}
        return self.sh("setpriv", f"--reuid={uid}", f"--regid={uid}",
                       "--clear-groups", "env", "-i",
                       *[f"{k}={v}" for k, v in env.items()], *argv, **kw)

    def pillarbox(self, conf):
        """Starts a whole Pillarbox as root of this host, on the real ports."""
        path = self.etc / "pillarbox.conf"
        path.write_text(
            f"spool-dir {self.dir}/var/spool\nstate-dir {self.dir}/var/lib\n"
            f"mail-dir {self.dir}/var/lib/mail\n"
            f"run-dir {self.dir}/run\n" + conf)
        self.log_path = self.dir / "log"
        self.maild = self.popen(BIN, "maild", "-f", "-C", path,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL,
                                stderr=open(self.log_path, "wb"))
        wait_for(lambda: all(f"{d}: ready" in self.log() for d in
                             ("smtpd", "queue", "deliver", "authd", "pop3d"))
                 or self.maild.poll() is not None, 20)
        assert self.maild.poll() is None, self.log()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def close(self):
        for p in self.daemons:
            if p.poll() is None:
                p.terminate()
        for p in self.daemons:
            try:
                p.wait(40)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.sleeper.kill()
        self.sleeper.wait()


class Lab:
    """hosts {name: (octet, users)}; zones {domain: zone file lines}."""

    def __init__(self, hosts, zones):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pblab"))
        self.dir.chmod(0o755)
        self.hosts = {}
        self.net = Host(self, "net", 1)
        self.net.sh("ip", "link", "add", "br0", "type", "bridge")
        self.net.sh("ip", "link", "set", "br0", "up")
        for name, (octet, users) in hosts.items():
            host = Host(self, name, octet, users)
            self.hosts[name] = host
            host.wire()
        self.dns = Host(self, "dns", 53)
        self.dns.wire()
        self.knot(zones)

    def __getitem__(self, name):
        return self.hosts[name]

    def knot(self, zones):
        folder = self.dns.dir / "var"
        conf = (f"server:\n  listen: {SUBNET}.53@53\n"
                f"  rundir: {folder}\n  user: root:root\n"
                f"database:\n  storage: {folder}\n"
                "log:\n  - target: stderr\n    any: warning\nzone:\n")
        for domain, lines in zones.items():
            (folder / f"{domain}.zone").write_text(
                f"$ORIGIN {domain}.\n$TTL 60\n"
                f"@ SOA ns.{domain}. root.{domain}. 1 60 60 60 60\n"
                f"@ NS ns.{domain}.\nns A {SUBNET}.53\n" + lines)
            conf += f"  - domain: {domain}\n    file: {folder}/{domain}.zone\n"
        (folder / "knot.conf").write_text(conf)
        log = open(folder / "log", "wb")
        self.dns.popen("/usr/sbin/knotd", "-c", folder / "knot.conf",
                       stdout=log, stderr=log)
        domain = next(iter(zones))

        def answers():
            out = subprocess.run(
                self.dns.enter("kdig", f"@{SUBNET}.53", "+short", "+timeout=1",
                               "+retry=0", domain, "SOA"),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            return "root." in out.stdout
        wait_for(answers, 15, 0.1)

    def close(self):
        for host in [*self.hosts.values(), self.dns, self.net]:
            host.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            for host in self.hosts.values():
                if hasattr(host, "log_path"):
                    print(f"--- {host.name}\n{host.log()[-6000:]}")
        self.close()
