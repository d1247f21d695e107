"""Delivery reports that senders ask for, or do not want (RFC 3461, 3464)."""

import email
import email.policy
import re
import smtplib
import time

import pytest

from fakes import FakeSMTP
from instance import Instance, wait_for

TEXT = "From: alice@a.test\r\nSubject: x\r\n\r\nThe text itself.\r\n"
FAST = "retry-first 1s\nretry-most 1s\nrelay-from 127.0.0.0/8\n"


class Report:
    """A multipart/report, read as RFC 3464 has it."""

    def __init__(self, path):
        m = email.message_from_bytes(path.read_bytes(),
                                     policy=email.policy.default)
        assert m.get_content_type() == "multipart/report"
        assert m.get_param("report-type") == "delivery-status"
        assert m["Return-Path"] == "<>"
        assert m["Auto-Submitted"] == "auto-replied"
        assert not m.defects
        human, status, self.original = m.iter_parts()
        self.subject, self.human = m["Subject"], human.get_content()
        assert human.get_content_type() == "text/plain"
        assert status.get_content_type() == "message/delivery-status"
        self.message, *rcpts = status.get_payload()
        self.rcpts = {r["Final-Recipient"].removeprefix("rfc822; "): r
                      for r in rcpts}
        assert self.message["Reporting-MTA"] == "dns; mail.a.test"
        assert self.message["Arrival-Date"]

    def actions(self):
        return {a: r["Action"] for a, r in self.rcpts.items()}


def send(i, rcpts, mail=(), sender="alice@a.test", text=TEXT):
    """rcpts: {address: its parameters}; the replies are all good."""
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.ehlo("c")
        assert s.has_extn("dsn")
        assert s.mail(sender, mail)[0] == 250
        for address, options in rcpts.items():
            assert s.rcpt(address, options)[0] == 250
        assert s.data(text)[0] == 250


def wait_empty(i, seconds=15):
    wait_for(lambda: not i.spooled(), seconds)


def report(i):
    path, = i.wait_messages("alice", 1)
    return Report(path)


def commands(server, verb):
    return [x for x in server.lines if x.startswith(verb)]


@pytest.fixture
def far():
    """far(**FakeSMTP's) -> (server for b.test, Instance)"""
    opened = []

    def make(extra="", kind="smtp", **kw):
        s = FakeSMTP(**kw)
        i = Instance(extra=FAST + extra +
                     f"route b.test {kind}:[127.0.0.1]:{s.port}\n")
        opened.extend((s, i))
        return s, i
    yield make
    for thing in reversed(opened):
        thing.close()


def test_passed_on_to_who_offers_it(far):
    s, i = far(offers=("DSN",))
    send(i, {"x@b.test": ["NOTIFY=success,delay", "ORCPT=rfc822;o+2Bx@c.test"],
             "y@b.test": []}, ["RET=HDRS", "ENVID=a+20b"])
    wait_empty(i)
    assert commands(s, "MAIL") == [
        "MAIL FROM:<alice@a.test> RET=HDRS ENVID=a+20b"]
    assert commands(s, "RCPT") == [
        "RCPT TO:<x@b.test> NOTIFY=success,delay ORCPT=rfc822;o+2Bx@c.test",
        "RCPT TO:<y@b.test>"]
    assert not i.messages("alice")      # the report is theirs to make


def test_relayed_to_who_does_not(far):
    s, i = far()
    send(i, {"x@b.test": ["NOTIFY=SUCCESS", "ORCPT=rfc822;o+2Bx@c.test"],
             "y@b.test": []}, ["RET=FULL", "ENVID=a+20b+3D"])
    wait_empty(i)
    assert commands(s, "MAIL") == ["MAIL FROM:<alice@a.test>"]
    assert commands(s, "RCPT") == ["RCPT TO:<x@b.test>", "RCPT TO:<y@b.test>"]
    r = report(i)
    assert r.actions() == {"x@b.test": "relayed"}
    x = r.rcpts["x@b.test"]
    assert x["Original-Recipient"] == "rfc822; o+x@c.test"
    assert x["Status"] == "2.6.0"
    assert x["Remote-MTA"] == "dns; 127.0.0.1"
    assert r.message["Original-Envelope-Id"] == "a b="
    # nothing failed: the text does not come back (4.3)
    assert r.original.get_content_type() == "text/rfc822-headers"
    assert "does not report" in r.human and "x@b.test" in r.human


def test_delivered(far):
    _, i = far()
    send(i, {"bob@a.test": ["NOTIFY=SUCCESS,FAILURE"], "alice@a.test": []})
    i.wait_messages("bob", 1)
    i.wait_messages("alice", 2)
    wait_empty(i)
    r, = [Report(p) for p in i.messages("alice")
          if b"multipart/report" in p.read_bytes()]
    assert r.actions() == {"bob@a.test": "delivered"}
    assert r.rcpts["bob@a.test"]["Status"].startswith("2.")
    assert "Remote-MTA" not in r.rcpts["bob@a.test"]
    assert r.subject == "Mail delivered"


def test_lmtp_is_delivery(far):
    s, i = far(kind="lmtp", lmtp=True)
    send(i, {"x@b.test": ["NOTIFY=SUCCESS"]})
    wait_empty(i)
    assert s.messages and report(i).actions() == {"x@b.test": "delivered"}


def test_not_wanted(far):
    s, i = far(replies={"RCPT <x@b.test>": "550 5.1.1 who?",
                        "RCPT <y@b.test>": "550 5.1.1 who?"})
    send(i, {"x@b.test": ["NOTIFY=NEVER"], "y@b.test": ["NOTIFY=SUCCESS,DELAY"],
             "z@b.test": ["NOTIFY=FAILURE"], "bob@a.test": []})
    wait_empty(i)
    i.wait_messages("bob", 1)
    assert len(s.messages) == 1 and not i.messages("alice")
    # a report is never reported on
    send(i, {"x@b.test": ["NOTIFY=FAILURE"], "bob@a.test": ["NOTIFY=SUCCESS"]},
         sender="")
    i.wait_messages("bob", 2)
    wait_empty(i)
    assert not i.messages("alice")


def test_one_report_for_all(far):
    _, i = far(replies={"RCPT <x@b.test>": "550 5.1.1 who?",
                        "RCPT <y@b.test>": "550 5.1.1 who?"})
    send(i, {"x@b.test": [], "y@b.test": ["NOTIFY=NEVER"],
             "z@b.test": ["NOTIFY=SUCCESS"], "bob@a.test": ["NOTIFY=SUCCESS"]})
    wait_empty(i)
    r = report(i)
    assert r.actions() == {"x@b.test": "failed", "z@b.test": "relayed",
                           "bob@a.test": "delivered"}
    assert r.subject.startswith("Undelivered")
    assert r.rcpts["x@b.test"]["Diagnostic-Code"] == "smtp; 550 5.1.1 who?"


@pytest.mark.parametrize("mail,text,kind", [
    ([], TEXT, "text/rfc822-headers"),
    (["RET=HDRS"], TEXT, "text/rfc822-headers"),
    (["RET=full"], TEXT, "message/rfc822"),
    (["RET=FULL"], TEXT + "0123456789\r\n" * 6000, "text/rfc822-headers")])
def test_what_comes_back(far, mail, text, kind):
    _, i = far(replies={"RCPT <x@b.test>": "550 5.1.1 who?"})
    send(i, {"x@b.test": []}, mail, text=text)
    wait_empty(i)
    r = report(i)
    assert r.original.get_content_type() == kind
    assert "Subject: x" in r.original.as_string()
    assert ("The text itself." in r.original.as_string()) == \
        (kind == "message/rfc822")


def test_warning_is_sent_once(far):
    s, i = far("warn-after 2s\nbounce-after 1h\n",
               replies={"RCPT": "450 4.7.1 later"})
    send(i, {"x@b.test": [], "y@b.test": ["NOTIFY=DELAY"],
             "z@b.test": ["NOTIFY=FAILURE,SUCCESS"],
             "w@b.test": ["NOTIFY=NEVER"]}, ["RET=FULL"])
    r = report(i)
    assert r.actions() == {"x@b.test": "delayed", "y@b.test": "delayed"}
    x = r.rcpts["x@b.test"]
    assert x["Status"] == "4.7.1"
    assert x["Diagnostic-Code"] == "smtp; 450 4.7.1 later"
    until = email.utils.parsedate_to_datetime(x["Will-Retry-Until"])
    came = email.utils.parsedate_to_datetime(r.message["Arrival-Date"])
    assert (until - came).total_seconds() == 3600
    assert r.original.get_content_type() == "text/rfc822-headers"
    time.sleep(3)
    i.stop()                            # that it was sent is in the file
    i.start()
    before = len(commands(s, "RCPT"))
    wait_for(lambda: len(commands(s, "RCPT")) > before + 8)
    assert len(i.messages("alice")) == 1
    s.replies.clear()
    wait_empty(i)
    i.wait_messages("alice", 2)         # z was relayed


@pytest.mark.parametrize("extra", ["warn-after 0\n", "", "warn-after 1h\n"])
def test_no_warning(far, extra):
    s, i = far(extra, replies={"RCPT": "450 4.7.1 later"})
    send(i, {"x@b.test": []})
    wait_for(lambda: len(commands(s, "RCPT")) > 4)
    assert not i.messages("alice")


@pytest.mark.parametrize("state,action", [(b"R", "relayed"),
                                          (b"D", "delivered")])
def test_a_promised_report_survives_a_crash(far, state, action):
    """Killed when it was taken and marked, but the report not yet written."""
    s, i = far(replies={"RCPT": "450 4.7.1 later"})
    send(i, {"x@b.test": ["NOTIFY=SUCCESS"]})
    i.wait_log("status=deferred")
    i.stop()
    path, = i.spooled()
    data = path.read_bytes()
    assert data.count(b"\nw x@b.test\tNOTIFY=SUCCESS\n") == 1
    path.write_bytes(data.replace(b"\nw x@b", b"\n" + state + b" x@b"))
    s.lines.clear()
    i.start()
    wait_empty(i)
    assert report(i).actions() == {"x@b.test": action}
    assert not commands(s, "RCPT")


def test_a_report_that_cannot_be_written_is_tried_again(far):
    """What is owed stays in the file, and nothing is sent twice meanwhile."""
    s, i = far(replies={"RCPT": ["450 4.7.1 later"]})
    send(i, {"x@b.test": ["NOTIFY=SUCCESS"]})
    i.wait_log("status=deferred")
    (i.dir / "spool" / "tmp").rmdir()
    i.wait_log("report: ")
    path, = i.spooled()
    assert b"\nR x@b.test\t" in path.read_bytes()
    i.wait_log("report: .*(?s:.*)report: ")
    i.stop()
    i.start()
    wait_empty(i)
    assert report(i).actions() == {"x@b.test": "relayed"}
    assert len(s.messages) == 1


def test_sendmail_options(far):
    s, i = far(offers=("DSN",))
    i.run("sendmail", "-f", "alice@a.test", "-N", "success,delay", "-R",
          "hdrs", "-V", "id+2B1", "x@b.test", input=TEXT)
    wait_empty(i)
    assert commands(s, "MAIL") == [
        "MAIL FROM:<alice@a.test> RET=hdrs ENVID=id+2B1"]
    assert commands(s, "RCPT") == ["RCPT TO:<x@b.test> NOTIFY=success,delay"]
    for bad in (("-N", "sometimes"), ("-N", "never,delay"), ("-N", ""),
                ("-R", "body"), ("-V", "a b"), ("-V", "x" * 101)):
        p = i.run("sendmail", *bad, "x@b.test", input=TEXT, check=False)
        assert p.returncode == 64 and bad[0] in p.stderr
    assert len(s.messages) == 1


def test_nothing_forged_gets_into_a_report(far):
    """What would end a line is refused; the rest is shown as it is."""
    _, i = far()
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as c:
        c.ehlo("c")
        assert c.mail("alice@a.test", ["ENVID=x+0D+0AStatus:+202.0.0"])[0] == 501
    send(i, {"x@b.test": ["NOTIFY=SUCCESS", "ORCPT=rfc822;a+20Action:+20failed"]})
    wait_empty(i)
    r = report(i)
    assert r.rcpts["x@b.test"]["Original-Recipient"] == "rfc822; a Action: failed"
    assert not re.search(r"^Action: failed", r.human, re.M)
