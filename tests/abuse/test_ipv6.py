"""IPv6 counts by /64, and lists are asked by nibbles; in a network of its own."""

import base64
import os
import subprocess
import sys

NETS = ("2001:db8:0:1::2", "2001:db8:0:1:ff::3", "2001:db8:0:2::2")


def test_in_a_network_of_its_own():
    p = subprocess.run(["unshare", "-n", sys.executable, __file__],
                       capture_output=True, text=True, timeout=120,
                       env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert p.returncode == 0, p.stdout + p.stderr


def main():
    import socket
    from strangers import Lists, Stranger
    from instance import Instance

    class Client(Stranger):
        def __init__(self, instance, address, service="smtp"):
            self.sock = socket.create_connection(
                (NETS[0], instance.port[service]), 20, (address, 0))
            self.file = self.sock.makefile("rb")
            self.greeting = self.reply()

    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    for net in NETS:
        subprocess.check_call(["ip", "addr", "add", net + "/128", "dev", "lo",
                               "nodad"])
    # 2001:db8:0:2::2, backwards
    nibbles = "2." + "0." * 15 + "2.0.0.0." + "0.0.0.0." + \
        "8.b.d.0." + "1.0.0.2."
    dns = Lists({"bl.test": {}}, {(nibbles + "bl.test", "A"): ["127.0.0.4"],
                                  (nibbles + "bl.test", "TXT"): [b"six"]})
    ports = {}
    with Instance(start=False) as first:
        ports = first.port
    extra = f"nameserver 127.0.0.1:{dns.port}\ndnsbl bl.test\n" \
        "auth-without-tls yes\nban-after 2/1h\nrate-connections 100/1h\n"
    for service in ("smtp", "submission"):
        extra += f"listen {service} [{NETS[0]}]:{ports[service]}\n"
    with Instance(extra=extra, omit=("nameserver",)) as inst:
        inst.port.update(ports)
        inst.wait_log("dnsbl bl.test is asked")
        with Client(inst, NETS[2]) as s:
            assert s.rcpt()[0] == "550 5.7.1 Client [IPv6:2001:db8:0:2::2] " \
                "is listed by bl.test: six"
        with Client(inst, NETS[0]) as s:
            assert s.rcpt()[0].startswith("250")
        # two addresses of one network are one
        wrong = "AUTH PLAIN " + base64.b64encode(b"\0x\0x").decode()
        for net in NETS[:2]:
            with Client(inst, net) as s:
                s.say("EHLO x")
                assert s.say(wrong).startswith("535")
        with Client(inst, NETS[1]) as s:
            s.say("EHLO x")
            assert s.say(wrong).startswith("421 4.7.0 Too many fail")
        assert "ban address=2001:db8:0:1:ff:0:0:3 bits=64 seconds=3600\n" \
            in inst.log()
        for net in NETS[:2]:
            with Client(inst, net, "submission") as s:
                assert s.greeting.startswith("421 4.7.0 Too many fail")
        with Client(inst, NETS[2]) as s:
            assert s.greeting.startswith("220")


if __name__ == "__main__":
    main()
