"""mailconf --setup on OpenWrt: what is answered is in UCI, and the service has it.

In a root of its own, with the package's init script under openwrt_stubs.sh and a
stand-in for uci.
"""

import os
import pathlib
import shlex
import stat
import subprocess

import pytest

from fakes import FakeDNS, FakeSMTP, make_cert
from instance import BIN, ROOT
from test_openwrt import HERE, INIT, PACKAGE, instances, shells, tmp  # noqa

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="not root")
SHOWN = ("usr", "bin", "lib", "lib64", "tmp", "proc", "dev")


class Device:
    """/etc and /var of a router with the package as it is installed."""

    def __init__(self, shell, folder):
        self.root = folder / "root"
        self.etc, self.var = self.root / "etc", self.root / "var"
        for d in (*SHOWN, "sbin", "etc/config", "etc/init.d", "var/etc",
                  "srv"):
            (self.root / d).mkdir(parents=True)
        self.cert = make_cert(folder, "smtp.p.test")
        self.dns = FakeDNS({("smtp.p.test", "A"): ["127.0.0.1"]})
        self.smtp = FakeSMTP(cert=self.cert, user=("me@p.test", "se'cr et"))
        self.server = f"smtp.p.test:{self.smtp.port}"
        (self.root / "sbin/uci").write_bytes((HERE / "uci").read_bytes())
        (self.root / "sbin/uci").chmod(0o755)
        for f in ("passwd", "group"):
            line = {"passwd": "pillarbox:x:587:587::/var:/bin/false\n",
                    "group": "pillarbox:x:587:\n"}[f]
            (self.etc / f).write_text(f"root:x:0:0:root:/root:/bin/sh\n{line}"
                                      if f == "passwd" else
                                      f"root:x:0:\n{line}")
        (self.etc / "pillarbox.conf").symlink_to("/var/etc/pillarbox.conf")
        self.uci = self.etc / "config/pillarbox"
        self.uci.write_text((PACKAGE / "files/pillarbox.config").read_text() +
                            f"""
	option nameserver '127.0.0.1:{self.dns.port}'
	option tls_ca '{self.cert[0]}'
	option connect_timeout '2s'
	option user_store 'pillarbox'
""")
        bin_ = folder / "bin"
        bin_.mkdir()
        for name in subprocess.check_output([BIN, "--list"],
                                            text=True).split():
            (bin_ / name).symlink_to(pathlib.Path(BIN).resolve())
        self.record = folder / "record"
        init = self.etc / "init.d/pillarbox"
        init.write_text(
            "#!/bin/sh\n" + "".join(f"export {k}={shlex.quote(str(v))}\n" for
                                    k, v in (("RECORD", self.record),
                                             ("BIN", bin_),
                                             ("UCI_FILE",
                                              "/etc/config/pillarbox"),
                                             ("VAR", "/var/etc"))) +
            f": >{self.record}\nexec {' '.join(shell)} "
            f'{HERE}/openwrt_stubs.sh {INIT} "$1"\n')
        init.chmod(0o755)

    def close(self):
        self.smtp.close()
        self.dns.close()

    def run(self, *argv, **kw):
        # what is below them is shown as it is; /tmp may hold the sources
        binds = "".join(f"mount --rbind /{d} {self.root}/{d}; " for d in SHOWN)
        for path in {ROOT, pathlib.Path(BIN).resolve().parent}:
            if not str(path).startswith(("/tmp", "/usr")):
                binds += (f"mkdir -p {self.root}{path}; "
                          f"mount --bind {path} {self.root}{path}; ")
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", f'{binds} exec chroot {self.root} '
             '"$@"', "sh", *map(str, argv)], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, **kw)

    def setup(self, text, *argv, status=0):
        (self.etc / "answers").write_text(text)
        (self.etc / "answers").chmod(0o600)
        p = self.run(BIN, "mailconf", "--setup", "--answers", "/etc/answers",
                     *argv)
        assert p.returncode == status, p.stdout
        return p.stdout

    def options(self):
        """{name: value or list} of the section."""
        found = {}
        for line in self.uci.read_text().splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "option":
                found[words[1]] = words[2]
            elif words and words[0] == "list":
                found.setdefault(words[1], []).append(words[2])
        return found

    def calls(self):
        return [n.split("\t") for n in self.record.read_text().splitlines()]


@pytest.fixture(params=[["dash"], ["busybox", "ash"]], ids=["dash", "ash"])
def device(request, tmp):  # noqa: F811
    d = Device(request.param, tmp)
    yield d
    d.close()


def answers(d, **other):
    a = {"kind": "provider", "hostname": "gate.p.test", "account": "me@p.test",
         "server": d.server, "password": "se'cr et", "alerts": "admin@p.test",
         **other}
    return "".join(f"{k} {v}\n" for k, v in a.items() if v is not None)


def test_it_is_in_uci_and_the_service_has_it(device):
    before = device.uci.read_text()
    said = device.setup(answers(device))
    o = device.options()
    assert o["hostname"] == "gate.p.test" and o["enabled"] == "1"
    assert o["smarthost"] == (f"{device.server} starttls user=me@p.test "
                              "sender=me@p.test")
    assert o["smarthost_password"] == "se'cr et"
    assert "smtp none" in o["listen"]
    # what was there stays
    assert o["mail_dir"] == "/srv/pillarbox/mail" and o["jail"] == "0"
    # ... and is kept, for root alone
    old = device.etc / "pillarbox.uci.old"
    assert old.read_text() == before
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert "/etc/config/pillarbox (as it was: /etc/pillarbox.uci.old)" in \
        " ".join(said.split())
    # the link is what it was, and its file what the daemons read
    assert os.readlink(device.etc / "pillarbox.conf") == \
        "/var/etc/pillarbox.conf"
    conf = (device.var / "etc/pillarbox.conf").read_text()
    assert "hostname gate.p.test\n" in conf and "se'cr" not in conf
    secret = device.var / "etc/pillarbox.secret"
    assert secret.read_text() == "se'cr et\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert not (device.etc / "pillarbox.secret").exists()
    assert "queue" in instances(device.calls())
    # the password was no argument
    assert "se'cr" not in (device.var / "uci.log").read_text()
    # root's mail, and the message that says so
    assert "root: admin@p.test" in (device.etc / "aliases").read_text()
    assert len(device.smtp.messages) == 1
    assert "The daemons have it already" in said


def test_again(device):
    """What is there is the default; only what is answered changes."""
    device.setup(answers(device))
    device.uci.write_text(device.uci.read_text() +
                          "\tlist domain 'other.test'\n")
    device.run("/etc/init.d/pillarbox", "reload")
    first = device.options()
    device.setup("hostname gate2.p.test\n")
    second = device.options()
    assert second.pop("hostname") == "gate2.p.test"
    first.pop("hostname")
    assert second == first
    device.setup("kind server\nusers -\nhostname gate2.p.test\n",
                 "--no-check")
    third = device.options()
    assert "smarthost" not in third and "listen" not in third
    assert third["domain"] == ["other.test"]


def test_a_password_file_of_ones_own(device):
    own = device.etc / "own"
    own.write_text("se'cr et\n")
    own.chmod(0o600)
    device.setup(answers(device, password=None) +
                 "password-file /etc/own\n")
    o = device.options()
    assert "password-file=/etc/own" in o["smarthost"]
    assert "smarthost_password" not in o


def test_nothing_is_half_done(device):
    """The service does not take it: UCI is as it was, and so are aliases."""
    device.run("/etc/init.d/pillarbox", "reload")
    before = device.uci.read_text()
    init = device.etc / "init.d/pillarbox"
    init.write_text("#!/bin/sh\necho no space left; exit 1\n")
    said = device.setup(answers(device), status=73)
    assert "no space left" in said and "Nothing has been changed" in said
    assert device.uci.read_text() == before
    assert not (device.etc / "aliases").exists()
    (device.root / "sbin/uci").write_text("#!/bin/sh\necho broken; exit 1\n")
    assert "broken" in device.setup(answers(device), status=73)
    assert device.uci.read_text() == before
