"""One maildrop and several programs: what each may count on."""

import email
import email.policy
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import instance
from instance import Instance, wait_for
from pop import Pop, dovecot_name, put

EXTRA = "auth-without-tls yes\ndata-timeout 5\n"


@pytest.fixture(scope="module")
def box():
    with Instance(extra=EXTRA) as i:
        yield i


@pytest.fixture
def drop(box):
    """alice's Maildir with three messages, and nobody in it."""
    def free():
        p = Pop(box.port["pop3"], login=None)
        p.ok("USER alice@a.test")
        is_free = p.say("PASS alice-pw").startswith("+OK")
        p.quit()            # answered when it is free again
        return is_free
    wait_for(free)
    path = box.maildir("alice")
    shutil.rmtree(path, ignore_errors=True)
    for n in range(3):
        text = f"Subject: {n}\n\n.{n}\nend\n"
        put(path, dovecot_name(n, text), text)
    return path


def on_stdin(box):
    """Another process: pop3d -s, as inetd starts it."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(["pop3d", "-s", "-f", "-C", str(box.conf)],
                               executable=instance.BIN, stdin=theirs,
                               stdout=theirs, stderr=subprocess.DEVNULL)
    theirs.close()
    ours.settimeout(20)
    return process, Pop(ours, login=None)


def test_uids_stay(box, drop):
    p = Pop(box.port["pop3"])
    uids = p.uids()
    sizes = p.list("LIST")
    assert len(set(uids)) == 3
    p.quit()
    files = sorted((drop / "new").iterdir())
    files[0].rename(drop / "cur" / (files[0].name + ":2,S"))
    files[1].rename(drop / "cur" / files[1].name.partition(",")[0])
    shutil.copy(files[2], drop / "cur" / (files[2].name + ":2,RS"))
    p = Pop(box.port["pop3"])
    assert p.uids() == uids
    assert p.list("LIST") == sizes
    assert [p.list(f"RETR {n + 1}")[0] for n in range(3)] == [
        f"Subject: {n}" for n in range(3)]
    p.ok("DELE 3")
    p.quit()
    # it was one message, under two names
    p = Pop(box.port["pop3"])
    assert p.uids() == uids[:2]
    p.quit()


def test_counts_are_what_is_sent(box, drop):
    put(drop, "1.crlf.h", b"A: b\r\n\r\n.x\r\n..\r\nlast\r\n")
    put(drop, "2.mixed.h", b"A: b\r\n\nx\r\r\ny\rz\n\r\nend\r")
    put(drop, "3.empty.h", b"")
    put(drop, "4.nul.h", b"\0\n\0\0" + bytes(range(256)) + b"\n")
    put(drop, "5.long.h", b"x" * 100000)
    p = Pop(box.port["pop3"])
    total = 0
    for n, line in enumerate(p.list("LIST"), 1):
        said = int(line.split()[1])
        assert p.ok(f"RETR {n}") == f"+OK {said} octets"
        data = b""
        while not data.endswith(b"\r\n.\r\n") and data != b".\r\n":
            data += p.file.readline()
        body = data[:-3]
        unstuffed = b"\r\n".join(l[1:] if l.startswith(b".") else l
                                 for l in body.split(b"\r\n"))
        # an empty message has no line, and still needs the dot's own
        assert len(unstuffed) == said or (said == 0 and unstuffed == b"")
        total += said
    assert p.ok("STAT") == f"+OK {n} {total}"
    p.quit()


def test_moved_and_removed_meanwhile(box, drop):
    p = Pop(box.port["pop3"])
    listing = p.list("LIST")
    for i, path in enumerate(sorted((drop / "new").iterdir())):
        if i == 1:
            path.unlink()
        else:
            path.rename(drop / "cur" / (path.name + ":2,FS"))
    put(drop, "5.later.h", "Subject: later\n\n")
    assert p.list("LIST") == listing
    assert p.list("RETR 1")[0] == "Subject: 0"
    assert "[SYS" not in p.err("RETR 2")
    p.err("TOP 2 0")
    assert p.list("TOP 3 0") == ["Subject: 2", ""]
    p.ok("DELE 2")
    p.ok("DELE 3")
    p.quit()
    left = sorted(m.name.partition(",")[0] for m in box.messages("alice"))
    assert left == ["1700000000.M000000P0.host", "5.later.h"]


@pytest.mark.parametrize("how", ["in RETR", "before QUIT", "reset"])
def test_who_is_lost_deletes_nothing(box, drop, how):
    put(drop, "1800000000.big.h", b"x" * 70 + b"\n" + b"y" * 5_000_000)
    p = Pop(box.port["pop3"], rcvbuf=4096)
    for n in range(1, 5):
        p.ok(f"DELE {n}")
    p.ok("RSET")
    p.ok("DELE 1")
    if how == "in RETR":
        p.ok("RETR 4")
        p.file.read(1000)
    if how == "reset":
        p.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b"\1\0\0\0\0\0\0\0")
    p.close()
    time.sleep(0.1)
    assert len(box.messages("alice")) == 4


def test_one_session_a_mailbox_among_processes(box, drop):
    p = Pop(box.port["pop3"])
    process, q = on_stdin(box)
    q.ok("USER alice@a.test")
    assert q.err("PASS alice-pw").startswith("-ERR [IN-USE]")
    q.ok("USER bob@a.test")
    q.ok("PASS bob-pw")
    other = Pop(box.port["pop3"], login=None)
    other.ok("USER bob@a.test")
    assert other.err("PASS bob-pw").startswith("-ERR [IN-USE]")
    # a process that is killed holds nothing
    process.kill()
    process.wait()
    other.ok("USER bob@a.test")
    other.ok("PASS bob-pw")
    other.quit()
    p.quit()
    process, q = on_stdin(box)
    q.ok("USER alice@a.test")
    q.ok("PASS alice-pw")
    q.ok("DELE 2")
    q.quit()
    process.wait(10)
    assert len(box.messages("alice")) == 2


def test_what_cannot_be_removed_is_told(box, drop):
    stuck = sorted((drop / "new").iterdir())[1]
    if subprocess.run(["chattr", "+i", stuck],
                      stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no immutable files here")
    try:
        p = Pop(box.port["pop3"])
        for n in (1, 2, 3):
            p.ok(f"DELE {n}")
        assert p.err("QUIT").startswith("-ERR [SYS/TEMP]")
        assert box.messages("alice") == [stuck]
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    p = Pop(box.port["pop3"])
    p.ok("DELE 1")
    p.quit()
    assert not box.messages("alice")


def test_the_quota_knows_what_is_gone(box, drop):
    size = drop / "maildirsize"
    size.write_text("1000000S,1000C\n100 3\n")
    names = sorted(p.name for p in (drop / "new").iterdir())
    said = sum(int(n.partition(",S=")[2].partition(",")[0]) for n in names)
    p = Pop(box.port["pop3"])
    for n in (1, 2, 3):
        p.ok(f"DELE {n}")
    p.quit()
    assert size.read_text().splitlines()[-1] == f"{-said} -3"


def test_quit_counts_though_the_client_is_gone(box, drop):
    p = Pop(box.port["pop3"])
    p.ok("DELE 1")
    p.ok("DELE 3")
    p.send("QUIT")
    p.close()
    wait_for(lambda: len(box.messages("alice")) == 1)


def test_who_was_there_before_a_reload_keeps_his_mailbox(box, drop):
    p = Pop(box.port["pop3"])
    before = box.pids("pop3d")
    box.maild.send_signal(signal.SIGHUP)
    wait_for(lambda: len(box.pids("pop3d")) > len(before))

    def new_one():
        """Of the successor, which has to know of it, too."""
        q = Pop(box.port["pop3"], login=None)
        q.ok("USER alice@a.test")
        reply = q.say("PASS alice-pw")
        q.close()
        return reply
    wait_for(lambda: len(re.findall("pop3d: ready", box.log())) > 1)
    assert new_one().startswith("-ERR [IN-USE]")
    p.ok("DELE 1")
    p.quit()
    wait_for(lambda: new_one().startswith("+OK"))
    assert len(box.messages("alice")) == 2


def test_big_fields_become_ascii(box, drop):
    """What they become is more than may wait for the client at once."""
    p = Pop(box.port["pop3"])
    if "UTF8 USER" not in p.list("CAPA"):
        pytest.skip("without POP3D_UTF8")
    fields = [("Subject", "\u00e9 x" * 3900), ("X-More", "\u00e9" * 8000),
              ("To", '"' + "\u65e5\u672c" * 2600 + '" <a@a.test>')]
    text = "".join(f"{k}: {v}\n" for k, v in fields) + "\nbody\n"
    put(drop, dovecot_name(9, text), text.encode())
    p.quit()
    p = Pop(box.port["pop3"])
    lines = p.list("RETR 4")
    p.ok("NOOP")
    assert p.list("TOP 4 1") == lines
    p.quit()
    text = "\n".join(lines)
    assert text.isascii() and text.endswith("\n\nbody")
    back = email.message_from_string(text, policy=email.policy.default)
    assert back["Subject"] == fields[0][1] and back["X-More"] == fields[1][1]
    name = back["To"].addresses[0].display_name     # Python adds blanks
    assert name.replace(" ", "") == fields[2][1][1:-12]


def test_blanks_of_a_password(box):
    box.run("mailuser", "add", "dora@a.test", input="  two words \n")
    for service in ("pop3", "pop3s"):
        p = Pop(box.port[service], login=None, tls=service == "pop3s")
        p.ok("USER dora@a.test ")
        p.err("PASS   two words")
        p.ok("USER dora@a.test")
        p.ok("PASS   two words ")
        p.quit()
