"""Ten thousand connections, clients that do not read, very long lines."""

import base64
import pathlib
import re
import smtplib
import socket
import time

import pytest

from instance import Instance, wait_for
from strangers import Stranger

COUNT, AT_A_TIME = 10_000, 500
GROWTH_KB = 1024
OTHERS = 1                      # smtpd's connection to authd comes and goes
LONG = b"x" * 1_000_000


@pytest.fixture(scope="module")
def box():
    with Instance(extra="rate-connections 100000/1h\ncommand-timeout 10s\n"
                  "max-tracked 500\nmax-errors 100\nauth-without-tls yes\n"
                  "max-message-size 3M\nban-after none\n") as i:
        yield i


def usage(box):
    """smtpd's RSS in KB and descriptors."""
    rss = fds = 0
    for pid in box.pids("smtpd"):
        folder = pathlib.Path(f"/proc/{pid}")
        rss += int(re.search(r"VmRSS:\s+(\d+)",
                             (folder / "status").read_text())[1])
        fds += len(list((folder / "fd").iterdir()))
    return rss, fds


@pytest.fixture(autouse=True)
def nothing_grows(box):
    """Each test leaves smtpd as small as it found it, and serving."""
    serves(box)
    time.sleep(0.2)
    before, pids = usage(box), box.pids("smtpd")
    yield
    serves(box)
    wait_for(lambda: usage(box)[1] <= before[1] + OTHERS, 20)
    after = usage(box)
    print(f"RSS {before[0]} -> {after[0]} KB")
    assert after[0] <= before[0] + GROWTH_KB
    assert box.pids("smtpd") == pids


def serves(box):
    wait_for(lambda: answers(box), 20, 0.2)


def answers(box):
    try:
        with smtplib.SMTP("127.0.0.1", box.port["smtp"], timeout=10) as s:
            return s.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def flood(box, address):
    """Connections of which nobody reads; gives how many were greeted with
    220, or refused with 421, of every hundredth."""
    said = {}
    for start in range(0, COUNT, AT_A_TIME):
        socks = [socket.create_connection(
            ("127.0.0.1", box.port["smtp"]), 20, (address(n), 0))
            for n in range(start, start + AT_A_TIME)]
        for s in socks[::100]:
            try:
                code = s.recv(100)[:3]
            except ConnectionResetError:
                code = b""
            said[code] = said.get(code, 0) + 1
        for s in socks:
            s.close()
    return said


def test_ten_thousand_connections_of_one_address(box):
    since = len(box.log())
    said = flood(box, lambda n: "127.0.0.9")
    print(said)
    assert said.get(b"421") and set(said) <= {b"220", b"421", b""}
    # the log is not flooded, too
    assert len(box.log()) - since < 200 * COUNT / 10


def test_ten_thousand_addresses(box):
    since = len(box.log())
    said = flood(box, lambda n: f"127.{1 + n // 60000}.{n // 250 % 240}."
                 f"{1 + n % 250}")
    print(said)
    assert said.get(b"220") and set(said) <= {b"220", b"421", b""}
    assert len(box.log()) - since < 200 * COUNT / 10


@pytest.mark.parametrize("flood", [b"NOOP\r\n", b"EHLO client.test\r\n",
                                   b"VRFY x\r\n"])
def test_a_client_that_reads_nothing(box, flood):
    """It gets no more than the buffers hold, and is gone in time."""
    before = usage(box)
    with Stranger(box) as s:
        s.sock.settimeout(1)
        with pytest.raises(OSError):
            for _ in range(1000):
                s.sock.sendall(flood * 10000)
        assert answers(box)
        assert usage(box)[0] <= before[0] + GROWTH_KB
        wait_for(lambda: usage(box)[1] <= before[1], 30, 0.2)


def test_a_line_of_a_megabyte(box):
    with Stranger(box) as s:
        for line in (b"", b"EHLO ", b"MAIL FROM:<", b"AUTH PLAIN ", b"NOOP "):
            s.sock.sendall(line + LONG + b"\r\n")
            assert s.reply()[:3] == "500", line
        assert s.say("NOOP").startswith("250")
        s.say("EHLO x.example")
        s.say("MAIL FROM:<>")
        s.sock.sendall(b"RCPT TO:<" + LONG + b"@a.test>\r\n")
        assert s.reply()[:3] == "500"
        assert s.say("RCPT TO:<bob@a.test>").startswith("250")
        # RFC 5321 4.5.3.1.6: more than 1000 octets may be taken, and are
        assert s.say("DATA").startswith("354")
        s.sock.sendall(b"X-Long: " + LONG + b"\r\n\r\n" + LONG + b"\r\n.\r\n")
        assert s.reply().startswith("250")
    text = box.wait_messages("bob", 1)[0].read_bytes()
    assert text.endswith(b"X-Long: " + LONG + b"\n\n" + LONG + b"\n")
    box.messages("bob")[0].unlink()


def login(s):
    s.say("EHLO x.example")
    assert s.say("AUTH PLAIN " + base64.b64encode(
        b"\0alice@a.test\0alice-pw").decode()).startswith("235")


def test_a_header_field_of_a_megabyte_at_submission(box):
    """Where missing fields are looked for."""
    with Stranger(box, service="submission") as s:
        login(s)
        s.say("MAIL FROM:<alice@a.test>")
        s.say("RCPT TO:<bob@a.test>")
        s.say("DATA")
        s.sock.sendall(b"Subject: x\r\n" + LONG + b": y\r\n " + LONG
                       + b"\r\n\r\nx\r\n.\r\n")
        assert s.reply().startswith("250")
    text = box.wait_messages("bob", 1)[0].read_bytes()
    assert text.count(b"\nMessage-ID:") == 1 and LONG + b": y\n " + LONG in text
    box.messages("bob")[0].unlink()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_auth_of_100_kb(box, mechanism):
    """RFC 4954 4: 12288 octets are enough for all; 500 for more."""
    much = base64.b64encode(b"\0" + b"a" * 50_000 + b"\0" + b"b" * 25_000)
    assert len(much) == 100_004
    with Stranger(box, service="submission") as s:
        s.say("EHLO x.example")
        s.sock.sendall(b"AUTH " + mechanism.encode() + b" " + much + b"\r\n")
        assert s.reply()[:3] == "500"
        assert s.say(f"AUTH {mechanism}").startswith("334")
        s.sock.sendall(much + b"\r\n")
        assert s.reply()[:3] == "500"
        # it is over, the session is not
        assert s.say("NOOP").startswith("250")
        assert s.say("MAIL FROM:<alice@a.test>").startswith("530")
        login(s)
