"""MTA-STS (RFC 8461): policies by HTTPS, kept, and what they ask for."""

import http.server
import json
import shutil
import ssl
import threading
import time

import pytest

from fakes import FakeSMTP
from instance import BIN, wait_for
from tls_world import (  # noqa: F401
    Cert, Chain, World, folder, other, pair, put_off, root_only, send, sent,
    sha256)

pytestmark = root_only


class Web(http.server.ThreadingHTTPServer):
    """mta-sts.two.test; text is what it says, or a status, or None: nothing."""
    daemon_threads = True

    def __init__(self, cert):
        super().__init__(("127.0.25.33", 443), Page)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*cert)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.text, self.type, self.asked = "", "text/plain", []
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        s = self.server
        s.asked.append((self.headers["Host"], self.path))
        status = s.text if isinstance(s.text, int) else 200
        body = b"" if isinstance(s.text, int) else s.text.encode()
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "https://mta-sts.two.test/other")
        self.send_header("Content-Type", s.type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def policy(mode="enforce", mx=("mx.two.test",), age=86400):
    return f"version: STSv1\r\nmode: {mode}\r\n" + "".join(
        f"mx: {m}\r\n" for m in mx) + f"max_age: {age}\r\n"


ZONE = {("_mta-sts.two.test", "TXT"): [b"v=STSv1; id=1;"],
        ("mta-sts.two.test", "A"): ["127.0.25.33"]}


@pytest.fixture(scope="module")
def ca(folder):
    return Chain(folder, "web", "DNS:mta-sts.two.test")


@pytest.fixture(scope="module")
def right(folder, ca):
    return Chain(folder, "right", "DNS:mx.two.test", ca=ca)


@pytest.fixture(scope="module")
def unsigned(folder):
    """The right name, but nobody we know has signed it."""
    return Cert(folder, "unsigned", san="DNS:mx.two.test")


@pytest.fixture
def web(ca):
    with Web(ca.pair) as w:
        w.text = policy()
        yield w
        w.shutdown()


def world(ca, cert, zone=None, extra="", **kw):
    return World(None, signed=kw.pop("signed", ()), cert=cert, zone={
        **ZONE, **(zone or {})}, extra=f"tls-ca {ca.ca.cert}\n" + extra, **kw)


def failures(w, policy_type="sts"):
    return {f["result-type"] for r in w.report() for p in r["policies"]
            if p["policy"]["policy-type"] == policy_type
            for f in p.get("failure-details", [])}


def cache(w):
    return w.i.dir / "state" / "queue" / "mta-sts"


def test_enforced_and_met(ca, right, web):
    with world(ca, right.pair) as w:
        w.send()
        assert "STARTTLS" in w.smtp.lines
        assert web.asked == [("mta-sts.two.test",
                              "/.well-known/mta-sts.txt")]
        # known from now on
        send(w.i, "y@two.test")
        sent(w.i, "y@two.test")
        assert len(web.asked) == 1
        report, = w.report()
        assert report["policies"][0]["policy"] == {
            "policy-type": "sts", "policy-domain": "two.test"}
        assert report["policies"][0]["summary"] == {
            "total-successful-session-count": 1,
            "total-failure-session-count": 0}


def test_enforced_and_not_met(ca, unsigned, web):
    with world(ca, pair(unsigned)) as w:
        w.send("is not signed by a CA that we trust")
        assert failures(w) == {"certificate-not-trusted"}
        assert "MAIL" not in "".join(w.smtp.lines)


def test_enforced_wants_tls(ca, web):
    with world(ca, None) as w:
        w.send("STARTTLS is required and not offered")
        assert failures(w) == {"starttls-not-supported"}


def test_a_host_that_is_not_named(ca, right, web):
    web.text = policy(mx=("*.mx.two.test", "two.test"))
    with world(ca, right.pair) as w:
        w.send("MTA-STS policy does not name this host")
        assert not w.smtp.sessions
        assert failures(w) == {"validation-failure"}


def test_the_next_host_is_named(ca, right, web):
    zone = {("two.test", "MX"): [(10, "evil.test"), (20, "mx.two.test")],
            ("evil.test", "A"): ["127.0.25.32"]}
    with FakeSMTP("127.0.25.32", 25) as evil, \
            world(ca, right.pair, zone) as w:
        w.send()
        assert not evil.sessions


def test_testing_only_counts(ca, unsigned, web):
    web.text = policy("testing")
    with world(ca, pair(unsigned)) as w:
        w.send()
        assert "STARTTLS" in w.smtp.lines
        assert failures(w) == {"certificate-not-trusted"}
    with world(ca, None) as w:
        w.send()
        assert failures(w) == {"starttls-not-supported"}


def test_none_asks_for_nothing(ca, web):
    web.text = policy("none", mx=())
    with world(ca, None) as w:
        w.send()
        assert w.report()[0]["policies"][0]["policy"]["policy-type"] == \
            "no-policy-found"


@pytest.mark.parametrize("text, type_, failure", [
    (404, "text/plain", "sts-policy-fetch-error"),
    (301, "text/plain", "sts-policy-fetch-error"),
    (policy(), "text/html", "sts-policy-invalid"),
    ("version: STSv1\nmode: enforce\n", "text/plain", "sts-policy-invalid"),
    (policy() + "x" * 70000, "text/plain", "sts-policy-fetch-error")])
def test_a_policy_that_is_none(ca, web, text, type_, failure):
    web.text, web.type = text, type_
    with world(ca, None) as w:
        w.send()
        assert failures(w) == {failure}
        # not fetched again so soon
        send(w.i, "y@two.test")
        sent(w.i, "y@two.test")
        assert len(web.asked) == 1


def test_a_web_server_that_is_another(folder, ca, right):
    with Web(right.pair) as web:
        web.text = policy()
        with world(ca, None) as w:
            w.send()
            assert failures(w) == {"sts-webpki-invalid"}
            assert not web.asked
        web.shutdown()


@pytest.mark.parametrize("record", [
    [], "SERVFAIL", [b"v=STSv1; id=1;", b"v=STSv1; id=2;"], [b"v=STSv1"],
    [b"v=spf1 -all"]])
def test_no_record_no_policy(ca, web, record):
    with world(ca, None, {("_mta-sts.two.test", "TXT"): record}) as w:
        w.send()
        assert not web.asked


def restart(w):
    w.i.stop()
    w.i.start()
    w.smtp.messages.clear()
    w.i.log_path.write_text("")


def test_kept_over_a_restart_and_a_blocked_look_up(ca, right, web):
    """Who takes the record and the web away gets no downgrade (RFC 8461 10.2)."""
    with world(ca, right.pair) as w:
        w.send()
        assert not cache(w).exists()        # one write, later or at the end
        w.i.stop()
        line = cache(w).read_text().split()
        assert line[:2] == ["two.test", "1"] and line[4:] == \
            ["enforce", "mx.two.test"]
        assert cache(w).stat().st_mode & 0o777 == 0o600
        w.zone["_mta-sts.two.test", "TXT"] = "SERVFAIL"
        web.text = 404
        w.smtp.context = None               # no STARTTLS any more
        w.i.log_path.write_text("")
        w.i.start()
        send(w.i, "z@two.test")
        put_off(w.i, "z@two.test", "STARTTLS is required and not offered")
        assert len(web.asked) == 1
        before = cache(w).stat().st_mtime_ns
        restart(w)
        assert cache(w).stat().st_mtime_ns == before    # nothing had changed


def test_another_id_another_policy(ca, web):
    with world(ca, None) as w:
        w.send("STARTTLS is required and not offered")
        web.text = policy("none", mx=())
        w.zone["_mta-sts.two.test", "TXT"] = [b"v=STSv1; id=2;"]
        w.i.run("mailq", "-q")
        sent(w.i, "x@two.test")
        assert len(web.asked) == 2
        w.i.stop()
        assert cache(w).read_text() == ""


def test_a_failed_fetch_leaves_what_is_known(ca, web):
    with world(ca, None) as w:
        w.send("STARTTLS is required and not offered")
        web.text = 500
        w.zone["_mta-sts.two.test", "TXT"] = [b"v=STSv1; id=2;"]
        w.i.run("mailq", "-q")
        w.i.wait_log("the policy that is known counts")
        wait_for(lambda: w.i.log().count("status=deferred") == 2)
        assert not w.smtp.messages


def test_a_damaged_file(ca, right, web):
    with world(ca, None) as w:
        w.i.stop()
        cache(w).parent.mkdir(exist_ok=True)
        good_until = int(time.time()) + 1000
        cache(w).write_text(
            "\0\xff\n\nx\ntwo.test 1\nother.test 1 99999999999999999999 1 "
            "enforce a\nthird.test 1 1 1 enforce\ntwo.test 7 "
            f"{good_until} 86400 enforce mx.two.test\ntwo.test", "latin-1")
        w.zone["_mta-sts.two.test", "TXT"] = "SERVFAIL"
        w.i.start()
        w.send("STARTTLS is required and not offered")


def test_what_is_over_does_not_count(ca, web):
    with world(ca, None) as w:
        w.i.stop()
        cache(w).parent.mkdir(exist_ok=True)
        cache(w).write_text(f"two.test 7 {int(time.time()) - 5} 86400 enforce "
                            "mx.two.test\n")
        w.zone["_mta-sts.two.test", "TXT"] = "SERVFAIL"
        w.i.start()
        w.send()


@pytest.mark.skipif(not shutil.which("faketime"), reason="no faketime")
@pytest.mark.skipif(b"ld-linux" not in open(BIN, "rb").read(4096),
                    reason="faketime needs glibc, dynamic")
def test_no_clock_no_policy(ca, web):
    """When does what end? Nothing is fetched, nothing kept is believed."""
    with world(ca, None) as w:
        w.i.stop()
        cache(w).parent.mkdir(exist_ok=True)
        cache(w).write_text("two.test 1 99999999999 86400 enforce "
                            "mx.two.test\n")
        w.i.wrapper = ["faketime", "-f", "@1970-01-02 00:00:00"]
        w.i.start()
        w.send()
        assert not web.asked
        assert not [a for a in w.dns.asked if a[1] == "TXT"]


def test_dane_goes_before_it(ca, right, other, web):
    """A host that DANE knows has to be that one, whatever MTA-STS says."""
    zone = {("_25._tcp.mx.two.test", "TLSA"): [
        (3, 0, 1, sha256(other.der))]}
    with world(ca, right.pair, zone, signed=("test",)) as w:
        w.send("is not one that was named")
    with world(ca, pair(other), zone, signed=("test",)) as w:
        w.send()


def test_off_and_overruled(ca, web):
    with world(ca, None, extra="mta-sts no\n") as w:
        w.send()
        assert not web.asked
    with world(ca, None, extra="tls-policy two.test may\n") as w:
        w.send()
        assert not web.asked


def test_without_a_bundle_it_goes_on(ca, web):
    with World(None, signed=(), zone=dict(ZONE),
               extra="tls-ca /nonexistent/ca.pem\n") as w:
        w.send()
        w.i.wait_log("no MTA-STS: /nonexistent/ca.pem")


def test_report_is_what_rfc_8460_has(ca, right, web):
    with world(ca, right.pair) as w:
        w.send()
        text = w.i.run("mailq", "--tls-report").stdout
        report = json.loads(text)
        assert set(report) == {"organization-name", "date-range",
                               "contact-info", "report-id", "policies"}
        day = time.strftime("%Y-%m-%d", time.gmtime())
        assert report["date-range"] == {
            "start-datetime": f"{day}T00:00:00Z",
            "end-datetime": f"{day}T23:59:59Z"}
        assert w.i.run("mailq", "--tls-report", "-q",
                       check=False).returncode == 64
