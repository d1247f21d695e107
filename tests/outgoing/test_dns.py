"""Where DNS sends the mail: a real server (knot), hosts on loopback, port 25."""

import os
import re
import shutil
import smtplib
import subprocess

import pytest

from instance import Instance, free_port, wait_for
from sinks import Blackholes, Sinks

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs port 25"),
    pytest.mark.skipif(not shutil.which("knotd"), reason="no knotd")]
ONE, TWO, DEAF, SHUT = (f"127.0.78.{k}" for k in (1, 2, 3, 4))
ZONE = f"""$ORIGIN b.test.
$TTL 60
@ SOA ns root 1 60 60 60 60
@ NS ns
ns A 127.0.0.1
one A {ONE}
two A {TWO}
deaf A {DEAF}
shut A {SHUT}
both A {ONE}
both AAAA 2001:db8::1
six AAAA ::1
deafsix A {DEAF}
deafsix AAAA ::1
alias CNAME two
order MX 10 shut
order MX 20 two
order MX 30 one
family MX 10 both
deaf4 MX 10 deafsix
only6 MX 10 six
implicit A {TWO}
mxalias MX 10 alias
domalias CNAME order
loop1 CNAME loop2
loop2 CNAME loop1
mxloop MX 10 loop1
null MX 0 .
nothing TXT "x"
lost MX 10 gone
lost2 MX 10 gone
lost2 MX 20 two
self MX 10 mail.a.test.
self MX 20 two
better MX 5 two
better MX 10 mail.a.test.
better MX 10 one
address MX 10 192.0.2.1
late MX 10 deaf
late MX 10 one
""" + "".join(f"many MX {k} h{k}\nh{k} A {TWO if k == 1 else SHUT}\n"
              for k in range(1000, 0, -1))
FAST = "retry-first 1s\nretry-most 2s\nconnect-timeout 2s\n"


@pytest.fixture(scope="module")
def dns(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("knot"), free_port()
    (folder / "b.zone").write_text(ZONE)
    (folder / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{port}\n  rundir: {folder}\n"
        f"  user: root:root\ndatabase:\n  storage: {folder}\n"
        "log:\n  - target: stderr\n    any: warning\n"
        f"zone:\n  - domain: b.test\n    file: {folder}/b.zone\n")
    p = subprocess.Popen(["knotd", "-c", folder / "knot.conf"])
    wait_for(lambda: "root.b" in subprocess.run(
        ["kdig", "@127.0.0.1", "-p", str(port), "+short", "+timeout=1",
         "+retry=0", "b.test", "SOA"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True).stdout, 15, 0.1)
    yield f"nameserver 127.0.0.1:{port}\n"
    p.terminate()
    p.wait()


@pytest.fixture(scope="module")
def hosts():
    with Sinks([ONE, TWO, "::1"]) as sinks, Blackholes([DEAF]):
        yield sinks


def send(i, *rcpts):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail("", rcpts, "Subject: x\r\n\r\nx\r\n")


def fate(i, rcpt):
    """(relay, status, text) of the first try."""
    m = i.wait_log(r"to=<" + re.escape(rcpt) +
                   r"> relay=(\S+) status=(\w+) \((.*)\)", 20)
    return m.group(1), m.group(2), m.group(3)


def run(dns, rcpts, **kw):
    """Fates of all, sent as one message; times do not add up."""
    with Instance(extra=FAST + "relay-from 127.0.0.0/8\n" + dns, **kw) as i:
        send(i, *rcpts)
        return [fate(i, r) for r in rcpts]


def test_reached(dns, hosts):
    want = {
        "order": f"two.b.test[{TWO}]:25",
        "family": f"both.b.test[{ONE}]:25",
        "only6": "six.b.test[IPv6:::1]:25",
        "deaf4": "deafsix.b.test[IPv6:::1]:25",
        "implicit": f"implicit.b.test[{TWO}]:25",
        "mxalias": f"alias.b.test[{TWO}]:25",
        "domalias": f"two.b.test[{TWO}]:25",
        "lost2": f"two.b.test[{TWO}]:25",
        "better": f"two.b.test[{TWO}]:25",
        "late": f"one.b.test[{ONE}]:25",
        "many": f"h1.b.test[{TWO}]:25",
    }
    got = run(dns, [f"x@{d}.b.test" for d in want])
    assert {d: relay for d, (relay, *_) in zip(want, got)} == want
    assert {status for _, status, _ in got} == {"sent"}


def test_literals(dns, hosts):
    got = run(dns, [f"x@[{TWO}]", "x@[ipv6:::1]"])
    assert got[0][:2] == (f"{TWO}[{TWO}]:25", "sent")
    assert got[1][:2] == ("::1[IPv6:::1]:25", "sent")


def test_not_reached(dns, hosts):
    want = {
        "null": "bounced (556 5.1.10", "gone": "bounced (550 5.1.2",
        "nothing": "bounced (550 5.4.4", "lost": "bounced (550 5.4.4",
        "self": "bounced (554 5.4.6", "mxloop": "deferred (451 4.4.3",
        "loop1": "deferred (451 4.4.3", "address": "bounced (550 5.4.4",
    }
    got = run(dns, [f"x@{d}.b.test" for d in want] + ["x@c.example"])
    assert {d: " (".join((status, text))[:len(want[d])]
            for d, (_, status, text) in zip(want, got)} == want
    # not this server's to say: REFUSED is no answer
    assert got[-1][1] == "deferred" and "451 4.4.3" in got[-1][2]


def test_loopback_takes_no_mail(dns, hosts):
    got = run(dns, ["x@order.b.test", "x@implicit.b.test", f"x@[{TWO}]",
                    "x@[ipv6:::1]"], omit={"mx-loopback"})
    assert {(s, t[:9]) for _, s, t in got} == {("bounced", "554 5.4.6")}


def test_silent_address_costs_a_moment(dns, hosts):
    """One of two equal hosts is deaf: a third of a second, whichever is first."""
    with Instance(extra="relay-from 127.0.0.0/8\n" + dns) as i:
        send(i, *[f"x{k}@late.b.test" for k in range(3)])
        wait_for(lambda: not i.spooled(), 5)
