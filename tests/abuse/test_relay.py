"""What open-relay testers try: none of it relays, what is ours is taken.

The tricks are those of abuse.net's and nmap's testers and of the test suites
of Postfix, OpenSMTPD and Exim. c.example is a stranger's domain, a.test ours.
"""

import base64
import smtplib
import socket
import ssl

import pytest

from instance import Instance
from strangers import Stranger

NOVERIFY = ssl._create_unverified_context()

# Paths, as they stand behind RCPT TO:
TRICKS = [
    "<cary@c.example>", "<CARY@C.EXAMPLE>", "<cary@c.example.>",
    # percent hack
    "<cary%c.example>", "<cary%c.example@a.test>", "<cary%c.example@a.test.>",
    "<cary%c.example@A.TEST>", "<cary%c.example@mail.a.test>",
    "<cary%c.example@[127.0.0.1]>", "<cary%c.example%a.test@a.test>",
    "<%c.example@a.test>", "<cary%@a.test>", "<postmaster%c.example@a.test>",
    "<postmaster%c.example>", "<alice%a.test@c.example>",
    # bang paths
    "<c.example!cary>", "<c.example!cary@a.test>", "<!cary@a.test>",
    "<c.example!cary@[127.0.0.1]>", "<a.test!cary@c.example>",
    "<a.test!c.example!cary@a.test>", "<c.example!cary%c.example@a.test>",
    # an @ in quotes, quotes in quotes
    '<"cary@c.example">', '<"cary@c.example"@a.test>',
    '<"cary@c.example"@[127.0.0.1]>', '<"cary@c.example"[127.0.0.1]>',
    '<"cary%c.example">', '<"cary%c.example"@a.test>',
    '<"c.example!cary"@a.test>', '<"cary\\@c.example"@a.test>',
    '<"\\"cary@c.example\\""@a.test>', '<"\\"cary\\"@c.example"@a.test>',
    '<""cary@c.example""@a.test>', '<"cary@c.example\\"@a.test>',
    '<cary\\@c.example@a.test>', '<"<cary@c.example>"@a.test>',
    '<"alice@a.test"@c.example>', '<"cary"@c.example>', '<""@c.example>',
    # more than one @
    "<cary@c.example@a.test>", "<cary@a.test@c.example>",
    "<alice@a.test@c.example>", "<cary@@c.example>", "<@c.example>",
    # source routes
    "<@a.test:cary@c.example>", "<@a.test,@b.example:cary@c.example>",
    "<@[127.0.0.1]:cary@c.example>", "<@a.test:@c.example:cary@c.example>",
    "<@a.test:cary%c.example@a.test>", "<@c.example:cary@a.test>",
    "<@a.test:c.example!cary@a.test>", '<@a.test:"cary@c.example"@a.test>',
    "<@a.test:>", "<@a.test@c.example:cary>",
    # addresses and what may be taken for one
    "<cary@[192.0.2.77]>", "<cary@192.0.2.77>", "<cary@[IPv6:2001:db8::7]>",
    "<cary@[IPv6:::ffff:192.0.2.77]>", "<cary@[::ffff:192.0.2.77]>",
    "<cary@[127.0.0.9]>", "<cary@[0.0.0.0]>", "<cary@[IPv6:::]>",
    "<cary@[3221226061]>", "<cary@#3221226061>", "<cary@0x7f000001>",
    "<cary@[127.1]>", "<cary@[c.example]>", "<cary@[127.0.0.1].c.example>",
    # what looks like ours
    "<alice@xa.test>", "<alice@a.test.c.example>", "<alice@c.example.a.test>",
    "<alice@a-test>", "<alice@test>", "<alice@a.test.test>",
    "<alice@localhost>", "<alice@a.test..>", "<alice@.a.test>",
    "<alice@a.test#c.example>", "<postmaster@c.example>",
    '<"postmaster"@c.example>', "<cary=c.example@a.test>",
    "<cary+c.example@a.test>",
    # two in one, comments, controls, other alphabets
    "<cary@c.example>,<alice@a.test>", "<cary@c.example,alice@a.test>",
    "<cary@c.example;alice@a.test>", "<cary@c.example(@a.test)>",
    "<(alice@a.test)cary@c.example>", "<cary@c.example @a.test>",
    "<cary@c.example\t@a.test>", "<cary@c.example\0@a.test>",
    "<alice@a.test\0.c.example>", "<cary@c.example\x7f@a.test>",
    "<cary@c.example\r@a.test>", "<cary@c.example\u3002a.test>",
    "<alice@\u0430.test>", "Alice <cary@c.example>", "cary@c.example",
    " <cary@c.example>", "<<cary@c.example>>", "<cary@c.example",
    # parameters say nothing about who may
    "<cary@c.example> ORCPT=rfc822;alice@a.test",
    "<cary@c.example> NOTIFY=SUCCESS", "<cary@c.example> AUTH=<>",
]
# Behind MAIL FROM:, and what is said in HELO.
SENDERS = ["<spam@y.example>", "<>", "<alice@a.test>", "<alice@A.TEST.>",
           "<root@mail.a.test>", "<alice@[127.0.0.1]>", "<spam@localhost>",
           "<alice>", "<postmaster>", "<postmaster@a.test>",
           "<MAILER-DAEMON@a.test>", "<cary@c.example>",
           "<@a.test:spam@y.example>", '<"alice@a.test"@y.example>',
           "<spam%a.test@y.example>", "<spam@y.example> AUTH=alice@a.test"]
HELLOS = ["c.example", "a.test", "mail.a.test", "localhost", "[127.0.0.1]"]
# Paths that are taken, all for alice, who is postmaster, too.
GOOD = ["<postmaster>", "<PostMaster>", "<postmaster@a.test>",
        "<Postmaster@A.TEST.>", "<postmaster@[127.0.0.1]>", "<alice@a.test>",
        "<ALICE@A.Test>", "<alice@a.test.>", "<alice@[127.0.0.1]>",
        '<"alice"@a.test>', '<"al\\ice"@a.test>',
        "<@c.example:alice@a.test>", "<@one.example,@two.example:alice@a.test>",
        "<@[192.0.2.1],@two.example:alice@a.test.>",
        "<@a.test:alice@a.test>", "<alice+c.example@a.test>"]
PATIENT = ("postmaster alice\nmax-errors 1000\nban-after none\n"
           "relay-from 127.0.0.77\n")


@pytest.fixture(scope="module")
def box():
    with Instance(extra=PATIENT) as inst:
        yield inst


def code(s, line):
    reply = s.say(line)
    assert reply, f"the connection has ended at {line!r}"
    return reply[:3]


@pytest.mark.parametrize("sender", SENDERS)
def test_no_trick_relays(box, sender):
    with Stranger(box) as s:
        for n, path in enumerate(TRICKS):
            assert code(s, f"EHLO {HELLOS[n % len(HELLOS)]}") == "250"
            code(s, f"MAIL FROM:{sender}")
            assert code(s, f"RCPT TO:{path}")[0] == "5", path
            assert code(s, "DATA")[0] == "5", path
            assert code(s, "RSET") == "250"
    assert not box.spooled()


@pytest.mark.parametrize("hello", HELLOS)
def test_nor_with_helo(box, hello):
    with Stranger(box) as s:
        for path in TRICKS:
            assert code(s, f"HELO {hello}") == "250"
            assert code(s, "MAIL FROM:<alice@a.test>") == "250"
            assert code(s, f"RCPT TO:{path}")[0] == "5", path


def test_submission_without_login(box):
    """Neither before TLS nor in it, one by one and pipelined."""
    with Stranger(box, service="submission") as s:
        no_login(s, SENDERS)
    with Stranger(box, service="submission") as s:
        s.say("EHLO c.example")
        assert code(s, "STARTTLS") == "220"
        in_tls(s)
        no_login(s, SENDERS)
    with Stranger(box, service="smtps", greeted=False) as s:
        in_tls(s)
        s.reply()
        no_login(s, SENDERS[:3])
    assert not box.spooled()


def in_tls(s):
    s.sock = NOVERIFY.wrap_socket(s.sock)
    s.file = s.sock.makefile("rb")


def no_login(s, senders):
    assert code(s, "EHLO c.example") == "250"
    for sender in senders:
        assert code(s, f"MAIL FROM:{sender}")[0] == "5"
    assert code(s, "MAIL FROM:<alice@a.test>") == "530"
    for path in [*TRICKS, *GOOD]:
        s.sock.sendall(f"MAIL FROM:<>\r\nRCPT TO:{path}\r\n".encode())
        assert s.reply().startswith("530") and s.reply()[0] == "5", path
        assert code(s, "DATA")[0] == "5"


@pytest.mark.parametrize("path", GOOD)
def test_what_is_ours_is_taken(box, path):
    before = len(box.messages("alice"))
    with Stranger(box) as s:
        s.say("EHLO c.example")
        s.say("MAIL FROM:<spam@y.example>")
        assert code(s, f"RCPT TO:{path}") == "250"
        assert code(s, "DATA") == "354"
        assert code(s, "Subject: x\r\n\r\nx\r\n.") == "250"
    box.wait_messages("alice", before + 1)


def login(s, password):
    s.say("EHLO c.example")
    return s.say("AUTH PLAIN " + base64.b64encode(
        f"\0alice@a.test\0{password}".encode()).decode())


def test_who_may(box):
    """The other side of the table in docs/relay.md."""
    with Stranger(box, "127.0.0.77") as s:
        assert s.rcpt("cary@c.example")[0][:3] == "250"
    with Stranger(box, "127.0.0.78") as s:
        assert s.rcpt("cary@c.example")[0][:3] == "550"
    with Stranger(box, service="smtps", greeted=False) as s:
        in_tls(s)
        s.reply()
        assert login(s, "wrong").startswith("535")
        assert code(s, "MAIL FROM:<alice@a.test>") == "530"
        assert login(s, "alice-pw").startswith("235")
        assert code(s, "MAIL FROM:<alice@a.test>") == "250"
        assert code(s, "RCPT TO:<cary@c.example.>") == "250"
        # even he has no percent hack
        assert code(s, "RCPT TO:<cary%c.example@a.test>") == "550"
        assert code(s, "RCPT TO:<c.example!cary@a.test>") == "550"
        assert code(s, "RSET") == "250"
        assert code(s, "MAIL FROM:<cary@c.example>") == "553"
    assert not box.spooled()


def test_starttls_begins_anew():
    """A login in the clear is forgotten with what came before TLS."""
    with Instance(extra=PATIENT + "auth-without-tls yes\n") as box:
        with Stranger(box) as s:
            assert login(s, "alice-pw").startswith("235")
            assert code(s, "MAIL FROM:<alice@a.test>") == "250"
            assert code(s, "RCPT TO:<cary@c.example>") == "250"
            assert code(s, "RSET") == "250"
            assert code(s, "STARTTLS") == "220"
            in_tls(s)
            s.say("EHLO c.example")
            assert code(s, "MAIL FROM:<alice@a.test>") == "250"
            assert code(s, "RCPT TO:<cary@c.example>") == "550"


@pytest.fixture(scope="module")
def both():
    """One socket for IPv6 and IPv4, whose clients come as ::ffff:127.0.0.9."""
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::", 0))
        port = s.getsockname()[1]
    with Instance(extra=PATIENT + f"listen smtp *:{port}\n") as inst:
        inst.port["smtp"] = port
        yield inst


def test_mapped_addresses(both):
    with Stranger(both, "127.0.0.77") as s:
        assert s.rcpt("cary@c.example")[0][:3] == "250"
    with Stranger(both, "127.0.0.9") as s:
        s.say("EHLO c.example")
        s.say("MAIL FROM:<>")
        for path in TRICKS:
            assert code(s, f"RCPT TO:{path}")[0] == "5", path
        for path in GOOD:
            assert code(s, f"RCPT TO:{path}") == "250", path


def test_ipv6(both):
    with smtplib.SMTP("::1", both.port["smtp"]) as s:
        s.ehlo("c.example")
        s.mail("")
        for path in TRICKS:
            path = path.replace("[127.0.0.1]", "[IPv6:::1]")
            s.send(f"RCPT TO:{path}\r\n".encode())
            assert s.getreply()[0] // 100 == 5, path
        assert s.rcpt("alice@[IPv6:::1]")[0] == 250
