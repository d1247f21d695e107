"""queue sends to other people's servers: routes, MX, retries, bounces."""

import email
import os
import re
import smtplib
import socket
import time

import pytest

import spoolfile
from fakes import FakeDNS, FakeSMTP, make_cert
from instance import Instance, wait_for

MESSAGE = "From: alice@a.test\r\nSubject: x\r\nX-Odd: \xe9\r\n\r\n.hi\r\n"
FAST = "retry-first 1s\nretry-most 2s\nrelay-from 127.0.0.0/8\n"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs port 25")


def send(i, *rcpts, sender="alice@a.test", message=MESSAGE):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail(sender, rcpts, message.encode("latin-1"),
                   mail_options=["BODY=8BITMIME"])


def wait_empty(i, seconds=15):
    wait_for(lambda: not i.spooled(), seconds)


def report(i, user="alice"):
    """The bounce in the mailbox: (whole message, delivery status text)."""
    path, = i.wait_messages(user, 1)
    m = email.message_from_bytes(path.read_bytes())
    assert m.get_content_type() == "multipart/report"
    assert m.get_param("report-type") == "delivery-status"
    human, status, original = m.get_payload()
    assert status.get_content_type() == "message/delivery-status"
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Subject: x" in original.as_string()
    return m, "\n".join(p.as_string() for p in status.get_payload())


def test_route_and_connection_is_kept():
    with FakeSMTP(offers=("PIPELINING", "8BITMIME", "SIZE")) as s, Instance(
            extra=FAST + f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test", "y@b.test")
        wait_empty(i)
        send(i, "z@b.test")
        wait_empty(i)
        assert [m[1] for m in s.messages] == [["x@b.test", "y@b.test"],
                                              ["z@b.test"]]
        assert s.messages[0][2].endswith(
            MESSAGE.encode("latin-1"))
        assert s.sessions == 1
        assert re.search(r"to=<x@b.test> relay=127.0.0.1\[127.0.0.1\]:"
                         rf"{s.port} status=sent \(250 2.6.0 taken\)", i.log())


def test_later_is_tried_again():
    with FakeSMTP(replies={"RCPT <x@b.test>": ["450 4.7.1 grey"] * 2}) as s, \
            Instance(extra=FAST +
                     f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test", "y@b.test")
        wait_empty(i)
        assert [m[1] for m in s.messages] == [["y@b.test"], ["x@b.test"]]
        assert "status=deferred (450 4.7.1 grey)" in i.log()


def test_refused_recipients_bounce():
    with FakeSMTP(replies={"RCPT <x@b.test>": "550 5.1.1 who?",
                           "RCPT <w@b.test>": "553 no"}) as s, \
            Instance(extra=FAST +
                     f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test", "y@b.test", "w@b.test")
        m, status = report(i)
        wait_empty(i)
        assert m["From"].endswith("<MAILER-DAEMON@mail.a.test>")
        assert m["Auto-Submitted"] == "auto-replied"
        assert m["Return-Path"] == "<>"
        assert m["Message-ID"] and m["Date"] and m["To"]
        assert status.count("Action: failed") == 2
        for line in ("Reporting-MTA: dns; mail.a.test",
                     "Final-Recipient: rfc822; x@b.test",
                     "Status: 5.1.1", "Remote-MTA: dns; 127.0.0.1",
                     "Diagnostic-Code: smtp; 550 5.1.1 who?",
                     "Final-Recipient: rfc822; w@b.test"):
            assert line in status
        assert "y@b.test" not in status
        assert [m[1] for m in s.messages] == [["y@b.test"]]


def test_a_bounce_does_not_bounce():
    with FakeSMTP(replies={"RCPT": "550 5.1.1 who?"}) as s, Instance(
            extra=FAST + f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test", sender="")
        wait_empty(i)
        assert not i.messages("alice")


def test_smarthost_with_tls_and_auth(tmp_path):
    cert = make_cert(tmp_path, "localhost")
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    with FakeSMTP(cert=cert, user=("me", "secret")) as s, Instance(
            extra=FAST + f"smarthost localhost:{s.port} starttls user=me "
            f"password-file={password}\ntls-ca {cert[0]}\n") as i:
        send(i, "x@b.test", "y@c.test", "bob@a.test")
        wait_empty(i)
        assert [sorted(m[1]) for m in s.messages] == [["x@b.test", "y@c.test"]]
        i.wait_messages("bob", 1)


def smarthost(s, *more):
    return f"smarthost 127.0.0.1:{s.port} none {' '.join(more)}\n"


def test_each_sender_has_his_smarthost():
    with FakeSMTP() as all_, FakeSMTP() as b, FakeSMTP() as bob, Instance(
            extra=FAST + smarthost(all_) + smarthost(b, "from=@b.test") +
            smarthost(bob, "from=bob@b.test,x@y.z")) as i:
        for sender in ("bob@b.test", "ann@b.test", "bob@a.test", ""):
            send(i, "x@c.test", sender=sender)
        wait_empty(i)
        assert sorted(m[0] for m in all_.messages) == ["", "bob@a.test"]
        assert [m[0] for m in b.messages] == ["ann@b.test"]
        assert [m[0] for m in bob.messages] == ["bob@b.test"]


@pytest.mark.parametrize("first", [
    None, {"greeting": "554 5.7.1 not you"}, {"EHLO": "421 4.3.2 later"},
    {"AUTH": "535 5.7.8 no"}])
def test_the_next_smarthost_when_one_does_not_let_us_in(tmp_path, first):
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    login = ("user=me", f"password-file={password}")
    with FakeSMTP(replies=first, user=("me", "secret")) as s, \
            FakeSMTP(user=("me", "secret")) as other:
        if not first:
            s.close()
        with Instance(extra=FAST + smarthost(s, *login) +
                      smarthost(other, *login)) as i:
            for n in range(3):
                send(i, f"x{n}@b.test", f"y{n}@c.test")
            wait_empty(i)
            assert len(other.messages) == 3 and not s.messages
            assert "deferred" not in i.log()


def test_what_a_smarthost_refuses_is_not_tried_at_the_next():
    with FakeSMTP(replies={"RCPT <x@b.test>": "550 5.1.1 who?",
                           "RCPT <z@b.test>": ["451 4.3.0 wait"]}) as s, \
            FakeSMTP() as other, \
            Instance(extra=FAST + smarthost(s) + smarthost(other)) as i:
        send(i, "x@b.test", "y@b.test", "z@b.test")
        report(i)
        wait_empty(i)
        assert sorted(r for m in s.messages for r in m[1]) == [
            "y@b.test", "z@b.test"]
        assert not other.messages


def test_routes_by_domain_and_below_it():
    with FakeSMTP() as one, FakeSMTP() as below, FakeSMTP() as rest, Instance(
            extra=FAST + f"route b.test smtp:[127.0.0.1]:{one.port}\n"
            f"route .b.test smtp:[127.0.0.1]:{below.port}\n"
            f"route * smtp:[127.0.0.1]:{rest.port}\n"
            "smarthost 127.0.0.1:1 none\n") as i:
        send(i, "x@b.test", "x@sub.B.test", "x@a.b.test", "x@xb.test")
        wait_empty(i)
        assert [m[1] for m in one.messages] == [["x@b.test"]]
        assert sorted(r for m in below.messages for r in m[1]) == [
            "x@a.b.test", "x@sub.b.test"]
        assert [m[1] for m in rest.messages] == [["x@xb.test"]]


@pytest.mark.parametrize("after", [0, 3])
def test_fallback_route(after):
    with FakeSMTP() as dead:
        pass
    with FakeSMTP(replies={"RCPT <no@c.test>": "550 5.1.1 who?"}) as alive, \
            FakeSMTP() as s, Instance(
            extra=FAST + f"route b.test smtp:[127.0.0.1]:{dead.port}\n"
            f"route c.test smtp:[127.0.0.1]:{alive.port}\n"
            f"fallback-route smtp:[127.0.0.1]:{s.port}" +
            (f" after={after}s\n" if after else "\n")) as i:
        start = time.monotonic()
        send(i, "x@b.test", "no@c.test", "y@c.test")
        report(i)
        wait_empty(i)
        assert [m[1] for m in s.messages] == [["x@b.test"]]
        assert [m[1] for m in alive.messages] == [["y@c.test"]]
        assert (time.monotonic() - start > after)
        assert ("status=deferred" in i.log()) == bool(after)


def test_no_smarthost_lets_us_in():
    with FakeSMTP() as s, FakeSMTP() as other:
        pass
    with Instance(extra=FAST + smarthost(s) + smarthost(other)) as i:
        send(i, "x@b.test")
        i.wait_log("status=deferred")
        with FakeSMTP(port=other.port) as back:
            wait_empty(i)
            assert len(back.messages) == 1


@pytest.mark.parametrize("how,goes", [
    ("may", True), ("starttls noverify", False),
    ("may user=me password-file={}", False)])
def test_smarthost_that_cannot_do_the_tls_it_offers(tmp_path, how, goes):
    """As Debian's OpenSMTPD: `may` is content without, but for passwords."""
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    with FakeSMTP(offers=("STARTTLS", "AUTH PLAIN"),
                  user=("me", "secret")) as s, Instance(
            extra=FAST + f"smarthost 127.0.0.1:{s.port} "
            f"{how.format(password)}\n") as i:
        send(i, "x@b.test")
        if goes:
            wait_empty(i)
        else:
            i.wait_log("status=deferred")
        assert bool(s.messages) == goes and "STARTTLS" in s.lines
        assert not any(line.startswith("AUTH") for line in s.lines)


def test_host_that_is_down_holds_only_its_own_mail():
    with FakeSMTP() as dead:
        port = dead.port
    with FakeSMTP() as s, Instance(
            extra=FAST + f"route b.test smtp:[127.0.0.1]:{port}\n"
            f"route c.test smtp:[127.0.0.1]:{s.port}\n") as i:
        for n in range(5):
            send(i, f"x{n}@b.test")
        send(i, "y@c.test")
        wait_for(lambda: s.messages, 5)
        assert len(i.spooled()) == 5
        with FakeSMTP(port=port) as back:
            wait_empty(i)
            assert len(back.messages) == 5


def test_a_message_waits_as_long_as_its_host():
    """What comes late need not knock by itself; a flush knocks at once."""
    with FakeSMTP() as dead:
        port = dead.port
    with Instance(extra="retry-first 1s\nretry-most 60s\n"
                  "relay-from 127.0.0.0/8\n"
                  f"route b.test smtp:[127.0.0.1]:{port}\n") as i:
        send(i, "x@b.test")
        wait_for(lambda: i.log().count("x@b.test> relay=none") >= 4, 15)
        send(i, "y@b.test")         # the host is held for 8 s
        i.wait_log("y@b.test> relay=none status=deferred")
        time.sleep(2.5)
        assert i.log().count("y@b.test> relay=none") == 1
        with FakeSMTP(port=port) as back:
            i.run("mailq", "-q")
            wait_empty(i, 3)
            assert len(back.messages) == 2


def test_flush_and_list():
    with FakeSMTP() as dead:
        port = dead.port
    with Instance(extra="relay-from 127.0.0.0/8\n"
                  f"route b.test smtp:[127.0.0.1]:{port}\n") as i:
        send(i, "x@b.test", "y@b.test")
        i.wait_log("status=deferred")
        out = i.run("mailq").stdout
        assert "alice@a.test" in out and "x@b.test" in out
        assert "refused" in out
        with FakeSMTP(port=port) as back:
            i.run("mailq", "--flush")
            wait_empty(i, 5)
            assert back.messages


def test_lost_connections():
    """Before the dot it is tried again, after it, too."""
    with FakeSMTP(replies={"RCPT <x@b.test>": [None], "dot": [None]}) as s, \
            Instance(extra=FAST +
                     f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test")
        wait_empty(i)
        assert len(s.messages) == 1
        assert s.sessions == 3


def test_restart_while_messages_wait():
    with FakeSMTP() as dead:
        port = dead.port
    with Instance(extra=FAST +
                  f"route b.test smtp:[127.0.0.1]:{port}\n") as i:
        for n in range(20):
            send(i, f"x{n}@b.test")
        i.wait_log("status=deferred")
        i.stop()
        assert len(i.spooled()) == 20
        with FakeSMTP(port=port) as back:
            i.start()
            wait_empty(i)
            assert sorted(m[1][0] for m in back.messages) == sorted(
                f"x{n}@b.test" for n in range(20))


def test_many_messages_few_sessions():
    with FakeSMTP(offers=("PIPELINING",)) as s, Instance(
            extra=FAST + "queue-sessions-per-host 3\n"
            f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as c:
            for n in range(200):
                c.sendmail("alice@a.test", f"x{n}@b.test", "Subject: x\n\nx")
        wait_empty(i, 30)
        assert len(s.messages) == 200
        assert s.sessions <= 6


def test_gives_up_when_time_is_up():
    with FakeSMTP(replies={"RCPT <x@b.test>": "450 4.2.2 full"}) as s, \
            Instance(extra=FAST + "bounce-after 60s\n"
                     f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        send(i, "x@b.test")
        time.sleep(50)
        assert i.spooled() and not i.messages("alice")
        wait_empty(i, 30)
        m, status = report(i)
        assert "Action: failed" in status and "450 4.2.2 full" in status


def test_a_host_that_hangs_leaves_room_for_others():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hung, Instance(
            extra=FAST + "connect-timeout 60s\n"
            f"route b.test smtp:[127.0.0.1]:{hung.getsockname()[1]}\n") as i:
        with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as c:
            for n in range(520):    # more than are active at once
                c.sendmail("alice@a.test", f"x{n}@b.test", "Subject: x\n\nx")
        send(i, "bob@a.test")
        i.wait_messages("bob", 1, 5)
        wait_for(lambda: len(i.spooled()) == 520)


def test_many_recipients_in_many_places():
    with FakeSMTP(offers=("PIPELINING",)) as s, Instance(
            extra="retry-first 1s\nrelay-from 127.0.0.0/8\n" + "".join(
                f"route b{n}.test smtp:[127.0.0.1]:{s.port}\n"
                for n in range(0, 100, 2))
            + "max-recipients 1000\nsession-memory 1M\nroute * smtp:"
            f"[127.0.0.2]:{s.port}\n") as i:
        with FakeSMTP("127.0.0.2", s.port) as two:
            to = [f"{'x' * 60}{n}@b{n % 100}.test" for n in range(900)]
            send(i, *to)
            wait_empty(i)
            got = [m[1] for m in s.messages + two.messages]
            assert sorted(r for rcpts in got for r in rcpts) == sorted(to)


def test_deliver_is_away_for_a_moment():
    with Instance(extra="retry-first 60s\nrelay-from 127.0.0.0/8\n") as i:
        path = i.dir / "run" / "deliver"
        path.rename(path.with_name("away"))
        send(i, "bob@a.test")
        i.wait_log("status=deferred")
        path.with_name("away").rename(path)
        i.wait_messages("bob", 1, 8)
        wait_empty(i)


# -- MX --

@pytest.fixture
def world():
    """world(zone) -> Instance that asks a DNS server with this zone."""
    opened = []

    def make(zone):
        dns = FakeDNS(zone)
        i = Instance(omit=("nameserver",), extra=FAST +
                     f"nameserver 127.0.0.1:{dns.port}\n")
        opened.extend((dns, i))
        return i
    yield make
    for thing in reversed(opened):
        thing.close()


@root_only
def test_mx_in_order(world):
    i = world({("b.test", "MX"): [(20, "two.b.test"), (10, "one.b.test")],
               ("one.b.test", "A"): ["127.0.25.1"],
               ("two.b.test", "A"): ["127.0.25.2"],
               ("plain.test", "A"): ["127.0.25.2"]})
    with FakeSMTP("127.0.25.2", 25) as two:
        send(i, "x@b.test")
        wait_empty(i)
        assert len(two.messages) == 1
        send(i, "x@plain.test")
        wait_empty(i)
        assert len(two.messages) == 2
        with FakeSMTP("127.0.25.1", 25) as one:
            time.sleep(6)           # kept connections end
            send(i, "y@b.test")
            wait_empty(i)
            assert one.messages and len(two.messages) == 2


@root_only
def test_broken_tls_goes_in_plain(world, tmp_path):
    i = world({("b.test", "A"): ["127.0.25.1"]})
    with FakeSMTP("127.0.25.1", 25, offers=("STARTTLS",)) as s:
        send(i, "x@b.test")
        wait_empty(i)
        assert s.messages and s.sessions == 2
    with FakeSMTP("127.0.25.1", 25,
                  cert=make_cert(tmp_path, "whoever")) as s:
        time.sleep(6)
        send(i, "x@b.test")
        wait_empty(i)
        assert s.messages and "STARTTLS" in s.lines and s.sessions == 1


def test_what_dns_says(world):
    zone = {("null.test", "MX"): [(0, "")],
            ("loop.test", "MX"): [(10, "mail.a.test"), (20, "x.test")],
            ("later.test", "MX"): "SERVFAIL"}
    i = world(zone)
    send(i, "x@null.test", "x@gone.test", "x@loop.test", "x@later.test")
    i.wait_log("to=<x@later.test> .*status=deferred")
    m, status = report(i)
    for line in ("x@null.test", "5.1.10", "x@gone.test", "5.1.2",
                 "x@loop.test", "5.4.6"):
        assert line in status
    assert "later.test" not in status
    wait_for(lambda: len(i.spooled()) == 1)


def test_route_to_error():
    """What is in the spool already comes back with the text, or waits."""
    with Instance(start=False, extra="retry-first 1s\nretry-most 1s\n"
                  'route old.test "error:5.1.6 They have moved"\n'
                  'route slow.test "error:4.7.1 Not this week"\n') as i:
        spoolfile.prepare(i)
        spoolfile.put(i, "alice@a.test", ["x@old.test", "y@slow.test"])
        i.start()
        report, = i.wait_messages("alice", 1)
        text = report.read_text()
        assert "Final-Recipient: rfc822; x@old.test\n" \
            "Action: failed\nStatus: 5.1.6\n" in text
        assert "They have moved" in text and "y@slow.test" not in text
        listed = i.run("mailq").stdout
        assert "y@slow.test" in listed and "Not this week" in listed
        way = i.run("sendmail", "-bv", "a@old.test", "a@slow.test",
                    check=False)
        assert way.returncode == 75, way
        assert "a@old.test... 550 5.1.6 They have moved" in way.stdout
        assert "a@slow.test... 450 4.7.1 Not this week" in way.stdout
