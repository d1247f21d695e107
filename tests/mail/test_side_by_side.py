"""The same commands on the same mailbox through mail, s-nail and bsd-mailx.

What each lists, and what becomes of the mailbox, ~/mbox and saved files, is
the same; where it is not, docs/mail-differences.md says so, and why. A
difference that is not in its table fails here, and so does a row of it that
is none.
"""
import collections
import mailbox
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from desk import BINARY

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
OTHERS = {"s-nail": ["s-nail", "-n", "-N"],
          "bsd-mailx": ["bsd-mailx", "-n", "-N"]}

# sender, subject, Status, X-Status, more fields
LETTERS = [
    ("alice@a.com", "disk full", "RO", "", ""),
    ("Bob B <bob@b.com>", "lunch on Friday", "O", "",
     "Message-ID: <2@b>\n"),
    ("cary@c.com", "Re: lunch on Friday", "", "",
     "Message-ID: <3@c>\nIn-Reply-To: <2@b>\nReferences: <2@b>\n"),
    ("bob@x.com", "Disk full again", "O", "F", ""),
    ("dan@d.com", "zebra", "RO", "A",
     "Message-ID: <5@d>\nReferences: <2@b> <3@c>\n"),
    ("eve@e.com", "apple", "", "", ""),
]

# What POSIX has, for all three
SCRIPTS = """
f 1
f 2 4
f 2-4
f *
f ^
f $
f .
f +
f 3; f -
f 3-$
f .-3
f bob
f bob@x.com
f alice eve
f BOB
f /disk
f /DISK
f /nothing
f :n
f :o
f :r
f :u
f :d
f 9
f 0
f 5-2
f 3; f :n /disk
h
z
d 2; f *
d 2; h
d 2 4; undelete 4; f *
d 2; undelete; f *
d 1; d; d; f *
d *; f *
d 2; f 2
d 2; f 1-3
d 2-4; f .
d $; f $
d bob; f *
d /disk; f *
d :n; f *
d :r; q
d 1-3; q
d *; q
d 2; x
undelete 1; q
p 2; q
p 3 6; q
t *; q
n; q
n; n; q
3; q
p 2; d 2; q
p 2; hold 2; q
hold 2; p 2; q
d 2; hold 2; q
mbox 2; q
hold *; q
touch 3; q
s 2 out; q
s 2 4 out; q
s /disk out; q
c 2 out; q
c 2-3 out; c 4 out; q
s 2 out; d 3; q
s 2 out; undelete 2; q
dp; q
d; dp; q
d 2; undelete 2; q
p 2; =
d 3; =
d 6; =
f 3; =
q
x
""".strip().splitlines()

# What s-nail has beyond that
SNAIL = """
f @disk
f @from@bob
f '@subject@lunch on'
f @f,s@disk
f @body@text
f '(from bob)'
f '(subject lunch)'
f '(or (from bob) (subject apple))'
f '(not (from bob))'
f '(from bob subject disk)'
f '(since 24-Nov-2026)'
f '(before 24-Nov-2026)'
f '(on 24-Nov-2026)'
f '(body "text 3")'
f '(text apple)'
f '(larger 1)'
f '(smaller 10)'
f '(header subject zebra)'
f :f
f :a
f :na
p 2; p 4; f ';'
f 3; f ,
f :u; f `
search :f
search '(from bob)'
sort subject; h
sort from; h
sort date; h
sort thread; h
thread; h
sort thread; unsort; h
sort subject; f 1-2
sort subject; f ^
sort subject; f $
sort subject; p 6; n; =
sort subject; p 1; f +
sort subject; p 1; f -
sort thread; f &2
flag 2; q
unflag 4; q
answered 2; q
unanswered 5; q
seen 2; q
unread 1; q
p 2; unread 2; q
flag 2; f :f
""".strip().splitlines()

LINE = re.compile(r"^[>▸ ](.) *(\d+) .*?\d\d:\d\d +[\d/]+ +(.*?) *$")
CASES = [(s, name) for s in SCRIPTS for name in OTHERS] + \
    [(s, "s-nail") for s in SNAIL]


def make(path):
    with open(path, "w", encoding="ascii") as f:
        for i, (sender, subject, status, x, more) in enumerate(LETTERS):
            addr = sender.split("<")[-1].rstrip(">")
            f.write(f"From {addr} Tue Nov 24 11:{i:02}:46 2026\n"
                    f"From: {sender}\nTo: me@a.com\n"
                    f"Date: Tue, 24 Nov 2026 11:{i:02}:46 +0000\n"
                    f"Subject: {subject}\n{more}" +
                    (f"Status: {status}\n" if status else "") +
                    (f"X-Status: {x}\n" if x else "") + f"\ntext {i}\n\n")


def contents(path):
    """Subjects in order, with whether they were read, flagged, answered."""
    if not path.exists():
        return []
    box = mailbox.mbox(path)
    try:
        return [(m["Subject"],
                 "".join(sorted(set((m["Status"] or "") +
                                    (m["X-Status"] or "")) - {"O", " "})))
                for m in box]
    finally:
        box.close()


def play(command, script, path, env):
    """(listed, dot, box, mbox, out) of one program."""
    home = path / "home"
    home.mkdir(parents=True)
    make(path / "box")
    p = subprocess.run(
        command, input="\n".join(script.split("; ")) + "\n", text=True,
        capture_output=True, timeout=60, cwd=home, check=False,
        env={**env, "HOME": str(home), "MAIL": str(path / "box"),
             "MAILRC": "/dev/null", "MBOX": str(home / "mbox"), "TZ": "UTC",
             "LINES": "24", "COLUMNS": "80"})
    listed = [m.group(2, 3) for m in map(LINE.match, p.stdout.splitlines())
              if m]
    if "thread" in script:      # trees are drawn in other ways
        listed = [number for number, _ in listed]
    dot = [line for line in p.stdout.splitlines() if line.isdigit()] \
        if script.endswith("=") else []
    shown = re.findall(r"^text \d", p.stdout, re.M)
    return collections.OrderedDict(
        listed=listed, dot=dot, shown=shown, box=contents(path / "box"),
        mbox=contents(home / "mbox"), out=contents(home / "out"))


def documented():
    """{(commands, program)} of the table."""
    rows = set()
    for line in (DOCS / "mail-differences.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) >= 4:
            for name in cells[1].split(", "):
                rows.add((cells[0].strip("`"), name))
    return rows


def test_table_is_about_what_is_played():
    assert documented() <= set(CASES)


@pytest.mark.parametrize("script,name", CASES)
def test_same(desk, script, name):
    if not shutil.which(name):
        pytest.skip(f"no {name}")
    env = {**desk.env, "PATH": os.environ["PATH"]}
    ours = play([BINARY, "mail", "-n", "-N"], script, desk.path / "ours", env)
    theirs = play(OTHERS[name], script, desk.path / "theirs", env)
    differ = [k for k in ours if ours[k] != theirs[k]]
    if (script, name) in documented():
        assert differ, "this is no difference"
    else:
        assert not differ, {k: (ours[k], theirs[k]) for k in differ}
