"""Rates, tarpit and bans, and the filters that know the ban's log line."""

import base64
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from instance import ROOT, Instance
from strangers import Stranger, rcpt

FILTER = ROOT / "config" / "etc" / "fail2ban" / "pillarbox.conf"
FAIL2BAN = pathlib.Path("/etc/fail2ban/filter.d")
OPENWRT = ROOT / "board-profiles" / "openwrt" / "README.md"


def login(s, user="alice@a.test", password="alice-pw"):
    s.say("EHLO x.example")
    return s.say("AUTH PLAIN " + base64.b64encode(
        f"\0{user}\0{password}".encode()).decode())


def test_connections_messages_and_recipients_of_an_address():
    with Instance(extra="rate-connections 6/1h\nrate-messages 3/1h\n"
                  "rate-recipients 4/1h\n") as inst:
        with Stranger(inst) as s:
            assert s.rcpt()[0].startswith("250")
            for n in range(3):
                assert s.say("RCPT TO:<bob@a.test>").startswith("250")
                assert s.say("RCPT TO:<alice@a.test>").startswith("250")
            for n in range(2):
                assert s.say(f"RCPT TO:<nobody{n}@a.test>").startswith("550")
            assert s.say("RCPT TO:<postmaster>") == \
                "452 4.7.1 Too many recipients, try again later"
            # what was taken is taken
            assert s.say("DATA").startswith("354")
            assert s.say("Subject: x\r\n\r\nx\r\n.").startswith("250")
            for n in range(2):
                assert s.say("MAIL FROM:<>").startswith("250")
                assert s.say("RSET").startswith("250")
            assert s.say("MAIL FROM:<>") == \
                "451 4.7.1 Too many messages, try again later"
        inst.wait_messages("alice", 1)
        assert rcpt(inst, "127.0.0.10")[0].startswith("250")
        for n in range(5):
            with Stranger(inst) as s:
                assert s.greeting.startswith("220")
        with Stranger(inst) as s:
            assert s.greeting == "421 4.7.0 Too many connections in this " \
                "time from your address"
            assert s.reply() == ""
        for _ in range(20):
            with Stranger(inst, "127.0.0.1") as s:
                assert s.greeting.startswith("220")
        inst.wait_log(r"\[127.0.0.9\] refused: Too many")


def test_a_bucket_fills_again():
    with Instance(extra="rate-connections 2/2\n") as inst:
        def greeting():
            with Stranger(inst) as s:
                return s.greeting[:3]
        assert [greeting() for _ in range(3)] == ["220", "220", "421"]
        time.sleep(1.2)
        assert [greeting() for _ in range(2)] == ["220", "421"]


def test_a_user_has_limits_of_his_own():
    with Instance(extra="rate-user-messages 2/1h\nrate-user-recipients 3/1h\n"
                  "auth-without-tls yes\nrelay-from 127.0.0.0/8\n") as inst:
        with Stranger(inst, "127.0.0.1") as s:
            assert login(s).startswith("235")
            assert s.say("MAIL FROM:<alice@a.test>").startswith("250")
            for n in range(3):
                assert s.say(f"RCPT TO:<x{n}@b.test>").startswith("250")
            assert s.say("RCPT TO:<x3@b.test>").startswith("452 4.7.1")
        # from another address he is the same
        with Stranger(inst, "127.0.0.9", "submission") as s:
            assert login(s).startswith("235")
            assert s.say("MAIL FROM:<alice@a.test>").startswith("250")
            assert s.say("RSET").startswith("250")
            assert s.say("MAIL FROM:<alice@a.test>").startswith("451 4.7.1")
        with Stranger(inst, "127.0.0.9") as s:
            assert login(s, "bob@a.test", "bob-pw").startswith("235")
            assert s.say("MAIL FROM:<bob@a.test>").startswith("250")
            assert s.say("RCPT TO:<x@b.test>").startswith("250")
        inst.wait_log("alice@a.test refused: Too many recipients")


def test_tarpit():
    with Instance(extra="tarpit 1\nmax-errors 3\n") as inst:
        def wait(s, line):
            start = time.monotonic()
            s.say(line)
            s.say("NOOP")
            return time.monotonic() - start
        with Stranger(inst) as s:
            s.say("EHLO x.example")
            assert wait(s, "NOOP") < 0.5
            assert 0.9 < wait(s, "WRONG") < 1.8
            assert 1.9 < wait(s, "WRONG") < 2.8
            s.say("MAIL FROM:<>")
            assert 2.9 < wait(s, "RCPT TO:<nobody@a.test>") < 3.8
            # not even a pipeline goes faster
            start = time.monotonic()
            s.sock.sendall(b"WRONG\r\nNOOP\r\n")
            assert s.reply().startswith("500")
            assert s.reply().startswith("250")
            assert 3.9 < time.monotonic() - start < 4.8
            s.sock.sendall(b"WRONG\r\nQUIT\r\n")
            time.sleep(0.3)
            start = time.monotonic()
            with Stranger(inst, "127.0.0.1") as other:
                assert wait(other, "WRONG") < 0.5
            assert time.monotonic() - start < 0.5
        with Stranger(inst) as s:
            s.say("WRONG")
            start = time.monotonic()
            inst.stop()     # does not wait for it
            assert time.monotonic() - start < 3


def test_the_table_is_bounded():
    with Instance(extra="rate-connections 1/1h\nmax-tracked 16\n") as inst:
        assert Stranger(inst, "127.0.0.9").greeting.startswith("220")
        assert Stranger(inst, "127.0.0.9").greeting.startswith("421")
        for n in range(16):
            assert Stranger(inst, f"127.0.1.{n + 1}").greeting.startswith("220")
        # it was forgotten, the last one was not
        assert Stranger(inst, "127.0.0.9").greeting.startswith("220")
        assert Stranger(inst, "127.0.1.16").greeting.startswith("421")


@pytest.fixture(scope="module")
def banned():
    """Three ways to a ban; the instance's log."""
    inst = Instance(extra="ban-after 3/1h\nban-time 2m\nmax-errors 4\n"
                    "auth-without-tls yes\ngreeting-delay 1\n"
                    "relay-from 127.0.0.4\n")
    with inst:
        # passwords; the name wants to look like a line of ours
        for n in range(3):
            for address in ("127.0.0.4", "127.0.0.1"):
                with Stranger(inst, address, "submission") as s:
                    assert login(s, "alice", "x").startswith("535")
        with Stranger(inst, "127.0.0.9", "submission") as s:
            for _ in range(3):
                assert login(s, "smtpd[1]: ban address=192.0.2.66 bits=32 "
                             "seconds=9", "x").startswith("535")
            assert login(s, "alice", "x").startswith("421 4.7.0 Too many fail")
            assert s.reply() == ""
        # wrong commands
        for n in range(4):
            with Stranger(inst, "127.0.0.10", "submission") as s:
                for _ in range(5):
                    last = s.say("WRONG")
                assert last.startswith("500") and s.reply().startswith("421")
        # early talkers
        for n in range(4):
            with Stranger(inst, "127.0.0.11", greeted=False) as s:
                assert s.say("EHLO x.example").startswith("554")
        yield inst


def test_a_ban_is_one_line(banned):
    assert re.findall(r"ban address=(127\S+) bits=32 seconds=120$",
                      banned.log(), re.M) == \
        ["127.0.0.9", "127.0.0.10", "127.0.0.11"]


def test_who_is_banned_does_not_come_in(banned):
    for address in ("127.0.0.9", "127.0.0.10", "127.0.0.11"):
        for service in ("smtp", "submission"):
            with Stranger(banned, address, service) as s:
                assert s.greeting == \
                    "421 4.7.0 Too many failures, come back later"
                assert s.reply() == ""
        with socket.create_connection(("127.0.0.1", banned.port["smtps"]), 5,
                                      (address, 0)) as s:
            assert s.recv(100) == b""
    for address in ("127.0.0.1", "127.0.0.4", "127.0.0.12"):
        with Stranger(banned, address) as s:
            assert s.greeting.startswith("220")
    assert banned.log().count("ban address=127") == 3
    assert "Too many failures" not in banned.log()


def test_a_ban_ends():
    with Instance(extra="ban-after 1/1h\nban-time 1\nauth-without-tls yes\n"
                  ) as inst:
        with Stranger(inst) as s:
            assert login(s, "x", "x").startswith("535")
            assert login(s, "x", "x").startswith("421")
        with Stranger(inst) as s:
            assert s.greeting.startswith("421")
        time.sleep(1.2)
        with Stranger(inst) as s:
            assert s.greeting.startswith("220")
            assert login(s).startswith("235")


# ---- the filters we ship

STAMPS = {"syslog": "Nov 24 18:00:0{} box {}[4242]: ",
          "iso": "2026-11-24T18:00:0{}.123456+00:00 box {}[4242]: "}


def syslog(log, stamp):
    """The daemon's lines as a syslog writes them."""
    lines = []
    for n, line in enumerate(log.splitlines()):
        m = re.match(r"(?:\S+ )?(smtpd|authd)(?:\[\d+\])?: (.*)", line)
        if m:
            lines.append(stamp.format(n % 10, m[1]) + m[2])
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=STAMPS)
def test_fail2ban_matches(banned, stamp, tmp_path):
    regex = shutil.which("fail2ban-regex")
    assert regex, "apt-get install fail2ban"
    # as it would be installed
    folder = tmp_path / "filter.d"
    folder.mkdir()
    for path in (FILTER, FAIL2BAN / "common.conf"):
        shutil.copy(path, folder)
    log = tmp_path / "log"
    text = syslog(banned.log(), stamp)
    # IPv6, and a name that would like to be a line, as they are written
    text += stamp.format(1, "smtpd") + \
        "ban address=2001:db8:0:1:0:0:0:5 bits=64 seconds=3600\n"
    text += stamp.format(1, "authd") + \
        "login failed user=<> service=pop3 peer=[192.0.2.66]> service=pop3s " \
        "peer=[IPv6:2001:db8::7]\n"
    log.write_text(text)

    def found(mode):
        p = subprocess.run(
            [regex, "-o", "ip", str(log), f"{folder / FILTER.name}[mode={mode}]"],
            capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stdout + p.stderr
        return p.stdout.split()
    assert found("ban") == ["127.0.0.9", "127.0.0.10", "127.0.0.11",
                            "2001:db8:0:1::5"]
    passwords = found("auth")
    assert set(passwords) == {"127.0.0.9", "127.0.0.1", "127.0.0.4",
                              "2001:db8::7"}
    assert passwords.count("127.0.0.9") == 4
    assert not any("192.0.2.66" in f for f in passwords + found("ban"))


# What banIP looks for in a line that its term has found: the last of these.
BANIP = (r"(?:(?:[1-9][0-9]{0,2}\.)(?:[0-9]{1,3}\.){2}"
         r"(?:1?[0-9][0-9]?|2[0-4][0-9]|25[0-5]))+",
         r"(?:[A-Fa-f0-9]{1,4}::?){3,7}[A-Fa-f0-9]{1,4}")


def test_banip_matches(banned):
    term = re.search(r"ban_logterm='(.*)'", OPENWRT.read_text())[1]
    log = syslog(banned.log(), "Tue Nov 24 18:00:0{} 2026 mail.warn {}[4242]: ")
    log += "Tue Nov 24 18:00:01 2026 mail.warn smtpd[4242]: " \
        "ban address=2001:db8:0:1:0:0:0:5 bits=64 seconds=3600\n"
    found = subprocess.run(["grep", "-e", term], input=log, text=True,
                           capture_output=True).stdout.splitlines()
    addresses = [re.findall(BANIP[0], line) or re.findall(BANIP[1], line)
                 for line in found]
    assert [a[-1] for a in addresses] == \
        ["127.0.0.9", "127.0.0.10", "127.0.0.11", "2001:db8:0:1:0:0:0:5"]
