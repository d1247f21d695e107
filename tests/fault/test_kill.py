"""kill -9 of every daemon in turn, under load: nothing lost, doubled or damaged."""

import hashlib
import os
import random
import re
import signal
import smtplib
import threading
import time
import zlib

from instance import DAEMONS, Instance, wait_for

CLIENTS = 20
SECONDS = float(os.environ.get("KILL_SECONDS", "20"))


def body(tag, rng):
    lines = "".join(rng.choices("abcdefghij .", k=rng.randrange(10, 8000)))
    text = "\r\n".join(lines[i:i + 70] for i in range(0, len(lines), 70))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return (f"From: alice@a.test\r\nTo: bob@a.test\r\nSubject: {tag}\r\n"
            f"X-Digest: {digest}\r\n\r\n{text}\r\n")


class Client(threading.Thread):
    """Sends until the end; remembers what was acknowledged."""

    def __init__(self, number, port, end):
        super().__init__()
        self.number, self.port, self.end = number, port, end
        self.taken, self.tried = set(), set()

    def run(self):
        rng = random.Random(self.number)
        n = 0
        while time.monotonic() < self.end:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as s:
                    while time.monotonic() < self.end:
                        n += 1
                        tag = f"m{self.number}-{n}"
                        self.tried.add(tag)
                        s.sendmail("alice@a.test", ["bob@a.test"],
                                   body(tag, rng))
                        self.taken.add(tag)
            except (smtplib.SMTPException, OSError):
                time.sleep(0.05)


def check(path):
    """The tag of a delivered message whose body is what was sent."""
    head, _, text = path.read_bytes().partition(b"\n\n")
    tag = re.search(rb"^Subject: (\S+)$", head, re.M).group(1).decode()
    digest = re.search(rb"^X-Digest: (\S+)$", head, re.M).group(1).decode()
    sent = text[:-1].replace(b"\n", b"\r\n")
    assert hashlib.sha256(sent).hexdigest() == digest, f"{tag} is damaged"
    return tag


def load(i, kill_one):
    end = time.monotonic() + SECONDS
    clients = [Client(n, i.port["smtp"], end) for n in range(CLIENTS)]
    for c in clients:
        c.start()
    while time.monotonic() < end:
        time.sleep(random.uniform(0.2, 0.8))
        kill_one()
    for c in clients:
        c.join()
    return (set().union(*(c.taken for c in clients)),
            set().union(*(c.tried for c in clients)))


def judge(i, taken, tried):
    assert len(taken) > 100, "too little load to mean anything"
    wait_for(lambda: not i.spooled(), 120, 0.2)
    tags = [check(p) for p in i.messages("bob")]
    assert len(tags) == len(set(tags)), "delivered twice"
    assert not taken - set(tags), "lost"
    assert set(tags) <= tried
    assert not list((i.dir / "spool" / "damaged").glob("*"))


EXTRA = "retry-first 1s\nretry-most 2s\nmax-sessions 200\n"


def test_each_daemon_killed_at_random():
    random.seed(7)
    killed = {d: 0 for d in DAEMONS}
    with Instance(extra=EXTRA) as i:
        def kill_one():
            name = random.choice(DAEMONS)
            for pid in i.pids(name):
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed[name] += 1
                except ProcessLookupError:
                    pass
        taken, tried = load(i, kill_one)
        judge(i, taken, tried)
    assert all(killed.values()), killed
    print(len(taken), "acknowledged, killed", killed)


def test_everything_killed_at_once_and_started_again():
    random.seed(8)
    with Instance(extra=EXTRA) as i:
        def kill_all():
            i.maild.kill()
            for name in DAEMONS:
                for pid in i.pids(name):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            i.maild.wait()
            i.start()
            time.sleep(2)
        taken, tried = load(i, kill_all)
        judge(i, taken, tried)


def is_whole(path):
    """The message's CRC in the head line is that of the message."""
    data = path.read_bytes()
    head = data.split(b"\n", 1)[0].split()
    start, size = int(head[1], 16), int(head[2], 16)
    return zlib.crc32(data[start:start + size]) == int(head[4], 16)


def test_what_waits_stays_whole():
    """Whatever way it came in: after the end of queue it is read and checked."""
    text = "Subject: x\n\nx\n"
    with Instance(extra="relay-from 127.0.0.0/8\nretry-first 1s\n"
                  "route * smtp:[127.0.0.1]:1\nretry-most 1s\n") as i:
        (i.dir / "aliases").write_text("list: u1@b.test, u2@b.test\n")
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
            for rcpt in ("u@b.test", "list@a.test", "nobody@c.test"):
                s.sendmail("alice@c.test", [rcpt], "x\r\n")
            s.sendmail("u9@b.test", ["alice@a.test"], text,
                       rcpt_options=["NOTIFY=SUCCESS"])
            s.ehlo()
            for body in (b"Subject: x\r\n\r\n", b"", b"x" * 100_000):
                s.mail("alice@c.test")
                s.rcpt("u@b.test")
                s.send(b"BDAT %d\r\n" % len(body) + body)
                assert s.getreply()[0] == 250
                assert s.docmd("BDAT 0 LAST")[0] == 250
        for argv, head in ((["-f", "alice@c.test", "u@b.test"], ""),
                           (["-i", "u@b.test"], "From: a\nDate: d\n"
                            "Message-ID: <x@y>\nTo: u@b.test\n"),
                           (["-t"], "To: u@b.test\n")):
            i.run("sendmail", *argv, input=head + text)
            i.run("sendmail", *argv, input=head + "\n" + "y\n" * 50_000)
        i.run("mail", "-s", "x", "u@b.test", input="x\n")
        # 8 by SMTP, one of them alice's, whose report is one, 6 by sendmail
        i.wait_log("to=<u2@b.test>.*deferred")
        wait_for(lambda: len(i.spooled()) == 14)
        ids = {p.name for p in i.spooled()}
        assert all(is_whole(p) for p in i.spooled())
        os.kill(i.pids("queue")[0], signal.SIGKILL)
        i.wait_log("messages found in the spool")
        since = len(i.log())
        wait_for(lambda: all(re.search(f"{name}: to=.*deferred",
                                       i.log()[since:]) for name in ids))
        assert not list((i.dir / "spool" / "damaged").glob("*"))
