"""The programs that people use, against a running Pillarbox."""

import email
import os
import poplib
import re
import smtplib
import ssl
import subprocess

import pytest

from instance import Instance, wait_for

NOVERIFY = ssl._create_unverified_context()
USER, PASSWORD = "alice@a.test", "alice-pw"


@pytest.fixture(scope="module")
def box():
    with Instance() as i:
        yield i


@pytest.fixture(autouse=True)
def empty(box):
    """Each test starts with empty mailboxes."""
    for user in ("alice", "bob"):
        for path in box.messages(user):
            path.unlink()


def run(*argv, status=0, **kw):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60, **kw)
    assert p.returncode == status, p.stdout
    return p.stdout


def delivered(box, user="bob", n=1):
    """The messages in the Maildir, with CRLF lines as they went over the wire."""
    return [p.read_bytes().replace(b"\n", b"\r\n")
            for p in box.wait_messages(user, n)]


def after_trace(message):
    """Without what we must add on top: Return-Path, Delivered-To, Received."""
    while re.match(rb"(Return-Path|Delivered-To|X-Original-To|Received):",
                   message):
        message = re.sub(rb"\A.*?\r\n(?![ \t])", b"", message, count=1,
                         flags=re.S)
    return message


AUTH = ["-au", USER, "-ap", PASSWORD]


@pytest.mark.parametrize("service,options", [
    ("smtp", []), ("smtp", ["-tls"]), ("smtps", ["-tlsc", *AUTH]),
    ("submission", ["-tls", *AUTH]),
    ("submission", ["-tls", *AUTH, "-a", "LOGIN"]),
    ("smtp", ["--pipeline"]), ("smtp", ["-tls", "--pipeline"]),
])
def test_swaks(box, service, options):
    out = run("swaks", "--server", "127.0.0.1", "--port", box.port[service],
              "--from", USER, "--to", "bob@a.test", *options)
    assert b"<-  221" in out or b"<~  221" in out
    delivered(box)


def test_swaks_wrong_password(box):
    out = run("swaks", "--server", "127.0.0.1", "--port",
              box.port["submission"], "-tls", "--from", USER, "--to",
              "bob@a.test", "-au", USER, "-ap", "wrong", status=28)
    assert re.search(rb"<~\* 535 5\.7\.8 ", out)


MESSAGE = (b"From: alice@a.test\r\nTo: bob@a.test\r\nSubject: bytes\r\n"
           b"Date: Tue, 24 Nov 2026 11:11:46 +0000\r\n"
           b"Message-ID: <1@a.test>\r\n\r\n"
           b".dot\r\n..\r\n.\t\r\n \r\n" + "grüße\r\n".encode()
           + b"From here\r\n>From there\r\n" + b"x" * 5000 + b"\r\n"
           + bytes(range(128, 256)) + b"\r\n\r\n\r\n")


@pytest.mark.parametrize("service,scheme", [("smtp", "smtp"),
                                            ("smtps", "smtps")])
def test_curl_bytes_out_equal_bytes_in(box, tmp_path, service, scheme):
    (tmp_path / "m").write_bytes(MESSAGE)
    run("curl", "-sk", f"{scheme}://127.0.0.1:{box.port[service]}/pc",
        "--mail-from", USER, "--mail-rcpt", "bob@a.test",
        *(["-u", f"{USER}:{PASSWORD}"] if service == "smtps" else []),
        "-T", tmp_path / "m")
    assert after_trace(delivered(box)[0]) == MESSAGE
    for pop, port in (("pop3s", "pop3s"), ("pop3", "pop3")):
        tls = ["--ssl-reqd"] if pop == "pop3" else []
        out = run("curl", "-sk", *tls, "-u", "bob@a.test:bob-pw",
                  f"{pop}://127.0.0.1:{box.port[port]}/1")
        assert after_trace(out) == MESSAGE
    listing = run("curl", "-sk", "-u", "bob@a.test:bob-pw",
                  f"pop3s://127.0.0.1:{box.port['pop3s']}/")
    assert listing.split() == [b"1", str(len(out)).encode()]


def test_smtplib_and_poplib(box):
    message = MESSAGE.replace(b"x" * 5000, b"x" * 1900)  # poplib's limit
    with smtplib.SMTP("127.0.0.1", box.port["submission"]) as s:
        s.starttls(context=NOVERIFY)
        s.login(USER, PASSWORD)
        refused = s.sendmail(USER, ["bob@a.test", "nobody@a.test"], message)
        assert refused["nobody@a.test"][0] == 550
        s.sendmail(USER, ["bob@a.test", "alice@a.test"], message)
    delivered(box, n=2)
    delivered(box, "alice")
    p = poplib.POP3("127.0.0.1", box.port["pop3"], timeout=20)
    assert "STLS" in p.capa()
    p.stls(NOVERIFY)
    p.user("bob@a.test")
    p.pass_("bob-pw")
    count, size = p.stat()
    assert count == 2
    sizes = [int(line.split()[1]) for line in p.list()[1]]
    assert sum(sizes) == size
    uids = [line.split()[1] for line in p.uidl()[1]]
    assert len(set(uids)) == 2
    for n in (1, 2):
        lines = p.retr(n)[1]
        assert len(b"\r\n".join(lines)) + 2 == sizes[n - 1]
    top = p.top(1, 1)[1]
    assert top[-1] == b".dot" and top[-2] == b""
    p.dele(1)
    p.rset()
    p.dele(2)
    p.quit()
    p = poplib.POP3_SSL("127.0.0.1", box.port["pop3s"], context=NOVERIFY)
    p.user("bob@a.test")
    p.pass_("bob-pw")
    assert [line.split()[1] for line in p.uidl()[1]] == uids[:1]
    p.quit()


def test_fetchmail(box, tmp_path):
    with smtplib.SMTP("127.0.0.1", box.port["smtp"]) as s:
        for n in range(3):
            s.sendmail(USER, ["bob@a.test"], MESSAGE)
    delivered(box, n=3)
    rc = tmp_path / "fetchmailrc"
    rc.write_text(
        f"poll 127.0.0.1 protocol pop3 port {box.port['pop3s']} uidl\n"
        "user 'bob@a.test' password 'bob-pw' ssl no sslcertck\n"
        f"mda 'cat >> {tmp_path}/out'\n")
    rc.chmod(0o600)
    run("fetchmail", "-f", rc, "--pidfile", tmp_path / "pid", "-i",
        tmp_path / "ids", env=dict(os.environ, HOME=str(tmp_path),
                                   FETCHMAILHOME=str(tmp_path)))
    assert (tmp_path / "out").read_bytes().count(b"Subject: bytes") == 3
    wait_for(lambda: not box.messages("bob"))


@pytest.mark.parametrize("auth", ["plain", "scram-sha-256"])
def test_msmtp(box, tmp_path, auth):
    rc = tmp_path / "msmtprc"
    rc.write_text(
        "account default\nhost 127.0.0.1\n"
        f"port {box.port['submission']}\nfrom {USER}\nauth {auth}\n"
        f"user {USER}\npassword {PASSWORD}\ntls on\ntls_starttls on\n"
        "tls_certcheck off\n")
    rc.chmod(0o600)
    run("msmtp", "-C", rc, "bob@a.test", input=MESSAGE.replace(b"\r", b""))
    assert b"Subject: bytes" in delivered(box)[0]


def test_gsasl():
    """It looks at our signature, too. STARTTLS it says before EHLO."""
    with Instance(extra="auth-without-tls yes\n") as box:
        def gsasl(password, status):
            return run("gsasl", "--smtp", "--connect",
                       f"127.0.0.1:{box.port['submission']}", "--no-starttls",
                       "-m", "SCRAM-SHA-256", "-a", USER, "-z", "", "-p",
                       password, status=status, input=b"")
        assert b"server trusted" in gsasl(PASSWORD, 0)
        assert b"535 5.7.8 " in gsasl("wrong", 1)


def test_s_nail(box, tmp_path):
    run("s-nail", "-:/", "-S", "v15-compat", "-S",
        f"mta=smtp://127.0.0.1:{box.port['smtp']}", "-S",
        "smtp-auth=none", "-S", f"from={USER}", "-S", "hostname=a.test", "-S",
        "smtp-hostname=a.test", "-s", "nail", "bob@a.test",
        input=b"hello\n", env=dict(os.environ, HOME=str(tmp_path)))
    assert b"Subject: nail" in delivered(box)[0]


def test_mutt_sends_and_reads(box, tmp_path):
    home = dict(os.environ, HOME=str(tmp_path), TERM="dumb")
    rc = tmp_path / "muttrc"
    rc.write_text(
        f"set smtp_url='smtps://{USER.replace('@', '%40')}:{PASSWORD}"
        f"@127.0.0.1:{box.port['smtps']}/'\n"
        f"set from={USER} ssl_verify_host=no ssl_verify_dates=no\n"
        "set ssl_force_tls=no copy=no hostname=a.test\n"
        f"set certificate_file={tmp_path}/cert\n")
    # mutt trusts a certificate that stands in certificate_file
    pem = ssl.get_server_certificate(("127.0.0.1", box.port["smtps"]))
    (tmp_path / "cert").write_text(pem)
    run("mutt", "-n", "-F", rc, "-s", "from mutt", "bob@a.test",
        input=b"hello from mutt\n", env=home)
    message = email.message_from_bytes(delivered(box)[0])
    assert message["Subject"] == "from mutt"
    box.wait_log("user=alice@a.test")


def test_sendmail_as_cron_and_php_call_it(box):
    box.run("sendmail", "-i", "-FCronDaemon", "-oem", "-B8BITMIME",
            "bob@a.test", input="Subject: cron\n\nok\n.\nmore\n")
    box.run("sendmail", "-t", "-i", "-fwww@a.test",
            input="To: bob@a.test\nBcc: alice@a.test\nSubject: php\n\nok\n")
    both = {email.message_from_bytes(m)["Subject"]: m
            for m in delivered(box, n=2)}
    assert b"\r\n.\r\nmore\r\n" in both["cron"]
    assert b"Return-Path: <www@a.test>" in both["php"]
    assert b"Bcc" not in both["php"]
    assert email.message_from_bytes(both["php"])["Message-ID"]
    assert email.message_from_bytes(delivered(box, "alice")[0])["Date"]


def test_return_path_is_ours(box):
    """RFC 5321 4.4: only final delivery adds it."""
    with smtplib.SMTP("127.0.0.1", box.port["smtp"]) as s:
        s.sendmail("x@y.test", ["bob@a.test"],
                   "Return-Path: <forged@z.test>\r\nSubject: x\r\n"
                   "return-path:\r\n <again@z.test>\r\n\r\n"
                   "Return-Path: in the text\r\n")
    text = delivered(box)[0]
    assert text.startswith(b"Return-Path: <x@y.test>\r\n")
    assert text.lower().count(b"return-path:") == 2
    assert b"z.test" not in text
    assert text.endswith(b"\r\n\r\nReturn-Path: in the text\r\n")


@pytest.mark.parametrize("shown", [False, True])
def test_the_user_in_received(shown):
    with Instance(extra="received-user yes\n" if shown else "") as i:
        with smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"],
                              context=NOVERIFY) as s:
            s.login(USER, PASSWORD)
            s.sendmail(USER, ["bob@a.test"], "Subject: x\r\n\r\nx\r\n")
        text = delivered(i)[0]
    trace = text[:text.index(b"Subject:")]
    assert (b"\r\n\t(user alice@a.test)\r\n" in trace) == shown
    assert (b"alice@a.test)" in trace) == shown
