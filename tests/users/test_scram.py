"""SCRAM-SHA-256 and -PLUS as smtpd and pop3d speak it (RFC 5802, 7677, 5929)."""

import base64
import contextlib
import hashlib
import hmac
import socket
import ssl
import subprocess
import threading
import time

import pytest

from instance import Instance

USER, PASSWORD = "alice@a.test", "alice-pw"
GOOD = {"smtps": b"235 ", "pop3s": b"+OK "}
WRONG = {"smtps": b"535 5.7.8 ", "pop3s": b"-ERR [AUTH] "}
BROKEN = {"smtps": b"501 5.5.2 ", "pop3s": b"-ERR not a response"}
services = pytest.mark.parametrize("service", ["smtps", "pop3s"])


@pytest.fixture(scope="module")
def box():
    with Instance(extra="auth-binding yes\nmax-errors 100\n") as i:
        yield i


def digest(key, text):
    return hmac.new(key, text, "sha256").digest()


def b64(data):
    return base64.b64encode(data)


class Client:
    """A client of our own: the others cannot be made to lie."""
    def __init__(self, box, service):
        raw = socket.create_connection(("127.0.0.1", box.port[service]), 30)
        raw.settimeout(30)
        self.sock = ssl._create_unverified_context().wrap_socket(raw)
        self.file = self.sock.makefile("rb")
        self.end_point = hashlib.sha256(
            self.sock.getpeercert(binary_form=True)).digest()
        self.file.readline()
        self.smtp = service == "smtps"
        if self.smtp:
            self.say(b"EHLO c")
            while not self.line.startswith(b"250 "):
                self.line = self.file.readline()
                if self.line.startswith(b"250-AUTH "):
                    self.offer = self.line.split()[1:]

    def say(self, line):
        self.sock.sendall(line + b"\r\n")
        self.line = self.file.readline()
        return self.line

    def challenge(self):
        word, _, text = self.line.strip().partition(b" ")
        assert word == (b"334" if self.smtp else b"+"), self.line
        return base64.b64decode(text)

    def first(self, user=USER, header=b"n,,", name=b"SCRAM-SHA-256",
              nonce=b"rOprNGfwEbeRWgbNEkqO"):
        """To the server's first message: (salt, rounds)."""
        self.bare = b"n=" + user.encode() + b",r=" + nonce
        self.header = header
        self.say(b"AUTH " + name)
        assert self.challenge() == b""
        self.say(b64(header + self.bare))
        self.server = self.challenge()
        values = dict(v.split(b"=", 1) for v in self.server.split(b","))
        self.nonce = values[b"r"]
        assert self.nonce.startswith(nonce) and self.nonce != nonce
        return base64.b64decode(values[b"s"]), int(values[b"i"])

    def final(self, password, salt, rounds, bound=b"", nonce=None):
        """The last message; sets what the server must show."""
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt,
                                     rounds)
        key = digest(salted, b"Client Key")
        text = (b"c=" + b64(self.header + bound) + b",r="
                + (nonce or self.nonce))
        message = b",".join([self.bare, self.server, text])
        mask = digest(hashlib.sha256(key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(key, mask))
        self.expected = digest(digest(salted, b"Server Key"), message)
        self.last = b64(text + b",p=" + b64(proof))
        return self.say(self.last)

    def login(self, password=PASSWORD, bound=b"", **kw):
        self.final(password, *self.first(**kw), bound=bound)
        if self.line[:3] in (b"535", b"-ER"):
            return self.line
        assert self.challenge() == b"v=" + b64(self.expected)
        return self.say(b"")


@services
def test_right_and_wrong(box, service):
    assert Client(box, service).login().startswith(GOOD[service])
    assert Client(box, service).login(user="alice").startswith(GOOD[service])
    c = Client(box, service)
    start = time.monotonic()
    assert c.login("wrong").startswith(WRONG[service])
    assert time.monotonic() - start > 0.9
    box.wait_log(f"authd: login failed user=<{USER}> service={service} "
                 r"peer=\[127.0.0.1\]")
    assert c.login().startswith(GOOD[service])


def test_mail_is_sent_and_names_the_user(box):
    c = Client(box, "smtps")
    assert c.offer == [b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256", b"PLAIN",
                       b"LOGIN"]
    assert c.login(user="ALICE").startswith(b"235 ")
    for line, code in ((b"MAIL FROM:<alice@a.test>", b"250"),
                       (b"RCPT TO:<bob@a.test>", b"250"), (b"DATA", b"354"),
                       (b"Subject: x\r\n\r\nx\r\n.", b"250")):
        assert c.say(line).startswith(code)
    assert c.say(b"AUTH SCRAM-SHA-256").startswith(b"503 ")
    box.wait_log("user=alice@a.test")


@services
def test_binding(box, service):
    """RFC 5802 6, with RFC 5929 4.1."""
    plus = dict(header=b"p=tls-server-end-point,,",
                name=b"SCRAM-SHA-256-PLUS")
    c = Client(box, service)
    for bound in (b"", bytes(32), c.end_point[:31], c.end_point + b"x"):
        c = Client(box, service)
        assert c.login(bound=bound, **plus).startswith(WRONG[service])
    assert c.login(bound=c.end_point, **plus).startswith(GOOD[service])
    # "y": somebody has hidden -PLUS from the client
    c = Client(box, service)
    assert c.login(header=b"y,,").startswith(WRONG[service])
    for header in (b"p=tls-unique,,", b"p=,,", b"n,,", b"y,,"):
        c.say(b"AUTH SCRAM-SHA-256-PLUS")
        c.say(b64(header + b"n=alice,r=x"))
        assert c.line.startswith(BROKEN[service])
    c.say(b"AUTH SCRAM-SHA-256")
    c.say(b64(b"p=tls-server-end-point,,n=alice,r=x"))
    assert c.line.startswith(BROKEN[service])


def test_nobody_looks_like_somebody(box):
    c = Client(box, "smtps")
    salts = []
    for _ in range(2):
        salt, rounds = c.first(user="nobody@a.test")
        salts.append(salt)
        assert len(salt) == 16 and rounds == 4096
        assert c.final("x", salt, rounds).startswith(b"535 5.7.8 ")
    assert salts[0] == salts[1]
    assert c.first(user="Alice")[1] == 4096
    c.say(b"*")
    # it is kept in state-dir
    assert (box.dir / "state" / "authd.secret").stat().st_mode & 0o777 == 0o600


@services
def test_replay(box, service):
    """What was overheard is good for that nonce alone."""
    c = Client(box, service)
    salt, rounds = c.first()
    c.final(PASSWORD, salt, rounds)
    c.say(b"*")
    old, old_nonce = c.last, c.nonce
    assert c.first() == (salt, rounds) and c.nonce != old_nonce
    assert c.say(old).startswith(WRONG[service])
    c.first()
    c.final(PASSWORD, salt, rounds, nonce=old_nonce)
    assert c.line.startswith(WRONG[service])
    # a proof without a first message
    c.say(b"AUTH SCRAM-SHA-256")
    assert c.say(old).startswith(BROKEN[service])


@services
def test_rubbish(box, service):
    firsts = [b"not base64!", b"=", b64(b"\0"), b64(b"n,,n=a\0b,r=x"),
              b64(b"n,,n=alice"), b64(b"n,a=bob,n=alice,r=x"),
              b64(b"n,,m=x,n=alice,r=x"), b64(b"n,,n=al=ice,r=x"),
              b64(b"n,,n=al\xffice,r=x"), b64(b"n,,n=alice,r=" + b"x" * 900)]
    c = Client(box, service)
    for text in firsts:
        c.say(b"AUTH SCRAM-SHA-256")
        assert c.say(text).startswith(BROKEN[service]), text
    for text in (b"not base64!", b"", b64(b"\0" * 50), b64(b"c=biws,r=x"),
                 b64(b"c=biws,r=x,p=x")):
        c.first()
        assert c.say(text).startswith(BROKEN[service]), text
    # 100 KB in one line; somebody vanishes half-way
    for step in range(2):
        c = Client(box, service)
        c.first() if step else c.say(b"AUTH SCRAM-SHA-256")
        assert c.say(b"A" * 100000)[:3] in (b"500", b"-ER")
        assert c.login().startswith(GOOD[service])
        c = Client(box, service)
        c.first()
        c.sock.close()
    assert Client(box, service).login().startswith(GOOD[service])


def pump(a, b):
    with contextlib.suppress(OSError):
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)


def hello_first(listener, port):
    """gsasl says STARTTLS without EHLO: what sits between says it."""
    client = listener.accept()[0]
    server = socket.create_connection(("127.0.0.1", port))
    greeting = server.recv(1000)
    server.sendall(b"EHLO c\r\n")
    while b"\r\n250 " not in (reply := server.recv(4000)):
        assert reply
    client.sendall(greeting)
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


@pytest.mark.parametrize("password,status,says", [
    (PASSWORD, 0, b"server trusted"), ("wrong", 1, b"535 5.7.8 ")])
def test_exporter_with_gsasl(box, password, status, says):
    """RFC 9266: TLS 1.3, and a mbedTLS that tells."""
    if Client(box, "smtps").sock.version() != "TLSv1.3":
        pytest.skip("needs TLS 1.3: mbedTLS 3.6.3 or later")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=hello_first, daemon=True, args=(
        listener, box.port["submission"])).start()
    p = subprocess.run(
        ["gsasl", "--smtp", "--connect",
         f"127.0.0.1:{listener.getsockname()[1]}", "--starttls",
         "--x509-ca-file=", "-m", "SCRAM-SHA-256-PLUS", "-a", USER, "-z", "",
         "-p", password],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=30)
    assert says in p.stdout and p.returncode == status, p.stdout


def test_without_tls_nothing_is_offered(box):
    with socket.create_connection(("127.0.0.1", box.port["smtp"]), 10) as s:
        f = s.makefile("rb")
        f.readline()
        s.sendall(b"EHLO c\r\nAUTH SCRAM-SHA-256\r\nQUIT\r\n")
        text = f.read()
    assert b"SCRAM" not in text and b"530 5.7.0 " in text


def test_it_is_not_bound_by_default():
    with Instance(users=("alice",)) as box:
        c = Client(box, "smtps")
        assert c.offer == [b"SCRAM-SHA-256", b"PLAIN", b"LOGIN"]
        assert c.login(header=b"y,,").startswith(b"235 ")
        c = Client(box, "smtps")
        assert c.say(b"AUTH SCRAM-SHA-256-PLUS").startswith(b"504 ")
