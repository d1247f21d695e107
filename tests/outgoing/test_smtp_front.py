"""smtp as msmtp is: -t, a prompt, --check and --serverinfo; mailconf's import."""

import contextlib
import email
import hashlib
import json
import os
import re
import socket
import subprocess
import threading

import pexpect
import pytest

from fakes import FakeDNS, FakeSMTP, make_cert
from instance import BIN, free_port

CONF = ("hostname me.test\ndomain a.test\nconnect-timeout 2s\n"
        "dns-timeout 1s\n")


@pytest.fixture
def conf(tmp_path):
    """conf(more) -> path"""
    def write(more=""):
        path = tmp_path / "conf"
        path.write_text(CONF + more)
        return path
    return write


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("secret\n")
    path.chmod(0o600)
    return path


def smtp(conf, *argv, input=b"Subject: x\n\nx\n", status=0, env=None):
    p = subprocess.run([BIN, "smtp", "-C", conf, *[str(a) for a in argv]],
                       input=input, stdout=subprocess.PIPE, timeout=40,
                       stderr=subprocess.PIPE, start_new_session=True,
                       env={**os.environ, **(env or {})})
    assert p.returncode == status, (p.stdout, p.stderr)
    return p.stdout.decode(), p.stderr.decode()


# --- -t

def test_recipients_from_the_header(conf):
    text = (b"From: root\nTo: b@b.test, Group: c@b.test;\nBcc: d@b.test\n"
            b"Subject: s\n\n.\nbody\n")
    with FakeSMTP() as s:
        smtp(conf(), "-ti", "-f", "me@a.test", "-s", f"127.0.0.1:{s.port}",
             "e@b.test", "b@b.test", input=text)
        (sender, rcpts, data), = s.messages
        assert sender == "me@a.test"
        assert rcpts == ["e@b.test", "b@b.test", "c@b.test", "d@b.test"]
        m = email.message_from_bytes(data)
        assert m["Bcc"] is None and m["From"] == "root@a.test"
        assert m["Date"] and m["Message-ID"].endswith("@me.test>")
        assert data.endswith(b"Subject: s\r\n" + data.split(
            b"Subject: s\r\n")[1]) and data.endswith(b"\r\n\r\n.\r\nbody\r\n")


@pytest.mark.parametrize("text,wire", [
    (b"To: b@b.test\r\nFrom: x@y.test\r\nDate: d\r\nMessage-ID: <i>\r\n\r\n"
     b"x\r\n", None),
    (b"To: b@b.test\nFrom: x@y.test\nDate: d\nMessage-ID: <i>\nno field\n",
     b"To: b@b.test\r\nFrom: x@y.test\r\nDate: d\r\nMessage-ID: <i>\r\n\r\n"
     b"no field\r\n"),
    (b"To: b@b.test\nFrom: x@y.test\nDate: d\nMessage-ID: <i>\n",
     b"To: b@b.test\r\nFrom: x@y.test\r\nDate: d\r\nMessage-ID: <i>\r\n\r\n"),
])
def test_header_as_it_was(conf, text, wire):
    with FakeSMTP() as s:
        smtp(conf(), "-t", "-s", f"127.0.0.1:{s.port}", input=text)
        assert s.messages[0][2] == (wire or text)


def test_header_that_cannot_be(conf):
    with FakeSMTP() as s:
        to = ("-t", "-s", f"127.0.0.1:{s.port}")
        for text in (b"Subject: nobody\n\nx\n", b"To: a b\n\nx\n",
                     b"To: b@b.test\nX: a\0b\n\nx\n",
                     b"To: b@b.test\nX: " + b"y" * 300_000):
            assert smtp(conf(), *to, input=text, status=65)[1]
        assert not s.messages


def test_domain_and_name(conf):
    with FakeSMTP() as s:
        smtp(conf(), "--domain", "[192.0.2.7]", "-t", "-F", "Grüße", "-f",
             "<>", "-s", f"127.0.0.1:{s.port}", input=b"To: b@b.test\n\nx\n")
        assert s.lines[0] == "EHLO [192.0.2.7]"
        assert s.messages[0][0] == ""
        assert b"\r\nFrom: =?UTF-8?" in s.messages[0][2]


# --- the password

def test_prompt(conf, tmp_path):
    cert = make_cert(tmp_path, "localhost")
    (tmp_path / "m").write_bytes(b"Subject: x\n\nx\n")
    with FakeSMTP(cert=cert, user=("me", "secret")) as s:
        run = (f"{BIN} smtp -C {conf(f'tls-ca {cert[0]}')} -s localhost:"
               f"{s.port} --tls starttls -u me b@b.test")
        for said, status in (("secret", 0), ("wrong", 77)):
            p = pexpect.spawn("/bin/sh", ["-c", f"{run} <{tmp_path}/m"],
                              timeout=20)
            p.expect("Password of me at localhost: ")
            p.sendline(said)
            p.expect(pexpect.EOF)
            p.close()
            assert said.encode() not in p.before and p.exitstatus == status
        assert len(s.messages) == 1
    # there is nobody to ask
    assert "no terminal" in smtp(conf(), "-s", "h.test", "-u", "me", "b@b",
                                 status=64)[1]


def test_fingerprint(conf, tmp_path):
    cert = make_cert(tmp_path, "whoever")
    pem = cert[0].read_text()
    der = subprocess.check_output(["openssl", "x509", "-in", cert[0],
                                   "-outform", "DER"])
    good = hashlib.sha256(der).hexdigest()
    with FakeSMTP(cert=cert) as s:
        to = ("-s", f"127.0.0.1:{s.port}", "--fingerprint")
        smtp(conf(), *to, good, "b@b.test")
        colons = ":".join(re.findall("..", good.upper()))
        smtp(conf(), *to, colons, "b@b.test")
        assert smtp(conf(), *to, good[:-1] + ("0" if good[-1] != "0" else "1"),
                    "b@b.test", status=75)[1]
        for wrong in ("", good[:-2], good + "00", "x" * 64):
            smtp(conf(), *to, wrong, "b@b.test", status=64)
        assert len(s.messages) == 2 and pem


# --- --check, --serverinfo

def info(conf, *argv, status=0, **kw):
    out, err = smtp(conf, "--serverinfo", *argv, status=status, **kw)
    assert err == "" and out.count("\n") == 1
    return json.loads(out)


def test_a_good_server(conf, tmp_path, password):
    cert = make_cert(tmp_path, "localhost")
    with FakeSMTP(offers=("PIPELINING", "SIZE 35882577", "8BITMIME"),
                  cert=cert, user=("me", "secret")) as s:
        where = f"localhost:{s.port}"
        c = conf(f"tls-ca {cert[0]}\n")
        out = smtp(c, "--check", "-u", "me", "-p", password, where)[0]
        for text in ("TLSv1.", "issued by   CN=localhost", " days more)",
                     "verified    it is localhost", "PLAIN LOGIN, without "
                     "TLS", "34 MB", "logged in:    as me", "also:         "
                     "PIPELINING, 8BITMIME", f"  smarthost {where} starttls "
                     f"user=me password-file={password}\n"):
            assert text in out, (text, out)
        assert not s.messages and s.sessions == 2
        # what it tells to write is what our configuration understands
        line = re.search("^  (smarthost .*)$", out, re.M)[1]
        check = conf(line + "\n")
        subprocess.run([BIN, "mailconf", "-C", check], check=True)
        got = info(conf(f"tls-ca {cert[0]}\n"), where)
        port, = got["ports"]
        assert got["host"] == "localhost" and "127.0.0.1" in got["addresses"]
        assert port["good"] and port["tls"] == "starttls"
        assert port["auth"] == port["auth_tls"] == ["PLAIN", "LOGIN"]
        assert port["size"] == 35882577 and port["login"] is None
        assert "STARTTLS" in port["ehlo"] and "STARTTLS" not in port["ehlo_tls"]
        shown = port["certificate"]
        assert shown["verified"] and shown["names"] == ["localhost"]
        assert shown["fault"] is None
        for name, what in (("sha256", ["x509", "-fingerprint", "-sha256",
                                       "-noout"]),):
            said = subprocess.check_output(["openssl", *what, "-in", cert[0]],
                                           text=True)
            assert said.strip().split("=")[1].replace(":", "").lower() == \
                shown[name]
        assert 0 <= port["connect_ms"] < 2000 and port["tls_ms"] >= 0


def test_certificates_that_are_not_good(conf, tmp_path, password):
    cert = make_cert(tmp_path, "whoever")
    with FakeSMTP(cert=cert, user=("me", "secret")) as s:
        where = f"localhost:{s.port}"
        got = info(conf(f"tls-ca {cert[0]}\n"), where)
        shown = got["ports"][0]["certificate"]
        assert shown["fault"] == "is for another name"
        # the line that it gives says so, in one way or the other
        assert re.search("noverify|fingerprint=" + shown["sha256"],
                         got["smarthost"])
        got = info(conf("tls-ca /nowhere.pem\n"), where)
        assert "bundle" in got["ports"][0]["certificate"]["fault"]
        out = smtp(conf("tls-ca /nowhere.pem\n"), "--check", where)[0]
        assert "/nowhere.pem cannot be read; install ca-certificates" in out
        # the password is not sent there
        got = info(conf(f"tls-ca {cert[0]}\n"), "-u", "me", "-p", password,
                   where, status=75)
        assert got["ports"][0]["login"] is False
        assert "cannot show who it is" in got["ports"][0]["cause"]
        assert not any(line.startswith("AUTH") for line in s.lines)
        out = smtp(conf(f"tls-ca {cert[0]}\n"), "--check", "--noverify", "-u",
                   "me", "-p", password, where)[0]
        assert "logged in" in out


def test_clock_that_is_not_set(conf, tmp_path):
    cert = make_cert(tmp_path, "localhost")
    with FakeSMTP(cert=cert) as s:
        lib = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
        if not os.path.exists(lib):
            pytest.skip("no faketime")
        out = smtp(conf(f"tls-ca {cert[0]}\n"), "--check",
                   f"localhost:{s.port}", env={
                       "LD_PRELOAD": lib, "FAKETIME": "@1970-01-02 00:00:00",
                       "FAKETIME_DONT_FAKE_MONOTONIC": "1"})[0]
        assert "clock is not set" in out
        assert "NOT verified: it is not valid yet" in out


def test_wrong_password(conf, tmp_path, password):
    cert = make_cert(tmp_path, "localhost")
    password.write_text("wrong\n")
    with FakeSMTP(cert=cert, user=("me", "secret")) as s:
        got = info(conf(f"tls-ca {cert[0]}\n"), "-u", "me", "-p", password,
                   f"localhost:{s.port}", status=77)
        port, = got["ports"]
        assert port["error_code"] == 535 and "app password" in port["cause"]
        assert got["smarthost"] is None
        out = smtp(conf(f"tls-ca {cert[0]}\n"), "--check", "-u", "me", "-p",
                   password, f"localhost:{s.port}", status=77)[0]
        assert "does not let us in: 535" in out
        assert "Nothing here can be used" in out


@pytest.mark.parametrize("replies,status,cause", [
    ({"greeting": "554 5.7.1 go away"}, 69, "block list"),
    ({"greeting": "421 4.3.2 later"}, 75, "block list"),
    ({"greeting": "HTTP/1.1 400 Bad Request"}, 76, "something else"),
    ({"greeting": None}, 75, "TLS from the start"),
    ({"EHLO": "500 5.5.1 what?"}, 69, None),
    ({"STARTTLS": "454 4.7.0 not now"}, 75, None)])
def test_servers_that_refuse(conf, tmp_path, replies, status, cause):
    cert = make_cert(tmp_path, "localhost")
    with FakeSMTP(replies=replies, cert=cert) as s:
        port, = info(conf(), f"127.0.0.1:{s.port}", status=status)["ports"]
        assert port["error"] and not port["good"]
        assert port["cause"] is None if cause is None else \
            cause in port["cause"]


def test_tls_on_the_wrong_port(conf, tmp_path):
    cert = make_cert(tmp_path, "localhost")
    c = conf(f"tls-ca {cert[0]}\n")
    with FakeSMTP() as s:
        got = info(c, "--tls", "tls", f"localhost:{s.port}", status=76)
        assert "try starttls" in got["ports"][0]["cause"]
    with FakeSMTP(cert=cert, tls=True) as s:
        got = info(c, f"localhost:{s.port}", status=75)
        assert "try tls in" in got["ports"][0]["cause"]
        got = info(c, "--tls", "tls", f"localhost:{s.port}")
        assert got["smarthost"] == f"smarthost localhost:{s.port} tls"


@contextlib.contextmanager
def serve(data, times):
    """A server that says this to so many clients, and has ended then: a thread
    that still waits on a closed socket may get the next one's clients."""
    s = socket.create_server(("127.0.0.1", free_port()))

    def run():
        for _ in range(times):
            c = s.accept()[0]
            try:
                c.sendall(data)
                c.settimeout(10)
                while c.recv(4096):
                    pass
            except OSError:
                pass
            c.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield s.getsockname()[1]
    thread.join(20)
    assert not thread.is_alive()
    s.close()


@pytest.mark.parametrize("data", [
    b"220-x\r\n" * 100_000, b"220 " + b"x" * 100_000, b"\0\xff\r\n",
    b"999 x\r\n", b"000 x\r\n", b"220x\r\n", b"\x1b[2J\x07220 x\r\n",
    b"354 what\r\n250 x\r\n" * 10], ids=[
        "endless-reply", "endless-line", "binary", "999", "000", "220x",
        "escape", "unasked"])
def test_hostile_servers(conf, data):
    with serve(data, 2) as port:
        p = subprocess.run([BIN, "smtp", "-C", conf(), "--serverinfo",
                            f"127.0.0.1:{port}"], stdout=subprocess.PIPE,
                           timeout=20)
        assert 0 <= p.returncode < 128 and p.returncode not in (70, 1)
        json.loads(p.stdout)
        p = subprocess.run([BIN, "smtp", "-C", conf(), "--check",
                            f"127.0.0.1:{port}"], stdout=subprocess.PIPE,
                           timeout=20)
        assert b"\x1b" not in p.stdout and b"\x07" not in p.stdout


def test_names(conf):
    zone = {("broken.test", "A"): "SERVFAIL",
            ("two.test", "A"): ["127.0.25.9", "127.0.25.8"]}
    with FakeDNS(zone) as dns:
        c = conf(f"nameserver 127.0.0.1:{dns.port}\n")
        got = info(c, "gone.test", status=68)
        assert got["addresses"] == got["ports"] == [] and got["error"]
        assert "names of their own" in got["cause"]
        got = info(c, "broken.test", status=75)
        assert "is the link up" in got["cause"]
        # without a port: the usual three; another address is tried
        got = info(c, "two.test", status=75)
        assert [p["port"] for p in got["ports"]] == [465, 587, 25]
        assert "nothing listens" in got["ports"][0]["cause"]


def test_another_address(conf):
    zone = {("two.test", "A"): ["127.0.25.9", "127.0.25.8"]}
    with FakeDNS(zone) as dns, FakeSMTP("127.0.25.8") as s:
        got = info(conf(f"nameserver 127.0.0.1:{dns.port}\n"),
                   f"two.test:{s.port}")
        assert got["ports"][0]["address"] == "127.0.25.8"
        assert got["smarthost"] == f"smarthost two.test:{s.port} none"


@pytest.mark.parametrize("argv", [
    ("--check",), ("--check", "a", "b"), ("--check", "--serverinfo", "a"),
    ("--check", "-s", "a", "b"), ("--check", "a:0"), ("--check", "a:x"),
    ("--check", "--tls", "x", "a")])
def test_wrong_usage(conf, argv):
    smtp(conf(), *argv, status=64)


# --- mailconf --import-msmtp

RC = """
defaults
tls on
tls_trust_file {ca}
account home
host localhost
port {port}
auth on
user me
password "a secret"
account other : home
host other.test
from *@other.test
user you
password second
account default : home
"""


def mailconf(*argv, status=0, env=None):
    p = subprocess.run([BIN, "mailconf", *[str(a) for a in argv]],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, timeout=20,
                       env={**os.environ, **(env or {})})
    assert p.returncode == status, (p.stdout, p.stderr)
    return p.stdout, p.stderr


def test_import_and_send(conf, tmp_path):
    """From ~/.msmtprc to a message that the provider has taken."""
    cert = make_cert(tmp_path, "localhost")
    with FakeSMTP(cert=cert, user=("me", "a secret")) as s:
        (tmp_path / ".msmtprc").write_text(RC.format(ca=cert[0], port=s.port))
        home = {"HOME": str(tmp_path)}
        out, err = mailconf("--import-msmtp", env=home)
        assert "secret" not in out.replace("pillarbox.secret", "")
        assert "second" not in out and not err
        file = tmp_path / "pw"
        out, _ = mailconf("--import-msmtp", "--password-file", file, env=home)
        assert file.read_text() == "a secret\n"
        assert (tmp_path / "pw.other").read_text() == "second\n"
        assert file.stat().st_mode & 0o777 == 0o600
        assert f"smarthost other.test:{s.port} starttls user=you " \
            f"password-file={file}.other from=@other.test\n" in out
        smtp(conf(out), "-v", "b@b.test")
        assert len(s.messages) == 1
        # never over what is there
        assert "exists" in mailconf("--import-msmtp", "--password-file", file,
                                    env=home, status=73)[1]


def test_import_that_fails(tmp_path):
    rc = tmp_path / "rc"
    rc.write_text("account a : b\n")
    assert "line 1" in mailconf("--import-msmtp", rc, status=65)[1]
    rc.write_text("# nothing\n")
    assert "no account" in mailconf("--import-msmtp", rc, status=65)[1]
    mailconf("--import-msmtp", tmp_path / "none", status=66)
    mailconf("--import-msmtp", rc, rc, status=64)
    mailconf("--import-msmtp", "--password-file", "x", rc, status=64)
    mailconf("--password-file", "/x", status=64)
    mailconf("a", status=64)


def test_import_from_postfix_and_send(conf, tmp_path):
    """main.cf and sasl_passwd beside it, to a message that was taken."""
    cert = make_cert(tmp_path, "localhost")
    with FakeSMTP(cert=cert, user=("me", "a secret")) as s:
        passwd = tmp_path / "sasl_passwd"
        passwd.write_text(f"[localhost]:{s.port} me:a secret\n")
        main = tmp_path / "main.cf"
        main.write_text(f"relayhost = [localhost]:{s.port}\n"
                        f"smtp_sasl_password_maps = hash:{passwd}\n"
                        "smtp_sasl_auth_enable = yes\ncanonical_maps = x\n"
                        "smtp_tls_security_level = secure\n"
                        f"smtp_tls_CAfile = {cert[0]}\n")
        file = tmp_path / "pw"
        out, err = mailconf("--import", "postfix", "--password-file", file,
                            main)
        assert "# canonical_maps: has no counterpart\n" in out and not err
        assert file.read_text() == "a secret\n"
        smtp(conf(out), "-v", "b@b.test")
        assert len(s.messages) == 1
        # without the file of passwords it is said
        passwd.unlink()
        out, err = mailconf("--import", "postfix", main)
        assert "sasl_passwd" in err and "user=" not in out
    mailconf("--import", "exim", main, status=64)
    mailconf("--import", "dma", tmp_path / "none", status=66)
    main.write_text("relayhost =\n")
    assert "no account" in mailconf("--import", "postfix", main,
                                    status=65)[1]
