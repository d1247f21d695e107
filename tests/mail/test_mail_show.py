"""Reading messages: what is shown of MIME, and the commands that look into a message."""
import base64
import os
import stat
import subprocess
import time

import pexpect
import pytest

from desk import BINARY, SANITIZED, high_water
from instance import needs
from test_read import fill, letter


def show(desk, message, script="1\nx\n", **env):
    desk.mbox.write_bytes(b"")
    fill(desk.mbox, message)
    out, _ = desk.text("-N", stdin=script, **env)
    return out


def body(desk, message, script="1\nx\n", **env):
    """What is shown behind the header."""
    return show(desk, message, script, **env).split("\n\n", 1)[1]


def parts(kind, *pieces, end=True):
    """A multipart; pieces are "Content-Type...\n\ntext" or its text alone."""
    b = "b%d" % abs(hash((kind, pieces)))
    return (f"Content-Type: multipart/{kind}; boundary={b}\n\n" +
            "".join(f"--{b}\n{p}\n" for p in pieces) +
            (f"--{b}--\n" if end else ""))


def attached(name, data, kind="application/pdf", more=""):
    return (f"Content-Type: {kind}\nContent-Disposition: attachment; "
            f"filename=\"{name}\"\nContent-Transfer-Encoding: base64\n{more}\n"
            + base64.encodebytes(data).decode())


HEAD = "From: alice@a.com\nSubject: x\n"
PLAIN = "Content-Type: text/plain\n\nplain form"
HTML = "Content-Type: text/html\n\n<p>rich <b>form</b>"
PDF = attached("report.pdf", b"x" * 23000)


# ---- what is shown

def test_alternatives(desk):
    both = HEAD + parts("alternative", PLAIN, HTML)
    assert body(desk, both) == "plain form\n"
    assert body(desk, HEAD + HTML) == "rich form\n"
    # an empty plain form is none
    assert body(desk, HEAD + parts("alternative",
                                   "Content-Type: text/plain\n\n \n",
                                   HTML)).strip() == "rich form"
    assert "rich form" in show(desk, both, "P 1\nx\n")
    # Apple Mail: pieces of HTML around an attachment are one form
    split = parts("mixed", HTML, PDF, HTML.replace("rich", "second"))
    assert body(desk, HEAD + parts("alternative", PLAIN, split)) == (
        "plain form\n\n[part 3: application/pdf, report.pdf, 23 kB]\n")
    assert body(desk, HEAD + parts("alternative", split)) == (
        "rich form\n\n[part 2: application/pdf, report.pdf, 23 kB]\n\n"
        "second form\n")


def test_rich_preferred(desk):
    both = HEAD + parts("alternative", PLAIN, HTML)
    rich = "set mime-alternative-favour-rich\n1\nx\n"
    assert body(desk, both, rich) == "rich form\n"
    assert body(desk, HEAD + parts("alternative", PLAIN), rich) == (
        "plain form\n")
    assert body(desk, HEAD + PLAIN, rich) == "plain form\n"


def test_enclosed(desk):
    inner = HEAD.replace("x\n", "inner\nX-Y: z\n") + parts("mixed", PLAIN, PDF)
    out = body(desk, HEAD + parts("mixed", "\nhello", "Content-Type: message/"
                                  "rfc822\n\n" + inner))
    assert out == ("hello\n\n[part 2: message]\nFrom: alice@a.com\n"
                   "Subject: inner\n\nplain form\n\n"
                   "[part 4: application/pdf, report.pdf, 23 kB]\n")
    out = body(desk, HEAD + parts("digest", "\nSubject: one\n\n1",
                                  "\nSubject: two\n\n2"))
    assert "Subject: one\n\n1\n" in out and "Subject: two\n\n2\n" in out


@pytest.mark.parametrize("kind,name", [
    ("application/pgp-signature", "PGP signature"),
    ("application/pkcs7-signature; name=smime.p7s", "S/MIME signature"),
    ("application/pgp-encrypted", "PGP encrypted message"),
    ("application/pkcs7-mime", "S/MIME signed or encrypted message"),
    ("application/ms-tnef", "Outlook's winmail.dat (TNEF)"),
    ("message/external-body; access-type=x", "kept elsewhere"),
    ("video/mp4", "video/mp4")])
def test_named(desk, kind, name):
    out = body(desk, HEAD + parts("signed", PLAIN,
                                  f"Content-Type: {kind}\n\nxyz"))
    assert out.startswith(f"plain form\n\n[part 2: {name}, ")
    assert "xyz" not in out


def test_report(desk):
    out = body(desk, HEAD + parts(
        "report; report-type=delivery-status", "\nIt failed.",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\n"
        "Final-Recipient: rfc822; b@b.com\nStatus: 5.1.1",
        "Content-Type: text/rfc822-headers\n\nSubject: sent"))
    assert "It failed.\n" in out and "Status: 5.1.1\n" in out
    assert "Subject: sent\n" in out


def test_other_texts(desk):
    for kind in ("markdown", "enriched", "x-patch", "csv"):
        assert body(desk, f"{HEAD}Content-Type: text/{kind}\n\n*x*\n") == (
            "*x*\n")


def test_flowed(desk):
    flowed = (HEAD + "Content-Type: text/plain; format=flowed\n\n" +
              "word \n" * 30 + "end\n> quoted \n> more\n From\n")
    out = body(desk, flowed)
    assert "\nFrom\n" in out        # unstuffed
    desk.mbox.write_bytes(b"")
    fill(desk.mbox, flowed)
    t = desk.terminal("-N", rows=40)
    t.expect(r"\n\? ")
    t.sendline("1")
    t.expect(r"\n\? ")
    lines = t.before.replace("\r", "").split("\n\n", 1)[1].split("\n")
    assert lines[0] == " ".join(["word"] * 16)[:79].rsplit(" word", 0)[0]
    assert max(map(len, lines)) <= 79
    assert "> quoted more" in lines and "From" in lines
    t.sendline("x")
    t.expect(pexpect.EOF)


def test_long_fields_fold(desk):
    people = ", ".join(f"=?utf-8?q?M=C3=BCller_{i}?= <m{i}@a.com>"
                       for i in range(30))
    message = HEAD + f"To: {people}\n\ntext\n"
    assert f"Müller 29 <m29@a.com>\n" in show(desk, message)
    t = desk.terminal("-N", rows=60)
    t.expect(r"\n\? ")
    t.sendline("1")
    t.expect(r"\n\? ")
    lines = t.before.replace("\r", "").split("\n")
    assert max(map(len, lines)) <= 79
    assert "    " in [line[:4] for line in lines]
    assert "Müller 29 <m29@a.com>" in " ".join(s.strip() for s in lines)
    t.sendline("x")
    t.expect(pexpect.EOF)


# ---- what is broken

def test_broken(desk):
    # no end, no blank line, no delimiter, an empty part, unknown encoding
    assert body(desk, HEAD + parts("mixed", PLAIN, end=False)) == (
        "plain form\n")
    assert body(desk, HEAD + "Content-Type: multipart/mixed; boundary=b\n\n"
                "only text\n") == "only text\n"
    assert body(desk, HEAD + "Content-Type: multipart/mixed\n\ntext\n") == (
        "text\n")
    assert "text" in show(desk, HEAD + "Content-Transfer-Encoding: x-odd\n\n"
                          "text\n")
    assert body(desk, HEAD + "Content-Type: text/plain; charset=no-such\n\n"
                "text\n") == "text\n"
    assert body(desk, HEAD + "Content-Transfer-Encoding: base64\n\n"
                "!!aGVsbG8\n!!") == "hello\n"


def test_nul_and_controls(desk):
    out = show(desk, (HEAD + "\n").encode() + b"a\0b\x1b[2Jc\x9b1md\n")
    assert "\x1b" not in out and "\0" not in out and "\x9b" not in out
    assert "a^@b^[[2Jc" in out


@pytest.mark.skipif(SANITIZED, reason="they take memory of their own")
def test_memory_and_time(desk):
    """A long line, many parts, fields and attachments cost what one costs."""
    with open(desk.mbox, "wb") as f:
        def letter_of(head, text):
            f.write(b"From a@a.com Tue Nov 24 11:00:00 2026\n" + head)
            for piece in text:
                f.write(piece)
            f.write(b"\n\n")
        letter_of(b"Subject: small\n\n", [b"x\n"])
        letter_of(b"Subject: line\n\n", [b"x" * 1000000] * 10)
        letter_of(b"Subject: parts\nContent-Type: multipart/mixed; "
                  b"boundary=b\n\n", [b"--b\n\nx\n"] * 200000)
        letter_of(b"", [b"X-Y: z\n"] * 1000000 + [b"\ntext\n"])
        letter_of(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                  b"Content-Type: x/y\nContent-Transfer-Encoding: base64\n\n",
                  [b"QUJDRA==" * 9 + b"\n"] * 400000 + [b"--b--\n"])
    used = []
    for n in range(1, 6):
        with subprocess.Popen([BINARY, "mail", "-N"], env=desk.env,
                              cwd=desk.home, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            p.stdin.write(b"%d\n!echo done\n=\n" % n)
            p.stdin.flush()
            while p.stdout.readline() != b"%d\n" % n:
                pass
            used.append(high_water(p.pid))
            p.stdin.write(b"x\n")
            p.stdin.close()
            p.wait()
    assert max(used) - used[0] < 700, used


def test_first_screen_at_once(desk):
    """Of 200 MB the first screen is there at once, and q is enough."""
    with open(desk.mbox, "wb") as f:
        f.write(b"From a@a.com Tue Nov 24 11:00:00 2026\nSubject: x\n"
                b"Content-Transfer-Encoding: quoted-printable\n\n")
        f.flush()
        line = b"line of text=20\n" * 65536
        for _ in range(200):
            f.write(line)
    t = desk.terminal("-N")
    t.expect(r"\n\? ", timeout=60)
    start = time.monotonic()
    t.sendline("1")
    t.expect("--More--")
    t.send("q")
    t.expect(r"\r\? ")
    assert time.monotonic() - start < 2
    t.sendline("x")
    t.expect(pexpect.EOF)


# ---- commands

LETTER = HEAD + parts("mixed", PLAIN, PDF,
                      attached("b\u00fccher.txt", b"books\n", "text/plain"))


def test_parts(desk):
    out = show(desk, LETTER, "parts\nx\n")
    assert out.splitlines() == [
        "Message 1:",
        "  1  text/plain                   10 bytes  ",
        "  2  application/pdf                 23 kB  report.pdf",
        "  3  text/plain                    6 bytes  bücher.txt"]
    assert show(desk, LETTER, "attachments 1\nx\n") == out


def test_view(desk):
    assert show(desk, LETTER, "view 3\nx\n") == "books\n"
    assert show(desk, LETTER, "view 1\nx\n") == "plain form\n"
    assert "application/pdf, report.pdf" in show(desk, LETTER,
                                                 "view 2\nx\n")
    assert show(desk, LETTER, "view 2 wc -c\nx\n").strip() == "23000"
    assert show(desk, LETTER, "view 2 | wc -c\nx\n").strip() == "23000"
    assert show(desk, LETTER, "view 2 \"wc -c\"\nx\n").strip() == "23000"
    for line in ("view 9", "view", "view x", "view 9 cat"):
        assert desk.mail("-N", stdin=line + "\nx\n").returncode == 1


def test_detach(desk):
    out = show(desk, LETTER, "detach\nx\n")
    assert out == '"report.pdf" 23000 octets\n"bücher.txt" 6 octets\n'
    pdf = desk.home / "report.pdf"
    assert pdf.read_bytes() == b"x" * 23000
    assert stat.S_IMODE(pdf.stat().st_mode) == 0o600
    # never over what is there
    pdf.write_bytes(b"mine")
    show(desk, LETTER, "detach 2\nx\n")
    assert pdf.read_bytes() == b"mine"
    assert (desk.home / "report-2.pdf").read_bytes() == b"x" * 23000
    show(desk, LETTER, "detach 2 other\ndetach 3 ~/third\nx\n")
    assert (desk.home / "other").read_bytes() == b"x" * 23000
    assert (desk.home / "third").read_bytes() == b"books\n"
    (desk.home / "dir").mkdir()
    show(desk, LETTER, "detach * dir\nx\n")
    assert sorted(os.listdir(desk.home / "dir")) == ["bücher.txt",
                                                     "report.pdf"]
    for line in ("detach 9", "detach * nowhere", "detach 2 /no/where"):
        assert desk.mail("-N", stdin=line + "\nx\n").returncode == 1
    assert desk.mbox.exists()


def test_detach_message(desk):
    inner = "Subject: inner\n\nhello\n"
    show(desk, HEAD + parts("mixed", PLAIN, "Content-Type: message/rfc822\n\n"
                            + inner), "detach 2 out.eml\nx\n")
    assert (desk.home / "out.eml").read_text() == inner


@pytest.mark.parametrize("name,saved", [
    ("../../etc/passwd", "passwd"),
    ("/abs/olute.txt", "olute.txt"),
    ("..\\\\win\\\\path.doc", "path.doc"),
    (".profile", "profile"),
    ("...", "part2"),
    ("-rf", "rf"),
    ("|sh", "_sh"),
    ("a`id`$(id)b", "a_id__(id)b"),
    ("a\\\"b'c", "a_b_c"),
    ("two words.pdf", "two words.pdf"),
    ("=?utf-8?q?=E2=80=AEfdp.exe?=", "_fdp.exe"),
    ("=?utf-8?q?a=1B=5B2Jb?=", "a _2Jb"),
    ("x" * 400, "x" * 200)])
def test_safe_names(desk, name, saved):
    before = set(os.listdir(desk.path))
    show(desk, HEAD + parts("mixed", PLAIN, attached(
        name, b"data", "application/x")), "detach\nx\n")
    assert saved in os.listdir(desk.home)
    assert set(os.listdir(desk.path)) == before


def test_links_are_not_followed(desk):
    target = desk.path / "target"
    target.write_text("mine")
    os.symlink(target, desk.home / "report.pdf")
    show(desk, LETTER, "detach 2\nx\n")
    assert target.read_text() == "mine"
    assert (desk.home / "report-2.pdf").exists()


@needs("MAIL_PARTS")
def test_write(desk):
    single = letter("one", "caf=E9\n", Content_Transfer_Encoding=(
        "quoted-printable"), Content_Type="text/plain; charset=iso-8859-1")
    out = show(desk, single, "write out\nq\n")
    assert out.startswith('"out" 6 octets\n')
    assert (desk.home / "out").read_text() == "café\n"
    # as save does (POSIX)
    assert not desk.mbox.exists() or not desk.mbox.read_bytes()
    show(desk, single, "w 1 out\nx\n")
    assert (desk.home / "out").read_text() == "café\n" * 2
    # what has more parts stays in the mailbox, and its attachments are saved
    show(desk, LETTER, "write 1 text\nq\n")
    assert (desk.home / "text").read_text() == "plain form\n"
    assert (desk.home / "report.pdf").read_bytes() == b"x" * 23000
    assert (desk.home / "bücher.txt").exists()
    assert b"report.pdf" in (desk.home / "mbox").read_bytes()
    for line in ("write", "write 9 x", "write /no/where"):
        assert desk.mail("-N", "-f", "mbox", stdin=line + "\nx\n"
                         ).returncode == 1


@pytest.mark.parametrize("kind, stays", [
    ("text/plain", False), ("", False), ("text/html", True),
    ("multipart/mixed; boundary=b", True), ("application/pdf", True)])
def test_write_saves(desk, kind, stays):
    """What the file does not have is not taken from the mailbox."""
    fill(desk.mbox, letter("two", "--b\n\nx\n--b\n\ny\n--b--\n",
                           **{"Content-Type": kind} if kind else {}))
    parts = "detach" in desk.text("-N", stdin="list\nx\n")[0]
    desk.text("-N", stdin="set keep hold\nw out\nq\n")
    if parts and not kind.startswith("multipart"):
        stays = False       # the file has it, whatever it is
    assert desk.mbox.read_bytes().count(b"Subject: two") == stays


@needs("MAIL_PARTS")
def test_write_asks(desk):
    fill(desk.mbox, LETTER)
    (desk.home / "mine").write_text("mine")
    t = desk.terminal("-N")
    t.expect(r"\n\? ")
    t.sendline("write text")
    t.expect(r"Save part 2 \(application/pdf; - skips it\) as: .*report.pdf")
    t.sendline("\x15mine" if t.env.get("TERM") != "dumb" else "mine")
    t.expect(r"mine is there already. Overwrite it \(y/n\)\? ")
    t.sendline("n")
    t.expect(r"Save part 3 \(text/plain; - skips it\) as: .*b")
    t.sendline("-")
    t.expect(r'"text" 11 octets')
    t.expect(r"\n\? ")
    t.sendline("detach 2 mine")
    t.expect(r"Overwrite it \(y/n\)\? ")
    t.sendline("y")
    t.expect('"mine" 23000 octets')
    t.sendline("x")
    t.expect(pexpect.EOF)
    assert (desk.home / "mine").read_bytes() == b"x" * 23000
    assert sorted(os.listdir(desk.home)) == ["mine", "text"]


def test_full_disk(desk):
    fill(desk.mbox, LETTER)
    p = desk.mail("-N", stdin="write /dev/full\ndetach 2 /dev/full\nx\n")
    assert p.returncode == 1 and b"No space left" in p.stderr
    assert desk.mail("-e").returncode == 0


def test_top(desk):
    message = HEAD + "To: b@b.com\nDate: now\n\n" + "".join(
        f"line {i}\n" for i in range(50))
    assert show(desk, message, "top\nx\n") == (
        "Message 1:\nFrom: alice@a.com\nSubject: x\nTo: b@b.com\n\nline 0\n")
    assert show(desk, message, "set toplines=7\nto 1\nx\n").endswith(
        "line 2\n")


def test_pipe(desk):
    assert show(desk, LETTER, "|wc -l\nx\n").strip() == "7"
    assert "Subject: x\n" in show(desk, LETTER, "pipe \"cat\"\nx\n")
    assert "Content-Type" not in show(desk, LETTER, "pi 1 \"cat\"\nx\n")
    assert show(desk, LETTER, "Pipe 1 cat\nx\n") == LETTER
    assert show(desk, LETTER, "set cmd=\"head -1\"\n|\nx\n") == (
        "From: alice@a.com\n")
    out = show(desk, LETTER, "set page\n| cat\nx\n")
    assert out.endswith("\n\f")
    fill(desk.mbox, LETTER)
    out, _ = desk.text("-N", stdin="| 1 2 grep -c Subject\nx\n")
    assert out == "2\n"
    for line in ("|", "| 9 cat", "| exit 3"):
        assert desk.mail("-N", stdin=line + "\nx\n").returncode == 1


def test_show_raw(desk):
    assert show(desk, LETTER, "show\nx\n") == "Message 1:\n" + LETTER
    assert show(desk, LETTER, "Show 1\nx\n") == "Message 1:\n" + LETTER


def test_edit(desk):
    script = desk.path / "editor"
    script.write_text("#!/bin/sh\nstat -c %a \"$1\"\ngrep Subject \"$1\"\n"
                      "echo changed > \"$1\"\n")
    script.chmod(0o755)
    assert show(desk, LETTER, "edit\nx\n", EDITOR=str(script)) == (
        "600\nSubject: x\n")
    assert show(desk, LETTER, "v 1\nx\n", VISUAL=str(script)) == (
        "600\nSubject: x\n")
    assert b"changed" not in desk.mbox.read_bytes()
    assert not [f for f in os.listdir(desk.path) if f.startswith("mail.")]
