"""What .forward says: addresses, commands, files, lists (docs/forward.md)."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import smtplib
import time

import pytest

from instance import wait_for
from people import House, needs_root

pytestmark = needs_root


@pytest.fixture
def house():
    opened = []

    def make(*accounts, **kw):
        opened.append(House(*accounts, **kw))
        return opened[-1]
    yield make
    for h in reversed(opened):
        print(h.log()[-6000:])
        h.close()


def wait_empty(h, seconds=15):
    wait_for(lambda: not h.spooled(), seconds)


def test_one_address_and_no_copy(house):
    h = house("bob")
    h.put("bob", ".forward", "# all of it\n\nbob@b.test (my provider)\n")
    h.send("bob@a.test")
    wait_for(lambda: h.world.messages)
    wait_empty(h)
    (sender, rcpts, data), = h.world.messages
    assert (sender, rcpts) == ("x@b.test", ["bob@b.test"])
    assert data.startswith(b"Delivered-To: bob@a.test\r\nReceived: ")
    assert data.endswith(b"\r\n\r\nHello, Bob.\r\n")
    assert h.mbox("bob") == []
    assert re.search(r"to=<bob@a\.test> relay=none status=sent "
                     r"\(forwarded to 1 recipients in \w+\)", h.log())


def test_all_kinds_each_once(house):
    h = house("bob", "ann")
    h.put("bob", "list", "ann, z@b.test\n# nobody\ny@b.test\n\"|false\"\n")
    h.put("bob", ".forward", "\\bob, y@b.test, Y@B.TEST\n"
          "\"|cat >{DIR}/got; echo said; id -un >>{DIR}/got\"\n"
          "{DIR}/saved, {DIR}/folder/\n/dev/null\n:include:{DIR}/list\n"
          "not an address\n")
    h.send("bob@a.test")
    wait_for(lambda: h.mbox("bob") and h.mbox("ann") and h.world.messages
             and not h.spooled())
    copy, = h.mbox("bob")
    assert "Delivered-To: bob@a.test\nDelivered-To: bob@a.test\n" in copy
    assert len(h.mbox("ann")) == 1
    (_, rcpts, _), = h.world.messages
    assert sorted(rcpts) == ["y@b.test", "z@b.test"]
    got = (h.home["bob"] / "got").read_text()
    assert got.startswith("From x@b.test ") and got.endswith("bob\n")
    assert "Return-Path: <x@b.test>\nDelivered-To: bob@a.test\n" in got
    saved = h.home["bob"] / "saved"
    assert saved.read_text().startswith("From x@b.test ")
    assert saved.stat().st_uid == h.home["bob"].stat().st_uid
    assert saved.stat().st_mode & 0o077 == 0
    assert len(list((h.home["bob"] / "folder" / "new").iterdir())) == 1
    assert "said" in h.log()
    assert re.search(r"\.forward:6: ", h.log())
    assert re.search(r"list:4: a list has no commands", h.log())


def test_chain_of_users_and_aliases(house):
    """bob -> ann -> an alias -> bob, who has decided already."""
    h = house("bob", "ann", "eve")
    (h.dir / "aliases").write_text("team: bob, eve\nsales: bob\n")
    (h.dir / "aliases").chmod(0o644)
    h.put("bob", ".forward", "ann\n")
    h.put("ann", ".forward", "\\ann, team\n")
    h.send("sales@a.test")
    wait_for(lambda: h.mbox("ann") and h.mbox("eve") and h.mbox("bob"))
    wait_empty(h)
    assert [len(h.mbox(n)) for n in ("bob", "ann", "eve")] == [1, 1, 1]


def test_himself_is_no_forwarding(house):
    h = house("bob")
    h.put("bob", ".forward", "bob\n")
    h.send("bob@a.test", "Bob+x@a.test")
    wait_for(lambda: len(h.mbox("bob")) == 2)
    assert "forwarded" not in h.log()


def test_loop_over_another_host(house):
    h = house("bob")
    h.put("bob", ".forward", "bob@b.test\n")
    h.send("bob@a.test")
    wait_for(lambda: h.world.messages)
    h.send("bob@a.test", text=h.world.messages[0][2].decode())
    wait_for(lambda: len(h.world.messages) == 2)
    wait_empty(h)
    # the second one is the report
    assert h.world.messages[1][1] == ["x@b.test"]
    assert b"5.4.6" in h.world.messages[1][2]


@pytest.mark.parametrize("what", ["file", "group", "folder", "owner", "link",
                                  "fifo", "size"])
def test_not_his_own_word(house, what):
    """Somebody else could have written it: then it does not count."""
    h = house("bob", "eve")
    f = h.put("bob", ".forward", "eve\n")
    if what == "file":
        f.chmod(0o646)
    elif what == "group":
        f.chmod(0o664)
        os.chown(f, -1, 100)
    elif what == "folder":
        f.parent.chmod(0o777)
    elif what == "owner":
        os.chown(f, h.home["eve"].stat().st_uid, -1)
    elif what == "link":
        f.rename(f.with_name("elsewhere"))
        f.symlink_to("elsewhere")
    elif what == "fifo":
        f.unlink()
        os.mkfifo(f)
        os.chown(f, f.parent.stat().st_uid, -1)
    else:
        f.write_text("eve\n" * 20000)
    h.send("bob@a.test")
    wait_for(lambda: h.mbox("bob"))
    assert not h.mbox("eve")
    assert ".forward is not used: " in h.log()


def test_what_goes_wrong_with_one_is_not_the_others(house):
    h = house("bob", replies={"RCPT <no@b.test>": "550 5.1.1 no such"})
    h.put("bob", ".forward", "\\bob, no@b.test, \"|exit 75\", "
          "\"|echo no such; exit 67\", {DIR}/missing/file, y@b.test\n")
    h.send("bob@a.test", sender="alice@a.test")
    wait_for(lambda: h.mbox("bob") and h.world.messages)
    reports = h.wait_messages("alice", 1)[0].read_text()
    assert "Final-Recipient: rfc822; no@b.test" in reports
    assert "Status: 5.1.1" in reports and "no such" in reports
    assert [r for m in h.world.messages for r in m[1]] == ["y@b.test"]
    # the other two are tried again, and when they are gone from the file
    # the mailbox has what waits
    wait_for(lambda: len(h.spooled()) == 1)
    h.put("bob", ".forward", "y@b.test\n")
    wait_for(lambda: len(h.mbox("bob")) == 3)
    wait_empty(h)
    assert [r for m in h.world.messages for r in m[1]] == ["y@b.test"]


def test_slow_command(house):
    """Its time is over: it and its children are ended, and it is tried again."""
    h = house("bob", "ann", extra="alias-timeout 1s\n")
    h.put("bob", ".forward", "\"|echo $$ >>{DIR}/pids; sleep 50 & sleep 60\"\n")
    h.send("bob@a.test")
    h.send("ann@a.test")
    wait_for(lambda: h.mbox("ann"))
    h.wait_log(r"took longer than 1 s")
    first = (h.home["bob"] / "pids").read_text().split()[0]
    assert not pathlib.Path(f"/proc/{first}").exists()
    assert h.spooled()


def test_much_output(house):
    h = house("bob")
    h.put("bob", ".forward", "\"|yes | head -c 3000000\"\n")
    before = len(h.log())
    h.send("bob@a.test")
    wait_for(lambda: "head -c" in h.log() or not h.spooled())
    wait_empty(h)
    assert len(h.log()) - before < 100000


def test_no_shell_no_commands(house):
    h = house("bob", shell="/usr/sbin/nologin")
    h.put("bob", ".forward", "\"|touch {DIR}/ran\", {DIR}/file\n")
    h.send("bob@a.test")
    wait_for(lambda: h.mbox("bob"))
    assert not (h.home["bob"] / "ran").exists()
    assert "whoever has no shell" in h.log()
    h.put("bob", ".forward", "\"|touch {DIR}/ran\", y@b.test\n")
    h.send("bob@a.test")
    wait_for(lambda: h.world.messages)


def test_the_command_has_his_rights_alone(house):
    h = house("bob")
    os.chown(h.dir / "mbox", 0, 8)
    (h.dir / "mbox").chmod(0o2775)
    h.put("bob", ".forward", "\"|id >{DIR}/id; pwd >>{DIR}/id; env >>{DIR}/id; "
          "ls -l /proc/self/fd >>{DIR}/id\"\n")
    h.send("bob@a.test")
    wait_empty(h)
    said = (h.home["bob"] / "id").read_text()
    uid = h.home["bob"].stat().st_uid
    assert f"uid={uid}(bob)" in said and f"groups={uid}" in said
    assert f"\n{h.home['bob']}\n" in said
    for line in ("USER=bob", f"HOME={h.home['bob']}", "SENDER=x@b.test",
                 "RECIPIENT=bob@a.test", "LOCAL=bob", "DOMAIN=a.test"):
        assert f"\n{line}\n" in said
    assert "socket" not in said


@pytest.mark.skipif(not shutil.which("procmail"), reason="no procmail")
def test_procmail(house):
    """As every manual has it."""
    h = house("bob", "ann")
    for name, line in (
            ("bob", "\"|IFS=' ' && exec /usr/bin/procmail -f- || exit 75 "
             "#bob\"\n"), ("ann", "|/usr/bin/procmail\n")):
        h.put(name, ".forward", line)
        h.put(name, ".procmailrc", "MAILDIR={DIR}\nDEFAULT={DIR}/inbox\n"
              "LOGFILE={DIR}/log\n:0\n* ^Subject: s$\nmatched\n")
    h.send("bob@a.test", "ann@a.test")
    h.send("bob@a.test", "ann@a.test", subject="t")
    wait_empty(h)
    for name in ("bob", "ann"):
        for box in ("matched", "inbox"):
            assert (h.home[name] / box).read_text().startswith("From x@b.test ")
    assert not h.mbox("bob") and not h.mbox("ann")


@pytest.mark.skipif(not shutil.which("maildrop"), reason="no maildrop")
def test_maildrop(house):
    h = house("bob")
    h.put("bob", ".forward", "\"|/usr/bin/maildrop\"\n")
    h.put("bob", ".mailfilter", "if (/^Subject: s/)\n  to {DIR}/matched\n"
          "to {DIR}/other\n", 0o600)
    h.send("bob@a.test")
    wait_for(lambda: (h.home["bob"] / "matched").exists())
    wait_empty(h)


def test_too_many(house):
    h = house("bob")
    h.put("bob", ".forward", "".join(f"n{n}@b.test\n" for n in range(65)))
    h.send("bob@a.test")
    wait_for(lambda: h.mbox("bob"))
    h.put("bob", ".forward", "".join(f"n{n}@b.test\n" for n in range(64)))
    h.send("bob@a.test")
    wait_for(lambda: h.world.messages)
    assert len(h.mbox("bob")) == 1
    assert sum(len(m[1]) for m in h.world.messages) == 64


def test_list_that_is_missing(house):
    """Without it nobody knows who else gets it: the mail waits."""
    h = house("bob")
    h.put("bob", ".forward", "y@b.test, :include:{DIR}/list\n")
    h.send("bob@a.test")
    h.wait_log(r"list: No such file")
    assert not h.mbox("bob") and not h.world.messages
    h.put("bob", "list", ":include:{DIR}/list, z@b.test\n")
    wait_for(lambda: h.world.messages)
    assert sorted(h.world.messages[0][1]) == ["y@b.test", "z@b.test"]


@pytest.mark.parametrize("when", range(6))
def test_killed_in_the_middle(house, when):
    """Whatever ends when: each gets it once, and nobody not at all."""
    h = house("bob", "ann", "eve")
    h.put("bob", ".forward", "\\bob, ann, y@b.test\n")
    h.put("ann", ".forward", "\\ann, eve\n")
    for n in range(4):
        h.send("bob@a.test", subject=f"k{n}")
    time.sleep(0.012 * when)
    for applet in ("queue", "deliver") if when % 2 else ("queue",):
        for pid in h.pids(applet):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(h.mbox("bob")) >= 4 and len(h.mbox("ann")) >= 4
             and len(h.mbox("eve")) >= 4 and len(h.world.messages) >= 4, 30)
    wait_empty(h, 30)
    for box in (h.mbox("bob"), h.mbox("ann"), h.mbox("eve")):
        assert sorted(re.search(r"Subject: (k\d)", m)[1] for m in box) == \
            ["k0", "k1", "k2", "k3"]
    # what y's host had taken just before the kill comes again (RFC 5321 4.1.1.4)
    assert {re.search(rb"Subject: (k\d)", m[2])[1]
            for m in h.world.messages} == {b"k0", b"k1", b"k2", b"k3"}


def test_sender_with_srs(house):
    """SPF's sake: what we send on goes out under a name of ours."""
    h = house("bob", extra="srs yes\n")
    h.put("bob", ".forward", "bob@b.test\n")
    h.send("bob@a.test", sender="x@c.test")
    wait_for(lambda: h.world.messages)
    assert re.fullmatch(r"SRS0=.*=c\.test=x@a\.test", h.world.messages[0][0])


def test_report_of_success(house):
    """RFC 3461 5.2.7.2: expanded; who gets it says no more of it."""
    h = house("bob", offers=("DSN",))
    h.put("bob", ".forward", "\\bob, bob@b.test\n")
    with smtplib.SMTP("127.0.0.1", h.port["smtp"], timeout=20) as s:
        s.ehlo("c")
        s.mail("alice@a.test", ["ENVID=q"])
        s.rcpt("bob@a.test", ["NOTIFY=SUCCESS,FAILURE"])
        s.data("Subject: x\r\n\r\nx\r\n")
    report = h.wait_messages("alice", 1)[0].read_text()
    assert "Action: expanded" in report and "bob@a.test" in report
    wait_for(lambda: h.mbox("bob") and h.world.messages)
    assert "RCPT TO:<bob@b.test> NOTIFY=FAILURE ORCPT=rfc822;bob@a.test" in \
        h.world.lines


def test_virtual_user(house):
    """Off by default; then addresses, and nothing that runs."""
    h = house("bob")
    box = h.maildir("alice")
    h.send("alice@a.test")
    h.wait_messages("alice", 1)
    (box / "forward").write_text("y@b.test\n")
    (box / "forward").chmod(0o644)
    h.send("alice@a.test")
    h.wait_messages("alice", 2)
    h.stop()
    h.conf.write_text(h.conf.read_text() + "forward all\n")
    h.start()
    (box / "forward").write_text("alice@a.test, y@b.test, \"|touch /tmp/x\", "
                                 "/tmp/y\n")
    h.send("alice@a.test")
    h.send("alice+x@a.test")
    wait_for(lambda: len(h.world.messages) == 2)
    h.wait_messages("alice", 4)
    wait_empty(h)
    assert {tuple(m[1]) for m in h.world.messages} == {("y@b.test",)}
    (box / "forward").unlink()
    h.send("alice@a.test", "bob@a.test")
    h.wait_messages("alice", 5)


def test_a_full_mailbox_is_no_matter_of_who_forwards(house):
    h = house("bob", "ann", extra="mailbox-quota 10k\nforward all\n")
    h.put("bob", ".forward", "y@b.test\n")
    (h.maildir("alice") / "forward").write_text("z@b.test\n")
    big = "From: x@b.test\r\n\r\n" + "x" * 70 + "\r\n" + 200 * ("y" * 70 + "\r\n")
    h.send("bob@a.test", "alice@a.test", text=big)
    wait_for(lambda: len(h.world.messages) == 2)
    wait_empty(h)
    assert sorted(m[1] for m in h.world.messages) == [["y@b.test"], ["z@b.test"]]
    h.put("bob", ".forward", "\\bob, y@b.test\n")
    h.send("bob@a.test", "ann@a.test", text=big)
    wait_for(lambda: len(h.world.messages) == 5)
    text = b"".join(m[2] for m in h.world.messages if m[1] == ["x@b.test"])
    assert text.count(b"Status: 5.2.3") == 2
    assert not h.mbox("bob") and not h.mbox("ann")


def own_and(h, **to):
    """name="ann": a copy for himself, and ann."""
    for name, other in to.items():
        h.put(name, ".forward", f"\\{name}, {other}\n")
        # before the message by the second that a file's time may lack
        old = time.time() - 5
        os.utime(h.home[name] / ".forward", (old, old))
    time.sleep(1.1)


def test_two_who_forward_to_each_other(house):
    """Each has his own copy, and no second one when it comes back."""
    h = house("bob", "ann")
    own_and(h, bob="ann", ann="bob")
    h.send("bob@a.test")
    wait_for(lambda: h.mbox("ann") and not h.spooled())
    assert [len(h.mbox(n)) for n in ("bob", "ann")] == [1, 1]
    h.send("bob@a.test", "ann@a.test")
    wait_for(lambda: len(h.mbox("ann")) > 1 and not h.spooled())
    # two recipients, of two messages: the one to each and the other's copy
    assert [len(h.mbox(n)) for n in ("bob", "ann")] == [3, 3]
    assert not h.world.messages


def test_three_in_a_ring_and_a_list(house):
    h = house("bob", "ann", "eve", users=("alice", "dan"),
              extra="forward all\n")
    (h.dir / "aliases").write_text("team: bob, dan\n")
    (h.dir / "aliases").chmod(0o644)
    h.send("alice@a.test")
    h.wait_messages("alice", 1)
    (h.maildir("alice") / "forward").write_text("\\alice, bob\n")
    (h.maildir("alice") / "forward").chmod(0o644)
    own_and(h, bob="ann", ann="eve", eve="alice, team")
    h.send("alice@a.test")
    wait_for(lambda: h.messages("dan") and not h.spooled())
    assert [len(h.mbox(n)) for n in ("bob", "ann", "eve")] == [1, 1, 1]
    assert [len(h.messages(n)) for n in ("alice", "dan")] == [2, 1]


def test_a_copy_that_was_not_kept_is_none(house):
    """He has written himself into his .forward while the message was on its
    way: what comes back is all that he gets."""
    h = house("bob", "ann", replies={"RCPT": "451 4.0.0 later"})
    h.put("bob", ".forward", "ann, w@b.test\n")
    h.put("ann", ".forward", ":include:{DIR}/missing\n")
    h.send("bob@a.test")
    h.wait_log(r"missing")
    own_and(h, bob="ann")
    h.put("ann", ".forward", "bob\n")
    wait_for(lambda: h.mbox("bob"))
    assert len(h.mbox("bob")) == 1


def lmtp(h, *rcpts, text="Subject: lmtp\r\n\r\nHello.\r\n"):
    """As another server brings it."""
    with smtplib.LMTP(str(h.dir / "run/deliver")) as s:
        s.ehlo()
        s.mail("x@b.test")
        for r in rcpts:
            assert s.rcpt(r)[0] == 250
        code, reply = s.data(text)
        return [(code, reply)] + [s.getreply() for _ in rcpts[1:]]


def test_from_another_server(house):
    """Its local delivery has followed an account's .forward; of a virtual
    user's nobody but us knows."""
    h = house("bob", extra="forward all\n")
    h.put("bob", ".forward", "z@b.test\n")
    h.send("alice@a.test")
    h.wait_messages("alice", 1)
    (h.maildir("alice") / "forward").write_text("\\alice, y@b.test\n")
    (h.maildir("alice") / "forward").chmod(0o644)
    assert [code for code, _ in lmtp(h, "alice@a.test", "bob@a.test")] == \
        [250, 250]
    wait_for(lambda: h.world.messages and not h.spooled())
    (sender, rcpts, data), = h.world.messages
    assert (sender, rcpts) == ("x@b.test", ["y@b.test"])
    assert data.endswith(b"\r\n\r\nHello.\r\n")
    h.wait_messages("alice", 2)
    assert len(h.messages("alice")) == 2 and len(h.mbox("bob")) == 1
    assert "bob: forward is not followed: the mail is not from queue\n" in \
        h.log()
    # it comes round by that server: his mailbox
    lmtp(h, "alice@a.test", text="Delivered-To: alice@a.test\r\n\r\nx\r\n")
    h.wait_messages("alice", 3)
    # without a queue as well
    (h.dir / "run/queue.ctl").rename(h.dir / "run/away")
    lmtp(h, "alice@a.test")
    h.wait_messages("alice", 4)
    assert "which does not run" in h.log()
    # it is there and does not answer: later
    (h.dir / "run/queue.ctl").write_text("")
    (h.dir / "run/submit").unlink()
    assert lmtp(h, "alice@a.test")[0][0] == 451
    assert len(h.world.messages) == 1
