"""mailuser and authd: from the command line to the answer on authd's socket."""

import base64
import os
import pty
import pwd
import select
import signal
import socket
import stat
import subprocess
import termios
import time

import pytest

from instance import BIN, Instance, wait_for

ROOT = os.geteuid() == 0


def b64(text):
    data = text.encode() if isinstance(text, str) else text
    return base64.b64encode(data).decode() or "="


class Authd:
    """One connection to it."""
    def __init__(self, inst):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(inst.dir / "run" / "authd"))
        self.sock.settimeout(20)
        self.file = self.sock.makefile("r", encoding="latin1")

    def send(self, *lines):
        self.sock.sendall("".join(f"{line}\n" for line in lines).encode())

    def answer(self):
        words = self.file.readline().split()
        if words[:1] != ["OK"]:
            return " ".join(words)
        names = [base64.b64decode(w).decode() for w in words[2:4]]
        return " ".join([words[1], *names])

    def ask(self, line):
        self.send(line)
        return self.answer()

    def plain(self, user, password):
        return self.ask(f"PLAIN {b64(user)} {b64(password)} test [here]")

    def lookup(self, address):
        return self.ask(f"LOOKUP {b64(address)}")


@pytest.fixture(scope="module")
def box():
    with_users = Instance(users=())
    yield with_users
    with_users.close()


@pytest.fixture
def authd(box):
    return Authd(box)


def test_the_first_user_comes_while_authd_runs(box, authd):
    assert not (box.dir / "state" / "users.db").exists()
    assert box.run("mailuser", "list").stdout == ""
    assert authd.lookup("alice@a.test") == "NO"
    box.run("mailuser", "add", "Alice@A.TEST", input="alice-pw\n")
    assert authd.lookup("alice@a.test") == "VIRTUAL Alice@a.test a.test/alice"
    assert authd.plain("alice", "alice-pw").startswith("VIRTUAL Alice@")
    assert authd.plain("alice@a.test", "alice-PW") == "NO"
    box.wait_log(r"login failed user=<alice@a\.test> service=test peer=.here.")
    mode = (box.dir / "state" / "users.db").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert {p.name for p in box.maildir("alice").iterdir()} == \
        {"tmp", "new", "cur"}
    assert "alice-pw" not in box.log() and "alice-PW" not in box.log()


def test_a_life(box, authd):
    made = box.run("mailuser", "add", "bob@a.test", "--generate").stdout.strip()
    assert len(made) >= 16 and made.isalnum()
    assert authd.plain("bob@a.test", made).startswith("VIRTUAL")
    box.run("mailuser", "passwd", "BOB@a.test", input="grün und blau\n")
    assert authd.plain("bob@a.test", made) == "NO"
    assert authd.plain("bob@a.test", "grün und blau").startswith("VIRTUAL")
    assert "bob@a.test\n" in box.run("mailuser", "list", "a.test").stdout
    assert box.run("mailuser", "list", "b.test").stdout == ""
    gone = box.run("mailuser", "del", "bob@a.test")
    assert "stays in" in gone.stderr and box.maildir("bob").is_dir()
    assert authd.plain("bob@a.test", "grün und blau") == "NO"
    assert authd.lookup("bob@a.test") == "NO"


@pytest.mark.parametrize("argv, text, status, says", [
    (["add", "x@elsewhere.test"], "pw\n", 78, "domain add elsewhere.test"),
    (["add", "no-address"], "pw\n", 65, "not an address"),
    (["add", "a/../b@a.test"], "pw\n", 65, "not an address"),
    (["add", '"x y"@a.test'], "pw\n", 65, "not an address"),
    (["add", "new@a.test"], "", 65, "empty"),
    (["add", "new@a.test"], "\n", 65, "empty"),
    (["add", "new@a.test"], "x" * 256, 65, "at most 255"),
    (["add", "new@a.test"], "\xff\n".encode("latin1"), 65, "UTF-8"),
    (["add", "new@a.test"], b"a\0b\n", 65, "UTF-8"),
    (["add", "new@a.test"], b"a\x07b\n", 65, "control"),
    (["passwd", "nobody@a.test"], "pw\n", 67, "no such user"),
    (["del", "nobody@a.test"], "", 67, "no such user"),
    (["add"], "", 64, "usage"),
    (["frobnicate", "x@a.test"], "", 64, "usage"),
    (["add", "x@a.test", "password"], "", 64, "what is this"),
    (["list", "--purge"], "", 64, "usage"),
    ([], "", 64, "usage"),
])
def test_errors(box, argv, text, status, says):
    data = text if isinstance(text, bytes) else text.encode()
    p = box.run("mailuser", *argv, input=data, check=False)
    assert (p.returncode, says.encode() in p.stderr) == (status, True), p
    assert b"new@" not in box.run("mailuser", "list", input=b"").stdout


def test_twice_is_an_error(box):
    box.run("mailuser", "add", "eve@a.test", input="pw\n")
    p = box.run("mailuser", "add", "EVE@a.test", input="pw\n", check=False)
    assert p.returncode != 0 and "exists already" in p.stderr


def terminal(box, *typed):
    """mailuser on a terminal: what it wrote, its status, echo while asked."""
    pid, fd = pty.fork()
    if pid == 0:
        # a background job has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(BIN, ["mailuser", "passwd", "tty@a.test"], box.env())
    said, echo = b"", []
    for i, text in enumerate(typed, 1):
        while said.count(b": ") < i:
            assert select.select([fd], [], [], 10)[0], said
            said += os.read(fd, 1000)
        echo.append(bool(termios.tcgetattr(fd)[3] & termios.ECHO))
        os.write(fd, text)
    status = os.waitpid(pid, 0)[1]
    after = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    while select.select([fd], [], [], 0.2)[0]:
        try:
            said += os.read(fd, 1000)
        except OSError:
            break
    os.close(fd)
    return said, status, echo, after


def test_terminal(box, authd):
    box.run("mailuser", "add", "tty@a.test", input="old\n")
    said, status, echo, after = terminal(box, b"pw-1\n", b"pw-1\n")
    assert status == 0 and echo == [False, False] and after
    assert b"pw-1" not in said
    assert authd.plain("tty@a.test", "pw-1").startswith("VIRTUAL")
    said, status, _, _ = terminal(box, b"pw-2\n", b"pw-3\n")
    assert b"differ" in said and os.WEXITSTATUS(status) == 65
    said, status, _, after = terminal(box, b"pw-4\x03")
    assert os.WTERMSIG(status) == signal.SIGINT and after
    assert authd.plain("tty@a.test", "pw-1").startswith("VIRTUAL")


def test_the_file_is_replaced(box, authd):
    box.run("mailuser", "add", "old@a.test", input="pw\n")
    assert authd.lookup("old@a.test").startswith("VIRTUAL")
    state = box.dir / "state"
    saved = (state / "users.db").read_bytes()
    box.run("mailuser", "del", "old@a.test")
    assert authd.lookup("old@a.test") == "NO"
    (state / "restored").write_bytes(saved)
    (state / "restored").chmod(0o600)
    (state / "restored").rename(state / "users.db")
    assert authd.lookup("old@a.test").startswith("VIRTUAL")


def test_answers_keep_their_order(box, authd):
    box.run("mailuser", "add", "order@a.test", input="pw\n")
    wrong = f"PLAIN {b64('order@a.test')} {b64('no')} test [here]"
    right = f"PLAIN {b64('order@a.test')} {b64('pw')} test [here]"
    find = f"LOOKUP {b64('order@a.test')}"
    lost = f"LOOKUP {b64('lost@a.test')}"
    authd.send(*[wrong, find, right, lost] * 50)
    for i in range(200):
        assert authd.answer().startswith(
            ["NO", "VIRTUAL", "VIRTUAL", "NO"][i % 4]), i


def test_a_worker_that_dies_is_replaced(box, authd):
    box.run("mailuser", "add", "die@a.test", input="pw\n")
    assert authd.lookup("die@a.test").startswith("VIRTUAL")
    for pid in box.pids("authd"):
        ppid = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
        if ppid in box.pids("authd"):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(box.pids("authd")) == 1)
    assert authd.lookup("die@a.test").startswith("VIRTUAL")


def test_workers_end_when_idle(box, authd):
    authd.lookup("x@a.test")
    assert len(box.pids("authd")) > 1
    wait_for(lambda: len(box.pids("authd")) == 1, 15)


@pytest.mark.parametrize("line", [
    "HELO", "LOOKUP", "PLAIN x", "LOOKUP " + "x" * 5000, "", "LOOKUP YQ== b",
])
def test_who_talks_nonsense_is_left(box, line):
    a = Authd(box)
    a.send(line)
    assert a.file.readline() == ""
    assert Authd(box).lookup("nobody@a.test") == "NO"


def test_unknown_users_take_as_long(box, authd):
    box.run("mailuser", "add", "slow@a.test", input="pw\n")

    def seconds(user):
        best = 9
        for _ in range(7):
            start = time.monotonic()
            assert authd.plain(user, "wrong") == "NO"
            best = min(best, time.monotonic() - start)
        return best
    known, unknown = seconds("slow@a.test"), seconds("nobody@a.test")
    assert 0.5 < unknown / known < 2, (known, unknown)


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_as_root_files_have_owners():
    inst = Instance(users=(), start=False, omit=("user-store", "user-auth"),
                    extra="user-store mail\nuser-auth nobody\n")
    try:
        os.chmod(inst.dir, 0o755)
        nobody, mail = pwd.getpwnam("nobody"), pwd.getpwnam("mail")
        # mail-dir is root's here
        p = inst.run("mailuser", "add", "alice@a.test", input="pw\n",
                     check=False)
        assert p.returncode == 73 and "belong to user-store, mail" in p.stderr
        (inst.dir / "mail").rmdir()
        inst.run("mailuser", "add", "bob@a.test", input="pw\n")
        assert inst.maildir("bob").stat().st_uid == mail.pw_uid
        for file in (inst.dir / "state").iterdir():
            assert file.stat().st_uid == nobody.pw_uid
        # a link that the store's user has put there is not root's to follow
        os.symlink("/etc", inst.dir / "mail" / "evil.test")
        inst.conf.write_text(inst.conf.read_text() + "domain evil.test\n")
        p = inst.run("mailuser", "add", "x@evil.test", input="pw\n",
                     check=False)
        assert p.returncode != 0 and not os.path.exists("/etc/x")
        inst.start()
        assert Authd(inst).plain("bob@a.test", "pw").startswith("VIRTUAL")
        inst.run("mailuser", "passwd", "bob@a.test", input="pw2\n")
        assert Authd(inst).plain("bob@a.test", "pw2").startswith("VIRTUAL")
    finally:
        inst.close()


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_strangers_may_not_ask(box):
    code = ("import socket,os; os.setuid(65534); s=socket.socket(1); "
            f"s.connect('{box.dir}/run/authd'); print(s.recv(100))")
    os.chmod(box.dir, 0o755)
    p = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True,
                       text=True, timeout=20)
    assert p.stdout == "b''\n" or "reset" in p.stderr, p
    box.wait_log("uid 65534 may not ask")
