"""What `mail` sends goes through smtpd, queue and deliver into a Maildir."""
import email
import email.policy
import os
import subprocess

import pytest

from desk import BINARY
from instance import Instance


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with Instance(extra="max-message-size 3M\n") as i:
        i.home = home
        yield i


def mail(site, *args, stdin=b"", status=0):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    p = subprocess.run([BINARY, "mail", *args], input=stdin, timeout=60,
                       env={**site.env(), "HOME": str(site.home)},
                       cwd=site.home, capture_output=True, check=False)
    assert p.returncode == status, p.stderr.decode()
    return p


def last(site, user, n):
    files = site.wait_messages(user, n)
    newest = max(files, key=lambda f: f.stat().st_mtime_ns)
    return email.message_from_bytes(newest.read_bytes(),
                                    policy=email.policy.default)


def test_scripts(site):
    n = 0
    for args, stdin, subject, text in (
            (["-s", "disk"], "a\n.\nb\n", "disk", "a\n.\nb\n"),
            (["-s", "Größe 你好"], "Käse\n", "Größe 你好", "Käse\n"),
            (["-s", "empty"], "", "empty", ""),
            (["-s", "long"], "x" * 5000 + "\n", "long", "x" * 5000 + "\n"),
            (["-s", "cr"], "a\r\nb\rc\n", "cr", "a\r\nb\rc\n"),
            (["-s", "nul"], "a\0b\n", "nul", "a\0b\n"),
            (["-t"], "To: alice\nSubject: t\n\nx\n", "t", "x\n")):
        mail(site, *args, *([] if args == ["-t"] else ["alice"]), stdin=stdin)
        n += 1
        m = last(site, "alice", n)
        assert m["Subject"] == subject
        assert m.get_payload(decode=True).decode() == text
        assert m["From"].addresses[0].domain == "a.test"


def test_attached(site):
    data = os.urandom(1_000_000)
    (site.home / "дата.bin").write_bytes(data)
    (site.home / "From.txt").write_text("From me\n.\n..\n")
    mail(site, "-s", "x", "-a", "дата.bin", "-a", "From.txt", "bob",
         stdin="see\n")
    text, one, two = last(site, "bob", 1).iter_parts()
    assert text.get_content() == "see\n"
    assert one.get_filename() == "дата.bin"
    assert one.get_payload(decode=True) == data
    assert two.get_payload(decode=True) == b"From me\n.\n..\n"


def test_refused(site):
    p = mail(site, "-s", "x", "nobody", stdin="precious\n", status=69)
    assert b"nobody@a.test" in p.stderr
    assert "precious" in (site.home / "dead.letter").read_text()
    (site.home / "big").write_bytes(os.urandom(3_000_000))
    p = mail(site, "-s", "x", "-a", "big", "bob", stdin="hi\n", status=69)
    assert b"max-message-size" in p.stderr


def test_reply_to_what_came(site):
    """Both ways: the answer is in the thread and goes to whom it should."""
    before = len(site.messages("alice"))
    mail(site, "-s", "question", "-r", "alice@a.test", "bob", stdin="why?\n")
    site.wait_messages("bob", 2)
    mail(site, "-N", "-u", "bob@a.test",
         stdin="set quote\nr 2\nbecause\n~.\nx\n")
    m = last(site, "alice", before + 1)
    assert m["Subject"] == "Re: question" and m["In-Reply-To"]
    assert m["From"].addresses[0].addr_spec == "bob@a.test"
    assert m.get_content().endswith("> why?\nbecause\n")
