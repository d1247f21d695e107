#!/usr/bin/python3
"""send_peers - one message to a smarthost, by us and by the programs of Debian

Told are for each: instructions (callgrind, all its processes), the peak of its
resident memory in kB, and wall milliseconds (median of --runs), with STARTTLS
and without. The smarthost is our own smtpd on loopback. The
others' packages are unpacked over a view of this machine's files that ends with
the measurement; nothing is installed. BusyBox of Debian has no sendmail.
Debian amd64, root.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
from fakes import make_cert                                     # noqa: E402
from instance import BIN, Instance                              # noqa: E402
from peers_root import load_peers, unpack                       # noqa: E402

NAME = "mail.a.test"
MESSAGE = ("From: alice@a.test\nTo: bob@a.test\nSubject: disk\n\n"
           + 20 * "/dev/sda1 is 91% full, says the monitor of this box.\n")
# $1 the packages, then the command: all below an overlay of / and these
INSIDE = """
set -e
mount -t tmpfs over /mnt
mkdir /mnt/up /mnt/work /mnt/all
cp -a "$1" /mnt/add
mount -t overlay over -o lowerdir=/mnt/add:/,upperdir=/mnt/up,workdir=/mnt/work /mnt/all
mount --bind /proc /mnt/all/proc
mount --bind /dev /mnt/all/dev
mount --bind /tmp /mnt/all/tmp
shift
exec chroot /mnt/all "$@"
"""


class Program:
    """name, packages; command(), with files to write first."""
    packages = ()
    tls = True
    stdin = MESSAGE

    def files(self, b, tls):
        return {}


class Smtp(Program):
    name = "Pillarbox smtp"

    def command(self, b, tls):
        return [b.link("smtp"), "-C", b.conf, "-f", "alice@a.test", "-H",
                f"{NAME}:{b.port}", "--tls", "starttls" if tls else "none",
                "bob@a.test"]


class Sendmail(Program):
    """To the local daemon, which does the rest."""
    name = "Pillarbox sendmail, to smtpd"
    tls = False

    def command(self, b, tls):
        return [b.link("sendmail"), "-C", b.instance.conf, "-f",
                "alice@a.test", "bob@a.test"]


class Msmtp(Program):
    name, packages = "msmtp", ("msmtp",)

    def command(self, b, tls):
        how = ["--tls=on", "--tls-starttls=on", f"--tls-trust-file={b.ca}"] \
            if tls else ["--tls=off"]
        return ["msmtp", f"--host={NAME}", f"--port={b.port}", *how,
                "--auth=off", "--from=alice@a.test", "bob@a.test"]


class Nullmailer(Program):
    """The part of it that sends; its queue comes in addition."""
    name, packages = "nullmailer's smtp", ("nullmailer",)
    stdin = ""

    def files(self, b, tls):
        return {"/tmp-mail": "alice@a.test\nbob@a.test\n\n" + MESSAGE}

    def command(self, b, tls):
        how = f"--starttls --x509cafile={b.ca}" if tls else ""
        return ["sh", "-c", f"HELOHOST={NAME} exec /usr/lib/nullmailer/smtp --host={NAME} "
                f"--port={b.port} {how} 3</tmp-mail"]


class Dma(Program):
    name, packages = "dma -D", ("dma",)

    def files(self, b, tls):
        return {"/etc/dma/dma.conf":
                f"SMARTHOST {NAME}\nPORT {b.port}\nMAILNAME {NAME}\n"
                + ("SECURETRANSFER\nSTARTTLS\n" if tls else "")}

    def command(self, b, tls):
        return ["dma", "-D", "-f", "alice@a.test", "bob@a.test"]


class Esmtp(Program):
    name, packages = "esmtp", ("esmtp", "libesmtp6")
    tls = False                     # does not check the certificate's name

    def files(self, b, tls):
        return {"/etc/esmtprc": f"hostname={NAME}:{b.port}\n"}

    def command(self, b, tls):
        return ["esmtp", "-f", "alice@a.test", "bob@a.test"]


class Snail(Program):
    name, packages = "s-nail", ("s-nail",)

    def command(self, b, tls):
        how = ["-Ssmtp-use-starttls"] if tls else []
        return ["s-nail", "-n", "-Sv15-compat", f"-Stls-ca-file={b.ca}",
                f"-Smta=smtp://{NAME}:{b.port}", "-Ssmtp-auth=none", *how,
                "-r", "alice@a.test", "-s", "disk", "bob@a.test"]


PROGRAMS = [Smtp, Sendmail, Msmtp, Nullmailer, Dma, Esmtp, Snail]


class Bench:
    def __init__(self, args, work):
        self.args, self.work = args, work
        self.packages = work / "packages"
        self.packages.mkdir()
        (self.packages / "etc").mkdir()
        (self.packages / "etc/hosts").write_text(f"127.0.0.1 localhost {NAME}\n")
        (self.packages / "tmp-mail").write_text("")
        cert, key = make_cert(work, NAME)
        self.ca, self.links = cert, work / "bin"
        self.links.mkdir()
        self.instance = Instance(folder=work / "box", extra=(
            f"tls-cert {cert}\ntls-key {key}\nrelay-from 127.0.0.1\n"))
        self.port = self.instance.port["smtp"]
        self.conf = work / "conf"
        self.conf.write_text(f"hostname {NAME}\ntls-ca {cert}\n")
        self.peers = load_peers()
        self.peers.apt_root()

    def link(self, applet):
        path = self.links / applet
        if not path.exists():
            path.symlink_to(BIN)
        return path

    def fetch(self, packages):
        if not packages:
            return
        debs = self.peers.closure(list(packages))
        self.peers.apt("apt-get", "-qq", "-y", "--download-only", "install",
                       *packages)
        for name in packages:
            unpack(self.peers.DIR / "apt" / "archives" / debs[name],
                   self.packages)
        for file in self.packages.rglob("*"):       # valgrind runs no setgid
            if file.is_file() and not file.is_symlink():
                file.chmod(file.stat().st_mode & 0o755)
        loose = self.packages / "lib"       # would hide the machine's link
        if loose.exists():
            shutil.copytree(loose, self.packages / "usr/lib",
                            dirs_exist_ok=True, symlinks=True)
            shutil.rmtree(loose)

    def run(self, p, tls, *before):
        for path, text in p.files(self, tls).items():
            file = self.packages / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             INSIDE, "sh", self.packages, *before, *p.command(self, tls)],
            input=p.stdin, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=120)
        if done.returncode:
            raise OSError(f"{p.name}: {done.stdout.strip()[-300:]}")
        return done.stdout

    def taken(self):
        return self.instance.log().count("nrcpt=1 client=")

    def figures(self, p, tls):
        """Instructions, kB, milliseconds."""
        before = self.taken()
        said = self.run(p, tls, "valgrind", "--tool=callgrind",
                        "--trace-children=yes",
                        "--callgrind-out-file=/dev/null")
        instructions = sum(map(int, re.findall(r"Collected : (\d+)", said)))
        said = self.run(p, tls, "/usr/bin/time", "-f", "RSS %M")
        rss = int(re.findall(r"RSS (\d+)", said)[-1])
        times = [self.wall(p, tls) for _ in range(self.args.runs)]
        if self.taken() - before < 2:
            raise OSError(f"{p.name}: nothing arrived")
        return instructions, rss, statistics.median(times)

    def wall(self, p, tls):
        """By a clock inside, as making the view takes longer."""
        said = self.run(p, tls, "python3", "-c",
                        "import subprocess, sys, time\n"
                        "text = sys.stdin.buffer.read()\n"
                        "start = time.monotonic()\n"
                        "subprocess.run(sys.argv[1:], input=text, check=True)\n"
                        "print('WALL', time.monotonic() - start)")
        return float(re.findall(r"WALL (\S+)", said)[-1]) * 1000

    def rows(self):
        for kind in PROGRAMS:
            p = kind()
            self.fetch(p.packages)
            for tls in (False, True):
                if tls and not p.tls:
                    continue
                try:
                    yield [p.name, "TLS" if tls else "-",
                           *self.figures(p, tls)]
                except (OSError, IndexError,
                        subprocess.SubprocessError) as why:
                    print(f"{p.name}, tls={tls}: {why}", file=sys.stderr)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    args = parser.parse_args(argv)
    if os.geteuid():
        sys.exit("send_peers: needs root for its view of the files")
    work = pathlib.Path(tempfile.mkdtemp(prefix="pbsend"))
    work.chmod(0o755)
    bench = Bench(args, work)
    try:
        print("| | | M instructions | peak RSS, kB | ms |\n"
              "|---|---|--:|--:|--:|")
        for name, tls, count, rss, ms in bench.rows():
            print(f"| {name} | {tls} | {count / 1e6:.1f} | {rss:,} "
                  f"| {ms:.1f} |", flush=True)
    finally:
        bench.instance.close()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
