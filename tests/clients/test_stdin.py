"""SMTP and POP3 on stdin: `smtpd -s` and `pop3d -s` for inetd, `sendmail -bs`."""

import os
import poplib
import smtplib
import ssl
import subprocess

import pytest

from instance import BIN, Instance, free_port, wait_for, wait_port

NOVERIFY = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def box():
    with Instance(extra="relay-from 127.0.0.77\n") as i:
        yield i


@pytest.fixture
def inetd(box, request):
    """A port at which systemd starts this program for each connection."""
    port = free_port()
    p = subprocess.Popen(["systemd-socket-activate", "--inetd", "-a", "-E",
                          "PILLARBOX_CONF", "-l", f"127.0.0.1:{port}", BIN,
                          *request.param], env=box.env(),
                         stderr=subprocess.DEVNULL)
    wait_port(port)
    yield port
    p.terminate()
    p.wait()


def programs(*argv):
    return pytest.mark.parametrize("inetd", [argv], indirect=True)


@programs("smtpd", "-s")
def test_smtp_by_inetd(box, inetd):
    before = len(box.messages("bob"))
    with smtplib.SMTP("127.0.0.1", inetd) as s:
        s.starttls(context=NOVERIFY)
        s.login("alice@a.test", "alice-pw")
        s.sendmail("alice@a.test", ["bob@a.test"], "Subject: inetd\n\nx")
        s.sendmail("alice@a.test", ["bob@a.test"], "Subject: again\n\nx")
    wait_for(lambda: len(box.messages("bob")) == before + 2)
    with smtplib.SMTP("127.0.0.1", inetd) as s:
        s.ehlo("c")
        s.mail("x@y.test")
        assert s.rcpt("z@elsewhere.example")[0] == 550
    with smtplib.SMTP("127.0.0.1", inetd,
                      source_address=("127.0.0.77", 0)) as s:
        s.ehlo("c")
        s.mail("x@y.test")
        assert s.rcpt("z@elsewhere.example")[0] == 250
    # the daemon's own socket is where it was
    box.run("sendmail", "bob@a.test", input="Subject: local\n\nx\n")
    wait_for(lambda: len(box.messages("bob")) == before + 3)


@programs("pop3d", "-s")
def test_pop3_by_inetd(box, inetd):
    p = poplib.POP3("127.0.0.1", inetd)
    p.stls(NOVERIFY)
    p.user("alice@a.test")
    p.pass_("alice-pw")
    assert p.stat()[0] >= 0
    p.quit()


@programs("smtpd", "-s", "-C", "/nonexistent/pillarbox.conf")
def test_errors_are_not_for_the_client(inetd):
    s = smtplib.socket.create_connection(("127.0.0.1", inetd), 5)
    assert s.recv(100) == b""


@pytest.mark.parametrize("argv", [("smtpd", "-s"), ("sendmail", "-bs")])
def test_swaks_through_a_pipe(box, argv):
    before = len(box.messages("bob"))
    p = subprocess.run(
        ["swaks", "--pipe", " ".join([BIN, *argv]), "--from", "root@a.test",
         "--to", "bob@a.test", "--header", "Subject: pipe"],
        env=box.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=60)
    assert p.returncode == 0, p.stdout
    mail = wait_for(lambda: box.messages("bob")[before:])[0].read_text()
    assert f"(from uid {os.getuid()})" in mail


def test_pipelined_and_gone(box):
    """All at once, and stdin ends: the replies come all the same."""
    before = len(box.messages("bob"))
    p = box.run("sendmail", "-bs", input=(
        "EHLO c\r\nMAIL FROM:<root@a.test>\r\nRCPT TO:<bob@a.test>\r\n"
        "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"))
    assert "\n250 2.0.0 queued as " in p.stdout
    assert p.stdout.endswith("221 2.0.0 Bye\n")
    wait_for(lambda: len(box.messages("bob")) == before + 1)


def test_without_smtpd(box):
    with Instance(start=False) as i:
        p = i.run("sendmail", "-bs", check=False)
    assert p.returncode == 75
    assert "submit" in p.stderr


def test_not_for_others(box):
    for name in ("queue", "authd", "deliver", "maild"):
        assert box.run(name, "-s", check=False).returncode == 64
