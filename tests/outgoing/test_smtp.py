"""The smtp applet sends one message to servers that behave, or do not."""

import contextlib
import os
import socket
import subprocess
import time

import pytest

from fakes import FakeDNS, FakeSMTP, make_cert
from instance import BIN, Instance

MESSAGE = b"Subject: x\n\n.dot\nend"
WIRE = b"Subject: x\r\n\r\n.dot\r\nend\r\n"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs port 25")


@pytest.fixture
def smtp(tmp_path):
    """smtp(arguments, conf=text, input=bytes, pipe=bool) -> CompletedProcess"""
    def run(*argv, conf="", input=MESSAGE, pipe=False):
        path = tmp_path / "conf"
        path.write_text("hostname me.test\nconnect-timeout 5s\n"
                        "dns-timeout 2s\n" + conf)
        file = tmp_path / "message"
        file.write_bytes(input)
        argv = [BIN, "smtp", "-C", path, *argv]
        if pipe:
            return subprocess.run(argv, input=input, timeout=30,
                                  stderr=subprocess.PIPE)
        with file.open("rb") as f:
            return subprocess.run(argv, stdin=f, timeout=30,
                                  stderr=subprocess.PIPE)
    return run


def test_to_a_host(smtp):
    with FakeSMTP(offers=("PIPELINING", "SIZE", "8BITMIME")) as s:
        p = smtp("-f", "a@me.test", "-s", f"127.0.0.1:{s.port}", "b@b.test",
                 "<c@c.test>")
        assert (p.returncode, p.stderr) == (0, b"")
        assert s.messages == [("a@me.test", ["b@b.test", "c@c.test"], WIRE)]
        assert s.lines[0] == "EHLO me.test"


def test_through_a_pipe_and_with_eight_bits(smtp):
    text = "Subject: é\r\n\r\né\r\n".encode()
    with FakeSMTP(offers=("8BITMIME",)) as s:
        p = smtp("-f", "", "-s", f"[127.0.0.1]:{s.port}", "b@b.test",
                 input=text, pipe=True)
        assert p.returncode == 0
        assert s.messages == [("", ["b@b.test"], text)]
        assert "MAIL FROM:<> BODY=8BITMIME" in s.lines


def test_sender_is_the_caller(smtp):
    me = subprocess.check_output(["id", "-un"], text=True).strip()
    with FakeSMTP() as s:
        smtp("-s", f"127.0.0.1:{s.port}", "b@b.test")
        assert s.messages[0][0] == f"{me}@me.test"


@pytest.mark.parametrize("reply,status", [
    ("550 5.1.1 who?", 67), ("550 5.7.1 no", 69), ("450 4.7.1 later", 75),
    ("550 5.1.2 where?", 68), ("garbage", 76), (None, 75)])
def test_exit_status(smtp, reply, status):
    with FakeSMTP(replies={"RCPT <x@b.test>": reply}) as s:
        p = smtp("-s", f"127.0.0.1:{s.port}", "x@b.test")
        assert p.returncode == status, p.stderr
        assert b"x@b.test: " in p.stderr
        assert not s.messages


def test_some_are_refused(smtp):
    with FakeSMTP(replies={"RCPT <x@b.test>": "550 5.1.1 who?",
                           "RCPT <y@b.test>": "450 4.2.2 full"}) as s:
        p = smtp("-s", f"127.0.0.1:{s.port}", "x@b.test", "y@b.test",
                 "z@b.test")
        assert p.returncode == 75
        assert b"x@b.test: 550 5.1.1 who? (127.0.0.1)" in p.stderr
        assert s.messages[0][1] == ["z@b.test"]


def test_more_than_a_hundred_recipients(smtp):
    rcpts = [f"u{n}@b.test" for n in range(250)]
    with FakeSMTP(offers=("PIPELINING",)) as s:
        assert smtp("-s", f"127.0.0.1:{s.port}", *rcpts).returncode == 0
        assert [len(m[1]) for m in s.messages] == [100, 100, 50]
        assert sum((m[1] for m in s.messages), []) == rcpts
        assert s.sessions == 1


def test_nobody_listens(smtp):
    with FakeSMTP() as s:
        port = s.port
    p = smtp("-s", f"127.0.0.1:{port}", "b@b.test")
    assert p.returncode == 75
    assert b"Connection refused" in p.stderr


def test_size_limit_of_the_other_side_and_of_ours(smtp):
    with FakeSMTP(offers=("SIZE 10",)) as s:
        p = smtp("-s", f"127.0.0.1:{s.port}", "b@b.test")
        assert p.returncode == 69 and b"552 5.3.4" in p.stderr
        assert not any(x.startswith("MAIL") for x in s.lines)
        p = smtp("-s", f"127.0.0.1:{s.port}", "b@b.test", pipe=True,
                 conf="max-message-size 64K\n", input=b"x" * 70000)
        assert p.returncode == 65


def test_tls_and_auth(smtp, tmp_path):
    cert = make_cert(tmp_path, "localhost")
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    conf = f"tls-ca {cert[0]}\n"
    login = ("-u", "me", "-p", str(password))
    with FakeSMTP(cert=cert, user=("me", "secret")) as s:
        to = ("-s", f"localhost:{s.port}")
        p = smtp(*to, *login, "b@b.test", conf=conf)
        assert p.returncode == 0, p.stderr
        # the certificate is not for this name
        p = smtp("-s", f"127.0.0.1:{s.port}", *login, "b@b.test", conf=conf)
        assert p.returncode == 75, p.stderr
        p = smtp("-s", f"127.0.0.1:{s.port}", "--noverify", *login,
                 "b@b.test", conf=conf)
        assert p.returncode == 0, p.stderr
        password.write_text("wrong\n")
        p = smtp(*to, *login, "b@b.test", conf=conf)
        assert p.returncode == 77, p.stderr
        assert len(s.messages) == 2
    with FakeSMTP(cert=cert, tls=True) as s:
        p = smtp("-s", f"localhost:{s.port}", "--tls", "tls", "b@b.test",
                 conf=conf)
        assert p.returncode == 0, p.stderr
    with FakeSMTP(user=("me", "secret")) as s:
        for mode in ((), ("--tls", "may"), ("--tls", "starttls")):
            p = smtp("-s", f"localhost:{s.port}", *mode, *login, "b@b.test",
                     conf=conf)
            assert p.returncode in (75, 77), p.stderr
        assert not any(x.startswith("AUTH") for x in s.lines)
    password.chmod(0o644)
    p = smtp("-s", "localhost", *login, "b@b.test")
    assert p.returncode == 78 and b"others can read it" in p.stderr


def test_smarthost_of_the_configuration(smtp):
    with FakeSMTP() as s:
        p = smtp("b@b.test", "c@c.test",
                 conf=f"smarthost 127.0.0.1:{s.port} none\n")
        assert p.returncode == 0, p.stderr
        assert s.messages[0][1] == ["b@b.test", "c@c.test"]


@pytest.mark.parametrize("argv", [
    (), ("-s", "", "b@b"), ("-s", "a:b", "b@b"), ("-s", "a:0", "b@b"),
    ("-s", "a", "--tls", "x", "b@b"), ("--tls", "tls", "b@b"),
    ("-s", "a", "-u", "me", "b@b"), ("--what", "b@b")])
def test_wrong_usage(smtp, argv):
    assert smtp(*argv).returncode == 64


def test_wrong_configuration(smtp):
    p = smtp("b@b.test", conf="nonsense\n")
    assert p.returncode == 78 and b"conf:" in p.stderr


# -- MX: hosts of the loopback network on the real port --

@root_only
def test_best_mx_is_down(smtp):
    zone = {("b.test", "MX"): [(20, "two.b.test"), (10, "one.b.test")],
            ("one.b.test", "A"): ["127.0.25.1"],
            ("two.b.test", "A"): ["127.0.25.2"]}
    with FakeDNS(zone) as dns, FakeSMTP("127.0.25.2", 25) as s:
        conf = f"nameserver 127.0.0.1:{dns.port}\nmx-loopback yes\n"
        p = smtp("x@b.test", "y@B.test", conf=conf)
        assert p.returncode == 0, p.stderr
        assert s.messages[0][1] == ["x@b.test", "y@B.test"]
        with FakeSMTP("127.0.25.1", 25, replies={"greeting": "421 busy"}) as w:
            assert smtp("x@b.test", conf=conf).returncode == 0
            assert w.sessions == 1
        with FakeSMTP("127.0.25.1", 25) as better:
            assert smtp("x@b.test", conf=conf).returncode == 0
            assert better.messages
        assert len(s.messages) == 2


@root_only
def test_opportunistic_tls(smtp, tmp_path):
    cert = make_cert(tmp_path, "whoever")
    zone = {("b.test", "A"): ["127.0.25.1"]}
    with FakeDNS(zone) as dns:
        conf = f"nameserver 127.0.0.1:{dns.port}\nmx-loopback yes\n"
        with FakeSMTP("127.0.25.1", 25, cert=cert) as s:
            assert smtp("x@b.test", conf=conf).returncode == 0
            assert "STARTTLS" in s.lines and s.messages
        # it offers what it cannot do: the mail goes in plain
        with FakeSMTP("127.0.25.1", 25, offers=("STARTTLS",)) as s:
            p = smtp("x@b.test", conf=conf)
            assert p.returncode == 0, p.stderr
            assert s.sessions == 2 and s.messages


def test_what_dns_says(smtp):
    zone = {("null.test", "MX"): [(0, "")],
            ("self.test", "MX"): [(10, "me.test"), (20, "worse.test")],
            ("lost.test", "MX"): [(10, "gone.test")],
            ("empty.test", "CNAME"): [],
            ("broken.test", "MX"): "SERVFAIL",
            ("silent.test", "MX"): "silence"}
    with FakeDNS(zone) as dns:
        def status(domain):
            p = smtp(f"x@{domain}", conf=f"nameserver 127.0.0.1:{dns.port}\n")
            return p.returncode, p.stderr.decode().split(": ", 2)[2][:9]
        assert status("null.test") == (69, "556 5.1.1")
        assert status("gone.test") == (68, "550 5.1.2")
        assert status("self.test") == (69, "554 5.4.6")
        assert status("lost.test") == (69, "550 5.4.4")
        assert status("empty.test") == (69, "550 5.4.4")
        assert status("broken.test") == (75, "451 4.4.3")
        assert status("silent.test") == (75, "451 4.4.3")
        p = smtp("nobody", "x@gone.test",
                 conf=f"nameserver 127.0.0.1:{dns.port}\n")
        assert b"nobody: 553 5.1.3" in p.stderr
        assert b"x@gone.test: 550 5.1.2" in p.stderr


@contextlib.contextmanager
def silent(host, port):
    """Answers no SYN: its queue is full."""
    with socket.socket() as s, contextlib.ExitStack() as stack:
        s.bind((host, port))
        s.listen(0)
        for _ in range(4):
            c = stack.enter_context(socket.socket())
            c.setblocking(False)
            c.connect_ex((host, port))
        yield


def test_an_address_that_is_silent_costs_little(smtp):
    """Those of one host are dialled 300 ms apart (RFC 8305), by sendmail, too."""
    zone = {("mx.b.test", "A"): ["127.0.25.43", "127.0.25.44"]}
    with FakeDNS(zone) as dns, FakeSMTP("127.0.25.44") as s, \
            silent("127.0.25.43", s.port):
        start = time.monotonic()
        p = smtp("-v", "-f", "a@me.test", "-s", f"mx.b.test:{s.port}",
                 "--tls", "none", "b@b.test",
                 conf=f"nameserver 127.0.0.1:{dns.port}\n")
        assert p.returncode == 0 and time.monotonic() - start < 3, p.stderr
        with Instance(start=False, omit=("nameserver",), extra=f"nameserver "
                      f"127.0.0.1:{dns.port}\nsendmail-direct yes\n"
                      f"smarthost mx.b.test:{s.port} none\n") as i:
            start = time.monotonic()
            i.run("sendmail", "-f", "a@a.test", "b@b.test",
                  input="Subject: x\n\nx\n")
            assert time.monotonic() - start < 3
        assert len(s.messages) == 2
