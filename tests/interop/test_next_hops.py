"""Next hops with TLS, each with other offers: Postfix with postgrey and
Dovecot's passwords, Exim, Dovecot by LMTP. Made and skipped as in test_peers.
"""

import contextlib
import email
import email.header
import email.policy
import os
import re
import shutil
import smtplib
import socket

import pytest

import peers_root
from fakes import FakeSMTP, make_cert
from instance import BIN, Instance, wait_for
from mail_peers import Exim
from next_peers import PORTS, NextDovecot, NextPostfix, Postgrey
from test_peers import ALL, body_of

HEAD = (b"From: a@a.test\r\nTo: bob@b.test\r\nDate: Tue, 24 Nov 2026 11:11:46 "
        b"+0000\r\nMessage-ID: <%s@a.test>\r\nSubject: %s\r\n")
MIME = (b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n")
CONF = """relay-from 127.0.0.0/8
sender-any alice@a.test
retry-first 1s
retry-most 2s
tls-ca {cert}
route b.test smtp:[127.0.0.1]:{postfix}
route exim.test smtp:[127.0.0.1]:{exim}
route unix.lmtp lmtp:unix:{socket}
route tcp.lmtp lmtp:[127.0.0.1]:{lmtp}
tls-policy * verify name=localhost
"""


def message(name, body=b"x\r\n", more=b""):
    return HEAD % (name.encode(), name.encode()) + more + b"\r\n" + body


class World:
    """us, postfix, exim, dovecot, postgrey"""

    def __init__(self, work):
        self.work, self.cert = work, make_cert(work, "localhost")
        self.grey = Postgrey(work)
        self.dovecot = NextDovecot(work).beside(self.cert)
        self.postfix = NextPostfix(work).beside(self.dovecot, self.grey,
                                                self.cert)
        self.exim = Exim(work)
        self.exim.conf = self.exim.conf.replace(": e.test", ": exim.test")
        self.peers = [self.grey, self.dovecot, self.postfix, self.exim]
        self.password = work / "password"
        self.password.write_text("secret\n")
        self.password.chmod(0o600)

    def conf(self):
        text = CONF.format(cert=self.cert[0], postfix=self.postfix.port,
                           exim=self.exim.port, socket=self.dovecot.lmtp,
                           lmtp=self.dovecot.port)
        for name, port in self.postfix.ports.items():
            if name in ("scram", "plain", "login", "smtps"):
                text += self.smarthost(port, "tls" if name == "smtps" else
                                       "starttls", f"from=@{name}.test")
            else:
                text += f"route {name}.test smtp:[127.0.0.1]:{port}\n"
        return text

    def smarthost(self, port, tls="starttls", more=""):
        return (f"smarthost localhost:{port} {tls} user=bob "
                f"password-file={self.password} {more}\n")

    def start(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(peers_root.locked(
                *[p.root for p in self.peers]))
            self.us = stack.enter_context(Instance(extra=self.conf()))
            self.postfix.back = self.us.port["smtp"]
            self.exim.know(self.us.port, self.cert)
            for peer in self.peers:
                stack.callback(peer.kill)
                peer.start()
            yield self

    def give(self, text, *rcpts, sender="alice@a.test", mail=(), rcpt=()):
        with smtplib.SMTP("127.0.0.1", self.us.port["smtp"], timeout=60) as s:
            s.ehlo("client.test")
            refused = s.sendmail(sender, rcpts, text, mail, rcpt)
            assert not refused

    def by_bdat(self, text, *rcpts):
        """What DATA cannot: a last line without its end."""
        with socket.create_connection(("127.0.0.1", self.us.port["smtp"]),
                                      60) as s, s.makefile("rb") as f:
            def say(line, data=b""):
                s.sendall(line.encode() + b"\r\n" + data)
                while (reply := f.readline())[3:4] == b"-":
                    pass
                assert reply[:1] == b"2", reply
            f.readline()
            say("EHLO client.test")
            say("MAIL FROM:<alice@a.test> BODY=8BITMIME")
            for rcpt in rcpts:
                say(f"RCPT TO:<{rcpt}>")
            say(f"BDAT {len(text)} LAST", text)

    def fate(self, rcpt, since=0):
        m = self.us.wait_log(r"to=<" + re.escape(rcpt) + r"> relay=\S+ "
                             r"status=(\w+) \((.*)\)", 30, since)
        return m.group(1) + " " + m.group(2)

    def got(self, peer, name, n=1):
        """Those with this subject."""
        def mine():
            return [m for m in peer.mail() if re.search(
                rb"^Subject: %s\r?$" % name.encode(), m, re.M)]
        wait_for(lambda: len(mine()) >= n, 30)
        assert len(mine()) == n
        return mine()

    def mine(self, name):
        """Reports to alice about a message."""
        return [t for t in (p.read_bytes() for p in self.us.messages("alice"))
                if f"<{name}@a.test>".encode() in t]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if os.geteuid():
        pytest.skip("needs root for chroot and namespaces")
    kinds = [NextPostfix, NextDovecot, Postgrey, Exim]
    if not ALL and not all(peers_root.has(k.package, k.more) for k in kinds):
        pytest.skip("make check-interop")
    work = tmp_path_factory.mktemp("next")
    for folder in (work, *work.parents[:2]):
        folder.chmod(0o755)
    yield from World(work).start()
    shutil.rmtree(work, ignore_errors=True)


PEERS = [("postfix", "b.test"), ("exim", "exim.test")]


# -- TLS and CHUNKING ---------------------------------------------------------

@pytest.mark.parametrize("peer,domain", PEERS)
def test_what_chunks_carry(world, peer, domain):
    """All octets that a line may have, dots, 2.5 MB, no end of the last line,
    and recipients who are refused in the flight before."""
    name = f"chunks-{peer}"
    octets = bytes(b for b in range(1, 256) if b not in b"\r\n")
    body = (b".\r\n..\r\n.x\r\n\r\n.\r\n" + octets + b"\r\n" +
            b"BDAT 3 LAST\r\nQUIT\r\n" + (b"y" * 997 + b"\r\n" +
                                          b"." * 998 + b"\r\n") * 1250 +
            b"..no end")
    text = message(name, body, MIME)
    bad = [f"nobody{n}@{domain}" for n in range(3)]
    world.by_bdat(text, bad[0], f"bob@{domain}", *bad[1:])
    assert world.fate(f"bob@{domain}").startswith("sent")
    for rcpt in bad:
        assert re.match(r"bounced 550 ", world.fate(rcpt))
    m, = world.got(getattr(world, peer), name)
    assert body_of(m) in (text, text + b"\r\n")
    assert re.search(rb"TLS", m.partition(b"\nFrom: ")[0])
    wait_for(lambda: not world.us.spooled(), 20)


def test_all_refused_then_more(world):
    """No chunk goes out for nobody; the connection is good for the next."""
    n = world.postfix.log().count("bdat=")
    world.give(message("refused"), "no1@b.test", "no2@b.test")
    for rcpt in ("no1@b.test", "no2@b.test"):
        assert world.fate(rcpt).startswith("bounced 550 5.1.1")
    world.give(message("behind"), "bob@b.test")
    world.got(world.postfix, "behind")
    wait_for(lambda: world.postfix.log().count("bdat=") > n, 30)
    assert re.search(r"bdat=\d+(/\d+)? ", world.postfix.log())
    assert "bdat=0/" not in world.postfix.log()


def test_without_pipelining(world):
    world.by_bdat(message("slow", b".\r\n" * 500_000 + b"end"),
                  "no@slow.test", "bob@slow.test")
    m, = world.got(world.postfix, "slow")
    assert body_of(m) == message("slow", b".\r\n" * 500_000 + b"end\r\n")
    assert world.fate("no@slow.test").startswith("bounced 550 5.1.1")


# -- what a peer does not offer -----------------------------------------------

def test_converted_for_one_without_8bitmime(world):
    text = "Grüße — 日本\r\n.\r\n..=\r\n" + "é" * 400 + "\r\n"
    world.give(message("seven", text.encode(), MIME), "bob@old.test",
               mail=["BODY=8BITMIME"])
    m, = world.got(world.postfix, "seven")
    assert m.isascii()
    m = email.message_from_bytes(m)
    assert m["Content-Transfer-Encoding"] == "quoted-printable"
    assert m.get_payload(decode=True).decode().replace("\r", "") == \
        text.replace("\r", "")


def test_smtputf8(world):
    with smtplib.SMTP("127.0.0.1", world.us.port["smtp"]) as s:
        s.ehlo("client.test")
        for name, rcpt, more in (("utf8", "bob@b.test", "X: Grüße\r\n"),
                                 ("utf8-old", "bob@old.test", "X: ü\r\n"),
                                 ("utf8-name", "jörg@old.test", ""),
                                 ("utf8-idle", "bob+idle@old.test", "")):
            s.sendmail("alice@a.test", [rcpt],
                       message(name, more=more.encode()),
                       ["SMTPUTF8", "BODY=8BITMIME"])
    assert world.fate("bob@b.test")
    assert "X: Grüße".encode() in world.got(world.postfix, "utf8")[0]
    for name, rcpt, code in (("utf8-old", "bob@old.test", b"5.6.9"),
                             ("utf8-name", r"j\S+rg@old.test", b"5.6.7")):
        world.us.wait_log(rf"to=<{rcpt}> \S+ status=bounced \(.*SMTPUTF8")
        assert code in wait_for(lambda: world.mine(name))[0]
    # it need not be said when nothing needs it
    world.got(world.postfix, "utf8-idle")


def test_size(world):
    """One that the peer would refuse is not sent there."""
    n = world.postfix.log().count("from localhost")
    world.give(message("big", b"x" * 70 + b"\r\n" * 20000), "bob@small.test")
    assert re.match(r"bounced 55\d 5\.3\.4", world.fate("bob@small.test"))
    world.give(message("fits"), "bob+fits@small.test")
    world.got(world.postfix, "fits")
    assert n and "Message size exceeds" not in world.postfix.log()


def test_reports(world):
    """Postfix has the duty where it offers DSN, we have it where not."""
    for domain, name in (("b.test", "dsn"), ("old.test", "dsn-old")):
        world.give(message(name), f"bob+dsn@{domain}",
                   mail=["RET=HDRS", "ENVID=QQ+2B314"],
                   rcpt=["NOTIFY=SUCCESS,FAILURE",
                         "ORCPT=rfc822;other@x.test"])
        report = wait_for(lambda: world.mine(name), 30)[0]
        assert b"Original-Envelope-Id: QQ+314" in report
        assert b"rfc822;other@x.test" in report.replace(b"rfc822; ",
                                                        b"rfc822;")
        theirs = b"Reporting-MTA: dns; peer.b.test" in report
        assert theirs == (domain == "b.test")
        assert (b"Action: delivered" if theirs else b"Action: relayed") in \
            report


# -- greylisting, passwords ---------------------------------------------------

def test_postgrey(world):
    """Too early is no reason to give up, nor to send to anybody twice."""
    world.give(message("grey"), "bob@grey.test", "bob+2@grey.test")
    for rcpt in ("bob@grey.test", "bob+2@grey.test"):
        assert re.match(r"deferred 45\d 4\.[27]\.\d", world.fate(rcpt))
    for rcpt in ("bob", r"bob\+2"):
        world.us.wait_log(rf"to=<{rcpt}@grey.test> .*status=sent", 30)
    world.got(world.postfix, "grey", 2)
    assert not world.mine("grey")


@pytest.mark.parametrize("name,method", [
    ("scram", "SCRAM-SHA-256"), ("plain", "PLAIN"), ("login", "LOGIN"),
    ("smtps", "SCRAM-SHA-256")])
def test_passwords_of_dovecot(world, name, method):
    before = world.postfix.log().count(f"sasl_method={method}")
    world.give(message(f"auth-{name}"), "bob@plain.test",
               sender=f"x@{name}.test")
    m, = world.got(world.postfix, f"auth-{name}")
    assert b"Authenticated sender: bob" in m
    assert world.postfix.log().count(f"sasl_method={method}") > before


def test_wrong_password(world):
    secret = world.work / "wrong"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    for name in ("scram", "plain", "login"):
        p = smtp(world, "-s", f"localhost:{world.postfix.ports[name]}",
                 "--tls", "starttls", "-u", "bob", "-p", secret, "-f",
                 "x@a.test", "bob@b.test", status=77)
        assert "535 5.7.8" in p.stderr and "what helps: check" in p.stderr


def test_exim_as_smarthost(world):
    for n, auth in enumerate(("plain", "login")):
        conf = world.smarthost(world.exim.port, more=f"auth={auth}")
        smtp(world, "-f", "x@a.test", "bob@exim.test", conf=conf,
             input=message(f"exim-{auth}").decode())
        m, = world.got(world.exim, f"exim-{auth}")
        assert b"esmtpsa" in m


def smtp(world, *argv, conf="", status=0, input="Subject: x\n\nx\n"):
    path = world.work / "smtp.conf"
    path.write_text("hostname me.test\n" + f"tls-ca {world.cert[0]}\n" + conf)
    p = world.us.run("smtp", "-C", str(path), *map(str, argv), check=False,
                     input=input)
    assert p.returncode == status, (p.stdout, p.stderr)
    return p


# -- LMTP ---------------------------------------------------------------------

@pytest.mark.parametrize("domain", ["unix.lmtp", "tcp.lmtp"])
def test_dovecot_by_lmtp(world, domain):
    name = domain.replace(".", "-")
    body = b"." * 900 + b"\r\n.\r\n..\r\n" + b"x" * 70_000 + b"\r\n"
    text = message(name, body)
    world.give(text, *[f"{u}@{domain}" for u in
                       ("bob", "full", "nobody", "carol", "bob+x")])
    for user in ("bob", "carol", "bob+x"):
        assert world.fate(f"{user}@{domain}").startswith("sent 250 2.0.0")
    assert world.fate(f"full@{domain}").startswith("bounced 552 5.2.2")
    assert world.fate(f"nobody@{domain}").startswith("bounced 550 5.1.1")
    for user, n in (("bob", 2), ("carol", 1), ("full", 0)):
        found = [m for m in world.dovecot.mail(user) if
                 b"Subject: " + name.encode() in m]
        assert len(found) == n
        assert all(body_of(m) == text for m in found)
    report = wait_for(lambda: world.mine(name))
    assert len(report) == 1
    assert b"full@" in report[0] and b"nobody@" in report[0]
    wait_for(lambda: not world.us.spooled())
