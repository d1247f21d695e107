#!/usr/bin/python3
"""smtpd_peers - Pillarbox, Postfix, OpenSMTPD and Exim side by side

Postfix's smtp-source sends to each over loopback, all store on the same disk
with the durable defaults of each, and deliver to a Maildir. Told are messages
accepted per second, CPU milliseconds of all the server's processes for one
message (accepted and delivered), and flushes for one message (counted by
strace in short runs of their own). Every figure is the median of --runs runs;
the servers take turns, so that a change of the machine's mood meets all.
With --relay they do not deliver but relay to Postfix's smtp-sink, and told is
what has left them per second, from the first connection on.
Debian amd64, root; docs/bench.md has more.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import peers_root                                               # noqa: E402
from peers_cpu import how_cpu                                   # noqa: E402
from peers_server import SERVERS, Missing, Sink                 # noqa: E402

MODES = {"kept": ("kept connections", ["-d"]),
         "one": ("one connection per message", [])}
SLOWEST = 60                    # seconds for smtp-source, then it is ended
PATIENCE = 120                  # seconds for delivery after the last 250


class Failed(Exception):
    """This figure could not be had; the text says why."""


# --- one run -----------------------------------------------------------------

def send(source, server, mode, sessions, size, count):
    """Seconds that it took; fails unless all was accepted, and has left."""
    argv = ["chroot", source, "/usr/sbin/smtp-source", *MODES[mode][1],
            "-s", sessions, "-m", count, "-l", size * 1024, "-f",
            "alice@a.test", "-t", "bob@b.test" if server.sink else "bob@a.test", f"127.0.0.1:{server.port}"]
    start = time.monotonic()
    try:
        done = subprocess.run(list(map(str, argv)), timeout=SLOWEST,
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise Failed(f"{count} messages not taken in {SLOWEST} s") from None
    if done.returncode:
        raise Failed(done.stdout.strip().splitlines()[-1][-120:])
    while server.sink and server.queued():
        if time.monotonic() > start + PATIENCE:
            raise Failed(f"{count} messages not gone in {PATIENCE} s: {server.said()}")
        time.sleep(0.005)
    return time.monotonic() - start


def wait_delivered(server, count):
    """Until all are in the Maildir and the server is at rest."""
    end = time.monotonic() + PATIENCE
    while not server.sink and server.delivered() not in (count, None):
        if time.monotonic() > end:
            raise Failed(f"{count - server.delivered()} of {count} not "
                         f"delivered after {PATIENCE} s")
        time.sleep(0.1)
    server.settle()


def one_run(source, server, cell, count):
    """Accepted per second, CPU milliseconds per message."""
    subprocess.run(["sync", "-f", str(server.work)], check=True)
    server.settle()
    before = server.cpu()
    seconds = send(source, server, *cell, count)
    wait_delivered(server, count)
    used = server.cpu() - before
    server.clear()
    return count / seconds, used * 1000 / count


def marginal(few, rate, rate_of_four):
    """The rate once connected, of runs of few and of four times as many: a
    second lost at the start must not make all runs too short to matter."""
    more = 4 * few / rate_of_four - few / rate
    return min(max(3 * few / more if more > 0 else 0, rate_of_four),
               10 * rate_of_four)


def how_many(rate, sessions, seconds):
    """Messages that keep it busy for so long."""
    return min(max(int(rate * seconds), 2 * sessions, 10), 50000)


# --- all runs ----------------------------------------------------------------

class Bench:
    def __init__(self, args, work):
        self.args, self.work = args, work
        self.source, _ = peers_root.make("postfix")
        self.servers, self.gone, self.notes = [], set(), []
        self.figures = {}           # (server, cell): [(rate, cpu), ...]

    def note(self, text):
        self.notes.append(text)
        print(f"  {text}", file=sys.stderr)

    def start(self):
        for kind in [Sink, *SERVERS]:
            if kind is not Sink and kind.name.lower() not in self.args.only:
                continue
            try:
                server = kind(self.work)
                self.servers.append(server)
                if self.args.relay and kind is not Sink:
                    server.sink = self.servers[0].port
                self.restart(server)
            except (subprocess.CalledProcessError, KeyError, OSError) as why:
                self.note(f"{kind.name}: {why}")

    def restart(self, server, flushes=False):
        server.kill()
        try:
            server.start(flushes)
        except Missing as why:
            self.gone.add(server)
            self.note(f"{server.name}: {why}")

    def there(self):
        return [s for s in self.servers if s not in self.gone]

    def kill(self):
        for server in self.servers:
            server.kill()

    def cells(self):
        return [(mode, sessions, size) for mode in self.args.modes
                for size in self.args.sizes for sessions in self.args.sessions]

    def measure(self, cell):
        """Two runs to warm up tell how many messages fill the seconds."""
        few, counts, rates = max(2 * cell[1], 10), {}, {}
        for turn in range(-1, self.args.runs + 1):
            for server in self.there():
                if turn >= 0 and server not in counts:
                    continue
                count = counts.get(server, few)
                try:
                    got = one_run(self.source, server, cell, count)
                except Failed as why:
                    counts.pop(server, None)
                    self.fail(server, cell, why)
                    continue
                if turn < 0:
                    slow = got[0] * 10 < 4 * few
                    counts[server] = few if slow else 4 * few
                    rates[server] = got[0]
                elif not turn:
                    rate = (got[0] if count == few else
                            marginal(few, rates[server], got[0]))
                    counts[server] = how_many(rate, cell[1], self.args.seconds)
                else:
                    self.figures.setdefault((server.name, cell), []).append(got)

    def fail(self, server, cell, why):
        """A fresh start, so that the next figure is not spoilt."""
        self.note(f"{server.name}, {describe(cell)}: {why}")
        self.restart(server, server.trace is not None)

    def median(self, server, cell, which):
        found = self.figures.get((server.name, cell))
        return found and statistics.median(run[which] for run in found)

    # --- flushes

    def flushes(self):
        """(server, sessions): text, each server alone and traced."""
        size = self.args.sizes[len(self.args.sizes) // 2]
        found = {}
        for server in self.there():
            if isinstance(server, Sink):
                self.restart(server)
                continue
            self.restart(server, flushes=True)
            for sessions in self.args.sessions:
                cell = "kept", sessions, size
                try:
                    if server not in self.gone:
                        found[server.name, sessions] = self.count(server, cell)
                except Failed as why:
                    self.fail(server, cell, why)
            server.kill()
        return found

    def count(self, server, cell):
        count = min(max(10 * cell[1], 50), 300)
        before = server.flushes()
        one_run(self.source, server, cell, count)
        after = server.flushes()
        return {who: (n - before.get(who, 0)) / count
                for who, n in after.items() if n > before.get(who, 0)}


# --- tables ------------------------------------------------------------------

def many(sessions):
    return f"{sessions} session{'s' * (sessions > 1)}"


def describe(cell):
    mode, sessions, size = cell
    return f"{MODES[mode][0]}, {many(sessions)}, {size} KB"


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def head(args):
    return [f"{sessions} x {size} KB" for size in args.sizes
            for sessions in args.sessions]


def by_cell(bench, which):
    for mode in bench.args.modes:
        for server in bench.servers:
            row = [bench.median(server, (mode, sessions, size), which)
                   for size in bench.args.sizes
                   for sessions in bench.args.sessions]
            yield [f"{server.name}, {MODES[mode][0]}", *map(number, row)]


def flush_row(server, found, args):
    each = [found.get((server.name, n)) for n in args.sessions]
    who = sorted({name for row in each if row for name in row})
    return [server.name,
            *(number(None if row is None else sum(row.values()))
              for row in each), ", ".join(who) or "-"]


def tables(bench, found):
    """Title, head, rows."""
    done = "Relayed" if bench.args.relay else "Accepted"
    yield (f"{done} per second (sessions x size)",
           ["", *head(bench.args)], list(by_cell(bench, 0)))
    yield ("CPU milliseconds of the server per message, delivery included",
           ["", *head(bench.args)], list(by_cell(bench, 1)))
    if found is not None:
        yield ("Flushes per message, delivery included, kept connections",
               ["", *map(many, bench.args.sessions), "by"],
               [flush_row(s, found, bench.args) for s in bench.servers
                if not isinstance(s, Sink)])


def as_text(title, names, rows):
    wide = [max(len(row[i]) for row in [names, *rows])
            for i in range(len(names))]
    yield title
    for row in [names, *rows]:
        yield "  ".join(
            cell.rjust(w) if i else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(row, wide))).rstrip()
    yield ""


def as_markdown(title, names, rows):
    yield f"{title}:\n"
    yield "| " + " | ".join(names) + " |"
    yield "|---" + "|--:" * (len(names) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def machine(work):
    cpu = re.search(r"model name\s*: (.*)",
                    pathlib.Path("/proc/cpuinfo").read_text())
    disk = subprocess.run(["stat", "-f", "-c", "%T", str(work)],
                          stdout=subprocess.PIPE, text=True).stdout.strip()
    return (f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}, "
            f"Linux {platform.release()}, {disk}")


def facts(bench, load):
    args = bench.args
    yield (f"{datetime.date.today()}: {machine(bench.work)}; load {load} "
           f"before, {os.getloadavg()[0]:.1f} after; median of {args.runs} "
           f"runs of about {args.seconds:g} s; CPU by {how_cpu()}.")
    yield ", ".join(f"{s.name} {s.version}" for s in bench.servers) + "."
    yield from bench.notes


# --- the command line --------------------------------------------------------

def numbers(text):
    return [int(word) for word in text.split(",")]


def words(text):
    return text.lower().split(",")


def parse(argv):
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="one short run of "
                   "10 KB at 1 and 50 sessions: does it work at all?")
    p.add_argument("--runs", type=int, help="runs for a figure (3)")
    p.add_argument("--seconds", type=float, help="of a run (2)")
    p.add_argument("--sessions", type=numbers, help="(1,10,50)")
    p.add_argument("--sizes", type=numbers, help="in KB (1,10,100)")
    p.add_argument("--modes", type=words, default=["kept", "one"],
                   help="connections: kept, one for each message (kept,one)")
    p.add_argument("--only", type=words, metavar="NAMES",
                   default=[s.name.lower() for s in SERVERS],
                   help="servers (%(default)s)")
    p.add_argument("--relay", action="store_true", help="to a sink, not into "
                   "a Maildir")
    p.add_argument("--no-flushes", action="store_true")
    p.add_argument("--markdown", metavar="FILE", help="also write the tables "
                   "there")
    p.add_argument("--dir", help="a folder on the disk to measure "
                   "(build/bench-smtpd)")
    args = p.parse_args(argv)
    usual = (1, 0.5, [1, 50], [10]) if args.quick else (
        3, 2, [1, 10, 50], [1, 10, 100])
    for name, value in zip(("runs", "seconds", "sessions", "sizes"), usual):
        if getattr(args, name) is None:
            setattr(args, name, value)
    if not set(args.modes) <= set(MODES):
        p.error(f"--modes: of {', '.join(MODES)}")
    if not set(args.only) <= {s.name.lower() for s in SERVERS}:
        p.error(f"--only: of {', '.join(s.name for s in SERVERS)}")
    return args


def work_folder(args):
    base = pathlib.Path(args.dir) if args.dir else (
        ROOT / "build" / "bench-smtpd")
    base.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="", dir=base.resolve()))
    work.chmod(0o755)
    # ext4: what servers make and remove is in groups of their own
    subprocess.run(["chattr", "+T", work], stderr=subprocess.DEVNULL)
    return work


def run(bench):
    """The tables; whatever happens, no server is left behind."""
    load = f"{os.getloadavg()[0]:.1f}"
    try:
        bench.start()
        for cell in bench.cells():
            print(describe(cell), file=sys.stderr)
            bench.measure(cell)
        bench.kill()
        found = None
        if not bench.args.no_flushes:
            print("flushes", file=sys.stderr)
            found = bench.flushes()
    finally:
        bench.kill()
    return list(tables(bench, found)), list(facts(bench, load))


def main(argv):
    args = parse(argv)
    if os.geteuid():
        sys.exit("smtpd_peers: needs root for chroot and namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = work_folder(args)
    if os.getloadavg()[0] > 0.5:
        print("The machine is not at rest: figures will be low",
              file=sys.stderr)
    try:
        found, said = run(Bench(args, work))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\n".join(line for t in found for line in as_text(*t)))
    print("\n".join(said))
    if args.markdown:
        pathlib.Path(args.markdown).write_text("\n".join(
            [line for t in found for line in as_markdown(*t)] + said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
