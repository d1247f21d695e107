"""Addresses as others see them: masquerade, sender=, SRS, virtual domains."""

import base64
import email
import hashlib
import hmac
import re
import smtplib
import time

import pytest

from fakes import FakeSMTP
from instance import Instance, wait_for

FAST = "retry-first 1s\nretry-most 1s\nrelay-from 127.0.0.0/8\n"
CRON = """From: root (Cron Daemon)
To: root
Subject: Cron <root@router> test -e /root
X-Cron-Env: <LOGNAME=root>

root@router.lan is in the text
"""


def send(i, *rcpts, sender="alice@a.test", message=CRON, **kw):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail(sender, rcpts, message.replace("\n", "\r\n"), **kw)


def wait_empty(i, seconds=15):
    wait_for(lambda: not i.spooled(), seconds)
    time.sleep(0.05)        # a fake host notes a message after its reply


def header(data):
    """The fields behind Received, as octets."""
    head = data.split(b"\r\n\r\n")[0] + b"\r\n"
    return re.sub(rb"(?s)\AReceived:.*?\r\n(?=\S)", b"", head)


def all_to(s, how=""):
    return f"smarthost 127.0.0.1:{s.port} none {how}\n"


def test_cron_on_a_router():
    """root's mail leaves the house as the owner's address, and only there."""
    with FakeSMTP(offers=("8BITMIME", "SIZE")) as s, Instance(
            extra=FAST + all_to(s) + "masquerade root me@provider.example\n"
            "masquerade @router.lan @provider.example\n") as i:
        i.run("sendmail", "-f", "root@a.test", "x@b.test", "alice@a.test",
              input=CRON)
        wait_empty(i)
        (sender, rcpts, data), = s.messages
        assert (sender, rcpts) == ("me@provider.example", ["x@b.test"])
        head = header(data)
        # sendmail keeps no comments where it completes an address
        assert re.match(
            rb"From: me@provider\.example( \(Cron Daemon\))?\r\n"
            rb"To: me@provider\.example\r\n"
            rb"Subject: Cron <root@router> test -e /root\r\n"
            rb"X-Cron-Env: <LOGNAME=root>\r\n", head), head
        assert data.endswith(b"\r\n\r\nroot@router.lan is in the text\r\n")
        assert f" SIZE={len(data)}" in next(
            n for n in s.lines if n.startswith("MAIL"))
        mine = i.wait_messages("alice", 1)[0].read_bytes()
        assert b"provider.example" not in mine
        assert b"Return-Path: <root@a.test>" in mine
        assert "from=<root@a.test> goes as <me@provider.example>" in i.log()


def test_lists_and_what_stays():
    text = ('From: "root@router.lan" <al@router.lan>\n'
            "To: staff: root@router.lan,\n\t=?utf-8?Q?J=C3=B6?= "
            "<jo@router.lan>;, x@b.test\n"
            "Cc: other@b.test (root@router.lan)\n"
            "DKIM-Signature: d=router.lan; i=root@router.lan\n"
            "Reply-To: nobody of note\n\ntext\n")
    want = text.replace("<al@router.lan>", "<al@provider.example>").replace(
        ": root@router.lan,", ": me@provider.example,").replace(
        "<jo@router", "<jo@provider").replace("jo@provider.lan",
                                              "jo@provider.example")
    with FakeSMTP() as s, Instance(
            extra=FAST + all_to(s) +
            "masquerade root@router.lan me@provider.example\n"
            "masquerade @router.lan @provider.example\n") as i:
        send(i, "x@b.test", sender="al@router.lan", message=text)
        wait_empty(i)
        (sender, _, data), = s.messages
        assert sender == "al@provider.example"
        assert data.endswith(want.replace("\n", "\r\n").encode())


def test_nothing_to_change_changes_nothing():
    with FakeSMTP() as s, Instance(
            extra=FAST + all_to(s) + "masquerade @c.test @d.test\n") as i:
        send(i, "x@b.test")
        wait_empty(i)
        (sender, _, data), = s.messages
        assert sender == "alice@a.test"
        assert data.endswith(CRON.replace("\n", "\r\n").encode())


def test_recipient_that_is_not_ours():
    """Its mail goes where the other address leads; a report names the first."""
    with FakeSMTP(offers=("DSN",)) as s, FakeSMTP() as wrong, Instance(
            extra=FAST + f"route provider.example smtp:[127.0.0.1]:{s.port}\n"
            f"route router.lan smtp:[127.0.0.1]:{wrong.port}\n"
            "masquerade root@router.lan me@provider.example\n"
            "masquerade bob@a.test me@provider.example\n") as i:
        send(i, "root@router.lan", "bob@a.test")
        wait_empty(i)
        assert [m[1][0].split(">")[0] for m in s.messages] == [
            "me@provider.example"]
        assert any("ORCPT=rfc822;root@router.lan" in n for n in s.lines)
        assert not wrong.messages
        i.wait_messages("bob", 1)       # ours: it stays here
        s.replies["RCPT"] = "550 5.1.1 who?"
        send(i, "root@router.lan")
        text = i.wait_messages("alice", 1)[0].read_text()
        assert "root@router.lan" in text and "550 5.1.1 who?" in text


def test_tried_again_it_is_the_same():
    with FakeSMTP(replies={"MAIL": ["450 later"], "dot": ["451 later"]}) as s, \
            Instance(extra=FAST + all_to(s) +
                     "masquerade root me@provider.example\n") as i:
        send(i, "x@b.test", "y@b.test", sender="root@a.test")
        send(i, "z@b.test", sender="root@a.test")
        wait_empty(i)
        assert len(s.messages) == 2
        for sender, _, data in s.messages:
            assert sender == "me@provider.example"
            assert data.count(b"From: me@provider.example") == 1
            assert data.count(b"\r\nTo: me@provider.example\r\n") == 1


def test_a_smarthost_that_demands_a_sender():
    with FakeSMTP() as s, Instance(
            extra=FAST + all_to(s, "sender=box@provider.example")) as i:
        send(i, "x@b.test", message="From: Al <alice@a.test>\n\nhi\n")
        send(i, "x@b.test", message="From: Al <alice@a.test>\n"
             "Reply-To: r@a.test\n\nhi\n")
        send(i, "x@b.test", message="From: Box <box@provider.example>\n\nhi\n")
        send(i, "x@b.test", message="Subject: none\n\nhi\n")
        send(i, "x@b.test", sender="", message="From: <MAILER-DAEMON@a.test>\n"
             "\nhi\n")
        wait_empty(i)
        heads = [header(m[2]) for m in sorted(
            s.messages, key=lambda m: re.search(rb"id (\w+)", m[2])[1])]
        assert sorted(m[0] for m in s.messages) == [""] + [
            "box@provider.example"] * 4
        assert heads == [
            b"From: Al <box@provider.example>\r\n"
            b"Reply-To: Al <alice@a.test>\r\n",
            b"From: Al <box@provider.example>\r\nReply-To: r@a.test\r\n"
            b"X-Original-From: Al <alice@a.test>\r\n",
            b"From: Box <box@provider.example>\r\n",
            b"Subject: none\r\nFrom: <box@provider.example>\r\n",
            b"From: <box@provider.example>\r\n"
            b"Reply-To: <MAILER-DAEMON@a.test>\r\n"]


def test_a_header_without_end():
    """Up to a limit it is rewritten; nothing of it is lost."""
    lines = "".join(f"X-{n}: {'x' * 60}\n" for n in range(2000))
    text = f"From: root@a.test\n{lines}To: root@a.test\n\nhi\n"
    with FakeSMTP(offers=("SIZE",)) as s, Instance(
            extra=FAST + all_to(s) +
            "masquerade root me@provider.example\n") as i:
        send(i, "x@b.test", message=text)
        wait_empty(i)
        data = s.messages[0][2]
        assert b"\r\nTo: root@a.test\r\n\r\nhi" in data
        assert data.endswith(text.replace("root@a", "me@provider.example", 1)
                             .replace("example.test", "example", 1)
                             .replace("\n", "\r\n").encode())
        assert f" SIZE={len(data)}" in s.lines[1]
        assert "only 32768 octets are looked at" in i.log()

        # neither is one that grows too much
        send(i, "x@b.test", message="From: root\nTo: " + ",\n ".join(
            ["root"] * 4000) + "\n\nhi\n")
        wait_empty(i)
        assert b"\r\nFrom: root\r\nTo: root,\r\n root," in s.messages[1][2]
        assert "its header stays" in i.log()


# -- SRS

def srs0(i, local, domain, day=None, secret=None):
    """As its page has it; made apart from the program."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    day = int(time.time() / 86400) if day is None else day
    secret = secret or (i.dir / "state" / "srs.secret").read_text().split()[0]
    text = (letters[day // 32 % 32] + letters[day % 32] +
            f"={domain}={local}")
    mac = hmac.new(secret.encode(), text.lower().encode(), hashlib.sha256)
    code = "".join(letters[b % 32] for b in mac.digest()[:5])
    return f"SRS0={code}={text}@a.test"


def rcpt(i, address, sender=""):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.ehlo("c")
        s.mail(sender)
        return s.rcpt(address)


def test_a_report_finds_its_way_back():
    with FakeSMTP() as s, Instance(
            extra="retry-first 1s\nretry-most 1s\nsrs yes\n"
            f"route b.test smtp:[127.0.0.1]:{s.port}\n") as i:
        secret = i.dir / "state" / "srs.secret"
        assert secret.stat().st_mode & 0o777 == 0o600
        good = srs0(i, "Bob", "b.test")
        today = int(time.time() / 86400)
        assert rcpt(i, good)[0] == 250
        assert rcpt(i, good.swapcase())[0] == 250
        assert rcpt(i, good, "x@c.test")[0] == 250
        assert rcpt(i, srs0(i, "bob", "b.test", today - 21))[0] == 250
        for bad in (srs0(i, "bob", "b.test", today - 22),
                    srs0(i, "bob", "b.test", today + 2),
                    srs0(i, "bob", "b.test", secret="x" * 32),
                    good.replace("Bob", "bill"), "SRS0=x@a.test"):
            code, text = rcpt(i, bad)
            assert (code, text[:5]) == (550, b"5.1.1"), bad
        assert rcpt(i, "bob@b.test")[0] == 550      # no relay all the same
        send(i, good, sender="", message="Subject: failed\n\nx\n")
        wait_empty(i)
        (sender, to, _), = s.messages
        assert (sender, to) == ("", ["Bob@b.test"])
        # longer than a local part may be: nobody's are shorter
        far = srs0(i, "bounce+" + "x" * 50, "list.with.a.long.name.test")
        assert rcpt(i, far)[0] == 250
        assert rcpt(i, "alice@a.test", far.replace("a.test", "c.test"))[0] \
            == 250
        # a new secret before the old one: both are good
        secret.write_text("a-new-secret-of-mine\n" + secret.read_text())
        i.stop()
        i.start()
        assert rcpt(i, good)[0] == 250
        assert rcpt(i, srs0(i, "x", "b.test"))[0] == 250


def test_what_an_alias_sends_on():
    """It goes out as ours, once; what comes back goes to who has sent it."""
    with FakeSMTP() as far, FakeSMTP() as home, Instance(
            extra="srs yes\nrelay-from 127.0.0.0/8\n"
            f"route far.test smtp:[127.0.0.1]:{far.port}\n"
            f"route home.test smtp:[127.0.0.1]:{home.port}\n",
            start=False) as i:
        (i.dir / "aliases").write_text(
            "alice: al@far.test\nbob: bob@far.test, b@far.test\n")
        i.start()
        send(i, "alice@a.test", sender="Carl@home.test")
        send(i, "bob@a.test", sender="carl@home.test")
        send(i, "alice@a.test", sender="bob@a.test")
        send(i, "alice@a.test", sender="")
        send(i, "x@far.test", sender="carl@home.test")
        send(i, "alice@a.test", sender="SRS0=abc=de=q.test=w@other.test")
        wait_empty(i)
        got = {(m[1][0], m[0]) for m in far.messages}
        mine = {(r, s[:5]) for r, s in got}
        assert mine == {("al@far.test", "SRS0="), ("bob@far.test", "SRS0="),
                        ("al@far.test", "bob@a"), ("al@far.test", ""),
                        ("x@far.test", "carl@"), ("al@far.test", "SRS1=")}
        for (_, sender) in got:
            if not sender.startswith("SRS"):
                continue
            assert sender.endswith("@a.test")
            assert rcpt(i, sender)[0] == 250
            if sender.startswith("SRS0="):
                send(i, sender, sender="", message="Subject: failed\n\nx\n")
        wait_for(lambda: len(home.messages) == 2)
        assert sorted(m[1][0] for m in home.messages) == [
            "Carl@home.test", "carl@home.test"]
        first, = [s for r, s in got if s.startswith("SRS1=")]
        assert "=other.test==abc=de=q.test=w@a.test" in first
        # our own report goes to who has sent it, and names what he knows
        far.replies["RCPT"] = "550 5.1.1 who?"
        send(i, "alice@a.test", sender="dora@home.test")
        wait_for(lambda: len(home.messages) == 3)
        assert home.messages[2][1] == ["dora@home.test"]
        assert b"rfc822; alice@a.test" in home.messages[2][2]


def test_a_secret_that_others_may_read():
    with Instance(extra="srs yes\n") as i:
        i.stop()
        (i.dir / "state" / "srs.secret").chmod(0o644)
        p = i.run("queue", "-f", "-C", str(i.conf), check=False)
        assert p.returncode == 78 and "others may read it" in p.stderr


# -- whose an address is

VIRTUAL = """domain b.test
domain old.test
virtual @old.test @a.test
virtual @b.test alice
virtual info@b.test bob@a.test
virtual sales@b.test info@b.test
virtual @b.test @a.test
recipient-delimiter -
"""


def test_virtual_domains():
    with Instance(extra=VIRTUAL + FAST) as i:
        for to, user in (("bob@old.test", "bob"), ("info@b.test", "bob"),
                         ("INFO-x@b.test", "bob"), ("sales@b.test", "bob"),
                         ("who@b.test", "alice"), ("bob@b.test", "bob"),
                         ("alice-lists@a.test", "alice")):
            n = len(i.messages(user))
            send(i, to, message="Subject: x\n\nx\n")
            path, = set(i.wait_messages(user, n + 1)) - set(
                i.messages(user)[:0]) if not n else [max(
                    i.wait_messages(user, n + 1),
                    key=lambda p: p.stat().st_mtime_ns)]
            m = email.message_from_bytes(path.read_bytes())
            assert m["Delivered-To"] == f"{user}@a.test"
            assert m["X-Original-To"] == to
        for to in ("who@old.test", "who@a.test", "alice+lists@a.test",
                   "info@a.test"):
            assert rcpt(i, to)[0] == 550, to


def test_one_address_is_sent_on():
    """To another host, or to an alias; whatever is near it is not."""
    with FakeSMTP() as far, Instance(
            extra=FAST + f"route far.test smtp:[127.0.0.1]:{far.port}\n"
            "domain b.test\nvirtual info@b.test me@far.test\n"
            "virtual team@b.test crew\nvirtual sales@b.test info@b.test\n"
            "virtual boss@b.test alice\n", start=False) as i:
        (i.dir / "aliases").write_text(
            "info: bob\ncrew: alice, you@far.test\nalice+x: nobody\n"
            "boss: bob\n")
        i.start()
        send(i, "info@b.test", "team@b.test", "boss@b.test")
        wait_empty(i)
        assert sorted(r for m in far.messages for r in m[1]) == [
            "me@far.test", "you@far.test"]
        tos = sorted(email.message_from_bytes(p.read_bytes())["X-Original-To"]
                     or "alice" for p in i.wait_messages("alice", 2))
        assert tos[1] == "boss@b.test"
        send(i, "info@a.test")
        i.wait_messages("bob", 1)
        assert rcpt(i, "sales@b.test")[0] == 550
        # with a detail the line is not for it, but the alias of all domains
        send(i, "info+x@b.test")
        i.wait_messages("bob", 2)


def test_two_people_of_one_name():
    with Instance(users=(), extra="domain b.test\n" + FAST) as i:
        for domain in ("a.test", "b.test"):
            i.run("mailuser", "add", f"sam@{domain}", input="sam-pw\n")
            send(i, f"sam@{domain}", message=f"Subject: {domain}\n\nx\n")
        for domain in ("a.test", "b.test"):
            box = i.dir / "mail" / domain / "sam" / "new"
            path, = wait_for(lambda: list(box.glob("*")))
            assert f"Subject: {domain}\n" in path.read_text()


def test_who_gets_the_rest_may_send_as_them():
    with Instance(extra=VIRTUAL + FAST) as i:
        def mail(user, sender):
            with smtplib.SMTP("127.0.0.1", i.port["submission"]) as s:
                s.ehlo("c")
                s.starttls()
                s.login(f"{user}@a.test", f"{user}-pw")
                return s.mail(sender)[0]

        assert mail("alice", "anybody@b.test") == 250
        assert mail("bob", "anybody@b.test") == 553
        assert mail("bob", "info@b.test") == 250
        assert mail("alice", "info@b.test") == 553


@pytest.mark.parametrize("line,why", [
    ("virtual @c.test alice", "no domain of ours"),
    ("virtual @a.test me@provider.example", "no domain of ours"),
    ("virtual alice bob", "is neither ADDRESS nor @DOMAIN"),
    ("masquerade root me", "is neither ADDRESS nor @DOMAIN"),
    ("masquerade root @", "is neither ADDRESS nor @DOMAIN"),
    ("masquerade a@b@c.test me@d.test", "is neither ADDRESS, @DOMAIN nor USER"),
    ("smarthost h.test sender=@a.test", "is no ADDRESS"),
    ("recipient-delimiter x", "nor none"),
    ("srs-domain c.test", "no domain of ours")])
def test_lines_that_are_wrong(tmp_path, line, why):
    conf = tmp_path / "conf"
    conf.write_text(f"domain a.test\nhostname mail.a.test\n{line}\n")
    with Instance(start=False) as i:
        p = i.run("mailconf", "-C", str(conf), check=False)
        assert p.returncode == 78 and why in p.stdout + p.stderr
