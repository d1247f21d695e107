"""Fair turns: many domains, of which some are dead and some slow.

make check has 1,000 messages to 50 domains; QUEUE_DOMAINS=100 for 10,000 to 100,
as make bench has it.
"""

import os
import pathlib
import re
import threading
import time

import pytest

import spoolfile
from fakes import FakeDNS
from instance import Instance, wait_for
from sinks import Blackholes, Sinks

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs port 25")
DOMAINS = int(os.environ.get("QUEUE_DOMAINS",
                             100 if "BENCH_FACTOR" in os.environ else 50))
EACH = DOMAINS if DOMAINS >= 100 else 20


def zone_of(addresses):
    """{domain: address} by an MX each."""
    zone = {}
    for domain, address in addresses.items():
        zone[(domain, "MX")] = [(10, f"mx.{domain}")]
        zone[(f"mx.{domain}", "A")] = [address]
    return zone


class Watch(threading.Thread):
    """The most descriptors and memory (kB) that the process ever had."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.proc, self.fds, self.over = pathlib.Path(f"/proc/{pid}"), 0, False

    def run(self):
        while not self.over:
            self.fds = max(self.fds, len(list((self.proc / "fd").iterdir())))
            time.sleep(0.05)

    def memory(self):
        return int(re.search(r"^VmHWM:\s+(\d+) kB",
                             (self.proc / "status").read_text(), re.M)[1])


def test_a_host_that_bears_few_connections():
    """421 to more than it likes is its limit, and no reason to hold its mail."""
    where = {"few.test": "127.0.77.1", "more.test": "127.0.77.2"}
    delays = {a: (0.01, 0.02) for a in where.values()}
    with FakeDNS(zone_of(where)) as dns, \
            Sinks(where.values(), delays, limit={"127.0.77.1": 2}) as sinks, \
            Instance(start=False, extra=f"nameserver 127.0.0.1:{dns.port}\n"
                     "queue-sessions-per-host 8\n") as i:
        spoolfile.prepare(i)
        for k in range(100):
            for d in where:
                spoolfile.put(i, "alice@a.test", [f"x{k}@{d}"])
        i.start()
        wait_for(lambda: len(sinks.taken) == 200, 30)
        assert "deferred" not in i.log()
        assert sinks.most["127.0.77.2"] == 8
        # it is asked for more now and then, not with each message
        assert sinks.sessions["127.0.77.1"] <= 12


def test_dead_and_slow_domains_delay_nobody():
    n = DOMAINS // 10
    names = [f"d{k}.test" for k in range(DOMAINS)]
    where = {d: f"127.0.77.{k + 1}" for k, d in enumerate(names)}
    dead, slow, good = names[:n], names[n:2 * n], names[2 * n:]
    retry = 60 if DOMAINS >= 100 else 15
    with FakeDNS(zone_of(where)) as dns, \
            Sinks([where[d] for d in slow + good],
                  {where[d]: (1, 2) for d in slow}) as sinks, \
            Blackholes(where[d] for d in dead), \
            Instance(start=False, omit={"dns-timeout"},
                     extra=f"nameserver 127.0.0.1:{dns.port}\n"
                     f"retry-first {retry}s\nconnect-timeout 30s\n"
                     "max-queue 20000\n") as i:
        spoolfile.prepare(i)
        for k in range(EACH):
            for d in names:
                spoolfile.put(i, "alice@a.test", [f"x{k}@{d}"])
        start = time.monotonic()
        i.start()
        watch = Watch(i.pids("queue")[0])
        watch.start()

        def out(domains):
            return sum(r.split("@")[1] in domains for _, r in sinks.taken)

        wait_for(lambda: out(set(good)) == EACH * len(good), 2 * retry, 0.2)
        others = max(t for t, r in sinks.taken if r.split("@")[1] in good)
        wait_for(lambda: re.search(r"@d0\.test> .*status=deferred", i.log()),
                 60)
        first = time.monotonic()
        watch.over = True
        print(f"{EACH * DOMAINS} messages to {DOMAINS} domains: those of "
              f"{len(good)} out in {others - start:.1f} s; {out(set(slow))} to "
              f"{n} slow ones by then; queue has {watch.memory()} kB, "
              f"{watch.fds} descriptors")
        assert others < first + 0.9 * retry
        assert others - start < 25
        assert out(set(slow))
        # queue-sessions, as many that are slow, look-ups, what it always has
        assert watch.fds <= 20 + 20 + 40 + 20
        assert watch.memory() < 12 * 1024
        taken = [r for _, r in sinks.taken]
        assert len(taken) == len(set(taken))
