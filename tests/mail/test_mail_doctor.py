"""mailconf --doctor: each check in a world where it fails, and in a good one."""

import hashlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from fakes import FakeDNS, FakeSMTP, make_cert
from instance import BIN, Instance, free_port

LEVELS = ("ok", "skip", "warn", "fail")
ZONE = {
    ("mail.a.test", "A"): ["127.0.0.1"], ("a.test", "MX"): [
        (10, "mail.a.test")], ("a.test", "A"): ["192.0.2.9"],
    ("1.0.0.127.in-addr.arpa", "PTR"): ["mail.a.test"],
    ("a.test", "TXT"): [b"v=spf1 a:mail.a.test -all", b"other=1"],
    ("_dmarc.a.test", "TXT"): [b"v=DMARC1; p=reject"],
    ("provider.test", "A"): ["127.0.0.1"],
}


def me():
    return subprocess.check_output(["id", "-un"], text=True).strip()


class Machine:
    """A configuration, its DNS, and no daemon."""

    def __init__(self, path):
        self.dir = path
        self.zone = dict(ZONE)
        self.dns = FakeDNS(self.zone)
        self.conf = path / "conf"
        self.lines = {
            "hostname": "mail.a.test", "domain": "a.test",
            **{f"{d}-dir": path / d for d in
               ("spool", "state", "mail", "mbox", "run")},
            "user-queue": me(), "user-store": me(), "user-auth": me(),
            "nameserver": f"127.0.0.1:{self.dns.port}", "dns-timeout": "3s",
            "connect-timeout": "2s", "aliases": path / "aliases",
            "system-users": "no", "listen": f"smtp *:{free_port()}",
        }
        for d in ("spool", "state", "mail", "mbox", "run"):
            (path / d).mkdir()
        (path / "spool").chmod(0o700)
        (path / "aliases").write_text("root: admin@b.test\n")

    def write(self, **lines):
        """a_b for a-b; None takes a line away."""
        text = {**self.lines,
                **{k.replace("_", "-"): v for k, v in lines.items()}}
        self.conf.write_text("".join(f"{k} {v}\n" for k, v in text.items()
                                     if v is not None))

    def run(self, *argv, wrapper=(), env=None):
        return subprocess.run(
            [*wrapper, BIN, "mailconf", "--doctor", "-C", self.conf, "--mx",
             "provider.test:9", *argv], capture_output=True, text=True,
            timeout=90, env={**os.environ, "LC_ALL": "C", **(env or {})})

    def ask(self, *argv, wrapper=(), **lines):
        """{check: [(level, text, remedy)]}"""
        self.write(**lines)
        return self.look(*argv, wrapper=wrapper)

    def look(self, *argv, wrapper=()):
        p = self.run("-j", *argv, wrapper=wrapper)
        answer = json.loads(p.stdout)
        found = {}
        for c in answer["checks"]:
            assert c["level"] in LEVELS and c["text"]
            found.setdefault(c["check"], []).append(
                (c["level"], c["text"], c["remedy"]))
        bad = any(c["level"] == "fail" for c in answer["checks"])
        assert answer["ok"] is not bad and p.returncode == bad
        assert p.stderr == ""
        return found


def worst(found, check):
    """The level of the worst line of a check, and all its words."""
    rows = found[check]
    level = max((r[0] for r in rows), key=LEVELS.index)
    return level, " ".join(f"{t} {r or ''}" for _, t, r in rows)


def expect(found, check, level, *says):
    got, text = worst(found, check)
    assert got == level, (check, found[check])
    for part in says:
        assert part in text, (part, text)


@pytest.fixture
def machine(tmp_path):
    m = Machine(tmp_path)
    yield m
    m.dns.close()


def test_all_is_well_but_for_the_daemons(machine):
    found = machine.ask()
    for check in ("disk", "accounts", "files", "aliases", "dns", "hostname",
                  "address", "reverse", "mx", "spf", "dmarc"):
        assert worst(found, check)[0] == "ok", found[check]
    expect(found, "daemons", "fail", "authd", "start maild")
    expect(found, "ports", "skip")
    expect(found, "queue", "skip")
    expect(found, "smarthost", "skip")
    expect(found, "dnsbl", "skip")
    expect(found, "dkim", "warn", "Nobody signs")


# --- the machine

def test_clock(machine):
    machine.write()
    assert worst(machine.look(), "clock")[0] in ("ok", "warn")
    future = time.time() + 10 * 86400
    os.utime(machine.conf, (future, future))
    expect(machine.look(), "clock", "fail", "was written after that")
    if not shutil.which("faketime"):
        pytest.skip("no faketime")
    for date, says in (("1970-01-02", "never set"),
                       ("2090-01-01", "far in the future")):
        expect(machine.look(wrapper=["faketime", date]), "clock", "fail",
               says, "NTP")


def test_zone_and_accounts(machine):
    """/etc is empty: nothing says the zone, and there are no accounts."""
    expect(machine.ask(), "time-zone", "ok", "Local time")
    expect(machine.ask(user_queue="nosuch", user_auth="nosuch2"), "accounts",
           "fail", "no account nosuch,", "user-auth", "useradd")
    if os.getuid():
        pytest.skip("not root")
    machine.write()
    env = ["env", "-u", "TZ", "unshare", "-m", "sh", "-c",
           'mount -t tmpfs none /etc && exec "$@"', "sh"]
    expect(machine.look(wrapper=env), "time-zone", "warn", "UTC")


def test_disk(machine):
    v = os.statvfs(machine.dir)
    free = v.f_bavail * v.f_frsize >> 20
    expect(machine.ask(min_free_space=f"{free * 2}M"), "disk", "fail",
           "spool-dir", "no mail is taken")
    expect(machine.ask(min_free_space=f"{free * 3 // 4}M"), "disk", "warn")
    expect(machine.ask(spool_dir=machine.dir / "no"), "disk", "skip",
           "No such file")


@pytest.mark.skipif(os.getuid(), reason="not root")
def test_a_disk_that_can_only_be_read(machine, tmp_path):
    machine.write(min_free_space="1M")
    env = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o ro,size=30m none "
           f'{tmp_path}/spool; exec "$@"', "sh"]
    expect(machine.look(wrapper=env), "disk", "fail", "can only be read",
           "dmesg")
    expect(machine.ask(spool_dir=tmp_path / "aliases"), "disk", "fail",
           "Not a directory")


@pytest.mark.skipif(os.getuid(), reason="not root")
def test_folders_of_others(machine, tmp_path):
    """Whoever works there has to be able to."""
    for user, folder in (("user_queue", "spool"), ("user_auth", "state"),
                         ("user_store", "mail")):
        expect(machine.ask(**{user: "nobody"}), "files", "fail",
               f"{folder}-dir", f"chown -R nobody {tmp_path}/{folder}")
        shutil.chown(tmp_path / folder, "nobody")
        expect(machine.look(), "files", "ok")


def test_files(machine, tmp_path):
    secret = tmp_path / "secret"
    line = f"127.0.0.1:9 none user=x password-file={secret}"
    expect(machine.ask(smarthost=line), "files", "fail", "is not there")
    secret.write_text("x\n")
    secret.chmod(0o644)
    expect(machine.ask(smarthost=line), "files", "fail", "can read it",
           f"chmod o= {secret}")
    secret.chmod(0o600)
    expect(machine.ask(smarthost=line), "files", "ok")
    machine.conf.chmod(0o666)
    expect(machine.look(), "files", "fail", "can change it", "chmod o-w")
    machine.conf.chmod(0o644)
    (tmp_path / "state" / "users.db").write_text("")
    (tmp_path / "state" / "users.db").chmod(0o644)
    expect(machine.look(), "files", "fail", "users.db")
    (tmp_path / "state" / "users.db").unlink()
    (tmp_path / "spool").chmod(0o755)
    expect(machine.look(), "files", "fail", "spool-dir")


# --- names

def test_no_dns(machine):
    """All that hangs on it says that it could not be checked."""
    machine.dns.close()
    found = machine.ask()
    expect(found, "dns", "fail", f"127.0.0.1:{machine.dns.port}",
           "resolv.conf")
    for check in ("address", "reverse", "mx", "port-25", "spf", "dkim",
                  "dmarc"):
        expect(found, check, "skip", "name servers do not answer")


def test_no_dns_and_a_name_that_nobody_is_asked_for(machine):
    machine.dns.close()
    expect(machine.ask(hostname="localhost"), "dns", "fail",
           "No name server answers")


@pytest.mark.skipif(os.getuid(), reason="not root")
def test_no_resolv_conf(machine, tmp_path):
    machine.write(nameserver=None, listen="smtp none")
    etc = tmp_path / "etc"
    etc.mkdir()
    env = ["unshare", "-m", "-n", "sh", "-c", "for f in passwd group "
           f"nsswitch.conf; do cp /etc/$f {etc}; done; mount --bind {etc} "
           '/etc; exec "$@"', "sh"]
    expect(machine.look(wrapper=env), "dns", "fail",
           "No name server answers (no /etc/resolv.conf)")
    (etc / "resolv.conf").write_text("")
    expect(machine.look(wrapper=env), "dns", "fail", "No name server answers")


@pytest.mark.parametrize("name,level", [
    ("localhost", "fail"), ("gate", "fail"), ("gate.lan", "fail"),
    ("gate.local", "fail"), ("mail.a.test", "ok"),
])
def test_hostname(machine, name, level):
    expect(machine.ask(hostname=name), "hostname", level)
    # who only sends through a provider gets along with it
    found = machine.ask(hostname=name, listen="smtp none",
                        smarthost="127.0.0.1:9 none")
    expect(found, "hostname", "warn" if level == "fail" else "ok")
    expect(found, "address", "skip", "Not needed")
    expect(found, "mx", "skip", "Not needed")
    expect(found, "reverse", "skip", "Not needed")


def test_address(machine):
    z = machine.zone
    z["mail.a.test", "A"] = ["192.0.2.1"]
    expect(machine.ask(), "address", "warn", "192.0.2.1", "no address of this")
    z["mail.a.test", "A"] = []
    found = machine.ask()
    expect(found, "address", "fail", "publish: mail.a.test. A ")
    expect(found, "reverse", "skip")
    z["mail.a.test", "A"] = z["mail.a.test", "AAAA"] = "SERVFAIL"
    expect(machine.ask(), "address", "skip")
    z["mail.a.test", "A"], z["mail.a.test", "AAAA"] = [], ["::1"]
    expect(machine.ask(), "address", "ok", "::1")


def test_reverse(machine):
    z, key = machine.zone, ("1.0.0.127.in-addr.arpa", "PTR")
    z[key] = []
    expect(machine.ask(), "reverse", "fail", "has no name", "reverse DNS")
    z[key] = ["host.isp.test"]
    expect(machine.ask(), "reverse", "fail", "host.isp.test",
           "does not lead back")
    z["host.isp.test", "A"] = ["127.0.0.1"]
    expect(machine.ask(), "reverse", "warn", "we say mail.a.test")
    z[key] = ["host.isp.test", "mail.a.test"]
    expect(machine.ask(), "reverse", "ok")
    z[key] = "SERVFAIL"
    expect(machine.ask(), "reverse", "skip")


def test_mx(machine):
    z, key = machine.zone, ("a.test", "MX")
    for value, level, says in (
            ([(10, "mx.b.test")], "fail", "goes to mx.b.test"),
            ([(0, "")], "fail", "null MX"),
            ([], "fail", "publish: a.test. MX 10 mail.a.test."),
            ("SERVFAIL", "skip", "no answer"),
            ([(10, "mx.b.test"), (20, "mail.a.test")], "ok", "which is us"),
            ([(10, "alias.a.test")], "ok", "which is us")):
        z[key] = value
        z["alias.a.test", "A"] = ["127.0.0.1"]
        expect(machine.ask(), "mx", level, says)
    z[key], z["a.test", "A"] = [], ["127.0.0.1"]
    expect(machine.ask(), "mx", "ok", "no MX")


def test_dnsbl(machine):
    z = machine.zone
    found = machine.ask(dnsbl="bl.test")
    expect(found, "dnsbl", "ok", "127.0.0.1 is not on bl.test")
    z["1.0.0.127.bl.test", "A"] = ["127.0.0.2"]
    expect(machine.ask(dnsbl="bl.test"), "dnsbl", "fail",
           "on the block list bl.test")
    z["1.0.0.127.bl.test", "A"] = "SERVFAIL"
    expect(machine.ask(dnsbl="bl.test"), "dnsbl", "skip")


# --- policies

@pytest.mark.parametrize("records,level,says", [
    ([], "fail", 'publish: a.test. TXT "v=spf1 a:mail.a.test mx -all"'),
    ([b"v=spf1 -all"], "fail", "not among those"),
    ([b"v=spf1 ~all"], "warn", "not among those"),
    ([b"v=spf1 mx -all"], "ok", "127.0.0.1 may send"),
    ([b"v=spf1 include:b.test -all"], "fail", "broken"),
    ([b"v=spf1 exists:%{i}.b.test -all"], "warn", "macros"),
    ([b"v=spf1 mx", b"v=spf1 -all"], "fail", "two of them"),
    ([b"v=spf1 ip4:300.0.0.1 -all"], "fail", "broken"),
    ([b"v=spf1 " + b"a:x.test " * 11], "fail", "10 look-ups"),
    ("SERVFAIL", "skip", "no answer"),
])
def test_spf(machine, records, level, says):
    machine.zone["a.test", "TXT"] = records
    expect(machine.ask(), "spf", level, says)


def test_spf_with_a_smarthost(machine):
    z = machine.zone
    host = {"smarthost": "smtp.provider.test:9 none"}
    expect(machine.ask(**host), "spf", "warn", "provider.test")
    z["_spf.provider.test", "TXT"] = [b"v=spf1 -all"]
    z["a.test", "TXT"] = [b"v=spf1 include:_spf.provider.test ~all"]
    found = machine.ask(**host)
    expect(found, "spf", "ok", "smtp.provider.test")
    expect(found, "dkim", "ok", "smarthost may sign")
    expect(found, "port-25", "skip", "Not needed")
    # all goes out as somebody else
    found = machine.ask(
        smarthost="smtp.provider.test:9 none sender=me@provider.test")
    for check in ("spf", "dkim", "dmarc"):
        expect(found, check, "skip", "me@provider.test")


def test_dkim_by_a_milter(machine):
    expect(machine.ask(milter="unix:/run/opendkim/sock"), "dkim", "ok",
           "milter may sign")


@pytest.mark.parametrize("records,level,says", [
    ([], "warn", 'publish: _dmarc.a.test. TXT "v=DMARC1; p=none'),
    ([b"v=DMARC1; p=none; rua=mailto:x@a.test"], "ok", "policy none"),
    ([b"v=DMARC1;p=maybe"], "fail", "no p="),
    ([b"v=DMARC1; rua=mailto:x@a.test"], "fail", "no p="),
    ([b"v=DMARC1; p=none", b"v=DMARC1; p=reject"], "fail", "more than one"),
    ([b"verify=1"], "warn", "publish"),
    ("SERVFAIL", "skip", "no answer"),
])
def test_dmarc(machine, records, level, says):
    machine.zone["_dmarc.a.test", "TXT"] = records
    expect(machine.ask(), "dmarc", level, says)


def test_dmarc_of_the_organisation(machine):
    expect(machine.ask(domain="sub.a.test"), "dmarc", "ok",
           "a.test has the policy reject")


# --- ways

def test_port_25(machine):
    found = machine.ask()
    expect(found, "port-25", "fail", "provider.test", "port 9", "refused",
           "smarthost")
    with FakeSMTP() as s:
        expect(machine.ask("--mx", f"provider.test:{s.port}"), "port-25",
               "ok", "can be reached")
        s.replies["greeting"] = "554 5.7.1 you are on a list"
        expect(machine.ask("--mx", f"provider.test:{s.port}"), "port-25",
               "warn", "554 5.7.1 you are on a list")
        assert not [x for x in s.lines if x.startswith(("MAIL", "EHLO"))]
    expect(machine.ask("--mx", "nobody.test"), "port-25", "skip")


def test_smarthost(machine, tmp_path):
    cert = make_cert(tmp_path, "provider.test")
    secret = tmp_path / "secret"
    secret.write_text("right\n")
    secret.chmod(0o600)
    with FakeSMTP(cert=cert, user=("me", "right")) as s:
        line = (f"provider.test:{s.port} starttls user=me "
                f"password-file={secret}")
        expect(machine.ask(smarthost=line, tls_ca=cert[0]), "smarthost",
               "ok", "has let me in")
        secret.write_text("wrong\n")
        expect(machine.ask(smarthost=line, tls_ca=cert[0]), "smarthost",
               "fail", "does not let me in: 535", "smtp --check")
        other = make_cert(tmp_path, "other.test")
        expect(machine.ask(smarthost=line, tls_ca=other[0]), "smarthost",
               "fail", "cannot be trusted")
        assert not s.messages and not [x for x in s.lines
                                       if x.startswith("MAIL")]
    expect(machine.ask(smarthost=line, tls_ca=cert[0]), "smarthost", "fail",
           "nothing listens")
    expect(machine.ask(smarthost="gone.test:25 none"), "smarthost", "fail")


def test_smarthost_that_queue_would_not_take(machine, tmp_path):
    """... is none for us either, be there a login or not."""
    cert = make_cert(tmp_path, "provider.test")
    secret = tmp_path / "secret"
    secret.write_text("")
    secret.chmod(0o600)

    def look(tls_ca, what):
        return machine.ask(smarthost=f"provider.test:{s.port} {what}",
                           tls_ca=tls_ca)

    with FakeSMTP(cert=cert, user=("me", "right")) as s:
        user = f"starttls user=me password-file={secret}"
        expect(look(cert[0], user), "smarthost", "fail", f"{secret} is empty",
               "write the password into it")
        secret.write_text("right\n")
        for what in user, "starttls":
            found = look("/nonexistent", what)
            expect(found, "smarthost", "fail", "/nonexistent cannot be read",
                   "ca-bundle")
            assert len(found["smarthost"]) == 1
        expect(look(cert[0], "starttls"), "smarthost", "ok",
               "there is no user= to log in")
        der = ssl.PEM_cert_to_DER_cert(pathlib.Path(cert[0]).read_text())
        right = hashlib.sha256(der).hexdigest()
        expect(look("/nonexistent", f"starttls fingerprint={right}"),
               "smarthost", "ok")
        expect(look(cert[0], "starttls fingerprint=" + "ab" * 32),
               "smarthost", "fail", "not the one of fingerprint=")
        if shutil.which("faketime"):
            expect(machine.look(wrapper=["faketime", "1970-01-02"]),
                   "smarthost", "fail")
            machine.write(smarthost=f"provider.test:{s.port} {user}",
                          tls_ca=cert[0])
            expect(machine.look(wrapper=["faketime", "1970-01-02"]),
                   "smarthost", "fail", "set the clock first")
            old = cert_by(tmp_path, "provider.test", None, 30, "2020-01-01")
    with FakeSMTP(cert=old) as s:
        expect(look(old[0], "starttls"), "smarthost", "fail", "has expired")
        expect(look(old[0], "starttls noverify"), "smarthost", "warn")
        expect(look(old[0], "may"), "smarthost", "warn", "ends in 0 days")
    with FakeSMTP() as s:
        expect(look(cert[0], "starttls"), "smarthost", "fail",
               "STARTTLS is not offered", "none in place of starttls")
        expect(look(cert[0], "tls"), "smarthost", "fail",
               "try starttls in place of tls")


def cert_by(tmp_path, name, ca=None, days=90, date=None):
    key, csr, pem = (tmp_path / f"{name}.{x}" for x in ("key", "csr", "crt"))
    run = ["faketime", date] if date else []
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    f"/CN={name}", "-keyout", key, "-out", csr], check=True,
                   stderr=subprocess.DEVNULL)
    ext = tmp_path / "ext"
    ext.write_text(f"subjectAltName=DNS:{name}\n")
    sign = ["-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial"] if ca else \
        ["-signkey", key]
    subprocess.run([*run, "openssl", "x509", "-req", "-in", csr, "-days",
                    str(days), "-extfile", ext, *sign, "-out", pem],
                   check=True, stderr=subprocess.DEVNULL)
    return pem, key


def test_certificate(machine, tmp_path):
    ca = make_cert(tmp_path, "an.authority")
    good = cert_by(tmp_path, "mail.a.test", ca)

    def with_cert(pair, ca=ca):
        return machine.ask(tls_cert=pair[0], tls_key=pair[1], tls_ca=ca[0])

    good[1].chmod(0o600)
    expect(with_cert(good), "certificate", "ok", "is good until")
    other = make_cert(tmp_path, "elsewhere.test")
    found = with_cert(other)
    expect(found, "certificate", "warn", "elsewhere.test, and not for",
           "signed by itself")
    expect(with_cert((good[0], other[1])), "certificate", "fail",
           "is not the key")
    expect(with_cert((tmp_path / "aliases", good[1])), "certificate", "fail",
           "no certificate")
    expect(with_cert(good, other), "certificate", "fail", "whole chain")
    soon = cert_by(tmp_path, "mail.a.test", ca, days=5)
    expect(with_cert(soon), "certificate", "warn", "ends in")
    good[1].chmod(0o644)
    expect(with_cert(good), "files", "fail", "tls-key")
    expect(machine.ask(), "certificate", "skip", "first start makes one")
    if shutil.which("faketime"):
        old = cert_by(tmp_path, "mail.a.test", ca, 30, "2020-01-01")
        expect(with_cert(old), "certificate", "fail", "has ended", "renew")


# --- the system as it runs

def test_aliases(machine, tmp_path):
    aliases = tmp_path / "aliases"
    for text, level, says in (
            ("", "fail", "Mail for root reaches nobody"),
            ("root: a@b.test, c@d.test\n", "ok", "a@b.test, c@d.test"),
            ("root: :include:/nowhere\n", "fail", "root"),
            ("root: x@y.test\nbad line\n", "warn", ":2:")):
        aliases.write_text(text)
        expect(machine.ask(), "aliases", level, says)
    aliases.unlink()
    expect(machine.ask(system_users="yes"), "aliases", "warn",
           "stays on this machine")
    expect(machine.ask(aliases="none"), "aliases", "fail", "root")


def test_running():
    zone = dict(ZONE)
    with FakeDNS(zone) as dns, Instance(
            omit=("nameserver",),
            extra=f"nameserver 127.0.0.1:{dns.port}\n"
            "smarthost 127.0.0.1:9 none\nconnect-timeout 2s\n") as i:
        m = Machine.__new__(Machine)
        m.conf = i.conf
        found = m.look()
        expect(found, "daemons", "ok", "answer")
        expect(found, "ports", "ok", "smtp,", "pop3s,")
        assert len(found["ports"]) == 5
        expect(found, "queue", "ok", "Nothing waits")
        # mail that does not get out, and hours later
        i.run("sendmail", "-f", "alice@a.test", "x@b.test",
              input="Subject: x\n\nx\n")
        i.wait_log("refused|queued|deferred")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text = worst(m.look(), "queue")[1]
            if "wait: 1" in text:
                break
        assert "none of them for long" in text
        if shutil.which("faketime"):
            expect(m.look(wrapper=["faketime", "-f", "+6h"]), "queue", "warn",
                   "for hours: 1", "refused")
        # a port of the configuration that nobody has
        more = i.dir / "more"
        more.write_text(i.conf.read_text() +
                        f"listen smtp 127.0.0.1:{free_port()}\n")
        m.conf = more
        expect(m.look(), "ports", "fail", "refused", "another program")


# --- how it is told

@pytest.mark.parametrize("columns", [80, 40])
def test_words(machine, columns):
    machine.write()
    p = machine.run(env={"COLUMNS": str(columns)})
    lines = p.stdout.splitlines()
    assert p.returncode == 1 and p.stdout.isascii()
    # a path is not broken
    assert all(len(x) <= columns or len(x.split()) == 1
               for x in lines) or columns == 40
    heads = [x for x in lines if not x.startswith(" ")]
    assert {x.split()[0] for x in heads} <= {"ok", "-", "warn", "FAIL"}
    assert len({x.split()[1] for x in heads}) == 21
    at = next(n for n, x in enumerate(lines) if x.startswith("FAIL  daemons"))
    assert any(x.lstrip().startswith("-> ") for x in lines[at:at + 4])


def test_words_of_others(machine):
    """What a server or the DNS says does not reach the terminal as it is."""
    with FakeSMTP(replies={"greeting": "554 \x1b[2J\x07\u202edrow"}) as s:
        machine.write()
        p = machine.run("--mx", f"provider.test:{s.port}")
        assert "does not want us" in p.stdout
        assert not set(p.stdout) - set(map(chr, range(32, 127))) - {"\n"}


def test_nothing_is_changed(machine, tmp_path):
    machine.write()
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    machine.run()
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_options(machine):
    machine.write()
    for argv in (["-j"], ["--mx", "x"], ["--doctor", "x"]):
        assert subprocess.run([BIN, "mailconf", "-C", machine.conf, *argv],
                              capture_output=True).returncode == 64
    machine.conf.write_text("nonsense\n")
    p = machine.run()
    assert p.returncode == 78 and 'unknown directive "nonsense"' in p.stderr
    p = machine.run("-j")
    check, = json.loads(p.stdout)["checks"]
    assert p.returncode == 78 and not p.stderr
    assert check["check"] == "configuration" and "nonsense" in check["text"]
