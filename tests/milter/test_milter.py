"""Mail filters: what they are told, what their answers do, and how they fail."""

import contextlib
import smtplib
import socket
import struct
import time

import pytest

from fake_milter import *
from instance import Instance, wait_for

MAIL = ("Received: from far.example\r\n\tby near.example; now\r\n"
        "From: X <x@far.example>\r\n"
        "Subject: one\r\n two\r\n"
        "X-Tight:no space\r\n"
        "\r\n"
        "Hello\r\n.dot\r\n")


@contextlib.contextmanager
def office(*filters, options="", extra="", users=("alice", "bob")):
    conf = "".join(f"milter {f.name} {options}\n" for f in filters)
    with Instance(extra="auth-without-tls yes\n" + conf + extra,
                  users=users) as inst:
        yield inst


def client(inst, service="smtp"):
    c = smtplib.SMTP("127.0.0.1", inst.port[service], "client.example",
                     timeout=30)
    c.ehlo()
    return c


def send(c, rcpts=("alice@a.test",), mail=MAIL, sender="x@far.example"):
    """The reply that ends it, as bytes."""
    code, text = c.mail(sender)
    for r in rcpts if code == 250 else ():
        code, text = c.rcpt(r)
    if code == 250:
        code, text = c.docmd("DATA")
    if code == 354:
        mail = mail.encode() if isinstance(mail, str) else mail
        mail += b"" if mail.endswith(b"\r\n") or not mail else b"\r\n"
        c.send((b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        code, text = c.getreply()
    elif code not in (421, 250):
        c.rset()
    return b"%d %s" % (code, text)


def got(inst, user="alice", n=1):
    raw = inst.wait_messages(user, n)[-1].read_bytes()
    return raw.replace(b"\r\n", b"\n").decode("latin-1")


def fields(text):
    """Its header fields, ours and Return-Path's left out."""
    head = text.split("\n\n")[0].replace("\n\t", "\0\t").replace("\n ", "\0 ")
    return [f.replace("\0", "\n") for f in head.split("\n")
            if f and not f.startswith(("Return-Path:", "Delivered-To:"))]


def quiet(inst):
    """Nothing is left in tmp/ and no daemon has died."""
    wait_for(lambda: not list((inst.dir / "spool" / "tmp").glob("*")))
    assert "ended by signal" not in inst.log()


# -- what a filter is told --

@pytest.mark.parametrize("bytewise", [False, True])
def test_a_whole_session(bytewise):
    with FakeMilter(bytewise=bytewise) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert f.letters() == "CHMRTLNBEQ" or wait_for(
            lambda: f.letters() == "CHMRTLNBEQ")
        told = dict(f.events)
        host, rest = told["C"].split(b"\0", 1)
        assert host == b"[127.0.0.1]"
        assert rest[:1] == b"4" and rest[3:] == b"127.0.0.1\0"
        assert told["H"] == b"client.example\0"
        assert told["M"] == b"<x@far.example>\0"
        assert told["R"] == b"<alice@a.test>\0"
        # our own Received: is not shown; lines are parted by LF; one space
        # behind the colon is not part of the value
        assert f.headers() == [
            ("Received", "from far.example\n\tby near.example; now"),
            ("From", "X <x@far.example>"), ("Subject", "one\n two"),
            ("X-Tight", "no space")]
        assert f.body() == b"Hello\r\n.dot\r\n"
        version, actions, steps = f.offers[0]
        assert version == 6 and actions == 0x1FF
        assert f.macros["C"]["j"] == "mail.a.test"
        assert f.macros["C"]["{daemon_name}"] == "smtp"
        assert f.macros["C"]["{client_addr}"] == "127.0.0.1"
        assert struct.unpack("!H", rest[1:3])[0] == \
            int(f.macros["C"]["{client_port}"])
        assert f.macros["C"]["_"] == "[127.0.0.1] [127.0.0.1]"
        assert f.macros["M"]["{mail_addr}"] == "x@far.example"
        assert f.macros["R"]["{rcpt_addr}"] == "alice@a.test"
        assert f.macros["R"]["{rcpt_mailer}"] == "local"
        text = got(inst)
        assert text.endswith(
            "\n" + MAIL.replace("\r\n", "\n")), text
        assert f"\tid {f.macros['E']['i']}" in text
        assert f.macros["E"]["i"] == f.macros["T"]["i"]
        quiet(inst)


def test_params_reach_it():
    with FakeMilter() as f, office(f) as inst:
        with client(inst) as c:
            assert c.mail("x@far.example", ["SIZE=200", "BODY=8BITMIME",
                                            "RET=HDRS", "ENVID=e1"])[0] == 250
            assert c.rcpt('"a b"@b.test'.replace("b.test", "a.test"))[0] == 550
            assert c.rcpt("alice@a.test", ["NOTIFY=NEVER"])[0] == 250
            told = dict(f.events)
        assert told["M"] == (b"<x@far.example>\0SIZE=200\0BODY=8BITMIME\0"
                             b"RET=HDRS\0ENVID=e1\0")
        # who does not live here is none of its business
        assert told["R"] == b"<alice@a.test>\0NOTIFY=NEVER\0"
        assert [d for x, d in f.events if x == "R"] == [told["R"]]


def test_tls_and_auth_are_told():
    with FakeMilter() as f, office(f) as inst:
        with client(inst, "submission") as c:
            c.starttls()
            c.ehlo("under.tls")
            c.login("alice@a.test", "alice-pw")
            assert send(c, sender="alice@a.test").startswith(b"250 ")
        assert f.macros["C"]["{daemon_name}"] == "submission"
        assert f.macros["H"]["{tls_version}"].startswith("TLSv1.")
        assert f.macros["H"]["{cipher}"]
        assert f.macros["H"]["{cipher_bits}"] in ("128", "256")
        assert f.macros["M"]["{auth_authen}"] == "alice@a.test"
        assert f.macros["M"]["{auth_type}"] in ("PLAIN", "LOGIN",
                                                "SCRAM-SHA-256")
        assert [d for x, d in f.events if x == "H"] == [b"under.tls\0"]
        # what submission adds is what a signature has to cover
        assert "Message-ID" in dict(f.headers())


def test_hello_is_told_again_after_starttls():
    with FakeMilter() as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
            c.starttls()
            c.ehlo("client.example")
            assert send(c).startswith(b"250 ")
        wait_for(lambda: f.letters() == "CHMRTLNBEHMRTLNBEQ")
        assert f.sessions == 1


def test_local_mail_comes_from_localhost():
    with FakeMilter() as f, office(f) as inst:
        inst.run("sendmail", "-f", "root@a.test", "alice@a.test",
                 input="Subject: hi\n\nlocal\n")
        got(inst)
        told = dict(f.events)
        assert told["C"] == b"localhost\0" b"4\0\0" b"127.0.0.1\0"
        assert f.macros["C"]["{daemon_name}"] == "local"
        assert f.body() == b"local\r\n"


def test_services_are_chosen():
    with FakeMilter() as f, office(f, options="on=submission,local") as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert not f.events and not f.sessions
        inst.run("sendmail", "alice@a.test", input="Subject: hi\n\nlocal\n")
        wait_for(lambda: "E" in f.letters())


@pytest.mark.parametrize("steps,want", [
    (0, "CHMRTLNBEQ"), (0x7F, "TEQ"), (0x27F, "EQ"), (NO_HEADERS, "CHMRTNBEQ"),
    (NO_BODY | NO_EOH, "CHMRTLEQ"), (NR_ALL, "CHMRTLNBEQ"),
    (NR_HEADER | NO_MAIL, "CHRTLNBEQ"), (NO_CONNECT, "HMRTLNBEQ"),
    (0x20000900, "CHMRTLNBEQ")])
def test_steps_are_honoured(steps, want):
    with FakeMilter(steps=steps) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        wait_for(lambda: f.letters() == want)
        got(inst)


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_versions(version):
    with FakeMilter(version=version, steps=0) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        want = "CHMRTLNBEQ" if version > 3 else "CHMRLNBEQ"
        wait_for(lambda: f.letters() == want)


def test_macros_that_it_asks_for():
    lists = b"".join(struct.pack("!I", stage) + names + b"\0" for stage, names in
                     ((0, b"v"), (2, b"{mail_host} nonsense {j}"), (5, b"")))
    with FakeMilter(macros=lists) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert list(f.macros["C"]) == ["v"]
        assert f.macros["C"]["v"].startswith("Pillarbox ")
        assert f.macros["M"] == {"{mail_host}": "far.example",
                                 "{j}": "mail.a.test"}
        assert f.macros["E"] == {} and f.macros["T"]["i"]


def test_leading_space_is_kept_on_demand():
    answer = add_header("X-A", " b") + CONTINUE
    with FakeMilter({"E": answer}, steps=LEADING_SPACE) as f, \
            office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert ("From", " X <x@far.example>") in f.headers()
        assert ("X-Tight", "no space") in f.headers()
        assert fields(got(inst))[-1] == "X-A: b"


def test_a_large_body_in_chunks():
    body = b"".join(b"%08d\r\n" % n for n in range(40000))
    with FakeMilter({"E": add_header("X-A", "b") + CONTINUE}) as f, \
            office(f) as inst:
        with client(inst) as c:
            assert send(c, mail=b"Subject: x\r\n\r\n" + body).startswith(b"250")
        assert f.body() == body
        sizes = [len(d) for x, d in f.events if x == "B"]
        assert set(sizes[:-1]) == {65535}
        text = got(inst)
        assert text.endswith("X-A: b\n\n" +
                             body.decode().replace("\r\n", "\n"))


def test_it_skips_the_rest():
    body = b"x" * 70 + b"\r\n"
    with FakeMilter({"B": SKIPS}, steps=SKIP) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c, mail=b"A: b\r\n\r\n" + body * 4000).startswith(b"250")
        assert len([1 for x, _ in f.events if x == "B"]) == 1
        assert "E" in f.letters()


def test_bdat_pipelining_and_several_messages():
    with FakeMilter({"E": add_header("X-Seen", "yes") + CONTINUE}) as f, \
            office(f) as inst:
        with socket.create_connection(("127.0.0.1", inst.port["smtp"])) as s:
            one = ("MAIL FROM:<x@y.example>\r\nRCPT TO:<alice@a.test>\r\n"
                   "BDAT 15\r\nSubject: a\r\n\r\nbBDAT 3 LAST\r\nc\r\n")
            s.sendall(("EHLO c\r\n" + one + one + "RSET\r\n" + one +
                       "MAIL FROM:<x@y.example>\r\nRCPT TO:<bob@a.test>\r\n"
                       "RSET\r\nQUIT\r\n").encode())
            text = b""
            while piece := s.recv(4096):
                text += piece
        assert text.count(b"queued as") == 3, text
        assert text.endswith(b"2.0.0 Bye\r\n")
        assert len(inst.wait_messages("alice", 3)) == 3
        wait_for(lambda: f.letters() ==
                 "CH" + "MRTLNBE" * 3 + "MRAQ")
        assert got(inst, n=3).endswith("Subject: a\nX-Seen: yes\n\nbc\n")
        quiet(inst)


@pytest.mark.parametrize("letter", "TLE")
def test_a_refusal_behind_bdat(letter):
    with FakeMilter({letter: [REJECT]}) as f, office(f) as inst:
        with socket.create_connection(("127.0.0.1", inst.port["smtp"])) as s:
            one = ("MAIL FROM:<x@y.example>\r\nRCPT TO:<alice@a.test>\r\n"
                   "BDAT 6\r\nA: b\r\nBDAT 3 LAST\r\n\r\nc")
            s.sendall(f"EHLO c\r\n{one}{one}QUIT\r\n".encode())
            text = b""
            while piece := s.recv(4096):
                text += piece
        # each chunk has its reply, and no octet of one is a command
        assert text.count(b"550 5.7.1") == 1 and b"500 " not in text, text
        assert text.count(b"queued as") == 1, text
        assert got(inst).endswith("A: b\n\nc\n")


# -- verdicts --

STAGES = "CHMRTLNBE"


@pytest.mark.parametrize("letter", STAGES)
@pytest.mark.parametrize("answer,want", [
    (REJECT, b"550 5.7.1 "), (TEMPFAIL, b"451 4.7.1 "),
    (reply("554 5.7.9 go away"), b"554 5.7.9 go away"),
    (reply("450 later, 100%%"), b"450 4.7.1 later, 100%"),
    (reply("550-5.7.2 one\r\n550 5.7.2 two"), b"550 5.7.2 one\n5.7.2 two"),
    (SHUTDOWN, b"421 4.7.0 ")])
def test_refusals(letter, answer, want):
    with FakeMilter({letter: answer}) as f, office(f) as inst:
        with contextlib.suppress(smtplib.SMTPServerDisconnected), \
                client(inst) as c:
            assert send(c).startswith(want)
            if want.startswith(b"421"):
                return
            # the session goes on; what was said to CONNECT holds
            again = send(c)
            assert again.startswith(want)
            if letter == "H":
                f.answers = {}
                c.ehlo("another.example")
                assert send(c).startswith(b"250 ")
        quiet(inst)
        assert f"refused by milter {f.name}" in inst.log()


@pytest.mark.parametrize("line", [
    "550 5.7.1 a\r\n250 fine", "550 a\n\n", "250 2.0.0 fine", "354 go", "xyz",
    "", "600 x", "5500 x", "550-5.7.1 a\r\n551 5.7.1 b"])
def test_replies_that_are_none(line):
    with FakeMilter({"M": reply(line)}) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c) == b"451 4.7.1 Service unavailable, try again later"
        assert f"milter {f.name}: its answer 'y' is broken" in inst.log()


def test_a_reply_smuggles_nothing():
    with FakeMilter({"M": reply("550 4.7.1 x\t\x01\xe4" + "y" * 2000)}) as f, \
            office(f) as inst:
        with socket.create_connection(("127.0.0.1", inst.port["smtp"])) as s:
            r = s.makefile("rb")
            r.readline()
            s.sendall(b"HELO c\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n")
            r.readline()
            line = r.readline()
            # a class that is not the code's is text
            assert line.startswith(b"550 5.7.1 4.7.1 x????yyy"), line
            assert len(line) <= 512
            assert r.readline().startswith(b"221")


@pytest.mark.parametrize("letter", "MRTLNBE")
def test_discard(letter):
    with FakeMilter({letter: DISCARD}) as f, office(f) as inst:
        with client(inst) as c:
            assert b"queued as" in send(c)
            f.answers = {}
            assert b"queued as" in send(c, ["bob@a.test"])
        inst.wait_messages("bob", 1)
        assert not inst.messages("alice")
        assert f"discarded by milter {f.name}" in inst.log()
        quiet(inst)


@pytest.mark.parametrize("letter", STAGES)
def test_accept(letter):
    with FakeMilter({letter: ACCEPT}) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
            assert send(c, ["bob@a.test"]).startswith(b"250 ")
        got(inst)
        one = "CHMRTLNBE"
        upto = one[:one.index(letter) + 1]
        wait_for(lambda: f.letters() == (
            upto if letter in "CH" else upto + upto[2:]) + "Q")


def test_one_recipient_is_refused():
    answer = lambda data: REJECT if b"bob" in data else CONTINUE
    with FakeMilter({"R": answer}) as f, office(f) as inst:
        with client(inst) as c:
            c.mail("x@far.example")
            assert c.rcpt("bob@a.test")[0] == 550
            assert c.rcpt("alice@a.test")[0] == 250
            assert c.data(MAIL.encode())[0] == 250
        got(inst)
        assert not inst.messages("bob")


# -- changes --

def changed(*packets, mail=MAIL, rcpts=("alice@a.test",), **kw):
    """(reply, instance's message to alice, its log, the filter)"""
    with FakeMilter({"E": b"".join(packets) + PROGRESS + ACCEPT}, **kw) as f, \
            office(f) as inst:
        with client(inst) as c:
            answer = send(c, rcpts, mail)
        text = got(inst) if answer.startswith(b"250") else None
        quiet(inst)
        return answer, text, inst.log(), f


def test_headers_are_changed():
    answer, text, _, f = changed(
        add_header("X-Last", "end"), insert_header(1, "DKIM-Signature",
                                                   "v=1;\n\ta=b"),
        insert_header(0, "X-Top", "top"), change_header(1, "subject", "new"),
        change_header(1, "Received"), change_header(9, "X-None", "made"),
        change_header(1, "X-None-Such"), insert_header(99, "X-Far", "far"))
    own, *rest = [x for x in fields(text)]
    assert own == "X-Top: top"
    assert rest[0].startswith("Received: from client.example")
    assert rest[1:] == [
        "DKIM-Signature: v=1;\n\ta=b", "From: X <x@far.example>",
        "subject: new", "X-Tight:no space", "X-Last: end", "X-None: made",
        "X-Far: far"]
    assert text.endswith("\n\nHello\n.dot\n")
    # the id that it was told is the one that the message has
    assert f"\tid {f.macros['E']['i']}" in text


def test_the_second_of_a_name_is_the_second():
    mail = "A: 1\r\nB: x\r\na : 2\r\nA: 3\r\n\r\nt\r\n"
    _, text, _, _ = changed(change_header(2, "A", "two"), change_header(3, "A"),
                            mail=mail)
    assert fields(text)[1:] == ["A: 1", "B: x", "A: two"]


@pytest.mark.parametrize("value,want", [
    ("a\r\n\r\nbody", "X: a\n\tbody"), ("a\nEvil: b", "X: a\n\tEvil: b"),
    ("a\rEvil: b", "X: a\n\tEvil: b"), ("a\n \n b\n", "X: a\n b"),
    ("\n folded", "X:\n folded")])
def test_a_value_stays_in_its_field(value, want):
    _, text, _, _ = changed(add_header("X", value))
    assert fields(text)[-1] == want
    assert text.endswith("\n\nHello\n.dot\n")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "\xe4", "x" * 300])
def test_names_that_are_none(name):
    answer, _, log, f = changed(add_header(name, "x"))
    assert answer.startswith(b"451 4.7.1")
    assert f"milter {f.name}: its answer 'h' is broken" in log


def test_the_body_is_replaced():
    answer, text, _, _ = changed(packet("b", b"new\r\n" * 1000),
                                 packet("b", b"end\r\n"),
                                 add_header("X-A", "b"))
    assert text.endswith("X-A: b\n\n" + "new\n" * 1000 + "end\n")


def test_a_body_of_nothing():
    _, text, _, _ = changed(packet("b", b""))
    assert text.rstrip("\n").endswith("X-Tight:no space")


def test_the_envelope_is_changed():
    with FakeMilter({"E": packet("e", text("<new@far.example>", "RET=FULL")) +
                     packet("+", text("<bob@A.test>")) +
                     packet("-", text("alice@a.test")) +
                     packet("-", text("<nobody@a.test>")) +
                     packet("2", text("carol@a.test", "NOTIFY=NEVER")) +
                     CONTINUE}) as f, \
            office(f, users=("alice", "bob", "carol")) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert "Return-Path: <new@far.example>" in got(inst, "bob")
        got(inst, "carol")
        assert not inst.messages("alice")
        assert inst.wait_log(r"from=<new@far.example> size=\d+ nrcpt=2")


def test_all_recipients_are_removed():
    with FakeMilter({"E": [packet("-", text("<alice@a.test>")) + CONTINUE]}) \
            as f, office(f) as inst:
        with client(inst) as c:
            assert b"queued as" in send(c)
            assert b"queued as" in send(c, ["bob@a.test"])
        inst.wait_messages("bob", 1)
        assert not inst.messages("alice") and not inst.spooled()
        assert "filters removed every recipient: dropped" in inst.log()
        quiet(inst)


def test_quarantine_is_a_hold():
    """The queue holds it, over a restart, until the admin lets it go."""
    with FakeMilter({"E": [packet("q", text("virus\x1b[0m")) + CONTINUE]}) \
            as f, office(f) as inst:
        with client(inst) as c:
            assert b"queued as" in send(c)
        assert "held, a filter wants it in quarantine: virus?[0m" in inst.log()
        assert '"state":"held"' in inst.run("mailq", "-j").stdout
        inst.stop()
        inst.start()
        assert '"state":"held"' in wait_for(
            lambda: inst.run("mailq", "-j").stdout)
        assert not inst.messages("alice")
        inst.run("mailq", "-H", "-a")
        inst.wait_messages("alice", 1)


@pytest.mark.parametrize("bad", ["<a@b", "a b@c", "", "<>", "<a@b> x"])
def test_an_address_that_is_none(bad):
    answer, _, log, f = changed(packet("+", text(bad)))
    assert answer.startswith(b"451 4.3.0")
    assert f"milter {f.name}: a filter's address" in log


def test_what_was_not_agreed_is_an_error():
    answer, _, log, f = changed(add_header("X", "y"), actions=0)
    assert answer.startswith(b"451 4.7.1")
    assert "its answer does not belong here" in log


def test_each_sees_what_the_one_before_has_made():
    first = FakeMilter({"E": change_header(1, "Subject", "second\n line") +
                        packet("b", b"another\r\n") + insert_header(
                            1, "X-First", "1") + CONTINUE})
    second = FakeMilter({"E": change_header(1, "X-First") +
                         add_header("X-Second", "2") + CONTINUE})
    with first, second, office(first, second) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert second.headers() == [
            ("X-First", "1"),
            ("Received", "from far.example\n\tby near.example; now"),
            ("From", "X <x@far.example>"), ("Subject", "second\n line"),
            ("X-Tight", "no space")]
        assert second.body() == b"another\r\n"
        text = got(inst)
        assert "X-First" not in text and text.endswith(
            "X-Second: 2\n\nanother\n")


def test_the_first_refusal_aborts_the_others():
    first, second, third = (FakeMilter(), FakeMilter({"E": REJECT}),
                            FakeMilter())
    with first, second, third, office(first, second, third) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"550 ")
        wait_for(lambda: first.letters() == "CHMRTLNBEQ")
        wait_for(lambda: third.letters() == "CHMRTAQ")


@pytest.mark.parametrize("mail,want", [
    (b"", ["X-A: b"]), (b"\r\n", ["X-A: b"]),
    (b"no field\r\nbody\r\n", ["X-A: b"]),
    (b"A: b\r\n", ["A: b", "X-A: b"]), (b"A: b\r\n\r\n", ["A: b", "X-A: b"]),
    (b"A: b\r\nno field\r\n", ["A: b", "X-A: b"]),
    (b" folded\r\nA: b\r\n", ["X-A: b"])])
def test_messages_of_odd_shape(mail, want):
    answer, text, _, _ = changed(add_header("X-A", "b"), mail=mail)
    assert fields(text)[1:] == want


def test_bdat_may_end_anywhere():
    for mail in (b"A: b", b"A:", b"A", b"A: b\r\n", b"A: b\r\n\r\nx"):
        with FakeMilter({"E": add_header("X-A", "b") + CONTINUE}) as f, \
                office(f) as inst:
            with client(inst) as c:
                c.mail("x@far.example")
                c.rcpt("alice@a.test")
                c.send(b"BDAT %d LAST\r\n%s" % (len(mail), mail))
                assert c.getreply()[0] == 250
            assert "\nX-A: b\n" in got(inst)


def test_too_many_fields_are_refused():
    with FakeMilter() as f, office(f) as inst:
        with client(inst) as c:
            assert send(c, mail="A: b\r\n" * 2100 + "\r\n").startswith(b"5")
            assert send(c, mail="A: b\r\n" * 1900 + "\r\n").startswith(b"250")
        quiet(inst)


def test_it_adds_without_end():
    answer, _, log, _ = changed(*[add_header("X", "y" * 1000)] * 500)
    assert answer.startswith(b"4") and "the filters add too much" in log


# -- failure --

def no_filter():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return type("Nobody", (), {"name": f"inet:127.0.0.1:{port}"})


@pytest.mark.parametrize("default,want", [
    ("", b"451 4.7.1"), ("default=tempfail", b"451 4.7.1"),
    ("default=reject", b"550 5.7.1"), ("default=accept", b"250 ")])
@pytest.mark.parametrize("letter", "-O" + STAGES)
def test_it_dies(letter, default, want):
    f = no_filter() if letter == "-" else FakeMilter({letter: DIE})
    with office(f, options=default) as inst:
        with client(inst) as c:
            assert send(c).startswith(want)
            assert send(c).startswith(want)
        assert inst.log().count(f"smtpd: milter {f.name}: ") == 1, inst.log()
        if letter != "-":
            # the next session finds it again
            f.answers = {}
            with client(inst) as c:
                assert send(c).startswith(b"250 ")
        quiet(inst)


@pytest.mark.parametrize("letter", "OMLE")
def test_it_hangs_and_nobody_waits_for_that(letter):
    with FakeMilter({letter: HANG}) as f, office(f, options="timeout=2") as inst:
        with client(inst) as slow, client(inst) as other:
            slow.mail("x@far.example") if letter not in "OM" else None
            start = time.monotonic()
            if letter in "OM":
                slow.putcmd("MAIL", "FROM:<x@far.example>")
            else:
                slow.rcpt("alice@a.test")
                slow.docmd("DATA")
                slow.send(MAIL.encode() + b".\r\n")
            assert other.noop()[0] == 250
            assert time.monotonic() - start < 1
            assert slow.getreply()[0] == 451
            assert 1.5 < time.monotonic() - start < 4
        assert inst.log().count(f"milter {f.name}: it does not answer") == 1


def test_progress_keeps_it_alive():
    def slowly(data):
        time.sleep(0)
        return PROGRESS
    class Slow(FakeMilter):
        def send(self, peer, data):
            if data.endswith(ACCEPT):
                for _ in range(6):
                    time.sleep(0.5)
                    peer.sendall(PROGRESS)
            peer.sendall(data)
    with Slow({"E": ACCEPT}) as f, office(f, options="timeout=1") as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")


@pytest.mark.parametrize("garbage", [
    b"\0\0\0\0", b"\xff\xff\xff\xff", b"HTTP/1.1 400 Bad\r\n\r\n",
    b"\0\1\0\1c", packet("?"), packet("O"), packet("h", b"x"),
    packet("y", b"550 x"), packet("b", b"x") + packet("c"),
    packet("s"), packet("q", b"\0")])
@pytest.mark.parametrize("letter", "OMB")
def test_it_speaks_another_language(letter, garbage):
    with FakeMilter({letter: garbage}) as f, office(f, options="timeout=2") \
            as inst:
        with client(inst) as c:
            assert send(c).startswith(b"451 4.7.1")
        assert inst.log().count(f"smtpd: milter {f.name}: ") == 1, inst.log()
        f.answers = {}
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        quiet(inst)


@pytest.mark.parametrize("options", [
    packet("O", struct.pack("!III", 1, 0, 0)),
    packet("O", struct.pack("!III", 7, 0, 0)),
    packet("O", struct.pack("!III", 6, 0x1000, 0)),
    packet("O", struct.pack("!III", 6, 0, 0x40000000)),
    packet("O", struct.pack("!II", 6, 0)),
    packet("O", struct.pack("!IIII", 6, 0, 0, 9) + b"j\0"),
    packet("O", struct.pack("!IIII", 6, 0, 0, 1) + b"j")])
def test_options_that_make_no_sense(options):
    with FakeMilter(options=options) as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"451 4.7.1")
        assert inst.log().count(f"milter {f.name}: it") == 1, inst.log()


def test_half_a_body_is_no_body():
    class Dying(FakeMilter):
        def send(self, peer, data):
            peer.sendall(data)
            if data.startswith(packet("b", b"half")):
                raise OSError
    with Dying({"E": packet("b", b"half")}) as f, \
            office(f, options="default=accept") as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        assert got(inst).endswith("\n\nHello\n.dot\n")


def test_one_away_and_one_there():
    with FakeMilter({"E": add_header("X-A", "b") + CONTINUE}) as f:
        gone = no_filter()
        with office(gone, f, options="default=accept") as inst:
            with client(inst) as c:
                assert send(c).startswith(b"250 ")
            assert "X-A: b\n" in got(inst)


def test_it_goes_away_between_messages():
    with FakeMilter() as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
            f.answers["M"] = [CONTINUE]
            for _ in range(3):
                f.answers["E"] = [CONTINUE]
                assert send(c).startswith(b"250 ")
        assert f.sessions == 1


def test_a_client_that_leaves_in_the_middle():
    with FakeMilter({"E": HANG}) as f, \
            office(f, options="timeout=2") as inst:
        c = client(inst)
        c.mail("x@far.example")
        c.rcpt("alice@a.test")
        c.docmd("DATA")
        c.send(MAIL.encode() + b".\r\n")
        wait_for(lambda: "E" in f.letters())
        c.close()
        wait_for(lambda: not f.open)
        quiet(inst)
        assert not inst.messages("alice")


def test_a_socket_of_its_own(tmp_path):
    folder = tmp_path / "filter"
    folder.mkdir()
    with FakeMilter(path=folder / "s") as f, office(f) as inst:
        with client(inst) as c:
            assert send(c).startswith(b"250 ")
        # the filter is restarted, with its folder
        f.close()
        (folder / "s").unlink()
        folder.rmdir()
        with client(inst) as c:
            assert send(c).startswith(b"451 4.7.1")
        folder.mkdir()
        with FakeMilter(path=folder / "s"):
            with client(inst) as c:
                assert send(c).startswith(b"250 ")


def test_many_sessions_at_a_time():
    with FakeMilter({"E": add_header("X-A", "b") + CONTINUE}, delay=0.05) as f, \
            office(f) as inst:
        clients = [client(inst) for _ in range(10)]
        start = time.monotonic()
        for c in clients:
            c.putcmd("MAIL", "FROM:<x@far.example>")
        for c in clients:
            assert c.getreply()[0] == 250
        assert time.monotonic() - start < 2
        for c in clients:
            c.close()
        wait_for(lambda: not f.open)
