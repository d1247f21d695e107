"""smtp by itself goes by DANE and MTA-STS as queue does, and explains both."""

import json

import pytest

from fakes import FakeDNS, FakeSMTP
from instance import Instance
from test_dane import tlsa
from test_sts import Web, ZONE, policy
from tls_world import (  # noqa: F401
    BASE, Chain, folder, good, other, pair, root_only)

pytestmark = root_only


class World:
    """two.test, whose MX mx.two.test is 127.0.25.31; no daemon runs."""

    def __init__(self, zone=(), cert=None, extra="", trust="yes", signed="test"):
        self.zone = {("two.test", "MX"): [(10, "mx.two.test")],
                     ("two.test", "A"): ["127.0.25.30"],
                     ("mx.two.test", "A"): ["127.0.25.31"], **dict(zone)}
        self.cert, self.extra, self.trust = cert, extra, trust
        self.signed = [signed]

    def __enter__(self):
        self.dns = FakeDNS(self.zone, self.signed)
        self.smtp = FakeSMTP("127.0.25.31", 25, cert=self.cert)
        self.i = Instance(start=False, users=(), omit=("nameserver",),
                          extra=BASE + self.extra +
                          f"nameserver 127.0.0.1:{self.dns.port}\n"
                          f"dns-trust {self.trust}\n")
        return self

    def __exit__(self, *exc):
        self.i.close()
        self.smtp.close()
        self.dns.close()

    def send(self, why=None, to="x@two.test"):
        p = self.i.run("smtp", "-v", "-f", "a@a.test", to, input="hi\n",
                       check=False)
        assert p.returncode == (75 if why else 0), p.stderr
        assert (why or "") in p.stderr
        assert bool(self.smtp.messages) == (not why)
        return p.stderr

    def check(self, name):
        return self.i.run("smtp", "--check", name, check=False).stdout

    def info(self, name):
        return json.loads(self.i.run("smtp", "--serverinfo", name,
                                     check=False).stdout)


def dane(*records, host="mx.two.test"):
    return {(f"_25._tcp.{host}", "TLSA"): list(records)}


# -- sending ------------------------------------------------------------------

def test_dane(good, other):
    with World(dane(tlsa(3, 0, 1, good.der)), cert=good.pair) as w:
        w.send(to="x@TWO.test")
        assert "STARTTLS" in w.smtp.lines
    with World(dane(tlsa(3, 0, 1, good.der)), cert=pair(other)) as w:
        w.send("is not one that was named")
    with World(dane(tlsa(3, 0, 1, good.der))) as w:
        w.send("STARTTLS is required and not offered")
    with World({("_25._tcp.mx.two.test", "TLSA"): "SERVFAIL"},
               cert=good.pair) as w:
        w.send("DNS does not say which certificate it has")
        assert not w.smtp.sessions


def test_dane_that_is_not_for_us(good, other):
    for kw in {"trust": "no"}, {"signed": "example"}, {
            "extra": "tls-policy two.test may\n"}:
        with World(dane(tlsa(3, 0, 1, good.der)), cert=pair(other),
                   **kw) as w:
            w.send()


def test_dane_is_all_that_will_do(good):
    line = "tls-policy two.test dane\n"
    with World(cert=good.pair, extra=line) as w:
        w.send("no signed TLSA records")
        assert not w.smtp.sessions
    with World({("_25._tcp.mx.two.test", "TLSA"): [tlsa(0, 0, 1, b"x")]},
               cert=good.pair, extra=line) as w:
        w.send("no TLSA record that can be used")


def test_the_next_host(good, other):
    zone = {("two.test", "MX"): [(10, "bad.two.test"), (20, "mx.two.test")],
            ("bad.two.test", "A"): ["127.0.25.32"],
            ("_25._tcp.bad.two.test", "TLSA"): "SERVFAIL",
            **dane(tlsa(3, 0, 1, good.der))}
    with FakeSMTP("127.0.25.32", 25, cert=pair(other)) as bad, \
            World(zone, cert=good.pair) as w:
        assert "bad.two.test: DNS does not say" in w.send()
        assert not bad.sessions
    zone["_25._tcp.bad.two.test", "TLSA"] = [tlsa(3, 0, 1, good.der)]
    with FakeSMTP("127.0.25.32", 25, cert=pair(other)) as bad, \
            World(zone, cert=good.pair) as w:
        w.send()
        assert bad.sessions and not bad.messages


def test_two_domains_two_ways(good, other):
    """What is known of the first is not held against the second."""
    zone = {("one.test", "MX"): [(10, "mx.one.test")],
            ("mx.one.test", "A"): ["127.0.25.32"],
            **dane(tlsa(3, 0, 1, good.der))}
    with FakeSMTP("127.0.25.32", 25) as one, \
            World(zone, cert=pair(other)) as w:
        p = w.i.run("smtp", "-f", "a@a.test", "x@two.test", "y@one.test",
                    input="hi\n", check=False)
        assert p.returncode == 75 and "x@two.test: " in p.stderr
        assert "y@one.test" not in p.stderr
        assert len(one.messages) == 1 and not w.smtp.messages


@pytest.fixture(scope="module")
def ca(folder):
    return Chain(folder, "web", "DNS:mta-sts.two.test")


@pytest.fixture(scope="module")
def right(folder, ca):
    return Chain(folder, "right", "DNS:mx.two.test", ca=ca)


@pytest.fixture
def web(ca):
    with Web(ca.pair) as w:
        w.text = policy()
        yield w
        w.shutdown()


def sts(ca, cert, zone=(), extra="", **kw):
    return World({**ZONE, **dict(zone)}, cert=cert, signed="example",
                 extra=f"tls-ca {ca.ca.cert}\n" + extra, **kw)


def test_policy(ca, right, other, web):
    with sts(ca, right.pair) as w:
        w.send()
        assert len(web.asked) == 1
        assert not (w.i.dir / "state" / "queue" / "mta-sts").exists()
    with sts(ca, pair(other)) as w:
        w.send("the certificate of mx.two.test is for another name")
    with sts(ca, None) as w:
        w.send("STARTTLS is required and not offered")
    web.text = policy(mx=("other.test",))
    with sts(ca, right.pair) as w:
        w.send("MTA-STS policy does not name this host")
        assert not w.smtp.sessions
    web.text = policy("testing", mx=("other.test",))
    with sts(ca, None) as w:
        w.send()


def test_policy_that_is_not_for_us(ca, web):
    for extra in "mta-sts no\n", "tls-policy two.test may\n":
        with sts(ca, None, extra=extra) as w:
            w.send()
            assert not web.asked
    with World(ZONE, extra="tls-ca /nonexistent/ca\n") as w:
        assert "MTA-STS policy of two.test: /nonexistent/ca" in w.send()


def test_what_queue_has_kept(ca, web):
    """Read, believed and left alone."""
    with sts(ca, None, {("_mta-sts.two.test", "TXT"): []}) as w:
        kept = w.i.dir / "state" / "queue" / "mta-sts"
        kept.parent.mkdir(parents=True)
        kept.write_text("two.test 1 99999999999 86400 enforce mx.two.test\n")
        w.send("STARTTLS is required and not offered")
        assert not web.asked
        assert "99999999999" in kept.read_text()


# -- explaining ---------------------------------------------------------------

def test_check_says_what_dns_says(good, other):
    record = tlsa(3, 0, 1, good.der)
    with World(dane(record), cert=good.pair) as w:
        text = w.check("mx.two.test:25")
        assert f"TLSA 3 0 1 {record[3].hex()}\n" in text
        assert "the certificate fits" in text
        port, = w.info("mx.two.test:25")["ports"]
        assert port["dane"] == "usable" and port["dane_fits"] is True
        assert port["tlsa"] == [f"3 0 1 {record[3].hex()}"]
    with World(dane(record), cert=pair(other)) as w:
        assert "the certificate does NOT fit" in w.check("mx.two.test:25")
        assert w.info("mx.two.test:25")["ports"][0]["dane_fits"] is False
    with World(dane(record)) as w:
        assert "not compared: there was no TLS" in w.check("mx.two.test:25")
        assert w.info("mx.two.test:25")["ports"][0]["dane_fits"] is None
    # a signer, whose certificates are for the host's name
    with World(dane(tlsa(2, 1, 2, b"x"), tlsa(2, 0, 1, good.ca.der)),
               cert=good.pair) as w:
        assert "the certificate fits" in w.check("mx.two.test:25")


@pytest.mark.parametrize("records, word, text", [
    ([], "none", "no TLSA records that are signed"),
    ([tlsa(0, 0, 1, b"x")], "unusable", "none that can be used"),
    ("SERVFAIL", "unknown", "or their signature is wrong")])
def test_check_where_nothing_fits(good, records, word, text):
    with World({("_25._tcp.mx.two.test", "TLSA"): records},
               cert=good.pair) as w:
        assert text in w.check("mx.two.test:25")
        port, = w.info("mx.two.test:25")["ports"]
        assert port["dane"] == word and port["tlsa"] == []


def test_check_without_trust(good):
    with World(dane(tlsa(3, 0, 1, good.der)), cert=good.pair,
               trust="no") as w:
        text = w.check("mx.two.test:25")
        assert text.count("DANE") == 1 and "dns-trust is no" in text
        assert w.info("mx.two.test:25")["ports"][0]["dane"] is None


def test_check_of_a_domain(ca, right, web):
    zone = {("two.test", "MX"): [(10, "mx.two.test"), (20, "evil.test")]}
    with sts(ca, right.pair, zone) as w:
        text = w.check("two.test:25")
        assert "its mail goes to: mx.two.test, evil.test" in text
        assert "smtp --check mx.two.test:25" in text
        assert "MTA-STS:      enforce, for 86400 seconds; mx.two.test" in text
        assert "evil.test is not named: it gets no mail" in text
        info = w.info("two.test:25")
        assert info["mx"] == [{"host": "mx.two.test", "named": True},
                              {"host": "evil.test", "named": False}]
        assert info["mta_sts"] == "enforce"
        assert info["mta_sts_mx"] == ["mx.two.test"]
        assert info["mta_sts_max_age"] == 86400
        web.text = 404
        assert "none that counts: the answer is 404" in w.check("two.test:25")
        assert w.info("two.test:25")["mta_sts_error"] == "the answer is 404"
        # a host is no domain: nothing is said of what it has not
        text = w.check("mx.two.test:25")
        assert "MTA-STS" not in text and "goes to" not in text
        assert w.info("127.0.25.31:25")["mx"] == []


def test_check_of_a_domain_without_address(ca, right, web):
    with sts(ca, right.pair) as w:
        del w.zone["two.test", "A"]
        text = w.check("two.test")
        assert "its mail goes to: mx.two.test" in text
        assert "no address" in text
