"""DANE (RFC 7672): certificates of other hosts from DNS, and counters of it."""

import hashlib
import itertools
import json
import os
import subprocess

import pytest

from fakes import FakeDNS, FakeSMTP
from instance import Instance, free_port, wait_for, wait_port
from tls_world import (  # noqa: F401
    BASE, Chain, World, folder, good, other, pair, put_off, root_only, send,
    sent, sha256, spki)


# -- DANE, with a name server that says AD ------------------------------------

def tlsa(usage, selector, matching, data):
    if matching:
        data = hashlib.new({1: "sha256", 2: "sha512"}[matching], data).digest()
    return (usage, selector, matching, data)


@root_only
def test_dane_takes_what_fits(good):
    """Each usage, selector and matching type has a domain of its own."""
    zone = {}
    for usage, selector, matching in itertools.product((2, 3), (0, 1),
                                                       (0, 1, 2)):
        cert = good.ca if usage == 2 else good
        record = tlsa(usage, selector, matching,
                      spki(cert) if selector else cert.der)
        name = f"n{usage}{selector}{matching}.two.test"
        zone[name, "A"] = ["127.0.25.31"]
        zone[f"_25._tcp.{name}", "TLSA"] = [record]
    names = [name for name, kind in zone if kind == "A"]
    with World(None, cert=good.pair, zone=zone) as w:
        send(w.i, *[f"x@{name}" for name in names])
        for name in names:
            sent(w.i, f"x@{name}")
        assert w.smtp.lines.count("STARTTLS") == 12
        assert len(w.report()) == 12


@root_only
def test_dane_refuses_another_certificate(good, other):
    with World([tlsa(3, 0, 1, good.der), tlsa(2, 0, 1, good.ca.der)],
               cert=pair(other)) as w:
        w.send("is not one that was named")
        report, = w.report()
        policy, = report["policies"]
        assert policy["policy"] == {"policy-type": "tlsa",
                                    "policy-domain": "two.test"}
        assert policy["summary"] == {"total-successful-session-count": 0,
                                     "total-failure-session-count": 1}
        assert policy["failure-details"] == [
            {"result-type": "validation-failure", "failed-session-count": 1}]


@root_only
def test_dane_wants_tls(good):
    with World([tlsa(3, 1, 1, b"x")]) as w:
        w.send("STARTTLS is required and not offered")
        failure, = w.report()[0]["policies"][0]["failure-details"]
        assert failure["result-type"] == "starttls-not-supported"


@root_only
def test_names_count_for_a_signer_only(folder, good):
    wrong = Chain(folder, "wrong", "DNS:nobody.test", ca=good)
    with World([tlsa(2, 0, 1, good.ca.der)], cert=wrong.pair) as w:
        w.send("is for another name")
    with World([tlsa(3, 0, 1, wrong.der)], cert=wrong.pair) as w:
        w.send()
    # the domain's name will do, where the host's is not in it
    domain = Chain(folder, "domain", "DNS:two.test", ca=good)
    with World([tlsa(2, 0, 1, good.ca.der)], cert=domain.pair) as w:
        w.send()


@root_only
def test_the_leaf_is_no_signer(other):
    with World([tlsa(2, 0, 1, other.der)], cert=pair(other)) as w:
        w.send("is not one that was named")


@root_only
def test_the_signer_may_be_in_dns_alone(folder, good):
    alone = folder / "alone.pem"
    alone.write_text(good.leaf)
    with World([tlsa(2, 0, 0, good.ca.der)],
               cert=(alone, good.own_key)) as w:
        w.send()
    with World([tlsa(2, 0, 1, good.ca.der)],
               cert=(alone, good.own_key)) as w:
        w.send("is not one that was named")


@root_only
@pytest.mark.parametrize("records", [
    [tlsa(0, 0, 1, b"x"), tlsa(1, 1, 1, b"x")],         # RFC 7672 3.1.3
    [tlsa(3, 2, 1, b"x"), (3, 1, 9, b"x" * 32), (3, 1, 1, b"short"),
     (3, 1, 1, b"")]])
def test_unusable_records_ask_for_tls(other, records):
    with World(records, cert=pair(other)) as w:
        w.send()
        assert "STARTTLS" in w.smtp.lines
        failure, = w.report()[0]["policies"][0]["failure-details"]
        assert failure["result-type"] == "tlsa-invalid"
    with World(records) as w:
        w.send("STARTTLS is required and not offered")


@root_only
def test_the_strongest_digest_counts(good):
    """RFC 7671 9: a SHA-256 that fits does not help a SHA-512 that does not."""
    with World([tlsa(3, 0, 1, good.der), tlsa(3, 0, 2, b"x")],
               cert=good.pair) as w:
        w.send("is not one that was named")


@root_only
def test_bogus_tlsa_puts_the_host_off(good):
    with World("SERVFAIL", cert=good.pair) as w:
        w.send("DNS does not say which certificate it has")
        failure, = w.report()[0]["policies"][0]["failure-details"]
        assert failure["result-type"] == "dnssec-invalid"
        assert not w.smtp.sessions


@root_only
def test_the_next_host_is_tried(good, other):
    zone = {("two.test", "MX"): [(10, "bad.two.test"), (20, "mx.two.test")],
            ("bad.two.test", "A"): ["127.0.25.32"],
            ("_25._tcp.bad.two.test", "TLSA"): [tlsa(3, 0, 1, good.der)]}
    with FakeSMTP("127.0.25.32", 25, cert=pair(other)) as bad, \
            World([tlsa(3, 0, 1, good.der)], cert=good.pair, zone=zone) as w:
        w.send()
        assert bad.sessions == 1 and not bad.messages


@root_only
@pytest.mark.parametrize("signed", [(), ("_25._tcp.mx.two.test",),
                                    ("mx.two.test",)])
def test_what_is_not_signed_does_not_count(good, other, signed):
    """MX, address and TLSA, all of them; mx.two.test is a suffix of the TLSA."""
    with World([tlsa(3, 0, 1, good.der)], cert=pair(other),
               signed=signed) as w:
        w.send()
        asked = [a for a in w.dns.asked if a[1] == "TLSA"]
        assert not asked


@root_only
def test_without_dns_trust_nothing_of_it(good, other):
    with World([tlsa(3, 0, 1, good.der)], cert=pair(other)) as w:
        w.i.stop()
        text = w.i.conf.read_text().replace("dns-trust yes", "dns-trust no")
        w.i.conf.write_text(text)
        w.i.start()
        w.send()
        assert not [a for a in w.dns.asked if a[1] == "TLSA"]


@root_only
def test_tls_policy_dane_takes_nothing_less(good):
    with World(None, cert=good.pair, extra="tls-policy two.test dane\n") as w:
        w.send("no signed TLSA records")
        assert not w.smtp.sessions
    with World([tlsa(0, 0, 1, b"x")], cert=good.pair,
               extra="tls-policy two.test dane\n") as w:
        w.send("no TLSA record that can be used")
    with World([tlsa(3, 0, 1, b"x")], cert=good.pair,
               extra="tls-policy two.test may\n") as w:
        w.send()


@root_only
def test_aliases(folder, good):
    """RFC 7672 2.2.3: first where the alias leads, then the name itself."""
    zone = {("mx.two.test", "CNAME"): ["real.test"],
            ("real.test", "A"): ["127.0.25.31"],
            ("_25._tcp.real.test", "TLSA"): [tlsa(3, 0, 1, good.der)]}
    with World(None, cert=good.pair, zone=zone, without=[
            ("mx.two.test", "A")]) as w:
        w.send()
        assert ("_25._tcp.real.test", "TLSA") in w.dns.asked
        assert ("_25._tcp.mx.two.test", "TLSA") not in w.dns.asked


# -- DANE, with Debian's unbound and a zone that knot signs -------------------

@root_only
@pytest.mark.skipif(not all(os.path.exists(f"/usr/sbin/{p}") for p in
                            ("unbound", "knotd")), reason="no unbound, knot")
def test_dane_with_a_validating_resolver(good, tmp_path):
    knot, resolver = free_port(), free_port()
    digest = sha256(good.der).hex()
    zone = tmp_path / "two.test.zone"
    zone.write_text(
        "$ORIGIN two.test.\n$TTL 60\n@ SOA ns root 1 60 60 60000 60\n"
        "@ NS ns\nns A 127.0.0.1\n@ MX 10 mx\nmx A 127.0.25.31\n"
        f"_25._tcp.mx TLSA 3 0 1 {digest}\n"
        "bad MX 10 mx.bad\nmx.bad A 127.0.25.32\n"
        f"_25._tcp.mx.bad TLSA 3 0 1 {'00' * 32}\n"
        "none MX 10 mx.none\nmx.none A 127.0.25.32\n")
    (tmp_path / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{knot}\n  rundir: {tmp_path}\n"
        f"database:\n  storage: {tmp_path}\nzone:\n  - domain: two.test\n"
        f"    file: {zone}\n    dnssec-signing: on\n")
    anchor = tmp_path / "anchor"
    daemons = [subprocess.Popen(["/usr/sbin/knotd", "-c",
                                 tmp_path / "knot.conf"])]
    try:
        wait_port(knot)
        anchor.write_text(wait_for(lambda: subprocess.run(
            ["kdig", "@127.0.0.1", "-p", str(knot), "two.test", "DNSKEY",
             "+noall", "+answer"], capture_output=True, text=True).stdout))
        conf = tmp_path / "unbound.conf"
        conf.write_text(
            f"server:\n  interface: 127.0.0.1@{resolver}\n  username: \"\"\n"
            "  chroot: \"\"\n  pidfile: \"\"\n  use-syslog: no\n"
            f"  directory: \"{tmp_path}\"\n  do-not-query-localhost: no\n"
            "  local-zone: \"test.\" nodefault\n"
            f"  trust-anchor-file: {anchor}\n"
            f"stub-zone:\n  name: two.test\n  stub-addr: 127.0.0.1@{knot}\n"
            "remote-control:\n  control-enable: no\n")
        daemons.append(subprocess.Popen(["/usr/sbin/unbound", "-d", "-c",
                                         conf]))
        wait_port(resolver)
        with FakeSMTP("127.0.25.31", 25, cert=good.pair) as s, \
                FakeSMTP("127.0.25.32", 25, cert=good.pair) as other_host, \
                Instance(omit=("nameserver",), extra=BASE +
                         f"nameserver 127.0.0.1:{resolver}\n"
                         "dns-trust yes\n") as i:
            send(i, "x@two.test", "x@bad.two.test", "x@none.two.test")
            sent(i, "x@two.test")
            sent(i, "x@none.two.test")
            put_off(i, "x@bad.two.test", "is not one that was named")
            wait_for(lambda: len(s.messages) == len(other_host.messages) == 1)
            lines = i.run("mailq", "--tls-report").stdout.splitlines()
            kinds = {p["policy"]["policy-domain"]: p["policy"]["policy-type"]
                     for line in lines for p in json.loads(line)["policies"]}
            assert kinds == {"two.test": "tlsa", "bad.two.test": "tlsa",
                             "none.two.test": "no-policy-found"}
    finally:
        for d in daemons:
            d.terminate()
            d.wait()


@root_only
def test_a_signed_alias_out_of_what_is_signed(good):
    """RFC 7672 2.2.2: the alias itself is what TLSA may be published for."""
    zone = {("mx.two.test", "CNAME"): ["real.other"],
            ("real.other", "A"): ["127.0.25.31"],
            ("_25._tcp.real.other", "TLSA"): [tlsa(3, 0, 1, b"x")]}
    records = [tlsa(3, 0, 1, b"another")]
    with World(records, cert=good.pair, zone=zone, without=[
            ("mx.two.test", "A")]) as w:
        w.send("is not one that was named")
        assert ("_25._tcp.real.other", "TLSA") not in w.dns.asked
    with World([tlsa(3, 0, 1, good.der)], cert=good.pair, zone=zone, without=[
            ("mx.two.test", "A")]) as w:
        w.send()


@root_only
@pytest.mark.parametrize("line, cert, status, why", [
    ("require", False, 75, "STARTTLS is required and not offered"),
    ("require", True, 0, ""), ("none", True, 0, ""),
    ("verify", True, 75, "/nonexistent"),
    ("fingerprint=" + "ab" * 32, True, 75, "is not one that was named"),
    ("dane", True, 75, "no signed TLSA records")])
def test_smtp_alone_keeps_to_the_lines(good, line, cert, status, why):
    with FakeDNS({("two.test", "A"): ["127.0.25.31"]}) as dns, FakeSMTP(
            "127.0.25.31", 25, cert=good.pair if cert else None) as s, \
            Instance(start=False, users=(), omit=("nameserver",), extra=BASE +
                     f"nameserver 127.0.0.1:{dns.port}\ndns-trust yes\n"
                     f"tls-ca /nonexistent\ntls-policy two.test {line}\n") \
            as i:
        p = i.run("smtp", "-f", "a@a.test", "x@two.test", input="hi\n",
                  check=False)
        assert p.returncode == status and why in p.stderr, p.stderr
        assert len(s.messages) == (status == 0)
        assert ("STARTTLS" in s.lines) == (cert and line not in (
            "none", "verify", "dane"))
