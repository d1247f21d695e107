"""greeting-delay, check-hello, check-reverse."""

import signal
import time

import pytest

from instance import Instance, wait_for
from strangers import Stranger, rcpt, served

ZONE = {
    ("good.example", "A"): ["192.0.2.1"],
    ("six.example", "AAAA"): ["2001:db8::1"],
    ("six.example", "A"): [],
    ("slow.example", "A"): "SERVFAIL", ("slow.example", "AAAA"): "SERVFAIL",
    ("only-mx.example", "MX"): [(5, "good.example")],
    ("5.0.0.127.in-addr.arpa", "PTR"): ["five.example"],
    ("five.example", "A"): ["127.0.0.4", "127.0.0.5"],
    ("6.0.0.127.in-addr.arpa", "PTR"): ["liar.example"],
    ("liar.example", "A"): ["127.0.0.66"],
    ("7.0.0.127.in-addr.arpa", "PTR"): "SERVFAIL",
    ("8.0.0.127.in-addr.arpa", "PTR"): ["slow.example"],
    ("9.0.0.127.in-addr.arpa", "PTR"): ["liar.example", "nine.example"],
    ("nine.example", "A"): ["127.0.0.9"],
}


@pytest.fixture(scope="module")
def strict():
    inst, dns = served({}, "check-hello refuse\ncheck-reverse refuse\n"
                       "dnsbl-timeout 3\n", ZONE)
    with inst, dns:
        yield inst


@pytest.mark.parametrize("hello, answer", [
    ("good.example", "250"), ("six.example", "250"), ("[192.0.2.7]", "250"),
    ("GOOD.example.", "250"),
    ("mail.a.test", "550 5.7.1 HELO mail.a.test: that is my name"),
    ("A.TEST", "550 5.7.1 HELO A.TEST: that is my name"),
    ("[127.0.0.1]", "550 5.7.1 HELO [127.0.0.1]: that is my name"),
    ("localhost", "550 5.7.1 HELO localhost: that is my name"),
    ("none.example", "550 5.7.1 The name in HELO has no address"),
    ("only-mx.example", "550 5.7.1 The name in HELO has no address"),
    ("friend", "550 5.7.1 The name in HELO has no address"),
    ("a..b", "550 5.7.1 The name in HELO has no address"),
    ("slow.example", "450 4.7.1 The name in HELO has no address: DNS"),
])
def test_hello(strict, hello, answer):
    assert rcpt(strict, "127.0.0.5", hello=hello)[0].startswith(answer)


@pytest.mark.parametrize("address, answer", [
    ("127.0.0.5", "250"), ("127.0.0.9", "250"), ("127.0.0.1", "250"),
    ("127.0.0.4", "550 5.7.25"), ("127.0.0.6", "550 5.7.25"),
    ("127.0.0.7", "450 4.7.25"), ("127.0.0.8", "450 4.7.25"),
])
def test_reverse(strict, address, answer):
    assert rcpt(strict, address, hello="good.example")[0].startswith(answer)
    assert rcpt(strict, address, "postmaster",
                hello="good.example")[0].startswith("250")


def test_note_only_tells_the_log():
    inst, dns = served({}, "check-hello note\ncheck-reverse note\n", ZONE)
    with inst, dns:
        assert rcpt(inst, "127.0.0.6", hello="mail.a.test")[0].startswith("250")
        for why in ("HELO mail.a.test: that is my name", "Your address has no"):
            assert inst.log().count(f"noted: {why}") == 1


def test_early_talkers():
    with Instance(extra="greeting-delay 1\nrelay-from 127.0.0.4\n"
                  "auth-without-tls yes\n") as inst:
        start = time.monotonic()
        with Stranger(inst) as s:
            assert s.greeting.startswith("220 ")
            assert 0.9 < time.monotonic() - start < 3
            assert s.rcpt()[0].startswith("250")
        with Stranger(inst, greeted=False) as s:
            assert s.say("EHLO x.example") == \
                "554 5.5.1 You talk before the greeting"
            assert s.reply() == ""
        inst.wait_log(r"\[127.0.0.9\]: talked before the greeting")
        # who hangs up while it waits does no harm; others are not delayed
        Stranger(inst, greeted=False).__exit__()
        start = time.monotonic()
        for address, service in (("127.0.0.1", "smtp"), ("127.0.0.4", "smtp"),
                                 ("127.0.0.9", "submission")):
            with Stranger(inst, address, service) as s:
                assert s.greeting.startswith("220 ")
        assert time.monotonic() - start < 0.8
        # a reload drops nobody
        waiting = Stranger(inst, greeted=False)
        time.sleep(0.2)
        ready = inst.log().count("smtpd: ready")
        inst.maild.send_signal(signal.SIGHUP)
        assert waiting.reply().startswith("220 ")
        assert waiting.rcpt()[0].startswith("250")
        waiting.__exit__()
        wait_for(lambda: inst.log().count("smtpd: ready") > ready)
        wait_for(lambda: len(inst.pids("smtpd")) <= 2)
        waiting = Stranger(inst, greeted=False)
        time.sleep(0.2)
        inst.stop()
        assert waiting.reply().startswith("421 4.3.2")
        waiting.__exit__()
