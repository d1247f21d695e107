"""Names that lead elsewhere, lists, commands and files (docs/aliases.md)."""

import email
import email.policy
import os
import re
import smtplib
import subprocess
import time

import pytest

from fakes import FakeSMTP
from instance import Instance, wait_for

TEXT = "From: x@b.test\r\nSubject: s\r\nMessage-ID: <1@b>\r\n\r\nHello, list.\r\n"
FAST = ("retry-first 1s\nretry-most 1s\nrelay-from 127.0.0.0/8\n"
        "max-recipients 150\n")


def aliases(i, text):
    """In place of the old ones; an editor renames, too."""
    new = i.dir / "aliases.new"
    new.write_text(text)
    new.chmod(0o644)
    old = time.time() - 5
    os.utime(new, (old, old))
    new.rename(i.dir / "aliases")
    time.sleep(1.1)


def send(i, *rcpts, sender="x@b.test", mail=(), options=(), text=TEXT):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.ehlo("c")
        assert s.mail(sender, list(mail))[0] == 250
        for r in rcpts:
            code, reply = s.rcpt(r, list(options))
            assert code == 250, (r, reply)
        assert s.data(text)[0] == 250


def wait_empty(i, seconds=15):
    wait_for(lambda: not i.spooled(), seconds)


def commands(server, verb):
    return [x for x in server.lines if x.startswith(verb)]


def parts(path):
    """A report's human part, its fields, and those of each recipient."""
    m = email.message_from_bytes(path.read_bytes(),
                                 policy=email.policy.default)
    human, status, _ = m.iter_parts()
    fields, *rcpts = status.get_payload()
    return human.get_content(), {
        r["Final-Recipient"].removeprefix("rfc822; "): r for r in rcpts}


@pytest.fixture
def house():
    """house(text of aliases, **FakeSMTP's) -> (server of b.test, Instance)"""
    opened = []

    def make(text, extra="", **kw):
        s = FakeSMTP(**kw)
        i = Instance(extra=FAST + extra +
                     f"route b.test smtp:[127.0.0.1]:{s.port}\n", start=False)
        (i.dir / "aliases").write_text(text.replace("{DIR}", str(i.dir)))
        (i.dir / "out").mkdir()
        (i.dir / "out").chmod(0o777)
        i.dir.chmod(0o755)
        i.start()
        opened.extend((s, i))
        return s, i
    yield make
    for thing in reversed(opened):
        thing.close()


def test_one_address(house):
    """It goes there, with nothing written and nothing changed."""
    s, i = house("root: me@b.test\nsales: Alice\nchain: sales\n")
    send(i, "root@a.test", "Chain@a.test", "sales+x@a.test")
    i.wait_messages("alice", 1)
    wait_empty(i)
    (sender, rcpts, data), = s.messages
    assert sender == "x@b.test" and rcpts == ["me@b.test"]
    assert data.endswith(b"\r\n\r\nHello, list.\r\n")
    assert b"Delivered-To" not in data
    assert re.search(r"to=<me@b\.test> orig_to=<root@a\.test> .*status=sent",
                     i.log())
    assert "expanded" not in i.log()


def test_who_is_no_alias_is_refused(house):
    _, i = house("sales: alice\n")
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as c:
        c.ehlo("c")
        c.mail("x@b.test")
        for name, want in (("sales", 250), ("\"sales\"", 250), ("nobody", 550),
                           ("|sales#1", 550), ("\"|sales#1\"", 550),
                           ("postmaster", 550), ("", 501)):
            assert c.docmd(f"RCPT TO:<{name}@a.test>")[0] == want, name


def test_several(house):
    s, i = house("all: alice, bob, ALICE@a.test, y@b.test,\n  z@b.test\n")
    send(i, "all@a.test")
    for user in ("alice", "bob"):
        path, = i.wait_messages(user, 1)
        head = path.read_text().split("\n\n")[0]
        assert "\nDelivered-To: all@a.test\n" in head
        assert head.startswith("Return-Path: <x@b.test>\n")
    wait_empty(i)
    (sender, rcpts, _), = s.messages
    assert sender == "x@b.test" and rcpts == ["y@b.test", "z@b.test"]
    assert re.search(r"to=<all@a\.test> relay=none status=sent "
                     r"\(expanded to 4 recipients in \w+\)", i.log())


def test_alice_keeps_a_copy(house):
    s, i = house("alice: \\alice, y@b.test\nbob: bob, y@b.test\n")
    send(i, "alice@a.test")
    send(i, "bob@a.test")
    i.wait_messages("alice", 1)
    i.wait_messages("bob", 1)
    wait_empty(i)
    assert len(s.messages) == 2


def test_list_with_owner(house):
    """Reports go to the owner, and the sender's wishes end at the list."""
    s, i = house("list: y@b.test, bob\nowner-list: alice\n", offers=("DSN",),
                 replies={"RCPT <y@b.test>": "550 5.1.1 no such"})
    send(i, "list@a.test", mail=["ENVID=q1", "RET=FULL"],
         options=["NOTIFY=SUCCESS,FAILURE"])
    report, = i.wait_messages("alice", 1)
    human, rcpts = parts(report)
    assert rcpts["y@b.test"]["Action"] == "failed"
    path, = i.wait_messages("bob", 1)
    assert path.read_text().startswith("Return-Path: <owner-list@a.test>\n")
    wait_empty(i)
    assert "MAIL FROM:<owner-list@a.test>" in commands(s, "MAIL")
    assert "RCPT TO:<y@b.test>" in [c for c in commands(s, "RCPT")]
    # the sender hears that the list has it
    (_, rcpts, data), = [m for m in s.messages if m[1] == ["x@b.test"]]
    assert b"Action: delivered" in data and b"list@a.test" in data
    assert b"Original-Envelope-Id: q1" in data


def test_report_of_an_alias(house):
    """RFC 3461 5.2.7.2: expanded, and no more of success."""
    s, i = house("all: y@b.test, z@b.test\n", offers=("DSN",))
    send(i, "all@a.test", sender="alice@a.test", mail=["ENVID=q2"],
         options=["NOTIFY=SUCCESS,DELAY"])
    report, = i.wait_messages("alice", 1)
    human, rcpts = parts(report)
    assert rcpts["all@a.test"]["Action"] == "expanded"
    wait_empty(i)
    assert commands(s, "MAIL") == ["MAIL FROM:<alice@a.test> ENVID=q2"]
    assert commands(s, "RCPT") == [
        f"RCPT TO:<{a}@b.test> NOTIFY=DELAY ORCPT=rfc822;all@a.test"
        for a in "yz"]


def test_report_of_one_address(house):
    s, i = house("sales: y@b.test\n", replies={"RCPT": "550 5.1.1 no such"})
    send(i, "sales@a.test", sender="alice@a.test")
    report, = i.wait_messages("alice", 1)
    human, rcpts = parts(report)
    assert "<y@b.test> (who gets mail for <sales@a.test>)" in human
    assert rcpts["y@b.test"]["Original-Recipient"] == "rfc822; sales@a.test"


def test_no_report_on_a_report(house):
    """The null sender stays, also through a list with an owner."""
    s, i = house("list: y@b.test, bob\nowner-list: alice\n")
    send(i, "list@a.test", sender="")
    path, = i.wait_messages("bob", 1)
    assert path.read_text().startswith("Return-Path: <>\n")


def test_loop(house):
    s, i = house("a: b\nb: c\nc: a\nd: e, bob\ne: d\n")
    send(i, "a@a.test", sender="alice@a.test")
    human, rcpts = parts(i.wait_messages("alice", 1)[0])
    assert rcpts["a@a.test"]["Status"] == "5.4.6"
    assert "leads back to itself" in human
    send(i, "d@a.test")
    i.wait_messages("bob", 1)
    wait_empty(i)
    assert "the alias leads back to itself" in i.log()


def test_loop_over_another_host(house):
    """What comes back has the mark that we gave it."""
    s, i = house("list: list@b.test, bob\n")
    send(i, "list@a.test", sender="alice@a.test")
    wait_for(lambda: s.messages)
    _, _, data = s.messages[0]
    i.wait_messages("bob", 1)
    send(i, "list@a.test", sender="alice@a.test", text=data.decode())
    human, rcpts = parts(i.wait_messages("alice", 1)[0])
    assert rcpts["list@a.test"]["Status"] == "5.4.6"
    wait_empty(i)
    assert len(i.messages("bob")) == 1 and len(s.messages) == 1


def test_include(house):
    s, i = house("list: :include:{DIR}/members\n")
    send(i, "list@a.test")
    i.wait_log(r"members: No such file")
    assert i.spooled()
    mailq = i.run("mailq").stdout
    assert "members: No such file or directory" in mailq
    (i.dir / "members").write_text("# who\nalice\n  y@b.test (Y)\n\n|/bin/sh\n")
    i.wait_messages("alice", 1)
    wait_empty(i)
    assert s.messages[0][1] == ["y@b.test"]
    assert "members:5: a list has no commands and files" in i.log()


def test_edit_while_running(house):
    s, i = house("sales: y@b.test\n", replies={"RCPT": "450 4.7.1 later"})
    send(i, "sales@a.test")
    i.wait_log("status=deferred")
    aliases(i, "sales: alice\nnew: bob\nold: bob\n")
    i.wait_messages("alice", 1)         # what waited goes where it leads now
    send(i, "new@a.test")
    i.wait_messages("bob", 1)
    wait_empty(i)
    (i.dir / "aliases").unlink()
    time.sleep(1.1)
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as c:
        c.ehlo("c")
        c.mail("x@b.test")
        assert c.rcpt("old@a.test")[0] == 550


def test_file_that_anybody_may_change(house):
    """Not believed; nothing is lost meanwhile."""
    s, i = house("alice: y@b.test\n")
    (i.dir / "aliases").chmod(0o666)
    time.sleep(1.1)
    send(i, "alice@a.test")
    i.wait_log("aliases: anybody may write to it")
    assert not s.messages and not i.messages("alice")
    (i.dir / "aliases").chmod(0o644)
    wait_empty(i)
    assert s.messages[0][1] == ["y@b.test"]


def test_bad_lines(house):
    s, i = house("nonsense\nok: alice\nhalf: a b, bob\n")
    send(i, "ok@a.test", "half@a.test")
    i.wait_messages("alice", 1)
    i.wait_messages("bob", 1)
    assert "aliases:1: no : behind the name" in i.log()
    assert "aliases:3: is no address" in i.log()


def test_fan_out(house):
    """10,000 for one message; one more is too many."""
    s, i = house("big: :include:{DIR}/big\n", extra="queue-sessions 2\n")
    members = [f"u{n}@b.test" for n in range(9999)] + ["bob"]
    (i.dir / "big").write_text("\n".join(members + members))
    send(i, "big@a.test", sender="alice@a.test")
    wait_for(lambda: sum(len(m[1]) for m in s.messages) == 9999, 60)
    assert sorted(r for m in s.messages for r in m[1]) == sorted(members[:-1])
    assert max(len(m[1]) for m in s.messages) == 100
    i.wait_messages("bob", 1)
    wait_empty(i, 30)
    rss = max(int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{p}/status").read())[1])
              for p in i.pids("queue"))
    assert rss < 32 * 1024
    (i.dir / "big").write_text("\n".join(members + ["one@more.test"]))
    send(i, "big@a.test", sender="alice@a.test")
    human, rcpts = parts(i.wait_messages("alice", 1)[0])
    assert rcpts["big@a.test"]["Status"] == "5.2.4"
    assert "more than 10000 recipients" in human


COMMAND = """#!/bin/sh
cat >{DIR}/out/mail.$$
echo "I am `id -un`, $SENDER, $RECIPIENT, $LOCAL at $DOMAIN, $1"
env >{DIR}/out/env
exit `cat {DIR}/status`
"""


def program(i, text=COMMAND):
    path = i.dir / "program"
    path.write_text(text.replace("{DIR}", str(i.dir)))
    path.chmod(0o755)


def test_command(house):
    """It waits while that says 75, and runs as nobody, once."""
    _, i = house('prog: "|{DIR}/program \'one word\'"\n')
    program(i)
    (i.dir / "status").write_text("75")
    send(i, "prog+x@a.test")
    i.wait_log("the command ended with status 75: I am nobody, x@b.test, "
               "prog@a.test, prog at a.test, one word")
    assert "ended with status 75" in i.run("mailq").stdout
    (i.dir / "status").write_text("0")
    wait_empty(i)
    mails = list((i.dir / "out").glob("mail.*"))
    text = mails[-1].read_text()
    assert re.match(r"From x@b\.test \w{3} \w{3} .*\nReturn-Path: <x@b\.test>\n"
                    r"Delivered-To: prog@a\.test\n", text)
    assert text.endswith("\n\nHello, list.\n")
    assert "alias prog: I am nobody" in i.log()
    env = (i.dir / "out" / "env").read_text()
    assert "PILLARBOX" not in env and "PATH=/usr/local/bin" in env
    n = len(mails)
    time.sleep(1.2)
    assert len(list((i.dir / "out").glob("mail.*"))) == n


def test_command_that_refuses(house):
    _, i = house('prog: "|echo not you; exit 67", \nodd: "|exit 3"\n'
                 'gone: "|/no/such/program"\n')
    send(i, "prog@a.test", "odd@a.test", "gone@a.test", sender="alice@a.test")
    human, rcpts = parts(i.wait_messages("alice", 1)[0])
    assert rcpts["prog@a.test"]["Status"] == "5.1.1"
    assert rcpts["odd@a.test"]["Status"] == "5.3.0"
    assert "the command ended with status 67: not you" in human
    assert rcpts["gone@a.test"]["Status"] == "5.3.0" and "not found" in human
    assert "|" not in "".join(rcpts)


def test_command_that_hangs(house):
    """Ended with all that it has started; others do not wait for it."""
    _, i = house('slow: "|sleep 77.5; :"\n', extra="alias-timeout 1s\n")
    send(i, "slow@a.test")
    send(i, "bob@a.test")
    i.wait_messages("bob", 1)
    i.wait_log("the command took longer than 1 s")
    aliases(i, "slow: alice\n")
    i.wait_messages("alice", 1)
    assert not subprocess.run(["pgrep", "-f", "^sleep 77.5"]).returncode == 0


def test_command_that_reads_nothing_and_talks_much(house):
    _, i = house('yes: "|head -c 1000000 /dev/zero | tr \'\\\\\\\\0\' x"\n'
                 'no: "|exec </dev/null; exit 0"\n')
    send(i, "yes@a.test", "no@a.test", text=TEXT + "x" * 70 + "\r\n" +
         ("y" * 70 + "\r\n") * 10000)
    wait_empty(i)
    assert len(i.log()) < 100000


def test_files(house):
    """An mbox, a Maildir, and /dev/null, beside an address."""
    _, i = house("file: {DIR}/out/mbox, {DIR}/out/maildir/, /dev/null, bob\n")
    send(i, "file@a.test")
    send(i, "file@a.test")
    i.wait_messages("bob", 2)
    wait_empty(i)
    text = (i.dir / "out" / "mbox").read_text()
    assert len(re.findall("^From x@b.test ", text, re.M)) == 2
    assert text.count("Delivered-To: file@a.test\n") >= 2
    assert len(list((i.dir / "out" / "maildir" / "new").iterdir())) == 2
    assert (i.dir / "out" / "mbox").owner() == "nobody"


def test_file_that_cannot_be_written(house):
    _, i = house("file: {DIR}/out/sub/mbox\n")
    send(i, "file@a.test")
    i.wait_log("out/sub/mbox: no such mailbox", 3)
    (i.dir / "out" / "sub").mkdir()
    (i.dir / "out" / "sub").chmod(0o777)
    wait_empty(i)
    assert "Hello" in (i.dir / "out" / "sub" / "mbox").read_text()


def test_never_as_root(house):
    _, i = house('prog: "|touch {DIR}/out/done"\n', extra="alias-user root\n")
    send(i, "prog@a.test")
    i.wait_log("alias-user root is root")
    assert not (i.dir / "out" / "done").exists() and i.spooled()


def test_no_command_over_the_wire(house):
    """Also not from root's own sendmail."""
    _, i = house('prog: "|touch {DIR}/out/done"\n')
    i.run("sendmail", "-f", "alice@a.test", "|prog#1@a.test", input=TEXT,
          check=False)
    i.run("sendmail", "-f", "alice@a.test", '"|prog#1"@a.test', input=TEXT,
          check=False)
    time.sleep(0.5)
    wait_empty(i)
    assert not (i.dir / "out" / "done").exists()


def test_postmaster(house):
    """To root's alias, or to root's mailbox when there is none."""
    s, i = house("alice: alice\n", extra="postmaster alice\n")
    send(i, "postmaster@a.test")
    send(i, "abuse@a.test")
    send(i, "MAILER-DAEMON@mail.a.test")
    i.wait_messages("alice", 3)
    assert not s.messages
    aliases(i, "alice: y@b.test\n")
    send(i, "bob@a.test")
    i.wait_messages("bob", 1)


def test_postmaster_of_an_alias(house):
    s, i = house("root: y@b.test\n")
    for name in ("postmaster", "Abuse", "mailer-daemon"):
        send(i, f"{name}@a.test")
    wait_for(lambda: len(s.messages) == 3)
    assert {tuple(m[1]) for m in s.messages} == {("y@b.test",)}
    wait_empty(i)


def test_who_may_send_as_an_alias(house):
    """Who gets all of its mail, and nobody else."""
    _, i = house("sales: alice\nall: alice, bob\nlist: :include:/x\n"
                 "alice: \\alice\nbob: y@b.test\nout: y@b.test\n"
                 "bobs: bob\nsales2: sales\nprog: \"|/bin/true\"\n",
                 extra="auth-without-tls yes\n")
    with smtplib.SMTP("127.0.0.1", i.port["submission"], timeout=20) as c:
        c.ehlo("c")
        c.login("alice@a.test", "alice-pw")
        for name, want in (("alice", 250), ("sales", 250), ("all", 553),
                           ("sales2", 250), ("bobs", 553),
                           ("list", 553), ("out", 553), ("prog", 553),
                           ("bob", 553)):
            assert c.mail(f"{name}@a.test")[0] == want, name
            c.rset()


def test_newaliases(house):
    _, i = house("root: me@b.test\nall: alice,\n  bob\n")
    p = i.run("newaliases")
    assert p.returncode == 0 and p.stdout == f"{i.dir}/aliases: 2 aliases\n"
    (i.dir / "aliases").write_text("a: b\nb: a\nbad line\nc: :include:/no\n")
    p = i.run("newaliases", check=False)
    assert p.returncode == 65
    assert p.stderr.splitlines() == [
        f"{i.dir}/aliases:3: no : behind the name",
        f"{i.dir}/aliases:1: the alias a leads back to itself",
        f"{i.dir}/aliases:2: the alias b leads back to itself",
        f"{i.dir}/aliases:4: /no: No such file or directory"]
    (i.dir / "aliases").unlink()
    assert i.run("newaliases").stdout == f"{i.dir}/aliases: 0 aliases\n"


def test_sendmail_bv_names_the_targets(tmp_path):
    with Instance(start=False) as i:
        (i.dir / "aliases").write_text(
            "boss: alice\nteam: bob, boss, far@b.test, |/bin/true, nobody\n"
            "owner-team: alice\nbad: :include:/nowhere/list\n")
        i.start()
        p = i.run("sendmail", "-bv", "team", "boss", "bob", "bad",
                  check=False)
        lines = p.stdout.splitlines()
        assert lines[0] == "team@a.test... deliverable: alias for"
        assert sorted(lines[1:7]) == sorted([
            "  bob@a.test: mailer local", "  alice@a.test: mailer local",
            "  far@b.test: mailer smtp, MX of b.test",
            "  a command or file of team", "  nobody@a.test: mailer local",
            "  whose errors go to owner-team@a.test"]), lines
        assert lines[7:10] == [
            "boss@a.test... deliverable: alias for",
            "  alice@a.test: mailer local",
            "bob@a.test... deliverable: mailer local"]
        assert "nowhere" in lines[10] and p.returncode == 75
