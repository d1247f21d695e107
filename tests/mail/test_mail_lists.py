"""Message lists, searching, sorting, threads, and the lines of lists."""
import os
import re
import time

import pytest

from desk import IN_NOVEMBER, SANITIZED
from test_read import fill, letter, subjects

# pylint: disable=redefined-outer-name


def letters(n, **more):
    return [letter(f"number {i}", f"text {i}\n", **more) for i in range(n)]


@pytest.fixture
def some(desk):
    fill(desk.mbox,
         letter("Disk full", "The disk of\nhost a is full.\n",
                Date="Tue, 24 Nov 2026 11:00:00 +0000", Message_ID="<1@a>"),
         letter("lunch", "at noon\n", sender="Bob B <bob@b.com>",
                Date="Mon, 23 Nov 2026 11:00:00 +0000", Message_ID="<2@b>"),
         letter("Re: Disk full", "=C3=9Cber 90%\n", sender="cary@c.com",
                Date="Wed, 25 Nov 2026 11:00:00 +0000", Message_ID="<3@c>",
                References="<1@a>", MIME_Version="1.0",
                Content_Type="text/plain; charset=utf-8",
                Content_Transfer_Encoding="quoted-printable"),
         letter("=?utf-8?q?=C3=84pfel?=", "YWxsIGlzIHdlbGw=\n",
                sender="root", Message_ID="<4@c>", MIME_Version="1.0",
                Content_Type="text/plain; charset=utf-8",
                Content_Transfer_Encoding="base64"),
         letter("Re: lunch", "yes\n", sender="bob@x.com", Cc="dan@d.com",
                In_Reply_To="<2@b>", Message_ID="<5@x>"))
    return desk


def listed(desk, *commands, **env):
    """Numbers in the order in which the last command lists them."""
    out, err = desk.text("-N", stdin="\n".join(["f 1", *commands, "x"]) +
                         "\n", **env)
    assert not err, err
    return [int(n) for n in re.findall(r"^[> ].\s*(\d+) ", out, re.M)][1:]


# ---- lists

@pytest.mark.parametrize("words,numbers", [
    ("bob", [2, 5]), ("BOB@B", [2]), ("/disk", [1, 3]), ("'/disk full'", [1, 3]),
    ("/\u00e4PFEL", [4]), ("2-4 1", [1, 2, 3, 4]), ("4-2", [2, 3, 4]),
    (":n", [1, 2, 3, 4, 5]), ("root alice", [1, 4]),
    # words
    ("from bob", [2, 5]), ("from bob subject re:", [5]),
    ("from bob or subject disk", [1, 2, 3, 5]), ("not from bob", [1, 3, 4]),
    ("body 'disk of host'", [1]), ("body \u00fcber", [3]), ("body well", [4]),
    ("body 90%", [3]), ("text noon", [2]), ("cc dan", [5]),
    ("header in-reply-to 2@b", [5]), ("to me from cary", [3]),
    ("sentsince 24-Nov-2026 sentbefore 2026-11-25", [1]),
    ("senton 2026-11-23", [2]), ("on 2026-11-24 from root", [4]),
    ("larger 1k or from cary", [3]),
    # IMAP's
    ("(from bob)", [2, 5]), ("(or (from alice) (body yes))", [1, 5]),
    ("(unseen not (from bob))", [1, 3, 4]), ("'(body noon)'", [2]),
    # s-nail's
    ("@lunch", [2, 5]), ("@f,c@d", [5]), ("@body@well", [4]), ("@~f@B", [2, 5]),
    ("@header@base64", [4]), ("@in-reply-to@", [5]),
])
def test_what_a_list_means(some, words, numbers):
    assert listed(some, "f " + words) == numbers


@pytest.mark.parametrize("words,numbers", [
    ("disk", [1, 3]), ("disk full cary", [3]), ("lunch or root", [2, 4, 5]),
    ("unread bob", [2, 5]), ("since 2026-11-24 disk", [1, 3]),
    ("4", [4]), (":u", [1, 2, 3, 4, 5]), ("(from bob)", [2, 5]),
])
def test_search(some, words, numbers):
    assert listed(some, "search " + words) == numbers


@pytest.mark.parametrize("words,text", [
    ("9", "9: no such message"), ("nobody", "nobody: no such message"),
    (":q", "no such state"), ("from bob since x", "x: no such day"),
    ("(from bob", "a parenthesis is missing"), ("body nothing", "no such message"),
    ("larger x", "no such size"), ("'x", "quotes do not end"),
])
def test_errors_change_nothing(some, words, text):
    before = some.mbox.read_bytes()
    p = some.mail("-N", stdin=f"d {words}\nq\n")
    assert text in p.stderr.decode()
    assert subjects(some.mbox) == subjects(some.mbox)
    assert some.mbox.read_bytes().count(b"\nFrom ") == \
        before.count(b"\nFrom ")


def test_lists_in_commands(some):
    some.text("-N", stdin="d from bob\ns body noon or subject disk out\nq\n")
    assert len(subjects(some.mbox)) == 1
    assert len(subjects(some.home / "out")) == 2


def test_allnet(some):
    assert listed(some, "f bob@b.com") == [2]
    assert listed(some, "set allnet", "f bob@b.com") == [2, 5]


def test_signs(some):
    assert listed(some, "f 3", "f 5", "f ;") == [3, 5, 3]
    assert listed(some, "f 5", "f ,") == [5, 2]
    assert listed(some, "f bob", "f `") == [2, 5, 2, 5]
    assert listed(some, "d 2", "f :d", "u :d", "f 1-2") == [2, 1, 2]


def test_a_word_cannot_be_too_long(some):
    p = some.mail("-N", stdin=f"f {'x' * 300}\nf {'(' * 300}\nx\n")
    assert b"too long" in p.stderr and p.returncode in (0, 1)


# ---- order

def test_sort(some):
    for by, numbers in (("from", [1, 2, 5, 3, 4]), ("date", [2, 1, 4, 5, 3]),
                        ("subject", [1, 3, 2, 5, 4])):
        got = listed(some, f"sort {by}", "f *")
        if by == "date":    # 4 and 5 have no Date: when they came
            got = [n for n in got if n < 4]
            numbers = [n for n in numbers if n < 4]
        assert got == numbers, by
    size = listed(some, "sort size", "f *")
    assert sorted(size) == [1, 2, 3, 4, 5] and size[-1] == 3
    assert listed(some, "sort from", "unsort", "f *") == [1, 2, 3, 4, 5]


def test_next_goes_by_the_order(some):
    out, _ = some.text("-N", stdin="sort from\np 5\n\n=\n-\n=\nx\n")
    assert out.split("\n3\n")[0].count("Message ") == 2
    assert out.rstrip().endswith("5")
    assert listed(some, "sort from", "f 2-4") == [2, 5, 3, 4]
    out, _ = some.text("-N", stdin="sort from\nd 2 5\n=\nx\n")
    assert out.split()[-1] == "3"


def test_sort_by_nothing(some):
    p = some.mail("-N", stdin="sort\nsort thread\nsort\nsort colour\nx\n")
    assert b"Sorted by: number" in p.stdout
    assert b"Sorted by: thread" in p.stdout
    assert b"colour: no such order" in p.stderr


def test_threads(some):
    out, _ = some.text("-N", stdin="thread\nf *\nx\n")
    assert [line[2:6].strip() for line in out.splitlines()] == \
        ["1", "3", "2", "5", "4"]
    assert "\u2514>Re: Disk full" in out
    out, _ = some.text("-N", stdin="thread\nf *\nx\n", LC_ALL="C")
    assert "`>Re: lunch" in out
    assert listed(some, "thread", "f &2") == [2, 5]


def test_autosort_and_new_mail(some):
    (some.home / ".mailrc").write_text("set autosort=from\n")
    out, _ = some.text("-H")
    assert [int(line[2:6]) for line in out.splitlines()] == [1, 2, 5, 3, 4]
    with some.terminal("-N") as t:
        t.expect(r"\? ")
        fill(some.mbox, letter("new", sender="b@b.com"))
        t.sendline("newmail")
        t.expect("New mail has arrived")
        t.sendline("f *")
        t.expect(r" 1 alice.* 6 b@b.com.* 2 bob@b")
        t.sendline("x")


# ---- lines

def test_headline(some):
    out, _ = some.text("-N", stdin="set headline='%m|%a|%5o|%-6f|%l|%t|%S|%%'"
                       "\nf 2\nx\n")
    size = re.search(r"\| *(\d+)\|bob@b.\|\d+\|  2\|\"lunch\"\|%$", out.strip())
    assert size, out
    out, _ = some.text("-N", stdin="set headline='%m %d %s' datefield\nf 2\n"
                       "set datefield=%d.%m.%y\nf 2\nx\n")
    assert "2 2026-11-23 11:00 lunch" in out and "2 23.11.26 lunch" in out
    out, _ = some.text("-N", stdin="set headline='%9999s%m' showname\nf 2\n"
                       "set headline=%f\nf 2\nset headline=%\nf 2\nx\n")
    assert "Bob B" in out


def test_showto(some):
    fill(some.mbox, letter("mine", sender=f"{some.login}@a.com"))
    out, _ = some.text("-N", stdin="set showto\nf 6\nx\n")
    assert " To me@a.com " in out


def test_year_of_the_old(desk):
    desk.mbox.write_text("From alice@a.com Tue Nov 24 11:00:46 1998\n" +
                         letter("old"))
    out, _ = desk.text("-H")
    assert "Tue Nov 24  1998" in out
    out, _ = desk.text("-H", COLUMNS="40")
    assert "  1998 old" in out


def test_narrow(some):
    fill(some.mbox, letter("\u4e2d\u6587" * 20), letter("x" * 100))
    for columns in (40, 20, 10):
        out, _ = some.text("-H", COLUMNS=str(columns))
        for line in out.splitlines():
            wide = sum(2 if ord(c) > 0x2fff else 1 for c in line)
            assert wide < columns or columns == 10, line
    out, _ = some.text("-H", COLUMNS="40", **IN_NOVEMBER)
    assert out.splitlines()[0].startswith(">N  1 alice@a.com  Nov 24 Disk")


def test_numbers_align(desk):
    fill(desk.mbox, *letters(1001))
    out, _ = desk.text("-H")
    lines = out.splitlines()
    assert lines[0].startswith(">N   1 alice") and \
        lines[1000].startswith(" N1001 alice")


def test_screen(desk):
    fill(desk.mbox, *letters(30))
    out, _ = desk.text("-N", stdin="set screen=7\nh\nz\nh 20\nx\n")
    assert [int(line[2:6]) for line in out.splitlines()] == \
        [*range(1, 8), *range(8, 15), *range(15, 22)]


# ---- safe, quick, small

def test_nothing_paints_the_screen(desk):
    fill(desk.mbox, letter("a\x1b[2Jb", sender="x\x9b\x1b[31m@a.com"))
    out = desk.mail("-N", stdin="set headline='%f %s %S' showname\nf *\n"
                    "thread\nf *\nsort subject\nf *\nsearch '\x1b'\nx\n")
    assert b"\x1b" not in out.stdout + out.stderr


def test_interrupt(desk):
    fill(desk.mbox, *(letter(f"n {i}", "text\n" * 20000) for i in range(60)))
    with desk.terminal("-N") as t:
        t.expect(r"\? ")
        t.sendline("f body 'text text text nothing'")
        time.sleep(0.2)
        t.sendintr()
        t.expect("Interrupted|nterrupt|no such message")
        t.sendline("=")
        t.expect("1\r\n")
        t.sendline("x")


@pytest.mark.skipif(SANITIZED, reason="sanitizers are slow")
def test_ten_thousand(desk):
    """Sorting has nothing to wait for, and takes little memory."""
    fill(desk.mbox, *(letter(f"number {i * 7919 % 10000}", sender=f"u{i % 97}@a.com",
                             Message_ID=f"<{i}@a>",
                             References=f"<{i * 31 % 10000}@a> <{i // 3}@a>")
                      for i in range(10000)))
    times = {}
    for command in ("=", "sort subject", "sort from", "thread", "search 4711"):
        start = time.monotonic()
        desk.text("-N", stdin=f"{command}\nx\n")
        times[command] = time.monotonic() - start
    base = times.pop("=")
    # ten times what it takes on a machine that is not busy
    assert max(times.values()) - base < 3, (base, times)
    if os.environ.get("SHOW"):
        print(base, times)
