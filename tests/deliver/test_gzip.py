"""mailbox-gzip: ours read by Dovecot's zlib plugin, Dovecot's by pop3d and mail."""

import gzip
import os
import poplib
import random
import re
import shutil
import smtplib
import subprocess
import tempfile
import threading
import time

import pytest

from instance import Instance

IMAP = "/usr/lib/dovecot/imap"
UID = 65534
CONF = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
ssl = no
mail_location = maildir:{dir}/alice
mail_plugins = zlib
first_valid_uid = 1000
first_valid_gid = 0
protocol imap {{
  mail_plugins = zlib
}}
plugin {{
  zlib_save = gz
}}
"""
LINES = ["Subject: long", "", *(f"line {n} {'x' * (n % 70)}"
                                for n in range(900)), ".", "From me", "end"]
LONG = "\r\n".join(LINES) + "\r\n"
SHORT = "Subject: short\r\n\r\na\r\n"


def lmtp(i, text, to):
    with smtplib.LMTP(str(i.dir / "run/deliver")) as s:
        assert not s.sendmail("x@c.example", to, text)
        # smtplib reads the first one's answer only
        assert [s.getreply()[0] for _ in to[1:]] == [250] * (len(to) - 1)


def is_gzip(p):
    return p.read_bytes()[:3] == b"\x1f\x8b\x08"


def plain(p):
    return gzip.decompress(p.read_bytes()) if is_gzip(p) else p.read_bytes()


def pop3(i, user):
    """[(size of LIST, message)] in order."""
    c = poplib.POP3("127.0.0.1", i.port["pop3"])
    c.user(f"{user}@a.test")
    c.pass_(f"{user}-pw")
    sizes = [int(n.split()[1]) for n in c.list()[1]]
    got = [b"\r\n".join(c.retr(n + 1)[1]) + b"\r\n"
           for n in range(len(sizes))]
    c.quit()
    return list(zip(sizes, got))


@pytest.fixture()
def house():
    with Instance(extra="mailbox-gzip 4K\nauth-without-tls yes\n") as i:
        yield i


def test_large_ones_only_and_read_again(house):
    i = house
    lmtp(i, SHORT, ["alice@a.test"])
    lmtp(i, LONG, ["alice@a.test"])
    lmtp(i, LONG, ["bob@a.test", "alice@a.test"])
    short, long, both = sorted(i.messages("alice"), key=lambda p:
                               (is_gzip(p), p.stat().st_mtime_ns))
    assert not is_gzip(short)
    for p in (long, both, *i.messages("bob")):
        assert is_gzip(p)
        text = plain(p)
        assert text.split(b"\n\n", 1)[1] == \
            "\n".join(LINES[2:]).encode() + b"\n"
        s, w = map(int, re.search(r",S=(\d+),W=(\d+)", p.name).groups())
        assert s == len(text) and w == s + text.count(b"\n")
        assert p.stat().st_size < s / 2
    assert not list((i.dir / "mail/.staging").iterdir())
    for size, message in pop3(i, "alice"):
        assert len(message) == size
        assert message.endswith((LONG if size > 1000 else SHORT)
                                .split("\r\n\r\n", 1)[1].encode())


def test_one_that_is_damaged_stops_no_other(house):
    i = house
    lmtp(i, LONG, ["alice@a.test"])
    first, = i.messages("alice")
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 0xFF
    first.write_bytes(data)
    lmtp(i, SHORT, ["alice@a.test"])
    c = poplib.POP3("127.0.0.1", i.port["pop3"])
    c.user("alice@a.test")
    c.pass_("alice-pw")
    with pytest.raises(Exception):
        c.retr(1)
    c = poplib.POP3("127.0.0.1", i.port["pop3"])
    c.user("alice@a.test")
    c.pass_("alice-pw")
    assert c.retr(2)[1][-1] == b"a"
    c.quit()


class Dovecot:
    def __init__(self, i):
        self.i, self.dir = i, tempfile.mkdtemp(prefix="pbdove")
        shutil.copytree(i.maildir("alice"), f"{self.dir}/alice")
        os.mkdir(f"{self.dir}/run")
        with open(f"{self.dir}/conf", "w") as f:
            f.write(CONF.format(dir=self.dir))
        subprocess.run(["chown", "-R", f"{UID}:{UID}", self.dir], check=True)

    def imap(self, *commands):
        env = dict(os.environ, HOME=self.dir, USER="alice")
        text = "".join(f"a{n} {c}\r\n" for n, c in enumerate(commands))
        p = subprocess.run(
            ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
             IMAP, "-c", f"{self.dir}/conf"],
            input=text.encode() + b"z LOGOUT\r\n", env=env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return p.stdout

    def close(self):
        shutil.rmtree(self.dir)


@pytest.fixture()
def dovecot(house):
    if not os.path.exists(IMAP) or os.geteuid() or \
            not os.path.exists("/usr/lib/dovecot/modules/lib20_zlib_plugin.so"):
        pytest.skip("needs dovecot-imapd and root")
    lmtp(house, SHORT, ["alice@a.test"])
    lmtp(house, LONG, ["alice@a.test"])
    d = Dovecot(house)
    yield d
    d.close()


def test_dovecot_reads_ours(dovecot):
    got = dovecot.imap("SELECT INBOX", "FETCH 1:* (RFC822.SIZE BODY.PEEK[])")
    assert b"a1 OK" in got, got[-3000:]
    want = sorted(plain(p).replace(b"\n", b"\r\n")
                  for p in dovecot.i.messages("alice"))
    found = sorted(got[m.end():m.end() + int(m[1])] for m in
                   re.finditer(rb"BODY\[\] \{(\d+)\}\r\n", got))
    assert found == want
    sizes = sorted(int(n) for n in re.findall(rb"RFC822.SIZE (\d+)", got))
    assert sizes == sorted(map(len, want))
    log = open(f"{dovecot.dir}/log").read() \
        if os.path.exists(f"{dovecot.dir}/log") else ""
    assert "rror" not in log, log


def test_we_read_dovecots(dovecot):
    extra = LONG.replace("Subject: long", "Subject: by Dovecot")
    got = dovecot.imap("APPEND INBOX {%d+}\r\n%s" % (len(extra), extra))
    assert b"a0 OK" in got, got[-3000:]
    box = dovecot.i.maildir("alice")
    shutil.rmtree(box)
    shutil.copytree(f"{dovecot.dir}/alice", box)
    theirs = [p for p in dovecot.i.messages("alice")
              if b"by Dovecot" in plain(p)]
    assert len(theirs) == 1 and is_gzip(theirs[0])
    found = pop3(dovecot.i, "alice")
    assert extra.encode() in [m for _, m in found]
    for size, message in found:
        assert size == len(message)


def test_a_large_one_holds_up_nobody(house):
    """It is pressed by a process of its own: others are answered meanwhile."""
    i = house
    rng = random.Random(1)
    text = "Subject: large\r\n\r\n" + "".join(
        rng.randbytes(36).hex() + "\r\n" for _ in range(120000))
    over, waits = threading.Event(), []
    with smtplib.LMTP(str(i.dir / "run/deliver")) as s, \
            smtplib.LMTP(str(i.dir / "run/deliver")) as other:
        def probe():
            while not over.wait(0.005):
                start = time.monotonic()
                assert other.noop()[0] == 250
                waits.append(time.monotonic() - start)
        s.ehlo()
        s.mail("x@c.example")
        for user in ("alice", "bob"):
            assert s.rcpt(f"{user}@a.test")[0] == 250
        assert s.docmd("DATA")[0] == 354
        s.send(text.encode())
        t = threading.Thread(target=probe)
        t.start()
        start = time.monotonic()
        s.send(b".\r\n")
        assert [s.getreply()[0] for _ in range(2)] == [250, 250]
        took = time.monotonic() - start
        over.set()
        t.join()
    assert waits and max(waits) < took / 4, (max(waits), took)
    for user in ("alice", "bob"):
        p, = i.messages(user)
        assert is_gzip(p)
        assert plain(p).split(b"\n\n", 1)[1] == text.replace(
            "\r", "").split("\n\n", 1)[1].encode()
