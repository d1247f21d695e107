"""Programs that fetch mail, and the order in which phones and PCs ask."""

import email
import os
import poplib
import re
import shutil
import ssl
import subprocess

import pytest

from instance import Instance, wait_for
from pop import Pop, put

NOVERIFY = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def box():
    with Instance(extra="auth-binding yes\n") as i:
        yield i


@pytest.fixture
def drop(box):
    """Three messages; the third has 300 KB and dots."""
    path = box.maildir("alice")
    shutil.rmtree(path, ignore_errors=True)
    for n in range(3):
        text = (f"From: x@y.test\nTo: alice@a.test\nSubject: number {n}\n"
                f"Message-ID: <{n}@y.test>\n"
                "Date: Tue, 24 Nov 2026 11:11:46 +0000\n\n.\n..\nFrom x\n"
                + "line\n" * (60000 if n == 2 else 1))
        put(path, f"170000000{n}.M1P{n}.h", text)
    return path


def need(program):
    if not shutil.which(program):
        pytest.skip(f"no {program}")


def run(*argv, status=0, **kw):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60, **kw)
    assert p.returncode == status, p.stdout
    return p.stdout


def numbers(folder):
    """What a client has put into a Maildir."""
    return sorted(re.search(rb"Subject: number (\d)", p.read_bytes())[1]
                  for p in folder.glob("new/*"))


def whole(folder, drop):
    """Each body as it is on disk."""
    for path in folder.glob("new/*"):
        got = path.read_bytes()
        n = re.search(rb"Subject: number (\d)", got)[1].decode()
        stored = next(drop.glob(f"*/170000000{n}.*")).read_bytes()
        assert got.partition(b"\n\n")[2].rstrip(b"\n") == \
            stored.partition(b"\n\n")[2].rstrip(b"\n")


@pytest.mark.parametrize("keep", [True, False])
def test_getmail(box, drop, tmp_path, keep):
    need("getmail")
    (tmp_path / "getmailrc").write_text(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1\n"
        f"port = {box.port['pop3s']}\nusername = alice@a.test\n"
        "password = alice-pw\n"
        "[destination]\ntype = MDA_external\npath = /bin/sh\n"
        f"arguments = ('-c', 'cat >>{tmp_path}/out')\n"
        "allow_root_commands = True\n"
        f"[options]\ndelete = {not keep}\nread_all = False\n"
        "delivered_to = False\nreceived = False\n")

    def getmail():
        run("getmail", "--getmaildir", tmp_path,
            env=dict(os.environ, HOME=str(tmp_path)))
        return sorted(re.findall(rb"Subject: number (\d)",
                                 (tmp_path / "out").read_bytes()))
    assert getmail() == [b"0", b"1", b"2"]
    if not keep:
        wait_for(lambda: not box.messages("alice"))
        return
    put(drop, "1700000009.M1P9.h", "Subject: number 9\n\n")
    # known by their UIDs, also after another program has read them
    for path in list((drop / "new").iterdir())[:2]:
        path.rename(drop / "cur" / (path.name + ":2,S"))
    assert getmail() == [b"0", b"1", b"2", b"9"]


@pytest.mark.parametrize("auth", ["user", "plain", "scram-sha-256"])
@pytest.mark.parametrize("pipelining", ["on", "off"])
def test_mpop(box, drop, tmp_path, auth, pipelining):
    need("mpop")
    for sub in ("new", "cur", "tmp"):
        (tmp_path / "in" / sub).mkdir(parents=True)
    rc = tmp_path / "mpoprc"
    rc.write_text(
        f"defaults\ntls on\ntls_starttls {'on' if auth == 'user' else 'off'}\n"
        "tls_certcheck off\naccount default\nhost 127.0.0.1\n"
        f"port {box.port['pop3' if auth == 'user' else 'pop3s']}\n"
        f"user alice@a.test\npassword alice-pw\nauth {auth}\n"
        f"pipelining {pipelining}\nkeep on\nreceived_header off\n"
        f"uidls_file {tmp_path}/uidls\ndelivery maildir {tmp_path}/in\n")
    rc.chmod(0o600)
    run("mpop", "-C", rc)
    assert numbers(tmp_path / "in") == [b"0", b"1", b"2"]
    whole(tmp_path / "in", drop)
    run("mpop", "-C", rc)
    assert len(numbers(tmp_path / "in")) == 3
    run("mpop", "-C", rc, "--keep=off")
    wait_for(lambda: not box.messages("alice"))


@pytest.mark.parametrize("options", [
    ["keep"], ["nokeep"], ["keep", "fastuidl 2"], ["nokeep", "fetchlimit 2"]])
def test_fetchmail(box, drop, tmp_path, options):
    need("fetchmail")
    rc = tmp_path / "fetchmailrc"
    rc.write_text(
        f"poll 127.0.0.1 protocol pop3 port {box.port['pop3']} uidl\n"
        "user 'alice@a.test' password 'alice-pw' sslproto 'tls1+' "
        f"no sslcertck {' '.join(options)} mda 'cat >>{tmp_path}/out'\n")
    rc.chmod(0o600)
    env = dict(os.environ, HOME=str(tmp_path), FETCHMAILHOME=str(tmp_path))

    def fetch(status):
        run("fetchmail", "-f", rc, "--pidfile", tmp_path / "pid", env=env,
            status=status)
    fetch(0 if "fetchlimit 2" not in options else 13)
    text = (tmp_path / "out").read_bytes()
    if options[0] == "keep":
        assert text.count(b"Subject: number") == 3
        fetch(1)            # nothing new
        assert len(box.messages("alice")) == 3
    else:
        left = 1 if len(options) > 1 else 0
        assert text.count(b"Subject: number") == 3 - left
        wait_for(lambda: len(box.messages("alice")) == left)


def test_mutt(box, drop, tmp_path):
    """As its mailbox: UIDL, TOP, RETR."""
    need("mutt")
    pem = ssl.get_server_certificate(("127.0.0.1", box.port["pop3s"]))
    (tmp_path / "cert").write_text(pem)
    copy = f"<copy-message>{tmp_path}/out<enter>"
    (tmp_path / "rc").write_text(
        "set ssl_verify_host=no ssl_verify_dates=no ssl_force_tls=no\n"
        f"set certificate_file={tmp_path}/cert pop_checkinterval=0\n"
        "set pop_user='alice@a.test' pop_pass='alice-pw' sort=date-sent\n"
        "set pop_delete=no mbox_type=mbox confirmcreate=no\n"
        "set pop_authenticators='user' confirmappend=no move=no\n"
        f"push '<tag-pattern>~A<enter>{copy}<exit>y'\n")
    run("timeout", "20", "script", "-qec",
        f"mutt -n -F {tmp_path}/rc -f "
        f"pops://127.0.0.1:{box.port['pop3s']}/", "/dev/null",
        env=dict(os.environ, HOME=str(tmp_path), TERM="xterm"),
        stdin=subprocess.DEVNULL)
    text = (tmp_path / "out").read_bytes()
    assert b"Subject: number 0" in text
    assert len(box.messages("alice")) == 3


def test_curl(box, drop):
    base = f"pop3s://127.0.0.1:{box.port['pop3s']}/"
    curl = ["curl", "-sk", "-u", "alice@a.test:alice-pw"]
    sizes = [line.split()[1] for line in
             run(*curl, base).decode().splitlines()]
    for n in (1, 2, 3):
        assert len(run(*curl, f"{base}{n}")) == int(sizes[n - 1])
    assert len(run(*curl, "-X", "UIDL", base).splitlines()) == 3
    assert b"Subject: number 1" in run(*curl, "-X", "TOP 2 0", base)
    run(*curl, "-X", "DELE 1", "-I", base)
    wait_for(lambda: len(box.messages("alice")) == 2)


def test_poplib(box, drop):
    p = poplib.POP3_SSL("127.0.0.1", box.port["pop3s"], context=NOVERIFY)
    if "UTF8" in p.capa():
        p.utf8()
    p.user("alice@a.test")
    p.pass_("alice-pw")
    with pytest.raises(poplib.error_proto):
        p.retr(4)
    with pytest.raises(poplib.error_proto):
        p.apop("alice@a.test", "alice-pw")
    assert email.message_from_bytes(b"\n".join(p.top(1, 0)[1]))["Subject"] \
        == "number 0"
    p.noop()
    p.quit()


THUNDERBIRD = ("CAPA", "AUTH PLAIN", "*", "CAPA", "STAT", "LIST", "UIDL",
               "XTND XMIT", "RETR 1", "RETR 2", "DELE 1", "QUIT")
K9 = ("CAPA", "AUTH PLAIN", "*", "STAT", "UIDL", "LIST 3", "TOP 3 0",
      "UIDL 3", "LIST", "RETR 3", "TOP 2 20", "QUIT")
OUTLOOK = ("AUTH", "CAPA", "*", "STAT", "UIDL", "LIST", "TOP 1 0", "RETR 1",
           "DELE 1", "QUIT")


@pytest.mark.parametrize("order", [THUNDERBIRD, K9, OUTLOOK])
def test_orders(box, drop, order):
    """As they were seen on the wire; "*" is where they log in."""
    import base64
    p = Pop(box.port["pop3s"], login=None, tls=True)
    gone = 0
    for line in order:
        if line == "*":
            if "AUTH PLAIN" not in order:
                p.ok("USER alice@a.test")
                p.ok("PASS alice-pw")
            else:
                p.ok(base64.b64encode(
                    b"\0alice@a.test\0alice-pw").decode())
            continue
        reply = p.say(line)
        if line == "AUTH PLAIN":
            assert reply == "+ "
            continue
        if line == "XTND XMIT":
            assert reply.startswith("-ERR")
            continue
        assert reply.startswith("+OK"), (line, reply)
        gone += line.startswith("DELE")
        if re.match(r"CAPA|RETR|TOP|AUTH$|(LIST|UIDL)$", line):
            p.rest()
    p.close()
    wait_for(lambda: len(box.messages("alice")) == 3 - gone)
