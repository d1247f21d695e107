"""Others bring mail by LMTP, or call deliver: Postfix, swaks, smtplib.

Postfix runs in its root folder (peers_root); without it that part is skipped.
"""

import email
import os
import re
import shutil
import smtplib
import socket
import subprocess

import pytest

import peers_root
from instance import BIN, Instance, wait_for
from mail_peers import Postfix, open_peer

LMTP = ("listen lmtp 127.0.0.1:{PORT:lmtp}\nlmtp-from 127.0.0.1\n"
        "mailbox-quota 100K\nmax-message-size 200K\n")


class Deliverer(Postfix):
    """a.test by our LMTP; b.test by mailbox_command."""

    def configure_more(self):
        super().configure_more()
        # what an earlier run has written there is not ours
        (self.root / "var/log/mail.log").unlink(missing_ok=True)
        etc = self.root / "etc/postfix"
        (etc / "transport").write_text(
            f"a.test lmtp:inet:[127.0.0.1]:{self.ours['lmtp']}\n")
        main = (etc / "main.cf").read_text()
        (etc / "main.cf").write_text(
            re.sub(r"smtp_(tls|sasl).*\n", "", main).replace(
                "smtpd_recipient_restrictions", "x_restrictions") +
            "smtpd_recipient_restrictions = permit_mynetworks, reject\n"
            "lmtp_destination_recipient_limit = 50\n"
            "mailbox_command = /pb/run\nhome_mailbox =\nsmtputf8_enable = no\n"
            "mailbox_size_limit = 0\nmessage_size_limit = 10000000\n")
        self.copy_us()

    def copy_us(self):
        pb = self.root / "pb"
        shutil.rmtree(pb, ignore_errors=True)
        (pb / "lib").mkdir(parents=True)
        shutil.copy(BIN, pb / "deliver")
        for lib in re.findall(r"=> (/\S+)", subprocess.check_output(
                ["ldd", BIN], text=True)):
            shutil.copy(lib, pb / "lib")
        (self.work / "mail/mbox").mkdir()
        (self.work / "mail/mbox").chmod(0o1777)
        (pb / "conf").write_text(
            "hostname peer.b.test\nmbox-dir /mail/mbox\nrun-dir /pb/run-dir\n"
            "state-dir /pb\nspool-dir /pb\nmail-dir /pb\n")
        (pb / "run").write_text(
            "#!/bin/sh\nLD_LIBRARY_PATH=/pb/lib exec /pb/deliver -C /pb/conf "
            '-d "$USER"\n')
        (pb / "run").chmod(0o755)


@pytest.fixture(scope="module")
def us():
    with Instance(users=("alice", "bob", "full"), extra=LMTP) as i:
        yield i


@pytest.fixture(scope="module")
def postfix(us, tmp_path_factory):
    peer, certificate = open_peer(Deliverer, tmp_path_factory)
    with peers_root.locked(peer.root):
        peer.know(us.port, certificate).start()
        try:
            yield peer
        finally:
            peer.kill()
            shutil.rmtree(peer.root / "pb", ignore_errors=True)


def send(peer, rcpts, text, sender="x@c.example", options=()):
    with smtplib.SMTP("127.0.0.1", peer.port, timeout=30) as s:
        s.sendmail(sender, rcpts, text, options)


def log_of(peer):
    return (peer.root / "var/log/mail.log").read_text(errors="replace")


def mails(us, user):
    return [email.message_from_bytes(p.read_bytes())
            for p in us.messages(user)]


def with_subject(us, user, subject):
    return [m for m in mails(us, user) if m["Subject"] == subject]


def test_postfix_delivers(us, postfix):
    send(postfix, ["alice@a.test", "bob@a.test", "nobody@a.test"],
         "Subject: lmtp\r\n\r\n.dot\r\nFrom x\r\n\u00e4\r\n".encode(),
         options=["BODY=8BITMIME"])
    wait_for(lambda: with_subject(us, "bob", "lmtp"), 20)
    m, = with_subject(us, "alice", "lmtp")
    assert m["Return-Path"] == "<x@c.example>"
    assert m["Delivered-To"] == "alice@a.test"
    assert m.get_payload(decode=True) == ".dot\nFrom x\n\u00e4\n".encode()
    # one connection, a reply for each; the third comes back with ours
    wait_for(lambda: re.search(
        r"to=<nobody@a.test>.*dsn=5\.1\.1, status=bounced", log_of(postfix)), 20)
    for user in ("alice", "bob"):
        wait_for(lambda: re.search(
            rf"to=<{user}@a.test>.*dsn=2\.1\.5, status=sent",
            log_of(postfix)), 20)


def test_a_full_mailbox_waits_at_postfix(us, postfix):
    text = "Subject: %s\r\n\r\n" + "0123456789\r\n" * 5000
    send(postfix, ["full@a.test"], text % "one")
    wait_for(lambda: with_subject(us, "full", "one"), 20)
    send(postfix, ["full@a.test", "bob@a.test"], text % "two")
    wait_for(lambda: re.search(
        r"to=<full@a.test>.*dsn=4\.2\.2, status=deferred", log_of(postfix)), 20)
    wait_for(lambda: with_subject(us, "bob", "two"), 20)
    # too large for ever: at once
    send(postfix, ["full@a.test"],
         "Subject: three\r\n\r\n" + "0123456789\r\n" * 10000)
    wait_for(lambda: re.search(
        r"to=<full@a.test>.*dsn=5\.2\.3, status=bounced", log_of(postfix)), 20)
    for p in us.messages("full"):
        p.unlink()
    (us.maildir("full") / "maildirsize").unlink(missing_ok=True)
    wait_for(lambda: with_subject(us, "full", "two"), 20)
    assert len(with_subject(us, "bob", "two")) == 1


def test_as_postfixs_mailbox_command(us, postfix):
    box = postfix.work / "mail/mbox/bob"
    send(postfix, ["bob+lists@b.test"],
         "Subject: command\r\n\r\nFrom here\r\nx\r\n")
    wait_for(lambda: re.search(r"to=<bob\+lists@b.test>.*status=sent",
                               log_of(postfix)), 20)
    text = box.read_text()
    assert text.startswith("From x@c.example ")
    assert text.count("\nReturn-Path: ") == 1
    assert "\nReturn-Path: <x@c.example>\n" in text
    assert "\nDelivered-To: bob+lists@b.test\n" in text
    assert text.endswith("\n\n>From here\nx\n\n")
    # what cannot be written waits
    box.chmod(0o400)
    os.chown(box, 0, 0)
    send(postfix, ["bob@b.test"], "Subject: later\r\n\r\nx\r\n")
    wait_for(lambda: re.search(r"to=<bob@b.test>.*status=deferred",
                               log_of(postfix)), 20)
    box.unlink()
    wait_for(lambda: box.exists() and "Subject: later" in box.read_text(), 20)


@pytest.mark.skipif(not shutil.which("swaks"), reason="needs swaks")
@pytest.mark.parametrize("where", ["tcp", "unix"])
def test_swaks(us, where):
    to = ["--server", f"127.0.0.1:{us.port['lmtp']}"] if where == "tcp" else \
        ["--socket", str(us.dir / "run/deliver")]
    p = subprocess.run(
        ["swaks", "--protocol", "LMTP", *to, "--from", "x@c.example", "--to",
         "alice@a.test,bob@a.test,nobody@a.test", "--header",
         f"Subject: swaks-{where}", "--pipeline"], text=True, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.stdout.count("250 2.1.5 Delivered") == 2, p.stdout
    assert "550 5.1.1" in p.stdout
    for user in ("alice", "bob"):
        assert len(with_subject(us, user, f"swaks-{where}")) == 1


def test_smtplib(us):
    for s in (smtplib.LMTP(str(us.dir / "run/deliver")),
              smtplib.LMTP("127.0.0.1", us.port["lmtp"])):
        with s:
            assert s.sendmail("x@c.example", ["alice@a.test"],
                              "Subject: py\r\n\r\nx\r\n") == {}
            with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
                s.sendmail("x@c.example", ["no@a.test"], "x")
            assert e.value.recipients["no@a.test"][0] == 550
    assert len(with_subject(us, "alice", "py")) == 2


def test_all_in_one_packet(us):
    """PIPELINING (RFC 2920 3.2): all but DATA's text, replies in order."""
    with socket.create_connection(("127.0.0.1", us.port["lmtp"])) as s:
        f = s.makefile("rb")
        assert f.readline().startswith(b"220")
        s.sendall(b"LHLO c\r\nMAIL FROM:<x@c.example>\r\n"
                  b"RCPT TO:<no@a.test>\r\nRCPT TO:<alice@a.test>\r\n"
                  b"RCPT TO:<bob@a.test>\r\nDATA\r\n")
        while f.readline()[3:4] == b"-":
            pass
        codes = [f.readline()[:3] for _ in range(5)]
        assert codes == [b"250", b"550", b"250", b"250", b"354"]
        # RFC 2033 4.2: the next command may follow the dot
        s.sendall(b"Subject: pipe\r\n\r\nx\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n")
        assert [f.readline()[:3] for _ in range(4)] == \
            [b"250", b"250", b"250", b"221"]
        assert f.read() == b""
