"""Programs that send, through us, to a smarthost that wants a password; smtp in
msmtp's place before the same hosts, and what smtp --check says of them.
"""

import email
import os
import re
import shutil
import subprocess

import pytest

from instance import BIN
from test_next_hops import smtp, world      # noqa: F401

# what comes from there goes by a smarthost of its own
USER, PASSWORD, FROM = "alice@a.test", "alice-pw", "x@scram.test"


@pytest.fixture
def us(world):                              # noqa: F811
    return world.us


def run(*argv, input=b"", env=None):
    p = subprocess.run([str(a) for a in argv], input=input, timeout=50,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       env={**os.environ, **(env or {})})
    assert p.returncode == 0, p.stdout
    return p.stdout


def text(name):
    return (f"From: {FROM}\nTo: bob@plain.test\nSubject: {name}\n\n"
            ".\nGr\u00fc\u00dfe\n").encode()


def by_msmtp(us, tmp_path, name):
    run("msmtp", "--host=127.0.0.1", f"--port={us.port['submission']}",
        "--tls=on", "--tls-certcheck=off", "--auth=on", f"--user={USER}",
        f"--passwordeval=echo {PASSWORD}", f"--from={FROM}",
        "bob@plain.test", input=text(name))


def by_swaks(us, tmp_path, name):
    run("swaks", "--server", f"127.0.0.1:{us.port['submission']}", "-tls",
        "--auth", "LOGIN", "--auth-user", USER, "--auth-password", PASSWORD,
        "--from", FROM, "--to", "bob@plain.test", "--data", "-",
        input=text(name))


def by_curl(us, tmp_path, name):
    (tmp_path / "m").write_bytes(text(name).replace(b"\n", b"\r\n"))
    run("curl", "-sSk", "--url", f"smtps://127.0.0.1:{us.port['smtps']}/x",
        "-u", f"{USER}:{PASSWORD}", "--mail-from", FROM, "--mail-rcpt",
        "bob@plain.test", "-T", tmp_path / "m")


def by_s_nail(us, tmp_path, name):
    user = USER.replace("@", "%40")
    run("s-nail", "-:/", "-S", "v15-compat", "-S", f"mta=smtps://{user}:"
        f"{PASSWORD}@127.0.0.1:{us.port['smtps']}", "-S", "smtp-auth=plain",
        "-S", "tls-verify=ignore", "-S", f"from={FROM}", "-S",
        "hostname=scram.test", "-S", "ttycharset=utf-8", "-s", name,
        "bob@plain.test", input=".\nGr\u00fc\u00dfe\n".encode(),
        env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})


def by_mutt(us, tmp_path, name):
    """By its own SMTP, in the clear where we take that of relay-from alone."""
    (tmp_path / "rc").write_text(
        f'set smtp_url="smtp://127.0.0.1:{us.port["smtp"]}/"\n'
        f'set from="{FROM}"\nset use_from\nset use_envelope_from\n'
        "set ssl_starttls=no\nset ssl_force_tls=no\nset copy=no\nset hostname=scram.test\n"
        "set charset=utf-8\nset send_charset=utf-8\n")
    run("mutt", "-n", "-F", tmp_path / "rc", "-s", name, "--",
        "bob@plain.test", input=".\nGr\u00fc\u00dfe\n".encode(),
        env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})


def by_mutt_sendmail(us, tmp_path, name):
    (tmp_path / "sendmail").symlink_to(os.path.abspath(BIN))
    (tmp_path / "rc").write_text(
        f'set sendmail="{tmp_path}/sendmail -oem -oi"\n'
        f'set from="{FROM}"\nset use_from\nset use_envelope_from\n'
        "set copy=no\nset charset=utf-8\nset send_charset=utf-8\n")
    run("mutt", "-n", "-F", tmp_path / "rc", "-s", name, "--",
        "bob@plain.test", input=".\nGr\u00fc\u00dfe\n".encode(),
        env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", **us.env()})


@pytest.mark.parametrize("by", [by_msmtp, by_swaks, by_curl, by_s_nail,
                                by_mutt, by_mutt_sendmail],
                         ids=lambda f: f.__name__[3:])
def test_to_the_smarthost(world, us, tmp_path, by):         # noqa: F811
    if not shutil.which(by.__name__[3:].split("_sendmail")[0]
                        .replace("_", "-")):
        pytest.skip("not installed")
    name = "by-" + by.__name__[3:]
    by(us, tmp_path, name)
    m, = world.got(world.postfix, name)
    assert b"Authenticated sender: bob" in m
    assert f"Return-Path: <{FROM}>".encode() in m
    m = email.message_from_bytes(m)
    assert m.get_payload(decode=True).decode().strip() == ".\nGr\u00fc\u00dfe"


@pytest.mark.parametrize("name,tls", [("scram", "starttls"), ("plain",
                         "starttls"), ("login", "starttls"), ("smtps", "tls")])
def test_smtp_in_the_place_of_msmtp(world, tmp_path, name, tls):  # noqa: F811
    """What an old msmtprc says is imported, and sends."""
    (tmp_path / ".msmtprc").write_text(
        f"account default\nhost localhost\nport {world.postfix.ports[name]}\n"
        f"tls on\ntls_starttls {'on' if tls == 'starttls' else 'off'}\n"
        f"tls_trust_file {world.cert[0]}\nauth on\nuser bob\n"
        "password secret\nfrom x@a.test\n")
    out = subprocess.run(
        [BIN, "mailconf", "--import-msmtp", "--password-file",
         tmp_path / "secret"], env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE, check=True, text=True).stdout
    # tls_trust_file is among its lines, and in smtp()'s own
    conf = re.sub("(?m)^tls-ca .*$", "", out)
    smtp(world, "-t", "-f", "x@a.test", conf=conf,
         input=f"To: bob@b.test\nSubject: msmtp-{name}\n\nx\n")
    assert b"Authenticated sender: bob" in world.got(
        world.postfix, f"msmtp-{name}")[0]


def check(world, port, *argv, status=0):                    # noqa: F811
    return smtp(world, "--check", *argv, f"localhost:{port}",
                status=status).stdout


@pytest.mark.parametrize("name,auth", [
    ("scram", "PLAIN LOGIN SCRAM-SHA-256"), ("plain", "PLAIN"),
    ("login", "LOGIN"), ("smtps", "PLAIN LOGIN SCRAM-SHA-256")])
def test_check_of_postfix(world, name, auth):               # noqa: F811
    port = world.postfix.ports[name]
    how = "tls" if name == "smtps" else "starttls"
    out = check(world, port, "--tls", how, "-u", "bob", "-p", world.password)
    for line in ("greeting:     peer.b.test ESMTP Postfix", "TLSv1.",
                 "verified    it is localhost", auth, "logged in:    as bob",
                 f"smarthost localhost:{port} {how} user=bob"):
        assert line in out, (line, out)
    out = check(world, port, "--tls", how, "-u", "nobody", "-p",
                world.password, status=77)
    assert "does not let us in: 535 " in out
    assert "user or password is wrong" in out
    assert "Nothing here can be used" in out


def test_check_of_others(world):                            # noqa: F811
    out = check(world, world.postfix.ports["small"])
    assert "19 kB" in out or "20000" in out or "20 kB" in out, out
    out = check(world, world.postfix.ports["old"])
    assert "8BITMIME" not in out and "PIPELINING" in out
    out = check(world, world.exim.port, "-u", "bob", "-p", world.password)
    for line in ("Exim", "PLAIN LOGIN", "logged in:    as bob",
                 f"smarthost localhost:{world.exim.port} starttls user=bob"):
        assert line in out, (line, out)
    # not SMTP at all: Dovecot's LMTP refuses EHLO
    p = world.us.run("smtp", "--check", f"localhost:{world.dovecot.port}",
                     check=False)
    assert p.returncode == 69 and "Nothing here can be used" in p.stdout, p
