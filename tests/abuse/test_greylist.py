"""Greylisting (RFC 6647): who comes again is let in."""

import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import pathlib
import time

import pytest

from instance import Instance, wait_for
from strangers import Stranger, rcpt, served

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fault"))

GREY = re.compile(r"451 4\.7\.1 Greylisted, try again in (\d+) seconds$")


def waits(answer):
    """Seconds that it says; None: it is another answer."""
    m = GREY.match(answer)
    return int(m[1]) if m else None


def rows(inst):
    db = sqlite3.connect(f"file:{inst.dir}/run/greylist/seen.db?mode=ro",
                         uri=True)
    n = db.execute("SELECT count(*) FROM seen").fetchone()[0]
    db.close()
    return n


def reload(inst):
    since = len(inst.log())
    inst.maild.send_signal(signal.SIGHUP)
    inst.wait_log("smtpd: ready", since=since)


def test_who_comes_again_is_let_in():
    with Instance(extra="greylist-delay 2\n") as inst:
        with Stranger(inst) as s:
            answer, _ = s.rcpt()
            assert waits(answer) == 2
            # each recipient is answered for itself, the unknown one at once
            assert waits(s.say("RCPT TO:<bob@a.test>")) == 2
            assert s.say("RCPT TO:<nobody@a.test>").startswith("550 5.1.1")
            assert s.say("RCPT TO:<x@b.test>").startswith("550 5.7.1")
            assert s.say("DATA").startswith("503")
        assert rows(inst) == 2
        assert waits(rcpt(inst, "127.0.0.9")[0]) in (1, 2)
        reload(inst)            # another smtpd
        time.sleep(2)
        # the same network, and one that is not
        with Stranger(inst, "127.0.0.77") as s:
            assert s.rcpt()[0].startswith("250")
            assert s.say("DATA").startswith("354")
            assert s.say("Subject: x\r\n\r\nx\r\n.").startswith("250")
        inst.wait_messages("alice", 1)
        assert waits(rcpt(inst, "127.0.1.9")[0]) == 2
        assert waits(rcpt(inst, "127.0.0.9", sender="y@client.example")[0]) == 2
        inst.stop()
        inst.start()
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        inst.wait_log(r"\[127\.0\.0\.9\]: from=<x@client\.example> "
                      r"to=<alice@a\.test> greylisted: seconds=2")


def test_a_pipeline():
    with Instance(extra="greylist-delay 1h\nmax-errors 2\n"
                  "postmaster alice\n") as inst:
        with Stranger(inst) as s:
            s.say("EHLO client.example")
            names = ["alice", "nobody", "postmaster", "bob", "alice"]
            s.sock.sendall(b"MAIL FROM:<x@client.example>\r\n" + b"".join(
                b"RCPT TO:<%s@a.test>\r\n" % n.encode() for n in names) +
                b"DATA\r\n")
            codes = [s.reply()[:3] for _ in range(7)]
            assert codes == ["250", "451", "550", "250", "451", "451", "354"]
            assert s.say("Subject: x\r\n\r\nx\r\n.").startswith("250")


@pytest.mark.parametrize("how", ["DATA", "BDAT"])
def test_the_null_sender_waits_at_data(how):
    """Else a callback, which never comes to DATA, would be refused."""
    def send(s):
        assert s.say("MAIL FROM:<>").startswith("250")
        assert s.say("RCPT TO:<alice@a.test>").startswith("250")
        if how == "BDAT":
            return s.say("BDAT 14 LAST\r\nSubject: x\r\n")
        answer = s.say("DATA")
        return answer if answer[:3] != "354" else \
            s.say("Subject: x\r\n\r\nx\r\n.")
    with Instance(extra="greylist-delay 2\n") as inst:
        with Stranger(inst) as s:
            s.say("EHLO client.example")
            assert waits(send(s)) == 2
            s.say("RSET")
            assert waits(send(s)) in (1, 2)
            s.say("RSET")
            time.sleep(2)
            assert send(s).startswith("250")
            # and nothing else of this client is known by that
            assert waits(s.rcpt()[0]) == 2
        inst.wait_messages("alice", 1)


def test_who_is_trusted_does_not_wait():
    with Instance(extra="greylist-delay 1h\nrelay-from 127.0.0.8\n"
                  "auth-without-tls yes\npostmaster alice\n"
                  "greylist-exempt 127.0.7.0/24 2001:db8::/32\n") as inst:
        login = "AUTH PLAIN AGFsaWNlQGEudGVzdABhbGljZS1wdw=="
        for address in ("127.0.0.1", "127.0.0.8", "127.0.7.7"):
            assert rcpt(inst, address)[0].startswith("250")
        # exempt is no word about relaying
        assert rcpt(inst, "127.0.7.7", "x@b.test")[0].startswith("550 5.7.1")
        assert rcpt(inst, "127.0.0.8", "x@b.test")[0].startswith("250")
        for service in ("smtp", "submission"):
            with Stranger(inst, "127.0.0.9", service) as s:
                s.say("EHLO x.example")
                assert s.say(login).startswith("235")
                answer, _ = s.rcpt(sender="alice@a.test")
                assert answer.startswith("250")
        with Stranger(inst) as s:
            assert s.rcpt("PostMaster")[0].startswith("250")
            assert s.say("RCPT TO:<postmaster@A.TEST>").startswith("250")
            assert waits(s.say("RCPT TO:<alice@a.test>")) == 3600
        assert rows(inst) == 1


def test_a_network_that_has_come_again():
    with Instance(extra="greylist-delay 1\ngreylist-successes 2\n") as inst:
        def both(address, sender):
            with Stranger(inst, address) as s:
                first, _ = s.rcpt(sender=sender)
                return first, s.say("RCPT TO:<bob@a.test>")
        for n in range(2):
            assert all(waits(a) for a in both("127.0.3.1", f"{n}@b.test"))
            time.sleep(1)
            assert all(a.startswith("250")
                       for a in both("127.0.3.2", f"{n}@b.test"))
        assert all(a.startswith("250") for a in both("127.0.3.3", "9@b.test"))
        assert all(waits(a) for a in both("127.0.4.1", "9@b.test"))


def test_an_allow_list():
    inst, dns = served({"ok.test": {"127.0.0.9": ["127.0.5.1"]}},
                       "dnsbl ok.test weight=-1\ngreylist-delay 1h\n")
    with inst, dns:
        for _ in range(2):      # the second time out of the cache
            assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        assert waits(rcpt(inst, "127.0.0.10")[0]) == 3600


def test_many_recipients_are_no_errors():
    """A list's server is not thrown out, slowed down or banned for them."""
    with Instance(extra="greylist-delay 1h\nmax-errors 2\nmax-recipients 5\n"
                  "tarpit 5\nban-after 1/1h\n") as inst:
        with Stranger(inst) as s:
            start = time.monotonic()
            s.rcpt()
            for _ in range(30):
                assert waits(s.say("RCPT TO:<alice@a.test>"))
            assert time.monotonic() - start < 4
            assert s.say("NOOP").startswith("250")


def test_off_makes_nothing():
    with Instance() as inst:
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        assert not (inst.dir / "run" / "greylist").exists()


def passes_once_logged(inst, since):
    for n in range(3):
        assert rcpt(inst, f"127.0.{n}.9", sender=f"{n}@c.test")[0] \
            .startswith("250")
    log = inst.log()[since:]
    assert log.count("greylist: ") == 1, log
    assert "mail passes without it" in log


def test_a_locked_database_refuses_nobody():
    with Instance(extra="greylist-delay 1h\n") as inst:
        assert waits(rcpt(inst, "127.0.0.9")[0])
        db = sqlite3.connect(inst.dir / "run" / "greylist" / "seen.db",
                             isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        since = len(inst.log())
        passes_once_logged(inst, since)
        db.rollback()
        db.close()
        # after a while it is asked again, and nothing was lost
        wait_for(lambda: waits(rcpt(inst, "127.0.0.10")[0]), 15, 0.5)
        inst.wait_log("greylist: works again", since=since)
        assert rows(inst) == 1


def test_a_broken_database_refuses_nobody():
    with Instance(extra="greylist-delay 1h\n") as inst:
        path = inst.dir / "run" / "greylist" / "seen.db"
        for n in range(40):
            assert waits(rcpt(inst, f"127.1.{n}.9")[0])
        since = len(inst.log())
        with open(path, "r+b") as f:
            f.write(b"\xa5" * path.stat().st_size)
        passes_once_logged(inst, since)
        # it is begun anew
        wait_for(lambda: waits(rcpt(inst, "127.0.0.9")[0]), 15, 0.5)
        assert rows(inst) == 1
        inst.stop()
        path.write_bytes(b"nothing that SQLite knows" * 400)
        inst.start()
        assert waits(rcpt(inst, "127.0.0.9")[0])
        inst.stop()
        shutil.rmtree(path.parent)
        path.parent.write_text("no folder")
        since = len(inst.log())
        inst.start()
        passes_once_logged(inst, since)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_behind_the_chroot():
    """smtpd has neither root nor the right to write to run-dir."""
    with Instance(extra="greylist-delay 1\nuser-queue mail\n",
                  omit=("user-queue",)) as inst:
        assert waits(rcpt(inst, "127.0.0.9")[0]) == 1
        time.sleep(1)
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        pid = inst.pids("smtpd")[0]
        mail = pwd.getpwnam("mail").pw_uid
        assert os.stat(f"/proc/{pid}").st_uid in (0, mail)
        assert os.readlink(f"/proc/{pid}/root") == str(inst.dir / "run")
        folder = inst.dir / "run" / "greylist"
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == \
            (mail, 0o700)
        assert [f.name for f in folder.iterdir()] == ["seen.db"]


def test_a_clock_that_is_set_right_later():
    from test_clock import LIBRARY, start
    if not LIBRARY:
        pytest.skip("no libfaketime")
    inst, clock = start("greylist-delay 2\n")
    with inst:
        assert waits(rcpt(inst, "127.0.0.9")[0]) == 2
        clock.set("+0")         # fifty years are no two seconds
        assert waits(rcpt(inst, "127.0.0.9")[0]) in (1, 2)
        time.sleep(2)
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        clock.set("+400d")
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        clock.set("@1970-01-01 00:01:00")
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")
        inst.stop()
        inst.start()
        assert rcpt(inst, "127.0.0.9")[0].startswith("250")


def test_strace_sees_no_flush():
    """Nothing that a flash would feel, were run-dir on one."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    with Instance(extra="greylist-delay 1h\n") as inst:
        rcpt(inst, "127.0.0.9")
        pids = inst.pids("smtpd")
        trace = inst.dir / "trace"
        p = subprocess.Popen(["strace", "-f", "-o", str(trace), "-e",
                              "trace=fsync,fdatasync,openat,unlink"] +
                             [a for n in pids for a in ("-p", str(n))],
                             stderr=subprocess.PIPE, text=True)
        try:
            assert "attached" in p.stderr.readline()
            for n in range(5):
                assert waits(rcpt(inst, "127.0.0.9", sender=f"{n}@c.d")[0])
        finally:
            p.terminate()
            p.wait(10)
        text = trace.read_text()
        assert "fsync" not in text and "sync(" not in text
        assert "journal" not in text
