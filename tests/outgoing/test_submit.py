"""sendmail hands a message to queue, on a device without smtpd."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from device import ALERT, Device
from fakes import FakeSMTP
from instance import BIN, wait_for

NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def far():
    with FakeSMTP(offers=("PIPELINING", "8BITMIME", "SIZE")) as s:
        yield s


def smarthost(far, more=""):
    return f"smarthost 127.0.0.1:{far.port} none{more}\n"


@pytest.fixture(scope="module")
def held():
    """Nothing of it goes anywhere."""
    with Device("smarthost 127.0.0.1:1 none\nretry-first 1h\n"
                "max-message-size 1M\nmax-recipients 5\n") as d:
        yield d


def test_goes_and_nobody_listens(far):
    with Device(smarthost(far)) as d:
        d.send("-f", "cron@a.test", "admin@b.test", "other@c.test")
        wait_for(lambda: far.messages)
        sender, rcpts, data = far.messages[0]
        assert sender == "cron@a.test"
        assert sorted(rcpts) == ["admin@b.test", "other@c.test"]
        text = data.decode()
        assert text.startswith("Received: by box.a.test (from uid "
                               f"{os.getuid()})\r\n\tid ")
        assert text.endswith("\r\n\r\nHot.\r\n")
        assert "\n" not in text.replace("\r\n", "")
        wait_for(lambda: not d.spooled())
        # no TCP or UDP socket at all
        sockets = {os.readlink(p) for p in
                   (f"/proc/{d.queue.pid}/fd/{n}" for n in
                    os.listdir(f"/proc/{d.queue.pid}/fd"))
                   if os.path.islink(p)}
        inodes = {s[8:-1] for s in sockets if s.startswith("socket:")}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in open(f"/proc/net/{table}").readlines()[1:]:
                words = line.split()
                listens = words[3] == "0A" or table.startswith("udp")
                assert not (listens and words[9] in inodes), line


@root_only
def test_any_user_and_who_it_is(far):
    with Device(smarthost(far)) as d:
        d.send("-f", "boss@a.test", "admin@b.test", uid=NOBODY)
        wait_for(lambda: far.messages)
        assert far.messages[0][0] == "boss@a.test"
        assert f"client=local uid={NOBODY}" in d.log()
        assert f"(from uid {NOBODY})" in far.messages[0][2].decode()


def test_returns_whatever_the_network_does():
    """A smarthost that takes the connection and never says a word."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with Device(f"smarthost 127.0.0.1:{mute.getsockname()[1]} none\n") as d:
            begin = time.monotonic()
            d.send()
            assert time.monotonic() - begin < 3
            assert len(d.spooled()) == 1


def test_durable_before_the_answer(tmp_path):
    """What sendmail has reported is there after kill -9 of all."""
    with Device("smarthost 127.0.0.1:1 none\nretry-first 1h\n") as d:
        d.send()
        d.stop(signal.SIGKILL)
        path, = d.spooled()
        assert path.read_bytes().startswith(b"PB1 ")


@root_only
def test_no_queue(far):
    """root's goes into the spool, others are told; nobody waits for a net."""
    with Device(smarthost(far), start=False) as d:
        d.send()
        assert len(d.spooled()) == 1 and not far.sessions
        p = d.send(uid=NOBODY, check=False)
        assert p.returncode == 75, p
        assert "queue does not run" in p.stderr
        d.start()
        wait_for(lambda: far.messages)


@root_only
def test_direct_when_it_is_wanted(far):
    with Device(smarthost(far) + "sendmail-direct yes\n", start=False) as d:
        d.send(uid=NOBODY)
        assert len(far.messages) == 1
        far.close()
        p = d.send(uid=NOBODY, check=False)
        assert p.returncode == 75, p
        d.send()                    # root's waits
        assert len(d.spooled()) == 1


@root_only
def test_direct_in_a_mask(far):
    """masquerade and sender= count on this way, too, in envelope and header."""
    text = ("From: Root <root@a.test>\nTo: Bob <bob@b.test>,\n"
            "  root@a.test\nCc: \"x\" <eve@a.test>\nSubject: s\n\nroot@a.test\n")
    mask = ("masquerade root@a.test me@provider.example\n"
            "masquerade @a.test @p.example\nmasquerade bob@b.test rob@c.test\n")
    with Device(smarthost(far) + "sendmail-direct yes\n" + mask,
                start=False) as d:
        d.send("-f", "root@a.test", "bob@b.test", "eve@b.test", text=text)
        sender, rcpts, got = far.messages[0]
        assert sender == "me@provider.example", sender
        assert rcpts == ["rob@c.test", "eve@b.test"]
        head, body = got.decode().split("\r\n\r\n", 1)
        assert "From: Root <me@provider.example>\r\n" in head
        assert ("To: Bob <rob@c.test>,\r\n  me@provider.example\r\n"
                'Cc: "x" <eve@p.example>\r\n') in head
        assert "a.test" not in re.sub("(?m)^(Message-I[dD]|Received).*", "", head)
        assert body == "root@a.test\r\n"
    with Device(smarthost(far, " sender=box@p.example") +
                "sendmail-direct yes\n", start=False) as d:
        d.send("bob@b.test", text=text)
        assert far.messages[1][0] == "box@p.example"
        assert b"From: Root <box@p.example>\r\n" in far.messages[1][2]
        assert b"Reply-To: Root <root@a.test>\r\n" in far.messages[1][2]


def test_large_and_eight_bit(far):
    with Device(smarthost(far)) as d:
        body = ("é" * 400 + "\n.\n..\n") * 1000
        d.run("sendmail", "-i", "admin@b.test", input="Subject: x\n\n" + body)
        wait_for(lambda: far.messages, 20)
        text = far.messages[0][2].decode()
        assert text.endswith(body.replace("\n", "\r\n"))
        assert any("BODY=8BITMIME" in n for n in far.lines)


def test_many_at_a_time(far):
    with Device(smarthost(far)) as d:
        procs = [subprocess.Popen([BIN, "sendmail", f"u{n}@b.test"],
                                  env=d.env(), stdin=subprocess.PIPE,
                                  text=True) for n in range(60)]
        for p in procs:
            p.stdin.write(ALERT)
            p.stdin.close()
        assert {p.wait(30) for p in procs} == {0}
        wait_for(lambda: len(far.messages) == 60, 20)
        assert len({m[1][0] for m in far.messages}) == 60


def test_limits(held):
    n = len(held.spooled())
    p = held.send(*[f"u{n}@b.test" for n in range(6)], check=False)
    assert p.returncode == 75 and "max-recipients" in p.stderr
    p = held.send(text="Subject: x\n\n" + "x\n" * 600000, check=False)
    assert p.returncode != 0 and "max-message-size" in p.stderr
    # small as it comes, too large with CRLF
    p = held.send(text="Subject: x\n\n" + "\n" * 900000, check=False)
    assert p.returncode != 0 and "max-message-size" in p.stderr
    assert len(held.spooled()) == n
    assert not list((held.spool / "tmp").glob("*"))
    held.send(*[f"u{n}@b.test" for n in range(5)])


def test_rate_of_a_user():
    with Device("smarthost 127.0.0.1:1 none\nretry-first 1h\n"
                "rate-local 3/1h\n") as d:
        assert [d.send(check=False).returncode for _ in range(5)] == \
            [0, 0, 0, 75, 75]
        assert len(d.spooled()) == 3


GOOD = b"SUBMIT\t8\t-\ta@a.test\t\nb@b.test\t\n\nx: y\n\nz\n"


def test_the_words(held):
    said = held.talk(GOOD)
    assert said.startswith("354 ") and "\n250 2.0.0 " in said
    newest = max(held.spooled(), key=lambda p: p.stat().st_mtime_ns)
    assert newest.read_bytes().endswith(b"\r\nx: y\r\n\r\nz\r\n")
    # an octet at a time
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(held.run_dir / "queue.ctl"))
        for c in GOOD:
            s.send(bytes([c]))
            time.sleep(0.001)
        s.settimeout(5)
        said = b""
        while b"250" not in said:
            said += s.recv(100)


@pytest.mark.parametrize("data,code", [
    (b"SUBMIT\tx\t-\ta@a.test\t\n", "501"),
    (b"SUBMIT\t-1\t-\ta@a.test\t\n", "501"),
    (b"SUBMIT\t99999999999999999999999\t-\ta@a.test\t\n", "501"),
    (b"SUBMIT\t\n", "501"),
    (b"SUBMIT\t8\n", "501"),
    (b"SUBMIT\t9999999\t-\ta@a.test\t\n", "552"),
    (b"SUBMIT\t8\t-\ta b@a.test\t\n", "553"),
    (b"SUBMIT\t8\t-\ta\t\n", "553"),
    (b"SUBMIT\t8\t-\t\xc3\xa9@a.test\t\n", "553"),
    (b"SUBMIT\t8\t-\ta@a.test\tRET=NO\n", "501"),
    (b"SUBMIT\t8\t-\ta@a.test\tNOTIFY=NEVER\n", "501"),
    (b"SUBMIT\t8\t-\ta@a.test\t\n\n", "501"),
    (b"SUBMIT\t8\t-\ta@a.test\t\nb\x01@b.test\t\n", "553"),
    (b"SUBMIT\t8\t-\ta@a.test\t\n@\t\n", "553"),
    (b"SUBMIT\t8\t-\ta@a.test\t\nb@b.test\tw x\n", "501"),
    (b"SUBMIT\t8\t-\ta@a.test\t\n" + b"b" * 3000 + b"\t\n", "501"),
    (b"SUBMIT\t8\t-\ta@a.test\t\nb@b.test\t\n\nx: \xe9\n\nz\n", "550"),
    (b"SUBMIT\t8\t-\ta@a.test\t\nb@b.test\t\n\nx: \r1\nz\n", "550"),
    (b"SUBMIT\t8\t-\ta@a.test\t\nb@b.test\t\n\nx: 1\nzz\r", "550"),
])
def test_what_makes_no_sense(held, data, code):
    before = held.spooled()
    said = held.talk(data, shut=False)
    assert said.splitlines()[-1].startswith(code), said
    assert held.spooled() == before
    assert not list((held.spool / "tmp").glob("*"))
    assert held.queue.poll() is None


def test_nul_and_more_than_was_said(held):
    said = held.talk(b"SUBMIT\t8\t-\t\t\nb@b.test\t\n\nx: \0\n\nz\nmore\n")
    assert "\n250 " in said
    newest = max(held.spooled(), key=lambda p: p.stat().st_mtime_ns)
    assert newest.read_bytes().endswith(b"\r\nx: \0\r\n\r\nz\r\n")


def test_empty(held):
    begin = time.monotonic()
    said = held.talk(b"SUBMIT\t0\t-\t\t\nb@b.test\t\n\n", shut=False)
    assert "\n250 " in said and time.monotonic() - begin < 5


def test_who_hangs_up_leaves_nothing(held):
    before = held.spooled()
    for n in range(1, len(GOOD)):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(held.run_dir / "queue.ctl"))
            s.sendall(GOOD[:n])
    wait_for(lambda: not list((held.spool / "tmp").glob("*")))
    time.sleep(0.1)
    assert held.spooled() == before


@root_only
def test_one_user_does_not_keep_others_out(held):
    """He has a part of max-sessions, who stalls, and root gets in always."""
    code = f"""
import os, socket, time
os.setuid({NOBODY})
open_ones = []
for n in range(200):
    s = socket.socket(socket.AF_UNIX)
    s.connect({str(held.run_dir / 'queue.ctl')!r})
    s.send({GOOD[:-3]!r})
    open_ones.append(s)
print('there', flush=True)
time.sleep(100)
"""
    p = subprocess.Popen(["/usr/bin/python3", "-c", code],
                         stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == b"there\n"
        held.send()
        held.send(uid=NOBODY - 1)
        assert held.send(uid=NOBODY, check=False).returncode == 75
        assert held.run("mailq").stdout
    finally:
        p.kill()
        p.wait()


def test_a_slow_one_holds_up_nobody(held):
    stop = threading.Event()

    def slow():
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(held.run_dir / "queue.ctl"))
            s.sendall(b"SUBMIT\t900000\t-\ta@a.test\t\nb@b.test\t\n\n")
            while not stop.is_set():
                s.send(b"x")
                time.sleep(0.01)

    t = threading.Thread(target=slow)
    t.start()
    try:
        begin = time.monotonic()
        for _ in range(5):
            held.send()
        assert time.monotonic() - begin < 5
    finally:
        stop.set()
        t.join()
