"""What the tests of TLS to other servers share."""

import hashlib
import json
import os
import pathlib
import smtplib
import ssl
import subprocess
import sys

import pytest

from fakes import FakeDNS, FakeSMTP
from instance import Instance, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tls"))
from certs import Cert  # noqa: E402

MESSAGE = "From: alice@a.test\r\nSubject: x\r\n\r\nhi\r\n"
# no second try comes while a test looks
BASE = "retry-first 1h\nretry-most 1h\nrelay-from 127.0.0.0/8\n"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs port 25")


def send(i, *rcpts):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail("alice@a.test", rcpts, MESSAGE)


def sent(i, rcpt):
    i.wait_log(f"to=<{rcpt}> .*status=sent")


def put_off(i, rcpt, why):
    """It is not sent, and the log and mailq say why."""
    m = i.wait_log(f"to=<{rcpt}> .*status=(\\w+) \\((.*)\\)")
    assert m[1] == "deferred" and why in m[2], m[0]
    wait_for(lambda: why in i.run("mailq").stdout)


def spki(cert):
    """The public key; of a file, its first certificate's."""
    der = subprocess.run(
        ["openssl", "x509", "-in", cert.cert, "-noout", "-pubkey"],
        check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=der, check=True, capture_output=True).stdout
    return der


def sha256(data):
    return hashlib.sha256(data).digest()


class Chain:
    """A CA, and a server's certificate that it has signed, openssl's work."""

    def __init__(self, folder, file, san, days=30, ca=None):
        self.ca = ca.ca if ca else Cert(folder, f"{file}-ca", extra=(
            "keyUsage=critical,keyCertSign,cRLSign",))
        self.own_key = folder / f"{file}.key"
        request, leaf = folder / f"{file}.csr", folder / f"{file}-leaf.pem"
        run = dict(check=True, capture_output=True)
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        f"/CN={file}", "-addext", f"subjectAltName={san}",
                        "-keyout", self.own_key, "-out", request], **run)
        extensions = folder / f"{file}.ext"
        extensions.write_text(f"subjectAltName={san}\n"
                              "basicConstraints=CA:FALSE\n")
        subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA",
                        self.ca.cert, "-CAkey", self.ca.key,
                        "-CAcreateserial", "-days", str(days), "-extfile",
                        extensions, "-out", leaf], **run)
        self.cert = folder / f"{file}.pem"
        self.leaf = leaf.read_text()
        self.cert.write_text(self.leaf + self.ca.cert.read_text())
        self.pair = (self.cert, self.own_key)

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.leaf)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certs")


@pytest.fixture(scope="module")
def good(folder):
    """For two.test and mx.two.test."""
    return Chain(folder, "good", "DNS:mx.two.test,DNS:two.test,"
                 "DNS:*.two.test")


@pytest.fixture(scope="module")
def other(folder):
    return Cert(folder, "other", "other.test", "DNS:other.test")


def pair(cert):
    return cert.cert, cert.key


class World:
    """two.test, whose MX mx.two.test is 127.0.25.31; names are signed."""

    def __init__(self, records, signed=(".test",), extra="", cert=None,
                 zone=None, offers=(), without=()):
        self.zone = {("two.test", "MX"): [(10, "mx.two.test")],
                     ("mx.two.test", "A"): ["127.0.25.31"]}
        if records is not None:
            self.zone["_25._tcp.mx.two.test", "TLSA"] = records
        self.zone.update(zone or {})
        for key in without:
            del self.zone[key]
        self.signed, self.extra, self.cert = signed, extra, cert
        self.offers = offers

    def __enter__(self):
        signed = [s.lstrip(".") for s in self.signed]
        self.dns = FakeDNS(self.zone, signed)
        self.smtp = FakeSMTP("127.0.25.31", 25, cert=self.cert,
                             offers=self.offers)
        self.i = Instance(omit=("nameserver",), extra=BASE + self.extra +
                          f"nameserver 127.0.0.1:{self.dns.port}\n"
                          "dns-trust yes\n")
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print(self.i.log()[-6000:], self.dns.asked)
        self.i.close()
        self.smtp.close()
        self.dns.close()

    def send(self, why=None):
        send(self.i, "x@two.test")
        if why:
            put_off(self.i, "x@two.test", why)
            assert not self.smtp.messages
        else:
            sent(self.i, "x@two.test")
            wait_for(lambda: len(self.smtp.messages) == 1)

    def report(self):
        out = self.i.run("mailq", "--tls-report").stdout.splitlines()
        return [json.loads(line) for line in out]
