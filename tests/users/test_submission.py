"""What a submission server adds, and what it leaves alone (RFC 6409 8)."""

import email
import email.utils
import smtplib
import ssl
import time

import pytest

from instance import Instance

FULL = ("From: A <alice@a.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
        "Message-ID: <own@x>\r\nSubject: x\r\n\r\nFrom: body\r\n")


@pytest.fixture(scope="module")
def box():
    with Instance() as i:
        yield i


def send(i, service, text, chunks=0):
    before = len(i.messages("bob"))
    context = ssl._create_unverified_context()
    with smtplib.SMTP("127.0.0.1", i.port[service], timeout=20) as s:
        if service == "submission":
            s.starttls(context=context)
            s.login("alice@a.test", "alice-pw")
        s.ehlo()
        s.mail("alice@a.test")
        s.rcpt("bob@a.test")
        if chunks:
            data = text.encode()
            for at in range(0, len(data), chunks):
                piece = data[at:at + chunks]
                last = " LAST" if at + chunks >= len(data) else ""
                s.send(f"BDAT {len(piece)}{last}\r\n".encode() + piece)
                code, reply = s.getreply()
        else:
            code, reply = s.data(text)
        assert code == 250, reply
    i.wait_messages("bob", before + 1)
    newest = max(i.messages("bob"), key=lambda p: p.stat().st_mtime_ns)
    return newest.read_text()


@pytest.mark.parametrize("chunks", [0, 1, 7])
def test_missing_fields_are_added(box, chunks):
    text = send(box, "submission", "Subject: x\r\nTo: b\r\n\r\nDate: body\r\n",
                chunks)
    m = email.message_from_string(text)
    assert m.get_all("From") == ["<alice@a.test>"]
    assert len(m.get_all("Message-ID")) == 1
    when = email.utils.parsedate_to_datetime(m["Date"])
    assert abs(when.timestamp() - time.time()) < 60
    assert m.get_payload() == "Date: body\n"


def test_header_alone(box):
    m = email.message_from_string(send(box, "submission", "Subject: x\r\n"))
    assert m["Date"] and m["Message-ID"] and m["Subject"] == "x"


def test_what_is_there_stays(box):
    text = send(box, "submission", FULL)
    assert text.endswith(FULL.replace("\r\n", "\n")), text


def test_a_relay_adds_nothing(box):
    text = send(box, "smtp", "Subject: x\r\n\r\nx\r\n")
    m = email.message_from_string(text)
    assert not m["Date"] and not m["Message-ID"] and not m["From"]
