"""The mailbox that is open: large, damaged, changed by others, left; and others."""
import fcntl
import gzip
import mailbox
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

from desk import BINARY, SANITIZED, high_water
from test_read import fill, letter, statuses, subjects, three  # noqa: F401

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import steps  # noqa: E402

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


def kb(desk, *args, commands=b""):
    """Most memory of a run that has done the commands, and its output."""
    log = desk.path / "out"
    with open(log, "wb") as out:
        p = subprocess.Popen([BINARY, "mail", "-N", *args], env=desk.env,
                             stdout=out, stderr=out, stdin=subprocess.PIPE,
                             cwd=desk.home)
    # a command's output is written before the next one is waited for
    p.stdin.write(commands + b"echo done\n")
    p.stdin.flush()
    end = time.monotonic() + 60
    while b"done\n" not in log.read_bytes()[-100:]:
        assert time.monotonic() < end and p.poll() is None, log.read_bytes()
        time.sleep(0.02)
    got = high_water(p.pid)
    p.stdin.write(b"x\n")
    p.stdin.close()
    assert p.wait(20) == 0
    return got, log.read_text(errors="replace")


def base_kb(desk):
    """What any run of the program takes."""
    box = desk.path / "small"
    fill(box, letter("small"))
    return kb(desk, "-f", str(box), commands=b"from *\np 1\n")[0]


@pytest.fixture
def disk(desk, request):
    """A small disk of its own."""
    place = desk.path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o",
                       f"size={getattr(request, 'param', '64k')}", "none",
                       place], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


# ---- large and damaged

@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory")
def test_memory_of_ten_thousand(desk):
    few = base_kb(desk)
    fill(desk.mbox, *[letter(f"number {i}", "x" * 40 + "\n") for i in
                      range(10000)])
    got, out = kb(desk, commands=b"from *\np 5000\nh 9999\n")
    assert len(out.splitlines()) > 10000
    assert got - few < 640 + 1024
    # half of them go; what is open then is small
    other = desk.path / "small"
    got, out = kb(desk, commands=b"d 1-5000\nfolder %s\n" %
                  str(other).encode())
    assert got - few < 640 + 1024
    assert "Held 5000 messages" in out
    assert subjects(desk.mbox) == [f"number {i}" for i in range(5000, 10000)]


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory")
def test_a_hole_of_a_gigabyte(desk):
    few = base_kb(desk)
    fill(desk.mbox, letter("before"))
    with open(desk.mbox, "r+b") as f:
        f.seek(0, 2)
        f.write(b"From alice@a.com Tue Nov 24 11:01:46 2026\nSubject: hole\n\n")
        f.seek(1 << 30, 1)
        f.write(b"end of it\n\n")
    fill(desk.mbox, letter("after"))
    got, out = kb(desk, commands=b"from *\n")
    assert [line.split()[-1] for line in out.splitlines()] == [
        "before", "hole", "after", "done"]
    assert "1073741" in out.splitlines()[1]
    assert got - few < 1024
    got, out = kb(desk, commands=b"3\nd 1\n")
    assert "text" in out and got - few < 1024


def test_first_screen_of_a_large_one(desk):
    fill(desk.mbox, *[letter(f"number {i}") for i in range(30)])
    with open(desk.mbox, "r+b") as f:
        f.seek(60 << 20, 2)
        f.write(b"\n\n")
    fill(desk.mbox, letter("the last"))
    t = desk.terminal()
    t.expect("60 MB|62 MB|63 MB")
    t.expect("number 0")
    t.expect("31 messages 31 new")
    t.sendline("p 31")
    t.expect("the last")
    t.sendline("x")
    t.expect_exact(t.delimiter)


@pytest.mark.parametrize("content, why", [
    (os.urandom(3000).replace(b"From", b"from"), "no mbox"),
    (b"no From_ line\n\nFrom a@a.com Tue Nov 24 11:01:46 2026\n", "no mbox"),
    (b"\0" * 3000, "no mbox"), (b"text\n" + b"\0" * 300, "no mbox")],
    ids=["random", "text", "zeros", "holes"])
def test_no_mailbox(desk, content, why):
    path = desk.home / "junk"
    path.write_bytes(content)
    p = desk.mail("-f", "junk", stdin="d *\nq\n")
    assert p.returncode and why in p.stderr.decode()
    assert p.stderr.startswith(b"mail: junk: ")
    assert path.read_bytes() == content


def test_no_file(desk):
    os.mkfifo(desk.home / "fifo")
    for name in ("fifo", "/dev/null", "."):
        p = desk.mail("-f", name)
        assert p.returncode and b"mailbox" in p.stderr


def test_half_a_message_at_the_end(desk):
    fill(desk.mbox, letter("one"), letter("two"))
    with open(desk.mbox, "ab") as f:
        f.write(b"From alice@a.com Tue Nov 24 11:09:46 2026\nSubject: cut")
    out, _ = desk.text(stdin="d 1\nq\n")
    assert "3 messages" in out
    assert subjects(desk.mbox) == ["two", "cut"]
    fill(desk.mbox, letter("four"))
    assert subjects(desk.mbox) == ["two", "cut", "four"]


# ---- what others do meanwhile

def test_delivered_between_commands_and_at_quit(desk):
    fill(desk.mbox, letter("one"), letter("two"))
    t = desk.terminal()
    t.expect(r"\? $")
    t.sendline("d 1")
    t.expect(r"\? $")
    fill(desk.mbox, letter("three"), minute=5)
    t.sendline("newmail")
    t.expect("New mail has arrived")
    t.expect("three")
    t.sendline("newmail")
    t.expect("No new mail")
    t.expect(r"\? $")
    fill(desk.mbox, letter("four"), minute=6)
    t.sendline("q")
    t.expect("Held 3 messages")
    t.expect_exact(t.delimiter)
    assert subjects(desk.mbox) == ["two", "three", "four"]


def large(n):
    """Long enough that what grew is read from its end on."""
    return letter(f"number {n}", f"text {n}\n" + "line\n" * 5000)


def test_a_large_one_grows(desk):
    fill(desk.mbox, *[large(n) for n in range(5)])
    os.utime(desk.mbox, (1, 1))
    t = desk.terminal()
    t.expect(r"\? $")
    fill(desk.mbox, letter("new one"), large(3), minute=8)
    t.sendline("d 4")
    t.expect(r"\? $")
    t.sendline("newmail")
    t.expect("No new mail|new one")
    t.sendline("p 6")
    t.expect("Subject: new one")
    t.expect(r"\? $")
    t.sendline("d 7")
    t.expect(r"\? $")
    t.sendline("q")
    t.expect("Saved 1 message in mbox")
    t.expect("Held 4 messages")
    t.expect_exact(t.delimiter)
    assert subjects(desk.mbox) == ["number 0", "number 1", "number 2",
                                   "number 4"]
    assert subjects(desk.home / "mbox") == ["new one"]


def rewrite(path, keep, status="R"):
    """As another mail program does: in place, with its own flags."""
    box = [m for m in path.read_bytes().split(b"From alice@a.com ")[1:]]
    with open(path, "r+b") as f:
        for m in (box[i] for i in keep):
            head, _, body = m.partition(b"\n\n")
            f.write(b"From alice@a.com " + head + b"\nStatus: " +
                    status.encode() + b"\n\n" + body)
        f.truncate()


@pytest.mark.parametrize("make", [lambda n: letter(f"number {n}"), large])
def test_another_program_rewrites_it(desk, make):
    fill(desk.mbox, *[make(n) for n in range(5)])
    t = desk.terminal()
    t.expect(r"\? $")
    t.sendline("d 2 4")
    t.expect(r"\? $")
    rewrite(desk.mbox, [1, 2, 4], "RO")
    t.sendline("from 3")
    t.expect(">.  3 .* number 2")
    t.expect(r"\? $")
    t.sendline("p 1")
    t.expect("was removed")
    t.sendline("hold 3")
    t.expect(r"\? $")
    t.sendline("q")
    t.expect("Held 2 messages")
    t.expect_exact(t.delimiter)
    assert subjects(desk.mbox) == ["number 2", "number 4"]
    assert statuses(desk.mbox) == ["RO", "RO"]
    assert not (desk.home / "mbox").exists()


def test_truncated_under_us(desk):
    fill(desk.mbox, letter("one"), letter("two"), letter("three"))
    t = desk.terminal()
    t.expect(r"\? $")
    t.sendline("d 1")
    t.expect(r"\? $")
    data = desk.mbox.read_bytes()
    os.truncate(desk.mbox, data.rindex(b"From alice@a.com Tue"))
    t.sendline("p 3")
    t.expect("was removed")
    t.sendline("q")
    t.expect_exact(t.delimiter)
    assert b"three" not in desk.mbox.read_bytes()


def test_two_on_one_mailbox(desk):
    fill(desk.mbox, *[letter(f"number {i}") for i in range(6)])
    a, b = desk.terminal(), desk.terminal()
    for t, line in ((a, "d 1 2"), (b, "d 2 3"), (a, "p 4")):
        t.expect(r"\? $")
        t.sendline(line)
    a.expect(r"\? $")
    a.sendline("q")
    a.expect("Saved 1 message")
    a.expect_exact(a.delimiter)
    b.expect(r"\? $")
    b.sendline("p 4")
    b.expect("was removed")
    b.sendline("q")
    b.expect("Held 2 messages")
    b.expect_exact(b.delimiter)
    assert subjects(desk.mbox) == ["number 4", "number 5"]
    assert subjects(desk.home / "mbox") == ["number 3"]


@pytest.mark.skipif(not shutil.which("procmail"), reason="no procmail")
def test_procmail_meanwhile(desk):
    fill(desk.mbox, letter("one"), letter("two"))
    t = desk.terminal()
    t.expect(r"\? $")
    t.sendline("d 1")
    t.expect(r"\? $")
    rc = desk.path / "procmailrc"
    rc.write_text(f"MAILDIR={desk.path}\nDEFAULT={desk.mbox}\n"
                  f"LOCKFILE={desk.mbox}.lock\n")
    for i in range(5):
        subprocess.run(["procmail", "-f", "a@b.test", "-m", rc],
                       input=letter(f"by procmail {i}").encode(), check=True)
    t.sendline("q")
    t.expect("Held 6 messages")
    t.expect_exact(t.delimiter)
    assert subjects(desk.mbox) == ["two"] + [f"by procmail {i}" for i in
                                             range(5)]


def test_locked_by_somebody_else(three):  # noqa: F811
    t = three.terminal()
    t.expect(r"\? $")
    t.sendline("p 1")
    t.expect(r"\? $")
    before = three.mbox.read_bytes()
    with open(three.mbox, "r+b") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        t.sendline("q")
        t.expect(f"locked by process {os.getpid()}", timeout=30)
        t.expect(r"\? $")
        assert three.mbox.read_bytes() == before
        # not yet taken: nothing is there twice when it goes on
        assert not (three.home / "mbox").exists()
    t.sendline("q")
    t.expect("Saved 1 message in mbox")
    t.expect_exact(t.delimiter)
    assert subjects(three.home / "mbox") == ["one"]
    assert subjects(three.mbox) == ["two", "three"]


# ---- full and read-only disks

@ROOT
def test_disk_full_at_quit(desk, disk):
    box = disk / "box"
    fill(box, *[letter(f"number {i}", "x" * 70 + "\n") for i in range(100)])
    fill(box, letter("much", "text\n" * 6000))
    before = box.read_bytes()
    p = desk.mail("-N", "-f", str(box), stdin="d 1\nq\nx\n")
    assert b"No space left on device" in p.stderr
    assert box.read_bytes() == before
    # the last can go without room
    assert b"1 deleted, 100 left" in desk.mail("-N", "-f", str(box),
                                             stdin="d $\nq\n").stdout
    assert sorted(os.listdir(disk)) == ["box"]


@ROOT
def test_disk_full_for_what_moves(desk, disk):
    fill(desk.mbox, letter("small"), letter("big", "text\n" * 20000),
         letter("third"))
    before = desk.mbox.read_bytes()
    (desk.home / "mbox").symlink_to(disk / "mbox")
    fill(disk / "mbox", letter("old"))
    kept = (disk / "mbox").read_bytes()
    p = desk.mail("-N", stdin="p *\nq\nx\n")
    assert b"No space left on device" in p.stderr
    assert desk.mbox.read_bytes() == before
    # all of them or none
    assert (disk / "mbox").read_bytes() == kept


@ROOT
def test_no_room_to_attach_a_message(post, disk):
    fill(post.mbox, letter("small"), letter("big", "text\n" * 20000))
    p = post.mail("-N", stdin="m bob\n~@ #2\nhi\n~@ #1\n~.\nx\n",
                  TMPDIR=str(disk))
    if b"Unknown escape" in p.stderr:
        pytest.skip("not built with MAIL_ATTACH")
    assert p.stderr == b"mail: temporary file: No space left on device\n"
    # what it can be is sent, without half of the message that did not fit
    text = post.sent()[2]
    assert text.count(b"message/rfc822") == 1 and b"Subject: small" in text
    assert b"Subject: big" not in text and not os.listdir(disk)


@ROOT
def test_read_only(desk, disk):
    box = disk / "box"
    fill(box, letter("one"), letter("two"))
    before = box.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    out, _ = desk.text("-f", str(box), stdin="d 1\nq\n")
    assert "[read-only]" in out.splitlines()[0]
    assert out.endswith("is read-only: it stays as it was\n")
    assert box.read_bytes() == before


# ---- killed at each step

STEPS = ["number 0", "number 1", "number 2", "number 3", "number 4", "number 5"]


def killed_at(desk, so, n):
    """(did it come to step n, its Steps) of reading 1 and 2, deleting 4"""
    for p in (desk.mbox, desk.home / "mbox"):
        p.unlink(missing_ok=True)
    fill(desk.mbox, *[letter(s, f"{s}\n>From me\n" * 3) for s in STEPS])
    # one that was written just now is looked at again with each message
    before = time.time() - 100
    os.utime(desk.mbox, (before, before))
    s = steps.Steps(n)
    try:
        p = subprocess.Popen([BINARY, "mail", "-N"], stdin=subprocess.PIPE,
                             env={**desk.env, **s.env(so)}, cwd=desk.home,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        try:
            p.communicate(b"p 2 3\nd 5\nq\n", timeout=20)
        except BrokenPipeError:
            p.wait(20)
        return s.dead.is_set(), s
    finally:
        s.close()


def whole(path):
    """Subjects; each text must be as it was."""
    if not path.exists():
        return []
    box = mailbox.mbox(path)
    for m in box:
        text = m["Subject"] + "\nFrom me\n"
        assert re.sub("^>From", "From", m.get_payload(), flags=re.M) == text * 3
    return [m["Subject"] for m in box]


def check_after(desk, done):
    # who opens them next finishes or takes back what was begun
    desk.mail("-H")
    desk.mail("-H", "-f")
    left, moved = whole(desk.mbox), whole(desk.home / "mbox")
    for s in STEPS:
        if s == "number 4":
            continue
        assert s in left + moved, (s, left, moved)
        assert left.count(s) <= 1 and moved.count(s) <= 1
    assert left in (STEPS, ["number 0", "number 3", "number 5"])
    twice = left == STEPS and moved == STEPS[1:3]
    assert twice or moved == ([] if left == STEPS else STEPS[1:3])
    if done:
        assert left != STEPS
    # and goes on
    desk.text("-N", stdin="d *\nq\n")
    names = {*os.listdir(desk.mbox.parent), *os.listdir(desk.home)}
    assert names <= {"mbox"}
    return twice


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
@pytest.mark.skipif(SANITIZED, reason="preloads do not go together")
def test_killed_at_each_step(desk):
    so = steps.build(desk.path)
    _, s = killed_at(desk, so, 0)
    if not s.n:
        pytest.skip("a static binary, or another machine's")
    check_after(desk, True)
    assert s.n > 15
    died = twice = 0
    for n in range(1, s.n + 1):
        died += killed_at(desk, so, n)[0]
        twice += check_after(desk, False)
    assert died > s.n - 3   # the order is not always the same
    # what went is here and there only between the word that it is kept there
    # and the word that it goes here, which follow each other
    assert twice <= 1


# ---- where read mail goes

def test_hold_keepsave_keep(three):  # noqa: F811
    three.text(stdin="set hold\np 1\nmbox 2\nq\n")
    assert subjects(three.mbox) == ["one", "three"]
    assert subjects(three.home / "mbox") == ["two"]
    three.text(stdin="set keepsave\ns 1 x\nq\n")
    assert subjects(three.mbox) == ["three"]
    assert subjects(three.home / "mbox") == ["two", "one"]
    three.text(stdin="set keep\nd 1\nq\n")
    assert three.mbox.read_bytes() == b""


def test_mbox_is_a_maildir(three):  # noqa: F811
    out, _ = three.text(stdin="set MBOX=old/\np 1 3\nq\n")
    assert "Saved 2 messages in mbox" in out
    box = mailbox.Maildir(three.home / "old", create=False)
    assert sorted(m["Subject"] for m in box) == ["one", "three"]
    assert all("S" in m.get_flags() for m in box)
    assert subjects(three.mbox) == ["two"]


def test_save_to_the_mailbox_itself(three):  # noqa: F811
    three.text(stdin=f"c 1 3 {three.mbox}\nhold *\nq\n")
    assert subjects(three.mbox) == ["one", "two", "three", "one", "three"]


def test_save_many_or_none(desk):
    fill(desk.mbox, letter("one"), letter("two"))
    (desk.home / "folder").mkdir()
    (desk.home / "out").write_bytes(b"no mbox at all\n")
    p = desk.mail(stdin="c * folder/none/x\nx\n")
    assert b"none/x" in p.stderr
    desk.text(stdin="c * new\nx\n")
    assert subjects(desk.home / "new") == ["one", "two"]


# ---- other mailboxes

def test_folder(three):  # noqa: F811
    other = three.home / "other"
    fill(other, letter("elsewhere", "far away\n"), letter("there"))
    out, _ = three.text("-N", stdin="p 1\nfolder\nfolder other\np 1\nd 2\n"
                        "file %\np 1\nfile #\nfolder\nx\n")
    assert f'"{three.mbox}": 3 messages 2 new' in out
    assert "Saved 1 message in mbox" in out and "far away" in out
    assert f'"{other}": 2 messages 2 new' in out
    assert f'"{other}": 1 deleted, 1 left' in out
    assert "second text" in out
    assert out.splitlines()[-1] == f'"{other}": 1 message'
    assert subjects(other) == ["elsewhere"]
    assert subjects(three.home / "mbox") == ["one", "two"]


def test_folder_that_is_not_there(three):  # noqa: F811
    p = three.mail("-N", stdin="d 1\nfolder nothing\nfolder\nu 1\nx\n")
    assert b"No such file" in p.stderr
    assert f'"{three.mbox}": 3 messages'.encode() in p.stdout
    assert not (three.home / "nothing").exists()
    (three.home / "junk").write_text("junk\n")
    p = three.mail("-N", stdin="d 1\nfolder junk\nfolder\nx\n")
    assert b"junk: this is no mbox" in p.stderr
    assert f'"{three.mbox}": 2 messages'.encode() in p.stdout


def has_rows(desk, name):
    return b"Unknown" not in desk.mail("-N", stdin=f"{name}\nx\n").stderr


def test_remove_and_rename(three):  # noqa: F811
    if not has_rows(three, "rename"):
        pytest.skip("not built with MAIL_FOLDERS")
    box, folder = three.home / "box", three.home / "dir"
    fill(box, letter("a"))
    mailbox.Maildir(folder).add(letter("b"))
    out, err = three.text("-N", stdin="rename box box2\nrename dir dir2\nx\n")
    assert not box.exists() and not folder.exists()
    assert subjects(three.home / "box2") == ["a"]
    (three.home / "precious").mkdir()
    (three.home / "precious/file").touch()
    (three.home / "dir2/.Sub").mkdir()
    p = three.mail("-N", stdin=f"rename box2 dir2\nremove {three.mbox}\n"
                   "remove precious dir2\nremove\nx\n")
    assert b"File exists" in p.stderr and b"is open" in p.stderr
    assert b"not empty" in p.stderr
    assert (three.home / "precious/file").exists()
    assert len(mailbox.Maildir(three.home / "dir2")) == 1
    (three.home / "dir2/.Sub").rmdir()
    three.text("-N", stdin="remove box2 dir2\nx\n")
    assert not (three.home / "box2").exists()
    assert not (three.home / "dir2").exists()


def test_remove_asks(three):  # noqa: F811
    if not has_rows(three, "rename"):
        pytest.skip("not built with MAIL_FOLDERS")
    fill(three.home / "box", letter("a"))
    t = three.terminal()
    for answer, there in (("n", True), ("y", False)):
        t.expect(r"\? $")
        t.sendline("remove box")
        t.expect(r"box. \(y/n\)\? $")
        t.sendline(answer)
        t.expect(r"\? $")
        assert (three.home / "box").exists() == there
        t.sendline("=")


@ROOT
@pytest.mark.parametrize("disk", ["4m"], indirect=True)
def test_a_bomb(desk, disk):
    """Little that becomes much: half of the room is left, and a word said."""
    fill(desk.path / "plain", letter("one", "in it\n" * 20000))
    small = gzip.compress((desk.path / "plain").read_bytes())
    (desk.home / "small.gz").write_bytes(small)
    with gzip.open(desk.home / "bomb.gz", "wb", 1) as f:
        f.write((desk.path / "plain").read_bytes())
        for _ in range(64):
            f.write(b"x" * 75 + b"\n" * (1 << 18))
    p = desk.mail("-N", "-f", "small.gz", stdin="p 1\nq\n", TMPDIR=str(disk))
    if b"no mbox" in p.stderr:
        pytest.skip("not built with MAILBOX_GZIP")
    assert b"in it" in p.stdout
    before = (desk.home / "bomb.gz").read_bytes()
    p = desk.mail("-N", "-f", "bomb.gz", stdin="q\n", TMPDIR=str(disk))
    assert p.returncode
    assert p.stderr == (b"mail: bomb.gz: compressed, and too big for what is "
                        b"free in TMPDIR\n")
    assert (desk.home / "bomb.gz").read_bytes() == before
    assert not os.listdir(disk)


def test_compressed(desk):
    path = desk.home / "old.gz"
    fill(desk.path / "plain", letter("one", "in it\n"), letter("two"))
    data = gzip.compress((desk.path / "plain").read_bytes())
    path.write_bytes(data)
    p = desk.mail("-f", "old.gz", stdin="p 1\nd 2\nq\n")
    if b"no mbox" in p.stderr:
        pytest.skip("not built with MAILBOX_GZIP")
    out = p.stdout.decode()
    assert "2 messages 2 new [read-only]" in out and "in it" in out
    assert "stays as it was" in out
    # nothing is appended behind it, either
    fill(desk.mbox, letter("three"))
    p = desk.mail(stdin="s 1 old.gz\nx\n")
    assert b"compressed: it can only be read" in p.stderr
    assert path.read_bytes() == data
    path.write_bytes(data[:-20])
    assert desk.mail("-f", "old.gz").returncode
