"""mailq --link: what queue does while the link is down, metered, up again."""

import json
import os
import re
import signal
import time

import pytest

import spoolfile
from device import Device
from fakes import FakeDNS, FakeSMTP
from instance import Instance, wait_for



class Far:
    """A name server that counts, a host that takes all, and a device.

    127.0.0.1 needs no link; a name that leads there does.
    """

    def __init__(self, extra="", **kw):
        self.smtp = FakeSMTP(**kw)
        self.dns = FakeDNS({("far.test", "MX"): [(10, "mx.far.test")],
                            ("mx.far.test", "A"): ["127.0.0.1"]})
        self.device = Device(
            f"smarthost mx.far.test:{self.smtp.port} none\n" + extra,
            start=False)
        text = self.device.conf.read_text()
        self.device.configure(text.replace(
            "nameserver 127.0.0.9", f"nameserver 127.0.0.1:{self.dns.port}").replace(
                "dns-timeout 1s", "dns-timeout 5s"))
        self.device.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.device.__exit__(*exc)
        self.smtp.close()


def attempts(d):
    return [int(p.read_bytes()[52:62]) for p in d.spooled()]


def reasons(d):
    out = d.run("mailq", "-j").stdout.splitlines()
    return [r["reason"] for m in map(json.loads, out) for r in m["recipients"]]


def link(d, state, name="wan", **kw):
    return d.run("mailq", "--link", name, state, **kw)


def test_down_holds_without_trying():
    with Far("retry-first 1s\nretry-most 1s\nbounce-after 1m\n") as f:
        d = f.device
        link(d, "down")
        for n in range(3):
            d.send(f"u{n}@b.test")
        d.wait_log("the link is down", 4)
        before = [p.stat().st_mtime_ns for p in d.spooled()]
        # time goes by, the admin flushes, and nothing is asked or written
        d.run("mailq", "--flush")
        time.sleep(2.5)
        assert not f.dns.asked and not f.smtp.sessions
        assert attempts(d) == [0, 0, 0]
        assert [p.stat().st_mtime_ns for p in d.spooled()] == before
        assert reasons(d) == ["4.4.0 the link is down"] * 3 or \
            reasons(d) == ["the link is down"] * 3
        begin = time.monotonic()
        link(d, "up")
        wait_for(lambda: len(f.smtp.messages) == 3)
        assert time.monotonic() - begin < 1
        wait_for(lambda: not d.spooled())


def test_what_failed_before_goes_at_once_when_up():
    with Far("retry-first 1h\n", replies={
            "RCPT": ["450 4.7.1 later"]}) as f:
        d = f.device
        d.send("u0@b.test", "u1@b.test")
        d.wait_log("status=deferred", 1)
        link(d, "down")
        link(d, "up")
        wait_for(lambda: not d.spooled())
        # and so it does when the link was up all the time: a new address
        f.smtp.replies["RCPT"] = ["450 4.7.1 later"]
        d.send("u2@b.test")
        d.wait_log("status=deferred", 2)
        link(d, "up")
        wait_for(lambda: not d.spooled())


def test_connections_are_new_when_the_link_is():
    with Far() as f:
        d = f.device
        for n in range(3):
            d.send(f"u{n}@b.test")
            wait_for(lambda: len(f.smtp.messages) == n + 1)
        assert f.smtp.sessions == 1
        link(d, "up")
        d.send("u3@b.test")
        wait_for(lambda: len(f.smtp.messages) == 4)
        assert f.smtp.sessions == 2


def test_going_down_in_the_middle_is_no_try():
    """The name server does not answer any more; then the word comes."""
    with Far() as f:
        d = f.device
        f.dns.zone[("mx.far.test", "A")] = "silence"
        d.send("u0@b.test")
        wait_for(lambda: f.dns.asked)
        link(d, "down")
        d.wait_log("the link is down", 2)
        n = len(f.dns.asked)
        time.sleep(1)
        assert len(f.dns.asked) == n and attempts(d) == [0]
        f.dns.zone[("mx.far.test", "A")] = ["127.0.0.1"]
        link(d, "up")
        wait_for(lambda: f.smtp.messages)


def test_metered():
    big = "x" * 72 + "\n"
    with Far("metered-size 2K\nretry-first 1h\n") as f:
        d = f.device
        link(d, "metered")
        d.send("small@b.test")
        d.send("big@b.test", text="Subject: x\n\n" + big * 40)
        urgent = ["Priority: urgent", "X-Priority: 1 (Highest)",
                  "x-priority: 2", "Importance: High"]
        lazy = ["Priority: normal", "X-Priority: 3", "X-Priority: 10",
                "Importance: low", "X: y\n\nPriority: urgent"]
        for n, field in enumerate(urgent):
            d.send(f"urgent{n}@b.test",
                   text=f"Subject: x\n{field}\n\n" + big * 40)
        for n, field in enumerate(lazy):
            d.send(f"lazy{n}@b.test",
                   text=f"Subject: x\n{field}\n\n" + big * 40)
        wait_for(lambda: len(f.smtp.messages) == 5)
        d.wait_log("the link is metered, and", 6)
        assert sorted(m[1][0] for m in f.smtp.messages) == [
            "small@b.test", *[f"urgent{n}@b.test" for n in range(4)]]
        assert attempts(d) == [0] * 6
        assert "metered" in d.run("mailq").stdout
        link(d, "up")
        wait_for(lambda: not d.spooled())
        assert len(f.smtp.messages) == 11


def test_the_best_of_several_counts():
    with Far() as f:
        d = f.device
        link(d, "down", "wan")
        link(d, "metered", "lte")
        d.send("u0@b.test")
        wait_for(lambda: len(f.smtp.messages) == 1)
        link(d, "gone", "lte")
        d.send("u1@b.test")
        d.wait_log("to=<u1@b.test> relay=none status=deferred")
        link(d, "up", "lte")
        wait_for(lambda: len(f.smtp.messages) == 2)
        link(d, "down", "lte")
        d.send("u2@b.test")
        d.wait_log("to=<u2@b.test> relay=none status=deferred")
        link(d, "gone", "wan")
        link(d, "gone", "lte")      # nobody knows of any: up
        wait_for(lambda: len(f.smtp.messages) == 3)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_kept_over_a_restart(how):
    with Far() as f:
        d = f.device
        link(d, "metered", "lte")
        link(d, "down", "lte")
        link(d, "down", "wan")
        d.stop(how)
        d.send("u0@b.test")
        d.start()
        d.wait_log("to=<u0@b.test> relay=none status=deferred")
        assert not f.smtp.sessions and not f.dns.asked
        (d.run_dir / "link").write_text("wan nonsense\n\0\nx\n" + "y" * 5000)
        d.stop(how)
        d.start()
        wait_for(lambda: f.smtp.messages)


def test_local_and_near_ones_go_on():
    with FakeSMTP() as near, FakeSMTP(lmtp=True) as lmtp, Instance(
            extra=f"route near.test smtp:[127.0.0.1]:{near.port}\n"
            f"route lmtp.test lmtp:[127.0.0.1]:{lmtp.port}\n") as i:
        i.run("mailq", "--link", "wan", "down")
        i.run("sendmail", "bob@a.test", "x@near.test", "y@lmtp.test",
              "z@far.test", input="Subject: x\n\nx\n")
        i.wait_messages("bob", 1)
        wait_for(lambda: near.messages and lmtp.messages)
        i.wait_log("z@far.test.*the link is down")


def test_no_bounce_for_what_never_was_tried():
    """However old it is: it has its tries when the link is back."""
    with Far("retry-first 1s\nretry-most 1s\nbounce-after 60\n"
             "warn-after 1s\n", replies={
                 "RCPT <u0@b.test>": ["450 4.7.1 later"]}) as f:
        d = f.device
        link(d, "down")
        d.stop()
        spoolfile.put(d, "me@c.test", ["u0@b.test"],
                      created=int(time.time()) - 10 * 86400)
        d.start()
        d.wait_log("u0@b.test> relay=none", 1)
        time.sleep(1.5)
        assert d.spooled() and "report" not in d.log()
        link(d, "up")
        wait_for(lambda: not d.spooled())
        assert "u0@b.test" in [r for m in f.smtp.messages for r in m[1]]


@pytest.mark.parametrize("words", [
    ("wan", "sideways"), ("", "up"), ("wan/../x", "up"), ("w" * 40, "up"),
    ("a b", "down")])
def test_nonsense(words):
    with Device() as d:
        p = link(d, words[1], words[0], check=False)
        assert p.returncode == 69 and "ERROR" not in p.stdout, p
        assert d.run("mailq", "--link", "wan", check=False).returncode == 64
        for n in range(8):
            link(d, "down", f"l{n}")
        assert link(d, "down", "l8", check=False).returncode == 69
        link(d, "up", "l3")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_only_root():
    with Device() as d:
        p = link(d, "down", check=False, uid=65534)
        assert p.returncode == 77 and "only root" in p.stderr
        assert not re.search("link wan", d.log())
