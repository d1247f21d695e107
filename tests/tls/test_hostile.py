"""What is no TLS, or half of it: that session ends, with a line in the log,
and nothing else does."""

import os
import smtplib
import socket
import struct
import subprocess
import time

import pytest

from certs import anybody
from instance import Instance


@pytest.fixture(scope="module")
def i():
    with Instance(extra="command-timeout 2\n") as instance:
        yield instance


@pytest.fixture(autouse=True)
def everybody_else_is_served(i):
    """A session from before, and one from after."""
    pids = i.pids("smtpd")
    yield
    with smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"], context=anybody(),
                          timeout=10) as s:
        assert s.noop()[0] == 250
    assert i.pids("smtpd") == pids


def connect(i, service="smtps"):
    return socket.create_connection(("127.0.0.1", i.port[service]), 10)


def ends(s):
    """Reads until the other side closes; gives what came."""
    got = b""
    while True:
        try:
            more = s.recv(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            return got
        got += more


def record(kind, data, version=0x0301):
    return struct.pack("!BHH", kind, version, len(data)) + data


def handshake(kind, data):
    return struct.pack("!I", kind << 24 | len(data)) + data


def client_hello(padding=0):
    """A correct one of TLS 1.2, with the padding extension (RFC 7685)."""
    ext = struct.pack("!HHHHH", 10, 4, 2, 23, 0)[:8]    # P-256
    ext += struct.pack("!HHHHH", 13, 6, 4, 0x0403, 0x0401)
    ext += struct.pack("!HHBB", 11, 2, 1, 0)
    if padding:
        ext += struct.pack("!HH", 21, padding) + bytes(padding)
    body = b"\x03\x03" + os.urandom(32) + b"\0" + struct.pack(
        "!HHH", 4, 0xc02b, 0xc02f) + b"\x01\0" + struct.pack(
            "!H", len(ext)) + ext
    return handshake(1, body)


def test_smtp_on_the_tls_port(i):
    since = len(i.log())
    with connect(i) as s:
        s.sendall(b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n")
        ends(s)
    i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS: the other side does not speak TLS",
               since=since)


def test_pop_on_the_tls_port(i):
    since = len(i.log())
    with connect(i, "pop3s") as s:
        s.sendall(b"USER alice\r\nPASS x\r\n")
        ends(s)
    i.wait_log(r"pop3d.*\[127.0.0.1\]: TLS: the other side does not speak TLS",
               since=since)


@pytest.mark.parametrize("service", ["smtp", "submission", "pop3"])
@pytest.mark.parametrize("step", [1, 100, 1000])
def test_tls_on_a_plain_port(i, service, step):
    """It would wait for a ServerHello; here it hears nothing, at once."""
    since = len(i.log())
    hello = record(22, client_hello())
    with connect(i, service) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert s.recv(100)
        start = time.monotonic()
        try:
            for at in range(0, len(hello), step):
                s.sendall(hello[at:at + step])
        except OSError:
            pass
        assert ends(s) == b""
        assert time.monotonic() - start < 1.5       # no time-out
    i.wait_log(r"(smtpd|pop3d): \[127.0.0.1\]: TLS where the session is in "
               "plain", since=since)


@pytest.mark.parametrize("junk", [
    b"\x16\x03\x01", os.urandom(5000), b"\x16\x03\x01\xff\xff" + b"x" * 70000,
    b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\0" * 37,   # SSL 2
    record(23, b"data before a handshake"), record(22, b""),
    record(21, b"\x02\x28"), record(22, handshake(2, b"\0" * 40)),
    record(22, handshake(1, b"")), record(22, b"\x01\xff\xff\xff" * 4000),
    record(22, client_hello())[:-5] + b"\xff" * 5,
], ids=["beginning", "random", "long", "ssl2", "data", "empty", "alert",
        "serverhello", "hello-empty", "lengths", "hello-broken"])
def test_garbage(i, junk):
    since = len(i.log())
    with connect(i) as s:
        try:
            s.sendall(junk)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        ends(s)
    i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS", since=since)


def test_garbage_behind_starttls(i):
    since = len(i.log())
    with connect(i, "smtp") as s:
        f = s.makefile("rwb")
        f.readline()
        f.write(b"EHLO c\r\n")
        f.flush()
        while f.readline()[3:4] == b"-":
            pass
        f.write(b"STARTTLS\r\n")
        f.flush()
        assert f.readline().startswith(b"220 ")
        s.sendall(os.urandom(100))
        ends(s)
    i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS", since=since)


def test_a_handshake_that_stops_halfway(i):
    since = len(i.log())
    with connect(i) as s:
        s.sendall(record(22, client_hello()))
        start = time.monotonic()
        assert ends(s)[:1] == b"\x16"       # our flight, and then nothing
        assert time.monotonic() - start < 8
    i.wait_log(r"smtpd.*\[127.0.0.1\]: .*too long", since=since)


def test_a_handshake_octet_by_octet_has_an_end(i):
    since = len(i.log())
    with connect(i) as s:
        start = time.monotonic()
        try:
            for octet in record(22, client_hello(500)):
                s.sendall(bytes([octet]))
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - start < 10
    i.wait_log(r"smtpd.*\[127.0.0.1\]: .*too long", since=since)


def test_a_hello_of_16_kb(i):
    """In one record, as long as a record may be."""
    with connect(i) as s:
        s.sendall(record(22, client_hello(16384 - len(client_hello(1)) + 1)))
        got = s.recv(5)
    assert got[0] == 22, got


def test_a_hello_over_16_kb(i):
    since = len(i.log())
    with connect(i) as s:
        hello = client_hello(40000)
        try:
            for at in range(0, len(hello), 16000):
                s.sendall(record(22, hello[at:at + 16000]))
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        got = ends(s)
    assert got[:1] in (b"", b"\x15")            # an alert at most
    i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS", since=since)


def test_renegotiation(i):
    """RFC 5246 7.2.2: no_renegotiation; openssl then gives up."""
    p = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{i.port['smtps']}",
         "-tls1_2", "-legacy_renegotiation"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.7)
    p.stdin.write("R\n")
    p.stdin.flush()
    out, _ = p.communicate(timeout=20)
    assert "RENEGOTIATING" in out
    assert "no renegotiation" in out or "no_renegotiation" in out, out
    i.wait_log(r"smtpd.*\[127.0.0.1\]: (TLS|closed|timed out)")
