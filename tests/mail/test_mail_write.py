"""What makes a message: escapes, attachments, answers, copies, drafts."""
import email
import email.policy
import mailbox
import os
import re
import signal
import subprocess
import time

import pexpect
import pytest

from desk import BINARY, SANITIZED


def parse(data):
    return email.message_from_bytes(data.replace(b"\r\n", b"\n"),
                                    policy=email.policy.default)


def letter(subject="lunch", body="the text\n", sender="Alice A <alice@a.com>",
           to="me@a.com", **more):
    head = {"From": sender, "To": to, "Subject": subject,
            "Date": "Tue, 24 Nov 2026 11:11:46 +0100",
            "Message-ID": "<1@a.com>",
            **{k.replace("_", "-"): v for k, v in more.items()}}
    return "".join(f"{k}: {v}\n" for k, v in head.items()) + "\n" + body


def fill(path, *letters):
    with open(path, "ab") as f:
        for text in letters:
            if isinstance(text, str):
                text = text.encode()
            f.write(b"From x@y.z Tue Nov 24 11:11:46 2026\n" + text + b"\n")


@pytest.fixture
def box(post):
    """Two letters to answer."""
    fill(post.mbox, letter(), letter("second", "other\n\ntext\n",
                                     "Bob <bob@b.com>", Message_ID="<2@b.com>",
                                     Cc="carol@c.com"))
    return post


def write(post, *lines, args=("-N",), **env):
    """In a session whose script writes to bob; gives the message and output."""
    script = "\n".join(("m bob", *lines, "~.", "x", ""))
    out, err = post.text(*args, stdin=script, **env)
    return parse(post.sent()[2]), out + err


# ---- options

def test_header_of_bsd_mailx(post):
    post.text("-s", "x", "-a", "X-Loop: me", "-a", "From: Cron <cron@a.com>",
              "-a", "Reply-To: admin@a.com", "-a", "X-Name: Jörg",
              "-a", "Cc: cary@c.com", "bob", stdin="hi\n")
    sender, rcpts, data = post.sent()
    m = parse(data)
    assert m["X-Loop"] == "me" and m["Reply-To"] == "admin@a.com"
    assert m["From"] == "Cron <cron@a.com>" and m["X-Name"] == "Jörg"
    assert sender == f"{post.login}@a.com"
    assert rcpts == ["bob@a.com", "cary@c.com"]
    assert len(m.get_all("From")) == 1


def test_html(post):
    post.text("-s", "x", "-a", "Content-Type: text/html", "-a",
              "MIME-Version: 1.0", "bob", stdin="<b>grün</b>\n")
    m = parse(post.sent()[2])
    assert m.get_content_type() == "text/html"
    assert m.get_content_charset() == "utf-8"
    assert len(m.get_all("MIME-Version")) == 1
    assert m.get_content() == "<b>grün</b>\n"


def test_type_option(post):
    post.text("-s", "x", "-M", "text/html", "bob", stdin="<b>x</b>\n")
    assert parse(post.sent()[2]).get_content_type() == "text/html"


def test_prepared_body(post):
    """A script that made its own MIME body: it goes as it is."""
    body = ("--b\nContent-Type: text/plain\n\none\n--b\n"
            "Content-Type: text/x-log\n\n" + "y" * 2000 + "\n--b--\n")
    post.text("-s", "x", "-a", "Content-Type: multipart/mixed; boundary=b",
              "bob", stdin=body)
    parts = list(parse(post.sent()[2]).iter_parts())
    assert [p.get_content_type() for p in parts] == ["text/plain",
                                                     "text/x-log"]


def test_prepared_base64(post):
    post.text("-s", "x", "-a", "Content-Type: application/pdf", "-a",
              "Content-Transfer-Encoding: base64", "bob", stdin="JVBERg==\n")
    assert parse(post.sent()[2]).get_payload(decode=True) == b"%PDF"


@pytest.mark.parametrize("what", ["nothing", "no/such/file", "Bad name: x",
                                  ": x", "X: a\nBcc: eve@e.com"])
def test_neither_file_nor_header(post, what):
    p = post.mail("-s", "x", "-a", what, "bob", stdin="hi\n")
    assert p.returncode == 66 and b"no such file" in p.stderr
    assert post.server.messages == []


FILES = {
    "plain.txt": (b"one\ntwo\n", "text/plain"),
    "no end.txt": (b"From here\nno line end", "text/plain"),
    "report.pdf": (b"%PDF\0\1\2\xff" * 999, "application/pdf"),
    "crlf.csv": (b"a,b\r\nc,d\r\n", "text/csv"),
    "grün.log": ("Größe 你好\n".encode(), "text/plain"),
    "a" * 90 + "é.bin": (bytes(range(256)), "application/octet-stream"),
    "unknown": (b"just text\n", "text/plain"),
    "latin.txt": (b"gr\xfcn\n", "text/plain"),
    "empty.txt": (b"", "text/plain"),
    'a"b\\c.png': (b"\x89PNG\r\n", "image/png"),
    "back.tgz": (b"\x1f\x8b" + b"\n.\n..\n" * 99, "application/gzip"),
    "mail.eml": (b"Subject: x\n\nbody\n", "message/rfc822"),
}


def test_attachments(post):
    args = []
    for name, (data, _) in FILES.items():
        (post.home / name).write_bytes(data)
        args += ["-a", name]
    post.text("-s", "x", *args, "-a", "X-Mine: y", "bob", stdin="see files\n")
    m = parse(post.sent()[2])
    assert m.get_content_type() == "multipart/mixed" and m["X-Mine"] == "y"
    text, *parts = m.iter_parts()
    assert text.get_content() == "see files\n"
    assert len(parts) == len(FILES)
    for part, (name, (data, kind)) in zip(parts, FILES.items()):
        assert part.get_filename() == name
        assert part.get_content_type() == kind
        if kind == "message/rfc822":
            assert part.get_content()["Subject"] == "x"
            assert "Content-Transfer-Encoding: base64" not in str(part)
        else:
            assert part.get_payload(decode=True) == data, name
    assert max(map(len, post.sent()[2].split(b"\r\n"))) <= 998
    assert all(len(line) <= 78 for line in
               post.sent()[2].split(b"\r\n\r\n")[0].split(b"\r\n"))


def test_attachment_alone(post):
    (post.home / "x.pdf").write_bytes(b"%PDF\0")
    _, err = post.text("-s", "x", "-a", "x.pdf", "bob")
    assert "Null" not in err
    assert [p.get_content_type() for p in parse(post.sent()[2]).iter_parts()
            ] == ["text/plain", "application/pdf"]


def test_attachment_from_pipe(post):
    p = subprocess.run(
        ["bash", "-c", f"{BINARY} mail -s x -a <(printf 'a\\0b') bob"],
        env=post.env, cwd=post.home, input=b"hi\n", capture_output=True,
        timeout=60, check=False)
    assert p.returncode == 0, p.stderr
    part = list(parse(post.sent()[2]).iter_parts())[1]
    assert part.get_payload(decode=True) == b"a\0b"


def test_attachment_folder_or_unreadable(post):
    p = post.mail("-s", "x", "-a", ".", "bob", stdin="hi\n")
    assert p.returncode == 66 and b"Is a directory" in p.stderr
    assert post.server.messages == []


def test_mime_types_of_the_user(post):
    (post.home / ".mime.types").write_text("# mine\nx-my/type foo bar\n")
    (post.home / "x.bar").write_text("hi\n")
    post.text("-s", "x", "-a", "x.bar", "bob", stdin="hi\n")
    assert list(parse(post.sent()[2]).iter_parts())[1].get_content_type() == \
        "x-my/type"


def test_attachment_too_big(post):
    with open(post.path / "conf", "a") as f:
        f.write("max-message-size 64K\n")
    (post.home / "big").write_bytes(os.urandom(60000))
    p = post.mail("-s", "x", "-a", "big", "bob", stdin="precious\n")
    assert p.returncode != 0 and b"max-message-size" in p.stderr
    assert post.server.messages == []
    dead = (post.home / "dead.letter").read_text()
    assert "precious" in dead and "Attach: big" in dead


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory of their own")
def test_attachment_memory(post):
    for size in (10, 16_000_000):
        (post.home / "big").write_bytes(b"\0\xff" * (size // 2))
        post.text("-s", "x", "-a", "big", "bob", stdin="hi\n")
    assert len(post.server.messages[1][2]) > 20_000_000
    assert post.server.peak[1] - post.server.peak[0] <= 256


@pytest.mark.parametrize("raw, locale, charset, shown", [
    (b"plain\n", "de_DE.ISO-8859-1", "us-ascii", "plain"),
    ("grün\n".encode(), "de_DE.ISO-8859-1", "utf-8", "grün"),
    ("grün\n".encode(), "C", "utf-8", "grün"),
    (b"gr\xfcn\n", "de_DE.ISO-8859-1", "iso-8859-1", "grün"),
    (b"gr\xfcn\n", "de_DE.ISO8859-15@euro", "iso-8859-15", "grün"),
    (b"\xa4\n", "de_DE.iso885915", "iso-8859-15", "€"),
    (b"\xd0\xd2\xc9\n", "ru_RU.koi8r", "koi8-r", "при"),
    (b"\xd0\xd2\xc9\n", "ru_RU.KOI8-R", "koi8-r", "при"),
    (b"\xef\xf0\xe8\n", "ru_RU.CP1251", "windows-1251", "при"),
    (b"\xa4\xe6\xa4\xad\n", "ja_JP.eucJP", "euc-jp", "ゆき"),
    (b"\xd6\xd0\xce\xc4\n", "zh_CN.GB18030", "gb18030", "中文"),
    (b"gr\xfcn\n", "C.UTF-8", "unknown-8bit", "grün"),
    (b"gr\xfcn\n", "C", "unknown-8bit", "grün"),
    (b"gr\xfcn\n", "en_US.US-ASCII", "unknown-8bit", "grün"),
    (b"gr\xfcn\n", "de_DE", "unknown-8bit", "grün")])
@pytest.mark.parametrize("name", ["a.txt", "noname"])
def test_attachment_charset(post, raw, locale, charset, shown, name):
    """UTF-8 where it is that, else the locale's; and we can read it."""
    (post.home / name).write_bytes(raw)
    post.text("-s", "x", "-a", name, "bob", stdin="hi\n", LC_ALL=locale)
    data = post.sent()[2].replace(b"\r\n", b"\n")
    part = list(parse(post.sent()[2]).iter_parts())[1]
    assert part.get_content_type() == "text/plain"
    assert str(part.get_param("charset")).lower() == charset
    assert part.get_payload(decode=True).rstrip(b"\n") == raw.rstrip(b"\n")
    post.mbox.write_bytes(b"From a@b.com Tue Nov 24 11:11:11 2026\n" + data +
                          b"\n")
    out = post.text("-N", stdin="view 2\nx\n")[0]
    assert shown in out


@pytest.mark.parametrize("reads", [False, True])
def test_interrupt_while_attaching(post, reads):
    """At once, though the file takes seconds; the text and its fields stay."""
    with open(post.path / "conf", "a") as f:
        f.write("max-message-size 2047M\n")
    with open(post.home / "big", "wb") as f:
        f.truncate(2000 << 20)
    fill(post.mbox, letter())
    t = post.terminal(*(() if reads else ("-s", "lunch", "bob")))
    if reads:
        t.expect_exact("? ")
        t.sendline("mail bob")
        t.sendline("lunch")
    t.sendline("precious")
    t.sendline("~@ big")
    t.expect_exact("1 big")
    t.sendline(".")
    t.expect_exact("EOT")
    time.sleep(0.3)
    t.sendintr()
    t.expect_exact("not sent: Interrupted")
    t.expect_exact("dead.letter")
    if reads:       # and the session goes on
        t.expect_exact("? ")
        t.sendline("x")
    t.expect(pexpect.EOF)
    t.close()
    assert post.server.messages == []
    assert reads or t.exitstatus != 0
    dead = (post.home / "dead.letter").read_text()
    assert "To: bob\n" in dead and "Subject: lunch\n" in dead
    assert "Attach: big\n" in dead and "\nprecious\n" in dead


TEMPLATE = """\
To: bob@b.com
# a comment
Cc: Jörg <j@c.com>,
 dan@d.com
Bcc: eve@e.com
Subject: from the text
From: Boss <boss@a.com>
X-Other: 1

the body: here
"""


def test_template(post):
    post.text("-t", stdin=TEMPLATE)
    sender, rcpts, data = post.sent()
    m = parse(data)
    assert rcpts == ["bob@b.com", "j@c.com", "dan@d.com", "eve@e.com"]
    assert b"eve@" not in data and m["Subject"] == "from the text"
    assert m["From"] == "Boss <boss@a.com>" and m["X-Other"] == "1"
    assert m["Cc"].addresses[0].display_name == "Jörg"
    assert m.get_content() == "the body: here\n"


def test_template_and_operands(post):
    post.text("-t", "-s", "first", "al", stdin=TEMPLATE)
    assert post.sent()[1][0] == "al@a.com" and len(post.sent()[1]) == 5
    assert parse(post.sent()[2])["Subject"] == "from the text"


def test_template_does_not_attach(post):
    (post.home / "secret").write_text("secret\n")
    post.text("-t", stdin="To: bob\nAttach: secret\n\nhi\n")
    assert parse(post.sent()[2]).get_content_type() == "text/plain"


def test_template_without_recipients(post):
    p = post.mail("-t", stdin="Subject: x\n\nprecious\n")
    assert p.returncode != 0 and b"no recipients" in p.stderr
    assert "precious" in (post.home / "dead.letter").read_text()


def test_template_huge_header(post):
    p = post.mail("-t", stdin="To: bob\n" + "X: y\n" * 100000 + "\nhi\n")
    assert p.returncode != 0 and post.server.messages == []


def test_empty_is_not_sent(post):
    _, err = post.text("-E", "-s", "x", "bob")
    assert post.server.messages == [] and err == ""
    post.text("-E", "-s", "x", "bob", stdin="hi\n")
    assert len(post.server.messages) == 1


def test_quote_file(post):
    (post.home / "start").write_text("begin\n")
    post.text("-s", "x", "-q", "start", "bob", stdin="end\n")
    assert parse(post.sent()[2]).get_content() == "begin\nend\n"


def test_legacy_locale(post):
    post.text("-s", "x", "bob", stdin=b"gr\xfcn\n", LC_ALL="de_DE.ISO-8859-1")
    assert parse(post.sent()[2]).get_content() == "grün\n"


def test_junk_subject(post):
    p = subprocess.run([BINARY.encode(), b"mail", b"-s", b"gr\xfcn \xff", b"bob"],
                       env=post.env, input=b"hi\n", capture_output=True,
                       timeout=60, check=False)
    assert p.returncode == 0, p.stderr
    head = post.sent()[2].split(b"\r\n\r\n")[0]
    assert head.isascii() and b"\r\nSubject: " in head


# ---- escapes

def test_dot_only_where_set(box):
    m, _ = write(box, ".", "more", args=("-N", "-n"))
    assert m.get_content() == ".\nmore\n"


def test_dot_of_rc(box):
    (box.home / ".mailrc").write_text("set dot\n")
    box.text("-N", "-n", stdin="m bob\nhi\n.\nx\n")
    assert parse(box.sent()[2]).get_content() == "hi\n"


def test_alias(box):
    (box.home / ".mailrc").write_text("alias all bob 'Al <al@a.com>' cary@c.com\n")
    box.text("-s", "x", "-c", "dan", "all", stdin="hi\n")
    assert box.sent()[1] == ["bob@a.com", "al@a.com", "cary@c.com",
                             "dan@a.com"]


def test_escape_variable(box):
    (box.home / ".mailrc").write_text("set escape=%\n")
    box.text("-N", stdin="m bob\n%s new\n%%x\n~s old\n%.\nx\n")
    m = parse(box.sent()[2])
    assert m["Subject"] == "new" and m.get_content() == "%x\n~s old\n"


def test_no_escapes(box):
    (box.home / ".mailrc").write_text('set escape=""\nset dot\n')
    box.text("-N", stdin="m bob\n~s old\n~~\n.\nx\n")
    assert parse(box.sent()[2]).get_content() == "~s old\n~~\n"


def test_script_escapes_on_demand(post):
    post.text("-~", "-s", "x", "bob", stdin="~s other\nhi\n~.\nrest\n")
    m = parse(post.sent()[2])
    assert m["Subject"] == "other" and m.get_content() == "hi\n"


def test_quoting_escapes(box):
    m, _ = write(box, "~m 1", "~U 2", "~f 2", "~u 1", "~M 1", "~F 2")
    text = m.get_content()
    quoted, rest = text.split("> the text\n", 1)
    assert "> Subject: lunch\n" in quoted and "> Message-ID" not in quoted
    # a line that is empty gets no prefix
    assert rest.startswith("> other\n\n> text\n")
    rest = rest.split("> text\n", 1)[1]
    assert re.match(r"(\w[\w-]*: .*\n)+\nother\n\ntext\nthe text\n", rest)
    assert "> Message-ID: <1@a.com>\n" in rest
    assert "\nMessage-ID: <2@b.com>\n" in rest


def test_quoting_prefix_of_posix(box):
    m, _ = write(box, "~U", args=("-N", "-n"))
    assert m.get_content() == "\tthe text\n"


def test_quoting_bad_list(box):
    m, out = write(box, "~m 9", "hi")
    assert m.get_content() == "hi\n" and "9" in out


def test_quoting_in_send_mode(post):
    out, err = post.text("-~", "-s", "x", "bob", stdin="~m\nhi\n~.\n")
    assert parse(post.sent()[2]).get_content() == "hi\n"
    assert "No mailbox" in out + err


def test_variables(box):
    (box.home / ".mailrc").write_text(
        "set sign='Al\\n\\tBoss' Sign=Formal mine='a\\nb'\n")
    m, _ = write(box, "~a", "~A", "~i mine", "~i none", "~isign")
    assert m.get_content() == ("Al\n\tBoss\nFormal\na\\nb\nAl\n\tBoss\n")


def test_read_escapes(box):
    (box.home / "in").write_text("file\n")
    m, out = write(box, "~r in", "~<in", "~< !echo one", "~r!echo two",
                   "~r !echo no; exit 3", "~r none")
    assert m.get_content() == "file\nfile\none\ntwo\n"
    assert "exit status 3" in out and "No such file" in out


def test_inserted_file_too_big(box):
    with open(box.path / "conf", "a") as f:
        f.write("max-message-size 64K\n")
    (box.home / "big").write_text("x" * 70000)
    p = box.mail("-N", stdin="m bob\nprecious\n~r big\n~.\nx\n")
    assert p.returncode != 0 and b"max-message-size" in p.stderr
    assert box.server.messages == []
    assert "precious" in (box.home / "dead.letter").read_text()


def test_write_escape(box):
    (box.home / "out").write_text("before\n")
    write(box, "hi", "~w out", "~w new")
    assert (box.home / "out").read_text() == "before\nhi\n"
    assert (box.home / "new").read_text() == "hi\n"


def test_filter(box):
    m, out = write(box, "one", "two", "~| tr a-z A-Z", "three",
                   "~|cat >/dev/null", "~| cat; exit 5")
    assert m.get_content() == "ONE\nTWO\nthree\n"
    assert "stays as it was" in out and "exit status 5" in out


def test_filter_shrinks_and_grows(box):
    m, _ = write(box, "~r !seq 1 20000", "~| tail -n 2", "~| sed p")
    assert m.get_content() == "19999\n19999\n20000\n20000\n"


def test_shell_and_command(box):
    m, out = write(box, "~!echo from shell", "~: from 2", "~_ =",
                   "~:set sign=later", "~a", "hi")
    assert "from shell" in out and "second" in out
    assert m.get_content() == "later\nhi\n"


def test_quit_inside(box):
    """~: quit must not pull the mailbox from under a letter."""
    script = "r 1\nhi\n~:quit\n~m 1\nmore\n~.\n"
    box.text("-N", stdin=script)
    assert "hi\n" in parse(box.sent()[2]).get_content()


def test_letters_inside_letters(box):
    """Each ~:mail is one more; at some depth no more of them."""
    p = box.mail("-N", stdin="mail bob\ns\n" + "~:mail bob\ns\n" * 2000)
    assert p.returncode >= 0
    assert b"inside each other" in p.stderr


EDITOR = "#!/bin/sh\ncat \"$1\" >>seen\nsed s/old/new/ \"$1\" >t && mv t \"$1\"\n"


@pytest.mark.parametrize("escape,name", [("~e", "EDITOR"), ("~v", "VISUAL")])
def test_editor(box, escape, name):
    tool = box.home / "my ed"
    tool.write_text(EDITOR)
    tool.chmod(0o755)
    m, _ = write(box, "old text", escape, "more", **{name: "sh 'my ed'"})
    assert m.get_content() == "new text\nmore\n"


def test_editor_fails(box):
    m, out = write(box, "text", "~e", EDITOR="false")
    assert m.get_content() == "text\n" and "exit status 1" in out


def test_editor_with_headers(box):
    (box.home / "ed").write_text(EDITOR)
    (box.home / ".mailrc").write_text("set editheaders\n")
    m, _ = write(box, "~s old subject", "text old", "~c al", "~e",
                 EDITOR="sh ed")
    assert m["Subject"] == "new subject" and m.get_content() == "text new\n"
    assert box.sent()[1] == ["bob@a.com", "al@a.com"]


def test_attach_escape(box):
    (box.home / "a b.txt").write_text("one\n")
    (box.home / "c.pdf").write_bytes(b"%PDF\0")
    m, out = write(box, "~@ 'a b.txt' c.pdf #2", "~@ -1", "~@", "~@ none", "~p")
    parts = list(m.iter_parts())[1:]
    assert [p.get_content_type() for p in parts] == ["application/pdf",
                                                     "message/rfc822"]
    assert parts[1].get_content()["Subject"] == "second"
    assert "1 " in out and "c.pdf" in out and "No such file" in out


def test_print_escape(box):
    _, out = write(box, "hi \x1b[31m", "~s a subject", "~p")
    assert "Message contains:" in out and "Subject: a subject" in out
    assert "\x1b" not in out


def test_unknown_escape(box):
    m, out = write(box, "~k", "~?", "hi")
    assert "~k" in out and "~| COMMAND" in out
    assert m.get_content() == "hi\n"


def test_dead_letter_comes_back(box):
    box.mail("-N", stdin="m bob\n~s kept\n~c al\nFrom me\nprecious\n~q\nx\n")
    dead = box.home / "dead.letter"
    assert ">From me\n" in dead.read_text()
    assert [m["Subject"] for m in mailbox.mbox(dead)] == ["kept"]
    m, _ = write(box, "~d", "more")
    assert m.get_content() == "From me\nprecious\nmore\n"
    assert m["Subject"] == "kept" and m["Cc"] == "al@a.com"
    assert m["To"] == "bob@a.com"


def test_dead_file_that_is_text(box):
    (box.home / "mine").write_text("just text\n")
    m, _ = write(box, "~d", DEAD="mine")
    assert m.get_content() == "just text\n"


def test_nosave(box):
    (box.home / ".mailrc").write_text("set nosave\n")
    box.mail("-N", stdin="m bob\nprecious\n~q\nx\n")
    assert not (box.home / "dead.letter").exists()


# ---- answers

def answer(box, command, *lines):
    box.text("-N", stdin="\n".join((command, *lines, "~.", "x", "")))
    return parse(box.sent()[2])


def test_reply_to_each(box):
    m = answer(box, "R 1 2", "hi")
    assert box.sent()[1] == ["alice@a.com", "bob@b.com"]
    assert m["Subject"] == "Re: lunch" and m["In-Reply-To"] == "<1@a.com>"


def test_reply_takes_the_first(box):
    answer(box, "r 1 2", "hi")
    assert box.sent()[1] == ["alice@a.com", "me@a.com"]


def test_flipr(box):
    (box.home / ".mailrc").write_text("set flipr\n")
    answer(box, "R 2", "hi")
    assert box.sent()[1] == ["bob@b.com", "me@a.com", "carol@c.com"]


@pytest.mark.parametrize("command,rcpts", [
    ("replyall", ["bob@b.com", "me@a.com", "carol@c.com"]),
    ("replysender", ["bob@b.com"])])
def test_reply_whatever_flipr_says(box, command, rcpts):
    (box.home / ".mailrc").write_text("set flipr\n")
    answer(box, f"{command} 2", "hi")
    assert box.sent()[1] == rcpts


def test_own_address(post):
    fill(post.mbox, letter(to=f"{post.login}@a.com, dan@d.com"))
    answer(post, "r", "hi")
    assert post.sent()[1] == ["alice@a.com", "dan@d.com"]


def test_control_in_subject(box):
    m, _ = write(box, "~s a\rBcc: eve@e.com", "hi")
    head = box.sent()[2].split(b"\r\n\r\n")[0]
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert m["Bcc"] is None and m["Subject"].startswith("a")


def test_answer_to_hostile_header(post):
    """Nothing that came by mail becomes a field, a path or a command."""
    fill(post.mbox, letter(
        "=?utf-8?q?x=0ABcc:_eve=40e.com?=",
        sender="=?utf-8?q?A=0D=0ABcc:_eve=40e.com?= <alice@a.com>",
        Reply_To='"a\033[31m`id`$(id)" <al@a.com>',
        Message_ID="<1@a.com>\n\tBcc: eve@e.com",
        References="<0@a.com>\r\n X: y", List_Post="<mailto:;id@l.com>"))
    post.text("-N", stdin="r\nhi\n~m\n~.\nx\n")
    _, rcpts, data = post.sent()
    head = data.split(b"\r\n\r\n")[0]
    assert rcpts in (["al@a.com", "me@a.com"], ["alice@a.com", "me@a.com"])
    assert b"\nBcc" not in head and b"\nX:" not in head


def test_metoo(post):
    (post.home / ".mailrc").write_text("set metoo\n")
    fill(post.mbox, letter(to=f"{post.login}@a.com, dan@d.com"))
    answer(post, "r", "hi")
    assert post.sent()[1] == ["alice@a.com", f"{post.login}@a.com",
                              "dan@d.com"]


def test_mail_followup_to(post):
    fill(post.mbox, letter(Mail_Followup_To="list@l.com", Cc="dan@d.com"))
    answer(post, "r", "hi")
    assert post.sent()[1] == ["list@l.com"]


def test_list_reply(post):
    fill(post.mbox, letter(List_Post="<mailto:list@l.com?subject=x> (you)"))
    m = answer(post, "Lreply", "hi")
    assert post.sent()[1] == ["list@l.com"] and m["To"] == "list@l.com"


def test_no_list(post):
    fill(post.mbox, letter(List_Post="NO"))
    p = post.mail("-N", stdin="Lreply\nx\n")
    assert b"no mailing list" in p.stderr and post.server.messages == []


@pytest.mark.parametrize("subject,want", [
    ("Re: lunch", "Re: lunch"), ("RE: lunch", "RE: lunch"),
    ("=?iso-8859-1?q?gr=FCn?= 1", "Re: grün 1"), ("", "Re:")])
def test_reply_subject(post, subject, want):
    fill(post.mbox, letter(subject))
    assert answer(post, "r", "hi")["Subject"].strip() == want


def test_quoted_answer(post):
    (post.home / ".mailrc").write_text("set quote\n")
    fill(post.mbox, letter(
        sender="=?utf-8?q?J=C3=B6rg?= <j@a.com>", body="gr=FCn\n\nzwei\n",
        MIME_Version="1.0", Content_Type="text/plain; charset=iso-8859-1",
        Content_Transfer_Encoding="quoted-printable"))
    m = answer(post, "r", "mine")
    assert m.get_content() == (
        "On Tue, 24 Nov 2026 11:11:46 +0100, Jörg wrote:\n"
        "> grün\n\n> zwei\nmine\n")
    assert m["To"].addresses[0].display_name == "Jörg"


def test_followup_is_recorded(box):
    (box.home / ".mailrc").write_text("set record=sent\n")
    answer(box, "followup 2", "hi")
    assert not (box.home / "sent").exists()
    assert [m["Subject"] for m in mailbox.mbox(box.home / "bob")] == [
        "Re: second"]


@pytest.mark.parametrize("sender", ["/etc/passwd@x.com", "../up@x.com",
                                    "+x@x.com", ".hid@x.com", "a;b@x.com"])
def test_record_name_is_safe(post, sender):
    fill(post.mbox, letter(sender=sender))
    post.mail("-N", stdin="Followup\nhi\n~.\nx\n")
    for path in post.home.iterdir():
        assert "/" not in path.name and path.name[0] not in ".+"
    assert not (post.home.parent / "up").exists()


# ---- on to others

def test_forward(box):
    box.text("-N", stdin="forward 2 al dan@d.com\nsee this\n~.\nx\n")
    _, rcpts, data = box.sent()
    m = parse(data)
    assert rcpts == ["al@a.com", "dan@d.com"]
    assert m["Subject"] == "Fwd: second"
    text = m.get_content()
    assert "Original Message" in text and "From: Bob <bob@b.com>\n" in text
    assert text.endswith("other\n\ntext\nsee this\n")


def test_forward_attached(box):
    (box.home / ".mailrc").write_text("set forward-as-attachment\n")
    box.text("-N", stdin="forward * al\nsee\n~.\nx\n")
    text, *parts = parse(box.sent()[2]).iter_parts()
    assert text.get_content() == "see\n"
    assert [p.get_content()["Subject"] for p in parts] == ["lunch", "second"]


def test_forward_to_nobody(box):
    p = box.mail("-N", stdin="forward 2\nx\n")
    assert b"No recipients" in p.stderr and box.server.messages == []


def test_resend(box):
    box.text("-N", stdin="resend 2 al\nx\n")
    sender, rcpts, data = box.sent()
    m = parse(data)
    assert sender == f"{box.login}@a.com" and rcpts == ["al@a.com"]
    assert list(m.keys())[:4] == ["Resent-From", "Resent-To", "Resent-Date",
                                  "Resent-Message-ID"]
    assert m["Resent-To"] == "al@a.com" and m["From"] == "Bob <bob@b.com>"
    assert m["Message-ID"] == "<2@b.com>"
    assert m.get_content() == "other\n\ntext\n"


def test_resend_silently(box):
    box.text("-N", stdin="Resend 1 2 al\nx\n")
    assert [m[1] for m in box.server.messages] == [["al@a.com"]] * 2
    assert not any(b"Resent" in m[2] for m in box.server.messages)


def test_resend_drops_what_is_local(post):
    fill(post.mbox, letter(Return_Path="<x@y.z>", Delivered_To="me@a.com",
                           Bcc="eve@e.com", Received="from x by y"))
    post.text("-N", stdin="resend al\nx\n")
    data = post.sent()[2]
    assert b"Return-Path" not in data and b"eve@" not in data
    assert b"Delivered-To" not in data and b"Received: from x" in data


# ---- copies

def test_record(post):
    (post.home / ".mailrc").write_text("set record=~/sent\n")
    (post.home / "x.pdf").write_bytes(b"%PDF\0")
    for n in "12":
        post.text("-s", n, "-b", "eve@e.com", "-a", "x.pdf", "bob",
                  stdin="hi\n")
    copies = list(mailbox.mbox(post.home / "sent"))
    assert [m["Subject"] for m in copies] == ["1", "2"]
    assert copies[0]["Bcc"] == "eve@e.com" and copies[0]["Status"] == "RO"
    assert len(copies[0].get_payload()) == 2
    assert os.stat(post.home / "sent").st_mode & 0o77 == 0


def test_record_maildir(post):
    (post.home / ".mailrc").write_text("set record=~/Sent/\n")
    post.text("-s", "x", "bob", stdin="hi\n")
    sent, = (post.home / "Sent").glob("*/*")
    assert sent.parent.name == "cur" and sent.name.endswith(":2,S")
    p = post.mail("-N", "-f", "Sent", stdin="from :u\nx\n")
    assert p.stderr == b":u: no such message\n"


def test_outfolder(post):
    (post.home / "mail").mkdir()
    (post.home / ".mailrc").write_text("set outfolder record=sent\n")
    post.text("-s", "x", "bob", stdin="hi\n")
    assert (post.home / "mail" / "sent").exists()


def test_record_by_recipient(post):
    post.text("-F", "-s", "x", "bob@b.com", "al", stdin="hi\n")
    assert (post.home / "bob").exists()


def test_record_fails(post):
    """What was sent is told as sent, and the text is kept."""
    (post.home / ".mailrc").write_text("set record=/no/such/folder/x\n")
    p = post.mail("-s", "x", "bob", stdin="precious\n")
    assert p.returncode != 0 and b"sent, but no copy" in p.stderr
    assert len(post.server.messages) == 1
    assert "precious" in (post.home / "dead.letter").read_text()


def test_no_copy_of_what_failed(post):
    (post.home / ".mailrc").write_text("set record=~/sent\n")
    post.server.data_reply = b"452 4.3.1 disk full"
    assert post.mail("-s", "x", "bob", stdin="precious\n").returncode == 75
    assert not (post.home / "sent").exists()
    assert "precious" in (post.home / "dead.letter").read_text()


def test_sendmail_variable(post):
    tool = post.home / "my mta"
    tool.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\" >args\ncat >message\n")
    tool.chmod(0o755)
    (post.home / ".mailrc").write_text(f"set sendmail=\"'{tool}'\"\n")
    post.text("-s", "x", "-r", "me@a.com", "bob@b.com", "'o'x'@b.com",
              stdin="hi\n")
    assert (post.home / "args").read_text().split("\n")[:-1] == [
        "-i", "-f", "me@a.com", "--", "bob@b.com", "'o'x'@b.com"]
    m = email.message_from_bytes((post.home / "message").read_bytes())
    assert m["Subject"] == "x" and m.get_payload() == "hi\n"
    assert post.server.messages == []


def test_sendmail_variable_fails(post):
    (post.home / ".mailrc").write_text("set sendmail='exit 75;'\n")
    p = post.mail("-s", "x", "bob@b.com", stdin="precious\n")
    assert p.returncode == 75 and b"exit status 75" in p.stderr
    assert "precious" in (post.home / "dead.letter").read_text()


def test_debug(post):
    out, _ = post.text("-d", "-s", "x", "bob", stdin="hi\n")
    assert "bob@a.com" in out and post.server.messages == []


def test_from_variable(post):
    (post.home / ".mailrc").write_text(
        "set from='Me <me@home.com>' reply-to=other@home.com\n")
    post.text("-s", "x", "bob", stdin="hi\n")
    m = parse(post.sent()[2])
    assert post.sent()[0] == "me@home.com" and m["From"] == "Me <me@home.com>"
    assert m["Reply-To"] == "other@home.com"


def test_signature(post):
    (post.home / "sig").write_text("Al\n")
    (post.home / ".mailrc").write_text("set signature=~/sig\n")
    post.text("-s", "x", "bob", stdin="hi")
    assert parse(post.sent()[2]).get_content() == "hi\n-- \nAl\n"


def test_autosign(post):
    (post.home / ".mailrc").write_text("set autosign sign='Al\\nX'\n")
    post.text("-s", "x", "bob", stdin="hi\n")
    assert parse(post.sent()[2]).get_content() == "hi\nAl\nX\n"


# ---- on a terminal

def test_questions(post):
    (post.home / ".mailrc").write_text("set askcc askbcc\n")
    t = post.terminal("bob")
    for prompt, text in (("Subject: ", "sub"), ("Cc: ", "al"),
                         ("Bcc: ", "eve@e.com")):
        t.expect_exact(prompt)
        t.sendline(text)
    t.sendline("hi")
    t.sendline("~.")
    t.expect_exact("EOT")
    t.wait()
    assert post.sent()[1] == ["bob@a.com", "al@a.com", "eve@e.com"]


def test_questions_at_the_end(post):
    (post.home / ".mailrc").write_text("set askcc askatend nodot\n")
    t = post.terminal("-s", "x", "bob")
    t.sendline("hi")
    t.sendline(".")
    t.sendeof()
    t.expect_exact("Cc: ")
    t.sendline("al")
    t.expect_exact("EOT")
    t.wait()
    assert post.sent()[1] == ["bob@a.com", "al@a.com"]
    assert parse(post.sent()[2]).get_content() == "hi\n.\n"


def test_ignoreeof(post):
    (post.home / ".mailrc").write_text("set ignoreeof nodot\n")
    t = post.terminal("-s", "x", "bob")
    t.sendline("hi")
    t.sendeof()
    t.expect_exact('Use "."')
    t.sendline(".")
    t.expect_exact("EOT")
    t.wait()
    assert parse(post.sent()[2]).get_content() == "hi\n"


def test_ignore(post):
    (post.home / ".mailrc").write_text("set ignore\n")
    t = post.terminal("-s", "x", "bob")
    for _ in range(3):
        t.sendline("~?")
        t.expect_exact("VARIABLE")
        t.sendintr()
        t.expect_exact("@")
    t.sendline("hi")
    t.sendline("~.")
    t.expect_exact("EOT")
    t.wait()
    assert parse(post.sent()[2]).get_content() == "hi\n"


def test_header_escape(post):
    t = post.terminal("-s", "old", "bob")
    t.sendline("~h")
    for prompt, text in (("To: ", ""), ("Subject: ", "new"), ("Cc: ", "al"),
                         ("Bcc: ", "")):
        t.expect_exact(prompt)
        t.sendline(text)
    t.sendline("hi")
    t.sendline("~.")
    t.expect_exact("EOT")
    t.wait()
    m = parse(post.sent()[2])
    assert m["Subject"].endswith("new") and m["Cc"] == "al@a.com"
    assert m["To"] == "bob@a.com"


def killed(post, *lines):
    """A draft whose writer was killed."""
    t = post.terminal("-s", "unfinished", "-b", "eve@e.com", "bob")
    for line in lines:
        t.sendline(line)
    t.sendline("~?")
    t.expect_exact("VARIABLE")
    t.kill(signal.SIGKILL)
    t.wait()
    assert len(list(post.home.glob(".mail-draft-*"))) == 1


def test_draft_survives(post):
    (post.home / "x.pdf").write_bytes(b"%PDF\0")
    killed(post, "precious", "~@ x.pdf", "~s better")
    t = post.terminal("-s", "", "")
    t.expect_exact("was kept")
    t.sendline("~d")
    t.sendline("more")
    t.sendline("~.")
    t.expect_exact("EOT")
    t.wait()
    _, rcpts, data = post.sent()
    m = parse(data)
    assert rcpts == ["bob@a.com", "eve@e.com"] and m["Subject"] == "better"
    text, part = m.iter_parts()
    assert text.get_content() == "precious\nmore\n"
    assert part.get_filename() == "x.pdf"
    assert not list(post.home.glob(".mail-draft-*"))


def test_drafts_command(post):
    fill(post.mbox, letter())
    killed(post, "precious", "~c al")
    t = post.terminal("-N")
    t.expect_exact("was kept")
    t.sendline("drafts")
    t.expect_exact("1 bob  unfinished")
    t.sendline("drafts 2")
    t.expect_exact("No such draft")
    t.sendline("drafts 1")
    t.expect_exact("(continue)")
    t.sendline("more")
    t.sendline("~.")
    t.expect_exact("EOT")
    t.sendline("drafts")
    t.expect_exact("No drafts")
    t.sendline("x")
    t.wait()
    assert post.sent()[1] == ["bob@a.com", "al@a.com", "eve@e.com"]
    assert parse(post.sent()[2]).get_content() == "precious\nmore\n"


def test_draft_of_a_living_one_is_left_alone(post):
    t = post.terminal("-s", "x", "bob")
    t.sendline("mine")
    t.sendline("~?")
    t.expect_exact("VARIABLE")
    u = post.terminal("-s", "y", "al")
    u.sendline("~d")
    u.sendline("hi")
    u.sendline("~.")
    u.expect_exact("EOT")
    u.wait()
    assert parse(post.sent()[2]).get_content() == "hi\n"
    t.sendline("~x")
    t.wait()
    assert not list(post.home.glob(".mail-draft-*"))
