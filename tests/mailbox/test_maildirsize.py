"""Maildir++ quota: ours, Dovecot's and maildrop's programs keep one account."""

import re
import shutil
import subprocess

import pytest

import dovecot
from instance import Instance, wait_for

MORE = """plugin {
  quota = maildir:User quota
  quota_rule = *:storage=20K
  quota_grace = 0
}
"""
LIMIT = 20 * 1024


def size_file(box):
    """Its limits, and what its lines come to."""
    first, *lines = (box / "maildirsize").read_text().splitlines()
    pairs = [tuple(map(int, line.split())) for line in lines]
    return first, sum(p[0] for p in pairs), sum(p[1] for p in pairs)


def counted(box):
    files = [p for p in box.rglob("*") if p.parent.name in ("new", "cur")]
    return sum(p.stat().st_size for p in files), len(files)


def message(n, size=1000):
    return f"Subject: {n}\n\n".encode() + (b"x" * 99 + b"\n") * (size // 100)


@pytest.fixture
def ours():
    with Instance(users=["bob"], extra="mailbox-quota 20k\nquota-defer no\n"
                  "quota-warning 0\n",
                  start=False) as i:
        if i.run("mailconf", check=False).returncode:
            pytest.skip("a binary without quotas")
        i.start()
        yield i


def lmtp(box, text):
    """The answer's code."""
    import smtplib
    with smtplib.LMTP(str(box.dir / "run" / "deliver")) as s:
        s.ehlo()
        code, _ = s.mail("a@b.test")
        assert code == 250
        code, _ = s.rcpt("bob@a.test")
        if code == 250:
            code, _ = s.data(text.replace(b"\n", b"\r\n"))
        return code


def test_with_deliverquota(ours):
    """maildrop's adds to our account, and stops where we do."""
    program = shutil.which("deliverquota") or "/usr/sbin/deliverquota"
    if not shutil.which(program):
        pytest.skip("maildrop is not installed")
    box = ours.maildir("bob")
    assert lmtp(ours, message(0)) == 250
    assert size_file(box) == (f"{LIMIT}S", *counted(box))
    for n in range(1, 10):
        p = subprocess.run([program, str(box)], input=message(n))
        assert p.returncode == 0
        assert lmtp(ours, message(-n)) == 250
        assert size_file(box) == (f"{LIMIT}S", *counted(box))
    # both stop at the same message
    while counted(box)[0] < LIMIT - 1000:
        assert lmtp(ours, message("more", 300)) == 250
    assert lmtp(ours, message("too much", 1500)) in (452, 552)
    p = subprocess.run([program, str(box)], input=message("too much", 1500))
    assert p.returncode == 77
    # one who removes behind our back is believed after a count
    before = counted(box)
    for path in list(box.glob("new/*"))[:5]:
        path.unlink()
    (box / "maildirsize").write_text(
        f"{LIMIT}S\n{before[0] - 10} {before[1]}\n10 0\n")
    assert lmtp(ours, message("room again", 1500)) == 250
    assert size_file(box) == (f"{LIMIT}S", *counted(box))


def test_pop3_takes_off(ours):
    import poplib
    box = ours.maildir("bob")
    for n in range(4):
        assert lmtp(ours, message(n)) == 250
    p = poplib.POP3_SSL("127.0.0.1", ours.port["pop3s"])
    p.user("bob@a.test")
    p.pass_("bob-pw")
    p.dele(1)
    p.dele(3)
    p.quit()
    wait_for(lambda: len(ours.messages("bob")) == 2)
    wait_for(lambda: size_file(box) == (f"{LIMIT}S", *counted(box)))


def test_with_dovecot(ours, open_path):
    """Each takes what the other has written for its own."""
    box = open_path / "box"
    for sub in ("new", "cur", "tmp"):
        (box / sub).mkdir(parents=True)
    dovecot.own(box)
    with dovecot.Dovecot(open_path / "d", f"maildir:{box}:INDEX=MEMORY",
                         "quota", MORE) as peer:
        assert peer.deliver(message(1))[0][0] == 250
        assert size_file(box) == (f"{LIMIT}S", *counted(box))
        shutil.rmtree(ours.maildir("bob"), ignore_errors=True)
        ours.maildir("bob").parent.mkdir(parents=True, exist_ok=True)
        shutil.move(box, ours.maildir("bob"))
        for n in range(3):
            assert lmtp(ours, message(n)) == 250
        assert size_file(ours.maildir("bob")) == \
            (f"{LIMIT}S", *counted(ours.maildir("bob")))
        # several lines now, which Dovecot adds up; a folder counts, too
        shutil.move(ours.maildir("bob"), box)
        dovecot.own(box)
        with peer.folder() as i:
            i.create("Sub")
            i.copy("1:2", "Sub")
            i.store("1", "+FLAGS", "\\Deleted")
            i.expunge()
        assert size_file(box) == (f"{LIMIT}S", *counted(box))
        codes = [peer.deliver(message(n, 4000))[0][0] for n in range(6)]
        assert codes[0] == 250 and codes[-1] == 552
        shutil.move(box, ours.maildir("bob"))
        assert lmtp(ours, message("too much", 4000)) in (452, 552)
        assert size_file(ours.maildir("bob")) == \
            (f"{LIMIT}S", *counted(ours.maildir("bob")))
        assert not [line for line in peer.bad()
                    if not re.search("[Qq]uota exceeded", line)]
