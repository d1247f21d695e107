"""A device on a wire: two network namespaces, and servers at the far end.

The device is 10.78.0.2 and 2001:db8:78::2 on wan0; the far end's addresses are
given to Wire(). A socket belongs to the namespace it was made in, so servers
of this process are made inside `with wire.far():`.
"""

import contextlib
import ctypes
import os
import pathlib
import subprocess

from fakes import FakeDNS
from instance import Instance, wait_for

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000
DNS = "10.78.0.53"
FAST = "retry-first 1s\nretry-most 1s\ndns-timeout 1s\nconnect-timeout 2s\n"


def namespace():
    """A process that sleeps in a network of its own."""
    mine = os.readlink("/proc/self/ns/net")
    p = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
    wait_for(lambda: os.readlink(f"/proc/{p.pid}/ns/net") != mine and
             pathlib.Path(f"/proc/{p.pid}/comm").read_text() == "sleep\n")
    return p


class Wire:
    def __init__(self, addresses, zone):
        self.near, self.there = namespace(), namespace()
        self.sh("ip", "link", "set", "lo", "up")
        self.sh("ip", "link", "set", "lo", "up", ns=self.there)
        self.sh("ip", "link", "add", "wan0", "type", "veth", "peer", "name",
                "eth0", "netns", self.there.pid)
        self.sh("ip", "link", "set", "eth0", "up", ns=self.there)
        # packets as long as they are, or narrow() would let them pass
        self.sh("ip", "link", "set", "wan0", "gso_max_segs", "1")
        self.sh("sysctl", "-qw", "net.ipv6.conf.wan0.keep_addr_on_down=1")
        self.up()
        for a in ("10.78.0.2", "2001:db8:78::2"):
            self.address(a, "wan0", self.near)
        for a in (DNS, *addresses):
            self.address(a, "eth0", self.there)
        with self.far():
            self.dns = FakeDNS(zone, host=DNS, port=53)

    def address(self, a, device, ns):
        self.sh("ip", "addr", "add", *([a + "/64", "dev", device, "nodad"]
                                       if ":" in a else
                                       [a + "/24", "dev", device]), ns=ns)

    def sh(self, *argv, ns=None):
        subprocess.run(["nsenter", "-t", str((ns or self.near).pid), "-n",
                        *map(str, argv)], check=True)

    @contextlib.contextmanager
    def far(self):
        with open("/proc/self/ns/net") as back, \
                open(f"/proc/{self.there.pid}/ns/net") as to:
            assert not LIBC.setns(to.fileno(), NEWNET)
            try:
                yield
            finally:
                assert not LIBC.setns(back.fileno(), NEWNET)

    def up(self):
        self.sh("ip", "link", "set", "wan0", "up")

    def down(self):
        self.sh("ip", "link", "set", "wan0", "down")

    def deaf(self, address):
        """Frames for it go to nobody (not every kernel has netem)."""
        self.sh("ip", "neigh", "replace", address, "lladdr",
                "02:00:00:00:00:99", "dev", "wan0", "nud", "permanent")

    def swallow(self):
        """Nothing gets to either side, and nobody says so."""
        for ns, device in ((self.near, "wan0"), (self.there, "eth0")):
            self.sh("tc", "qdisc", "add", "dev", device, "root", "tbf", "rate",
                    "8bit", "burst", "1", "limit", "1", ns=ns)

    def heal(self):
        for ns, device in ((self.near, "wan0"), (self.there, "eth0")):
            self.sh("tc", "qdisc", "del", "dev", device, "root", ns=ns)

    def narrow(self, mtu):
        """What is longer vanishes, as where a firewall eats the ICMP."""
        self.sh("ip", "link", "set", "eth0", "mtu", mtu, ns=self.there)

    def device(self, extra=""):
        return Instance(
            extra=FAST + f"nameserver {DNS}\n" + extra,
            omit={"nameserver", "dns-timeout", "mx-loopback"},
            wrapper=["nsenter", "-t", str(self.near.pid), "-n"])

    def close(self):
        with self.far():
            self.dns.close()
        for p in (self.near, self.there):
            p.kill()
            p.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
