"""What a client may not do to pop3d, and what the others notice of it."""

import os
import pathlib
import re
import socket
import time

import pytest

from instance import Instance, wait_for
from pop import Pop, put

EXTRA = "auth-without-tls yes\ndata-timeout 2\nmax-sessions-per-address 100\n"


@pytest.fixture(scope="module")
def box():
    with Instance(extra=EXTRA) as i:
        put(i.maildir("alice"), "1.x.h", "Subject: x\n\nx\n")
        yield i


def rss(box):
    text = pathlib.Path(f"/proc/{box.pids('pop3d')[0]}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) * 1024


def test_ten_megabytes_without_an_end(box):
    p = Pop(box.port["pop3"], login=None)
    before = rss(box)
    for _ in range(160):
        p.sock.sendall(b"USER " + b"x" * 65536)
    p.sock.sendall(b"\r\n")
    assert p.line() == "-ERR line too long"
    assert rss(box) - before < 65536
    p.ok("USER alice@a.test")
    p.ok("PASS alice-pw")
    p.sock.sendall(b"\0" * 10_000_000 + b"\r\n")
    assert p.line() == "-ERR line too long"
    p.quit()


@pytest.mark.parametrize("tls", [False, True])
def test_ten_thousand_commands_at_once(box, tls):
    p = Pop(box.port["pop3s" if tls else "pop3"], tls=tls)
    one = ["NOOP", "STAT", "LIST 1", "RETR 1", "UIDL 1", "TOP 1 0", "NOOP"]
    text = ("\r\n".join(one) + "\r\n").encode() * 1430
    sent = 0
    p.sock.setblocking(False)
    got = b""
    end = time.monotonic() + 30
    want = 0
    while got.count(b"+OK") < 7 * 1430 and time.monotonic() < end:
        try:
            sent += p.sock.send(text[sent:sent + 4096])
        except (BlockingIOError, OSError):
            pass
        try:
            got += p.sock.recv(65536)
        except (BlockingIOError, OSError):
            pass
    assert sent == len(text)
    assert got.count(b"+OK") == 7 * 1430
    assert got.count(b"\r\n.\r\n") == 2 * 1430
    assert b"-ERR" not in got
    p.sock.close()


def test_who_does_not_read_costs_no_memory(box):
    put(box.maildir("bob"), "1.big.h", b"x" * 70 + b"\n" * 3_000_000)
    p = Pop(box.port["pop3"], ("bob@a.test", "bob-pw"), rcvbuf=4096)
    before = rss(box)
    try:
        for _ in range(300):
            p.sock.send(b"RETR 1\r\n" * 100, socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass
    time.sleep(0.5)
    assert rss(box) - before < 131072
    # ... and is not waited for
    box.wait_log(r"timed out", 10)
    p.close()
    q = Pop(box.port["pop3"])
    q.quit()


def test_noise(box):
    for text in (b"\xff\xfe\x00\r\n", b"\r\n" * 4, b"\x16\x03\x01\x02\0\1\0",
                 b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\n\n\n\n",
                 bytes(range(256)) * 40):
        p = Pop(box.port["pop3"], login=None)
        p.sock.sendall(text)
        p.sock.shutdown(socket.SHUT_WR)
        while True:
            try:
                more = p.sock.recv(65536)
            except ConnectionError:
                break
            if not more:
                break
            assert all(l.startswith((b"-ERR", b"+OK")) for l in
                       more.split(b"\r\n") if l)
        p.close()
    p = Pop(box.port["pop3"])
    p.quit()


def test_links_and_folders_are_no_mail(box):
    drop = box.maildir("alice")
    secret = box.dir / "secret"
    secret.write_text("not for alice\n")
    (drop / "new" / "2.link.h").symlink_to(secret)
    (drop / "new" / "3.folder.h").mkdir()
    os.mkfifo(drop / "new" / "4.pipe.h")
    try:
        p = Pop(box.port["pop3"])
        # where the file system does not say what they are they are listed
        for n in range(2, len(p.list("LIST")) + 1):
            p.err(f"RETR {n}")
        assert p.list("RETR 1")[0] == "Subject: x"
        p.quit()
    finally:
        (drop / "new" / "2.link.h").unlink()
        (drop / "new" / "3.folder.h").rmdir()
        (drop / "new" / "4.pipe.h").unlink()
    wait_for(lambda: len(box.messages("alice")) == 1)


def test_nothing_is_left_of_them(box):
    """Descriptors, of sessions that ended in all ways."""
    fds = pathlib.Path(f"/proc/{box.pids('pop3d')[0]}/fd")
    Pop(box.port["pop3"]).quit()
    time.sleep(0.3)
    before = len(list(fds.iterdir()))
    for n in range(30):
        p = Pop(box.port["pop3"])
        p.list("RETR 1")
        if n % 3 == 0:
            p.send("RETR 1")
        elif n % 3 == 1:
            p.ok("DELE 1")
            p.ok("RSET")
            p.send("QUIT")
        p.close()
        wait_for(lambda: len(list(fds.iterdir())) <= before)
