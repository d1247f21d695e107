"""Messages without a header, with 10 MB of it, and with NULs: they go on, what is refused comes back, and nobody takes their size in memory."""

import smtplib

import pytest

import spoolfile
from fakes import FakeSMTP
from instance import Instance, wait_for

FIELD = b"X-Long: " + b"y" * 70 + b"\r\n"
MESSAGES = {
    "nothing": b"", "no header": b"\r\nonly a body\r\n",
    "no colon": b"this is no field\r\n\r\nbody\r\n",
    "no blank line": b"Subject: x\r\n",
    "10 MB of header": b"Subject: x\r\n" + FIELD * (10_000_000 // len(FIELD)) +
                       b"\r\nbody\r\n",
    "a field of 1 MB": b"Subject: x" + b"\r\n y" * 250_000 + b"\r\n\r\nbody\r\n",
    "NUL in the header": b"Subject: a\0b\r\nX: y\r\n\r\nbody\r\n",
    "NUL in the body": b"Subject: x\r\n\r\nbo\0dy\r\n",
}
LARGE = {"10 MB of header", "a field of 1 MB"}


@pytest.fixture(scope="module")
def house():
    with FakeSMTP(offers=("8BITMIME", "SIZE", "PIPELINING"), replies={
            "RCPT <no@b.test>": ["550 5.1.1 no"] * 99}) as far, \
            Instance(extra=f"route b.test smtp:[127.0.0.1]:{far.port}\n"
                     "masquerade alice@a.test me@provider.test\n"
                     "relay-from 127.0.0.0/8\nalerts root@a.test\n"
                     "alert-merge 1s\nmax-message-size 20M\n") as i:
        yield i, far


def peak(i):
    return max(int(line.split()[1]) for pid in i.pids("queue")
               for line in open(f"/proc/{pid}/status")
               if line.startswith("VmHWM"))


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("sender", ["alice@a.test", "root@a.test"])
def test_goes_on_and_comes_back(house, name, sender):
    i, far = house
    text, before = MESSAGES[name], peak(i)
    far.messages.clear()
    n = len(i.messages("alice"))
    if sender.startswith("root"):       # an alert, whose subject is looked at
        spoolfile.put(i, sender, ["yes@b.test"], message=text)
        i.run("mailq", "-q")
    else:
        spoolfile.put(i, sender, ["yes@b.test", "no@b.test"], message=text)
        i.run("mailq", "-q")
        i.wait_messages("alice", n + 1)
    wait_for(lambda: not i.spooled() and far.messages, 20)
    got = far.messages[0][2]
    # a NUL is no octet of SMTP (RFC 5321 2.3.1): it goes as quoted-printable
    body = text.split(b"\r\n\r\n", 1)[-1].replace(b"\0", b"=00")
    assert body in got
    assert len(far.messages) == 1 and far.messages[0][1] == ["yes@b.test"]
    if name in LARGE:
        assert peak(i) - before < 2000, peak(i)


@pytest.mark.parametrize("name", [n for n in MESSAGES if "NUL" not in n])
def test_by_way_of_smtpd_and_sendmail(house, name):
    i, far = house
    far.messages.clear()
    text = MESSAGES[name]
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=30) as s:
        s.ehlo()
        s.mail("x@c.test")
        s.rcpt("yes@b.test")
        assert s.data(text)[0] == 250
    wait_for(lambda: len(far.messages) == 1, 20)
    assert text.split(b"\r\n\r\n", 1)[-1] in far.messages[0][2]
    p = i.run("sendmail", "yes@b.test", input=text.replace(b"\r\n", b"\n"),
              check=False)
    if p.returncode:
        assert p.returncode in (65, 69) and p.stderr
    else:
        wait_for(lambda: len(far.messages) == 2, 20)
