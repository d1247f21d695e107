"""Reading, marking, saving, answering: what is shown and what the mailbox becomes."""
import base64
import email
import email.policy
import mailbox
import os
import signal
import subprocess
import time

import pexpect
import pytest

from desk import BINARY, IN_NOVEMBER, SANITIZED, high_water
from instance import needs


def letter(subject, body="text\n", sender="alice@a.com", **fields):
    head = f"From: {sender}\nTo: me@a.com\nSubject: {subject}\n"
    for name, value in fields.items():
        head += f"{name.replace('_', '-')}: {value}\n"
    return head + "\n" + body


def fill(path, *letters, minute=0):
    """Appends as a delivery does; letters are str or bytes."""
    with open(path, "ab") as f:
        for i, text in enumerate(letters):
            if isinstance(text, str):
                text = text.encode()
            f.write(b"From alice@a.com Tue Nov 24 11:%02d:46 2026\n"
                    % (minute + i) + text + b"\n")


def subjects(path):
    box = mailbox.mbox(path)
    try:
        return [m["Subject"] for m in box]
    finally:
        box.close()


def statuses(path):
    box = mailbox.mbox(path)
    try:
        return [m["Status"] and m["Status"].strip() for m in box]
    finally:
        box.close()


@pytest.fixture
def three(desk):
    fill(desk.mbox, letter("one", "first text\n"),
         letter("two", "second text\n", sender="Bob B <bob@b.com>"),
         letter("three", "third text\n", sender="cary@c.com"))
    return desk


# ---- no mail, headers, exit status

def test_no_mail(desk):
    p = desk.mail()
    assert (p.returncode, p.stdout) == (1, b"")
    assert p.stderr.decode() == f"No mail for {desk.login}\n"
    desk.mbox.touch()
    assert desk.mail().returncode == 1
    assert desk.mail("-e").returncode == 1
    assert desk.mail("-e").stderr == b""
    p = desk.mail("-f", "nothing")
    assert p.returncode == 1 and b"No such file" in p.stderr
    assert not (desk.home / "nothing").exists()


def test_check(three):
    before = three.mbox.read_bytes()
    p = three.mail("-e")
    assert (p.returncode, p.stdout) == (0, b"")
    assert three.mbox.read_bytes() == before


def test_headers(three):
    before = three.mbox.read_bytes()
    out, _ = three.text("-H", **IN_NOVEMBER)
    assert out.splitlines() == [
        ">N  1 alice@a.com           Tue Nov 24 11:00      61 one",
        " N  2 bob@b.com             Tue Nov 24 11:01      68 two",
        " N  3 cary@c.com            Tue Nov 24 11:02      62 three"]
    assert three.mbox.read_bytes() == before


def test_start(three):
    out, _ = three.text(stdin="x\n")
    assert out.splitlines()[0] == f'"{three.mbox}": 3 messages 3 new'
    out, _ = three.text("-N", stdin="x\n")
    assert out == ""


def test_local_time(three):
    out, _ = three.text("-H", TZ="EST5", **IN_NOVEMBER)
    assert "Tue Nov 24 06:00" in out


def test_mail_variable(three):
    other = three.path / "other"
    fill(other, letter("elsewhere"))
    out, _ = three.text("-H", MAIL=str(other))
    assert "elsewhere" in out


# ---- quit, exit, and what moves

def test_read_moves_to_mbox(three):
    out, _ = three.text(stdin="2\nq\n")
    assert "second text" in out and "first text" not in out
    assert out.endswith("Saved 1 message in mbox\n"
                        f"Held 2 messages in {three.mbox}\n")
    assert subjects(three.mbox) == ["one", "three"]
    assert statuses(three.mbox) == ["O", "O"]
    assert subjects(three.home / "mbox") == ["two"]
    assert statuses(three.home / "mbox") == ["RO"]
    assert os.stat(three.home / "mbox").st_mode & 0o77 == 0
    out, _ = three.text("-H")
    assert out.startswith(">U  1 alice@a.com")


def test_mbox_grows(three):
    three.text(stdin="1\nq\n")
    three.text(stdin="p *\nq\n")
    assert subjects(three.home / "mbox") == ["one", "two", "three"]
    assert not three.mbox.exists()      # nokeep
    out, _ = three.text("-f", stdin="p 2\nq\n")
    assert "second text" in out
    assert subjects(three.home / "mbox") == ["one", "two", "three"]


def test_end_of_input_quits(three):
    three.text(stdin="1\n")
    assert subjects(three.home / "mbox") == ["one"]


@pytest.mark.parametrize("command", ["x", "exit", "xit", "ex"])
def test_exit_changes_nothing(three, command):
    before = three.mbox.read_bytes()
    three.text(stdin=f"p *\nd 1\ns 2 out\n{command}\n")
    assert three.mbox.read_bytes() == before
    assert not (three.home / "mbox").exists()


def test_bytes_are_kept(desk):
    body = (b">From here\n\nFrom there\n\x80\xff\0 raw\n.\n" + b"x" * 5000 +
            b"\n\n\n")
    fill(desk.mbox, letter("raw").encode().replace(b"text\n",
                                                  body.replace(b"\nFrom ",
                                                               b"\n>From ")))
    desk.text(stdin="1\nq\n")
    with open(desk.home / "mbox", "rb") as f:
        data = f.read()
    assert body.replace(b"\nFrom ", b"\n>From ")[10:] in data


def test_hold_and_mbox(three):
    three.text(stdin="p *\nhold 1\nq\n")
    assert subjects(three.mbox) == ["one"]
    assert statuses(three.mbox) == ["RO"]
    three.text(stdin="mbox 1\nq\n")
    assert subjects(three.home / "mbox") == ["two", "three", "one"]


def test_delete_undelete(three):
    out, _ = three.text(stdin="d 1 3\nu 1\nh\nd 2\nq\n")
    assert "cary" not in out.split("alice@a.com")[-1]
    assert subjects(three.mbox) == []
    # POSIX: what is undeleted counts as read
    assert subjects(three.home / "mbox") == ["one"]


def test_default_undelete(three):
    """Without a list it is about the nearest deleted one."""
    three.text(stdin="d\nd\nu\nq\n")
    assert subjects(three.mbox) == ["three"]
    assert subjects(three.home / "mbox") == ["two"]


def test_dp(three):
    out, _ = three.text(stdin="dp\nq\n")
    assert "second text" in out and "first text" not in out
    assert subjects(three.mbox) == ["three"]
    assert subjects(three.home / "mbox") == ["two"]


def test_folder_moves_nothing(three):
    box = three.home / "box"
    three.mbox.rename(box)
    out, _ = three.text("-f", "box", stdin="p 1\nd 2\nq\n")
    assert '1 deleted, 2 left' in out
    assert subjects(box) == ["one", "three"]
    assert statuses(box) == ["RO", "O"]
    assert not (three.home / "mbox").exists()


def test_mail_that_comes_meanwhile(three):
    with subprocess.Popen([BINARY, "mail"], env=three.env, cwd=three.home,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        p.stdin.write(b"p 1\nd 2\n")
        p.stdin.flush()
        while b"first text" not in p.stdout.readline():
            pass
        fill(three.mbox, letter("four"))
        p.stdin.write(b"q\n")
        p.stdin.close()
        assert p.wait(20) == 0
    assert subjects(three.mbox) == ["three", "four"]
    assert subjects(three.home / "mbox") == ["one"]
    out, _ = three.text("-H")
    assert " U  1 cary" in out.replace(">", " ") and ">N  2 alice" in out


def test_two_sessions(three):
    """What one removes does not come back by the other, and nothing is lost."""
    with subprocess.Popen([BINARY, "mail"], env=three.env, cwd=three.home,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        p.stdin.write(b"d 1\n=\n")
        p.stdin.flush()
        while not p.stdout.readline().strip().isdigit():
            pass
        three.text(stdin="d 2\nq\n")
        p.stdin.write(b"p 3\nq\n")
        p.stdin.close()
        assert b"third text" in p.stdout.read()
        assert p.wait(20) == 0
    assert subjects(three.mbox) == []
    assert subjects(three.home / "mbox") == ["three"]


def test_mbox_not_writable(three):
    (three.home / "mbox").mkdir()
    (three.home / "mbox" / "cur").write_text("in the way")
    before = three.mbox.read_bytes()
    p = three.mail(stdin="p 1\nq\n")
    assert p.returncode != 0
    assert p.stderr
    assert subjects(three.mbox) == ["one", "two", "three"]
    assert b"first text" in before


@pytest.mark.parametrize("sig", [signal.SIGHUP, signal.SIGTERM])
def test_hangup_leaves_the_mailbox(three, sig):
    before = three.mbox.read_bytes()
    t = three.terminal()
    t.sendline("p 1")
    t.expect_exact("first text")
    t.sendline("d 2")
    t.sendline("=")
    t.expect_exact("3")
    t.kill(sig)
    t.expect(pexpect.EOF)
    t.close()
    assert three.mbox.read_bytes() == before


def test_closed_output(three):
    three.mbox.unlink()
    fill(three.mbox, letter("long", "line of text\n" * 100000))
    with subprocess.Popen([BINARY, "mail"], env=three.env, cwd=three.home,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        p.stdin.write(b"1\nx\n")
        p.stdin.close()
        p.stdout.readline()
        p.stdout.close()
        assert p.wait(20) != 0


# ---- lists and commands

def test_lists(three):
    def shown(command):
        out, _ = three.text("-N", stdin=f"f {command}\nx\n")
        return [line.split()[-1] for line in out.splitlines()]

    assert shown("*") == ["one", "two", "three"]
    assert shown("2-$") == ["two", "three"]
    assert shown("3 1") == ["one", "three"]
    p = three.mail("-N", stdin="f nobody\nf 9\nd *\nf\nx\n")
    assert p.stderr.decode().splitlines() == [
        "nobody: no such message", "9: no such message",
        "No applicable messages"]


def test_walk(three):
    out, _ = three.text("-N", stdin="\n\n-\n+\n+\nx\n")
    assert [w for w in ("first", "second", "third") for _ in
            range(out.count(w))] == ["first"] * 2 + ["second"] * 2 + ["third"]
    assert "At EOF" in three.text("-N", stdin="$\n\nx\n")[0]


def test_abbreviations(three):
    out, _ = three.text("-N", stdin="t1\np2\nn3\nd2\nu 2\npre 1\nhea\nx\n")
    for word in ("first text", "second text", "third text", ">P  1 alice",
                 " R  2 bob"):
        assert word in out


def test_unknown_command(three):
    p = three.mail("-N", stdin="frobnicate\nh extra words\nx\n")
    assert "Unknown command" in p.stderr.decode()
    assert p.returncode == 1


def test_help(three):
    out, _ = three.text("-N", stdin="?\nhelp\nx\n")
    assert out.count("undelete") == 2 and "LIST:" in out


def test_print_all(three):
    three.mbox.unlink()
    fill(three.mbox, letter("x", Received="by b", X_Y="z"))
    out, _ = three.text("-N", stdin="p\nx\n")
    assert "From: alice" in out and "Subject: x" in out
    assert "Received" not in out and "X-Y" not in out
    out, _ = three.text("-N", stdin="P\nx\n")
    assert "Received: by b" in out and "X-Y: z" in out


def test_screens(desk):
    fill(desk.mbox, *[letter(f"s{i}") for i in range(1, 51)])
    out, _ = desk.text("-N", stdin="h\nz\nz+\nz-\nh 45\nx\n")
    assert out.count("s1\n") == 1 and out.count("s21\n") == 2
    assert out.count("s41\n") == 2 and out.count("s50\n") == 2
    out, _ = desk.text("-N", stdin="h 50\nz\nh 1\nz-\nx\n")
    assert "On the last screen" in out and "On the first screen" in out


# ---- files

def test_save(three):
    out, _ = three.text("-N", stdin="s 1-2 out\nq\n")
    assert out.startswith('"out" ') and "octets" in out
    assert subjects(three.home / "out") == ["one", "two"]
    assert subjects(three.mbox) == ["three"]
    assert not (three.home / "mbox").exists()
    out, _ = three.text("-N", stdin="save out\nq\n")
    assert subjects(three.home / "out") == ["one", "two", "three"]


def test_copy(three):
    three.text("-N", stdin="co 1 file\ns\nq\n")
    assert subjects(three.home / "file") == ["one"]
    # without a name ~/mbox; copy leaves the message to be read mail
    assert subjects(three.home / "mbox") == ["one"]
    assert subjects(three.mbox) == ["two", "three"]


def test_save_to_places(three):
    (three.home / "mail").mkdir()
    (three.home / "box").mkdir()
    for d in ("new", "cur", "tmp"):
        (three.home / "box" / d).mkdir()
    three.text("-N", stdin="s 1 +in\ns 2 box\ns 3 ~/tilde\nq\n")
    assert subjects(three.home / "mail" / "in") == ["one"]
    assert subjects(three.home / "tilde") == ["three"]
    assert [m["Subject"] for m in mailbox.Maildir(three.home / "box")] == ["two"]
    out, _ = three.text("-H", "-f", "+in")
    assert "one" in out


def test_save_fails(three):
    p = three.mail("-N", stdin="s 1 no/such/folder\ns 2 /dev/full\nq\n")
    assert len(p.stderr.splitlines()) >= 2
    assert subjects(three.mbox) == ["one", "two", "three"]


# ---- Maildir

@pytest.fixture
def maildir(desk):
    path = desk.path / "mail" / "a.com" / "alice"
    path.parent.mkdir()
    box = mailbox.Maildir(path, create=True)
    for i, word in enumerate(("one", "two", "three")):
        m = mailbox.MaildirMessage(letter(word, f"{word} text\n"))
        m.set_date(1795518000 + i)
        name = box.add(m)
        os.rename(path / "new" / name,
                  path / "new" / f"{1795518000 + i}.M{i}P1.host")
    return path


@pytest.mark.parametrize("user", ["alice@a.com", "alice", "alice@A.COM"])
def test_virtual_user(desk, maildir, user):
    out, _ = desk.text("-u", user, stdin="p 2\nd 3\nq\n")
    assert "two text" in out and "3 messages 3 new" in out
    assert not (desk.home / "mbox").exists()
    flags = sorted((m["Subject"], m.get_flags()) for m in
                   mailbox.Maildir(maildir))
    assert flags == [("one", ""), ("two", "S")]
    out, _ = desk.text("-u", user, "-H")
    assert out.startswith(">U  1")


def test_maildir_new_mail(desk, maildir):
    t = desk.terminal("-u", "alice")
    t.expect_exact("\r\n? ")
    m = mailbox.Maildir(maildir)
    m.add(letter("late"))
    t.sendline("=")
    t.expect_exact("New mail has arrived.")
    t.expect_exact("late")
    t.sendline("p 4")
    t.expect_exact("Subject: late")
    t.sendline("q")
    t.expect(pexpect.EOF)
    t.close()
    assert len(list(mailbox.Maildir(maildir))) == 4


def test_no_such_user(desk):
    for user in ("nobody-at-all", "x@elsewhere.com", "../../etc", "a/b@a.com",
                 "..@a.com", ""):
        p = desk.mail("-u", user, "-H")
        assert p.returncode == 1, user
        assert p.stderr.startswith(b"mail: ")


def test_other_system_user(desk):
    fill(desk.path / "mbox" / "daemon", letter("for daemon"))
    out, _ = desk.text("-u", "daemon", stdin="p\nq\n")
    assert "for daemon" in out
    assert statuses(desk.path / "mbox" / "daemon") == ["RO"]
    assert not (desk.home / "mbox").exists()
    fill(desk.mbox, letter("mine"))
    desk.text("-u", desk.login, stdin="p\nq\n")
    assert subjects(desk.home / "mbox") == ["mine"]


# ---- what is shown

def show(desk, message, **env):
    fill(desk.mbox, message)
    out, _ = desk.text("-N", stdin="p\nx\n", **env)
    desk.mbox.unlink()
    return out


MULTI = """From: alice@a.com
Subject: =?utf-8?q?caf=C3=A9?=
 =?utf-8?b?IOS9oOWlvQ==?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

not shown
--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9 =
joined
--c
Content-Type: text/html

<p>no</p>
--c--
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename="report.pdf"
Content-Transfer-Encoding: base64

%s
--b--
""" % base64.encodebytes(b"x" * 23000).decode().strip()


def test_mime(desk):
    out = show(desk, MULTI)
    assert "Subject: café 你好\n" in out
    assert "café joined\n" in out
    assert "text/html" not in out
    assert "[part 3: application/pdf, report.pdf, 23 kB]" in out
    assert "not shown" not in out and "--b" not in out
    assert "MIME-Version" not in out


@pytest.mark.parametrize("charset,raw,want", [
    ("utf-8", "é你".encode(), "é你"), ("iso-8859-15", b"\xa4", "€"),
    ("koi8-r", b"\xf0\xd2\xc9", "При"), ("", b"caf\xe9", "café"),
    ("x-unknown-x", b"a\xe9b", "a\ufffdb"), ("utf-8", b"a\xffb", "a\ufffdb")])
def test_charset(desk, charset, raw, want):
    head = letter("x", "", Content_Type=f"text/plain; charset={charset}"
                  if charset else "text/plain")
    assert want + "\n" in show(desk, head.encode() + raw + b"\n")


@needs("MAIL_LATIN")
def test_ascii_terminal(desk):
    out = show(desk, letter("“q” – é", "naïve 你 …\n"), LC_ALL="C")
    assert 'Subject: "q" - e\n' in out
    assert "naive ? ...\n" in out
    assert out.isascii()


EVIL = ("\033[31mred\033]0;title\007 \x9b1mC1 \u009b2J bell\a\b\b del\x7f "
        "cr\rover nul\0 \u202egnp.exe")


@pytest.mark.parametrize("env", [{}, {"LC_ALL": "C"}])
@pytest.mark.parametrize("where", ["body", "subject", "encoded", "name",
                                   "qp", "sender"])
def test_no_control_reaches_the_terminal(desk, env, where):
    evil = EVIL.encode("utf-8", "surrogateescape")
    plain = evil.replace(b"\0", b"").replace(b"\r", b"")
    word = "=?utf-8?b?" + base64.b64encode(evil).decode() + "?="
    message = {
        "body": letter("x", "").encode() + evil + b"\n",
        "subject": letter("x").encode().replace(b" x\n", b" " + plain + b"\n"),
        "encoded": letter(word, sender=f"{word} <a@a.com>").encode(),
        "name": MULTI.replace("report.pdf", word).encode(),
        "qp": letter("x", "=1B[31m =9B1m =07 =0D=0A=C2=9B\n",
                     Content_Transfer_Encoding="quoted-printable",
                     Content_Type="text/plain; charset=utf-8").encode(),
        "sender": letter("x", sender='"\033[1m"@a.com').encode(),
    }[where]
    fill(desk.mbox, message)
    p = desk.mail(stdin="h\nP\np\nf *\nsave out\nx\n", **env)
    out = p.stdout + p.stderr
    bad = [b for b in out if (b < 32 and b not in b"\n\t") or b == 127]
    assert not bad, bad
    text = out.decode()
    assert not [c for c in text if 0x80 <= ord(c) < 0xa0 or c == "\u202e"]


def test_crlf_mailbox(desk):
    out = show(desk, letter("x", "line\r\nnext\r\n"))
    assert "line\nnext\n" in out


def test_long_lines(desk):
    out = show(desk, letter("x", "é" * 100001 + "\nend\n"))
    assert "é" * 100001 + "\nend\n" in out and "\ufffd" not in out


def test_deep_and_broken(desk):
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n"
                   for i in range(1000))
    out = show(desk, "From: a@a.com\n" + head + "\ninside\n")
    assert out.endswith("\n\ninside\n")
    show(desk, "no header at all\njust lines\n")
    show(desk, "From: x\n" + "X-Y: z\n" * 100000 + "\nbody\n")
    show(desk, "\n\n\n")
    out = show(desk, letter("x", "!!!\n", Content_Transfer_Encoding="base64"))
    assert "Subject: x" in out


def test_whole(desk):
    """However long, and in whatever encoding: nothing is cut."""
    out = show(desk, letter("x", "QUJD\n" * 600000,
                            Content_Transfer_Encoding="base64"))
    assert out.endswith("\n\n" + "ABC" * 600000 + "\n")


def peak(desk, script):
    """The most memory it ever had, in kB, once it has run the script."""
    with subprocess.Popen([BINARY, "mail", "-N"], env=desk.env, cwd=desk.home,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        p.stdin.write(script + b"=\n")
        p.stdin.flush()
        for line in p.stdout:
            if line == b"1\n":
                break
        kilobytes = high_water(p.pid)
        p.stdin.write(b"x\n")
        p.stdin.close()
        p.stdout.read()
        assert p.wait(20) == 0
    return kilobytes


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory of their own")
def test_memory(desk):
    """It does not grow with the message; of MIME the look is limited."""
    fill(desk.mbox, letter("small"))
    small = peak(desk, b"h\np\n")
    for body in (("x" * 99 + "\n") * 240000, "x" * 24000000 + "\n"):
        desk.mbox.write_text("")
        fill(desk.mbox, letter("big", body))
        assert peak(desk, b"h\np\ns out\n") - small <= 256
    desk.mbox.write_text("")
    fill(desk.mbox, MULTI.replace("eHh4", "eHh4" * 800))
    assert peak(desk, b"h\np\n") - small <= 8192


# ---- answers

def parse(data):
    return email.message_from_bytes(data.replace(b"\r\n", b"\n"),
                                    policy=email.policy.default)


@pytest.fixture
def thread(post):
    fill(post.mbox, letter(
        "=?utf-8?q?caf=C3=A9?=", "the text\n", sender="Alice A <alice@a.com>",
        Cc=f"dan@d.com, {post.login}@a.com, Alice <alice@a.com>",
        Message_ID="<2@a.com>", References="<0@a.com> <1@a.com>"))
    return post


def test_reply_all(thread):
    out, _ = thread.text(stdin="r\nmy answer\n.\nq\n")
    sender, rcpts, data = thread.sent()
    m = parse(data)
    assert sender == f"{thread.login}@a.com"
    assert rcpts == ["alice@a.com", "me@a.com", "dan@d.com"]
    assert m["To"] == "Alice A <alice@a.com>"
    assert m["Cc"] == "me@a.com, dan@d.com"
    assert m["Subject"] == "Re: café"
    assert m["In-Reply-To"] == "<2@a.com>"
    assert m["References"] == "<0@a.com> <1@a.com> <2@a.com>"
    assert m.get_content() == "my answer\n"
    assert "Subject: Re: café" in out


def test_reply_all_in_to(thread):
    """POSIX.1-2024: there is a way to keep those of To in To."""
    thread.text(stdin="set recipients-in-to\nr\nmy answer\n.\nq\n")
    m = parse(thread.sent()[2])
    assert m["To"] == "Alice A <alice@a.com>, me@a.com"
    assert m["Cc"] == "dan@d.com"


def test_reply_sender(thread):
    thread.text(stdin="R\n.\nhold\nq\n")
    _, rcpts, _ = thread.sent()
    assert rcpts == ["alice@a.com"]
    box = mailbox.mbox(thread.mbox)
    assert [m["X-Status"] for m in box] == ["A "]
    box.close()


def test_reply_to(post):
    fill(post.mbox, letter("Re: x", Reply_To="list@l.com", Message_ID="<9@x>"))
    post.text(stdin="R\nhi\n.\nx\n")
    _, rcpts, data = post.sent()
    assert rcpts == ["list@l.com"]
    assert parse(data)["Subject"] == "Re: x"


def test_reply_to_nobody(post):
    fill(post.mbox, "Subject: x\n\ntext\n")
    p = post.mail(stdin="r\nhi\n.\nx\n")
    assert b"does not say whom to answer" in p.stderr
    assert post.server.messages == []


def test_reply_cannot_inject(post):
    evil = base64.b64encode(b"x\r\nBcc: eve@e.com\r\n\r\nbody").decode()
    fill(post.mbox, letter(f"=?utf-8?b?{evil}?=", Message_ID="<a\tb@x>",
                           sender=f"=?utf-8?b?{evil}?= <alice@a.com>"))
    post.text(stdin="r\nhi\n.\nx\n")
    _, rcpts, data = post.sent()
    assert rcpts == ["alice@a.com", "me@a.com"]
    assert parse(data)["Bcc"] is None
    assert parse(data).get_content() == "hi\n"


def test_mail_command(post):
    fill(post.mbox, letter("x"))
    post.text(stdin="m bob cary@c.com\n~s hello\nhi\n.\nx\n")
    _, rcpts, data = post.sent()
    assert rcpts == ["bob@a.com", "cary@c.com"]
    assert parse(data)["Subject"] == "hello"


def test_failed_send_is_the_exit_status(post):
    fill(post.mbox, letter("x"))
    post.server.refuse["bob@a.com"] = "550 5.1.1 no"
    p = post.mail(stdin="m bob\nprecious\n.\nq\n")
    assert p.returncode != 0
    assert "precious" in (post.home / "dead.letter").read_text()


def test_virtual_identity(post, maildir):
    post.text("-u", "alice@a.com", stdin="r 1\nhi\n.\nx\n")
    sender, rcpts, data = post.sent()
    assert sender == "alice@a.com" and parse(data)["From"] == "alice@a.com"
    assert rcpts == ["alice@a.com", "me@a.com"]


# ---- the terminal

def test_prompt_and_pager(three):
    three.mbox.unlink()
    fill(three.mbox, letter("long", "".join(f"row {i}\n" for i in range(1, 61))))
    t = three.terminal(rows=24)
    t.expect_exact("\r\n? ")
    t.sendline("p")
    t.expect_exact("--More--")
    first = t.before
    assert "row 18\r\n" in first and "row 20" not in first
    t.send("\n")
    t.expect_exact("--More--")
    assert t.before.count("row ") == 1
    t.send(" ")
    t.expect_exact("--More--")
    assert 20 <= t.before.count("row ") <= 23
    t.send("q")
    t.expect_exact("\r? ")
    assert "row" not in t.before
    t.sendline("x")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0


def test_no_pager_when_it_fits(three):
    t = three.terminal()
    t.expect_exact("\r\n? ")
    t.sendline("p 1")
    t.expect_exact("first text")
    t.expect_exact("\r\n? ")
    t.sendline("q")
    t.expect_exact("Saved 1 message in mbox")
    t.expect(pexpect.EOF)
    t.close()


def test_interrupt_at_the_prompt(three):
    t = three.terminal()
    t.expect_exact("\r\n? ")
    t.sendintr()
    t.expect_exact("Interrupt")
    t.sendline("p 2")
    t.expect_exact("second text")
    t.sendintr()
    t.expect_exact("Interrupt")
    t.sendline("q")
    t.expect_exact("Held 2 messages")
    t.expect(pexpect.EOF)
    t.close()


def test_narrow_wide_characters(desk):
    fill(desk.mbox, letter("你" * 60))
    out, _ = desk.text("-H", COLUMNS="80")
    assert out.rstrip("\n").endswith("你" * 13) and out.count("你") == 13


def test_ten_thousand_messages(desk):
    fill(desk.mbox, *[letter(f"s{i}") for i in range(60)])
    desk.mbox.write_bytes(desk.mbox.read_bytes() * 170)
    start = time.monotonic()
    desk.text(stdin="h\nd 1-9000\nq\n")
    assert time.monotonic() - start < 10
    assert len(subjects(desk.mbox)) == 1200
