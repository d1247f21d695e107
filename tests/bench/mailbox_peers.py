#!/usr/bin/python3
"""mailbox_peers - Pillarbox and Dovecot side by side, as mailboxes

POP3: one client in C (mailload.c) fetches a Maildir of --messages messages of 1
to 20 KB, the same files from both, one RETR at a time and 64 at a time, in the
clear and in TLS; cold is with no message in the page cache and no index of
Dovecot's. LMTP: the same number is delivered over 1 and over 20 connections,
each to a user of its own. Idle: memory of all the server's processes for each of
--idle clients that have logged in. Figures are medians of --runs runs, the
servers take turns. Both are as they come, but for limits on connections.
Debian, root, its dovecot-pop3d and dovecot-lmtpd; docs/bench.md has more.
"""

import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True
from mailbox_servers import SERVERS, Missing                    # noqa: E402
from smtpd_peers import as_markdown, as_text, machine, number   # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
LEAST, MOST = 1024, 20480       # octets of a message
LIMIT = 600                     # seconds for one run
# name, how RETR is asked for, TLS, is the page cache empty before it
FETCHES = [("cold, 64 at a time", "piped", "plain", True),
           ("one at a time", "one", "plain", False),
           ("64 at a time", "piped", "plain", False),
           ("TLS, one at a time", "one", "tls", False),
           ("TLS, 64 at a time", "piped", "tls", False)]
CONNECTIONS = [1, 20]


class Bench:
    def __init__(self, args, work):
        self.args, self.work = args, work
        self.load, self.mail = work / "mailload", work / "mail"
        self.gone = work / "gone"
        self.gone.mkdir()
        # ext4: what is made and removed is in groups of its own
        subprocess.run(["chattr", "+T", work], stderr=subprocess.DEVNULL)
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", self.load,
                        HERE / "mailload.c", "-lssl", "-lcrypto"], check=True)
        self.servers, self.notes, self.found = [], [], {}

    def start(self):
        for kind in SERVERS:
            if kind.name.lower() not in self.args.only:
                continue
            server = kind(self.work, self.mail,
                          max(self.args.idle, *CONNECTIONS))
            try:
                server.start()
                self.servers.append(server)
            except Missing as why:
                self.notes.append(f"{kind.name}: {why}")
                print(self.notes[-1], file=sys.stderr)

    def kill(self):
        for server in self.servers:
            server.kill()

    def client(self, *words):
        """What it prints, as numbers."""
        done = subprocess.run([self.load, *map(str, words)], text=True,
                              stdin=subprocess.DEVNULL, timeout=LIMIT,
                              stdout=subprocess.PIPE, check=True)
        return [float(word) for word in done.stdout.split()]

    def measured(self, server, *words):
        server.settle()
        before = server.cpu()
        got = self.client(*words)
        server.settle()
        return got, (server.cpu() - before) * 1000

    def add(self, server, what, **figures):
        for name, value in figures.items():
            self.found.setdefault((server.name, what, name), []).append(value)

    def get(self, server, what, name):
        values = self.found.get((server.name, what, name))
        return statistics.median(values) if values else None

    # --- POP3

    def fill(self):
        """Names as Maildir++ has them: nobody has to open a file for its size."""
        box = self.mail / "a.test" / "bob"
        for sub in ("cur", "new", "tmp"):
            (box / sub).mkdir(parents=True, exist_ok=True)
        line = b"x" * 70 + b"\n"
        for n in range(self.args.messages):
            lines = (LEAST + n * 7919 % (MOST - LEAST)) // 72
            text = b"From: a@a.test\nSubject: %d\n\n" % n + line * lines
            size, more = len(text), text.count(b"\n")
            (box / "new" / f"{1700000000 + n}.M{n}P1.load,S={size},"
             f"W={size + more}").write_bytes(text)
        for server in self.servers:
            server.owns(self.mail / "a.test")
        subprocess.run(["sync", "-f", str(self.mail)], check=True)

    def cool(self):
        box = self.mail / "a.test" / "bob"
        for path in [*box.glob("dovecot*"), *box.glob(".*/")]:
            path.unlink()
        for sub in ("cur", "new"):
            for entry in os.scandir(box / sub):
                fd = os.open(entry.path, os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)

    def words(self, server, how, tls):
        return ("pop3", server.port_of(tls), "bob@a.test", "bob-pw", how, tls)

    def fetch(self, server, name, how, tls, cold):
        if cold:
            self.cool()
        (there, took, octets, count, client), cpu = self.measured(
            server, *self.words(server, how, tls))
        assert count == self.args.messages, (server.name, count)
        mb = octets / 1e6
        self.add(server, name, there=there, rate=mb / took * 1e3,
                 cpu=cpu / mb, client=client / took * 100)

    def peak(self, server):
        """Of all its processes, beyond what they have at rest; in KB."""
        rest, over = server.memory(), threading.Event()
        most = [rest]

        def look():
            while not over.wait(0.05):
                most[0] = max(most[0], server.memory())

        watcher = threading.Thread(target=look)
        watcher.start()
        self.client(*self.words(server, "piped", "plain"))
        over.set()
        watcher.join()
        self.add(server, "peak", rest=rest, all=most[0])

    def pop3(self):
        self.fill()
        for fetch in FETCHES:
            for turn in range(self.args.runs + 1):
                for server in self.servers:
                    if turn or not fetch[3]:
                        self.fetch(server, *fetch)
                    if not turn and not fetch[3]:   # that was to warm up
                        for key in [k for k in self.found
                                    if k[:2] == (server.name, fetch[0])]:
                            del self.found[key]
        for server in self.servers:
            self.peak(server)

    # --- LMTP

    def deliver(self, server, connections, count):
        got = self.measured(server, "lmtp", server.lmtp, connections, count,
                            "alice@a.test", "u%d@a.test")
        have = sum(len(os.listdir(box / sub))
                   for box in (self.mail / "a.test").glob("u*")
                   for sub in ("new", "cur"))
        assert have == count, f"{server.name}: {have} of {count} are there"
        for box in (self.mail / "a.test").glob("u*"):
            for sub in ("new", "cur"):
                for entry in os.scandir(box / sub):
                    # aside: smtpd_peers has why
                    os.rename(entry.path, self.gone / entry.name)
        subprocess.run(["sync", "-f", str(self.mail)], check=True)
        return got

    def lmtp_all(self):
        count = self.args.messages
        for connections in CONNECTIONS:
            for turn in range(self.args.runs + 1):
                for server in self.servers:
                    (took, _, client), cpu = self.deliver(
                        server, connections, count if turn else count // 10)
                    if turn:
                        self.add(server, connections, rate=count / took * 1e3,
                                 cpu=cpu / count, client=client / took * 100)

    def flushes(self):
        for server in self.servers:
            server.kill()
            server.start(flushes=True)
            for connections in CONNECTIONS:
                count = min(400, self.args.messages)
                before = server.flushes()
                self.deliver(server, connections, count)
                calls = {k: (n - before.get(k, 0)) / count
                         for k, n in server.flushes().items()
                         if n > before.get(k, 0)}
                self.found[server.name, connections, "calls"] = calls
            server.kill()
            server.start()

    # --- idle

    def idle(self):
        for tls in ("plain", "tls"):
            for server in self.servers:
                server.kill()
                server.start()
                server.warm(self)
                before = server.memory()
                p = subprocess.Popen(
                    [self.load, "idle", str(server.port_of(tls)),
                     str(self.args.idle), "u%d@a.test", "u-pw", tls],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                ready = p.stdout.readline() == "ready\n"
                time.sleep(1)
                if ready:
                    self.add(server, tls, each=(server.memory() - before)
                             / self.args.idle)
                p.stdin.close()
                if p.wait() or not ready:
                    self.notes.append(f"{server.name}: {self.args.idle} "
                                      f"logins ({tls}) were not to be had: "
                                      f"{server.said()}")

    def run(self):
        self.start()
        try:
            for part in self.args.parts:
                print(part, file=sys.stderr)
                for step in {"pop3": [self.pop3], "idle": [self.idle],
                             "lmtp": [self.lmtp_all, self.flushes]}[part]:
                    step()
        finally:
            self.kill()

    # --- tables

    def rows(self, whats, *names):
        for label, what in whats:
            for server in self.servers:
                yield [f"{server.name}, {label}", *(number(self.get(
                    server, what, name)) for name in names)]

    def tables(self):
        parts = self.args.parts
        if "pop3" in parts:
            yield ("POP3: all messages of a Maildir",
                   ["", "login and STAT, ms", "MB/s", "server's CPU, ms per MB",
                    "client busy, %"],
                   list(self.rows([(f[0], f[0]) for f in FETCHES],
                                  "there", "rate", "cpu", "client")))
            yield ("POP3: memory of all processes, KB",
                   ["", "at rest", "at most"],
                   list(self.rows([("64 at a time", "peak")], "rest", "all")))
        if "lmtp" in parts:
            yield ("LMTP", ["", "messages per second",
                            "server's CPU, ms per message", "client busy, %",
                            "flushes per message", "by"], list(self.lmtp_rows()))
        if "idle" in parts:
            yield (f"Logged in and idle ({self.args.idle} connections)",
                   ["", "KB each"],
                   list(self.rows([("plain", "plain"), ("TLS", "tls")],
                                  "each")))

    def lmtp_rows(self):
        for n in CONNECTIONS:
            label = f"{n} connection{'s' * (n > 1)}"
            for row, server in zip(self.rows([(label, n)], "rate", "cpu",
                                             "client"), self.servers):
                calls = self.found.get((server.name, n, "calls"), {})
                yield [*row, number(sum(calls.values())), ", ".join(
                    f"{k} {number(v)}" for k, v in sorted(calls.items()))]


def parse(argv):
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=3, help="(3)")
    p.add_argument("--messages", type=int, default=10000, help="(10000)")
    p.add_argument("--idle", type=int, default=500, help="(500)")
    p.add_argument("--parts", type=lambda text: text.split(","),
                   default=["pop3", "lmtp", "idle"], help="(pop3,lmtp,idle)")
    p.add_argument("--only", type=lambda text: text.lower().split(","),
                   default=[s.name.lower() for s in SERVERS],
                   help="servers (%(default)s)")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--dir", default="build/bench-mailbox", help="a folder on "
                   "the disk to measure (build/bench-mailbox)")
    return p.parse_args(argv)


def main(argv):
    args = parse(argv)
    if os.geteuid():
        sys.exit("mailbox_peers: needs root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    base = pathlib.Path(args.dir)
    base.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="", dir=base.resolve()))
    work.chmod(0o755)
    load = f"{os.getloadavg()[0]:.1f}"
    try:
        bench = Bench(args, work)
        bench.run()
        said = [f"{time.strftime('%Y-%m-%d')}: {machine(work)}; load {load} "
                f"before; median of {args.runs} runs, {args.messages} messages "
                "of 1 to 20 KB. " + ", ".join(f"{s.name} {s.version}" for s in
                                              bench.servers) + ".",
                *bench.notes]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    tables = list(bench.tables())
    print("\n".join(line for t in tables for line in as_text(*t)))
    print("\n".join(said))
    if args.markdown:
        pathlib.Path(args.markdown).write_text("\n".join(
            [line for t in tables for line in as_markdown(*t)] + said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
