"""What a user names, or has in the environment, may be anything: a FIFO that
nobody writes, a device without end, a file that reads itself."""
import os
import subprocess
import time

import pytest

from desk import BINARY
from test_read import fill, letter, subjects

CTRL_C = "\x03"


@pytest.fixture
def box(post):
    """Two messages, and a FIFO."""
    fill(post.mbox, letter("one"), letter("two"))
    os.mkfifo(post.home / "fifo")
    return post


# ---- what is read

def test_start_up_file_without_end(box):
    started = time.monotonic()
    _, err = box.text("-H", MAILRC="/dev/zero")
    assert err.count("mail: /dev/zero: File too large") == 1
    (box.home / "rc").write_text("set a=b\n" * 1_000_000)
    out, err = box.text("-H", MAILRC=str(box.home / "rc"))
    assert "File too large" in err and "two" in out
    assert time.monotonic() - started < 30


def test_start_up_file_that_nobody_writes(box):
    p = subprocess.Popen([BINARY, "mail", "-H"], cwd=box.home,
                         env={**box.env, "MAILRC": "fifo"},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        p.communicate(timeout=0.5)      # somebody may come
    p.terminate()
    p.communicate(timeout=10)


def test_start_up_file_from_a_pipe(box):
    (box.home / "rc").write_text("set prompt=hi\nsource /dev/stdin\n")
    p = subprocess.run(
        ["bash", "-c", f"MAILRC=<(sleep 0.2; echo 'echo piped') {BINARY} "
         "mail -N"], env=box.env, cwd=box.home, input=b"x\n",
        capture_output=True, timeout=60, check=False)
    assert p.stdout == b"piped\n" and p.returncode == 0


def test_start_up_file_that_reads_itself(box):
    (box.home / "rc").write_text(f"source {box.home}/rc\n" * 2)
    out, err = box.text("-H", MAILRC=str(box.home / "rc"))
    assert err.count("Too many levels") == 1 and "two" in out
    # only those files end, not the session
    p = box.mail(stdin="source rc\necho still\nsource rc\nx\n")
    assert p.stderr.count(b"Too many levels") == 2 and b"still" in p.stdout


def test_aliases_that_double(box):
    (box.home / "rc").write_text("".join(
        f"alias a{i} a{i + 1} b{i + 1}\nalias b{i} a{i + 1} b{i + 1}\n"
        for i in range(24)))
    p = box.mail("-s", "x", "a0", stdin="hi\n", MAILRC=str(box.home / "rc"))
    assert p.returncode and b"Too many addresses" in p.stderr
    assert box.server.messages == []
    assert "hi" in (box.home / "dead.letter").read_text()


@pytest.mark.parametrize("line", [
    "~r fifo", "~@ fifo", "~:source fifo"])
def test_interrupt_of_a_read_that_waits(box, line):
    t = box.terminal("-s", "x", "bob")
    t.sendline("precious")
    t.sendline(line)
    time.sleep(0.3)
    t.send(CTRL_C)
    t.expect("Interrupted system call")
    t.sendline("more")
    t.sendline("~.")
    t.expect_exact(t.delimiter)
    assert b"precious\r\nmore\r\n" in box.sent()[2]


@pytest.mark.parametrize("args", [
    ("-q", "fifo"), ("-a", "fifo"), ("-S", "signature=fifo")])
def test_end_of_a_read_that_waits(box, args):
    p = subprocess.Popen([BINARY, "mail", *args, "bob"], cwd=box.home,
                         env=box.env, stdin=subprocess.DEVNULL,
                         stderr=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        p.communicate(timeout=0.5)
    p.terminate()
    assert b"Interrupted system call" in p.communicate(timeout=10)[1]
    assert p.returncode and box.server.messages == []


@pytest.mark.parametrize("how", [
    ("-~", "~r /dev/zero\n"), ("-a", "/dev/zero"), ("-q", "/dev/zero")])
def test_text_without_end(box, how):
    with open(box.path / "conf", "a") as f:
        f.write("max-message-size 64K\n")
    args = how[:1] if how[0] == "-~" else how
    p = box.mail(*args, "bob", stdin=how[1] if args != how else "hi\n")
    assert p.returncode and b"max-message-size" in p.stderr
    assert box.server.messages == []


def test_what_says_it_is_empty(box):
    box.text("-~", "-a", "/proc/version", "bob", stdin="~r /proc/version\n")
    assert box.sent()[2].count(b"Linux version") == 2


def test_a_draft_that_reads_itself(box):
    t = box.terminal("-s", "x", "bob")
    t.sendline("precious")
    t.sendline("~r .mail-draft*")
    t.expect(r"octets|No such")
    t.sendline("~.")
    t.expect_exact(t.delimiter)
    assert len(box.sent()[2]) < 1_000_000


# ---- what is written

@pytest.mark.parametrize("command", ["write fifo", "write /dev/full"])
def test_written_where_nothing_goes(box, command):
    p = box.mail(stdin=f"{command}\nq\n")
    assert p.returncode
    assert f"mail: {command[6:]}: ".encode() in p.stderr
    assert subjects(box.mbox) == ["one", "two"]


def test_draft_written_where_nothing_goes(box):
    p = box.mail("-~", "bob", stdin="hi\n~w fifo\n")
    assert b"mail: fifo: No such device" in p.stderr and box.sent()
    p = box.mail("-r", "b ad", "x@@y", stdin="hi\n", DEAD="fifo")
    assert p.returncode and b"the text is lost" in p.stderr


def test_limit_of_file_size(box):
    """As a full disk: what was there stays."""
    (box.home / "dead.letter").write_text("x" * 1000)
    p = subprocess.run(
        ["bash", "-c", f"ulimit -f 8; exec {BINARY} mail -r 'b ad' bob"],
        env=box.env, cwd=box.home, input=b"x\n" * 1500, capture_output=True,
        timeout=60, check=False)
    assert p.returncode > 0, p.stderr
    assert (box.home / "dead.letter").read_text() == "x" * 1000
