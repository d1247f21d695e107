"""Clients that stall, flood or lie, a full disk, a wrong configuration."""

import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

from instance import Instance, wait_for

NOVERIFY = ssl._create_unverified_context()


class Raw:
    """A socket that speaks lines."""

    def __init__(self, port, timeout=10):
        self.s = socket.create_connection(("127.0.0.1", port), timeout)
        self.f = self.s.makefile("rb")

    def put(self, data):
        self.s.sendall(data)

    def reply(self):
        """The last line of a reply; b"" when the server has closed."""
        while True:
            line = self.f.readline()
            if line[3:4] != b"-":
                return line.rstrip(b"\r\n")

    def say(self, data):
        self.put(data + b"\r\n")
        return self.reply()

    def closed(self):
        try:
            return self.f.read(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture(scope="module")
def box():
    with Instance(extra="command-timeout 2s\ndata-timeout 2s\n"
                  "max-sessions 30\nmax-sessions-per-address 30\n"
                  "max-message-size 100K\n") as i:
        yield i


def start(box, service="smtp"):
    r = Raw(box.port[service])
    assert r.reply().startswith(b"220 ")
    assert r.say(b"EHLO client.test").startswith(b"250 ")
    return r


def in_data(box):
    r = start(box)
    assert r.say(b"MAIL FROM:<x@y.test>").startswith(b"250 2.1.0")
    assert r.say(b"RCPT TO:<bob@a.test>").startswith(b"250 2.1.5")
    assert r.say(b"DATA").startswith(b"354")
    return r


def healthy(box):
    with smtplib.SMTP("127.0.0.1", box.port["smtp"], timeout=10) as s:
        assert s.noop()[0] == 250


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n",
                                 b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r\n.\r\r\n"])
def test_only_crlf_dot_crlf_ends_data(box, end):
    """What looks like an end to others must not start a second message."""
    r = in_data(box)
    since = len(box.log())
    r.put(b"Subject: one" + b"\r\n\r\nbody" + end + b"MAIL FROM:<evil@y.test>\r\n"
          b"RCPT TO:<alice@a.test>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled\r\n.\r\n")
    assert re.match(rb"550 5\.\d\.\d ", r.reply())
    assert r.say(b"QUIT").startswith(b"221 2.0.0")
    assert r.closed()
    time.sleep(0.2)
    assert not box.messages("alice")
    assert re.search("without (CR|LF)", box.log()[since:])


def test_starttls_drops_what_was_pipelined(box):
    r = start(box)
    since = len(box.log())
    r.put(b"STARTTLS\r\nRSET\r\nNOOP\r\nVRFY x\r\n")
    assert r.reply().startswith(b"220 2.0.0")
    tls = NOVERIFY.wrap_socket(r.s)
    tls.sendall(b"EHLO again.test\r\n")
    f = tls.makefile("rb")
    first = f.readline()
    assert first.startswith(b"250-mail.a.test"), first
    box.wait_log("(?i)starttls|plain", since=since)


def test_long_command_line(box):
    r = start(box)
    assert re.match(rb"500 5\.\d\.\d ", r.say(b"NOOP " + b"x" * 20000))
    assert r.say(b"NOOP").startswith(b"250")


def test_bytes_not_allowed(box):
    r = start(box)
    assert re.match(rb"50[01] 5\.5\.\d ", r.say(b"MAIL FROM:<a\0b@y.test>"))
    assert re.match(rb"5\d\d 5\.", r.say("MAIL FROM:<ü@y.test>".encode()))
    assert r.say(b"NOOP").startswith(b"250")


def test_bare_lf_after_a_command(box):
    r = start(box)
    r.put(b"NOOP\n")
    assert re.match(rb"500 5\.5\.2 ", r.reply())


def test_orders(box):
    r = start(box)
    assert r.say(b"RCPT TO:<bob@a.test>").startswith(b"503 5.5.1")
    assert r.say(b"DATA").startswith(b"503 5.5.1")
    assert r.say(b"MAIL FROM:<x@y.test>").startswith(b"250")
    assert r.say(b"MAIL FROM:<x@y.test>").startswith(b"503 5.5.1")
    assert re.match(rb"5(03|54) 5\.5\.1", r.say(b"DATA"))
    assert r.say(b"WHATEVER").startswith(b"500 5.5.")


def test_too_many_errors_end_the_session(box):
    r = start(box)
    last = b""
    for _ in range(30):
        try:
            last = r.say(b"FOO") or last
        except OSError:
            break
        if last.startswith(b"421"):
            break
    assert last.startswith(b"421 4.7.0"), last
    assert r.closed()


def test_a_client_that_stalls_gets_421(box):
    r = start(box)
    assert r.reply().startswith(b"421 4.4.2")
    assert r.closed()


def test_a_client_that_stalls_in_data_leaves_nothing(box):
    r = in_data(box)
    r.put(b"Subject: half\r\n\r\nhalf")
    assert r.reply().startswith(b"421 4.4.2")
    wait_for(lambda: not list((box.dir / "spool" / "tmp").glob("*")))


def test_a_client_that_vanishes_in_data_leaves_nothing(box):
    r = in_data(box)
    r.put(b"Subject: half\r\n\r\nhalf")
    r.f.close()
    r.s.close()
    wait_for(lambda: not list((box.dir / "spool" / "tmp").glob("*")))
    assert not box.spooled()


def test_size(box):
    r = start(box)
    assert r.say(b"MAIL FROM:<x@y.test> SIZE=200000").startswith(b"552 5.3.4")
    r = in_data(box)
    r.put((b"x" * 998 + b"\r\n") * 200)
    assert r.say(b".").startswith(b"552 5.3.4")
    assert r.say(b"NOOP").startswith(b"250")


def test_a_recipient_flood(box):
    r = start(box)
    assert r.say(b"MAIL FROM:<x@y.test>").startswith(b"250")
    codes = [r.say(b"RCPT TO:<bob+%d@a.test>" % n)[:9]
             for n in range(105)]
    assert codes[:100] == [b"250 2.1.5"] * 100
    assert codes[100] == b"452 4.5.3"


def test_a_connection_flood_leaves_others_served(box):
    held = [Raw(box.port["smtp"]) for _ in range(30)]
    greetings = [h.reply()[:3] for h in held]
    more = [Raw(box.port["smtp"]).reply() for _ in range(20)]
    assert greetings.count(b"220") >= 25
    assert all(re.match(rb"421 4\.[37]\.\d", m) for m in more), more
    for h in held:
        h.f.close()
        h.s.close()
    wait_for(lambda: Raw(box.port["smtp"]).reply().startswith(b"220"))
    healthy(box)


def test_thousands_of_pipelined_commands(box):
    r = start(box)
    r.put(b"NOOP\r\n" * 5000 + b"QUIT\r\n")
    data = r.f.read()
    assert data.count(b"250 2.0.0") == 5000
    assert data.splitlines()[-1].startswith(b"221 2.0.0")


def test_a_client_that_never_reads_harms_nobody(box):
    r = start(box)
    r.s.settimeout(1)
    try:
        for _ in range(10000):
            r.put(b"EHLO client.test\r\n" * 100)
    except OSError:
        pass
    healthy(box)
    pid = box.pids("smtpd")[0]
    rss = int(re.search(r"VmRSS:\s+(\d+)",
                        open(f"/proc/{pid}/status").read()).group(1))
    assert rss < 20000


def test_pop3_bad_input(box):
    r = Raw(box.port["pop3"])
    assert r.reply().startswith(b"+OK")
    assert r.say(b"RETR 1").startswith(b"-ERR")
    assert r.say(b"X" * 5000).startswith(b"-ERR")
    assert r.say(b"USER alice@a.test").startswith(b"-ERR")	# needs TLS
    assert r.say(b"CAPA").startswith(b"+OK")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk(tmp_path):
    i = Instance(start=False)
    spool = i.dir / "spool"
    spool.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", spool],
                   check=True)
    try:
        with open(i.conf, "a") as f:
            f.write("min-free-space 1M\n")
        i.start()
        for pid in i.pids("queue"):
            os.kill(pid, signal.SIGSTOP)
        taken, refused = 0, []
        for n in range(12):
            try:
                with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
                    s.sendmail("x@y.test", ["bob@a.test"],
                               f"Subject: {n}\r\n\r\n" +
                               ("z" * 76 + "\r\n") * 7000)
                taken += 1
            except smtplib.SMTPException as e:
                refused.append(e)
        assert 2 <= taken < 8 and refused
        for e in refused:
            code = getattr(e, "smtp_code", None)
            assert code in (452, 431), e
        for pid in i.pids("queue"):
            os.kill(pid, signal.SIGCONT)
        i.wait_messages("bob", taken)
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
            s.sendmail("x@y.test", ["bob@a.test"], "Subject: again\r\n\r\nx")
        i.wait_messages("bob", taken + 1)
    finally:
        i.close()
        subprocess.run(["umount", "-l", spool], check=False)
        i.close()


def test_a_wrong_configuration_says_where(tmp_path):
    conf = tmp_path / "c"
    for text, what in (("hostname a.test\nfoo bar\n", ":2: .*foo"),
                       ("relay-from 10.0.0.1/8\n", ":1: .*10.0.0.0/8"),
                       ("max-recipients many\n", ":1: .*many"),
                       ("hostname a.test\nhostname b.test\n", ":2: ")):
        conf.write_text(text)
        with Instance(users=(), start=False) as i:
            p = i.run("mailconf", "-C", str(conf), check=False)
            assert p.returncode == 78
            assert re.search(re.escape(str(conf)) + what, p.stderr), p.stderr
            for daemon in ("maild", "smtpd", "pop3d"):
                p = i.run(daemon, "-f", "-C", str(conf), check=False)
                assert p.returncode == 78, (daemon, p)
