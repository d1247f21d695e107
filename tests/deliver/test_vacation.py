"""vacation (RFC 3834): who is answered, how often, with what."""

import email
import email.policy
import re
import time

import pytest

from instance import wait_for
from people import TEXT, House, needs_root

pytestmark = needs_root


@pytest.fixture(scope="module")
def house():
    h = House("bob", "ann", extra="vacation all\n",
              users=("alice", "eve"))
    h.put("bob", ".vacation", "I am away until Monday.\n")
    yield h
    print(h.log()[-6000:])
    h.close()


def answers(h):
    return [m for m in h.world.messages if b"auto-replied" in m[2]]


def quiet(h, n):
    """All is done, and so many answers were sent."""
    wait_for(lambda: not h.spooled())
    assert len(answers(h)) == n


def parse(m):
    return email.message_from_bytes(m[2].replace(b"\r\n", b"\n"),
                                    policy=email.policy.default)


def test_an_answer(house):
    h, before = house, len(answers(house))
    h.send("bob@a.test", subject="Lunch", sender="a1@b.test",
           more="References: <0@b.test>\r\n")
    wait_for(lambda: len(answers(h)) > before)
    wait_for(lambda: h.mbox("bob"))
    sender, rcpts, data = answers(h)[-1]
    assert sender == "" and rcpts == ["a1@b.test"]
    m = parse(answers(h)[-1])
    assert m["From"] == "Bob Test <bob@a.test>"
    assert m["To"] == "a1@b.test"
    assert m["Subject"] == "Auto: Lunch"
    assert m["Auto-Submitted"] == "auto-replied"
    assert m["In-Reply-To"] == "<Lunch@b.test>"
    assert m["References"] == "<0@b.test> <Lunch@b.test>"
    assert m["Date"] and m["Message-ID"]
    assert m.get_content() == "I am away until Monday.\n"
    # once a week, however the address is written
    h.send("bob@a.test", sender="a1@b.test")
    h.send("bob@a.test", sender="A1@B.test")
    h.send("bob@a.test", sender="a2@b.test")
    wait_for(lambda: len(answers(h)) == before + 2)
    quiet(h, before + 2)
    seen = h.home["bob"] / ".vacation.seen"
    assert re.fullmatch(r"([0-9a-f]{16} \d{10}\n){2,}", seen.read_text())
    assert seen.stat().st_mode & 0o777 == 0o600
    assert seen.stat().st_uid == h.home["bob"].stat().st_uid


NOBODY = {
    "null sender": {"sender": ""},
    "daemon": {"sender": "MAILER-DAEMON@b.test"},
    "owner": {"sender": "owner-list@b.test"},
    "request": {"sender": "list-request@b.test"},
    "noreply": {"sender": "noreply@b.test"},
    "no-reply": {"sender": "News-No-Reply@b.test"},
    "verp": {"sender": "list-bounces+bob=a.test@b.test"},
    "himself": {"sender": "bob@a.test"},
    "auto": {"more": "Auto-Submitted: auto-generated\r\n"},
    "auto2": {"more": "auto-submitted: auto-replied; owner-email=x@y\r\n"},
    "auto3": {"more": "Auto-Submitted:\r\n"},
    "bulk": {"more": "Precedence: Bulk\r\n"},
    "list": {"more": "Precedence: list\r\n"},
    "junk": {"more": "Precedence: junk (really)\r\n"},
    "list-id": {"more": "List-Id: <l.b.test>\r\n"},
    "list-unsubscribe": {"more": "LIST-UNSUBSCRIBE: <mailto:l@b.test>\r\n"},
    "outlook": {"more": "X-Auto-Response-Suppress: OOF\r\n"},
    "spam": {"more": "X-Spam-Flag: YES\r\n"},
    "report": {"more": "Content-Type: multipart/report; boundary=x\r\n"},
    "not to him": {"text": TEXT.replace("bob@", "all@").format(
        subject="s", more="")},
    "only in a name": {"text": TEXT.replace(
        "To: bob@a.test", "To: \"bob@a.test\" <all@b.test>").format(
        subject="s", more="")},
}


@pytest.mark.parametrize("case", NOBODY)
def test_no_answer(house, case):
    h, n, had = house, len(answers(house)), len(house.mbox("bob"))
    kw = dict({"sender": f"n{abs(hash(case))}@b.test"}, **NOBODY[case])
    h.send("bob@a.test", **kw)
    wait_for(lambda: len(h.mbox("bob")) == had + 1)
    quiet(h, n)
    assert "bob: no answer to <" in h.log()


SOMEBODY = {
    "cc": {"text": TEXT.replace("To:", "To: all@b.test\r\nCC: x@y.test,\r\n\t"
                                "Bob <BOB@A.test>\r\nX:").format(
                                    subject="s", more="")},
    "group": {"text": TEXT.replace("To: bob@a.test", "To: us: x@b.test, "
                                   "bob@a.test;").format(subject="s", more="")},
    "detail": {"rcpt": "bob+x@a.test", "text": TEXT.replace(
        "bob@", "bob+x@").format(subject="s", more="")},
    "no": {"more": "Auto-Submitted: no (it is me)\r\n"},
    "first-class": {"more": "Precedence: first-class\r\n"},
}


@pytest.mark.parametrize("case", SOMEBODY)
def test_answer(house, case):
    h, n = house, len(answers(house))
    kw = dict({"sender": f"y{abs(hash(case))}@b.test"}, **SOMEBODY[case])
    h.send(kw.pop("rcpt", "bob@a.test"), **kw)
    wait_for(lambda: len(answers(h)) == n + 1)


def test_fields_of_the_file(house):
    h, n = house, len(answers(house))
    h.put("ann", ".vacation", "Subject: Grüße ($SUBJECT)\n"
          "Address: old@c.test, ann2@c.test\nDays: 1\n\nBin weg: bis Montag.\n"
          "Köln\n")
    h.send("ann@a.test", sender="f@b.test", text=TEXT.replace(
        "bob@a.test", "Old@C.test").format(
            subject="=?utf-8?q?=C3=A4h=0A=0DBcc:_x?=", more=""))
    wait_for(lambda: len(answers(h)) == n + 1)
    data = answers(h)[-1][2]
    m = parse(answers(h)[-1])
    assert m["Subject"] == "Grüße (äh  Bcc: x)" and m["Bcc"] is None
    assert m.get_content() == "Bin weg: bis Montag.\nKöln\n"
    assert data.isascii()
    h.send("ann@a.test", sender="f2@b.test", text=TEXT.replace(
        "bob@a.test", "ann@a.test").format(subject="=?utf-8?q?=C3=A4h?=",
                                           more=""))
    wait_for(lambda: len(answers(h)) == n + 2)
    assert parse(answers(h)[-1])["Subject"] == "Grüße (äh)"


def test_as_ever(house):
    """"|vacation USER" in .forward, the text in .vacation.msg."""
    h, n, had = house, len(answers(house)), len(house.mbox("ann"))
    (h.home["ann"] / ".vacation").unlink(missing_ok=True)
    h.put("ann", ".vacation.msg", "From: ann@a.test\nSubject: away\n"
          "Precedence: bulk\n\nAway.\n")
    h.put("ann", ".forward", "\\ann, \"|vacation -a annie@c.test ann\"\n")
    h.send("ann@a.test", sender="v@b.test", text=TEXT.replace(
        "bob@a.test", "annie@c.test").format(subject="s", more=""))
    wait_for(lambda: len(answers(h)) == n + 1 and
             len(h.mbox("ann")) == had + 1)
    m = parse(answers(h)[-1])
    assert m["Subject"] == "away" and m["Precedence"] is None
    assert m.get_content() == "Away.\n"
    (h.home["ann"] / ".forward").unlink()
    h.send("ann@a.test", sender="v2@b.test")
    quiet(h, n + 1)


def test_virtual_user(house):
    h, n = house, len(answers(house))
    box = h.maildir("alice")
    (box / "vacation").write_text("Away.\n")
    (box / "vacation").chmod(0o644)
    h.send("alice@a.test", "eve@a.test", sender="w@b.test", text=TEXT.replace(
        "bob@a.test", "alice@a.test, eve@a.test").format(subject="s", more=""))
    wait_for(lambda: len(answers(h)) == n + 1)
    assert parse(answers(h)[-1])["From"] == "alice@a.test"
    h.wait_messages("alice", 1)
    h.wait_messages("eve", 1)
    h.send("alice@a.test", sender="w@b.test")
    h.wait_messages("alice", 2)
    quiet(h, n + 1)


def test_two_of_us_away(house):
    """They do not answer each other's answers."""
    h, n = house, len(answers(house))
    h.put("ann", ".vacation", "Away, too.\n")
    had = len(h.mbox("ann"))
    h.send("bob@a.test", sender="ann@a.test", text=TEXT.format(
        subject="s", more=""))
    wait_for(lambda: len(h.mbox("ann")) == had + 1)
    quiet(h, n)


def test_many_senders(house):
    """The file does not grow for ever: the oldest makes room."""
    h = house
    seen = h.home["bob"] / ".vacation.seen"
    now = int(time.time())
    seen.write_text("".join(f"{n:016x} {now - n:010d}\n" for n in range(500)))
    n = len(answers(h))
    h.send("bob@a.test", sender="m@b.test")
    wait_for(lambda: len(answers(h)) == n + 1)
    wait_for(lambda: f"{499:016x}" not in seen.read_text())
    assert len(seen.read_text().splitlines()) == 500
    h.send("bob@a.test", sender="m@b.test")
    quiet(h, n + 1)
    # a file of somebody else's is not written to
    seen.unlink()
    seen.symlink_to("/etc/hosts")
    h.send("bob@a.test", sender="m2@b.test")
    wait_for(lambda: "no answer to <m2@b.test>" in h.log())
    quiet(h, n + 1)
