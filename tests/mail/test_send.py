"""`mail` in scripts and on a terminal: what is sent, and what is kept."""
import email
import email.policy
import os
import signal
import socket

import pexpect
import pytest

from desk import SANITIZED, Submission


def parse(data):
    return email.message_from_bytes(data.replace(b"\r\n", b"\n"),
                                    policy=email.policy.default)


def test_script(post):
    post.text("-s", "disk full", "root", "bob@b.com",
              stdin="df says:\n.\n..two dots\n~p\nlast")
    sender, rcpts, data = post.sent()
    m = parse(data)
    assert sender == f"{post.login}@a.com"
    assert rcpts == ["root@a.com", "bob@b.com"]
    assert m["To"] == "root@a.com, bob@b.com"
    assert m["Subject"] == "disk full"
    assert f"{post.login}@a.com" in m["From"]
    assert m["Message-ID"].endswith("@mail.a.com>") and m["Date"]
    assert data.endswith(b"\r\n\r\ndf says:\r\n.\r\n..two dots\r\n~p\r\nlast\r\n")
    assert m["Content-Transfer-Encoding"] == "7bit"


def test_cc_bcc_from(post):
    post.text("-s", "x", "-c", "Cary <cary@c.com>", "-c", "dan", "-b",
              "eve@e.com", "-r", "Boss <boss@a.com>",
              '"Bob, B." <bob@b.com>, al@a.com', stdin="hi\n")
    sender, rcpts, data = post.sent()
    m = parse(data)
    assert sender == "boss@a.com"
    assert rcpts == ["bob@b.com", "al@a.com", "cary@c.com", "dan@a.com",
                     "eve@e.com"]
    assert m["From"] == "Boss <boss@a.com>"
    assert m["To"] == '"Bob, B." <bob@b.com>, al@a.com'
    assert m["Cc"] == "Cary <cary@c.com>, dan@a.com"
    assert m["Bcc"] is None and b"eve@" not in data


def test_same_recipient_once(post):
    post.text("-s", "x", "-c", "bob@b.com", "bob@b.com", stdin="hi\n")
    assert post.sent()[1] == ["bob@b.com"]


def test_non_ascii(post):
    body = "Grüße, 你好\n"
    post.text("-s", "Käse — 你好 😀", "Jörg <j@b.com>", stdin=body)
    m = parse(post.sent()[2])
    assert m["Subject"] == "Käse — 你好 😀"
    assert m["To"].addresses[0].display_name == "Jörg"
    assert m.get_content_charset() == "utf-8"
    assert m["Content-Transfer-Encoding"] == "8bit"
    assert m.get_content() == body
    assert all(b < 128 for b in post.sent()[2].split(b"\r\n\r\n")[0])


@pytest.mark.parametrize("body", [
    b"x" * 5000 + b"\n", "é".encode() * 3000 + b"\nend \n",
    b"cr\r\nlf\n", b"nul\0nul\n" + b"tail\n" * 10000,
    b"From me\n" + b"y" * 999 + b"\n" + b"line\n" * 9000 + b"no end"],
                         ids=["long", "long8bit", "cr", "nul", "mixed"])
def test_encoded_body(post, body):
    post.text("-s", "x", "bob", stdin=body)
    data = post.sent()[2]
    m = parse(data)
    assert m["Content-Transfer-Encoding"] == "quoted-printable"
    assert max(map(len, data.split(b"\r\n"))) <= 76
    want = body if body.endswith(b"\n") else body + b"\n"
    assert m.get_payload(decode=True) == want


def test_empty_body(post):
    _, err = post.text("-s", "ping", "bob")
    assert "Null message body; hope that's ok" in err
    assert parse(post.sent()[2])["Subject"] == "ping"


def test_discard_empty(post):
    """-E (POSIX.1-2024): no message, and that is no failure."""
    assert post.text("-E", "-s", "ping", "bob") == ("", "")
    assert post.server.messages == []
    post.text("-E", "-s", "ping", "bob", stdin="\n")
    assert parse(post.sent()[2])["Subject"] == "ping"


def test_no_subject(post):
    post.text("bob", stdin="hi\n")
    assert b"\nSubject" not in post.sent()[2]


def test_bcc_only(post):
    post.text("-b", "eve@e.com", "-s", "x", "-b", "al@a.com", "x@x.com",
              stdin="hi\n")
    assert "eve@e.com" in post.sent()[1]


@pytest.mark.parametrize("args", [
    ["-s", "x\nBcc: eve@e.com", "bob"], ["-s", "x\rBcc: eve", "bob"],
    ["-s", "x", "bob\nBcc: eve@e.com"], ["-s", "x", "-c", "b\n", "bob"],
    ["-s", "x", "-r", "me@a.com\nX: y", "bob"]])
def test_header_injection(post, args):
    p = post.mail(*args, stdin="hi\n")
    assert p.returncode == 64
    assert b"line break" in p.stderr
    assert post.server.messages == []


@pytest.mark.parametrize("address", ["a@b@c", "<bob", "x y <z", "bob@",
                                     "jörg@b.com"])
def test_bad_address(post, address):
    p = post.mail("-s", "x", address, stdin="precious\n")
    assert p.returncode != 0
    assert post.server.messages == []
    assert "precious" in (post.home / "dead.letter").read_text()


def test_option_errors(post):
    assert post.mail("-Q", "bob").returncode == 64
    assert post.mail("-s").returncode == 64
    assert post.mail("-f", "a", "b").returncode == 64


def test_refused_recipient(post):
    post.server.refuse["bob@b.com"] = "550 5.1.1 no such user"
    p = post.mail("-s", "kept", "bob@b.com", stdin="precious\n")
    assert p.returncode != 0
    assert b"bob@b.com: 550 5.1.1 no such user" in p.stderr
    assert str(post.home / "dead.letter") in p.stderr.decode()
    dead = (post.home / "dead.letter").read_text()
    assert "To: bob@b.com\nSubject: kept\n" in dead and "precious" in dead
    assert os.stat(post.home / "dead.letter").st_mode & 0o77 == 0


def test_some_refused(post):
    post.server.refuse["bob@b.com"] = "550 5.1.1 no such user"
    p = post.mail("-s", "x", "al@a.com", "bob@b.com", stdin="hi\n")
    assert p.returncode != 0 and b"(1 of 2)" in p.stderr
    assert post.sent()[1] == ["al@a.com"]


def test_server_full(post):
    post.server.data_reply = b"452 4.3.1 disk full"
    p = post.mail("-s", "x", "al@a.com", stdin="precious\n")
    assert p.returncode != 0 and b"452 4.3.1 disk full" in p.stderr
    assert "precious" in (post.home / "dead.letter").read_text()
    # a second one goes behind it
    post.mail("-s", "x", "al@a.com", stdin="second\n")
    assert (post.home / "dead.letter").read_text().count("\nSubject: x") == 2


def test_no_daemon_spools(desk):
    desk.text("-s", "later", "bob@b.com", stdin="hi\n")
    files = list((desk.path / "spool" / "msg").iterdir())
    assert len(files) == 1
    assert b"Subject: later\r\n" in files[0].read_bytes()


def test_no_daemon_smarthost(desk):
    desk.server = Submission()
    port = desk.server.socket.getsockname()[1]
    with open(desk.path / "conf", "a") as f:
        f.write(f"smarthost 127.0.0.1:{port} none\nsendmail-direct yes\n")
    # a daemon that died leaves its socket file
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(desk.run_dir / "submit"))
    dead.close()
    desk.text("-s", "x", "bob@b.com", stdin="hi\n.\n")
    sender, rcpts, data = desk.sent()
    assert sender == f"{desk.login}@a.com" and rcpts == ["bob@b.com"]
    assert data.endswith(b"\r\nhi\r\n.\r\n")
    desk.server.data_reply = b"451 4.3.0 later"
    p = desk.mail("-s", "x", "bob@b.com", stdin="precious\n")
    assert p.returncode == 75 and b"451 4.3.0 later" in p.stderr
    assert "precious" in (desk.home / "dead.letter").read_text()


def test_no_smarthost_spools(desk):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))        # bound, but nobody listens
        with open(desk.path / "conf", "a") as f:
            f.write(f"smarthost 127.0.0.1:{s.getsockname()[1]} none\n"
                    "sendmail-direct yes\n")
        desk.text("-s", "x", "bob@b.com", stdin="hi\n")
    assert len(list((desk.path / "spool" / "msg").iterdir())) == 1


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory of their own")
@pytest.mark.parametrize("line", ["0123456789abcdef" * 4, "é" * 600],
                         ids=["7bit", "qp"])
def test_memory(post, line):
    """A big message takes not a quarter megabyte more than a small one."""
    line = line.encode() + b"\n"
    size = (24 if line.isascii() else 8) * 1000 * 1000
    for n in (1, size // len(line)):
        post.text("-s", "x", "bob", stdin=line * n)
    assert len(post.server.messages[1][2]) >= size
    assert post.server.peak[1] - post.server.peak[0] <= 256


def test_too_big(post):
    with open(post.path / "conf", "a") as f:
        f.write("max-message-size 64K\n")
    p = post.mail("-s", "x", "bob", stdin=b"x" * 70000)
    assert p.returncode != 0 and b"max-message-size" in p.stderr
    assert post.server.messages == []


# ---- on a terminal

def test_terminal(post):
    t = post.terminal("bob")
    t.expect_exact("Subject: ")
    t.sendline("hello")
    t.sendline("line one")
    t.sendline("~~tilde")
    t.sendline("..")
    t.sendline(".")
    t.expect_exact("EOT")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0
    m = parse(post.sent()[2])
    assert m["Subject"] == "hello"
    assert m.get_content() == "line one\n~tilde\n..\n"


def compose(post, *lines, args=("-s", "first", "bob"), **env):
    """Runs the lines, gives the parsed message and the screen."""
    t = post.terminal(*args, **env)
    for line in lines:
        t.sendline(line)
    t.sendline("~.")
    t.expect(pexpect.EOF)
    screen = t.before
    t.close()
    assert t.exitstatus == 0, screen
    return parse(post.sent()[2]), screen


def test_field_escapes(post):
    m, _ = compose(post, "~s second one", "~c cary@c.com dan", "~b eve@e.com",
                   "~t al", "text")
    assert post.sent()[1] == ["bob@a.com", "al@a.com", "cary@c.com",
                              "dan@a.com", "eve@e.com"]
    assert m["Subject"] == "second one"
    assert m["To"] == "bob@a.com, al@a.com"
    assert m["Cc"] == "cary@c.com, dan@a.com"


def test_file_escape(post):
    (post.home / "in.txt").write_text("from a file\n")
    m, screen = compose(post, "~r in.txt", "~r ~/in.txt", "~r none", "~p")
    assert m.get_content() == "from a file\n" * 2
    assert "Message contains:" in screen and "Subject: first" in screen
    assert "No such file" in screen


def test_help_and_unknown_escape(post):
    m, screen = compose(post, "~?", "~k", "text")
    assert screen.count("dead.letter") == 2
    assert m.get_content() == "text\n"


@pytest.mark.parametrize("end,kept", [("~q", True), ("~x", False)])
def test_give_up(post, end, kept):
    t = post.terminal("-s", "x", "bob")
    t.sendline("precious")
    t.sendline(end)
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus != 0 and post.server.messages == []
    assert (post.home / "dead.letter").exists() == kept


def sync(t):
    """Waits until all lines were read: ^C makes the terminal drop the others."""
    t.sendline("~p")
    t.expect_exact("(continue)")


def test_interrupt_twice(post):
    t = post.terminal("-s", "x", "bob")
    t.sendline("precious")
    t.sendline("~s y")
    sync(t)
    t.sendintr()
    t.expect_exact("one more to kill letter")
    t.sendline("more")
    sync(t)
    t.sendintr()
    t.expect_exact("one more to kill letter")
    t.sendintr()
    t.expect_exact("dead.letter")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus != 0 and post.server.messages == []
    dead = (post.home / "dead.letter").read_text()
    assert "Subject: y\n" in dead and "precious\nmore\n" in dead


def test_ignore_interrupt(post):
    t = post.terminal("-i", "-s", "x", "bob")
    t.sendline("text")
    sync(t)
    t.sendintr()
    t.sendintr()
    t.sendline("more")
    t.sendline(".")
    t.expect(pexpect.EOF)
    t.close()
    assert parse(post.sent()[2]).get_content() == "text\nmore\n"


@pytest.mark.parametrize("sig", [signal.SIGHUP, signal.SIGTERM])
def test_hangup_keeps_the_text(post, sig):
    t = post.terminal("-s", "x", "bob")
    t.sendline("precious")
    sync(t)
    t.kill(sig)
    t.expect(pexpect.EOF)
    t.close()
    assert post.server.messages == []
    assert "precious" in (post.home / "dead.letter").read_text()
