"""tls-host, tls-min, tls-ciphers: which certificate, which TLS."""

import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

from certs import Cert, anybody
from instance import BIN, Instance, wait_for

LINKED = subprocess.run(["ldd", BIN], capture_output=True, text=True).stdout
OLD_LIBRARY = "libmbedtls.so.14" in LINKED      # 2.28: no TLS 1.3


def served(i, name=None, ciphers=None, service="smtps"):
    """The certificate, in DER, that this client gets."""
    context = anybody()
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", i.port[service])) as s, \
            context.wrap_socket(s, server_hostname=name) as t:
        return t.getpeercert(True)


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certs")
    return {n: Cert(folder, n, kind="rsa" if n.endswith("rsa") else "ec")
            for n in ("default", "default-rsa", "one", "one-rsa", "wild",
                      "new")}


def hosts(certs, *lines):
    text = f"tls-cert {certs['default'].cert}\n" \
           f"tls-key {certs['default'].key}\n"
    for name, file in lines:
        text += f"tls-host {name} {certs[file].cert} {certs[file].key}\n"
    return text


def test_each_name_gets_its_certificate(certs):
    with Instance(extra=hosts(
            certs, ("*.example.org", "wild"), ("one.example.org", "one"),
            ("one.example.org", "one-rsa"), ("*", "default-rsa"))) as i:
        for service in ("smtps", "pop3s"):
            for name, want in {
                    "one.example.org": "one", "ONE.Example.ORG": "one",
                    "two.example.org": "wild", "a.b.example.org": "default",
                    "example.org": "default", "elsewhere.example": "default",
                    "one.example.org.evil.example": "default",
                    None: "default"}.items():
                assert served(i, name, service=service) == certs[want].der, \
                    (service, name)
        for name, want in (("one.example.org", "one-rsa"),
                           (None, "default-rsa")):
            assert served(i, name, "ECDHE+aRSA") == certs[want].der
            assert served(i, name, "ECDHE+aECDSA") == \
                certs[want[:-4]].der
        # a wildcard has an ECDSA certificate alone
        with pytest.raises(ssl.SSLError):
            served(i, "two.example.org", "ECDHE+aRSA")
        i.wait_log("smtpd.*TLS: no cipher in common")


def put(cert, folder, name):
    for source, to in ((cert.cert, f"{name}.pem"), (cert.key, f"{name}.key")):
        shutil.copy(source, folder / (to + ".tmp"))
        os.rename(folder / (to + ".tmp"), folder / to)


def test_a_new_file_is_taken_and_a_broken_one_is_not(certs, tmp_path):
    put(certs["one"], tmp_path, "host")
    extra = hosts(certs) + f"tls-host one.example.org {tmp_path}/host.pem " \
        f"{tmp_path}/host.key\n"
    with Instance(extra=extra) as i:
        assert served(i, "one.example.org") == certs["one"].der
        s = smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"], context=anybody())
        before = i.pids("smtpd")
        (tmp_path / "host.pem").write_text("broken\n")
        i.wait_log("host.pem is new", 40)
        i.wait_log("host.pem: no certificate in PEM form", 40)
        i.wait_log("the old configuration and certificates stay", 5)
        assert served(i, "one.example.org") == certs["one"].der
        assert i.pids("smtpd") == before
        put(certs["new"], tmp_path, "host")
        wait_for(lambda: served(i, "one.example.org") == certs["new"].der, 60)
        assert served(i) == certs["default"].der
        assert s.noop()[0] == 250


def refused(extra):
    """What smtpd says of this configuration, which it must not take."""
    with Instance(extra=extra, start=False, users=()) as i:
        p = i.run("smtpd", "-f", check=False)
        assert p.returncode in (71, 78), p.stderr
        return p.stderr


def test_wrong_lines_are_errors(certs, tmp_path):
    cert, key = certs["one"].cert, certs["one"].key
    assert "is neither a host name" in refused(f"tls-host a..b {cert} {key}\n")
    assert "is neither a host name" in refused(f"tls-host *.* {cert} {key}\n")
    assert "does not begin with /" in refused(f"tls-host a.b cert {key}\n")
    assert "needs a value" in refused("tls-host a.b /cert\n")
    assert "is not the key" in refused(
        f"tls-host a.b {cert} {certs['new'].key}\n")
    assert "No such file" in refused(f"tls-host a.b /nowhere/x {key}\n")
    assert "mbedTLS has no TLS_NO_SUCH" in refused("tls-ciphers TLS_NO_SUCH\n")
    assert "no cipher's name" in refused("tls-ciphers A:B\n")
    assert "neither 1.3 nor 1.2" in refused("tls-min 1.1\n")
    if OLD_LIBRARY:
        assert re.search(r"tls-min 1.3: mbedTLS 2\.\S+ of this build has no "
                         r"TLS 1.3", refused("tls-min 1.3\n"))


def test_a_reload_does_not_take_what_no_daemon_could_start_with(certs):
    with Instance(extra=hosts(certs)) as i:
        i.conf.write_text(i.conf.read_text() + "tls-ciphers TLS_NO_SUCH\n")
        i.maild.send_signal(signal.SIGHUP)
        i.wait_log("mbedTLS has no TLS_NO_SUCH")
        i.wait_log("the old configuration and certificates stay")
        assert served(i) == certs["default"].der


def test_ciphers(certs):
    gcm = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    chacha = "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256"
    with Instance(extra=hosts(certs) + f"tls-ciphers {gcm}\n"
                  f"tls-ciphers {chacha}\n") as i:
        def cipher(wanted):
            context = anybody()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(wanted)
            with smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"],
                                  context=context) as s:
                return s.sock.cipher()[0]
        # the server's order
        assert cipher("ECDHE+CHACHA20:ECDHE+AESGCM") == \
            "ECDHE-ECDSA-AES128-GCM-SHA256"
        assert cipher("ECDHE+CHACHA20") == "ECDHE-ECDSA-CHACHA20-POLY1305"
        with pytest.raises(ssl.SSLError):
            cipher("ECDHE-ECDSA-AES256-GCM-SHA384")
        i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS: no cipher in common")
        if not OLD_LIBRARY:
            with smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"],
                                  context=anybody()) as s:
                assert s.sock.version() == "TLSv1.3"


def test_old_versions_are_refused(certs):
    with Instance(extra=hosts(certs) + "tls-min 1.2\n") as i:
        p = subprocess.run(
            ["openssl", "s_client", "-connect",
             f"127.0.0.1:{i.port['smtps']}", "-tls1_1", "-cipher",
             "DEFAULT@SECLEVEL=0"], input="", capture_output=True, text=True)
        assert p.returncode and "alert protocol version" in p.stderr
        i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS: the other side speaks no "
                   "version that we take")


@pytest.mark.skipif(OLD_LIBRARY, reason="mbedTLS 2.28")
def test_only_13(certs):
    with Instance(extra=hosts(certs) + "tls-min 1.3\n") as i:
        context = anybody()
        with smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"],
                              context=context) as s:
            assert s.sock.version() == "TLSv1.3"
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError):
            smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"], context=context)
        i.wait_log(r"smtpd.*\[127.0.0.1\]: TLS: the other side speaks no "
                   "version that we take")


# ---- sessions taken up again

def s_client(i, *argv, send="QUIT\r\n", service="smtps"):
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{i.port[service]}",
         "-ign_eof", *[str(a) for a in argv]], input=send,
        capture_output=True, text=True, timeout=30)


VERSIONS = ["-tls1_2"] if OLD_LIBRARY else ["-tls1_2", "-tls1_3"]


def is_reused(p):
    assert p.stdout.count("New, ") + p.stdout.count("Reused, ") == 1, p.stdout
    return "Reused, " in p.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_taken_up_again_after_a_reload(certs, tmp_path, version):
    with Instance(extra=hosts(certs)) as i:
        kept = tmp_path / "session"
        assert not is_reused(s_client(i, version, "-sess_out", kept))
        assert is_reused(s_client(i, version, "-sess_in", kept))
        # pop3d's are its own, though the same secrets make them
        since = len(i.log())
        i.maild.send_signal(signal.SIGHUP)
        i.wait_log("smtpd: ready", since=since)
        time.sleep(0.2)
        assert is_reused(s_client(i, version, "-sess_in", kept))
        # what a session was agreed under is another now: begin again
        i.conf.write_text(i.conf.read_text() + "tls-ciphers "
                          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n")
        since = len(i.log())
        i.maild.send_signal(signal.SIGHUP)
        i.wait_log("smtpd: ready", since=since)
        time.sleep(0.2)
        assert not is_reused(s_client(i, version, "-sess_in", kept))


def test_reconnect(certs):
    with Instance(extra=hosts(certs)) as i:
        p = subprocess.run(
            ["openssl", "s_client", "-connect",
             f"127.0.0.1:{i.port['smtps']}", "-tls1_2", "-reconnect"],
            input="", capture_output=True, text=True, timeout=30)
        assert p.stdout.count("Reused, ") == 5, p.stdout
