"""The clients of tests/bench/soak: good ones, whose mail must arrive, bad.

A client is a function that does one thing once with a Load; workers repeat
it. A message's tag is in its recipient, so that the log can be searched. GOOD
is from 127.0.0.1, BAD from addresses of 127.7.0.0/16.
"""

import base64
import collections
import itertools
import poplib
import random
import re
import smtplib
import socket
import ssl
import struct
import subprocess
import threading
import time

from instance import BIN

NOVERIFY = ssl._create_unverified_context()
USERS = ("alice", "bob", "carol")
TAG = re.compile(rb"^X-Soak: (\S+)", re.M)
PATIENCE = 60                   # seconds for any reply
TROUBLE = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto,
           subprocess.SubprocessError)
poplib._MAXLINE = 20000


class Load:
    """What all clients share; `gate` is open while they are to work."""

    def __init__(self, instance, fake):
        self.box, self.fake = instance, fake
        self.acked, self.got = set(), set()
        self.done, self.failed = collections.Counter(), collections.Counter()
        self.why = {}
        self.gate, self.over = threading.Event(), threading.Event()
        self.busy = collections.Counter()
        self.lock = threading.Lock()
        self.number = itertools.count()
        self.reading = {user: threading.Lock() for user in USERS}

    def mail(self, size=500):
        """A new message and its tag."""
        tag = f"soak{next(self.number)}"
        line = "x" * 70 + "\r\n"
        return tag, (f"X-Soak: {tag}\r\nSubject: soak\r\n\r\n"
                     + line * (size // len(line) + 1))

    def taken(self, tag):
        with self.lock:
            self.acked.add(tag)

    def arrived(self, text):
        with self.lock:
            self.got.update(t.decode() for t in TAG.findall(text[:20000]))

    def missing(self):
        """Acknowledged, and nowhere yet."""
        del self.fake.lines[:]
        # its threads append meanwhile
        while self.fake.messages:
            self.arrived(self.fake.messages.pop(0)[2])
        with self.lock:
            return self.acked - self.got

    def connect(self, service, address=None, timeout=PATIENCE):
        address = address or f"127.7.{random.randrange(4)}." \
            f"{random.randrange(1, 50)}"
        return socket.create_connection(
            ("127.0.0.1", self.box.port[service]), timeout, (address, 0))

    def work(self, name, client, pause):
        """A worker's thread."""
        while not self.over.is_set():
            if not self.gate.wait(0.2):
                continue
            with self.lock:
                self.busy[name] += 1
            try:
                client(self)
                self.done[name] += 1
            except TROUBLE as e:
                self.failed[name] += 1
                self.why[name] = repr(e)[:200]
            finally:
                with self.lock:
                    self.busy[name] -= 1
            time.sleep(pause * random.random() * 2)


# --- good ones ---------------------------------------------------------------

def plain(load, size=500):
    tag, text = load.mail(size)
    with smtplib.SMTP("127.0.0.1", load.box.port["smtp"],
                      timeout=PATIENCE) as s:
        s.sendmail("x@y.example", f"{random.choice(USERS)}+{tag}@a.test", text)
        load.taken(tag)


def big(load):
    plain(load, 3_000_000)


def user(load):
    """By STARTTLS and AUTH; some go on to another server, which is moody."""
    with smtplib.SMTP("127.0.0.1", load.box.port["submission"],
                      timeout=PATIENCE) as s:
        s.starttls(context=NOVERIFY)
        s.login("alice@a.test", "alice-pw")
        for to in ("bob+{}@a.test", "x+{}@c.test"):
            tag, text = load.mail()
            s.sendmail("alice@a.test", [to.format(tag), "nobody@a.test"], text)
            load.taken(tag)


def kept(load):
    """Many messages in one connection, in chunks, with a report asked for."""
    with smtplib.SMTP("127.0.0.1", load.box.port["smtp"],
                      timeout=PATIENCE) as s:
        s.ehlo("kept.example")
        for _ in range(5):
            tag, text = load.mail(20000)
            data = text.encode()
            s.mail("alice@a.test", ["BODY=8BITMIME", "RET=HDRS"])
            s.rcpt(f"carol+{tag}@a.test", ["NOTIFY=SUCCESS"])
            for at in range(0, len(data), 7000):
                piece = data[at:at + 7000]
                last = " LAST" if at + 7000 >= len(data) else ""
                s.send(b"BDAT %d%s\r\n" % (len(piece), last.encode()) + piece)
                code, reply = s.getreply()
                if code != 250:
                    raise smtplib.SMTPDataError(code, reply)
            load.taken(tag)


def program(load, *argv, text, **kw):
    subprocess.run([str(a) for a in argv], input=text.encode(), check=True,
                   timeout=PATIENCE, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **kw)


def sendmail(load):
    tag, text = load.mail()
    program(load, BIN, "sendmail", "-i", f"bob+{tag}@a.test", text=text,
            env=load.box.env())
    load.taken(tag)


def curl(load):
    tag, text = load.mail(50000)
    program(load, "curl", "-sk", f"smtps://127.0.0.1:{load.box.port['smtps']}"
            "/curl", "-u", "bob@a.test:bob-pw", "--mail-from", "bob@a.test",
            "--mail-rcpt", f"alice+{tag}@a.test", "--mail-rcpt",
            "carol@a.test", "-T", "-", text=text)
    load.taken(tag)


def read(load, name=None):
    """POP3: fetches and deletes all of one mailbox."""
    name = name or random.choice(USERS)
    with load.reading[name]:
        p = poplib.POP3("127.0.0.1", load.box.port["pop3"], timeout=PATIENCE)
        try:
            p.stls(NOVERIFY)
            p.user(f"{name}@a.test")
            p.pass_(f"{name}-pw")
            for n in range(1, min(p.stat()[0], 200) + 1):
                load.arrived(b"\n".join(p.retr(n)[1][:50]))
                p.dele(n)
            p.quit()
        finally:
            p.close()


# --- bad ones ----------------------------------------------------------------

def drain(s, most=1_000_000):
    """What the server says until it hangs up."""
    s.settimeout(2)
    got = 0
    while got < most:
        data = s.recv(65536)
        if not data:
            return
        got += len(data)


def tls_garbage(load):
    with load.connect(random.choice(("smtps", "pop3s"))) as s:
        s.sendall(random.randbytes(random.randrange(1, 3000)))
        drain(s)


def starttls_garbage(load):
    with load.connect("submission") as s:
        s.recv(1000)
        s.sendall(b"EHLO x\r\nSTARTTLS\r\n")
        time.sleep(0.1)
        s.sendall(random.randbytes(500))
        drain(s)


def half_open(load):
    """Begins something, then resets the connection."""
    with load.connect(random.choice(("smtp", "submission", "smtps", "pop3",
                                     "pop3s"))) as s:
        s.sendall(random.choice((b"", b"EHL", b"\x16\x03\x01\x02\x00\x01",
                                 b"EHLO x\r\nSTARTTLS\r\n")))
        time.sleep(random.random())
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))


def slow(load):
    """An octet now and then, until the pause."""
    with load.connect("smtp") as s:
        for octet in b"EHLO slow.example\r\nMAIL FROM:<>\r\n" * 20:
            if not load.gate.is_set():
                return
            s.sendall(bytes([octet]))
            time.sleep(0.1)


def reads_nothing(load):
    """A flood of commands whose replies nobody takes."""
    with load.connect("smtp", timeout=2) as s:
        s.sendall(b"EHLO x\r\n" + b"NOOP\r\n" * 100_000)


def connections(load):
    """More at a time than one address may have."""
    address = f"127.7.9.{random.randrange(1, 20)}"
    socks = []
    try:
        for _ in range(80):
            socks.append(load.connect("smtp", address))
        time.sleep(0.5)
    finally:
        for s in socks:
            s.close()


def wrong_password(load):
    with load.connect("submission") as raw:
        raw.recv(1000)
        raw.sendall(b"EHLO x\r\nSTARTTLS\r\n")
        while b"220 2.0.0" not in (said := raw.recv(2000)):
            if not said:        # banned
                return
        with NOVERIFY.wrap_socket(raw) as s:
            s.sendall(b"EHLO x\r\n")
            for name in ("alice", "nobody", "x" * 300):
                s.sendall(b"AUTH PLAIN " + base64.b64encode(
                    f"\0{name}\0wrong".encode()) + b"\r\n")
            drain(s, 2000)


def pop3_wrong(load):
    with load.connect("pop3") as s:
        s.sendall(b"STAT\r\nUSER alice\r\nPASS x\r\n\xff\0\r\n" * 3)
        s.shutdown(socket.SHUT_WR)
        drain(s)


def gone_in_data(load):
    with load.connect("smtp") as s:
        s.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@a.test>\r\n")
        s.sendall(b"DATA\r\nSubject: never\r\n\r\n" + b"x" * 100_000)


def long_line(load):
    with load.connect("smtp") as s:
        s.sendall(b"EHLO " + b"x" * 1_000_000 + b"\r\nQUIT\r\n")
        drain(s)


def nonsense(load):
    with load.connect("smtp") as s:
        s.sendall(b"".join(random.randbytes(40) + b"\r\n" for _ in range(50)))
        drain(s)


def smuggling(load):
    with load.connect("smtp") as s:
        s.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@a.test>\r\nDATA\r\n"
                  b"Subject: a\r\n\r\nx\n.\r\nMAIL FROM:<>\r\n.\r\nQUIT\r\n")
        drain(s)


# (client, workers, seconds between two turns)
GOOD = [(plain, 3, 0.05), (big, 1, 2), (user, 2, 0.1), (kept, 2, 0.2),
        (sendmail, 1, 0.3), (curl, 1, 0.5), (read, 3, 0.2)]
BAD = [(tls_garbage, 1, 0.2), (starttls_garbage, 1, 0.2), (half_open, 3, 0.1),
       (slow, 4, 0.1), (reads_nothing, 1, 1), (connections, 1, 1),
       (wrong_password, 2, 0.3), (pop3_wrong, 1, 0.3), (gone_in_data, 1, 0.3),
       (long_line, 1, 0.5), (nonsense, 1, 0.3), (smuggling, 1, 0.3)]
