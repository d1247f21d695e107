"""What scripts and hands are used to from other mailx, and POSIX' small print."""
import pytest

from player import THREE, fill


@pytest.fixture
def three(post):
    fill(post.mbox, THREE)
    return post


def script(desk, text, *args, status=0, **env):
    p = desk.mail("-N", *args, stdin=text, **env)
    assert p.returncode == status, p.stderr.decode()
    return p.stdout.decode(), p.stderr.decode()


# ---- options

@pytest.mark.parametrize("args", [
    ("root", "-s", "disk"), ("-s", "disk", "root"),
    ("-s", "old", "root", "-sdisk"), ("root", "--subject=disk"),
    ("-S", "sendwait", "root", "-s", "disk", "--"),
    ("-I", "-B", "-D", "-h", "3", "-s", "disk", "root")])
def test_options_behind_addresses(post, args):
    """As getopt has it for bsd-mailx and heirloom mailx."""
    post.text(*args, stdin="full\n")
    sender, to, text = post.sent()
    assert (sender, to) == (f"{post.login}@a.com", ["root@a.com"])
    assert b"Subject: disk\r\n" in text


def test_addresses_between_options(post):
    (post.home / "f.txt").write_text("file\n")
    post.text("a@b.com", "-s", "x", "c@d.com", "-a", "X-Y: z", "-a", "f.txt",
              "e@f.com", "--", "g@h.com", "-f", "me@a.com", stdin="text\n")
    sender, to, text = post.sent()
    assert to == ["a@b.com", "c@d.com", "e@f.com", "g@h.com"]
    assert sender == "me@a.com" and b"X-Y: z\r\n" in text
    assert b"filename=f.txt" in text


@pytest.mark.parametrize("args", [
    ("--", "bob", "-s", "x"), ("bob", "--", "-a", "f.txt"), ("bob", "-%"),
    ("bob", "--", "-vaf.txt"), ("bob", "--", "-v", "-af.txt"),
    ("bob", "--", "-f", "x@y.z", "-af.txt"), ("bob", "--", "-f"),
    ("--", "-s"), ("bob", "-s")])
def test_what_is_no_option(post, args):
    """Behind "--" nothing that a script was given can attach a file."""
    (post.home / "f.txt").write_text("file\n")
    p = post.mail(*args, stdin="text\n")
    assert p.returncode == 64 and p.stderr.startswith(b"mail: ")
    assert not post.server.messages


def test_account_or_file(post):
    """-A is a file for mailutils, an account for s-nail."""
    (post.home / "f.txt").write_text("file\n")
    (post.home / "work").write_text("file\n")
    (post.home / ".mailrc").write_text(
        "account work {\nset from=me@work.com\n}\n")
    post.text("-s", "x", "-A", "f.txt", "-A", "work", "bob@b.com",
              stdin="text\n")
    sender, _, text = post.sent()
    assert text.count(b"filename=") == 1 and b"filename=f.txt" in text
    assert sender == "me@work.com"
    p = post.mail("-s", "x", "-A", "none", "bob@b.com", stdin="text\n")
    assert p.returncode == 64 and b"none: no such account" in p.stderr


def test_mailutils(post):
    post.text("--append=X-Y: z", "--append", "X-Z: a", "-s", "x",
              "--content-type=text/html", "bob@b.com", stdin="<b>t</b>\n")
    text = post.sent()[2]
    assert b"X-Y: z\r\n" in text and b"X-Z: a\r\n" in text
    assert b"Content-Type: text/html;" in text


@pytest.mark.parametrize("name", ["smtp=smtp://mail.x.com:587", "smtp-auth",
                                  "mta=smtps://u:p@x.com"])
def test_servers_are_not_asked(post, name):
    """It is sent all the same: what cron runs has something to say."""
    _, err = post.text("-S", name, "-S", "smtp-auth-user=bob", "-s", "x",
                       "-S", "ssl-verify=ignore", "bob@b.com", stdin="text\n")
    assert err.count("\n") == 1
    assert f"{name.split('=')[0]} is not used" in err and "smarthost" in err
    assert "u:p" not in err
    post.sent()


def test_servers_in_a_start_up_file(three):
    (three.home / ".mailrc").write_text("set smtp=x.com\nset nosmtp\n")
    assert script(three, "x\n") == ("", "")
    _, err = three.text("-s", "x", "bob@b.com", stdin="text\n")
    assert "smarthost" in err


def test_nothing_is_encrypted(post):
    p = post.mail("-S", "smime-force-encryption", "-s", "x", "bob@b.com",
                  stdin="text\n")
    assert p.returncode == 64 and b"encrypted" in p.stderr
    assert not post.server.messages


def test_replyto_of_heirloom(post):
    post.text("-S", "replyto=me@x.com", "-s", "x", "b@b.com", stdin="text\n")
    assert b"Reply-To: me@x.com\r\n" in post.sent()[2]


def test_copies_of_all(post):
    post.text("-S", "autobcc=a@x.com b@x.com", "-S", "autocc=c@x.com", "-s",
              "x", "-c", "d@x.com", "bob@b.com", stdin="text\n")
    _, to, text = post.sent()
    assert to == ["bob@b.com", "d@x.com", "c@x.com", "a@x.com", "b@x.com"]
    assert b"Cc: d@x.com, c@x.com\r\n" in text and b"a@x.com" not in text


def test_forward_asks_whom_to(three):
    t = three.terminal("-N")
    t.sendline("forward 1")
    t.expect("To: ")
    t.sendline("")
    t.expect("No recipients given")
    t.sendline("forward 1")
    t.expect("To: ")
    t.sendline("bob@b.com")
    t.expect("Subject: Fwd: Lunch")
    t.sendline(".")
    t.expect("EOT")
    t.sendline("x")
    t.wait()
    assert three.sent()[1] == ["bob@b.com"]
    _, err = script(three, "forward 1\nx\n", status=1)
    assert "No recipients given" in err


def test_no_recipient_in_a_script(three):
    """mail -s x $TO, with nothing in TO: the text is no list of commands."""
    p = three.mail("-s", "x", stdin="delete *\n")
    assert p.returncode and b"no recipients" in p.stderr
    assert "delete *" in (three.home / "dead.letter").read_text()
    assert three.mbox.read_text().count("\nSubject:") == 3


def test_no_recipient_on_a_terminal(post):
    t = post.terminal("-s", "x")
    t.expect("To: ")
    t.sendline("bob@b.com")
    t.sendline("text")
    t.sendline(".")
    t.expect("EOT")
    t.wait()
    assert t.exitstatus == 0 and post.sent()[1] == ["bob@b.com"]
    t = post.terminal("-s", "x")
    t.expect("To: ")
    t.sendline("")
    t.expect("No recipients given")
    t.wait()
    assert t.exitstatus == 64


def test_copies_alone(post):
    post.text("-s", "x", "-b", "bob@b.com", stdin="text\n")
    assert post.sent()[1] == ["bob@b.com"]


# ---- POSIX' text

@pytest.mark.parametrize("command", [
    "c 2 out", "n 2", "pipe 2 cat", "p 2", "P 2", "top 2", "t 2", "T 2",
    "d 2\nu 2", "m a@b.com\n~f 2\n~.", "m a@b.com\n~m 2\n~.",
    "m a@b.com\n~F 2\n~.", "m a@b.com\n~M 2\n~.", "mbox 2"])
def test_what_makes_read(three, command):
    """POSIX, "read": by these commands."""
    out, _ = script(three, f"{command}\nf :r\nx\n")
    assert out.splitlines()[-1].split()[:3] == [">R", "2",
                                                "cron@router.a.com"]


def test_dead_null(post):
    """POSIX names it: nothing is kept, and nothing is said to be lost."""
    post.server.data_reply = b"554 5.7.1 no"
    p = post.mail("-s", "x", "bob@b.com", stdin="text\n", DEAD="/dev/null")
    assert p.returncode and p.stderr.count(b"\n") == 1
    assert b"554" in p.stderr


def test_quoted_arguments_of_mail(three):
    """POSIX: arguments can be quoted."""
    script(three, "m 'Bob B <bob@b.com>' al@b.com \"Cary <c@b.com>\"\nx\n~.\n"
           "m \"B, Bob\" <bob@b.com>, \"d e\"@b.com\nx\n~.\n"
           "m \"b@x\" <bob@b.com>\nx\n~.\n")
    texts = [m[2].decode().split("\r\n")[1] for m in three.server.messages]
    assert texts[0].startswith("To: Bob B <bob@b.com>, al@b.com, Cary")
    assert texts[1:] == ['To: "B, Bob" <bob@b.com>, "d e"@b.com',
                         'To: "b@x" <bob@b.com>']


def test_first_folder(three):
    """Where there is no folder directory yet, and what makes it."""
    out, err = script(three, "folders\nx\n")
    assert "no folders yet" in out and "save +NAME" in out and not err
    out, _ = script(three, "save 1 +work\nfolders\nx\n")
    assert out.endswith("work\n")
    assert (three.home / "mail").stat().st_mode & 0o777 == 0o700
    (three.home / "mail" / "work").unlink()
    (three.home / "mail").rmdir()
    three.text("-S", "record=+sent", "-s", "x", "bob@b.com", stdin="text\n")
    assert "Subject: x" in (three.home / "mail" / "sent").read_text()


def test_quit_says_what_it_deletes(three):
    out, _ = script(three, "d 2\nq\n")
    assert out == f"Deleted 1 message\nHeld 2 messages in {three.mbox}\n"
    out, _ = script(three, "d *\nq\n")
    assert out == "Deleted 2 messages\n"


@pytest.mark.parametrize("said, commands", [
    ("Deleted 1 message", "d 1"), ("Saved 1 message in mbox", "p 1"),
    ("Held 1 message in {}", "hold 1"), ("Held 1 message in {}", "h"),
    ("Deleted 1 message", "s 1 elsewhere")])
def test_quit_of_the_only_one(desk, said, commands):
    fill(desk.mbox, THREE[:1])
    out, _ = script(desk, f"{commands}\nq\n")
    assert out.splitlines()[-1] == said.format(desk.mbox)
    fill(desk.home / "box", THREE[:1])
    out, _ = desk.text("-N", "-f", "box", stdin="d 1\nq\n")
    assert out == f'"{desk.home}/box": 1 deleted, 0 left\n'
