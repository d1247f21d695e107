"""More programs that send: git send-email, msmtp, curl, s-nail, smtplib with
all its options, and the calls of sendmail and mail that daemons make."""

import email
import os
import pathlib
import smtplib
import ssl
import subprocess

import pytest

from instance import BIN, Instance
from test_clients import empty, run             # empty: for each test

NOVERIFY = ssl._create_unverified_context()
USER, PASSWORD = "alice@a.test", "alice-pw"
TEXT = b"From: alice@a.test\r\nSubject: s\r\n\r\n.x\r\n\xc3\xbc\r\n"


@pytest.fixture(scope="module")
def box():
    with Instance() as i:
        i.cert = i.dir / "state" / "cert.pem"
        yield i


def got(box, user="bob", n=1):
    return [email.message_from_bytes(p.read_bytes())
            for p in box.wait_messages(user, n)]


# --- git send-email

def git(*argv, cwd, **kw):
    env = dict(os.environ, HOME=str(cwd), GIT_CONFIG_NOSYSTEM="1",
               GIT_AUTHOR_NAME="Älice", GIT_AUTHOR_EMAIL=USER,
               GIT_COMMITTER_NAME="Älice", GIT_COMMITTER_EMAIL=USER)
    return run("git", *argv, cwd=cwd, env=env, **kw)


@pytest.mark.parametrize("encryption,service,auth", [
    ("tls", "submission", "PLAIN"), ("tls", "submission", "LOGIN"),
    ("ssl", "smtps", "PLAIN")])
def test_git_send_email(box, tmp_path, encryption, service, auth):
    git("init", "-q", cwd=tmp_path)
    for n in range(2):
        (tmp_path / "file").write_text(f"grüße {n}\n.\n")
        git("add", "file", cwd=tmp_path)
        git("commit", "-qm", f"Änderung {n}\n\n.\nFrom here", cwd=tmp_path)
    out = git("-c", "sendemail.smtpsslcertpath=", "send-email", "--quiet",
              "--smtp-server=127.0.0.1",
              f"--smtp-server-port={box.port[service]}",
              f"--smtp-encryption={encryption}", f"--smtp-auth={auth}",
              f"--smtp-user={USER}", f"--smtp-pass={PASSWORD}",
              f"--from={USER}", "--to=bob@a.test", "--cc=alice@a.test",
              "--confirm=never", "--suppress-cc=all",
              "--8bit-encoding=UTF-8", "-1", cwd=tmp_path)
    assert b"rror" not in out
    for user in ("bob", "alice"):
        message, = got(box, user)
        assert "+grüße 1\n .\n" in message.get_payload(decode=True).decode()
    box.wait_log("user=alice@a.test")


# --- msmtp

@pytest.mark.parametrize("auth", ["plain", "login", "scram-sha-256", "on"])
@pytest.mark.parametrize("service", ["submission", "smtps"])
def test_msmtp(box, tmp_path, auth, service):
    rc = tmp_path / "msmtprc"
    rc.write_text(
        f"account default\nhost 127.0.0.1\nport {box.port[service]}\n"
        f"from {USER}\nauth {auth}\nuser {USER}\npassword {PASSWORD}\ntls on\n"
        f"tls_starttls {'on' if service == 'submission' else 'off'}\n"
        "tls_certcheck off\ndsn_notify failure,success\ndsn_return headers\n")
    rc.chmod(0o600)
    info = run("msmtp", "-C", rc, "--serverinfo")
    assert b"PLAIN" in info and b"SCRAM-SHA-256" in info
    run("msmtp", "-C", rc, "-t", input=b"To: bob@a.test\nSubject: m\n\n.\nx\n")
    assert got(box)[0].get_payload() == ".\nx\n"
    report, = got(box, "alice")
    assert report.get_content_type() == "multipart/report"


def test_msmtp_wrong_password(box, tmp_path):
    out = run("msmtp", "--host=127.0.0.1", f"--port={box.port['smtps']}",
              "--tls=on", "--tls-starttls=off", "--tls-certcheck=off",
              "--auth=plain", f"--user={USER}", "--passwordeval=echo wrong",
              f"--from={USER}", "bob@a.test", input=b"\n\nx\n", status=77)
    assert b"535 5.7.8" in out


# --- curl

def curl(box, *argv, status=0):
    return run("curl", "-sSk", "--max-time", "50", "--url",
               f"smtp://127.0.0.1:{box.port['submission']}/client.test",
               "--ssl-reqd", "-u", f"{USER}:{PASSWORD}", *argv,
               status=status)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_many_recipients(box, tmp_path, mechanism):
    (tmp_path / "m").write_bytes(TEXT)
    to = ["--mail-from", USER, "--mail-rcpt", "bob@a.test", "--mail-rcpt",
          "nobody@a.test", "--mail-rcpt", "alice@a.test", "-T", tmp_path / "m"]
    login = ["--login-options", f"AUTH={mechanism}"]
    assert b"550" in curl(box, *login, *to, status=55)
    assert not box.messages("bob")
    curl(box, *login, "--mail-rcpt-allowfails", "--mail-auth", USER, *to)
    assert got(box)[0].get_payload() and got(box, "alice")


def test_curl_vrfy_expn_help(box):
    for argv in (["--mail-rcpt", "alice"], ["-X", "EXPN", "--mail-rcpt", "x"],
                 ["-X", "NOOP"], ["-X", "HELP"]):
        p = subprocess.run(["curl", "-sk", "--max-time", "20", "-v",
                            f"smtp://127.0.0.1:{box.port['smtp']}/c", *argv],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = [line for line in p.stdout.splitlines()
                if line[:3] in (b"< 2", b"< 5")]
        assert said[-1][:5] in (b"< 221", b"< 250", b"< 252", b"< 502",
                                b"< 214"), p.stdout


# --- s-nail and mail of the console

def test_s_nail_with_auth(box, tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 400)
    user = USER.replace("@", "%40")
    run("s-nail", "-:/", "-S", "v15-compat", "-S", f"mta=smtps://{user}:"
        f"{PASSWORD}@127.0.0.1:{box.port['smtps']}", "-S", "smtp-auth=plain",
        "-S", "tls-verify=ignore", "-S", f"from={USER}", "-S",
        "hostname=a.test", "-S", "ttycharset=utf-8", "-s",
        "Grüße", "-a", tmp_path / "a.bin", "-c",
        "alice@a.test", "bob@a.test", input="hällo\n.\n".encode(),
        env=dict(os.environ, HOME=str(tmp_path), LC_ALL="C.UTF-8"))
    message, = got(box)
    assert got(box, "alice")
    assert email.header.make_header(email.header.decode_header(
        message["Subject"])) == "Grüße"
    assert message.get_payload()[1].get_payload(decode=True) == \
        bytes(range(256)) * 400


def test_s_nail_by_sendmail(box, tmp_path):
    """As a mailx script of a router has it: mta is the sendmail there."""
    link = tmp_path / "sendmail"
    link.symlink_to(pathlib.Path(BIN).resolve())
    run("s-nail", "-:/", "-S", "v15-compat", "-S", f"mta={link}", "-S",
        "from=root@a.test", "-s", "disk full", "bob@a.test",
        input=b"97 %\n", env=dict(box.env(), HOME=str(tmp_path)))
    assert got(box)[0]["Subject"] == "disk full"


# --- smtplib

@pytest.mark.parametrize("method", ["auth_plain", "auth_login"])
@pytest.mark.parametrize("at_once", [True, False])
def test_smtplib_auth(box, method, at_once):
    with smtplib.SMTP_SSL("127.0.0.1", box.port["smtps"], "client.test",
                          context=NOVERIFY) as s:
        s.ehlo()
        s.user, s.password = USER, PASSWORD
        assert s.auth(method[5:].upper(), getattr(s, method),
                      initial_response_ok=at_once)[0] == 235
        s.sendmail(USER, "bob@a.test", TEXT)
    assert got(box)


def test_smtplib_cram_md5_is_not_offered(box):
    with smtplib.SMTP_SSL("127.0.0.1", box.port["smtps"],
                          context=NOVERIFY) as s:
        s.ehlo()
        assert "CRAM-MD5" not in s.esmtp_features["auth"]
        assert s.docmd("AUTH", "CRAM-MD5")[0] == 504


def test_smtplib_options(box):
    with smtplib.SMTP("127.0.0.1", box.port["smtp"], "client.test", 30,
                      ("127.0.0.5", 0)) as s:
        s.set_debuglevel(0)
        assert s.helo()[0] == 250 and s.ehlo("[127.0.0.5]")[0] == 250
        for name in ("pipelining", "size", "8bitmime", "dsn", "chunking",
                     "enhancedstatuscodes", "starttls"):
            assert s.has_extn(name), name
        assert s.noop()[0] == 250 and s.rset()[0] == 250
        assert s.verify("alice")[0] == 252
        assert s.expn("alice")[0] == 502 and s.help()
        assert s.mail(USER, ["SIZE=99999999"])[0] == 552
        assert s.mail(USER, ["BODY=8BITMIME", "SIZE=100", "RET=HDRS",
                             "ENVID=e1"])[0] == 250
        assert s.rcpt("bob@a.test", ["NOTIFY=NEVER",
                                     "ORCPT=rfc822;bob@a.test"])[0] == 250
        assert s.rcpt("bob@a.test", ["NOTIFY=MAYBE"])[0] == 501
        assert s.data(TEXT)[0] == 250
        m = email.message_from_string(
            "From: alice@a.test\nTo: Bob <bob@a.test>\nCc: alice@a.test\n"
            "Bcc: bob@a.test\nSubject: x\nResent-From: bob@a.test\n"
            "Resent-To: bob@a.test\n\nx\n")
        assert s.send_message(m) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            s.sendmail(USER, ["nobody@a.test"], TEXT)
        # smtplib has sent RSET: the session goes on
        assert s.sendmail("", ["bob@a.test"], TEXT) == {}
        assert s.has_extn("smtputf8")
        assert s.sendmail(USER, ["bob@a.test"], TEXT, ["SMTPUTF8"]) == {}
    assert len(got(box, n=4)) == 4


# --- daemons

# What they run, and what they say on stdin.
CALLS = [
    ("cron", "sendmail -FCronDaemon -i -B8BITMIME -oem bob", "Subject: c\n\n"),
    ("vixie", "sendmail -FCronDaemon -odi -oem -oi -t", "To: bob\n\n"),
    ("anacron", "sendmail -FAnacron -odi bob", "Subject: a\n\n"),
    ("atd", "sendmail -i bob", "Subject: Output from your job\nTo: bob\n\n"),
    ("mdadm", "sendmail -t", "From: mdadm monitoring <root>\nTo: bob@a.test\n"
     "Subject: DegradedArray event on /dev/md0:box\n\n"),
    ("smartd", "mail -s SMART -n bob@a.test", ""),
    ("smartd-plain", "mail -s SMART bob@a.test", ""),
    ("unattended-upgrades", "sendmail -oi -t", "To: bob@a.test\nSubject: u\n"
     "From: root <root@a.test>\nAuto-Submitted: auto-generated\n\n"),
    ("logwatch", "sendmail -t", "To: bob@a.test\nFrom: lw\nSubject: l\n"
     "MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n\n"),
    ("sudo", "sendmail -t", "To: bob@a.test\nFrom: root\n"
     "Auto-Submitted: auto-generated\nSubject: *** SECURITY ***\n\n"),
    ("php", "sendmail -t -i", "To: bob@a.test\r\nSubject: p\r\n"
     "X-PHP-Originating-Script: 0:x.php\r\n\r\n"),
    ("perl", "sendmail -oi -oeq -f alice@a.test -- bob@a.test",
     "Subject: p\n\n"),
    ("fail2ban", "sendmail -f root@a.test bob@a.test",
     "Subject: [Fail2Ban] sshd\nFrom: F <root@a.test>\nTo: bob@a.test\n\n"),
    ("openwrt", "sendmail -f root@a.test -t", "To: bob@a.test\n\n"),
]


@pytest.mark.parametrize("call,head", [c[1:] for c in CALLS],
                         ids=[c[0] for c in CALLS])
def test_what_daemons_run(call, head):
    """bob alone is bob@ the first domain."""
    with Instance() as box:
        box.run(*call.split(), input=head + "it is hot\n.\n"
                if " -i" in call or "-oi" in call else head + "it is hot\n")
        message, = got(box)
        assert message.get_payload().startswith("it is hot\n")
        assert message["Date"] and message["Message-ID"] and message["From"]
