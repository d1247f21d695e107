"""Full and read-only disks, wrong permissions, links, locks that nobody gives
back: the message is deferred, the log says why, and the mailbox stays as it was.
"""

import fcntl
import os
import pathlib
import poplib
import smtplib
import subprocess
import time

import pytest

import driver
from instance import Instance
from messages import ident_of, mbox_idents, text_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="mounting needs root")


@pytest.fixture
def disk(tmp_path):
    """A disk of 256 KB."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", path],
                   check=True)
    yield path
    subprocess.run(["umount", "-l", path], check=False)


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def fill(disk):
    """Not an octet more fits."""
    with (disk / "filler").open("wb", 0) as f:
        try:
            for size in (4096, 1):
                while f.write(b"x" * size):
                    pass
        except OSError:
            pass


def drive(*argv):
    p = subprocess.run([str(a) for a in (driver.build(), *argv)],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, timeout=60)
    return p.returncode, p.stderr + p.stdout


def ids(path, form):
    code, said = drive(path, form, "list")
    assert code == 0, said
    return [line.split()[0] for line in said.splitlines()]


def make(path, form):
    if form == "maildir":
        for sub in ("new", "cur", "tmp"):
            (path / sub).mkdir(parents=True)
    else:
        path.touch(0o600)
    for n in range(3):
        assert drive(path, form, "add", f"a-{n}")[0] == 0


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_full_disk(disk, form):
    """Neither adding nor removing in the middle loses anything."""
    path = disk / "box"
    make(path, form)
    fill(disk)
    for n in range(3, 60):      # its last page may have room
        code, said = drive(path, form, "add", f"a-{n}")
        if code:
            break
    assert code and "No space left" in said
    before = ids(path, form)
    assert before == [f"a-{k}" for k in range(n)]
    code, said = drive(path, form, "remove", "a-1")
    # a Maildir needs no room for that
    if form == "mbox":
        assert code and "No space left" in said
        assert ids(path, form) == before
        assert mbox_idents(path) == before
    (disk / "filler").unlink()
    assert drive(path, form, "add", "a-more")[0] == 0
    drive(path, form, "remove", "a-1")
    before.remove("a-1")
    assert ids(path, form) == [*before, "a-more"]
    left = [p.name for p in disk.rglob("*") if p.is_file()]
    assert len(left) == (n if form == "maildir" else 1), left


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_read_only_disk(disk, form):
    path = disk / "box"
    make(path, form)
    remount(disk, "ro")
    code, said = drive(path, form, "add", "a-more")
    assert code and "Read-only file system" in said
    remount(disk, "rw")
    assert ids(path, form) == ["a-0", "a-1", "a-2"]


def test_deferred(tmp_path):
    """By the daemons: 4yz to LMTP, and the log names what is wrong."""
    with Instance() as i:
        def deliver():
            with smtplib.LMTP(str(i.dir / "run" / "deliver")) as s:
                s.ehlo()
                s.mail("x@b.test")
                s.rcpt("alice@a.test")
                return s.data(text_of("a-1").replace(b"\n", b"\r\n"))[0]

        box, away = i.maildir("alice"), tmp_path / "elsewhere"
        assert deliver() == 250
        first, = i.messages("alice")
        # links: of the Maildir, in it, of the domain's folder
        for at in (box, box / "new", box.parent):
            at.rename(away)
            at.symlink_to(away)
            since = len(i.log())
            assert deliver() == 451
            i.wait_log("a link is not followed", since=since)
            p = poplib.POP3_SSL("127.0.0.1", i.port["pop3s"])
            p.user("alice@a.test")
            with pytest.raises(poplib.error_proto, match="SYS/PERM"):
                p.pass_("alice-pw")
            p.close()
            at.unlink()
            away.rename(at)
        # a file where a folder should be
        (box / "cur").rename(away)
        (box / "cur").write_text("")
        assert deliver() == 451
        (box / "cur").unlink()
        away.rename(box / "cur")
        assert i.messages("alice") == [first]
        assert deliver() == 250
        assert [ident_of(p.read_bytes()) for p in i.messages("alice")] == [
            "a-1", "a-1"]


def test_a_lock_that_nobody_gives_back(tmp_path):
    """Its owner is named; the mbox is not touched."""
    path = tmp_path / "box"
    make(path, "mbox")
    before = path.read_bytes()
    with path.open("r+b") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        p = subprocess.Popen([driver.build(), path, "mbox", "add", "a-more"],
                             stdout=subprocess.DEVNULL)
        time.sleep(1)
        assert p.poll() is None and path.read_bytes() == before
    assert p.wait(20) == 0
    assert ids(path, "mbox")[-1] == "a-more"


def test_one_killed_while_it_adds(tmp_path):
    """Whenever that is, those before are whole, and the next one is."""
    path = tmp_path / "box"
    make(path, "mbox")
    for n in range(15):
        p = subprocess.Popen([driver.build(), path, "mbox", str(n), "9999",
                              f"k{n}"], stdout=subprocess.DEVNULL)
        time.sleep(0.03 + n * 0.004)
        p.kill()
        p.wait()
        assert drive(path, "mbox", "add", f"a-{n}")[0] == 0
        assert f"a-{n}" in ids(path, "mbox")    # which looks at each one
    assert sorted(mbox_idents(path)) == sorted(ids(path, "mbox"))
    assert sorted(p.name for p in pathlib.Path(tmp_path).iterdir()) == ["box"]
