"""Clients with addresses of their own, and a DNS server that knows lists."""

import socket
import time

from fakes import FakeDNS
from instance import Instance


class Stranger:
    """An SMTP client at an address of 127.0.0.0/8."""
    def __init__(self, instance, address="127.0.0.9", service="smtp",
                 greeted=True):
        self.sock = socket.create_connection(
            ("127.0.0.1", instance.port[service]), 20, (address, 0))
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply() if greeted else None

    def reply(self):
        """The last line of a reply; "" when the connection is over."""
        while True:
            try:
                line = self.file.readline().decode().rstrip("\r\n")
            except ConnectionResetError:
                return ""
            if line[3:4] != "-":
                return line

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()

    def rcpt(self, rcpt="alice@a.test", hello="client.example",
             sender="x@client.example"):
        """(the reply to the first RCPT, how long it took)"""
        assert self.say(f"EHLO {hello}").startswith("250 ")
        start = time.monotonic()
        assert self.say(f"MAIL FROM:<{sender}>").startswith("250 ")
        return self.say(f"RCPT TO:<{rcpt}>"), time.monotonic() - start

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()
        self.sock.close()


def rcpt(instance, address, *args, **kw):
    with Stranger(instance, address) as s:
        return s.rcpt(*args, **kw)


class Lists(FakeDNS):
    """Zones of DNS lists: {name: {address: [answers]}}.

    "good" ones have the entry of RFC 5782 5; a list that is a text gives this
    for every question: an address, "silence" or "SERVFAIL".
    """
    def __init__(self, lists, zone=None):
        everything = dict(zone or {})
        for name, entries in lists.items():
            if isinstance(entries, str):
                continue
            for address, answers in {"127.0.0.2": ["127.0.0.2"],
                                     **entries}.items():
                key = ".".join(reversed(address.split("."))) + "." + name
                everything[key, "A"] = answers
        self.whole = {n: v for n, v in lists.items() if isinstance(v, str)}
        super().__init__(everything)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        name = ".".join(labels)
        for zone, value in self.whole.items():
            if name.endswith("." + zone):
                self.zone[name, "A"] = value if value.isalpha() else [value]
        return super().answer(query)

    def questions(self, zone):
        return [n for n, _ in self.asked if n.endswith(zone)
                and n not in ("1.0.0.127." + zone, "2.0.0.127." + zone)]


def served(lists, conf="", zone=None, ready=None):
    """(Instance that asks these lists, its DNS server)"""
    dns = Lists(lists, zone)
    inst = Instance(extra=f"nameserver 127.0.0.1:{dns.port}\n"
                    "postmaster alice\n" + conf,
                    omit=("nameserver",) + ("dns-timeout",) *
                    ("dns-timeout" in conf))
    for name in lists if ready is None else ready:
        inst.wait_log(f"dnsbl {name} is asked")
    return inst, dns
