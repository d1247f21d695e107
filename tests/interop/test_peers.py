"""Mail to and from Postfix, Exim and OpenSMTPD, with TLS.

Where their root folders (peers_root) are not there yet this is skipped;
`make check-interop` makes them, without installing anything.
"""

import base64
import os
import random
import re
import shutil
import smtplib
import ssl

import pytest

import peers_root
from fakes import make_cert
from instance import Instance, wait_for
from mail_peers import PEERS

NOVERIFY = ssl._create_unverified_context()
ALL = os.environ.get("INTEROP") == "all"
SENDER = "bob@b.test"
ATTACHMENT = base64.encodebytes(random.Random(25).randbytes(
    1_000_000)).replace(b"\n", b"\r\n")


def message(subject, big=True):
    """8-bit text, lines that begin with dots and From, a MB attached."""
    return (f"From: Bob <bob@b.test>\r\nTo: alice@a.test\r\n"
            f"Subject: {subject}\r\nDate: Tue, 24 Nov 2026 11:11:46 +0000\r\n"
            f"Message-ID: <{subject}@b.test>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=xx\r\n\r\n"
            "--xx\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\n"
            "Gr\u00fc\u00dfe aus K\u00f6ln \u2014 \u65e5\u672c\r\n"
            ".dot\r\n..\r\n"
            ".\t\r\nFrom here\r\n>From there\r\n" + "x" * 900 + "\r\n \r\n"
            "--xx\r\nContent-Type: application/octet-stream\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n").encode() + \
        (ATTACHMENT if big else b"AAAA\r\n") + b"--xx--\r\n"


def body_of(text):
    """Without the trace fields on top, with CRLF."""
    text = re.sub(rb"\r?\n", b"\r\n", text)
    return re.sub(rb"\A((Return-[Pp]ath|Delivered-To|X-Original-To|Received"
                  rb"|Envelope-to|Delivery-date|DKIM-\S*):.*?\r\n(?![ \t]))*",
                  b"", text, flags=re.S)


@pytest.fixture(scope="module", params=PEERS, ids=lambda kind: kind.name)
def pair(request, tmp_path_factory):
    """(us, the peer)"""
    kind = request.param
    if os.geteuid():
        pytest.skip("needs root for chroot and namespaces")
    if not ALL and not peers_root.has(kind.package, kind.more):
        pytest.skip("make check-interop")
    work = tmp_path_factory.mktemp("peer")
    for folder in (work, *work.parents[:2]):
        folder.chmod(0o755)
    cert = make_cert(work, "localhost")
    peer = kind(work)
    (work / "password").write_text("secret\n")
    (work / "password").chmod(0o600)
    login = f" user=bob password-file={work}/password" if peer.logins else ""
    extra = (f"domain c.test\nroute b.test smtp:[127.0.0.1]:{peer.port}\n"
             f"smarthost localhost:{peer.port} {peer.tls}{login}\n"
             f"tls-ca {cert[0]}\nsender-any alice@a.test\nretry-first 1s\n"
             "retry-most 2s\n")
    with peers_root.locked(peer.root), \
            Instance(users=("alice", "carol"), extra=extra) as us:
        for user in ("alice", "carol"):
            us.run("mailuser", "add", f"{user}@c.test", input="x-pw\n")
        peer.know(us.port, cert).start()
        try:
            yield us, peer
        finally:
            peer.kill()
            shutil.rmtree(peer.work, ignore_errors=True)


def reports(texts, subject):
    """Those about this message."""
    kind = b"\ncontent-type: message/delivery-status"
    return [t for t in texts if kind in t.lower()
            and f"<{subject}@b.test>".encode() in t]


def hand(port, sender, rcpts, text, login=None):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as s:
        if login:
            s.starttls(context=NOVERIFY)
            s.login(*login)
        s.ehlo("client.test")
        refused = s.sendmail(sender, rcpts, text, ["BODY=8BITMIME"],
                             ["NOTIFY=SUCCESS,FAILURE"])
    assert not refused


def boxes(us, domain):
    folder = us.dir / "mail" / domain
    return {name: sorted([*folder.glob(f"{name}/new/*")])
            for name in ("alice", "carol")}


@pytest.mark.parametrize("domain,way", [("a.test", "mx"),
                                        ("c.test", "smarthost")])
def test_from_the_peer(pair, domain, way):
    us, peer = pair
    text = message(f"to-{way}")
    before = boxes(us, domain)
    since = len(us.log())
    hand(peer.port, SENDER, [f"{n}@{domain}" for n in
                             ("alice", "carol", "nouser")], text)
    for name, was in before.items():
        new = wait_for(lambda: [p for p in boxes(us, domain)[name]
                                if p not in was], 60)
        assert len(new) == 1
        assert body_of(new[0].read_bytes()) == text
    line = us.wait_log(rf"smtpd: .*from=<{SENDER}>.*", since=since)[0]
    assert "TLSv1." in line, line
    assert ("user=alice@a.test" in line) == (way == "smarthost"), line
    # the peer tells of the one that we refused, we of those delivered
    wait_for(lambda: {b"failed", b"delivered"} <= told(peer.mail(),
                                                       f"to-{way}"), 60)
    failed = [r for r in reports(peer.mail(), f"to-{way}")
              if b"nouser@" + domain.encode() in r]
    assert failed and all(b"5.1.1" in r for r in failed)
    assert not us.spooled()


def told(texts, subject):
    return {a.lower() for r in reports(texts, subject)
            for a in re.findall(rb"^Action: (\w+)", r, re.M)}


@pytest.mark.parametrize("domain,way", [("b.test", "route"),
                                        ("e.test", "smarthost")])
def test_to_the_peer(pair, domain, way):
    us, peer = pair
    text = message(f"by-{way}")
    since = len(us.log())
    hand(us.port["submission"], "alice@a.test",
         [f"bob@{domain}", f"nouser@{domain}"], text,
         ("alice@a.test", "alice-pw"))
    got = wait_for(lambda: [m for m in peer.mail()
                            if f"Subject: by-{way}\n".encode() in
                            m.replace(b"\r", b"").partition(b"\n\n")[0]], 60)
    assert len(got) == 1 and body_of(got[0]) == text
    us.wait_log(rf"queue: .*to=<bob@{domain}>.*status=sent", since=since)
    us.wait_log(rf"queue: .*to=<nouser@{domain}>.*status=bounced \(5",
                since=since)
    received = re.search(rb"^Received: .*?(?=^\w)", got[0], re.M | re.S)[0]
    assert b"mail.a.test" in received
    assert (b"TLS" in received) == (peer.tls == "starttls")

    def mine():
        return [p.read_bytes() for p in us.messages("alice")]
    # we tell of the one that was refused; of success whoever can
    wait_for(lambda: {b"failed"} < told(mine(), f"by-{way}"), 60)
    failed = [r for r in reports(mine(), f"by-{way}")
              if b"Action: failed" in r]
    assert len(failed) == 1 and b"nouser@" + domain.encode() in failed[0]
    wait_for(lambda: not us.spooled(), 20)


def test_greylisting(pair):
    us, peer = pair
    if not hasattr(peer, "grey"):
        pytest.skip("only Postfix is set up for it")
    text = message("grey", big=False)
    hand(us.port["submission"], "alice@a.test", ["bob+grey@b.test"], text,
         ("alice@a.test", "alice-pw"))
    us.wait_log(r"to=<bob\+grey@b.test>.*status=deferred.*450 4\.")
    us.wait_log(r"to=<bob\+grey@b.test>.*status=sent", 30)
    assert wait_for(lambda: [m for m in peer.mail() if body_of(m) == text])
    assert peer.grey.deferred == 1


def test_what_smtp_checks(pair):
    us, peer = pair
    p = us.run("smtp", "-C", str(us.conf), "--check", f"localhost:{peer.port}",
               check=False)
    assert f"port {peer.port}, begins in plain" in p.stdout
    assert "greeting:     peer.b.test" in p.stdout
    if peer.tls == "starttls":
        assert p.returncode == 0 and "verified    it is localhost" in p.stdout
        user = " user=YOU" if peer.logins else "\n"
        assert f"smarthost localhost:{peer.port} starttls{user}" in p.stdout
    else:
        assert p.returncode and "  TLS fails: TLS: " in p.stdout
        assert "Nothing here can be used" in p.stdout


def test_down_and_up_again(pair):
    us, peer = pair
    peer.kill()
    text = message("down", big=False)
    hand(us.port["submission"], "alice@a.test", ["bob@b.test"], text,
         ("alice@a.test", "alice-pw"))
    us.wait_log(r"to=<bob@b.test>.*status=deferred.*refused")
    peer.go()
    wait_for(lambda: [m for m in peer.mail() if body_of(m) == text], 60)
    wait_for(lambda: not us.spooled(), 20)


def test_we_down_and_up_again(pair):
    """What the peer could not hand over while smtpd was stopped it keeps."""
    us, peer = pair
    us.stop()
    text = message("kept", big=False)
    before = boxes(us, "a.test")["carol"]
    hand(peer.port, SENDER, ["carol@a.test"], text)
    us.start()
    # it looks at its queue when it starts
    peer.kill()
    peer.go()
    new = wait_for(lambda: [p for p in boxes(us, "a.test")["carol"]
                            if p not in before], 60)
    assert body_of(new[0].read_bytes()) == text
