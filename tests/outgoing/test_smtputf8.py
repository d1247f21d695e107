"""Addresses in all scripts, from the first server to the mailbox (RFC 6531-6533)."""

import base64
import email
import email.policy
import poplib
import smtplib
import ssl
import subprocess

import pytest

from fakes import FakeDNS, FakeSMTP
from instance import Instance, wait_for

JOERG, ASCII = "jörg@bücher.example", "jörg@xn--bcher-kva.example"
FAST = "retry-first 1s\nretry-most 1s\nrelay-from 127.0.0.0/8\n"
TEXT = "Subject: x\r\n\r\nbody\r\n"
GREETING = "Subject: Grüße\r\nFrom: Jörg <jörg@bücher.example>\r\n\r\nbody\r\n"


@pytest.fixture(scope="module", params=["bücher.example",
                                        "xn--bcher-kva.example"])
def books(request):
    """Either form in the configuration makes both local."""
    with Instance(users=("alice",), extra=f"domain {request.param}\n"
                  "auth-without-tls yes\n") as i:
        i.run("mailuser", "add", JOERG, input="pw\n")
        yield i


def box(i):
    return i.dir / "mail" / "xn--bcher-kva.example" / "jörg"


def client(i, service="smtp"):
    s = smtplib.SMTP("127.0.0.1", i.port[service], timeout=20)
    s.ehlo("c")
    assert s.has_extn("smtputf8") and s.has_extn("8bitmime")
    return s


def send(i, sender, rcpts, text=TEXT, options=("SMTPUTF8",), rcpt_options=()):
    with client(i) as s:
        refused = s.sendmail(sender, rcpts, text.encode(), list(options),
                             list(rcpt_options))
    assert not refused


def wire(lines):
    return [line.encode("latin-1").decode() for line in lines]


def commands(server, *verbs):
    return [x for x in wire(server.lines) if x.startswith(verbs)]


def wait_empty(i, seconds=15):
    wait_for(lambda: not i.spooled(), seconds)


# -- local users ------------------------------------------------------------

def test_smtplib_to_pop3(books):
    before = len(list(box(books).glob("new/*")))
    m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    m["From"], m["To"], m["Subject"] = "用户@例え.example", JOERG, "Grüße"
    m.set_content("Schöne Grüße\n")
    with client(books) as s:
        s.send_message(m)       # says SMTPUTF8 by itself
    wait_for(lambda: len(list(box(books).glob("new/*"))) == before + 1)
    pop = poplib.POP3("127.0.0.1", books.port["pop3"], timeout=20)
    pop.encoding = "UTF-8"
    pop.utf8()                  # without it there is a surrogate (RFC 6858)
    pop.user(JOERG)
    pop.pass_("pw")
    count, _ = pop.stat()
    data = b"\r\n".join(pop.retr(count)[1])
    pop.quit()
    got = email.message_from_bytes(data, policy=email.policy.SMTPUTF8)
    assert got["Subject"] == "Grüße" and got["To"] == JOERG
    assert " with UTF8SMTP " in " ".join(got["Received"].split())
    assert "Return-Path: <用户@例え.example>".encode() in data
    assert got.get_content().strip() == "Schöne Grüße"


@pytest.mark.parametrize("to", [JOERG, ASCII, "JöRG@BÜCHER.example",
                                "jörg+x@Bücher.Example"])
def test_all_forms_are_one_mailbox(books, to):
    before = len(list(box(books).glob("new/*")))
    send(books, "x@c.example", [to])
    wait_for(lambda: len(list(box(books).glob("new/*"))) == before + 1)
    # a local part is compared octet by octet, but for the case of ASCII
    with client(books) as s:
        s.mail("x@c.example", ["SMTPUTF8"])
        assert s.rcpt("jÖrg@bücher.example")[0] == 550


def test_login_and_own_sender(books):
    with client(books, "submission") as s:
        s.docmd("AUTH PLAIN", base64.b64encode(
            f"\0{ASCII}\0pw".encode()).decode())
        assert s.mail(JOERG, ["SMTPUTF8"])[0] == 250
        assert s.rcpt(JOERG)[0] == 250
        before = len(list(box(books).glob("new/*")))
        assert s.data(b"Subject: own\r\n\r\nx\r\n")[0] == 250
        assert s.mail("alice@a.test")[0] == 553
    wait_for(lambda: len(list(box(books).glob("new/*"))) == before + 1)
    newest = max(box(books).glob("new/*"), key=lambda p: p.stat().st_mtime_ns)
    assert b"UTF8SMTPA" in newest.read_bytes()
    # RFC 6409 8.3; the domain in the form that needs SMTPUTF8 least
    assert f"From: <{ASCII}>".encode() in newest.read_bytes()


def test_tls_in_received(books):
    context = ssl._create_unverified_context()
    before = len(list(box(books).glob("new/*")))
    with client(books, "smtp") as s:
        s.starttls(context=context)
        s.ehlo("c")
        s.sendmail("x@c.example", [JOERG], TEXT, ["SMTPUTF8"])
    wait_for(lambda: len(list(box(books).glob("new/*"))) == before + 1)
    assert any(b"with UTF8SMTPS" in p.read_bytes()
               for p in box(books).glob("new/*"))


def test_mailuser(books):
    assert JOERG in books.run("mailuser", "list").stdout.split()
    assert books.run("mailuser", "list", "BÜCHER.example").stdout == \
        JOERG + "\n"
    assert books.run("mailuser", "list", "xn--bcher-kva.example").stdout == \
        JOERG + "\n"
    p = books.run("mailuser", "add", ASCII, input="x\n", check=False)
    assert p.returncode != 0 and "exists" in p.stderr
    for bad in ("j\x85@bücher.example", "jörg@b cher.example",
                "jörg/@bücher.example", "jörg@bücher。example"):
        p = books.run("mailuser", "add", bad, input="x\n", check=False)
        assert p.returncode != 0, bad
    books.run("mailuser", "add", "zoë@BÜCHER.example", input="x\n")
    books.run("mailuser", "passwd", "ZOë@xn--bcher-kva.example", input="y\n")
    books.run("mailuser", "del", "zoë@xn--bcher-kva.example")
    assert "zoë" not in books.run("mailuser", "list").stdout


def test_mail_and_sendmail(books):
    """They ask for SMTPUTF8 by themselves."""
    before = len(list(box(books).glob("new/*")))
    books.run("mail", "-s", "Grüße", JOERG, input="hello\n")
    books.run("sendmail", "-t", input=f"From: Zoë <zoë@c.example>\n"
              f"To: Jörg <{JOERG}>\nSubject: two\n\nx\n")
    books.run("sendmail", "-f", "zoë@c.example", ASCII,
              input="Subject: three\n\nx\n")
    wait_for(lambda: len(list(box(books).glob("new/*"))) == before + 3)
    texts = [p.read_text() for p in box(books).glob("new/*")]
    assert any(f"To: {ASCII}" in t and "Subject: =?UTF-8?B?" in t
               for t in texts)
    assert any(f"To: Jörg <{JOERG}>" in t and "Subject: two" in t
               for t in texts)
    assert any("Return-Path: <zoë@c.example>" in t and "three" in t
               for t in texts)
    p = books.run("mail", "-u", JOERG, "-H", check=False)
    assert "two" in p.stdout, (p.stdout, p.stderr)
    p = books.run("sendmail", b"j\xf6rg@c.example", input="\nx\n", check=False)
    assert p.returncode != 0


# -- other hosts ------------------------------------------------------------

@pytest.fixture
def far():
    """far(offers) -> (server for bücher.example and b.test, Instance)"""
    opened = []

    def make(*offers, extra="", kind="smtp", **kw):
        s = FakeSMTP(offers=offers, lmtp=kind == "lmtp", **kw)
        i = Instance(users=("alice",), extra=FAST + extra +
                     f"route bücher.example {kind}:[127.0.0.1]:{s.port}\n"
                     f"route b.test {kind}:[127.0.0.1]:{s.port}\n")
        i.run("mailuser", "add", "zoë@a.test", input="pw\n")
        opened.extend((s, i))
        return s, i
    yield make
    for thing in reversed(opened):
        thing.close()


def test_passed_on(far):
    s, i = far("SMTPUTF8", "8BITMIME", "DSN")
    send(i, "zoë@a.test", [JOERG], GREETING, ["SMTPUTF8", "BODY=8BITMIME"],
         ["ORCPT=utf-8;jörg@bücher.example"])
    wait_empty(i)
    assert commands(s, "MAIL", "RCPT") == [
        "MAIL FROM:<zoë@a.test> BODY=8BITMIME SMTPUTF8",
        f"RCPT TO:<{JOERG}> ORCPT=utf-8;jörg@bücher.example"]
    assert "Subject: Grüße\r\n".encode() in s.messages[0][2]


def test_not_said_without_need(far):
    s, i = far("SMTPUTF8")
    send(i, "alice@a.test", ["x@b.test"])
    wait_empty(i)
    assert commands(s, "MAIL") == ["MAIL FROM:<alice@a.test>"]


def test_header_alone_needs_it(far):
    s, i = far("SMTPUTF8")
    send(i, "alice@a.test", ["x@b.test"], GREETING)
    wait_empty(i)
    assert commands(s, "MAIL") == ["MAIL FROM:<alice@a.test> SMTPUTF8"]


def test_a_domain_has_another_form(far):
    """Nothing but domains is not ASCII: any host can have it."""
    s, i = far("8BITMIME", "DSN")
    send(i, "joe@schön.example", ["joe@BÜCHER.example"], TEXT, ["SMTPUTF8"],
         ["ORCPT=utf-8;joe@bücher.example"])
    wait_empty(i)
    assert commands(s, "MAIL", "RCPT") == [
        "MAIL FROM:<joe@xn--schn-7qa.example>",
        "RCPT TO:<joe@xn--bcher-kva.example> "
        r"ORCPT=utf-8;joe@b\x{FC}cher.example"]
    # what we add to the header does not spoil it
    assert s.messages[0][2].isascii()


class Report:
    def __init__(self, path):
        self.data = path.read_bytes()
        m = email.message_from_bytes(self.data, policy=email.policy.SMTPUTF8)
        assert m.get_content_type() == "multipart/report"
        assert m["Return-Path"] == "<>"
        human, status, original = m.get_payload()
        self.types = [p.get_content_type() for p in (human, status, original)]
        self.human = human.get_payload(decode=True).decode()
        self.text = self.data.decode()


def bounce(i, user):
    path = i.dir / "mail" / "a.test" / user
    wait_for(lambda: list(path.glob("new/*")))
    found, = path.glob("new/*")
    return Report(found)


GLOBAL = ["text/plain", "message/global-delivery-status",
          "message/global-headers"]
PLAIN = ["text/plain", "message/delivery-status", "text/rfc822-headers"]


@pytest.mark.parametrize("kind", ["smtp", "lmtp"])
def test_a_local_part_has_none(far, kind):
    """RFC 6531 3.2: it comes back, to a sender in UTF-8 as RFC 6533 says."""
    s, i = far(kind=kind)
    send(i, "zoë@a.test", [JOERG], GREETING)
    wait_empty(i)
    r = bounce(i, "zoë")
    assert not s.messages and not commands(s, "MAIL")
    assert r.types == GLOBAL
    assert f"Final-Recipient: utf-8; {JOERG}\n" in r.text
    assert "\nStatus: 5.6.7\n" in r.text and "To: <zoë@a.test>\n" in r.text
    assert "Subject: Grüße\n" in r.text and JOERG in r.human


def test_recipients_differ(far):
    s, i = far("DSN")
    send(i, "alice@a.test", [JOERG, "joe@bücher.example", "x@b.test"], TEXT,
         ["SMTPUTF8"], [r"ORCPT=utf-8;j\x{F6}rg@b.test"])
    wait_empty(i)
    assert [x.split(" ")[1] for x in commands(s, "RCPT")] == [
        "TO:<joe@xn--bcher-kva.example>", "TO:<x@b.test>"]
    r = bounce(i, "alice")
    assert r.types == GLOBAL and "\nStatus: 5.6.7\n" in r.text
    assert "Original-Recipient: utf-8; jörg@b.test\n" in r.text
    assert "To: <alice@a.test>\n" in r.text


def test_octets_as_xtext(far):
    """What Postfix makes of an address: ORCPT=rfc822;j+C3+B6rg@..."""
    s, i = far(replies={"RCPT <x@b.test>": "550 5.1.1 who?"})
    send(i, "alice@a.test", ["x@b.test"], TEXT, ["SMTPUTF8"],
         ["ORCPT=rfc822;j+C3+B6rg@b.test"])
    wait_empty(i)
    r = bounce(i, "alice")
    assert "Original-Recipient: utf-8; j\\x{F6}rg@b.test\n" in r.text


def test_the_whole_comes_back(far):
    s, i = far()
    send(i, "zoë@a.test", [JOERG], GREETING, ["SMTPUTF8", "RET=FULL"])
    r = bounce(i, "zoë")
    assert r.types == GLOBAL[:2] + ["message/global"]
    assert "\n\nbody\n" in r.text


def test_delivered(books):
    before = len(list(box(books).glob("new/*")))
    send(books, JOERG, ["alice@a.test"], TEXT, ["SMTPUTF8"],
         ["NOTIFY=SUCCESS", r"ORCPT=utf-8;al\x{EE}ce@a.test"])
    wait_for(lambda: len(list(box(books).glob("new/*"))) == before + 1)
    r, = [r for r in map(Report, [p for p in box(books).glob("new/*")
                                  if b"multipart/report" in p.read_bytes()])]
    assert r.types == GLOBAL and "Action: delivered" in r.text
    assert "Original-Recipient: utf-8; alîce@a.test\n" in r.text


@pytest.mark.parametrize("to", [JOERG, ASCII])
def test_deliver_command(books, to):
    before = len(list(box(books).glob("new/*")))
    books.run("deliver", "-f", "zoë@c.example", "-d", to, input=TEXT)
    assert len(list(box(books).glob("new/*"))) == before + 1
    assert books.run("deliver", "-d", "nö@bücher.example", input=TEXT,
                     check=False).returncode == 67


def test_header_comes_back(far):
    s, i = far()
    send(i, "alice@a.test", ["x@b.test"], GREETING)
    wait_empty(i)
    r = bounce(i, "alice")
    assert not s.messages and r.types == GLOBAL
    assert "Final-Recipient: rfc822; x@b.test\n" in r.text
    assert "\nStatus: 5.6.9\n" in r.text


def test_who_did_not_ask_is_as_ever(far):
    """Raw octets in a header, no SMTPUTF8: passed on, reported on in ASCII."""
    s, i = far(replies={"RCPT <y@b.test>": "550 5.1.1 who?"})
    send(i, "alice@a.test", ["x@b.test"], GREETING, [])
    wait_empty(i)
    assert len(s.messages) == 1
    send(i, "alice@a.test", ["y@b.test"], TEXT, ["SMTPUTF8"],
         [r"ORCPT=utf-8;j\x{F6}rg@b.test"])
    wait_empty(i)
    r = bounce(i, "alice")
    assert r.types == PLAIN
    assert "Original-Recipient: utf-8; j\\x{F6}rg@b.test\n" in r.text


def test_report_to_a_domain_goes_anywhere(far):
    """The report's own address needs SMTPUTF8 only for its local part."""
    s, i = far(replies={"RCPT <x@b.test>": "550 5.1.1 who?"})
    send(i, "joe@bücher.example", ["x@b.test"])
    wait_empty(i)
    sender, rcpts, data = s.messages[0]
    assert (sender, rcpts) == ("", ["joe@xn--bcher-kva.example"])
    assert b"To: <joe@xn--bcher-kva.example>\r\n" in data


def test_report_in_utf8_travels(far):
    s, i = far("SMTPUTF8", "8BITMIME",
               replies={"RCPT <x@b.test>": "550 5.1.1 who?"})
    send(i, JOERG, ["x@b.test"])
    wait_empty(i)
    assert commands(s, "MAIL FROM:<> ") == \
        ["MAIL FROM:<> BODY=8BITMIME SMTPUTF8"]
    assert wire(s.messages[0][1]) == [JOERG]


def test_dns_is_asked_for_a_labels():
    zone = {("xn--bcher-kva.example", "MX"): [(1, "mx.c.example")],
            ("mx.c.example", "A"): ["127.0.0.1"]}
    with FakeDNS(zone) as dns, \
            Instance(extra=FAST + f"nameserver 127.0.0.1:{dns.port}\n",
                     omit=("nameserver",)) as i:
        send(i, "alice@a.test", ["joe@bücher.example", ASCII])
        wait_for(lambda: ("mx.c.example", "A") in dns.asked)
        assert dns.asked[0] == ("xn--bcher-kva.example", "MX")
        assert all(name.isascii() for name, _ in dns.asked)
        # one domain, so it was asked for once
        assert dns.asked.count(("xn--bcher-kva.example", "MX")) == 1


def test_the_spool_keeps_it(far):
    s, i = far("SMTPUTF8", replies={"RCPT": ["450 4.7.1 later"]})
    send(i, "alice@a.test", ["x@b.test"], GREETING)
    i.wait_log("status=deferred")
    path, = i.spooled()
    assert b"\nflags -u\n" in path.read_bytes()
    i.stop()
    i.start()
    wait_empty(i)
    assert commands(s, "MAIL")[-1] == "MAIL FROM:<alice@a.test> SMTPUTF8"


def test_swaks(books):
    before = len(list(box(books).glob("new/*")))
    p = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{books.port['smtp']}", "--ehlo", "c",
         "--from", "zoë@c.example",
         "--to", JOERG, "--body", "x"], stdout=subprocess.PIPE, text=True)
    # swaks knows no SMTPUTF8: it is told why
    assert "550 5.6.7" in p.stdout and p.returncode != 0
    assert len(list(box(books).glob("new/*"))) == before
