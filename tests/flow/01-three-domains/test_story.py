"""The story that this product comes from: a.com, b.com and c.com write to each other.

One test function a chapter, told in order on one set of hosts.
"""

import os
import pty
import re
import select
import subprocess

import pytest

from instance import BIN, wait_for
from lab import SUBNET, Lab

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="namespaces need root")

HOSTS = {
    "a.com": (11, {"alice": (2001, "alice-pw"), "bike": (2004, "bike-pw")}),
    "b.com": (12, {"bob": (2002, "bob-pw"), "alice": (2001, "alice-pw")}),
    "c.com": (13, {"cary": (2003, "cary-pw")}),
    "pc": (50, {}),
    "office": (60, {}),
}
ZONES = {
    "a.com": f"@ MX 10 mail\nmail A {SUBNET}.11\n",
    "b.com": f"@ MX 10 mx1\n@ MX 20 mx2\nmx1 A {SUBNET}.22\n"
             f"mx2 A {SUBNET}.12\n",
    "c.com": f"@ MX 10 mail\nmail A {SUBNET}.13\n",
}


@pytest.fixture(scope="module")
def lab():
    with Lab(HOSTS, ZONES) as lab:
        # the better MX of b.com is b.com's host under a second address
        lab["b.com"].sh("ip", "addr", "add", f"{SUBNET}.22/24", "dev", "eth0")
        for name, more in (("a.com", ""), ("c.com", ""),
                           ("b.com", f"relay-from {SUBNET}.60\n")):
            lab[name].pillarbox(f"hostname mail.{name}\ndomain {name}\n"
                                f"connect-timeout 3\n{more}")
        yield lab


def mbox(host, user):
    path = host.dir / "mail" / user
    return path.read_text() if path.exists() else ""


def arrives(host, user, subject, seconds=20):
    try:
        wait_for(lambda: f"Subject: {subject}\n" in mbox(host, user), seconds)
    finally:
        for h in host.lab.hosts.values():       # shown when it fails
            if h.daemons:
                print(f"--- {h.name}\n{h.log()[-3000:]}")


def send(host, user, to, subject, body):
    host.as_user(user, BIN, "mail", "-s", subject, to, input=body)


def terminal(user_id):
    """A terminal of the user's that has said `biff y`."""
    master, slave = pty.openpty()
    os.fchown(slave, user_id, -1)
    os.fchmod(slave, 0o720)
    return master, slave


def test_alice_writes_to_bob_who_gets_a_notice(lab):
    master, slave = terminal(2002)
    send(lab["a.com"], "alice", "bob@b.com", "dinner", "At eight?\n")
    arrives(lab["b.com"], "bob", "dinner")
    assert select.select([master], [], [], 5)[0], "no notice"
    notice = os.read(master, 1000).decode()
    assert "alice@a.com" in notice and "dinner" in notice
    os.close(master)
    os.close(slave)


def test_it_came_through_the_better_mx(lab):
    wait_for(lambda: re.search(r"to=<bob@b.com>.*mx1\.b\.com.*sent",
                               lab["a.com"].log()))


def test_bob_reads_it_and_finds_it_in_his_mbox(lab):
    b = lab["b.com"]
    out = b.as_user("bob", BIN, "mail", input="print 1\nquit\n")
    assert "At eight?" in out and "dinner" in out
    kept = (b.dir / "home" / "bob" / "mbox").read_text()
    assert "Subject: dinner\n" in kept and "\nAt eight?\n" in kept
    assert mbox(b, "bob") == ""


def test_bob_replies_and_alice_gets_it(lab):
    lab["b.com"].as_user("bob", BIN, "mail", "-f",
                         input="reply 1\nYes, at eight.\n.\nquit\n")
    arrives(lab["a.com"], "alice", "Re: dinner")
    text = mbox(lab["a.com"], "alice")
    assert "\nYes, at eight.\n" in text and "In-Reply-To: <" in text
    assert "From: Bob <bob@b.com>" in text


def test_alice_writes_to_bike_on_the_same_host(lab):
    send(lab["a.com"], "alice", "bike@a.com", "local", "Ring ring.\n")
    arrives(lab["a.com"], "bike", "local")
    send(lab["a.com"], "alice", "bike", "short", "Ring.\n")
    arrives(lab["a.com"], "bike", "short")


def test_the_second_mx_takes_over(lab):
    lab["b.com"].sh("ip", "addr", "del", f"{SUBNET}.22/24", "dev", "eth0")
    send(lab["a.com"], "alice", "bob@b.com", "second", "Are you there?\n")
    arrives(lab["b.com"], "bob", "second", 60)
    wait_for(lambda: re.search(r"to=<bob@b.com>.*mx2\.b\.com.*sent",
                               lab["a.com"].log()))


def swaks(host, *argv):
    return subprocess.run(
        host.enter("swaks", "--server", f"{SUBNET}.12", "--helo", "host.test",
                   *argv), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60)


def test_b_is_no_relay_for_strangers(lab):
    p = swaks(lab["a.com"], "--from", "alice@a.com", "--to", "cary@c.com",
              "--quit-after", "RCPT")
    assert re.search(r"<\*\* 550 5\.7\.1 ", p.stdout), p.stdout


def test_b_relays_for_the_authenticated(lab):
    p = swaks(lab["a.com"], "--from", "alice@b.com", "--to", "cary@c.com",
              "--port", "587", "-tls", "-au", "alice", "-ap", "alice-pw",
              "--header", "Subject: by login")
    assert p.returncode == 0, p.stdout
    arrives(lab["c.com"], "cary", "by login")


def test_b_relays_for_hosts_in_relay_from(lab):
    p = swaks(lab["office"], "--from", "bob@b.com", "--to", "cary@c.com",
              "--header", "Subject: by address")
    assert p.returncode == 0, p.stdout
    arrives(lab["c.com"], "cary", "by address")


def test_an_unknown_user_is_refused_at_rcpt(lab):
    p = swaks(lab["pc"], "--from", "x@a.com", "--to", "nobody-here@b.com")
    assert re.search(r"<\*\* 550 5\.1\.1 ", p.stdout), p.stdout


def test_mail_for_an_unknown_user_elsewhere_comes_back(lab):
    send(lab["a.com"], "alice", "ghost@c.com", "lost", "Boo.\n")
    wait_for(lambda: "ghost@c.com" in mbox(lab["a.com"], "alice")
             and "multipart/report" in mbox(lab["a.com"], "alice"), 20)
    text = mbox(lab["a.com"], "alice")
    assert "Action: failed" in text and "Status: 5.1.1" in text


def test_a_pc_fetches_by_pop3_over_tls(lab):
    p = subprocess.run(
        lab["pc"].enter("curl", "-sk", "--max-time", "20", "-u",
                        "bob:bob-pw", f"pop3s://{SUBNET}.12/1"),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert p.returncode == 0, p.stderr
    assert "Subject: second" in p.stdout and "Are you there?" in p.stdout


LOCKED = """
import os, poplib, ssl, sys, threading, time
host, lock = sys.argv[1:]
context = ssl._create_unverified_context()

def login(user):
    p = poplib.POP3_SSL(host, context=context, timeout=20)
    p.user(user)
    start = time.monotonic()
    p.pass_(user + "-pw")
    return p, time.monotonic() - start

def locked(seconds):
    with open(lock, "w") as f:
        f.write(f"{os.getpid()}\\n")
    threading.Timer(seconds, os.unlink, [lock]).start()

alice, took = login("alice")
locked(2)
others = []
t = threading.Thread(target=lambda: others.append(login("bob")))
t.start()
time.sleep(0.5)
start = time.monotonic()
alice.noop()
assert time.monotonic() - start < 1
t.join()
bob, took = others[0]
assert took > 1, took
n = len(bob.list()[1])
bob.dele(n)
locked(2)
start = time.monotonic()
assert bob.quit().startswith(b"+OK")
assert time.monotonic() - start > 1
bob, took = login("bob")
assert len(bob.list()[1]) == n - 1
"""


def test_a_locked_mbox_makes_only_its_owner_wait(lab):
    """Both when it is opened and when what was deleted is removed."""
    send(lab["b.com"], "bob", "bob@b.com", "to delete", "Bye.\n")
    arrives(lab["b.com"], "bob", "to delete")
    subprocess.run(
        lab["pc"].enter("/usr/bin/python3", "-c", LOCKED, f"{SUBNET}.12",
                        str(lab["b.com"].dir / "mail" / "bob.lock")),
        check=True, timeout=60)
