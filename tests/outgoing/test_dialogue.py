"""What goes over the wire: conversion to 7 bits, long lines, BDAT, logins."""

import base64
import contextlib
import email
import email.policy
import http.server
import json
import os
import random
import re
import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.parse

import pytest

import peers_root
from fakes import FakeSMTP, make_cert
from instance import BIN, Instance, wait_for
from peers_run import Missing, Peer, dovecot_folders

# -- messages of all shapes, and what a reader makes of them ------------------

WORDS = ["plain", "Grüße", "日本語", "a=b", ".", "..", "From ", "--", "--b", "-- ",
         " ", "\t", "=", "=C3", "x" * 70, "x" * 75, "é" * 40, "end "]


def lines(rng, most=12):
    return "\n".join("".join(rng.choices(WORDS, k=rng.randint(0, 5)))
                     for _ in range(rng.randint(0, most))) + "\n"


def leaf(rng):
    """(header, body) with LF lines"""
    kind = rng.randrange(9)
    if kind == 0:
        return b"", lines(rng).encode()
    if kind == 1:
        return (b"Content-Type: text/plain; charset=iso-8859-1\n"
                b"Content-Transfer-Encoding: 8bit\n",
                "".join(c if ord(c) < 256 else "?" for c in lines(rng))
                .encode("latin-1"))
    if kind == 2:
        return (b"Content-Transfer-Encoding: base64\n"
                b"Content-Type: application/pdf\n",
                base64.encodebytes(rng.randbytes(rng.randrange(200))))
    if kind == 3:
        return (b"Content-Type: application/x-thing;\n\tname=x\n"
                b"content-transfer-encoding:\n 8BIT\n",
                rng.randbytes(rng.randrange(300)).replace(b"\r", b"")
                .replace(b"\0", b"") + b"\n")
    if kind == 4:
        return b"Content-Type: text/html; charset=utf-8\n", \
            ("<p>" + lines(rng).replace("\n", " ") * 20 + "\n").encode()
    if kind == 5:
        return b"Content-Type: text/plain; charset=utf-8\n", \
            b"only ascii\nhere\n"
    if kind == 6:
        return (b"Content-Type: text/plain; charset=utf-8\n"
                b"Content-Transfer-Encoding: quoted-printable\n",
                b"=C3=A9 soft=\n break\n")
    if kind == 7:
        return b"Content-Type: image/png\nContent-Disposition: attachment\n", \
            b""
    return (b"Content-Type: text/plain; charset=utf-8\n"
            b"Content-Transfer-Encoding: 8bit\n", lines(rng).encode())


def tree(rng, depth=0):
    kind = rng.random()
    if depth > 4 or kind < 0.4:
        return leaf(rng)
    if kind < 0.55:
        header, body = tree(rng, depth + 1)
        return (b"Content-Type: message/rfc822\n",
                b"Subject: inner\nMIME-Version: 1.0\n" + header + b"\n" + body)
    boundary = rng.choice(["b", "=_x y", "--", "a:b", "b%d" % depth])
    # a boundary must not begin another one, nor be one that is open already
    boundary += "%d.%d" % (depth, rng.randrange(10**6))
    body = rng.choice(["", "préamble\n"]).encode()
    for _ in range(rng.randint(1, 4)):
        header, inner = tree(rng, depth + 1)
        body += b"--%s\n%s\n%s\n" % (boundary.encode(), header, inner)
    body += b"--%s--\n" % boundary.encode()
    if rng.random() < 0.3:
        body += "épilogue\n".encode()
    wide = rng.choice([b"", b"Content-Transfer-Encoding: 8bit\n"])
    return (b'Content-Type: multipart/%s;\n boundary="%s"\n%s' % (
        rng.choice([b"mixed", b"alternative", b"related"]),
        boundary.encode(), wide), body)


def shape(part):
    """The tree as a reader sees it: types and decoded contents."""
    if part.is_multipart():
        return [part.get_content_type()] + [shape(p) for p in
                                            part.get_payload()]
    content = part.get_payload(decode=True) or b""
    if part.get_content_maintype() == "text":
        content = content.replace(b"\r\n", b"\n")
    return part.get_content_type(), content


def parse(data):
    return email.message_from_bytes(data, policy=email.policy.compat32)


@pytest.fixture(scope="module")
def smtp(tmp_path_factory):
    work = tmp_path_factory.mktemp("smtp")

    def run(*argv, conf="", input=b"Subject: x\n\nx\n"):
        (work / "conf").write_text("hostname me.test\n" + conf)
        (work / "message").write_bytes(input)
        with (work / "message").open("rb") as f:
            return subprocess.run([BIN, "smtp", "-C", work / "conf", *argv],
                                  stdin=f, timeout=30, stderr=subprocess.PIPE)
    return run


def sent(smtp, message, offers=()):
    with FakeSMTP(offers=("PIPELINING", "SIZE", *offers)) as s:
        p = smtp("-f", "a@me.test", "-H", f"127.0.0.1:{s.port}", "b@b.test",
                 input=message)
        assert (p.returncode, p.stderr) == (0, b"")
        (_, _, data), = s.messages
        return data, s.lines


def check(smtp, message, seed):
    data, spoken = sent(smtp, message)
    # header fields go as they are; here they are ASCII
    assert data.isascii() and b"\0" not in data, seed
    assert max(map(len, data.split(b"\r\n"))) <= 998, seed
    assert shape(parse(data)) == shape(parse(message.replace(b"\n", b"\r\n"))
                                       ), seed
    size = int(re.search(r"SIZE=(\d+)", " ".join(spoken))[1])
    assert len(message) <= size <= 2 * len(data) + 2000, seed


@pytest.mark.parametrize("part", range(3))
def test_converted_messages_read_the_same(smtp, part):
    for seed in range(part * 40, part * 40 + 40):
        rng = random.Random(seed)
        header, body = tree(rng)
        mime = b"MIME-Version: 1.0\n"
        if rng.random() < 0.1 and b"multipart" not in header:
            mime = b""
        check(smtp, b"From: a@me.test\nSubject: x\n" + mime + header + b"\n" +
              body, seed)


def test_with_8bitmime_nothing_is_touched(smtp):
    for seed in range(20):
        header, body = tree(random.Random(seed))
        message = b"MIME-Version: 1.0\n" + header + b"\n" + body
        if max(map(len, message.split(b"\n"))) > 998:
            continue
        data, spoken = sent(smtp, message, ("8BITMIME",))
        assert data == message.replace(b"\n", b"\r\n")
        assert ("BODY=8BITMIME" in " ".join(spoken)) == (
            not message.isascii())


def test_long_lines_are_encoded(smtp):
    text = "Subject: x\n\n" + "é" * 3000 + "\n"
    data, _ = sent(smtp, text.encode(), ("8BITMIME",))
    part = parse(data)
    assert max(map(len, data.split(b"\r\n"))) < 80
    assert part.get_payload(decode=True).decode() == "é" * 3000 + "\r\n"
    assert part.get_content_charset() == "utf-8"


# -- BDAT ---------------------------------------------------------------------

def test_chunks_to_ourselves():
    """A big message and a small one, by queue to another smtpd's BDAT."""
    big = b"Subject: big\r\n\r\n" + b".\r\n" + b"x" * 70 + b"\r\n" * 40000 \
        + b"0123456789\r\n" * 200000
    with Instance() as there:
        route = f"route a.test smtp:[127.0.0.1]:{there.port['smtp']}\n"
        with Instance(domain="c.test", users=(), extra=route) as here:
            for text in (big, b"Subject: small\r\n\r\n.\r\n.x\r\n"):
                here.run("sendmail", "-i", "-f", "", "alice@a.test",
                         input=text.decode())
            got = sorted((p.read_bytes() for p in there.wait_messages(
                "alice", 2)), key=len)
    assert got[0].replace(b"\r\n", b"\n").endswith(b"\n\n.\n.x\n")
    body = got[1].replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]
    assert body == big.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]


# -- logins: our own smtpd, Dovecot's, and what plays a provider --------------

def test_scram_to_our_smtpd(smtp, tmp_path):
    """Which knows the user and his keys, or finds the proof wrong."""
    secret = tmp_path / "secret"
    with Instance() as there:
        port = there.port["smtps"]

        def login(user, password):
            secret.write_text(password + "\n")
            secret.chmod(0o600)
            return smtp("-f", "alice@a.test", "bob@a.test",
                        conf=f"smarthost 127.0.0.1:{port} tls noverify "
                             f"user={user} password-file={secret}\n")

        assert (login("alice@a.test", "alice-pw").returncode) == 0
        p = login("alice@a.test", "wrong")
        assert p.returncode and b"535 " in p.stderr
        assert b"what helps: check user name and password" in p.stderr
        assert len(there.wait_messages("bob", 1)) == 1


class Between(socketserver.ThreadingTCPServer):
    """Sits between, with a certificate of its own, and may change what is offered."""
    daemon_threads = True

    def __init__(self, port, cert, key, change=lambda line: line):
        self.there, self.change, self.said = port, change, b""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cert, key)
        super().__init__(("127.0.0.1", 0), None)
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()

    def __exit__(self, *exc):
        # or the thread goes on, with whoever has its descriptor then
        self.shutdown()
        self.server_close()

    def finish_request(self, request, client_address):
        with contextlib.suppress(OSError), \
                self.tls.wrap_socket(request, server_side=True) as client, \
                ssl._create_unverified_context().wrap_socket(
                    socket.create_connection(("127.0.0.1", self.there), 20)
                ) as server:
            back = threading.Thread(target=self.back, args=(server, client),
                                    daemon=True)
            back.start()
            while data := client.recv(10000):
                self.said += data
                server.sendall(data)

    def back(self, server, client):
        with contextlib.suppress(OSError):
            for line in server.makefile("rb"):
                client.sendall(self.change(line))


@pytest.fixture(scope="module")
def binding():
    with Instance(extra="auth-binding yes\n") as there:
        yield there


def login_at(smtp, tmp_path, port, options=""):
    secret = tmp_path / "secret"
    secret.write_text("alice-pw\n")
    secret.chmod(0o600)
    return smtp("-f", "alice@a.test", "bob@a.test",
                conf=f"smarthost 127.0.0.1:{port} tls noverify "
                     f"user=alice@a.test password-file={secret} {options}\n")


def test_scram_is_bound_to_the_connection(smtp, tmp_path, binding):
    p = login_at(smtp, tmp_path, binding.port["smtps"],
                 "auth=scram-sha-256-plus")
    assert p.returncode == 0, p
    p = login_at(smtp, tmp_path, binding.port["smtps"])
    assert p.returncode == 0, p
    binding.wait_messages("bob", 2)


def test_nobody_between_gets_a_login_or_a_password(smtp, tmp_path, binding):
    """noverify, so the certificate says nothing: the binding does."""
    cert, key = make_cert(tmp_path, "between")
    n = len(binding.messages("bob"))
    with Between(binding.port["smtps"], cert, key) as between:
        p = login_at(smtp, tmp_path, between.server_address[1])
    assert p.returncode and b"535 " in p.stderr
    assert b"AUTH SCRAM-SHA-256-PLUS " in between.said
    assert between.said.count(b"AUTH ") == 1

    with Between(binding.port["smtps"], cert, key, lambda line: line.replace(
            b" SCRAM-SHA-256-PLUS", b"")) as between:
        p = login_at(smtp, tmp_path, between.server_address[1],
                     "auth=scram-sha-256")
    assert p.returncode and b"535 " in p.stderr
    first = re.search(rb"AUTH SCRAM-SHA-256 (\S+)", between.said)[1]
    assert base64.b64decode(first).startswith(b"y,,n=alice@a.test,")
    assert len(binding.messages("bob")) == n


class Provider(http.server.ThreadingHTTPServer):
    """Tells Dovecot whose a token is."""
    def __init__(self):
        super().__init__(("127.0.0.1", 0), TokenInfo)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class TokenInfo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        token = urllib.parse.parse_qs(urllib.parse.urlparse(
            self.path).query).get("access_token", [""])[0]
        good = token == "t0ken"
        body = json.dumps({"username": "bob"} if good else
                          {"error": "invalid_token"}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Dovecot(Peer):
    name = "Dovecot"
    package = "dovecot-core"
    more = ("dovecot-submissiond",)

    def configure(self):
        etc = dovecot_folders(self)
        (etc / "users").write_text("bob:{PLAIN}pencil:2001:2001::/mail/bob\n")
        (etc / "oauth2").write_text(
            "tokeninfo_url = http://127.0.0.1:%d/?access_token=\n"
            "username_attribute = username\n" % self.provider.server_port)
        (etc / "dovecot.conf").write_text(f"""
protocols = submission
listen = 127.0.0.1
log_path = /dev/stderr
auth_mechanisms = plain login scram-sha-256 oauthbearer xoauth2
auth_failure_delay = 0
auth_verbose = yes
ssl_cert = </etc/dovecot/cert.pem
ssl_key = </etc/dovecot/key.pem
passdb {{
  driver = passwd-file
  args = /etc/dovecot/users
  mechanisms = plain login scram-sha-256
}}
passdb {{
  driver = oauth2
  args = /etc/dovecot/oauth2
  mechanisms = oauthbearer xoauth2
}}
userdb {{
  driver = passwd-file
  args = /etc/dovecot/users
}}
mail_location = maildir:~/Maildir
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {self.port}
  }}
}}
service anvil {{
  chroot =
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {self.relay.port}
""")

    def command(self):
        return ["/usr/sbin/dovecot", "-F"]


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory):
    if os.geteuid():
        pytest.skip("needs root for chroot and namespaces")
    if os.environ.get("INTEROP") != "all" and not peers_root.has(
            Dovecot.package, Dovecot.more):
        pytest.skip("make check-interop")
    work = tmp_path_factory.mktemp("dovecot")
    for folder in (work, *work.parents[:2]):
        folder.chmod(0o755)
    peer = Dovecot(work)
    peer.cert = make_cert(work, "localhost")
    peer.provider = Provider()
    with FakeSMTP(offers=("8BITMIME",)) as peer.relay:
        peer.start()
        try:
            yield peer
        finally:
            peer.kill()
            peer.provider.shutdown()
            peer.provider.server_close()


def test_scram_to_dovecot(smtp, dovecot, tmp_path):
    secret = tmp_path / "secret"
    for password, good in (("pencil", True), ("pen", False)):
        secret.write_text(password + "\n")
        secret.chmod(0o600)
        p = smtp("-f", "bob@b.test", "x@b.test", conf=f"smarthost localhost:"
                 f"{dovecot.port} starttls noverify user=bob "
                 f"password-file={secret}\n")
        assert (p.returncode == 0) == good, p.stderr
    assert len(dovecot.relay.messages) == 1
    log = (dovecot.work / "log").read_text(errors="replace")
    assert "method=SCRAM-SHA-256" in log and "method=PLAIN" not in log.split(
        "method=SCRAM-SHA-256")[0]
