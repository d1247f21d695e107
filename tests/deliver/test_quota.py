"""Full mailboxes: who waits, who is told, what the mailbox's other programs see."""

import email
import smtplib

import pytest

from instance import Instance, wait_for


def send(i, size, to="alice@a.test", sender="x@c.example", lmtp=True):
    """An LMTP answer for each recipient that was refused."""
    text = ("From: x@c.example\r\nSubject: some\r\n\r\n" +
            "0123456789abcdef0123456789abcdef\r\n" * (size // 34))
    with smtplib.LMTP(str(i.dir / "run/deliver")) as s:
        s.ehlo()
        s.mail(sender)
        code, said = s.rcpt(to)
        if code != 250:
            return code, said.decode()
        code, said = s.data(text)
        return code, said.decode()


def subjects(i, user="alice"):
    return [email.message_from_bytes(p.read_bytes())["Subject"]
            for p in sorted(i.messages(user), key=lambda p: p.stat().st_mtime)]


def test_one_user_without_a_limit():
    with Instance(extra="mailbox-quota 30K\n") as i:
        assert send(i, 20000)[0] == 250
        assert send(i, 20000) == (452, "4.2.2 Mailbox full")
        i.run("mailuser", "quota", "alice@a.test", "unlimited")
        assert "quota     unlimited\n" in i.run(
            "mailuser", "show", "alice@a.test").stdout
        wait_for(lambda: send(i, 20000)[0] == 250)     # it remembers for 5 s
        i.run("mailuser", "quota", "alice@a.test", "none")
        wait_for(lambda: send(i, 20000)[0] == 452)


def test_one_warning_for_each_time_the_line_is_crossed():
    with Instance(extra="mailbox-quota 100K\nquota-warning 80\n") as i:
        for _ in range(3):
            assert send(i, 20000)[0] == 250
        assert subjects(i) == ["some"] * 3
        for _ in range(2):
            assert send(i, 20000)[0] == 250
        assert [s for s in subjects(i) if s != "some"] == \
            ["Your mailbox is 95% full"]
        assert send(i, 20000) == (452, "4.2.2 Mailbox full")
        assert send(i, 100)[0] == 250
        warning, = [m for m in (email.message_from_bytes(p.read_bytes())
                                for p in i.messages("alice"))
                    if m["Auto-Submitted"]]
        assert warning["Auto-Submitted"] == "auto-generated"
        assert warning["To"] == "<alice@a.test>"
        assert warning["Return-Path"] == "<>"
        assert warning["Date"] and warning["Message-ID"]
        assert "95% full" in warning.get_payload()
        # the file's sum is what is there: Dovecot and Courier read it so
        lines = (i.maildir("alice") / "maildirsize").read_text().split("\n")
        assert lines[0] == "102400S"
        sums = [sum(int(n.split()[k]) for n in lines[1:] if n) for k in (0, 1)]
        files = i.messages("alice")
        assert sums == [sum(f.stat().st_size for f in files), len(files)]
        # made room: mail goes in again, and the next crossing warns again
        for p in i.messages("alice"):
            if b"Auto-Submitted" not in p.read_bytes():
                p.unlink()
        (i.maildir("alice") / "maildirsize").unlink()
        for _ in range(5):
            assert send(i, 18000)[0] == 250
        assert len([s for s in subjects(i) if s.startswith("Your")]) == 2


def test_a_quota_of_ones_own():
    with Instance(extra="mailbox-quota 10K\n") as i:
        if i.run("mailuser", "quota", "alice@a.test", "40K",
                 check=False).returncode:
            pytest.skip("this mailuser knows no quotas")
        for code in (250, 250, 250, 452):
            assert send(i, 11000)[0] == code
        assert send(i, 11000, "bob@a.test")[0] == 552


def test_what_waits_is_delivered_when_there_is_room():
    with Instance(extra="mailbox-quota 50K\nretry-first 1s\n") as i:
        assert send(i, 45000)[0] == 250
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
            s.sendmail("x@c.example", ["alice@a.test"],
                       "Subject: later\r\n\r\n" + "y" * 70 + "\r\n" +
                       "0123456789\r\n" * 1000)
        i.wait_log(r"452.4\.2\.2.Mailbox full")
        assert len(i.spooled()) == 1
        assert "later" not in subjects(i)
        first = [p for p in i.messages("alice") if p.stat().st_size > 40000]
        first[0].unlink()
        (i.maildir("alice") / "maildirsize").unlink(missing_ok=True)
        wait_for(lambda: "later" in subjects(i), 15)
        wait_for(lambda: not i.spooled())


def test_a_limit_that_was_taken_away():
    """maildirsize still says it; it is kept right for others, and no limit."""
    with Instance() as i:
        assert send(i, 100)[0] == 250
        (i.maildir("alice") / "maildirsize").write_text("5000S,2C\n100 1\n")
        for _ in range(3):
            assert send(i, 100)[0] == 250
        lines = (i.maildir("alice") / "maildirsize").read_text().split("\n")
        assert lines[0] == "5000S,2C"
        assert sum(int(n.split()[1]) for n in lines[1:] if n) == 4


def test_an_mbox_is_as_large_as_its_file():
    import os
    import pwd
    if os.geteuid():
        pytest.skip("needs root")
    name = "pbquota"
    try:
        pwd.getpwnam(name)
    except KeyError:
        name = "nobody"
    with Instance(omit=("system-users",),
                  extra="mailbox-quota 50K\nsystem-users yes\n") as i:
        box = i.dir / "mbox" / name
        if send(i, 20000, f"{name}@a.test")[0] == 550:
            pytest.skip("no such account here")
        assert send(i, 28000, f"{name}@a.test")[0] == 250
        # the warning comes on its own
        wait_for(lambda: b"Subject: Your mailbox is 9" in box.read_bytes())
        assert send(i, 26000, f"{name}@a.test") == (452, "4.2.2 Mailbox full")
        assert send(i, 60000, f"{name}@a.test")[0] == 552
        assert box.stat().st_size < 50 * 1024
