"""mailq: what the admin sees of the queue, and does to it."""

import contextlib
import json
import os
import re
import smtplib
import socket
import subprocess
import threading
import time

import pytest

import spoolfile
from fakes import FakeDNS, FakeSMTP, Session
from instance import BIN, Instance, wait_for

SLOW = "retry-first 600s\nrelay-from 127.0.0.0/8\n"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def send(i, *rcpts, sender="alice@a.test"):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail(sender, rcpts, "Subject: x\n\nx")


def queued(i, *which):
    out = i.run("mailq", "-j", *which, check=False).stdout
    return {m["id"]: m for m in map(json.loads, out.splitlines())}


def senders(i, *which):
    return sorted(m["sender"] for m in queued(i, *which).values())


def mailq(i, *argv):
    p = i.run("mailq", *argv, check=False)
    return p.returncode, p.stdout.strip(), p.stderr.strip()


def free_port():
    with FakeSMTP() as dead:
        return dead.port


@pytest.fixture
def dead():
    """(Instance, port): nobody listens where mail for b.test goes."""
    port = free_port()
    with Instance(extra=SLOW + f"route b.test smtp:[127.0.0.1]:{port}\n"
                  f"route c.test smtp:[127.0.0.1]:{port}\n") as i:
        yield i, port


def put_off(i, n):
    wait_for(lambda: i.log().count("status=deferred") >= n)
    wait_for(lambda: all(m["state"] == "waiting" for m in queued(i).values()))


# -- seeing --

def test_each_recipient_has_its_own_reason():
    with FakeSMTP(replies={"RCPT <x@b.test>": "450 4.7.1 grey",
                           "RCPT <y@b.test>": "452 4.2.2 full \"\\\x01\x7f",
                           "RCPT <z@b.test>": "452 4.2.2 full \"\\\x01\x7f",
                           }) as s, \
            Instance(extra=SLOW +
                     f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        before = int(time.time())
        send(i, "w@b.test", "x@b.test", "y@b.test", "z@b.test")
        put_off(i, 3)
        (m,) = queued(i).values()
        reasons = {r["address"]: r["reason"] for r in m["recipients"]}
        assert list(reasons) == ["x@b.test", "y@b.test", "z@b.test"]
        assert reasons["x@b.test"] == "450 4.7.1 grey"
        assert reasons["y@b.test"].startswith("452 4.2.2 full \"\\")
        assert reasons["z@b.test"] == reasons["y@b.test"]
        assert m["sender"] == "alice@a.test" and m["attempts"] == 1
        assert before <= m["created"] <= time.time()
        assert before + 500 <= m["next_try"] <= time.time() + 700
        assert m["size"] == i.spooled()[0].read_bytes().count(b"") - 1 - int(
            i.spooled()[0].read_bytes()[4:12], 16)
        out = i.run("mailq").stdout
        assert re.search(rf"^{m['id']}  +{m['size']}  \ds +\d+m +alice@a.test$",
                         out, re.M)
        assert re.search(r"^ {20}450 4.7.1 grey\n {52}x@b.test\n {20}452 4.2.2 "
                         r"full.*\n {52}y@b.test\n {52}z@b.test$", out, re.M)


def test_any_byte_is_escaped():
    odd = [b'"q\\u"@b.test', b"caf\xc3\xa9@b.test", b"bad\xff\xc0\x80@b.test"]
    with Instance(start=False, extra=SLOW) as i:
        spoolfile.prepare(i)
        spoolfile.put(i, 's"\\<>@a.test', odd, mark=b"!")
        i.start()
        out = subprocess.run([BIN, "mailq", "-j"], env=i.env(), check=True,
                             stdout=subprocess.PIPE).stdout
        m = json.loads(out.decode())    # strict UTF-8
        assert m["sender"] == 's"\\<>@a.test'
        assert [r["address"] for r in m["recipients"]] == [
            '"q\\u"@b.test', "café@b.test", "bad\ufffd\ufffd\ufffd@b.test"]


def test_thousands_of_recipients_in_one_message():
    rcpts = [f"{'x' * 60}{n}@b.test" for n in range(9000)]
    with Instance(start=False, extra=SLOW) as i:
        spoolfile.prepare(i)
        name = spoolfile.put(i, "", rcpts, mark=b"!")
        i.start()
        m = queued(i)[name]
        assert [r["address"] for r in m["recipients"]] == rcpts
        assert m["sender"] == ""
        assert i.run("mailq").stdout.count("@b.test") == 9000
        assert "MAILER-DAEMON" in i.run("mailq").stdout


def test_choosing():
    with Instance(start=False, extra=SLOW) as i:
        spoolfile.prepare(i)
        one = spoolfile.put(i, "al@a.test", ["x@b.test", "y@c.test"], mark=b"!")
        two = spoolfile.put(i, "Bo@A.test", ["x@c.test"], mark=b"!")
        tre = spoolfile.put(i, "", ["x@b.test"], mark=b"!")
        i.start()
        for which, ids in (
                ([], [one, two, tre]), (["-a"], [one, two, tre]),
                (["--from", "bo@a.TEST"], [two]), (["--from", ""], [tre]),
                (["--from", "@a.test"], [one, two]),
                (["--from", "@test"], []),
                (["--to", "X@b.test"], [one, tre]),
                (["--to", "@b.test"], [one, tre]),
                (["--domain", "C.test"], [one, two]),
                (["--domain", "b.test", "--from", "al@a.test"], [one]),
                (["--domain", "b.test", "--to", "y@c.test"], [one]),
                (["--domain", "est"], []), (["--to", "x"], []),
                ([two, one], [one, two]), (["--to", "x@c.test", one, two],
                                           [two])):
            assert set(queued(i, *which)) == set(ids), which
        assert mailq(i, "--from", "nobody@a.test") == (1, "", "")
        code, out, err = mailq(i, one, "1k00")
        assert code == 1 and one in out and "1k00: no such message" in err
        assert mailq(i, one)[0] == 0


@pytest.mark.parametrize("argv", [
    ["-d"], ["-h"], ["-r"], ["-H"], ["-d", "-h", "-a"], ["-j", "-d", "-a"],
    ["-a", "--from", "x@y"], ["-d", "../tmp"], ["-d", "a\tfrom=b"],
    ["-d", "--from", "a\nb"], ["-d", "--to", "a\tid=b"], ["-d", ""],
    ["--what"]])
def test_wrong_usage_changes_nothing(argv):
    with Instance(start=False) as i:
        code, out, err = mailq(i, *argv)
        assert code == 64 and "usage: mailq" in err and not out


def test_no_queue():
    with Instance(start=False) as i:
        code, out, err = mailq(i, "-d", "-a")
        assert code == 69 and "does not answer" in err


def test_empty():
    with Instance() as i:
        assert mailq(i) == (0, "Mail queue is empty", "")
        assert mailq(i, "-j") == (0, "", "")
        assert mailq(i, "-d", "-a") == (0, "0 messages deleted", "")
        assert mailq(i, "-d", "--from", "x@y")[0] == 1


# -- doing --

def test_held_is_not_tried_and_survives(dead):
    i, port = dead
    send(i, "x@b.test")
    send(i, "x@c.test")
    put_off(i, 2)
    assert mailq(i, "-h", "--domain", "b.test") == (0, "1 message held", "")
    assert mailq(i, "-h", "--domain", "b.test") == (
        0, "0 messages held, 1 held already", "")
    with FakeSMTP(port=port) as s:
        assert mailq(i, "-q") == (
            0, "1 message is tried now, 1 held: not tried", "")
        wait_for(lambda: len(i.spooled()) == 1)
        for kill in (False, True):
            if kill:
                before = len(i.log())
                os.kill(i.pids("queue")[0], 9)
                i.wait_log("queue: ready", since=before)
            else:
                i.stop()
                i.start()
            time.sleep(1)
            (m,) = queued(i).values()
            assert m["state"] == "held" and m["next_try"] is None
            assert f"{m['id']}!" in i.run("mailq").stdout
        assert [m[1] for m in s.messages] == [["x@c.test"]]
        assert mailq(i, "-r", m["id"])[:2] == (0, "1 message requeued")
        time.sleep(1)
        assert len(s.messages) == 1
        assert mailq(i, "-H", m["id"]) == (0, "1 message released", "")
        wait_for(lambda: not i.spooled() and len(s.messages) == 2)
        assert [m[1] for m in s.messages] == [["x@c.test"], ["x@b.test"]]


def test_held_does_not_expire():
    port = free_port()
    old = {"created": int(time.time()) - 20 * 86400, "attempts": 90}
    with Instance(start=False, extra="retry-first 1s\n"
                  f"route b.test smtp:[127.0.0.1]:{port}\n") as i:
        spoolfile.prepare(i)
        spoolfile.put(i, "alice@a.test", ["x@b.test"], mark=b"!", **old)
        i.start()
        time.sleep(4)
        assert mailq(i, "-q")[1] == (
            "0 messages are tried now, 1 held: not tried")
        time.sleep(1)
        assert len(i.spooled()) == 1 and not i.messages("alice")
        assert mailq(i, "-H", "-a")[1] == "1 message released"
        i.wait_messages("alice", 1)     # too old: it comes back now
        wait_for(lambda: not i.spooled())


def test_delete(dead):
    i, port = dead
    for n in range(3):
        send(i, "x@b.test", sender=f"s{n}@a.test")
        send(i, "x@c.test", "y@c.test", sender=f"s{n}@a.test")
    put_off(i, 6)
    assert mailq(i, "-d", "--from", "s0@a.test") == (0, "2 messages deleted",
                                                     "")
    assert mailq(i, "-d", "--to", "y@c.test", "--from", "s1@a.test")[1] == (
        "1 message deleted")
    assert mailq(i, "-d", "--domain", "b.test")[1] == "2 messages deleted"
    (m,) = queued(i).values()
    assert m["sender"] == "s2@a.test" and len(i.spooled()) == 1
    assert mailq(i, "-d", m["id"]) == (0, "1 message deleted", "")
    assert mailq(i, "-d", m["id"]) == (
        1, "0 messages deleted", f"mailq: {m['id']}: no such message")
    assert not i.spooled() and not i.messages("alice")
    assert "deleted by uid" in i.log()


def test_flush_what_was_chosen(dead):
    i, port = dead
    send(i, "x@b.test")
    send(i, "x@c.test")
    put_off(i, 2)
    with FakeSMTP(port=port) as s:
        assert mailq(i, "-q", "--domain", "c.test")[1] == (
            "1 message is tried now")
        wait_for(lambda: s.messages)
        time.sleep(0.5)
        assert [m[1] for m in s.messages] == [["x@c.test"]]
        assert len(i.spooled()) == 1


def test_requeue_forgets_tries(dead):
    i, port = dead
    send(i, "x@b.test")
    put_off(i, 1)
    for n in (2, 3):
        i.run("mailq", "-q")
        put_off(i, n)
    assert [m["attempts"] for m in queued(i).values()] == [3]
    assert mailq(i, "-r", "-a")[1] == "1 message requeued"
    put_off(i, 4)
    assert [m["attempts"] for m in queued(i).values()] == [1]


@root_only
def test_requeue_finds_the_way_anew():
    dns = FakeDNS({("b.test", "A"): ["127.0.25.1"]})
    with contextlib.closing(dns), Instance(
            omit=("nameserver",), extra=SLOW +
            f"nameserver 127.0.0.1:{dns.port}\n") as i:
        send(i, "x@b.test")
        put_off(i, 1)
        dns.zone[("b.test", "A")] = ["127.0.25.2"]
        with FakeSMTP("127.0.25.2", 25) as s:
            # what was looked up is good for 60 s, unless the admin says
            assert mailq(i, "-r", "-a")[0] == 0
            wait_for(lambda: not i.spooled() and len(s.messages) == 1, 5)


def test_a_report_that_was_promised_outlives_delete():
    """bob has it, b.test not yet: the sender still hears of bob."""
    with Instance(start=False, extra=SLOW +
                  f"route b.test smtp:[127.0.0.1]:{free_port()}\n") as i:
        spoolfile.prepare(i)
        name = spoolfile.put(i, "alice@a.test", [
            "bob@a.test\tNOTIFY=SUCCESS", "x@b.test"], mark=b"!")
        path = i.dir / "spool" / "msg" / name
        path.write_bytes(path.read_bytes().replace(b"\nw bob", b"\nD bob"))
        i.start()
        assert mailq(i, "-d", name)[1] == "1 message deleted"
        (box,) = i.wait_messages("alice", 1)
        assert b"Action: delivered" in box.read_bytes()
        assert b"x@b.test" not in box.read_bytes().partition(
            b"message/delivery-status")[2].partition(b"rfc822-headers")[0]
        wait_for(lambda: not i.spooled())


def test_flushed_file_by_file():
    """What is gone before its flush is no failure."""
    with FakeSMTP() as s, Instance(
            start=False, extra=SLOW + "spool-sync files\n"
            f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        spoolfile.prepare(i)
        for n in range(600):
            spoolfile.put(i, f"s{n % 2}@a.test", ["x@b.test"], mark=b"!")
        i.start()
        assert mailq(i, "-r", "-a") == (0, "600 messages requeued", "")
        assert mailq(i, "-d", "--from", "s0@a.test") == (
            0, "300 messages deleted", "")
        assert mailq(i, "-H", "-a") == (0, "300 messages released", "")
        wait_for(lambda: not i.spooled() and len(s.messages) == 300, 20)


# -- while it is being sent --

class Stuck(FakeSMTP):
    """Answers the dot when it is told to."""

    def __init__(self, **kw):
        super().__init__(**kw)
        self.at_dot, self.go = threading.Event(), threading.Event()
        server = self

        class Slow(Session):
            def end_data(self, data):
                server.at_dot.set()
                server.go.wait(30)
                super().end_data(data)
        self.RequestHandlerClass = Slow


@pytest.mark.parametrize("how,said", [("-d", "deleted"), ("-r", "requeued")])
def test_what_is_being_sent_is_left_alone(how, said):
    with Stuck() as s, Instance(extra=SLOW +
                                f"route b.test smtp:[127.0.0.1]:{s.port}\n"
                                ) as i:
        send(i, "x@b.test")
        assert s.at_dot.wait(10)
        (name,) = queued(i)
        assert f"{name}*" in i.run("mailq").stdout
        assert mailq(i, how, name) == (
            75, f"0 messages {said}, 1 just being sent: left alone",
            f"mailq: {name}: is just being sent, was left alone")
        s.go.set()
        wait_for(lambda: not i.spooled() and len(s.messages) == 1)


@pytest.mark.parametrize("reply,left", [("250 taken", 0), ("451 later", 1)])
def test_hold_while_it_is_being_sent(reply, left):
    """That try goes on; there is no other."""
    with Stuck(replies={"dot": reply}) as s, Instance(
            extra="retry-first 1s\nrelay-from 127.0.0.0/8\n"
            f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test")
        assert s.at_dot.wait(10)
        assert mailq(i, "-h", "-a") == (0, "1 message held", "")
        s.go.set()
        i.wait_log(f"status=.*{reply}")
        time.sleep(3)
        assert [m["state"] for m in queued(i).values()] == ["held"] * left
        assert i.log().count("status=") == 1
        if left:
            s.replies.clear()
            i.run("mailq", "-H", "-a")
            wait_for(lambda: not i.spooled())
        wait_for(lambda: len(s.messages) == 1)


def test_what_waits_for_a_host_that_hangs_can_be_deleted():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hung, Instance(
            extra=SLOW + "route b.test smtp:[127.0.0.1]:"
            f"{hung.getsockname()[1]}\nconnect-timeout 60s\n") as i:
        for n in range(80):         # more than may wait in memory
            send(i, f"x{n}@b.test")
        wait_for(lambda: "sending" in {m["state"]
                                       for m in queued(i).values()})
        assert mailq(i, "-d", "-a") == (0, "80 messages deleted", "")
        assert not i.spooled()
        send(i, "bob@a.test")
        i.wait_messages("bob", 1)


# -- who may --

@root_only
def test_others_see_their_own_and_change_nothing():
    def as_nobody(*argv):
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             BIN, "mailq", *argv], env=i.env(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with Instance(extra=SLOW + "smarthost 127.0.0.1:1\n") as i:
        i.dir.chmod(0o755)
        i.conf.chmod(0o644)
        send(i, "x@b.test")
        subprocess.run(["setpriv", "--reuid=65534", "--regid=65534",
                        "--clear-groups", BIN, "sendmail", "-f", "me@a.test",
                        "y@b.test"], env=i.env(), input=b"Subject: x\n\nx\n",
                       check=True)
        wait_for(lambda: len(i.spooled()) == 2)
        own = [json.loads(x) for x in as_nobody("-j").stdout.splitlines()]
        assert [m["sender"] for m in own] == ["me@a.test"]
        for how in (["-q"], ["-d", "-a"], ["-h", own[0]["id"]], ["-r", "-a"],
                    ["-H", "-a"]):
            p = as_nobody(*how)
            assert p.returncode == 77 and "only root" in p.stderr
        assert len(i.spooled()) == 2
        assert len(queued(i)) == 2


# -- the socket --

@contextlib.contextmanager
def control(i):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(i.dir / "run" / "queue.ctl"))
        s.settimeout(15)
        yield s


def talk(i, data):
    with control(i) as s:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(data)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := s.recv(65536):
                got += piece
        return got


def test_hostile_input():
    with Instance(start=False, extra=SLOW) as i:
        spoolfile.prepare(i)
        name = spoolfile.put(i, "al@a.test", ["x@b.test"], mark=b"!")
        i.start()
        (queue, *_) = i.pids("queue")
        for data in (b"\n", b"DELETE \n", b"delete\tid=x\n", b"DELETE\t\n",
                     b"DELETE\tid\n", b"DELETE\tid=" + name.encode() + b"\t\n",
                     b"DELETE\tid=a\tid=b\n", b"DELETE\tall=1\n",
                     b"LIST\tfrom=a\0b\n", b"DELETE\0\tid=x\n",
                     b"DELETE\tfrom=al@a.test\r\r\n", b"\xff\xfe\n",
                     b"HOLD\tfrom=\x01\n"):
            assert talk(i, data).startswith(b"ERROR"), data
        talk(i, b"A" * 100000 + b"\n")
        assert talk(i, b"A" * 3000 + b"\n").startswith(b"ERROR")
        assert talk(i, b"DELETE\tid=" + b"../" * 500 + b"\n") == b"OK 0 0 0 0\n"
        assert talk(i, b"DELETE\tid=\n") == b"OK 0 0 0 0\n"
        # one request a connection: the second one is not read
        assert talk(i, b"LIST\tid=x\nDELETE\n") == b"OK 0 0 0 0\n"
        assert talk(i, b"LIST\r\n").endswith(b"OK 1 0 0 0\n")
        socks = []
        for n in range(200):        # they come, say half a line, and stay
            socks.append(socket.socket(socket.AF_UNIX))
            socks[-1].connect(str(i.dir / "run" / "queue.ctl"))
            socks[-1].sendall(b"DELE" if n % 2 else b"")
        assert list(queued(i)) == [name]
        for s in socks:
            s.close()
        for n in range(200):        # ask and go
            with control(i) as s:
                s.sendall(b"LIST\n" if n % 2 else b"FLUSH\n")
        assert list(queued(i)) == [name]
        assert i.pids("queue")[0] == queue and len(i.spooled()) == 1


def test_a_caller_who_does_not_read_holds_up_nobody():
    with Instance(start=False, extra=SLOW) as i:
        spoolfile.prepare(i)
        for n in range(2000):
            spoolfile.put(i, "al@a.test", [f"{'x' * 60}{k}@b.test"
                                           for k in range(20)], mark=b"!")
        i.start()
        with control(i) as s, control(i) as t:
            s.sendall(b"LIST\n")
            t.sendall(b"LIST\n")
            time.sleep(1)
            send(i, "bob@a.test")
            i.wait_messages("bob", 1, 5)
            assert len(queued(i)) == 2000
            # changed under it, it goes on to the end
            assert mailq(i, "-d", "-a")[1] == "2000 messages deleted"
            got = b""
            while piece := s.recv(65536):
                got += piece
            assert re.fullmatch(rb"OK \d+ 0 0 0", got.splitlines()[-1])
            assert got.count(b"\nM\t") + 1 < 2000


def test_what_a_dead_site_has_no_room_for_does_not_wait_elsewhere():
    """One message, two places: the one that works has it at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hung, \
            FakeSMTP() as s, Instance(
                extra=SLOW + "connect-timeout 60s\nroute b.test smtp:"
                f"[127.0.0.1]:{hung.getsockname()[1]}\n"
                f"route c.test smtp:[127.0.0.1]:{s.port}\n") as i:
        with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as c:
            for n in range(120):
                c.sendmail("alice@a.test", f"x{n}@b.test", "Subject: x\n\nx")
        send(i, "y@b.test", "z@c.test")
        wait_for(lambda: s.messages, 5)
        time.sleep(7)               # its other half looks for room again
        assert [m[1] for m in s.messages] == [["z@c.test"]]
        assert len(i.spooled()) == 121
        assert max(m["attempts"] for m in queued(i).values()) == 0
