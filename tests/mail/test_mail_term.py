"""The terminal: keys, pager, charsets, what is sent, and how it is left."""
import os
import re
import signal
import time

import pytest

pytest.importorskip("pyte", reason="python3-pyte is not installed")

from instance import wait_for  # noqa: E402
from player import LONG, THREE, Terminal, fill, letter  # noqa: E402


class Seat:
    """A desk with an inbox, and the terminals that were opened at it."""

    def __init__(self, desk):
        self.desk = desk
        self.inbox = desk.home / "inbox"
        self.open = []

    def fill(self, letters):
        fill(self.inbox, letters)

    def mail(self, *args, **env):
        t = Terminal(self.desk, args, **{"MAIL": str(self.inbox), **env})
        # one more hold on the terminal: it can be looked at afterwards
        t.tty = os.open(os.readlink(f"/proc/{t.mail.pid}/fd/0"),
                        os.O_RDWR | os.O_NOCTTY)
        self.open.append(t)
        return t

    def sent(self):
        return self.desk.server.messages


@pytest.fixture
def seat(post):
    s = Seat(post)
    s.fill(THREE)
    yield s
    for t in s.open:
        t.close()
        os.close(t.tty)


def ended(t):
    """Waits until mail is gone; gives its exit status or minus its signal."""
    for _ in range(500):
        t.settle(0.1)
        if not t.mail.isalive():
            break
        time.sleep(0.01)
    assert not t.mail.isalive()
    return t.mail.exitstatus if t.mail.exitstatus is not None else \
        -t.mail.signalstatus


@pytest.fixture
def modes(seat):
    """How a terminal is before mail has touched it."""
    t = Terminal(seat.desk, argv=["/bin/cat"], wait=False)
    found = t.modes()
    t.close()
    return found


# ---- editing

def test_edit_and_send(seat):
    t = seat.mail("bob@b.com")
    t.send("helo wrld")
    t.send("\x01\x06\x06\x06l\x1b[F\x1b[D\x1b[D\x1b[Do\r")
    t.send("first linx\x7fe\r.\r")
    assert ended(t) == 0
    data = seat.sent()[0][2].decode()
    assert "\nSubject: hello world\r\n" in data
    assert data.endswith("\r\n\r\nfirst line\r\n")


@pytest.mark.parametrize("keys", [
    ("\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F", "\x1b[3~"),
    ("\x1bOA", "\x1bOB", "\x1bOH", "\x1bOF", "\x1b[3~"),
    ("\x1b[A", "\x1b[B", "\x1b[1~", "\x1b[4~", "\x1b[3~"),
    ("\x1b[A", "\x1b[B", "\x1b[7~", "\x1b[8~", "\x1b[3~")],
    ids=["xterm", "vt100", "linux", "rxvt"])
def test_keys_of_terminals(seat, keys):
    up, down, home, end, delete = keys
    t = seat.mail("-N")
    t.line("= ")
    t.send(up + up + down + "x" + up)
    assert t.lines()[t.screen.cursor.y] == "? ="
    t.send("yz" + home + delete + end + "!")
    assert t.lines()[t.screen.cursor.y].replace(" ", "") == "?yz!"


def test_unknown_keys_do_nothing(seat):
    t = seat.mail("-N")
    for key in ("\x1b[[A", "\x1b[15~", "\x1b[1;2P", "\x1bOP", "\x1bx",
                "\x1b[200000000000~", "\x1b\x1b[[B", "\x07", "\x1b[25;2~",
                "\xff\xfe".encode("latin-1"), "\x1b[\x01", "\x00"):
        t.send(key)
    t.send("=\r")
    assert t.lines()[-2:] == ["1", "?"] or "1" in t.lines()


def test_history_by_kind(seat):
    t = seat.mail("-N")
    t.line("m bob@b.com")
    t.line("A subject")
    t.send("text\r.\r")
    t.line("m cary@c.com")
    assert t.lines()[t.screen.cursor.y] == "Subject:"
    t.send("\x10")
    assert t.lines()[t.screen.cursor.y] == "Subject: A subject"
    t.send("\x10\x10\r")
    t.send("\x10.\r")
    t.send("\x10")
    assert t.lines()[t.screen.cursor.y] == "? m cary@c.com"
    t.send("\x15ob@\x12")
    assert t.lines()[t.screen.cursor.y] == "? m bob@b.com"


def test_interrupt_drops_the_line(seat):
    t = seat.mail("-N")
    t.send("x now")
    t.send("\x03")
    assert "^C" in t.text() and "Interrupt" in t.text()
    t.line("=")
    assert t.lines()[t.screen.cursor.y - 1] == "1"
    assert t.mail.isalive()


def test_end_of_input(seat):
    t = seat.mail("-N")
    t.send("abc\x04\x01\x04")
    assert t.lines()[t.screen.cursor.y] == "? bc"
    t.send("\x15\x04")
    t.send("\x0b\x04")
    assert ended(t) == 0


def test_clear(seat):
    t = seat.mail()
    t.send("abc\x0c")
    assert t.lines()[0] == "? abc" and not any(t.lines()[1:])


def test_wide_and_narrow(seat):
    t = seat.mail("-N", size=(40, 10))
    t.send("你好e\u0301")
    assert t.screen.cursor.x == 2 + 5
    t.send("\x7f")
    assert t.screen.cursor.x == 2 + 4
    t.send("好" * 30)
    assert t.screen.cursor.x < 40
    line = t.lines()[t.screen.cursor.y]
    assert line.startswith("? <") and len(line.encode()) < 130
    t.send("\x01")
    assert t.screen.cursor.x == 2


def test_type_ahead_is_kept(seat):
    t = seat.mail("-N")
    t.send("f 1\rf 2\r=\rf 3\rx")
    shown = t.text()
    assert "alice" in shown and "cron" in shown and "wang" in shown
    assert t.lines()[t.screen.cursor.y] == "? x"


# ---- paste

def test_paste_runs_no_command(seat):
    t = seat.mail("-N")
    assert b"\x1b[?2004h" in t.octets
    t.send("\x1b[200~d 1\rx\r\x01\tq\x1b[201~")
    assert t.lines()[t.screen.cursor.y].startswith("? d 1 x")
    assert t.mail.isalive()
    t.send("\x15x\r")
    assert ended(t) == 0
    assert t.octets.count(b"\x1b[?2004h") == t.octets.count(b"\x1b[?2004l")


def test_pasted_text_is_text(seat):
    t = seat.mail("-s", "x", "bob@b.com")
    t.send("\x1b[200~one\r~q\r.\r~!touch hit\r\ttab\r\x1b[201~")
    t.send("~s by hand\r.\r")
    assert ended(t) == 0
    data = seat.sent()[0][2].decode()
    # what begins with a dot is stuffed on its way
    assert data.endswith("\r\n\r\none\r\n~q\r\n.\r\n~!touch hit\r\n"
                         "\ttab\r\n")
    assert "\nSubject: by hand\r\n" in data
    assert not (seat.desk.home / "hit").exists()


# ---- completion

def test_complete_commands(seat):
    t = seat.mail("-N")
    t.send("unde\t")
    assert t.lines()[t.screen.cursor.y] == "? undelete"
    assert t.screen.cursor.x == len("? undelete ")
    t.send("\x15ho\t")
    assert t.lines()[t.screen.cursor.y] == "? hold"
    t.send("\x15pr\t")
    assert "print" in t.text() and "preserve" in t.text()
    assert t.lines()[t.screen.cursor.y] == "? pr"
    t.send("\x15zzz\t")
    assert b"\a" in t.octets


def test_complete_files(seat):
    home = seat.desk.home
    (home / "mail").mkdir()
    for name in ("mail/work", "mail/world", "notes", ".hidden"):
        (home / name).write_text("")
    (home / "bad\033[2Jname").write_text("")
    t = seat.mail("-N")
    t.send("s 1 no\t")
    assert t.lines()[t.screen.cursor.y] == "? s 1 notes"
    t.send("\x15copy 1 +wor\t\t")
    assert "+work" in t.text() and "+world" in t.text()
    assert t.lines()[t.screen.cursor.y] == "? copy 1 +wor"
    t.send("l\t")
    assert t.lines()[t.screen.cursor.y] == "? copy 1 +world"
    t.send("\x15s 1 ~/ma\twork")
    assert t.lines()[t.screen.cursor.y] == "? s 1 ~/mail/work"
    t.send("\x15s ./.h\t")
    assert t.lines()[t.screen.cursor.y] == "? s ./.hidden"
    t.send("\x15s \t")
    assert "hidden" not in t.text().split("./.hidden")[-1]
    assert "[2J" not in t.text()


def test_complete_addresses(seat):
    t = seat.mail("-N")
    t.send("m wan\t")
    assert t.lines()[t.screen.cursor.y] == "? m wang@b.com"
    t.send(", arn\t")		# by a name
    assert t.lines()[t.screen.cursor.y] == "? m wang@b.com, alice@a.com"
    t.send("\x15m \t")
    assert "cron@router.a.com" in t.text() and "you@a.com" in t.text()


def test_complete_aliases(seat):
    t = seat.mail("-N")
    t.line("alias friends bob@b.com cary@c.com")
    t.send("m frie\t")
    assert t.lines()[t.screen.cursor.y] == "? m friends"


def test_complete_variables(seat):
    t = seat.mail("-N")
    t.send("set ttyc\t")
    assert t.lines()[t.screen.cursor.y] == "? set ttycharset"


def test_many_choices_fit_a_screen(seat):
    for i in range(300):
        (seat.desk.home / f"file{i:03}").write_text("")
    t = seat.mail("-N", size=(40, 10))
    t.send("s file\t")
    assert "... and" in t.text() and "more" in t.text()
    assert t.lines()[t.screen.cursor.y] == "? s file"
    assert "file000" in t.text()


# ---- the pager

def page(seat, letters=LONG, **more):
    seat.inbox.unlink()
    seat.fill(letters)
    return seat.mail("-N", **more)


def test_pager_on_a_resized_screen(seat):
    t = page(seat)
    t.line("p")
    assert t.text().count("\n") == 24
    t.resize(40, 10)
    # nothing goes by unseen, though the lines take more rows now
    got = t.send(" ").decode().split("\x1b[K")[1].split("--More--")[0]
    assert sum(1 + (len(line) - 1) // 40 for line in got.split("\r\n")) == 9
    t.send("q")
    assert t.lines()[t.screen.cursor.y] == "?"


def test_editing_on_a_resized_screen(seat):
    t = seat.mail("-N")
    t.send("p 1 " + "words " * 8)
    t.resize(40, 10)
    assert t.lines()[t.screen.cursor.y].startswith("? <")
    t.send("\x01")
    assert t.lines()[t.screen.cursor.y].startswith("? p 1 words")


def test_crt(seat):
    t = page(seat)
    t.line("set crt=200")
    t.line("p")
    assert "--More--" not in t.text() and "60: the quick" in t.text()
    t.line("set crt=20")
    t.line("p")
    assert t.lines()[-1] == "--More--"
    t.send("q")


def test_pager_program(seat):
    t = page(seat, LONG + THREE)
    t.line("set PAGER='sed \"s/^/%%/\"'")
    t.line("p 1")
    assert "%%60: the quick brown fox" in t.text()
    t.line("p 2")
    assert "\nFrom: Alice" in t.text()
    t.line("set crt=3")
    t.line("p 2")
    assert "\n%%From: Alice" in t.text()
    # one that is left early, one that is not there
    t.line("set PAGER='head -n 3'")
    t.line("p 1")
    assert t.lines()[t.screen.cursor.y] == "?"
    t.line("set PAGER=/no/such/pager")
    t.line("p 1")
    t.line("=")
    assert t.lines()[t.screen.cursor.y - 1] == "1"
    t.line("unset PAGER crt")
    t.line("p 1")
    assert "--More--" in t.text()
    t.send("q")


def test_several_messages_are_one_page(seat):
    t = seat.mail("-N", size=(80, 10))
    t.line("p *")
    assert t.lines()[-1] == "--More--"
    assert "Message 1:" in t.text()
    t.send("q")
    assert "Message 3:" not in t.text()
    t.line("f *")
    assert re.search(r"N +3 wang", t.text())


def test_pager_goes_back_in_bounded_memory(seat):
    """A megabyte of text: back as far as 64 kB, forth to the end."""
    body = "".join(f"{i:06} {'x' * 60}\n" for i in range(15000))
    t = page(seat, (letter("a@a.com", "big", body),))
    t.line("p")
    t.send("/")
    t.line("014990 ")
    assert t.lines()[-2].startswith("0149") or "014999" in t.text()
    t = page(seat, (letter("a@a.com", "big", body),))
    t.line("p")
    t.send("/")
    t.line("008000 ")
    first = int(re.findall(r"^(\d{6}) x", t.text(), re.M)[0])
    assert first == 8000
    for _ in range(60):
        t.send("b")
    first = int(re.findall(r"^(\d{6}) x", t.text(), re.M)[0])
    assert 6900 < first < 7950
    for _ in range(5):
        t.send(" ")
    rows = [int(n) for n in re.findall(r"^(\d{6}) x", t.text(), re.M)]
    assert rows == list(range(rows[0], rows[0] + len(rows)))
    t.send("q")
    assert t.lines()[t.screen.cursor.y] == "?"


# ---- what is shown

def test_floods(seat):
    zalgo = "a" + "\u0301" * 5000 + "b"
    t = page(seat, (letter("a@a.com", "=?utf-8?q?z=CC=81" + "=CC=81" * 10 +
                           "?=", zalgo + "\n" + "\t" * 100000 + "end\n",
                           Content_Type="text/plain; charset=utf-8"),))
    before = len(t.octets)
    t.line("p")
    shown = t.octets[before:].decode()
    assert shown.count("\u0301") <= 8
    assert shown.count("\t") < 200
    assert t.lines()[t.screen.cursor.y] == "?"
    t.line("h")


def test_prompt_is_safe(seat):
    evil = "=?utf-8?q?=1B]0;x=07=1B[2J=C2=9B1mhi=E2=80=AE?="
    t = page(seat, (letter("a@a.com", evil, "x\n"),))
    for term in ("xterm", "dumb"):
        t = seat.mail("-N", term=term)
        t.line("r")
        t.line("text")
        t.line("~h")
        t.line("")
        t.line("")
        t.line("")
        t.line("")
        t.line("~x")
        shown = t.octets.replace(b"\x1b[?2004h", b"").replace(
            b"\x1b[?2004l", b"")
        assert not re.search(rb"[\x07\x0e\x0f]|\x1b\]|\x1b\[2J|\xc2\x9b",
                             shown)
        assert "\u202e" not in shown.decode()


LATIN = letter("a@a.com", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
               "é “q” … 你 € Ā\u0301 ½\n",
               Content_Type="text/plain; charset=utf-8")


@pytest.mark.parametrize("locale,want", [
    ("C", b'e "q" ... ? EUR A 1/2'), ("POSIX", b'e "q" ... ? EUR A 1/2'),
    ("de_DE.ISO-8859-1", b'\xe9 "q" ... ? EUR A \xbd'),
    ("de_DE.ISO-8859-15@euro", b'\xe9 "q" ... ? \xa4 A 1/2'),
    ("de_DE.UTF-8", "é “q” … 你 € Ā\u0301 ½".encode()),
    ("de_DE.utf8", "é “q” … 你 € Ā\u0301 ½".encode())])
def test_locales(seat, locale, want):
    t = page(seat, (LATIN,), LC_ALL=locale)
    t.line("p")
    assert want + b"\r\n" in t.octets


def test_ttycharset(seat):
    t = page(seat, (LATIN,), LC_ALL="C")
    t.line("set ttycharset=iso-8859-1")
    t.line("p")
    assert b'Subject: Gr\xfc\xdfe\r\n' in t.octets
    t.line("unset ttycharset")
    t.line("p")
    assert b'Subject: Grusse\r\n' in t.octets


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_typed_in_latin1(seat, term):
    t = seat.mail("-N", "bob@b.com", term=term, LC_ALL="de_DE.ISO-8859-1")
    t.send("Grü".encode("latin-1") + b"\r")
    t.send("Käse ½".encode("latin-1") + b"\r.\r")
    ended(t)
    data = seat.sent()[0][2]
    assert b"=?utf-8?Q?Gr=C3=BC?=" in data or b"R3LDvA" in data
    assert "Käse ½\r\n".encode() in data


# ---- dumb terminals

def test_dumb_is_plain(seat):
    t = seat.mail(term="dumb")
    t.send("m bob\tx\x08\x08\r")
    t.send("sub\r")
    t.send("~x\r")
    t.line("p 3")
    assert b"\x1b" not in t.octets


@pytest.mark.parametrize("locale,flag", [("C.UTF-8", True), ("C", False)])
def test_utf8_is_erased_by_the_kernel(seat, locale, flag):
    iutf8 = 0o40000
    t = seat.mail("-N", term="dumb", LC_ALL=locale)
    assert bool(t.modes()[0] & iutf8) == flag
    t.line("x")
    ended(t)
    assert not t.modes()[0] & iutf8


# ---- how it is left

AT = {
    "prompt": (),
    "editing": ("p 1 and some more",),
    "pager": ("p *\r",),
    "search": ("p *\r", "/", "some"),
    "subject": ("m bob@b.com\r", "half a sub"),
    "writing": ("m bob@b.com\r", "precious\r", "precious text\r", "and"),
    "child": ("!sleep 100\r",),
}


def go(seat, where, **more):
    seat.inbox.unlink()
    seat.fill(THREE + LONG)
    t = seat.mail("-N", size=(80, 10), **more)
    for keys in AT[where]:
        t.send(keys)
    return t


@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize("where", AT)
@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, "closed"])
def test_hang_up(seat, modes, where, how, term):
    """Nothing is lost, the mailbox is as it was, and so is the terminal."""
    t = go(seat, where, term=term)
    before = seat.inbox.read_bytes()
    if how == "closed":
        os.close(t.tty)
        t.tty = os.open(os.devnull, os.O_RDONLY)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, t.mail.child_fd)
        os.close(null)
        end = time.monotonic() + 10
        while t.mail.isalive() and time.monotonic() < end:
            time.sleep(0.02)
        assert not t.mail.isalive()
    else:
        if where == "child":
            # as the kernel does, to all of the foreground
            os.killpg(os.getpgid(t.mail.pid), how)
        else:
            os.kill(t.mail.pid, how)
        ended(t)
        assert t.modes() == modes
    assert seat.inbox.read_bytes() == before
    assert not (seat.desk.home / "mbox").exists()
    if where == "writing":
        dead = (seat.desk.home / "dead.letter").read_text()
        assert "precious text\n" in dead and "Subject: precious" in dead


@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize("where", AT)
def test_interrupt(seat, where, term, modes):
    t = go(seat, where, term=term)
    before = seat.inbox.read_bytes()
    t.send("\x03")
    if where == "search":
        t.send("q")
    if where == "writing":
        assert "one more" in t.text()
        t.line("and more")
        t.line(".")
        wait_for(seat.sent)
        assert "precious text\r\nand more\r\n" in \
            seat.sent()[0][2].decode().replace("and\r\n", "")
    t.line("=")
    assert t.lines()[t.screen.cursor.y - 1].isdigit()
    t.line("x")
    # a message that was given up is an exit status
    assert ended(t) == (75 if where == "subject" else 0)
    assert t.modes() == modes
    assert seat.inbox.read_bytes() == before


@pytest.mark.parametrize("end", ["x\r", "q\r", "\x04"])
@pytest.mark.parametrize("term", ["xterm", "vt100", "dumb"])
def test_after_the_end(seat, modes, end, term):
    t = seat.mail(term=term)
    t.send(end)
    assert ended(t) == 0
    assert t.modes() == modes


@pytest.mark.parametrize("sig", [signal.SIGQUIT, signal.SIGALRM,
                                 signal.SIGUSR1])
@pytest.mark.parametrize("where", ["editing", "pager", "writing"])
def test_other_signals(seat, modes, where, sig):
    t = go(seat, where)
    os.kill(t.mail.pid, sig)
    assert ended(t) == -sig
    assert t.modes() == modes


def test_quit_key_is_no_key(seat):
    """^\\ ends it, as it ends any program, with the terminal as it was."""
    t = seat.mail("-N")
    t.send("abc\x1c")
    assert ended(t) == -signal.SIGQUIT


def test_children_have_a_plain_terminal(seat, modes):
    t = seat.mail("-N")
    t.line("!stty -a >modes")
    shown = (seat.desk.home / "modes").read_text()
    for word in ("icanon", "echo", "isig", "iexten"):
        assert re.search(rf"(^|\s){word}\b", shown)
    t.line("x")
    ended(t)
    assert t.modes() == modes


@pytest.mark.parametrize("where", ["editing", "pager", "writing"])
def test_suspend(seat, where):
    """^Z gives a shell its terminal back; fg shows the line again."""
    seat.inbox.unlink()
    seat.fill(LONG)
    t = Terminal(seat.desk, (), "xterm", (80, 24), MAIL=str(seat.inbox),
                 argv=["/bin/bash", "--norc", "-i"], PS1="shell> ")
    t.tty = os.open(os.devnull, os.O_RDONLY)
    seat.open.append(t)
    t.line(f"{os.environ.get('PILLARBOX', 'pillarbox')} mail -N")
    for keys in {"editing": ("half a line",), "pager": ("p\r",),
                 "writing": ("m bob\r", "sub\r", "half a line")}[where]:
        t.send(keys)
    t.send("\x1a")
    assert "Stopped" in t.text() and t.lines()[t.screen.cursor.y] == "shell>"
    t.line("stty -a | grep -c ' icanon'")
    assert t.lines()[t.screen.cursor.y - 1] == "1"
    t.line("fg")
    line = t.lines()[t.screen.cursor.y]
    assert line == {"editing": "? half a line", "pager": "--More--",
                    "writing": "half a line"}[where]
    t.send("q" if where == "pager" else "\x15")
    if where == "writing":
        t.send("~x\r")
    t.line("=")
    assert t.lines()[t.screen.cursor.y - 1] == "1"


# ---- 9600 baud: octets that a session takes

def octets(t, keys):
    before = len(t.octets)
    t.send(keys)
    return len(t.octets) - before


@pytest.mark.parametrize("term,most", [("xterm", 1), ("vt100", 1)])
def test_a_character_costs_one_octet(seat, term, most):
    t = seat.mail("-N", term=term)
    for c in "print 1 and this":
        assert octets(t, c) == most
    assert octets(t, "\x1b[D") == 1
    assert octets(t, "\x7f" if term == "xterm" else "\x1b[C") <= 12


BUDGET = {	# of octets; at 9600 baud 960 are a second
    "start": (("",), 480),
    "next": (("\r",), 130),
    "headers": (("h\r",), 330),
    "reply": (("r 1\r",), 150),
    "pager": (("p 4\r",), 1500),
    "line": (("p 4\r", "\r"), 130),
}


@pytest.mark.parametrize("what", BUDGET)
def test_budget(seat, what):
    seat.inbox.unlink()
    seat.fill(THREE + LONG)
    keys, most = BUDGET[what]
    t = seat.mail(term="vt100")
    took = len(t.octets)
    for key in keys:
        took = octets(t, key) if key else took
    assert most / 2 < took <= most
