"""A terminal that is played: keys go in, the screen that a user sees comes out.

screens/NAME.play says what is typed; screens/NAME.80x24.txt and
NAME.40x10.txt are the screens that were looked at and found right. Each play
runs on an xterm, a vt100 and a dumb terminal; where one shows something else
it has a transcript of its own: NAME.80x24.dumb.txt. UPDATE=1 writes them:
read the diff before you commit it.

A play is lines of:
  # a remark
  box three        the mailbox, one of BOXES (before anything is typed)
  env NAME=VALUE   (likewise)
  args -N          of mail (likewise)
  > text           typed, and Enter
  keys \\x1b[A      typed as it is, with Python's escapes
  wait TEXT        until the cursor is in a line that begins so: where mail
                   waits for others, as when it sends
  screen           what is seen now goes into the transcript
  only xterm       the other terminals have no such play
"""
import codecs
import os
import pathlib
import re
import select
import shlex
import termios
import time

import pexpect
import pyte

from desk import BINARY, IN_NOVEMBER

SCREENS = pathlib.Path(__file__).resolve().parent / "screens"
TERMS = ("xterm", "vt100", "dumb")
SIZES = ((80, 24), (40, 10))


def letter(sender, subject, body, **fields):
    head = f"From: {sender}\nTo: you@a.com\nSubject: {subject}\n"
    head += "".join(f"{k.replace('_', '-')}: {v}\n" for k, v in fields.items())
    return head + "\n" + body


THREE = (
    letter("Alice Arnold <alice@a.com>", "Lunch on Friday?",
           "Shall we meet at noon?\n\nAlice\n", Message_ID="<1@a.com>"),
    letter("cron@router.a.com", "Cron <root@router> backup",
           "backup: 3 files, 12 kB\n", Message_ID="<2@a.com>"),
    letter("=?utf-8?b?546L5bCP5piO?= <wang@b.com>",
           "=?utf-8?b?5Lya6K6u57qq6KaB?= Re: minutes of the meeting in May",
           "你好，\n\n附上会议纪要。\n", Message_ID="<3@b.com>",
           MIME_Version="1.0", Content_Type="text/plain; charset=utf-8",
           Content_Transfer_Encoding="8bit"))
LONG = (letter("list@l.com", "A long one", "".join(
    f"{i}: the quick brown fox jumps over the lazy dog"
    f"{' and is gone' * (i % 3)}\n" for i in range(1, 61))),)
BOXES = {
    "none": (),
    "three": THREE,
    "long": LONG,
    "many": tuple(letter(f"user{i}@b.com", f"Message {i}", f"text {i}\n")
                  for i in range(1, 31)),
}


def fill(path, letters):
    with open(path, "ab") as f:
        for i, text in enumerate(letters):
            f.write(b"From alice@a.com Tue Nov 24 11:%02d:46 2026\n" % i +
                    text.encode() + b"\n")


def state(pid):
    """Is it, or a child, still at work?"""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        children = pathlib.Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return True, 0
    fields = stat.rpartition(")")[2].split()
    idle, work = fields[0] in "STZ", int(fields[11]) + int(fields[12])
    for child in children:
        child_idle, child_work = state(child)
        idle, work = idle and child_idle, work + child_work
    return idle, work


class Terminal:
    """mail on a terminal; `screen` is what is seen, `octets` what was sent."""

    def __init__(self, desk, args=(), term="xterm", size=(80, 24), argv=None,
                 wait=True, **env):
        self.columns, self.rows = size
        self.screen = pyte.Screen(self.columns, self.rows)
        self.stream = pyte.ByteStream(self.screen)
        self.octets = b""
        env = {**desk.env, **IN_NOVEMBER, "TERM": term, "PWD": str(desk.home), **env}
        for name in ("LINES", "COLUMNS"):
            del env[name]
        argv = argv or [BINARY, "mail", *args]
        self.mail = pexpect.spawn(
            argv[0], argv[1:], env=env, cwd=desk.home, timeout=10,
            dimensions=(self.rows, self.columns), echo=True)
        self.mail.delaybeforesend = None
        if wait:
            select.select([self.mail.child_fd], [], [], 20)
            self.settle()

    def settle(self, most=20):
        """Reads until nothing more comes and mail waits; gives what came."""
        fd, got, before, quiet = self.mail.child_fd, b"", None, 0
        end = time.monotonic() + most
        # the kernel may take its time until it wakes mail: nearly every key
        # makes it say something
        select.select([fd], [], [], 0.4)
        while time.monotonic() < end and quiet < 3:
            if select.select([fd], [], [], 0.005)[0]:
                try:
                    piece = os.read(fd, 65536)
                except OSError:
                    break
                if not piece:
                    break
                got += piece
                quiet = 0
                self.stream.feed(piece)
                continue
            now = state(self.mail.pid)
            quiet = quiet + 1 if now[0] and now == before else 0
            before = now
        self.octets += got
        return got

    def wait(self, text, most=10):
        end = time.monotonic() + most
        while not self.lines()[self.screen.cursor.y].startswith(text) and \
                time.monotonic() < end:
            self.settle()

    def send(self, text):
        self.mail.send(text)
        return self.settle()

    def line(self, text):
        return self.send(text + "\r")

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.screen.resize(rows, columns)
        self.mail.setwinsize(rows, columns)
        return self.settle()

    def modes(self):
        """What the terminal does, but for its speed and keys."""
        return termios.tcgetattr(self.mail.child_fd)[:4]

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines()).rstrip("\n") + "\n"

    def close(self):
        self.mail.close(force=True)


# ---- plays

def parse(path):
    setup, steps = {"box": "three", "env": {}, "args": [], "only": TERMS}, []
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if not line or word == "#":
            continue
        if word == "env":
            name, _, value = rest.partition("=")
            setup["env"][name] = value
        elif word == "args":
            setup["args"] = shlex.split(rest)
        elif word == "only":
            setup["only"] = tuple(rest.split())
        elif word == "box":
            setup["box"] = rest
        else:
            assert word in (">", "keys", "wait", "screen"), line
            steps.append((word, rest))
    return setup, steps


def frame(t):
    """The screen as the transcript has it: with the cursor, and its edge."""
    x, y = t.screen.cursor.x, t.screen.cursor.y
    last = max([y] + [i for i, line in enumerate(t.lines()) if line])
    out = [f"|{line}" for line in t.lines()[:last + 1]]
    return f"-- cursor {y + 1},{x + 1}\n" + "\n".join(out) + "\n"


def play(desk, path, term, size):
    """The transcript."""
    setup, steps = parse(path)
    inbox = desk.home / "inbox"
    for old in desk.home.iterdir():
        old.unlink()
    fill(inbox, BOXES[setup["box"]])
    env = {"MAIL": str(inbox), **setup["env"]}
    t = Terminal(desk, setup["args"], term, size, **env)
    out = []
    try:
        for word, rest in steps:
            if word == ">":
                out.append(f"> {rest}\n")
                t.line(rest)
            elif word == "keys":
                out.append(f"keys {rest}\n")
                t.send(codecs.decode(rest, "unicode_escape"))
            elif word == "wait":
                t.wait(rest)
            else:
                out.append(frame(t))
    finally:
        t.close()
    check(term, t.octets)
    return re.sub(r"(/\w+)*/pbm\w{8}", "/tmp/pbm........", "".join(out))


def check(term, octets):
    """What a terminal does not know it does not get."""
    assert not re.search(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]", octets)
    if term == "dumb":
        assert b"\x1b" not in octets
    if term == "vt100":
        assert re.fullmatch(rb"([^\x1b]|\x1b\[\d*[ABCDHJK])*", octets, re.S)


def transcript(path, term, size):
    return path.with_name(f"{path.stem}.{size[0]}x{size[1]}{term}.txt")


def compare(desk, path, size):
    common = transcript(path, "", size)
    update = os.environ.get("UPDATE")
    for term in parse(path)[0]["only"]:
        got = play(desk, path, term, size)
        own = transcript(path, "." + term, size)
        if update and term == "xterm":
            common.write_text(got)
        elif update and got == common.read_text():
            own.unlink(missing_ok=True)
        elif update:
            own.write_text(got)
        want = own if own.exists() else common
        assert got == want.read_text(), f"{want.name} is another (UPDATE=1)"
