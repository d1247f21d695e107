"""Dovecot's IMAP and POP3 on the Maildir that a session of ours has open."""

import imaplib
import os
import pathlib
import poplib
import shutil
import sys
import tempfile

import pytest

from instance import Instance
from pop import Pop, put

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "mailbox"))
import dovecot  # noqa: E402


@pytest.fixture
def both():
    """Ours, Dovecot, and the Maildir of the two."""
    dovecot.account()
    top = pathlib.Path(tempfile.mkdtemp(prefix="pb"))
    os.chmod(top, 0o755)
    with Instance(folder=top / "i", extra="auth-without-tls yes\n") as i:
        for path in (top / "i", top / "i" / "mail"):
            os.chmod(path, 0o755)
        box = i.maildir("alice")
        for n in range(6):
            put(box, f"170000000{n}.M1P{n}.h",
                f"Subject: number {n}\nMessage-ID: <{n}@y.test>\n\n.{n}\n")
        os.chmod(box.parent, 0o755)
        dovecot.own(box)
        with dovecot.Dovecot(top / "d", f"maildir:{box}") as peer:
            yield i, peer, box
            assert not peer.bad()
    shutil.rmtree(top)


def subjects(p, count):
    return [next(line for line in p.list(f"TOP {n + 1} 0")
                 if line.startswith("Subject:")) for n in range(count)]


def test_all_stays_whole(both):
    ours, peer, box = both
    p = Pop(ours.port["pop3"])
    before, uids = subjects(p, 6), p.uids()
    sizes = p.list("LIST")
    imap = imaplib.IMAP4("127.0.0.1", peer.imap)
    imap.login("mail", "secret")
    assert imap.select("INBOX")[1] == [b"6"]     # all are in cur/ now
    imap.store("1:3", "+FLAGS", r"(\Seen \Flagged)")
    imap.store("4", "+FLAGS", r"(\Deleted)")
    imap.expunge()
    imap.append("INBOX", r"(\Seen)", None, b"Subject: appended\r\n\r\nx\r\n")
    assert subjects(p, 3) == before[:3]
    p.err("RETR 4")
    assert p.list("RETR 5")[0] == "Subject: number 4"
    assert p.list("LIST") == sizes
    p.ok("DELE 1")
    p.ok("DELE 4")
    p.ok("DELE 6")
    p.quit()
    imap.noop()
    left = [imap.fetch(str(n + 1), "(FLAGS BODY.PEEK[HEADER.FIELDS "
                       "(SUBJECT)])")[1][0] for n in range(4)]
    assert [text.split()[-1] for _, text in left] == [
        b"1", b"2", b"4", b"appended"]
    assert rb"\Flagged" in left[0][0] and rb"\Seen" in left[3][0]
    imap.logout()
    p = Pop(ours.port["pop3"])
    assert p.uids()[:3] == [uids[1], uids[2], uids[4]]
    assert len(p.uids()) == 4
    p.quit()


def test_both_by_pop3(both):
    """The same messages with the same octets, taken away by either."""
    ours, peer, box = both
    theirs = poplib.POP3("127.0.0.1", peer.pop3, timeout=20)
    theirs.user("mail")
    theirs.pass_("secret")
    p = Pop(ours.port["pop3"])
    assert [line.encode() for line in p.list("LIST")] == theirs.list()[1]
    for n in range(1, 7):
        assert [line.encode("latin1") for line in p.list(f"RETR {n}")] == \
            theirs.retr(n)[1]
    theirs.dele(2)
    p.ok("DELE 2")
    p.ok("DELE 3")
    theirs.quit()
    p.quit()
    p = Pop(ours.port["pop3"])
    assert [s.split()[-1] for s in subjects(p, 4)] == ["0", "3", "4", "5"]
    p.quit()
