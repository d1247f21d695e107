"""Certificates of clients: tls-client, AUTH EXTERNAL, relay-cert."""

import base64
import re
import signal
import smtplib
import socket
import subprocess
import time

import pytest

from certs import Cert, anybody
from instance import Instance
from test_names import OLD_LIBRARY, VERSIONS, is_reused, refused, s_client


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A CA, whom it knows, and whom it does not."""
    d = tmp_path_factory.mktemp("pki")

    def of(file, *argv, ext):
        """A certificate by the CA named in argv."""
        made = Cert(d, file)
        (d / "ext").write_text("\n".join(ext) + "\n")
        subprocess.run(
            ["openssl", "req", "-new", "-key", made.key, "-subj",
             f"/CN={file}", "-out", d / "csr"], check=True)
        subprocess.run(
            ["openssl", "x509", "-req", "-in", d / "csr", "-CA",
             d / f"{argv[0]}.pem", "-CAkey", d / f"{argv[0]}.key",
             "-CAcreateserial", "-extfile", d / "ext", "-out", made.cert,
             *argv[1:]], check=True, stderr=subprocess.DEVNULL)
        return made

    def mail(*addresses):
        return "subjectAltName=" + ",".join(f"email:{a}" for a in addresses)
    pki = {n: Cert(d, n) for n in ("ca", "other-ca", "device", "relay")}
    pki["alice"] = of("alice", "ca", ext=[
        mail("alice@elsewhere.test", "alice@a.test"),
        "extendedKeyUsage=clientAuth"])
    pki["both"] = of("both", "ca", ext=[mail("bob@a.test", "alice@a.test")])
    pki["tagged"] = of("tagged", "ca", ext=[mail("alice+x@a.test")])
    pki["nobody"] = of("nobody", "ca", ext=[mail("nobody@a.test")])
    pki["postmaster"] = of("postmaster", "ca",
                           ext=[mail("postmaster@a.test")])
    pki["nameless"] = of("nameless", "ca", ext=["keyUsage=digitalSignature"])
    pki["dns"] = of("dns", "ca", ext=["subjectAltName=DNS:alice@a.test"])
    pki["server"] = of("server", "ca", ext=[
        mail("alice@a.test"), "extendedKeyUsage=serverAuth"])
    pki["stranger"] = of("stranger", "other-ca", ext=[mail("alice@a.test")])
    pki["self"] = Cert(d, "self", san="email:alice@a.test")
    pki["expired"] = of("expired", "ca", "-days", "-1",
                        ext=[mail("alice@a.test")])
    return pki


def lines(pki, *more):
    return f"tls-client-ca {pki['ca'].cert}\n" \
           f"relay-cert {pki['relay'].sha256}\n" \
           f"tls-client-user {pki['device'].sha256} bob@a.test\n" + \
           "".join(line + "\n" for line in more)


@pytest.fixture(scope="module")
def i(pki):
    with Instance(extra=lines(pki)) as instance:
        yield instance


def smtps(i, cert=None, version=None):
    context = cert.context() if cert else anybody()
    if version:
        context.maximum_version = version
    return smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"], context=context)


def starttls(i, cert=None):
    s = smtplib.SMTP("127.0.0.1", i.port["smtp"])
    s.starttls(context=cert.context() if cert else anybody())
    return s


def b64(text):
    return base64.b64encode(text.encode()).decode()


def mechanisms(s):
    s.ehlo()
    return s.esmtp_features["auth"].split()


@pytest.mark.parametrize("who,user", [("alice", "alice"), ("both", "bob"),
                                      ("device", "bob")])
def test_who_may_log_in(i, pki, who, user):
    since = len(i.log())
    for open_ in (smtps, starttls):
        with open_(i, pki[who]) as s:
            assert mechanisms(s)[0] == "EXTERNAL"
            assert s.docmd("AUTH", "EXTERNAL =")[0] == 235
            assert "auth" not in (s.ehlo(), s.esmtp_features)[1]
            assert s.docmd("AUTH", "EXTERNAL =")[0] == 503
            # its own address and no other
            assert s.mail("cary@a.test")[0] == 553
            assert s.mail(f"{user}@a.test")[0] == 250
            assert s.rcpt("x@far.example")[0] == 250
    i.wait_log(rf"login user=<{user}@a.test> service=smtps "
               r"peer=\[127.0.0.1\] certificate", since=since)
    i.wait_log(rf"client certificate sha256={pki[who].sha256} ", since=since)


def test_the_forms_of_external(i, pki):
    for args, line, want in (
            ("EXTERNAL", "", 235), ("external", b64("alice@a.test"), 235),
            ("EXTERNAL " + b64("alice@a.test"), None, 235),
            ("EXTERNAL " + b64("ALICE@A.TEST"), None, 235),
            ("EXTERNAL " + b64("bob@a.test"), None, 535),
            ("EXTERNAL " + b64("alice@elsewhere.test"), None, 535),
            ("EXTERNAL", b64("root"), 535), ("EXTERNAL", "*", 501),
            ("EXTERNAL !", None, 501), ("EXTERNAL = =", None, 501),
            ("EXTERNAL " + b64("alice@a.test\0bob"), None, 501),
            ("EXTERNAL " + b64("x" * 300), None, 501),
            ("EXTERNALX =", None, 504)):
        with smtps(i, pki["alice"]) as s:
            s.ehlo()
            code, text = s.docmd("AUTH", args)
            if line is not None:
                assert code == 334, (args, text)
                code, text = s.docmd(line)
            assert code == want, (args, line, text)
            if want == 535:
                assert text.startswith(b"5.7.8")
    # one certificate, two users: the one that is asked for
    with smtps(i, pki["both"]) as s:
        s.ehlo()
        assert s.docmd("AUTH", "EXTERNAL " + b64("alice@a.test"))[0] == 235
        assert s.mail("alice@a.test")[0] == 250


@pytest.mark.parametrize("who", ["nameless", "dns", "server", "stranger",
                                 "self", "expired", "relay", None])
def test_who_is_offered_nothing(i, pki, who):
    with smtps(i, pki[who] if who else None) as s:
        assert "EXTERNAL" not in mechanisms(s)
        assert s.docmd("AUTH", "EXTERNAL =")[0] == 504
        assert s.docmd("AUTH", "EXTERNAL " + b64("alice@a.test"))[0] == 504
        assert s.mail("alice@a.test")[0] == 530
        s.login("alice@a.test", "alice-pw")


def test_plain_connections_have_no_external(i):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
        s.ehlo()
        assert s.docmd("AUTH", "EXTERNAL =")[0] == 530


@pytest.mark.parametrize("who", ["nobody", "tagged"])
def test_a_name_that_is_no_user(i, pki, who):
    since = len(i.log())
    with smtps(i, pki[who]) as s:
        s.ehlo()
        start = time.monotonic()
        code, text = s.docmd("AUTH", "EXTERNAL =")
        assert (code, text[:5]) == (535, b"5.7.8")
        assert time.monotonic() - start > 0.9
    i.wait_log("authentication failed", since=since)


def test_whose_mail_goes_to_a_user_is_not_that_user(pki):
    with Instance(extra=lines(pki) + "postmaster alice\n") as i:
        with smtps(i, pki["postmaster"]) as s:
            s.ehlo()
            assert s.docmd("AUTH", "EXTERNAL =")[0] == 535
            assert s.mail("x@y.test")[0] == 530
        with smtps(i) as s:     # that there is such mail
            s.login("alice@a.test", "alice-pw")
            s.mail("postmaster@a.test")
            assert s.rcpt("postmaster@a.test")[0] == 250


def test_the_reason_is_in_the_log(i, pki):
    for who, why in (("expired", "has expired"), ("server", "another use"),
                     ("self", "not signed by a CA"), ("alice", "verified")):
        with smtps(i, pki[who]):
            pass
        i.wait_log(f"client certificate sha256={pki[who].sha256} .*{why}")


# ---- relaying

def test_relay_by_certificate(i, pki):
    for who in (None, "alice", "device", "self", "stranger", "expired",
                "relay"):
        with starttls(i, pki[who] if who else None) as s:
            s.ehlo()
            assert s.mail("printer@a.test")[0] == 250
            assert s.rcpt("bob@a.test")[0] == 250
            code, text = s.rcpt("x@far.example")
            assert (code == 250) == (who == "relay"), (who, code, text)
            if who != "relay":
                assert (code, text[:5]) == (550, b"5.7.1")


def test_received_says_how(i, pki):
    for who, text in (("relay", "client certificate known"),
                      ("alice", "client certificate verified"),
                      ("self", "client certificate not verified"),
                      (None, "")):
        n = len(i.messages("bob"))
        with starttls(i, pki[who] if who else None) as s:
            s.sendmail("x@y.test", ["bob@a.test"], f"Subject: {who}\r\n\r\nx")
        i.wait_messages("bob", n + 1)
        got = [m for m in i.messages("bob")
               if f"Subject: {who}\n" in m.read_text()][0].read_text()
        tls = re.search(r"Received: .*?with ESMTPS\n\t\((TLSv1.*?)\)\n\tid",
                        got, re.S)[1]
        assert tls.endswith(text) and ("certificate" in tls) == bool(text)
        for cert in pki.values():
            assert cert.sha256 not in got


def test_the_fingerprint_as_openssl_prints_it(pki):
    out = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
         pki["self"].cert], capture_output=True, text=True).stdout
    printed = out.strip().split("=")[1]
    assert ":" in printed
    with Instance(extra=f"relay-cert {printed}\n") as i:
        assert i.run("mailconf", "--get", "relay-cert").stdout.strip() == \
            pki["self"].sha256
        assert i.run("mailconf", "--get", "tls-client").stdout.strip() == \
            "request"
        with starttls(i, pki["self"]) as s:
            s.ehlo()
            s.mail("a@b.test")
            assert s.rcpt("x@far.example")[0] == 250
            # without an authority no address is to be believed
            assert "EXTERNAL" not in mechanisms(s)


# ---- what is asked

def asked(i, service):
    """Does the server send a CertificateRequest (13, RFC 5246 7.4.4)?"""
    seen = []
    context = anybody()
    context._msg_callback = lambda conn, way, version, kind, what, data: \
        seen.append(int(what)) if way == "read" else None
    if service in ("smtps", "pop3s"):
        with socket.create_connection(("127.0.0.1", i.port[service])) as s, \
                context.wrap_socket(s):
            pass
    else:
        with smtplib.SMTP("127.0.0.1", i.port[service]) as s:
            s.starttls(context=context)
    assert 2 in seen        # the ServerHello
    return 13 in seen


def test_who_is_asked(pki):
    with Instance() as i:
        assert not asked(i, "smtps")
        assert i.run("mailconf", "--get", "tls-client").stdout.strip() == "no"
    with Instance(extra=lines(pki, "tls-client no smtp")) as i:
        assert [asked(i, s) for s in ("smtp", "submission", "smtps")] == [
            False, True, True]
        assert not asked(i, "pop3s")


def test_require(pki):
    with Instance(extra=lines(pki, "tls-client require submission smtps",
                              "tls-client request smtp")) as i:
        for who in ("alice", "device", "relay", "nameless"):
            with smtps(i, pki[who]) as s:
                assert s.noop()[0] == 250
        for who, why in ((None, "the client has no certificate"),
                         ("self", "the certificate of the client is not "
                          "signed by a CA that we trust"),
                         ("expired", "the client has expired"),
                         ("server", "the client is for another use"),
                         ("stranger", "not signed")):
            since = len(i.log())
            with pytest.raises((OSError, smtplib.SMTPException)):
                with smtps(i, pki[who] if who else None) as s:
                    s.noop()
            i.wait_log(rf"smtpd.*\[127.0.0.1\]: .*{why}", since=since)
        with starttls(i) as s:
            assert s.ehlo()[0] == 250


def test_wrong_lines_are_errors(pki):
    assert "needs tls-client-ca" in refused("tls-client require\n")
    assert "neither no, request nor" in refused("tls-client maybe\n")
    assert "neither smtp, submission" in refused("tls-client no pop3\n")
    assert "no SHA-256" in refused("relay-cert 1234\n")
    assert "no SHA-256" in refused(f"relay-cert {'g' * 64}\n")
    assert "no SHA-256" in refused(f"relay-cert {'00:' * 32}\n")
    assert "no user's name" in refused(f"tls-client-user {'0' * 64} a#b\n")
    assert "has a user already" in refused(
        f"tls-client-user {'0' * 64} a\ntls-client-user {'0' * 64} b\n")
    assert "no certificate in PEM form" in refused(
        f"tls-client-ca {pki['ca'].key}\n")


# ---- a session taken up again is not a certificate shown again

@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("reload", [False, True])
def test_who_showed_a_certificate_shows_it_again(i, pki, tmp_path, version,
                                                 reload):
    kept = tmp_path / "session"
    alice = ["-cert", pki["alice"].cert, "-key", pki["alice"].key]
    talk = "EHLO c\r\nAUTH EXTERNAL =\r\nQUIT\r\n"
    p = s_client(i, version, *alice, "-sess_out", kept, send=talk)
    assert "235 2.7.0" in p.stdout, p.stdout
    if reload:
        since = len(i.log())
        i.maild.send_signal(signal.SIGHUP)
        i.wait_log("smtpd: ready", since=since)
        time.sleep(0.2)
    if kept.exists():
        p = s_client(i, version, "-sess_in", kept, send=talk)
        assert not is_reused(p)
        assert "504 5.5.4" in p.stdout and "\n235 " not in p.stdout
        p = s_client(i, version, *alice, "-sess_in", kept, send=talk)
        assert "235 2.7.0" in p.stdout
    # who has none is taken up again, as nobody
    assert not is_reused(s_client(i, version, "-sess_out", kept))
    p = s_client(i, version, "-sess_in", kept, *alice, send=talk)
    assert is_reused(p) and "504 5.5.4" in p.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_require_is_not_got_round_by_an_old_session(pki, tmp_path, version):
    kept = tmp_path / "session"
    with Instance(extra=lines(pki)) as i:
        s_client(i, version, "-sess_out", kept)
        assert is_reused(s_client(i, version, "-sess_in", kept))
        i.conf.write_text(i.conf.read_text() + "tls-client require\n")
        since = len(i.log())
        i.maild.send_signal(signal.SIGHUP)
        i.wait_log("smtpd: ready", since=since)
        time.sleep(0.2)
        p = s_client(i, version, "-sess_in", kept)
        assert "220 mail.a.test" not in p.stdout
        i.wait_log("the client has no certificate", since=since)


def test_a_front_ends_certificate_is_not_its_clients(pki):
    """XCLIENT names another client, which has shown no certificate."""
    with Instance(extra=lines(pki) + "xclient-from 127.0.0.1\n") as i:
        context = anybody()
        context.load_cert_chain(pki["relay"].cert, pki["relay"].key)
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
            s.starttls(context=context)
            s.ehlo("c")
            s.mail("x@y.test")
            assert s.rcpt("z@elsewhere.example")[0] == 250
            s.rset()
            assert s.docmd("XCLIENT ADDR=198.51.100.7")[0] == 220
            s.ehlo("c")
            s.mail("x@y.test")
            assert s.rcpt("z@elsewhere.example")[0] == 550
