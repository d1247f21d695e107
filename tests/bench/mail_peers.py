#!/usr/bin/python3
"""mail_peers - reading a large mailbox with `mail`, s-nail, bsd-mailx and mutt

Each program opens the same mailbox, an mbox or Maildir of --messages messages
of some 1.6 KB or an mbox of --big megabytes, and does one thing: list the first
screen and quit, list all, search the bodies, quit with half of all deleted. Told
are wall seconds, CPU seconds and the peak of resident memory, and for us also
how much of that memory is beyond what one message takes; medians of --runs runs,
the programs take turns, the files are in the page cache. What a program cannot
do is a dash. Its screen is /dev/null, for mutt a terminal of 80x24.
"""

import argparse
import os
import pathlib
import pty
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from smtpd_peers import as_markdown, as_text, machine, number   # noqa: E402

OURS = os.environ.get("PILLARBOX", "build/pillarbox")
WORDS = ("the quick brown mail server stores each message in its own place "
         "From time to time a line begins with other words and so on").split()
CONF = "hostname mail.a.test\ndomain a.test\n"
MUTTRC = """set folder="~" record="" quit=yes delete=yes move=no mark_old=yes confirmappend=no
set header_cache="" wait_key=no
"""
DO = ["screen", "all", "search", "half"]
TITLES = {"screen": "first screen, quit", "all": "list all",
          "search": "search bodies", "half": "quit, half deleted"}


def body(rng, size):
    lines, n = [], 0
    while n < size:
        lines.append(" ".join(rng.choices(WORDS, k=rng.randrange(3, 14))))
        n += len(lines[-1]) + 1
    return "\n".join(lines).replace("\nFrom ", "\n>From ") + "\n"


def message(n, text):
    return f"""\
Return-Path: <a{n % 97}@b.test>
Received: from mx.b.test (mx.b.test [192.0.2.7])
\tby mail.a.test (Pillarbox) with ESMTPS id {n:08x}
\tfor <me@a.test>; Tue, 24 Nov 2026 11:11:46 +0000
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=b.test; s=mail;
\th=from:to:subject:date; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
Date: Tue, 24 Nov 2026 11:11:46 +0000
From: Alice {n % 97} <a{n % 97}@b.test>
To: me@a.test
Message-ID: <{n}.x@b.test>
Subject: Report number {n} of the day
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{text}{"with a needle in it" if n % 1000 == 77 else ""}
"""


def messages(count, size):
    rng = random.Random(1)
    pool = [body(rng, rng.randrange(size // 2, size * 3 // 2))
            for _ in range(64)]
    for n in range(count):
        yield n, message(n, pool[n % 64])


def make_mbox(path, count, size):
    with open(path, "w", encoding="ascii") as f:
        for n, text in messages(count, size):
            f.write(f"From a{n % 97}@b.test Tue Nov 24 {n // 3600 % 24:02}:"
                    f"{n // 60 % 60:02}:{n % 60:02} 2026\n{text}\n")


def make_maildir(path, count, size):
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    for n, text in messages(count, size):
        (path / "new" / f"{1764000000 + n}.M{n}.mail.a.test").write_text(text)


# ---- the programs: what to do as arguments, input, and on a terminal

class Program:
    tty = False
    maildir = True
    lines = {"screen": "h\nq\n", "half": "d 1-{half}\nq\n"}

    def input(self, what, half):
        return self.lines[what].format(half=half) if what in self.lines \
            else None

    def found(self):
        return shutil.which(self.name)


class Ours(Program):
    name = "Pillarbox"
    lines = Program.lines | {"all": "", "search": "from @body@needle\nx\n"}

    def command(self, box, what, half):
        return [OURS, "mail", "-H" if what == "all" else "-N", "-f", box]

    def found(self):
        return True


class Snail(Program):
    name = "s-nail"
    lines = Program.lines | {"all": "", "search": "from @body@needle\nx\n"}

    def command(self, box, what, half):
        return ["s-nail", "-n", "-S", "mbox-rfc4155=", "-H" if what == "all"
                else "-N", "-f", box]


class Bsd(Program):
    name = "bsd-mailx"
    maildir = False
    lines = Program.lines | {"all": "from *\nx\n"}

    def command(self, box, what, half):
        return ["bsd-mailx", "-n", "-N", "-f", box]


class Mutt(Program):
    name = "mutt"
    tty = True
    lines = {"screen": "<quit>",
             "search": "<limit>~b needle<enter><exit>",
             "half": "<delete-pattern>~m 1-{half}<enter><quit>"}

    def command(self, box, what, half):
        return ["mutt", "-n", "-F", "muttrc", "-f", box, "-e",
                f"push '{self.input(what, half)}'"]


PROGRAMS = [Ours(), Snail(), Bsd(), Mutt()]


def in_terminal(command, env, cwd):
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(command[0], command, env)
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
    os.close(fd)
    return os.waitpid(pid, 0)[1]


def in_script(command, text, env, cwd):
    return subprocess.run(command, input=text.encode(), env=env, cwd=cwd,
                          stdout=subprocess.DEVNULL, check=False,
                          stderr=subprocess.DEVNULL).returncode


class Bench:
    def __init__(self, args, work):
        self.args, self.work, self.taken = args, work, {}
        (work / "conf").write_text(CONF + f"spool-dir {work}\n")
        (work / "muttrc").write_text(MUTTRC)
        self.env = dict(os.environ, HOME=str(work), TERM="xterm", LC_ALL="C",
                        PILLARBOX_CONF=str(work / "conf"), LINES="24",
                        COLUMNS="80", TMPDIR=str(work))
        self.env.pop("MAIL", None)

    def run(self, program, kind, what):
        box, half = self.work / "box", self.args.messages // 2
        self.fresh(kind, box)
        # our own memory would count for a child of ours, not for time's
        note = self.work / "time"
        command = ["/usr/bin/time", "-q", "-o", str(note), "-f", "%e %U %S %M",
                   *program.command(str(box), what, half)]
        begin = time.monotonic()
        status = in_terminal(command, self.env, self.work) if program.tty \
            else in_script(command, program.input(what, half), self.env,
                           self.work)
        wall = time.monotonic() - begin
        if status and what == "search":
            return              # not built with it
        if status:
            sys.exit(f"mail_peers: {command} failed")
        _, user, system, kb = map(float, note.read_text().split())
        self.taken.setdefault((program.name, kind, what), []).append(
            (wall, user + system, kb))

    def fresh(self, kind, box):
        """A copy that has not been opened yet: mail in it is new."""
        if box.is_dir():
            shutil.rmtree(box)
        box.unlink(missing_ok=True)
        source = self.work / kind
        if kind == "big":
            source.rename(box)
        elif source.is_dir():
            shutil.copytree(source, box, copy_function=os.link)
        else:
            shutil.copyfile(source, box)
        # else who makes its changes durable would write all of it
        if kind in ("one", "mbox"):
            with open(box, "rb") as f:
                os.fsync(f.fileno())

    def programs(self, kind, what):
        return [p for p in PROGRAMS if p.name.lower() in self.args.only
                and p.found() and p.input(what, 0) is not None
                and (p.maildir or kind != "maildir")]

    def each(self, kind, whats, runs):
        for what in whats:
            for _ in range(runs):
                for p in self.programs(kind, what):
                    self.run(p, kind, what)
                    if kind == "big":
                        (self.work / "box").rename(self.work / "big")

    def all(self):
        count = self.args.messages
        make_mbox(self.work / "one", 1, 1000)
        make_mbox(self.work / "mbox", count, 1000)
        make_maildir(self.work / "maildir", count, 1000)
        self.each("one", ["screen"], self.args.runs)
        self.each("mbox", DO, self.args.runs)
        self.each("maildir", DO, self.args.runs)
        if self.args.big:
            make_mbox(self.work / "big", self.args.big * 1000000 // 50600,
                      50000)
            # what changes nothing: the second run finds what the first did
            self.each("big", ["all", "search"], self.args.runs)

    def rows(self, kind, whats):
        base = self.median("Pillarbox", "one", "screen")
        for what in whats:
            for p in PROGRAMS:
                got = self.median(p.name, kind, what)
                if not got:
                    continue
                more = got[2] - base[2] if p.name == "Pillarbox" else None
                yield [f"{TITLES[what]}: {p.name}", f"{got[0]:.3f}",
                       f"{got[1]:.3f}", number(got[2]),
                       "-" if more is None else number(more)]

    def median(self, *key):
        got = self.taken.get(key)
        return got and [statistics.median(v) for v in zip(*got)]

    def tables(self):
        names = ["", "seconds", "CPU", "KB", "KB beyond one message's"]
        count = f"{self.args.messages:,}"
        yield f"An mbox of {count}", names, list(self.rows("mbox", DO))
        yield f"A Maildir of {count}", names, list(self.rows("maildir", DO))
        if self.args.big:
            yield (f"An mbox of {self.args.big:,} MB", names,
                   list(self.rows("big", ["all", "search"])))


def parse(argv):
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=5, help="(5)")
    p.add_argument("--messages", type=int, default=10000, help="(10000)")
    p.add_argument("--big", type=int, default=1000, help="MB; 0: none (1000)")
    p.add_argument("--only", type=lambda text: text.lower().split(","),
                   default=[p.name.lower() for p in PROGRAMS])
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--dir", default="build/bench-mail")
    return p.parse_args(argv)


def main(argv):
    global OURS
    args = parse(argv)
    OURS = str(pathlib.Path(OURS).resolve())
    base = pathlib.Path(args.dir)
    base.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="", dir=base.resolve()))
    load = f"{os.getloadavg()[0]:.1f}"
    try:
        bench = Bench(args, work)
        bench.all()
        said = (f"{time.strftime('%Y-%m-%d')}: {machine(work)}; load {load} "
                f"before; median of {args.runs} runs.")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    tables = list(bench.tables())
    print("\n".join(line for t in tables for line in as_text(*t)))
    print(said)
    if args.markdown:
        pathlib.Path(args.markdown).write_text("\n".join(
            [line for t in tables for line in as_markdown(*t)] + [said]) +
            "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
