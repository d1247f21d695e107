"""OAuth at a smarthost: signing in, sending, renewing, being refused."""

import json
import os
import pwd
import re
import smtplib
import stat
import subprocess
import time
import urllib.parse

import pytest

import spoolfile
from fakes import FakeDNS, FakeSMTP
from instance import BIN, Instance, wait_for
from provider import (
    NAME, PENDING, Provider, TokenSMTP, google, make_cert, microsoft)

ZONE = {(NAME, "A"): ["127.0.0.1"]}
MESSAGE = "From: alice@a.test\r\nSubject: x\r\n\r\nhi\r\n"


@pytest.fixture(scope="module")
def cert(tmp_path_factory):
    return make_cert(tmp_path_factory.mktemp("cert"))


class World:
    """A provider, his SMTP server, and an instance with an account there."""

    def __init__(self, cert, tmp_path, extra="", how="", line="", **kw):
        self.provider = Provider(cert, **kw)
        self.smtp = TokenSMTP(self.provider, cert)
        self.dns = FakeDNS(ZONE)
        self.token = tmp_path / "oauth" / "token"
        how = how or f"token-file={self.token}"
        self.instance = Instance(start=False, omit=("nameserver",), extra=(
            f"nameserver 127.0.0.1:{self.dns.port}\ntls-ca {cert[0]}\n"
            f"smarthost {NAME}:{self.smtp.port} user=me@{NAME} {how} {line}\n"
            "relay-from 127.0.0.0/8\nretry-first 1s\nretry-most 2s\n"
            + extra))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.instance.__exit__(*exc)
        self.smtp.close()
        self.provider.__exit__()
        self.dns.close()

    def authorize(self, *argv, who=None, check=True, **kw):
        return self.instance.run("smtp", "--authorize",
                                 who or self.provider.url("token"),
                                 "--client-id", "app", *argv, check=check,
                                 **kw)

    def sign_in(self):
        """What --authorize leaves behind, without its questions."""
        self.token.parent.mkdir(exist_ok=True)
        self.token.write_text(
            f"provider=acme\ntoken-url={self.provider.url('token')}\n"
            f"client-id=app\nrefresh-token={self.provider.new('refresh')}\n")
        self.token.chmod(0o600)

    def send(self, n=1):
        with smtplib.SMTP("127.0.0.1", self.instance.port["smtp"],
                          timeout=20) as s:
            for _ in range(n):
                s.sendmail("alice@a.test", ["x@b.test"], MESSAGE)

    def wait_sent(self, n, seconds=15):
        wait_for(lambda: len(self.smtp.messages) >= n, seconds)
        wait_for(lambda: not self.instance.spooled(), seconds)
        assert len(self.smtp.messages) == n

    def stored(self):
        return dict(line.split("=", 1)
                    for line in self.token.read_text().splitlines())

    def refreshes(self):
        return [f for p, f in self.provider.requests
                if f.get("grant_type") == "refresh_token"]

    def queue(self):
        text = self.instance.run("mailq", "-j").stdout
        return [json.loads(line) for line in text.splitlines()]

    def notice(self):
        return (self.instance.dir / "run" / "notice").read_text()


def no_secret_in(text, world):
    for token in world.provider.access | world.provider.refresh:
        assert token[:20] not in text, text


def test_from_sign_in_to_sign_in(cert, tmp_path):
    """authorize, send, renew, be refused, be kept, authorize, be sent."""
    with World(cert, tmp_path, lifetime=1) as w:
        i = w.instance
        w.provider.polls = ["authorization_pending"]
        p = w.authorize("--device-url", w.provider.url("device"), "--scope",
                        "https://mail.test/Send offline_access")
        assert "https://prov.test/login" in p.stdout
        assert "ABCD-1234" in p.stdout and str(w.token) in p.stdout
        assert all(len(line) <= 80 for line in p.stdout.splitlines()
                   if "/" not in line)
        no_secret_in(p.stdout + p.stderr, w)
        assert stat.S_IMODE(w.token.stat().st_mode) == 0o600
        assert stat.S_IMODE(w.token.parent.stat().st_mode) == 0o700
        first = w.stored()
        assert first["refresh-token"] in w.provider.refresh
        assert first["scope"] == "https://mail.test/Send offline_access"

        i.start()
        w.send()
        w.wait_sent(1)
        # renewed once, and the new refresh token is the one that is stored
        assert len(w.refreshes()) == 1
        assert w.stored()["refresh-token"] != first["refresh-token"]
        assert w.stored()["refresh-token"] in w.provider.refresh
        assert stat.S_IMODE(w.token.stat().st_mode) == 0o600

        time.sleep(0.8)             # the access token's time, less a quarter
        w.provider.access.clear()
        w.send()
        w.wait_sent(2)
        assert len(w.refreshes()) == 2 and len(w.provider.access) == 1
        assert all(good for _, good in w.smtp.logins)

        # the provider does not want the refresh token any more
        w.provider.refresh.clear()
        w.provider.access.clear()
        time.sleep(0.8)
        w.send(2)
        i.wait_log("refuses: invalid_grant: AADSTS700082: it has expired")
        row = wait_for(lambda: (q := w.queue()) and len(q) == 2 and
                       all(m["recipients"][0]["reason"] for m in q) and q)
        reason = row[0]["recipients"][0]["reason"]
        assert "smtp --authorize" in reason and "invalid_grant" in reason
        assert f"Mail by {NAME}: a new sign-in is needed: smtp " \
            "--authorize" in w.notice()
        asked = len(w.refreshes())
        assert asked <= 3
        i.run("mailq", "-r", "ALL", check=False)
        i.run("sendmail", "-q", check=False)
        w.send()
        time.sleep(2.5)             # longer than retry-most
        assert len(w.refreshes()) == asked
        assert [m["attempts"] for m in w.queue()] == [0, 0, 0]

        w.authorize("--device-url", w.provider.url("device"), "--scope", "s")
        w.wait_sent(5)
        assert w.notice() == ""
        no_secret_in(i.log(), w)


def test_a_refused_token_is_renewed_once(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.instance.start()
        w.send()
        w.wait_sent(1)
        w.provider.access.clear()       # long before its time
        w.send()
        w.wait_sent(2)
        assert len(w.refreshes()) == 2
        assert [good for _, good in w.smtp.logins] == [True, False, True]


def test_an_account_that_is_refused_is_not_asked_for_ever(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.smtp.account = "other@prov.test"
        w.instance.start()
        w.send()
        w.instance.wait_log("535 4.4.1 the token is no good")
        wait_for(lambda: len(w.smtp.logins) >= 3)
        # two tokens for the first try, none for the next
        assert len(w.refreshes()) == 2
        assert len(w.queue()) == 1


@pytest.mark.parametrize("answer", [
    (503, {"error": "temporarily_unavailable"}), (429, b""), "garbage",
    "close", (200, b"{}"), (200, b'{"access_token":"x'), (400, b"<html>"),
    (302, b""), (400, {"error": "temporarily_unavailable"})],
    ids=lambda a: re.sub(r"\W+", "-", str(a)))
def test_trouble_is_no_refusal(cert, tmp_path, answer):
    with World(cert, tmp_path, rotate=False) as w:
        w.sign_in()
        w.provider.answers = [answer]
        w.instance.start()
        w.send()
        w.wait_sent(1)
        assert "no new token" in w.instance.log()
        assert w.notice() == ""


def test_chunks_and_interim_replies(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.provider.chunked = True
        w.provider.first = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
        w.instance.start()
        w.send()
        w.wait_sent(1)


def test_an_endless_answer_ends(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.provider.answers = [(200, b"[" * 100000)]
        w.instance.start()
        w.send()
        w.instance.wait_log("the reply is too long")
        w.wait_sent(1)


def test_a_stranger_is_not_asked(cert, tmp_path):
    """The token endpoint's certificate counts, whatever the smarthost's does."""
    other = tmp_path / "other"
    other.mkdir()
    strange = make_cert(other)
    with World(cert, tmp_path, line="noverify") as w:
        w.sign_in()
        w.provider.context.load_cert_chain(*strange)
        w.instance.start()
        w.send()
        w.instance.wait_log(f"no new token: {NAME}: .*certificate")
        assert not w.provider.requests and not w.smtp.logins


def test_no_file_yet(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.instance.start()
        w.send()
        w.instance.wait_log("smtp --authorize microsoft or google "
                            r"\(.*No such file")
        w.sign_in()
        w.wait_sent(1)


def test_what_is_kept_does_not_go_back(cert, tmp_path):
    """... however old it is; its sender hears that it waits."""
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.provider.refresh.clear()
        spoolfile.prepare(w.instance)
        spoolfile.put(w.instance, "alice@a.test", ["x@b.test"], attempts=50,
                      created=int(time.time()) - 6 * 86400)
        w.instance.start()
        w.instance.wait_log("refuses: invalid_grant")
        text = w.instance.wait_messages("alice", 1)[0].read_text()
        assert "Action: delayed" in text and "smtp --authorize" in text
        row, = wait_for(lambda: len(w.queue()) == 1 and w.queue())
        assert row["attempts"] == 50
        w.sign_in()
        w.wait_sent(1)


def test_others_can_read_it(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.token.chmod(0o644)
        w.instance.start()
        w.send()
        w.instance.wait_log("others can read it")
        assert not w.provider.requests


def test_another_process_has_renewed_it(cert, tmp_path):
    """What queue remembers is older than the file: no refusal."""
    with World(cert, tmp_path) as w:
        i = w.instance
        w.sign_in()
        i.start()
        w.send()
        w.wait_sent(1)
        i.run("smtp", "-f", "alice@a.test", "y@b.test", input=MESSAGE)
        assert len(w.smtp.messages) == 2 and len(w.provider.refresh) == 1
        assert w.stored()["refresh-token"] in w.provider.refresh
        w.provider.access.clear()
        w.send()
        w.wait_sent(3)
        assert w.notice() == ""


def test_sendmail_without_daemons(cert, tmp_path):
    with World(cert, tmp_path, "sendmail-direct yes\n") as w:
        w.sign_in()
        w.instance.run("sendmail", "-f", "alice@a.test", "x@b.test",
                       input=MESSAGE)
        assert len(w.smtp.messages) == 1
        w.provider.refresh.clear()
        p = w.instance.run("smtp", "-f", "a@a.test", "x@b.test",
                           input=MESSAGE, check=False)
        assert p.returncode == 77 and "smtp --authorize" in p.stderr


def test_it_warns_before_the_sign_in_ends(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.provider.refresh_lifetime = 2 * 86400 + 100
        w.instance.start()
        w.send()
        w.wait_sent(1)
        wait_for(w.notice)
        assert "the sign-in ends in 48 hours; smtp --authorize" in w.notice()
        dies = int(w.stored()["refresh-token-dies"])
        assert abs(dies - time.time() - 2 * 86400 - 100) < 10
        # and again right after a start, without asking anybody
        w.instance.stop()
        w.instance.start()
        wait_for(w.notice)
        w.provider.refresh_lifetime = 90 * 86400
        w.send()
        w.wait_sent(2)
        wait_for(lambda: w.notice() == "")


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_the_mechanism_that_was_asked_for(cert, tmp_path, mechanism):
    with World(cert, tmp_path, line=f"auth={mechanism}") as w:
        w.sign_in()
        w.instance.start()
        w.send()
        w.wait_sent(1)
        assert w.smtp.logins == [(mechanism.upper(), True)]


# ---- commands

def test_token_command(cert, tmp_path):
    script = tmp_path / "token"
    with World(cert, tmp_path, how=f'"token-command={script} a \'b c\'"') as w:
        ran = tmp_path / "ran"
        script.write_text(f"""#!/bin/sh
[ "$1$2" = 'ab c' ] && [ "$(readlink /proc/$$/fd/0)" = /dev/null ] &&
    ls /proc/self/fd >>{ran}
cat {tmp_path}/now; echo; echo more
""")
        script.chmod(0o755)
        (tmp_path / "now").write_text(w.provider.new("access"))
        w.instance.start()
        w.send(2)
        w.wait_sent(2)
        # nothing of queue's is open in it: 0, 1, 2 and ls's own
        assert ran.read_text().split() == ["0", "1", "2", "3"]
        w.provider.access.clear()
        (tmp_path / "now").write_text(w.provider.new("access"))
        w.send()
        w.wait_sent(3)
        assert [good for _, good in w.smtp.logins][-2:] == [False, True]


@pytest.mark.parametrize("command, text", [
    ("exit 3", "token-command: it failed"),
    ("true", "token-command: it prints no line"),
    ("yes", "token-command: it prints too much"),
    ("printf %09000d 0", "the token is too long"),
    ("no-such-command-at-all", "token-command: it failed")])
def test_bad_commands(cert, tmp_path, command, text):
    with World(cert, tmp_path, how=f'"token-command={command}"') as w:
        w.instance.start()
        w.send()
        w.instance.wait_log(re.escape(text))
        reason = w.queue()[0]["recipients"][0]["reason"]
        assert text in reason


def test_a_command_that_hangs_keeps_nobody(cert, tmp_path):
    """... and is gone with all it has started when queue stops."""
    mark = f"{os.getpid()}.{time.monotonic_ns() % 10**6}"
    with World(cert, tmp_path,
               how=f'"token-command=sleep {mark}; echo x"') as w:
        w.instance.start()
        w.send()
        wait_for(lambda: running(mark))
        with smtplib.SMTP("127.0.0.1", w.instance.port["smtp"]) as s:
            s.sendmail("x@b.test", ["bob@a.test"], MESSAGE)
        w.instance.wait_messages("bob", 1)
        w.instance.stop()
        wait_for(lambda: not running(mark))


def running(mark):
    for p in os.listdir("/proc"):
        try:
            with open(f"/proc/{p}/cmdline", "rb") as f:
                if f.read() == b"sleep\0" + mark.encode() + b"\0":
                    return True
        except OSError:
            pass
    return False


def test_password_command(cert, tmp_path):
    """queue, sendmail without daemons, and smtp run it; auth= chooses."""
    with FakeSMTP(cert=cert, user=("me", "ge heim")) as s, \
            FakeDNS(ZONE) as dns, Instance(
                start=False, omit=("nameserver",), extra=f"""
nameserver 127.0.0.1:{dns.port}
tls-ca {cert[0]}
relay-from 127.0.0.0/8
sendmail-direct yes
smarthost {NAME}:{s.port} user=me "password-command=echo 'ge heim'" auth=plain
""") as i:
        i.run("sendmail", "-f", "a@a.test", "x@b.test", input=MESSAGE)
        i.run("smtp", "-f", "a@a.test", "x@b.test", input=MESSAGE)
        assert len(s.messages) == 2
        i.start()
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as c:
            c.sendmail("alice@a.test", ["x@b.test"], MESSAGE)
        wait_for(lambda: len(s.messages) == 3)
        assert "ge heim" not in i.log()


def test_a_provider_who_hangs_keeps_nobody(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.provider.answers = ["hang"]
        w.instance.start()
        w.send()
        wait_for(lambda: w.provider.requests)
        with smtplib.SMTP("127.0.0.1", w.instance.port["smtp"]) as s:
            s.sendmail("x@b.test", ["bob@a.test"], MESSAGE)
        w.instance.wait_messages("bob", 1)
        before = time.monotonic()
        w.instance.stop()
        assert time.monotonic() - before < 5
        w.instance.start()
        w.wait_sent(1)


def test_two_accounts_have_a_token_each(cert, tmp_path):
    """By sender; that one is refused does not keep the other's mail."""
    with World(cert, tmp_path, line="from=alice@a.test") as w:
        w.sign_in()
        other = tmp_path / "oauth" / "bob"
        other.write_text(w.token.read_text().replace("refresh-1", "refresh-0"))
        other.chmod(0o600)
        conf = w.instance.conf
        conf.write_text(conf.read_text() + f"smarthost {NAME}:{w.smtp.port} "
                        f"user=bob@{NAME} token-file={other} "
                        "from=bob@a.test\n")
        w.instance.start()
        with smtplib.SMTP("127.0.0.1", w.instance.port["smtp"]) as s:
            s.sendmail("bob@a.test", ["x@b.test"], MESSAGE)
        w.instance.wait_log("refuses: invalid_grant")
        w.send()
        wait_for(lambda: len(w.smtp.messages) == 1)
        row, = wait_for(lambda: len(w.queue()) == 1 and w.queue())
        assert row["sender"] == "bob@a.test" and row["attempts"] == 0


# ---- smtp --authorize

def test_slow_down_and_no(cert, tmp_path):
    with World(cert, tmp_path) as w:
        url = w.provider.url("device")
        for word in ("access_denied", "expired_token"):
            w.provider.polls = [word]
            p = w.authorize("--device-url", url, "--scope", "s", check=False)
            assert p.returncode == 77 and word in p.stderr
            assert not w.token.exists()
        w.provider.polls = ["slow_down"]
        before = time.monotonic()
        w.authorize("--device-url", url, "--scope", "s")
        assert time.monotonic() - before >= 1 + 6     # RFC 8628 3.5


def test_patience_as_microsoft_and_google_ask_for_it(cert, tmp_path):
    with World(cert, tmp_path) as w:
        w.provider.polls = [
            PENDING, google("authorization_pending", "Precondition Required",
                            428), (500, b"<html>"), None]
        p = w.authorize("--device-url", w.provider.url("device"), "--scope",
                        "s")
        assert not w.provider.polls and "AADSTS" not in p.stdout + p.stderr
        assert w.stored()["refresh-token"] in w.provider.refresh


@pytest.mark.parametrize("answer, says, helps", [
    (microsoft("authorization_declined", 70018, "The user has declined the "
               "request."), "AADSTS70018: The user has declined", "accept"),
    (microsoft("expired_token", 70020, "The provided value for the input "
               "parameter 'device_code' is not valid."), "expired_token",
     "start again"),
    (microsoft("invalid_client", 7000218, "The request body must contain the "
               "following parameter: 'client_assertion' or 'client_secret'."),
     "AADSTS7000218", "allow public client flows"),
    (microsoft("invalid_grant", 53003, "Access has been blocked by "
               "Conditional Access policies.", suberror="message_only"),
     "Conditional Access", "ask the organization's administrator"),
    ((400, {"error": "access_denied"}), "access_denied", "accept"),
    ((400, {"error": "expired_token"}), "expired_token", "start again")])
def test_a_no_in_the_device_flow(cert, tmp_path, answer, says, helps):
    with World(cert, tmp_path) as w:
        w.provider.polls = [answer]
        p = w.authorize("--device-url", w.provider.url("device"), "--scope",
                        "s", check=False)
        said, advice = p.stderr.splitlines()
        assert p.returncode == 77 and says in said
        assert advice.startswith("smtp: what helps: ") and helps in advice
        assert "Trace ID" not in said and not w.token.exists()


def test_no_code_at_all(cert, tmp_path):
    with World(cert, tmp_path) as w:
        for word, code, text, helps in (
                ("unauthorized_client", 700016, "Application with identifier "
                 "'app' was not found in the directory 'c.com'.",
                 "--client-id right"),
                ("invalid_request", 90002, "Tenant 'x' not found.",
                 "--tenant right"),
                ("unauthorized_client", 50194, "Application 'app' is not "
                 "configured as a multi-tenant application.",
                 "give its --tenant")):
            w.provider.devices = [microsoft(word, code, text)]
            p = w.authorize("--device-url", w.provider.url("device"),
                            "--scope", "s", check=False)
            assert p.returncode and f"AADSTS{code}: {text[:20]}" in p.stderr
            assert helps in p.stderr


@pytest.mark.parametrize("answer, helps", [
    (google("invalid_grant", "Malformed auth code."), "all of the address"),
    (google("redirect_uri_mismatch", "Bad Request"), "Desktop app"),
    (google("invalid_client", "The OAuth client was not found.", 401),
     "--client-id right"),
    (google("invalid_client", "Unauthorized", 401), "--secret-file")])
def test_a_no_to_what_was_pasted(cert, tmp_path, answer, helps):
    with World(cert, tmp_path) as w:
        w.provider.answers = [answer]
        p = w.authorize("--auth-url", w.provider.url("auth"), check=False,
                        input="http://127.0.0.1:58725/?code=4/0A&scope=x\n")
        said, advice = p.stderr.splitlines()
        assert p.returncode == 77 and answer[1]["error"] in said
        assert answer[1]["error_description"] in said and helps in advice
        # the browser itself has come back with it
        p = w.authorize("--auth-url", w.provider.url("auth"), check=False,
                        input="http://127.0.0.1:58725/?error=access_denied\n")
        assert p.returncode == 77 and "and accept" in p.stderr


@pytest.mark.parametrize("answer, says", [
    (google("invalid_grant", "Token has been expired or revoked."),
     "(invalid_grant: Google ends those of an application in Testing"),
    (google("invalid_grant", "Bad Request"), "(invalid_grant)"),
    (microsoft("invalid_grant", 700082, "The refresh token has expired due to "
               "inactivity. The token was issued on 2026-05-03T12:11:26Z and "
               "was inactive for 90.00:00:00."), "(invalid_grant)"),
    (microsoft("invalid_grant", 65001, "The user or administrator has not "
               "consented to use the application.",
               suberror="consent_required"), "has to consent to SMTP.Send"),
    (microsoft("invalid_client", 7000222, "The provided client secret keys "
               "are expired."), "make a new one for --secret-file")])
def test_what_mailq_and_the_notice_say(cert, tmp_path, answer, says):
    with World(cert, tmp_path) as w:
        w.sign_in()
        w.provider.answers = [answer]
        w.instance.start()
        w.send()
        wait_for(lambda: w.queue() and "new sign-in" in str(w.queue()))
        assert says in str(w.queue()) and says in w.notice()
        assert "smtp --authorize acme" in w.notice()
        # all of it is on the log, but for the numbers
        w.instance.wait_log(re.escape(answer[1]["error_description"][:40]))
        assert "Trace ID" not in w.instance.log()
        assert w.queue()[0]["attempts"] == 0


def test_pasted_address(cert, tmp_path):
    with World(cert, tmp_path, secret="geheim") as w:
        secret = tmp_path / "secret"
        secret.write_text("geheim\n")
        secret.chmod(0o600)
        argv = [BIN, "smtp", "--authorize", w.provider.url("token"),
                "--client-id", "app", "--auth-url", w.provider.url("auth"),
                "--secret-file", str(secret), "--scope",
                "https://mail.google.com/"]
        with subprocess.Popen(argv, env=w.instance.env(), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            for line in p.stdout:
                if line.startswith("https://"):
                    break
            query = dict(urllib.parse.parse_qsl(line.split("?")[1].strip()))
            assert query["code_challenge_method"] == "S256"
            assert query["scope"] == "https://mail.google.com/"
            assert query["access_type"] == "offline"
            w.provider.codes["4/0A+b"] = query["code_challenge"]
            out, err = p.communicate(
                query["redirect_uri"] + "?iss=x&code=4%2F0A%2Bb&scope=y\r\n",
                timeout=30)
        assert p.returncode == 0, err
        assert "4/0A" not in out + err
        assert w.stored()["refresh-token"] in w.provider.refresh
        assert w.stored()["client-secret"] == "geheim"


def test_pasted_token(cert, tmp_path):
    with World(cert, tmp_path, rotate=False) as w:
        token = w.provider.new("refresh")
        p = w.authorize(input=f"  {token}\n")
        assert token not in p.stdout + p.stderr
        assert w.stored()["refresh-token"] == token
        p = w.authorize(input="nonsense\n", check=False)
        assert p.returncode == 77 and "invalid_grant" in p.stderr
        assert w.stored()["refresh-token"] == token
        p = w.authorize(input="\n", check=False)
        assert p.returncode != 0 and "nothing was pasted" in p.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_the_file_is_the_queues(cert, tmp_path):
    """... whoever renews it; and what it cannot replace is said."""
    with World(cert, tmp_path) as w:
        me = subprocess.check_output(["id", "-un"], text=True).strip()
        conf = w.instance.conf
        conf.write_text(conf.read_text().replace(f"user-queue {me}\n",
                                                 "user-queue nobody\n"))
        nobody = pwd.getpwnam("nobody")

        def owners():
            return {p.stat().st_uid for p in (w.token, w.token.parent)}

        p = w.authorize(input=w.provider.new("refresh") + "\n")
        assert "warning" not in p.stderr and owners() == {nobody.pw_uid}
        before = w.token.stat().st_ino
        w.instance.run("smtp", "-f", "a@a.test", "x@b.test", input=MESSAGE)
        assert w.token.stat().st_ino != before
        assert owners() == {nobody.pw_uid}
        assert stat.S_IMODE(w.token.stat().st_mode) == 0o600
        os.chown(w.token.parent, 0, 0)
        p = w.authorize(input=w.provider.new("refresh") + "\n")
        assert "warning: nobody does not own" in p.stderr


@pytest.mark.parametrize("argv", [
    [], ["yahoo", "--client-id", "x"], ["microsoft"], ["http://x/", "--client-id", "x"],
    ["google", "--client-id", "x", "--tenant", "y"],
    ["microsoft", "--client-id", "x", "--tenant", "a/b"],
    ["microsoft", "--client-id", "x", "--device-url", "https://x/"],
    ["microsoft", "--client-id", "x", "more"]])
def test_usage(cert, tmp_path, argv):
    with World(cert, tmp_path) as w:
        p = w.instance.run("smtp", "--authorize", *argv, check=False)
        assert p.returncode == 64 and "usage: smtp --authorize" in p.stderr
