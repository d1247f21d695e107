"""A device at the edge: its line and its name server go away and come back.

One host with queue and sendmail alone, the line cut for real (network name
spaces), Debian's hook called as NetworkManager does. In order, on one set.
"""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from device import Device
from fakes import FakeDNS, FakeSMTP
from instance import BIN, ROOT, wait_for
from lab import SUBNET, Lab

root_only = pytest.mark.skipif(os.geteuid() != 0,
                               reason="namespaces need root")
HOOK = ROOT / "board-profiles" / "debian" / "network-hook"
LIBRARY = next(iter(pathlib.Path("/usr/lib").glob(
    "*/faketime/libfaketime.so.1")), None)
SINK = """
import sys, time
sys.path.insert(0, sys.argv[1])
from fakes import FakeSMTP
s = FakeSMTP(sys.argv[2], 25)
seen = 0
print("ready", flush=True)
while True:
    time.sleep(0.02)
    while seen < len(s.messages):
        sender, rcpts, data = s.messages[seen]
        open(f"{sys.argv[3]}/{seen}", "wb").write(
            " ".join(rcpts).encode() + b"\\n" + data)
        seen += 1
"""


class Edge:
    """The device `dev`, and `far` that takes all mail of b.test."""

    def __init__(self, lab):
        self.lab, self.dev, self.far = lab, lab["dev"], lab["far"]
        self.got = self.far.dir / "got"
        self.got.mkdir()
        self.sink = self.far.popen(
            "/usr/bin/python3", "-c", SINK, ROOT / "tests", self.far.address,
            self.got, stdout=subprocess.PIPE)
        assert self.sink.stdout.readline() == b"ready\n"
        self.conf = self.dev.etc / "pillarbox.conf"
        self.conf.write_text(
            f"hostname dev.b.test\nspool-dir {self.dev.dir}/var/spool\n"
            f"run-dir {self.dev.dir}/run\nstate-dir {self.dev.dir}/var/lib\n"
            "connect-timeout 1s\ndns-timeout 2s\nretry-first 1h\n")
        self.log_path = self.dev.dir / "log"
        self.bin = self.dev.dir / "bin"
        self.bin.mkdir()
        for name in ("mailq", "mailconf"):
            (self.bin / name).symlink_to(BIN)
        self.dev.log_path = self.log_path
        self.queue = self.dev.popen(
            BIN, "queue", "-f", "-C", self.conf, stdin=subprocess.DEVNULL,
            stderr=open(self.log_path, "wb"))
        wait_for(lambda: "ready" in self.log())
        self.route()

    def env(self):
        return dict(os.environ, PILLARBOX_CONF=str(self.conf),
                    PATH=f"{self.bin}:{os.environ['PATH']}")

    def route(self):
        self.dev.sh("ip", "route", "replace", "default", "via",
                    self.far.address)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def send(self, to):
        begin = time.monotonic()
        self.dev.sh(BIN, "sendmail", to, env=self.env(),
                    input=f"Subject: {to}\n\nHot.\n")
        assert time.monotonic() - begin < 2

    def mailq(self):
        out = self.dev.sh(BIN, "mailq", "-j", env=self.env())
        return [json.loads(line) for line in out.splitlines()]

    def hook(self, action):
        assert self.dev.sh(HOOK, "eth0", action, env=self.env()) == ""

    def cut(self):
        self.dev.sh("ip", "link", "set", "eth0", "down")

    def join(self):
        self.dev.sh("ip", "link", "set", "eth0", "up")
        self.route()

    def arrived(self):
        return {p.read_text().split("\n")[0] for p in self.got.iterdir()}

    def packets(self):
        text = self.dev.sh("ip", "-s", "-j", "link", "show", "eth0")
        return json.loads(text)[0]["stats64"]["tx"]["packets"]


@pytest.fixture(scope="module")
def edge():
    hosts = {"dev": (10, {}), "far": (20, {})}
    # a domain that was not written to lately has no connection and no address
    zones = {d: f"@ MX 10 mx\nmx A {SUBNET}.20\n"
             for d in ("b.test", "c.test", "d.test", "e.test")}
    with Lab(hosts, zones) as lab:
        yield Edge(lab)


@root_only
def test_all_is_well(edge):
    edge.send("one@b.test")
    wait_for(lambda: "one@b.test" in edge.arrived())
    edge.hook("up")
    assert "link eth0 is up" in edge.log()


@root_only
def test_line_is_cut_and_queue_is_told(edge):
    edge.cut()
    edge.hook("down")
    assert "the link is down" in edge.log()
    edge.send("two@b.test")
    edge.send("three@b.test")
    wait_for(lambda: len([r for m in edge.mailq() for r in m["recipients"]
                          if r["reason"] == "4.4.0 the link is down"
                          or r["reason"] == "the link is down"]) == 2)
    assert [m["attempts"] for m in edge.mailq()] == [0, 0]
    # up again, but nobody says so yet: not a packet of ours goes out
    edge.join()
    time.sleep(1)
    before = edge.packets()
    edge.dev.sh(BIN, "mailq", "--flush", env=edge.env())
    time.sleep(1)
    assert not {"two@b.test", "three@b.test"} & edge.arrived()
    assert edge.packets() - before <= 3     # ARP, IPv6's own
    edge.hook("up")
    wait_for(lambda: {"two@b.test", "three@b.test"} <= edge.arrived())
    wait_for(lambda: not edge.mailq())


@root_only
def test_line_is_cut_and_nobody_says_so(edge):
    """Tried, failed, kept with the reason; then the hook comes."""
    edge.cut()
    edge.send("four@c.test")
    wait_for(lambda: [m for m in edge.mailq() if m["attempts"] == 1])
    edge.join()
    edge.hook("up")
    wait_for(lambda: "four@c.test" in edge.arrived())


@root_only
def test_name_server_is_away(edge):
    """The line is there, DNS is not: a try like others, and no bounce."""
    edge.lab.dns.sh("ip", "link", "set", "eth0", "down")
    since = len(edge.log())
    edge.send("five@d.test")
    wait_for(lambda: "status=deferred" in edge.log()[since:])
    assert "report is" not in edge.log()
    assert re.search("five@d.test.*status=deferred.*(name|DNS)",
                     edge.log()[since:]), edge.log()[since:]
    edge.lab.dns.sh("ip", "link", "set", "eth0", "up")
    edge.hook("dhcp4-change")
    wait_for(lambda: "five@d.test" in edge.arrived(), 15)


@root_only
def test_goes_down_while_a_name_is_looked_up(edge):
    edge.lab.dns.sh("ip", "link", "set", "eth0", "down")
    edge.send("six@e.test")
    wait_for(lambda: edge.mailq() and edge.mailq()[0]["state"] == "sending")
    edge.cut()
    edge.hook("down")
    wait_for(lambda: edge.mailq()[0]["state"] == "waiting")
    assert edge.mailq()[0]["attempts"] == 0
    edge.lab.dns.sh("ip", "link", "set", "eth0", "up")
    edge.join()
    edge.hook("up")
    wait_for(lambda: "six@e.test" in edge.arrived(), 15)


@pytest.mark.skipif(not LIBRARY, reason="no libfaketime")
def test_no_clock_and_no_line():
    """1970, and the line is down: an alert of then goes when both are right,
    with the Date of then, and however long that took nothing expires."""
    with FakeSMTP() as far:
        names = FakeDNS({("far.test", "A"): ["127.0.0.1"]})
        d = Device(f"smarthost far.test:{far.port} none\nretry-first 1s\n"
                   "retry-most 1s\nbounce-after 60\nwarn-after 1s\n",
                   start=False)
        clock = d.dir / "clock"
        clock.write_text("@1970-01-01 00:01:00\n")
        d.configure(d.conf.read_text().replace(
            "127.0.0.9", f"127.0.0.1:{names.port}"))
        fake = {"LD_PRELOAD": str(LIBRARY), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_TIMESTAMP_FILE": str(clock), "TZ": "UTC",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1"}
        d.wrapper = ["env", *[f"{k}={v}" for k, v in fake.items()]]
        with d:
            d.start()
            d.run("mailq", "--link", "wan", "down")
            subprocess.run([BIN, "sendmail", "-f", "me@b.test", "u0@b.test"],
                           env=d.env(**fake), input="Subject: x\n\nHot.\n",
                           text=True, check=True, timeout=20)
            d.wait_log("u0@b.test> relay=none status=deferred")
            assert not re.search(rb"^Date:", d.spooled()[0].read_bytes(),
                                 re.M)
            # the clock comes first, 61 years later, the line long after
            clock.write_text("@2031-05-06 07:08:09\n")
            d.run("mailq", "--flush")
            d.wait_log("u0@b.test> relay=none status=deferred", 2)
            time.sleep(1.2)
            assert d.spooled() and not far.sessions and not names.asked
            assert "report is" not in d.log()
            d.run("mailq", "--link", "wan", "up")
            wait_for(lambda: far.messages)
            text = far.messages[0][2].decode()
            dates = re.findall(r"^Date: (.*)\r$", text, re.M)
            assert len(dates) == 1
            assert dates[0].startswith("Tue, 6 May 2031 07:08:"), dates
            wait_for(lambda: not d.spooled())
