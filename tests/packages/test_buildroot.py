"""The Buildroot package: its parts, and the start script with a real maild.

Buildroot itself is no part of this tree: with BUILDROOT=/path/to/its/tree its
own utils/check-package is run too (board-profiles/buildroot/README.md).
"""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from instance import BIN, Instance, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTERNAL = ROOT / "board-profiles" / "buildroot"
PACKAGE = EXTERNAL / "package" / "pillarbox"
SCRIPT = PACKAGE / "S80maild"


def run(*argv, **kw):
    kw.setdefault("check", True)
    return subprocess.run([str(a) for a in argv], text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)


# -- the parts -----------------------------------------------------------------


def test_check_package():
    tree = os.environ.get("BUILDROOT")
    if not tree:
        pytest.skip("BUILDROOT= names no tree")
    files = [f for f in EXTERNAL.rglob("*") if f.is_file()]
    p = run(sys.executable, f"{tree}/utils/check-package", "--br2-external",
            *files, check=False)
    assert p.returncode == 0 and "0 warnings" in p.stdout, p.stdout


def test_scripts():
    run("shellcheck", SCRIPT)


def test_version_is_the_makefiles():
    version = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    assert f"PILLARBOX_VERSION = {version}\n" in (PACKAGE / "pillarbox.mk").read_text()


def test_hash_of_the_licence():
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert f"sha256  {digest}  LICENSE\n" in (PACKAGE / "pillarbox.hash").read_text()


def test_options_that_the_makefile_asks_exist():
    asked = set(re.findall(r"BR2_PACKAGE_PILLARBOX\w*",
                           (PACKAGE / "pillarbox.mk").read_text()))
    have = set(re.findall(r"^config (\S+)", (PACKAGE / "Config.in").read_text(), re.M))
    assert asked and asked <= have


def test_symbols_exist(tmp_path):
    """Those that are switched are in our Kconfig, and the default is short."""
    gen = generate(tmp_path, "")
    known = set(re.findall(r"^config (\S+)", (ROOT / "Kconfig").read_text()
                           + (gen / "applets.kconfig").read_text(), re.M))
    named = set(re.findall(r",CONFIG_([A-Z_0-9]+)\)", (
        PACKAGE / "pillarbox.mk").read_text()))
    assert {"TLS", "AUTHD", "MAILUSER", "HARDEN", "AUTHD_LDAP",
            "AUTHD_MYSQL"} <= named <= known
    lines = (PACKAGE / "pillarbox_defconfig").read_text().splitlines()
    assert all(l.startswith("#") or re.match(r"CONFIG_(\S+)=", l)[1] in known
               for l in lines)


def generate(folder, config):
    (folder / ".config").write_text(config)
    run("make", "-s", f"O={folder}", f"{folder}/gen/config.mk", cwd=ROOT,
        env={k: v for k, v in os.environ.items()
             if k not in ("MAKEFLAGS", "O", "KCONFIG_CONFIG")})
    return folder / "gen"


def test_without_tls_and_users(tmp_path):
    """What Buildroot writes for options that are off leaves the libraries out."""
    text = (PACKAGE / "pillarbox.mk").read_text()
    off = re.findall(r"KCONFIG_DISABLE_OPT,(CONFIG_\w+)", text)
    mk = (generate(tmp_path, "".join(f"# {s} is not set\n" for s in off))
          / "config.mk").read_text()
    for symbol in ("TLS", "LIB_SQLITE", "LIB_CRYPT", "AUTHD", "MAILUSER"):
        assert f"CONFIG_{symbol} := y" not in mk, symbol
    assert "CONFIG_SMTPD := y" in mk


@pytest.mark.parametrize("name", ["LDAP", "MYSQL"])
def test_directories_are_an_option(tmp_path, name):
    """Its lines switch what the configuration had, and libraries hang on it."""
    text = (PACKAGE / "pillarbox.mk").read_text()
    part = re.search(rf"^ifeq \(..BR2_PACKAGE_PILLARBOX_{name}\),y\)(.*?)^endif",
                     text, re.M | re.S)[1]
    symbol = f"CONFIG_AUTHD_{name}"
    assert f"KCONFIG_ENABLE_OPT,{symbol})" in part.split("else")[0]
    assert f"KCONFIG_DISABLE_OPT,{symbol})" in part.split("else")[1]
    assert f"\t$(PILLARBOX_SET_{name})\n" in text
    library = re.search(r"PILLARBOX_DEPENDENCIES \+= (\S+)", part)[1]
    menu = (PACKAGE / "Config.in").read_text()
    option = re.search(rf"^config BR2_PACKAGE_PILLARBOX_{name}$(.*?)^\s+help",
                       menu, re.M | re.S)[1]
    assert f"select BR2_PACKAGE_{library.upper()}\n" in option
    assert "depends on !BR2_STATIC_LIBS" in option
    off = (generate(tmp_path, f"{symbol}=y\n# {symbol} is not set\n")
           / "config.mk").read_text()
    assert f"{symbol} := y" not in off
    on = (generate(tmp_path, f"# {symbol} is not set\n{symbol}=y\n")
          / "config.mk").read_text()
    assert f"{symbol} := y" in on


def test_configuration_is_taken():
    p = run(BIN, "mailconf", "-C", PACKAGE / "pillarbox.conf", "--get", "listen")
    assert p.stdout == "smtp 127.0.0.1:25\n"


def test_unit_is_understood():
    p = run("systemd-analyze", "verify", "--man=no", PACKAGE / "pillarbox.service",
            check=False)
    said = [l for l in p.stdout.splitlines() if "pillarbox" in l]
    assert [l for l in said if "is not executable" not in l] == []
    assert any("/usr/sbin/maild" in l for l in said), p.stdout


# -- the start script --------------------------------------------------------------


class Sysv:
    """The script with its absolute paths below a folder of its own."""

    def __init__(self, folder, shell, conf):
        self.dir, self.shell, self.conf = folder, shell, conf
        for sub in ("sbin", "run", "default", "path"):
            (folder / sub).mkdir()
        shutil.copy(BIN, folder / "pillarbox")
        for name in ("maild", "mailconf"):
            (folder / "sbin" / name).symlink_to("../pillarbox")
        for name in ("start-stop-daemon", "sleep", "rm", "cat"):
            (folder / "path" / name).symlink_to(shutil.which("busybox"))
        (folder / "default" / "maild").write_text(f'MAILD_ARGS="-C {conf}"\n')
        text = SCRIPT.read_text()
        for path, new in (("/usr/sbin", "sbin"), ("/var/run", "run"),
                          ("/etc/default", "default"), ("/lib/lsb", "lsb")):
            assert path in text
            text = text.replace(path, str(folder / new))
        (folder / "S80maild").write_text(text)
        self.pidfile = folder / "run" / "maild.pid"

    def __call__(self, action):
        p = run(*self.shell, self.dir / "S80maild", action, check=False,
                stdin=subprocess.DEVNULL,
                env={"PATH": f"{self.dir}/path", "HOME": "/"})
        return p.returncode, p.stdout

    def pid(self):
        return int(self.pidfile.read_text())


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def lives(pid):
    """Not so for a zombie that nobody has waited for yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def until(what, seconds=15):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


@pytest.fixture(params=["busybox", "dash"])
def sysv(request, tmp_path):
    shell = [shutil.which("busybox"), "sh"] if request.param == "busybox" \
        else [shutil.which("dash")]
    with Instance(start=False) as inst:
        s = Sysv(tmp_path, shell, inst.conf)
        s.instance = inst
        yield s
        if s.pidfile.exists():
            s("stop")


def test_start_stop_status_reload(sysv):
    port = sysv.instance.port["smtp"]
    assert sysv("status") == (3, "maild does not run\n")
    code, said = sysv("start")
    assert (code, said) == (0, "Starting maild: OK\n")
    until(lambda: listens(port))
    first = sysv.pid()
    assert sysv("status") == (0, f"maild runs, pid {first}\n")
    code, said = sysv("start")
    assert code == 0 and "runs already" in said and sysv.pid() == first

    # a reload takes a new port, and is the same maild
    new = free_port()
    text = sysv.conf.read_text()
    other = text.replace(f"listen smtp 127.0.0.1:{port}\n",
                         f"listen smtp 127.0.0.1:{new}\n")
    sysv.conf.write_text(other)
    assert sysv("reload") == (0, "Reloading maild: OK\n")
    until(lambda: listens(new) and not listens(port))
    assert sysv.pid() == first

    # a wrong configuration is told and changes nothing
    sysv.conf.write_text(text + "nonsense 1\n")
    code, said = sysv("reload")
    assert code != 0 and "nonsense" in said and "FAIL" in said
    assert listens(new)

    sysv.conf.write_text(other)
    assert sysv("restart")[0] == 0
    until(lambda: listens(new))
    second = sysv.pid()
    assert second != first
    assert sysv("stop") == (0, "Stopping maild: OK\n")
    assert not lives(second) and not listens(new)
    assert not sysv.pidfile.exists()
    assert sysv("stop")[0] == 0 and sysv("reload")[0] != 0


def test_start_with_a_wrong_configuration(sysv):
    sysv.conf.write_text("nonsense 1\n")
    code, said = sysv("start")
    assert code != 0 and "nonsense" in said and said.endswith("FAIL\n")
    assert sysv("status")[0] == 3


def test_status_after_a_crash(sysv):
    sysv("start")
    until(lambda: listens(sysv.instance.port["smtp"]))
    os.kill(sysv.pid(), signal.SIGKILL)
    until(lambda: sysv("status")[0] == 3)
    assert sysv.pidfile.exists()
    until(lambda: not listens(sysv.instance.port["smtp"]))
    assert sysv("start")[0] == 0
    until(lambda: listens(sysv.instance.port["smtp"]))


def test_usage(sysv):
    code, said = sysv("dance")
    assert code == 1 and said.startswith("Usage: ")
