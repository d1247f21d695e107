"""users.db whole: domains, aliases, app passwords, hashes of other programs,
quotas, import and export, a copy; with real logins over POP3 and SMTP."""

import base64
import hashlib
import json
import poplib
import re
import smtplib
import sqlite3
import subprocess
import time

import pytest

from instance import BIN, Instance, wait_for
from test_users import Authd, b64

SETTINGS = "auth-without-tls yes\ngreeting-delay 0s\n"
CRYPT = {
    # "secret", as Debian's mkpasswd and doveadm have made it
    "sha512": "{SHA512-CRYPT}$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZa"
              "NGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
    "blf": "{BLF-CRYPT}$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4Up"
           "FFP8WIrW",
    "ssha256": "{SSHA256}+E+iFJ27Yu1ODPH1UNKUmzOmUT06dwfghQJRHHnMsO5zYWx0",
    "plain": "{PLAIN}secret",
    "scram": None,
}


@pytest.fixture(scope="module")
def box():
    text = subprocess.run([BIN, "mailuser", "--help"], capture_output=True,
                          text=True)
    if "import" not in text.stdout + text.stderr:
        pytest.skip("USERS_FULL is not built in")
    with Instance(users=("alice", "bob"),
                  extra=SETTINGS if "auth-without-tls" in
                  conf_words() else "") as inst:
        yield inst


def conf_words():
    p = subprocess.run([BIN, "mailconf", "--defaults"], capture_output=True,
                       text=True)
    return p.stdout


def user(box, *argv, **kw):
    return box.run("mailuser", *argv, **kw)


def pop3(box, name, password):
    p = poplib.POP3("127.0.0.1", box.port["pop3"], timeout=20)
    try:
        p.user(name)
        p.pass_(password)
        return True
    except poplib.error_proto as e:
        assert b"AUTH" in e.args[0], e
        return False
    finally:
        p.close()


def scram_pop3(box, name, password):
    """SCRAM-SHA-256 by hand (RFC 5802)."""
    import hmac
    p = poplib.POP3("127.0.0.1", box.port["pop3"], timeout=20)
    first = f"n={name},r=abcdefgh"
    p._putcmd("AUTH SCRAM-SHA-256 " + b64("n,," + first))
    line = p._getline()[0]
    if not line.startswith(b"+ "):
        return False
    server = base64.b64decode(line[2:]).decode()
    nonce, salt, rounds = re.match(r"r=(.*),s=(.*),i=(\d+)", server).groups()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(),
                                 base64.b64decode(salt), int(rounds))
    key = hmac.digest(salted, b"Client Key", "sha256")
    last = f"c=biws,r={nonce}"
    message = ",".join([first, server, last]).encode()
    sign = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, sign))
    p._putcmd(b64(last + ",p=" + b64(proof)))
    line = p._getline()[0]
    if line.startswith(b"+ "):
        p._putcmd("")
        line = p._getline()[0]
    p.close()
    return line.startswith(b"+OK")


def send(box, to, sender="x@elsewhere.test", login=None):
    s = smtplib.SMTP("127.0.0.1", box.port["submission" if login else "smtp"],
                     timeout=20)
    try:
        s.ehlo()
        if login:
            s.login(*login)
        s.sendmail(sender, to, f"Subject: {to}\r\n\r\nx\r\n")
    finally:
        s.close()


# -- app passwords --

def test_app_passwords(box):
    phone = user(box, "app", "add", "alice@a.test", "phone").stdout.strip()
    tv = user(box, "app", "add", "alice@a.test", "TV set").stdout.strip()
    assert len(phone) >= 16 and phone != tv
    assert user(box, "app", "add", "alice@a.test", "phone",
                check=False).returncode != 0
    for password in ("alice-pw", phone, tv):
        assert pop3(box, "alice@a.test", password)
        assert scram_pop3(box, "alice@a.test", password)
    assert not pop3(box, "alice@a.test", "wrong")
    assert not scram_pop3(box, "alice@a.test", "wrong")
    assert not pop3(box, "bob@a.test", phone)
    # the main password changes, those of the apps stay
    user(box, "passwd", "alice@a.test", input="new-pw\n")
    assert not pop3(box, "alice@a.test", "alice-pw")
    for password in ("new-pw", phone, tv):
        assert pop3(box, "alice@a.test", password)
        assert scram_pop3(box, "alice@a.test", password)
    user(box, "app", "del", "alice@a.test", "phone")
    assert user(box, "app", "del", "alice@a.test", "phone",
                check=False).returncode == 67
    assert not pop3(box, "alice@a.test", phone)
    assert not scram_pop3(box, "alice@a.test", phone)
    assert pop3(box, "alice@a.test", tv)
    user(box, "passwd", "alice@a.test", input="alice-pw\n")


def test_last_use_is_kept_and_not_written_each_time(box):
    password = user(box, "app", "add", "bob@a.test", "pad").stdout.strip()

    def used():
        line = user(box, "app", "list", "bob@a.test", "--json").stdout
        return json.loads(line)["last_used"]

    assert used() is None
    db = box.dir / "state" / "users.db"
    before = db.read_bytes()[24:28]
    for _ in range(20):
        assert pop3(box, "bob@a.test", password)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    wait_for(lambda: used() == today, 15)
    first = db.read_bytes()[24:28]      # SQLite's counter of changes
    assert int.from_bytes(first, "big") - int.from_bytes(before, "big") <= 2
    for _ in range(5):
        assert pop3(box, "bob@a.test", password)
    time.sleep(1)
    assert db.read_bytes()[24:28] == first
    assert f"used {today}" in user(box, "app", "list", "bob@a.test").stdout


# -- hashes of other programs --

def test_hashes_become_keys_at_the_first_login(box):
    rows = "".join(f"{n}@a.test:{h}::::::\n" for n, h in CRYPT.items() if h)
    path = box.dir / "passwd"
    path.write_text("# comment\n" + rows)
    said = user(box, "import", "--format", "dovecot", str(path)).stderr
    assert "4 users" in said
    with sqlite3.connect(box.dir / "state" / "users.db") as db:
        assert db.execute("SELECT count(*) FROM credential WHERE secret LIKE"
                          " '%secret%'").fetchone() == (0,)
    for name in ("sha512", "blf", "ssha256"):
        address = f"{name}@a.test"
        assert "another program" in user(box, "show", address).stdout
        assert not scram_pop3(box, address, "secret")
        assert not pop3(box, address, "Secret")
        assert pop3(box, address, "secret")
        wait_for(lambda: "SCRAM" in user(box, "show", address).stdout, 10, 0.2)
        assert scram_pop3(box, address, "secret")
        assert pop3(box, address, "secret")
        assert not pop3(box, address, "Secret")
    assert scram_pop3(box, "plain@a.test", "secret")


def test_a_hash_and_app_passwords(box):
    path = box.dir / "one"
    path.write_text(f"carl@a.test:{CRYPT['sha512']}\n")
    user(box, "import", "--format", "dovecot", str(path))
    app = user(box, "app", "add", "carl@a.test", "pad").stdout.strip()
    assert scram_pop3(box, "carl@a.test", app)
    assert pop3(box, "carl@a.test", app)
    assert pop3(box, "carl@a.test", "secret")
    wait_for(lambda: scram_pop3(box, "carl@a.test", "secret"), 10, 0.2)
    assert scram_pop3(box, "carl@a.test", app)


# -- enabled, quota, settings --

def test_disabled(box):
    user(box, "add", "dora@a.test", input="dora-pw\n")
    assert pop3(box, "dora", "dora-pw")
    user(box, "disable", "dora@a.test")
    assert not pop3(box, "dora", "dora-pw")
    assert not scram_pop3(box, "dora", "dora-pw")
    time.sleep(5.1)                     # smtpd knows her for 5 s
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(box, "dora@a.test")
    user(box, "enable", "dora@a.test")
    assert pop3(box, "dora", "dora-pw")
    send(box, "dora@a.test")
    box.wait_messages("dora", 1)


def test_quota_and_settings_reach_the_wire(box):
    user(box, "add", "emma@a.test", input="emma-pw\n")
    user(box, "quota", "emma@a.test", "5G", "1000")
    user(box, "set", "emma@a.test", "hook", "/usr/bin/filter -x")
    user(box, "set", "emma@a.test", "forward", "yes")
    a = Authd(box)
    a.send("LOOKUP " + b64("emma@a.test"))
    words = a.file.readline().split()
    assert words[6:8] == [str(5 << 30), "1000"]
    assert base64.b64decode(words[8]) == \
        b"hook=/usr/bin/filter -x\nforward=yes\n"
    shown = json.loads(user(box, "show", "-j", "emma@a.test").stdout)
    assert (shown["password"], shown["apps"]) == ("SCRAM-SHA-256", 0)
    assert shown["quota"] == 5 << 30 and shown["quota_messages"] == 1000
    assert shown["settings"] == {"hook": "/usr/bin/filter -x",
                                 "forward": "yes"}
    user(box, "quota", "emma@a.test", "none")
    user(box, "set", "emma@a.test", "hook", "none")
    shown = json.loads(user(box, "show", "-j", "emma@a.test").stdout)
    assert shown["quota"] == 0 and shown["settings"] == {"forward": "yes"}


@pytest.mark.parametrize("argv,status", [
    (("quota", "emma@a.test", "many"), 65),
    (("quota", "emma@a.test", "99999999999G"), 65),
    (("quota", "emma@a.test"), 64),
    (("quota", "nobody@a.test", "1G"), 67),
    (("set", "emma@a.test", "hook", "rm -rf"), 65),
    (("set", "emma@a.test", "hook", "/x\ny"), None),
    (("set", "emma@a.test", "colour", "red"), 65),
    (("enable", "../../etc@a.test"), 65),
    (("app", "add", "emma@a.test", ""), None),
    (("app", "add", "emma@a.test", "x" * 10000), None),
    (("app", "add", "../x@a.test", "x"), 67),
    (("app", "eat", "emma@a.test"), 64),
    (("domain", "add", "../x"), None),
    (("domain", "add", "x" * 10000), None),
    (("domain", "add", "a\nb.test"), None),
    (("domain", "del", "a.test"), None),
    (("alias", "add", "../x@a.test", "emma@a.test"), 65),
    (("alias", "add", "x@other.test", "emma@a.test"), 78),
    (("alias", "add", "x@a.test", "/etc/passwd"), None),
    (("alias", "add", "x@a.test", "|rm"), None),
    (("alias", "add", "x@a.test", "\"a b\"@c.test"), None),
    (("alias", "del", "x@a.test"), 67),
    (("backup", "/nowhere/x"), None),
    (("import", "/nowhere/x"), None),
    (("import", "--format", "yaml", "/dev/null"), 64),
])
def test_bad_words(box, argv, status):
    before = sorted(p for p in box.dir.rglob("*") if "run" not in p.parts)
    p = user(box, *argv, check=False)
    assert p.returncode == status if status else p.returncode != 0
    assert p.stderr and "\x1b" not in p.stderr
    assert sorted(p for p in box.dir.rglob("*") if "run" not in p.parts) == \
        before


# -- domains and aliases --

def test_a_domain_comes_and_goes(box):
    assert user(box, "add", "zoe@b.test", check=False,
                input="zoe-pw\n").returncode == 78
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(box, "zoe@b.test")
    user(box, "domain", "add", "B.test")
    user(box, "add", "zoe@b.test", input="zoe-pw\n")
    assert user(box, "domain", "list").stdout == "b.test\n"
    wait_for(lambda: pop3(box, "zoe@b.test", "zoe-pw"), 25, 1)
    time.sleep(1)
    wait_for(lambda: sends(box, "zoe@b.test"), 10, 0.5)
    wait_for(lambda: list((box.dir / "mail/b.test/zoe/new").glob("*")))
    assert user(box, "domain", "del", "b.test", check=False).returncode != 0


def sends(box, to, **kw):
    try:
        send(box, to, **kw)
        return True
    except (OSError, smtplib.SMTPException):
        return False


def count(box, name):
    return len(box.messages(name))


def test_aliases(box):
    for name in ("ann", "ben"):
        user(box, "add", f"{name}@a.test", input=f"{name}-pw\n")
    user(box, "alias", "add", "sales@a.test", "ann@a.test", "ben@a.test")
    user(box, "alias", "add", "Boss@a.test", "ann@a.test")
    user(box, "alias", "add", "ann@a.test", "ann@a.test", "ben@a.test")
    user(box, "alias", "add", "loop1@a.test", "loop2@a.test")
    user(box, "alias", "add", "loop2@a.test", "loop1@a.test")
    send(box, "sales@a.test")           # ann's own alias: ben gets it once
    box.wait_messages("ann", 1)
    box.wait_messages("ben", 1)
    send(box, "BOSS+x@a.test")
    box.wait_messages("ann", 2)
    box.wait_messages("ben", 2)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(box, "nobody@a.test")
    send(box, "loop1@a.test", sender="bob@a.test")
    box.wait_messages("bob", 1)         # it comes back
    text = box.messages("bob")[0].read_text()
    assert "5.4.6" in text
    user(box, "alias", "del", "ann@a.test")
    user(box, "alias", "del", "sales@a.test", "ann@a.test")
    send(box, "sales@a.test")
    box.wait_messages("ben", 3)
    assert count(box, "ann") == 2


def test_who_may_send_as_an_alias(box):
    send(box, "ben@a.test", sender="boss@a.test", login=("ann", "ann-pw"))
    for sender, login in (("boss@a.test", ("ben", "ben-pw")),
                          ("sales@elsewhere.test", ("ben", "ben-pw"))):
        with pytest.raises(smtplib.SMTPSenderRefused):
            send(box, "ben@a.test", sender=sender, login=login)


def test_catch_all(box):
    user(box, "alias", "add", "@a.test", "ben@a.test")
    before = count(box, "ben"), count(box, "ann")
    time.sleep(5.1)
    send(box, ["anything@a.test", "ann@a.test", "other.thing@a.test"])
    wait_for(lambda: count(box, "ben") >= before[0] + 1, 20)
    wait_for(lambda: count(box, "ann") >= before[1] + 1, 20)
    time.sleep(1)
    assert count(box, "ann") == before[1] + 1
    assert count(box, "ben") <= before[0] + 2
    user(box, "alias", "del", "@a.test")
