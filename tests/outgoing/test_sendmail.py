"""sendmail as programs call it: options, header grammar, -bv, exit codes."""

import email

import pytest

from fakes import FakeSMTP
from instance import Instance, wait_for


@pytest.fixture(scope="module")
def far():
    with FakeSMTP(offers=("PIPELINING", "SIZE", "8BITMIME")) as s:
        yield s


@pytest.fixture(scope="module")
def box(far):
    with Instance(extra=f"smarthost 127.0.0.1:{far.port} none\n"
                  "route lists.test lmtp:unix:/nowhere\n"
                  "route b.test smtp:[127.0.0.1]:9\n") as i:
        yield i
        print(i.log()[-4000:])          # seen when something has failed


@pytest.fixture
def sent(box, far):
    """sent(arguments, input) -> (sender, {recipients}, message) of what left."""
    def run(*argv, input=b"", n=1):
        del far.messages[:]
        p = box.run("sendmail", *argv, input=input)
        got = lambda: sum(len(m[1]) for m in far.messages) >= n
        wait_for(got)
        message = email.message_from_bytes(far.messages[0][2])
        message.wire = far.messages[0][2]
        message.said = p.stderr
        return (far.messages[0][0], {r for m in far.messages for r in m[1]},
                message)
    return run


# --- options

# As these come: clustered, attached, detached, with and without "--".
@pytest.mark.parametrize("argv", [
    "-tif x@a.test", "-ti -fx@a.test", "-t -i -r x@a.test", "-oi -t -rx@a.test",
    "-o i -odb -oem -oee -t -f <x@a.test>", "-i -t -f x@a.test --",
    "-Am -Ac -B8BITMIME -B 7BIT -em -h 3 -h3 -L tag -Ltag -tif x@a.test",
    "-O DeliveryMode=b -OErrorMode=m -X /dev/null -p ESMTP:h -D f -M x"
    " -d -d0-99.1 -G -c -m -n -s -U -x -v -ti -f x@a.test",
    "-ooi -om -o7 -o8 -oQ/tmp -oi -ti -f x@a.test", "-bm -ti -f x@a.test"])
def test_options(sent, argv):
    sender, rcpts, m = sent(*argv.split(), input=b"To: r@r.test\n\n.\nend\n")
    assert (sender, rcpts) == ("x@a.test", {"r@r.test"})
    assert m.get_payload().split() == [".", "end"]


@pytest.mark.parametrize("given,sender", [
    ("", ""), ("<>", ""), ("<x@y.test>", "x@y.test"), ("x", "x@a.test"),
    ("A B <x@y.test>", "x@y.test"), ("x@y.test (A)", "x@y.test")])
def test_sender(sent, given, sender):
    assert sent("-f", given, "r@r.test", input=b"\nx\n")[0] == sender


@pytest.mark.parametrize("given", [
    "x y", "x@", "@y", "x@y\r\nRCPT TO:<v@r.test>", "x@y> SIZE=1"])
def test_sender_that_is_none(box, given):
    p = box.run("sendmail", "-f", given, "r@r.test", input="\nx\n",
                check=False)
    assert p.returncode == 65 and "no address" in p.stderr


def test_verbose(box, far):
    del far.messages[:]
    p = box.run("sendmail", "-v", "r@r.test", "s@r.test", input="\nx\n")
    assert p.stdout == "" and "taken for 2 recipients" in p.stderr
    assert box.run("sendmail", "r@r.test", input="\nx\n").stderr == ""
    wait_for(lambda: sum(len(m[1]) for m in far.messages) >= 3)


def test_line_and_header_both_count_once(sent):
    """Sendmail, Postfix, OpenSMTPD, msmtp and BusyBox add them up."""
    _, rcpts, m = sent("-t", "c@r.test", "b@r.test,d@r.test", n=4,
                       input=b"To: b@r.test, e@r.test\n\nx\n")
    assert rcpts == {f"{x}@r.test" for x in "bcde"}
    assert m["To"] == "b@r.test, e@r.test"


def test_name(sent):
    m = sent("-F", "Grüße, vom Haus", "-f", "x@a.test", "r@r.test",
             input=b"\nx\n")[2]
    who, = email.utils.getaddresses([m["From"]])
    assert who[1] == "x@a.test"
    assert str(email.header.make_header(
        email.header.decode_header(who[0]))) == "Grüße, vom Haus"
    assert m["Date"] and m["Message-ID"] and m["To"]
    m = sent("-Fa\r\nBcc: v@r.test", "r@r.test", input=b"\nx\n")[2]
    assert m["Bcc"] is None and "a Bcc: v@r.test" in m["From"]


# --- what the header section says

def test_header_grammar(sent):
    text = (b'From: root (Cron Daemon)\nTo: Team: "a, b" <a@r.test>,\n'
            b' b@r.test (not c@r.test);, <@x.test:d@r.test>\n'
            b'cc: "e f"@r.test\nBCC:\n g@r.test,\n\th@r.test\n'
            b'To: undisclosed-recipients:;\nSubject: i@r.test\n\nTo: j@r.test\n')
    _, rcpts, m = sent("-t", n=6, input=text)
    assert rcpts == {"a@r.test", "b@r.test", "d@r.test", '"e f"@r.test',
                     "g@r.test", "h@r.test"}
    assert m["From"] == "root@a.test (Cron Daemon)" and m["Bcc"] is None
    assert b"h@r.test" not in m.wire and m["Subject"] == "i@r.test"


def test_resent(sent):
    _, rcpts, m = sent("-t", n=2, input=b"Resent-From: me@a.test\n"
                       b"Resent-To: r@r.test\nResent-Bcc: s@r.test\n"
                       b"From: x@y.test\nTo: t@r.test\nBcc: u@r.test\n\nx\n")
    assert rcpts == {"r@r.test", "s@r.test"}
    assert m["Resent-Bcc"] is None and m["Bcc"] is None
    assert m["Resent-Date"] and m["Resent-Message-ID"]
    assert (m["From"], m["To"]) == ("x@y.test", "t@r.test")


@pytest.mark.parametrize("line,name,count", [
    ("From: My Router", "My Router", 1), ("From:", None, 1),
    ("From: x@y.test\nFrom: z@y.test", None, 1)])
def test_from_that_others_refuse(sent, line, name, count):
    m = sent("-f", "x@y.test", "r@r.test", input=(line + "\n\nx\n").encode())[2]
    assert len(m.get_all("From")) == count
    who = email.utils.parseaddr(m["From"])
    assert who[1] == "x@y.test" and (not name or who[0] == name)


@pytest.mark.parametrize("text,body", [
    (b"just text\n", "just text"),
    (b"", ""),
    (b"\nbody", "body"),
    (b"Subject: s\nFrom here on it is text\n", "From here on it is text"),
    (b"From root Tue Nov 24 10:00:00 2026\nSubject: s\n\nx\n", "x"),
    (b">From root Tue\nFrom root Tue\nSubject: s\n\nx\n", "x"),
    (b"Subject: s\n\nFrom root Tue\n\nx\n", "From root Tue\n\nx"),
    (b"Subject: s\n\nlast.\n..\n.x", "last.\n..\n.x"),
    (b"Subject: s\n\na\n.\nb\n", "a")])
def test_text(sent, text, body):
    m = sent("r@r.test", input=text)[2]
    assert m.get_payload().replace("\r\n", "\n").strip("\n") == body
    assert m["Date"] and m["From"]
    assert m.wire.endswith(b"\r\n")


def test_nul_is_carried_or_refused(box, far):
    """RFC 5321 2.3.1 has no NUL; it must not cut the message silently."""
    del far.messages[:]
    p = box.run("sendmail", "r@r.test", input=b"Subject: s\n\na\0b\nend\n",
                check=False)
    if p.returncode == 0:
        wait_for(lambda: far.messages)
        assert far.messages[0][2].endswith(b"\r\nend\r\n")
    else:
        assert p.returncode in (65, 69) and b"NUL" in p.stderr


# --- exit codes

def status(box, *argv, input="\nx\n"):
    p = box.run("sendmail", *argv, input=input, check=False)
    assert (p.returncode == 0) == (not p.stderr), p.stderr
    return p.returncode


def test_exit_codes(box, tmp_path):
    assert status(box) == 64
    assert status(box, "-Z", "r@r.test") == 64
    assert status(box, "-f") == 64
    assert status(box, "-bt") == 64
    assert status(box, "-bd", "-q30m") == 64
    assert status(box, "-t", input="Subject: nobody\n\nx\n") == 65
    assert status(box, "a b c") == 67
    assert status(box, "r@r.test", "a b") == 65
    assert status(box, "nobody@a.test") == 69
    assert status(box, "r@r.test", input="X: " + "y" * 300_000) == 65
    big = "".join(f"X-{n}: {'y' * 1000}\n" for n in range(10_000))
    p = box.run("sendmail", "r@r.test", input=big + "\nx\n", check=False)
    assert p.returncode == 65 and "header section over" in p.stderr
    wrong = tmp_path / "conf"
    wrong.write_text("nonsense\n")
    assert status(box, "-C", wrong, "r@r.test") == 78


# --- -bv

def test_verify(box):
    p = box.run("sendmail", "-bv", "bob", "x@lists.test", "x@b.test",
                "x@far.test", "nobody@a.test", check=False)
    assert p.returncode == 67
    lines = dict(line.split("... ", 1) for line in p.stdout.splitlines())
    port = box.conf.read_text().split("smarthost 127.0.0.1:")[1].split()[0]
    assert lines == {
        "bob@a.test": "deliverable: mailer local",
        "x@lists.test": "deliverable: mailer lmtp, socket /nowhere, by route",
        "x@b.test": "deliverable: mailer smtp, by route, host 127.0.0.1:9",
        "x@far.test": "deliverable: mailer smtp, by smarthost, host "
                      f"127.0.0.1:{port}",
        "nobody@a.test": lines["nobody@a.test"]}
    assert lines["nobody@a.test"].startswith("550 5.1.1")
    assert box.run("sendmail", "-bv", "alice").returncode == 0
    assert not box.run("sendmail", "-bv", '"a\nb"@c.test',
                       check=False).stdout.count("\n") > 1


def test_verify_without_daemons(tmp_path):
    with Instance(start=False) as box:
        p = box.run("sendmail", "-bv", "x@far.test")
        assert "MX of far.test" in p.stdout and "not known" in p.stderr


# --- the queue

def test_queue_selections():
    with Instance(extra="route far.test smtp:[127.0.0.1]:9\n") as box:
        for rcpt in ("r@far.test", "s@far.test"):
            box.run("sendmail", "-f", f"{rcpt[0]}@a.test", rcpt, input="\nx\n")
        wait_for(lambda: box.run("mailq").stdout.count("refused") == 2)
        out = box.run("sendmail", "-bp").stdout
        assert out.count("@far.test") == 2
        ident = [line.split()[0] for line in out.splitlines()
                 if "r@a.test" in line][0]

        def tried(arg):
            p = box.run("sendmail", arg, check=False)
            assert not p.stdout     # cron would mail it
            p = box.run("sendmail", "-v", arg, check=False)
            return p.stdout.split(" ")[0]

        assert tried("-q") == tried("-qf") == "2"
        assert tried(f"-qI{ident}") == "1"
        assert tried("-qRr@far.test") == "1"
        assert tried("-qRfar.test") == tried("-qR@far.test") == "2"
        assert tried("-qSs@a.test") == "1"
        assert tried("-qSx@a.test") == "0"
        # intervals are the daemon's business: nothing is done
        assert tried("-q30m") == tried("-qp1h") == tried("-q1h") == ""
        assert box.run("sendmail", "-qG1", check=False).returncode == 64
