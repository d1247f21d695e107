"""The same script of mail, s-nail and bsd-mailx: what arrives is the same."""
import email
import email.policy
import shutil
import subprocess

import pytest

from desk import BINARY

MTA = """#!/bin/sh
d=$(dirname "$0")
n=$(ls "$d" | grep -c message)
printf '%s\\n' "$@" >"$d/args$n"
cat >"$d/message$n"
"""
PEERS = {"s-nail": ["s-nail", "-n"], "bsd-mailx": ["bsd-mailx", "-n"]}


def arrived(folder):
    """Of each message: recipients, fields, text, attachments."""
    out = []
    for n in range(9):
        if not (folder / f"message{n}").exists():
            return out
        args = (folder / f"args{n}").read_text().split("\n")[:-1]
        data = (folder / f"message{n}").read_bytes()
        m = email.message_from_bytes(data, policy=email.policy.default)
        text = m.get_body().get_payload(decode=True).decode()
        rcpts = [a for a in args if "@" in a and
                 args[args.index(a) - 1] not in ("-f", "-r")]
        if not rcpts:           # sendmail -t
            rcpts = [a.addr_spec for name in ("To", "Cc", "Bcc")
                     for f in m.get_all(name, []) for a in f.addresses]
            del m["Bcc"]        # its sendmail does
        out.append({
            "rcpts": sorted(rcpts),
            "to": sorted(a.addr_spec for a in m["To"].addresses),
            "cc": sorted(a.addr_spec for f in m.get_all("Cc", [])
                         for a in f.addresses),
            "bcc": m["Bcc"],
            "subject": str(m["Subject"]) if m["Subject"] else None,
            "thread": (m["In-Reply-To"], m["References"]),
            "mine": m["X-Mine"], "text": text.rstrip("\n"),
            "files": [(p.get_filename(), p.get_payload(decode=True))
                      for p in m.iter_attachments()]})
    return out


def run(post, command, args, stdin):
    folder = post.path / command[0].rsplit("/", 1)[-1]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tool = folder / "mta"
    tool.write_text(MTA)
    tool.chmod(0o755)
    (folder / "rc").write_text(f"set sendmail={tool}\nset dot\n"
                               "set sendwait hold\nset indentprefix='> '\n"
                               "retain from subject date\n"
                               f"alternates {post.login}@a.com\n"
                               f"set mta={tool}\n")
    shutil.copy(post.mbox, folder / "box")
    p = subprocess.run(
        [*command, *args], input=stdin.encode(), capture_output=True,
        env={**post.env, "MAILRC": str(folder / "rc"),
             "MAIL": str(folder / "box")}, cwd=post.home, timeout=60,
        check=False)
    return arrived(folder), p.returncode == 0


def compare(post, peers, args, stdin):
    ours = run(post, [BINARY, "mail", "-n"], args, stdin)
    assert ours[0], "nothing was sent"
    for peer in peers:
        if not shutil.which(peer):
            pytest.skip(f"{peer} is not installed")
        theirs = run(post, PEERS[peer], args, stdin)
        assert ours == theirs, peer
    return ours


@pytest.fixture
def files(post):
    (post.home / "x.pdf").write_bytes(b"%PDF\0\1\xff" * 99)
    (post.home / "grün.txt").write_text("text\n")
    with open(post.mbox, "w") as f:
        f.write(f"""From alice@a.com Tue Nov 24 11:11:46 2026
From: Alice A <alice@a.com>
To: {post.login}@a.com, dan@d.com
Cc: carol@c.com
Subject: =?utf-8?q?gr=C3=BCn?= lunch
Date: Tue, 24 Nov 2026 11:11:46 +0100
Message-ID: <1@a.com>
References: <0@a.com>

the text

""")
    return post


BOTH = ["s-nail", "bsd-mailx"]


@pytest.mark.parametrize("peers,args,stdin", [
    (BOTH, ["-s", "disk full", "a@b.com"], "df says\n.\n"),
    (BOTH, ["-s", "x", "-c", "c@c.com", "-b", "e@e.com", "a@b.com", "d@d.com"],
     "hi\n"),
    (BOTH, ["-s", "x", "a@b.com"], "~p no escape\n~~\n"),
    (BOTH, ["-s", "x", "a@b.com"], "no end of line"),
    (BOTH, ["-s", "", "a@b.com"], "hi\n"),
    (["s-nail"], ["-s", "Grüße 你好", "a@b.com"], "Käse\n"),
    (["s-nail"], ["-s", "x", "-a", "x.pdf", "-a", "grün.txt", "a@b.com"],
     "see\n"),
    (["s-nail"], ["-t"], "To: a@b.com\nCc: c@c.com\nBcc: e@e.com\n"
     "Subject: y\n\nbody\n"),
    (["s-nail"], ["-C", "X-Mine: 1", "-s", "x", "a@b.com"], "hi\n"),
    (["s-nail"], ["-~", "-s", "x", "a@b.com"],
     "~s new one\n~c c@c.com\none\n~| tr a-z A-Z\n~.\nrest\n"),
    (["s-nail"], ["-q", "grün.txt", "-s", "x", "a@b.com"], "end\n"),
    (["bsd-mailx"], ["-a", "X-Mine: 1", "-s", "x", "a@b.com"], "hi\n"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_sent(files, peers, args, stdin):
    compare(files, peers, args, stdin)


@pytest.mark.parametrize("peers,args", [
    (BOTH, ["-E", "-s", "x", "a@b.com"]),
])
def test_not_sent(files, peers, args):
    for command in ([BINARY, "mail", "-n"], *(PEERS[p] for p in peers if
                                               shutil.which(p))):
        assert run(files, command, args, "") == ([], True)


@pytest.mark.parametrize("stdin", [
    "R 1\nanswer\n~.\nx\n", "r 1\nhi\n~.\nx\n", "resend 1 x@y.com\nx\n",
    "reply 1\n~s new\n~b e@e.com\n~@ x.pdf\nhi\n~.\nx\n",
    "mail x@y.com\n~i indentprefix\n~< !echo one\n~w out\n~.\nx\n",
], ids=["R", "r", "resend", "reply", "mail"])
def test_answers(files, stdin):
    """s-nail takes letters from a script with -# alone."""
    if not shutil.which("s-nail"):
        pytest.skip("s-nail is not installed")
    shutil.copy(files.mbox, files.home / "box")
    ours = run(files, [BINARY, "mail", "-n"], ["-N", "-f", "box"], stdin)
    theirs = run(files, ["s-nail", "-n", "-#"],
                 ["-Srecipients-in-cc", "-N", "-f", "box"], stdin)
    assert ours[0] and ours[0] == theirs[0]
