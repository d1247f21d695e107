"""deliver -d: by itself, and as Postfix, sendmail, getmail, fetchmail and
dovecot-lda's callers call it."""

import email
import os
import pwd
import shutil
import smtplib
import subprocess
import time

import pytest

from instance import BIN, Instance

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
TEXT = "From: x@c.example\nSubject: s\n\nbody\n"


@pytest.fixture(scope="module")
def house():
    with Instance() as i:
        yield i


def deliver(i, *args, text=TEXT, env=(), user=None):
    e = dict(os.environ, PILLARBOX_CONF=str(i.conf), **dict(env))
    argv = ["deliver", *args]
    more = {"user": user, "group": pwd.getpwnam(user).pw_gid,
            "extra_groups": []} if user else {}
    return subprocess.run(argv, executable=BIN, env=e, text=True, input=text,
                          stderr=subprocess.PIPE, timeout=30, **more)


def fresh(i, user, action):
    """The one message that came by the action."""
    before = set(i.messages(user))
    assert action().returncode == 0
    new, = set(i.messages(user)) - before
    return new.read_text()


def test_by_itself(house):
    got = fresh(house, "alice", lambda: deliver(
        house, "-f", "x@c.example", "-d", "alice@a.test"))
    assert got == ("Return-Path: <x@c.example>\nDelivered-To: alice@a.test\n"
                   + TEXT)
    p = deliver(house, "-d", "nobody-here@a.test")
    assert p.returncode == 67, p.stderr            # EX_NOUSER
    assert "no such user" in p.stderr
    for bad in ("../../etc/passwd@a.test", "a/b@a.test", ".@a.test",
                "..@a.test", ".staging@a.test", "x" * 250 + "@a.test"):
        assert deliver(house, "-d", bad).returncode in (64, 67), bad
    for bad in ("al\nice@a.test", "alice@a.test\x01", "x" * 10240):
        assert deliver(house, "-d", bad).returncode == 64, bad
    assert deliver(house, "-f", "x\ny", "-d", "alice@a.test").returncode == 64
    assert deliver(house, "-d").returncode == 64
    assert deliver(house, "-d", "alice@a.test", "bob@a.test").returncode == 64


def test_too_big_or_no_authd(house, tmp_path):
    with Instance(extra="max-message-size 64K\n") as i:
        p = deliver(i, "-d", "alice@a.test", text="x" * 70000)
        assert p.returncode == 65, p.stderr
        assert not i.messages("alice")
        i.stop()
        assert deliver(i, "-d", "alice@a.test").returncode == 75


def test_as_postfix_calls_mailbox_command(house):
    """A From_ line and its three fields come with the message."""
    text = ("From y@c.example Sat Nov 28 10:00:00 2026\n"
            "Return-Path: <y@c.example>\n"
            "X-Original-To: info@a.test\nDelivered-To: alice@a.test\n"
            "Received: from c\n" + TEXT)
    got = fresh(house, "alice", lambda: deliver(
        house, "-d", "alice@a.test", text=text,
        env={"SENDER": "y@c.example", "EXTENSION": "",
             "ORIGINAL_RECIPIENT": "info@a.test"}))
    assert got == "Return-Path: <y@c.example>\n" + text.split("\n", 2)[2]
    # a From_ line alone: its sender; MAILER-DAEMON is nobody
    for line, sender in (("From z@c.example  Sat Nov 28 10:00:00 2026", "z@c.example"),
                         ("From MAILER-DAEMON Sat Nov 28 10:00:00 2026", ""),
                         ("From <w@c.example> x", "w@c.example")):
        got = fresh(house, "alice", lambda: deliver(
            house, "-d", "alice@a.test", text=line + "\n" + TEXT,
            env={"SENDER": "other@c.example"}))
        assert got.startswith(f"Return-Path: <{sender}>\nDelivered-To: ")
        assert got.endswith(TEXT) and "\nFrom " not in got
    # -f counts before all of them
    got = fresh(house, "alice", lambda: deliver(
        house, "-f", "me@c.example", "-d", "alice@a.test", text=text))
    assert got.startswith("Return-Path: <me@c.example>\nX-Original-To")
    # and the environment where there is nothing else
    got = fresh(house, "alice", lambda: deliver(
        house, "-d", "alice@a.test",
        env={"SENDER": "env@c.example", "ORIGINAL_RECIPIENT": "w@a.test"}))
    assert got == ("Return-Path: <env@c.example>\nDelivered-To: alice@a.test\n"
                   "X-Original-To: w@a.test\n" + TEXT)
    # one that breaks a header line does not
    got = fresh(house, "alice", lambda: deliver(
        house, "-d", "alice@a.test",
        env={"SENDER": "a\nX-Bad: 1", "ORIGINAL_RECIPIENT": "b\nX-Bad: 1",
             "EXTENSION": "c\nX-Bad: 1"}))
    assert "X-Bad" not in got


def test_as_sendmail_calls_procmail(house):
    got = fresh(house, "alice", lambda: deliver(
        house, "-t", "-Y", "-a", "lists", "-d", "alice@a.test",
        text="From x@c.example Sat Nov 28 10:00:00 2026\n" + TEXT))
    assert got == ("Return-Path: <x@c.example>\nDelivered-To: alice@a.test\n"
                   "X-Original-To: alice+lists@a.test\n" + TEXT)
    fresh(house, "alice", lambda: deliver(
        house, "-Y", "-a", "", "-d", "alice@a.test"))


def test_as_dovecot_lda_is_called(house):
    got = fresh(house, "alice", lambda: deliver(
        house, "-e", "-f", "x@c.example", "-a", "sales@a.test", "-d",
        "alice@a.test"))
    assert got.startswith("Return-Path: <x@c.example>\n"
                          "Delivered-To: alice@a.test\n"
                          "X-Original-To: sales@a.test\n")
    for folder, path in (("Lists/Debian", ".Lists.Debian"),
                         ("M\u00fcll", ".M&APw-ll"), ("INBOX", "")):
        box = house.maildir("alice") / path
        n = len(list(box.glob("new/*")))
        assert deliver(house, "-m", folder, "-d",
                       "alice@a.test").returncode == 0
        assert len(list(box.glob("new/*"))) == n + 1
        assert not path or (box / "maildirfolder").exists()
    for bad in ("../bob", "..", "a/../../bob", "", "x" * 10240, "a\x01b"):
        p = deliver(house, "-m", bad, "-d", "alice@a.test")
        assert p.returncode == 75 or bad == "", (bad, p.stderr)
    assert not list(house.dir.glob("mail/a.test/bob/new/*"))


def test_full():
    with Instance(extra="mailbox-quota 5K\n") as i:
        assert deliver(i, "-d", "alice@a.test",
                       text=TEXT + "x" * 3000 + "\n").returncode == 0
        p = deliver(i, "-d", "alice@a.test", text=TEXT + "x" * 3000 + "\n")
        assert p.returncode == 75 and "mailbox full" in p.stderr
        i.conf.write_text(i.conf.read_text() + "quota-defer no\n")
        p = deliver(i, "-d", "alice@a.test", text=TEXT + "x" * 3000 + "\n")
        assert p.returncode == 73
        assert len(i.messages("alice")) == 1


@root
def test_a_user_for_himself_and_for_nobody_else():
    with Instance(omit=("system-users",), extra="system-users yes\n") as i:
        name = "nobody"
        assert deliver(i, "-d", name).returncode == 0       # root makes the box
        box = i.dir / "mbox" / name
        os.chmod(i.dir, 0o755)
        (i.dir / "mbox").chmod(0o1777)
        assert box.stat().st_uid == pwd.getpwnam(name).pw_uid
        began = time.monotonic()
        p = deliver(i, "-d", name, "-f", "<>", user=name)
        assert p.returncode == 0, p.stderr
        assert "\nReturn-Path: <>\n" in box.read_text()
        assert time.monotonic() - began < 3     # authd is not asked in vain
        assert box.read_text().count("\nSubject: s\n") == 2
        before = sorted((i.dir / "mbox").iterdir())
        p = deliver(i, "-d", "root", user=name)
        assert p.returncode == 75 and "only root" in p.stderr
        p = deliver(i, "-d", "alice@a.test", user=name)
        assert p.returncode == 75, p.stderr
        assert sorted((i.dir / "mbox").iterdir()) == before
        assert not i.messages("alice")


@pytest.mark.skipif(not shutil.which("fetchmail"), reason="needs fetchmail")
def test_as_fetchmails_mda(house):
    with Instance(users=("far",), domain="far.test",
                  extra="auth-without-tls yes\n") as far:
        with smtplib.SMTP("127.0.0.1", far.port["smtp"]) as s:
            s.sendmail("x@c.example", ["far@far.test"],
                       "Subject: fetched\r\n\r\nfar\r\n")
        far.wait_messages("far", 1)
        rc = far.dir / "fetchmailrc"
        rc.write_text(
            f'poll 127.0.0.1 proto pop3 port {far.port["pop3"]} '
            'user "far@far.test" password "far-pw" is "bob@a.test" here '
            f'sslproto "" mda "{far.dir}/deliver -f %F -d %T"\n')
        rc.chmod(0o700)
        (far.dir / "deliver").symlink_to(BIN)
        p = subprocess.run(
            ["fetchmail", "-f", str(rc), "--nosyslog", "-i",
             str(far.dir / "ids")], text=True, timeout=60,
            env=dict(os.environ, PILLARBOX_CONF=str(house.conf),
                     HOME=str(far.dir)), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        assert p.returncode == 0, p.stdout
        m, = [email.message_from_bytes(p.read_bytes())
              for p in house.messages("bob")]
        assert m["Subject"] == "fetched"
        assert m["Return-Path"] == "<x@c.example>"
        assert m.get_all("Delivered-To")[0] == "bob@a.test"


@pytest.mark.skipif(not shutil.which("getmail"), reason="needs getmail6")
def test_as_getmails_mda(house, tmp_path):
    with Instance(users=("far",), domain="far.test",
                  extra="auth-without-tls yes\n") as far:
        with smtplib.SMTP("127.0.0.1", far.port["smtp"]) as s:
            s.sendmail("x@c.example", ["far@far.test"],
                       "Subject: got\r\n\r\nfar\r\n")
        far.wait_messages("far", 1)
        (tmp_path / "deliver").symlink_to(BIN)
        (tmp_path / "getmailrc").write_text(f"""[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = {far.port["pop3"]}
username = far@far.test
password = far-pw
[destination]
type = MDA_external
path = {tmp_path}/deliver
arguments = ("-f", "%(sender)", "-d", "alice@a.test")
allow_root_commands = true
[options]
delete = true
""")
        before = set(house.messages("alice"))
        p = subprocess.run(
            ["getmail", "--getmaildir", str(tmp_path)], text=True, timeout=60,
            env=dict(os.environ, PILLARBOX_CONF=str(house.conf)),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert p.returncode == 0, p.stdout
        new, = set(house.messages("alice")) - before
        m = email.message_from_bytes(new.read_bytes())
        assert m["Subject"] == "got" and m["Return-Path"] == "<x@c.example>"
