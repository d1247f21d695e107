"""The Yocto layer. There is no bitbake here: its recipe's shell functions are
run by hand, with the variables that bitbake would put in, on a copy of the tree.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYER = ROOT / "board-profiles" / "yocto"
RECIPE = LAYER / "recipes-extended" / "pillarbox" / "pillarbox_git.bb"
TEXT = RECIPE.read_text()


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], text=True, timeout=300,
                          check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **kw)


class Data:
    """As much of bitbake's data store as the recipe's Python asks for."""

    def __init__(self, **more):
        text = TEXT.replace("\\\n", " ")
        self.values = {m[1]: m[2] for m in re.finditer(
            r'^([A-Za-z_]+) \?{0,2}= "(.*)"$', text, re.M)}
        self.values |= more

    def getVar(self, name):
        return self.values.get(name)


def lines(packageconfig):
    code = re.search(r"^def pillarbox_lines.*?(?=^\S)", TEXT, re.M | re.S)[0]
    space = {}
    exec(code, space)
    # bitbake hands "\\n" on to the shell's printf
    return space["pillarbox_lines"](Data(PACKAGECONFIG=packageconfig)).replace(
        "\\n", "\n")


def config_mk(folder, config):
    folder.mkdir()
    (folder / ".config").write_text(config)
    run("make", "-s", f"O={folder}", f"{folder}/gen/config.mk", cwd=ROOT,
        env=clean_env())
    return (folder / "gen" / "config.mk").read_text()


def clean_env():
    return {k: v for k, v in os.environ.items()
            if k not in ("MAKEFLAGS", "MAKELEVEL", "O", "KCONFIG_CONFIG")}


def test_licence_sum():
    digest = hashlib.md5((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert f"file://LICENSE;md5={digest}" in TEXT


def test_version_is_the_makefiles():
    version = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    assert f'PV = "{version}+git"' in TEXT


def test_words_of_packageconfig():
    """Each has its library and its symbols, and no other is named."""
    flags = set(re.findall(r"^PACKAGECONFIG\[(\w+)\]", TEXT, re.M))
    symbols = set(re.findall(r"^PILLARBOX_CONFIG_(\w+) =", TEXT, re.M))
    assert flags == symbols == {"tls", "users", "ldap", "mysql"}
    assert set(Data().getVar("PACKAGECONFIG").split()) == {"tls", "users"}
    # a library that is opened at run time is found by no scan of the binary
    for word in ("ldap", "mysql"):
        assert re.search(rf'^PACKAGECONFIG\[{word}\] = ",,\w+,\w+"$', TEXT, re.M)


def test_packageconfig_switches_the_libraries(tmp_path):
    default = (RECIPE.parent / "files" / "defconfig").read_text()
    full = config_mk(tmp_path / "full", default + lines("tls users") + "\n")
    for symbol in ("TLS", "LIB_SQLITE", "LIB_CRYPT", "AUTHD", "MAILUSER"):
        assert f"CONFIG_{symbol} := y" in full
    for words, off in (("users", ["TLS"]), ("tls", ["LIB_SQLITE", "LIB_CRYPT"])):
        mk = config_mk(tmp_path / words, default + lines(words) + "\n")
        for symbol in off:
            assert f"CONFIG_{symbol} := y" not in mk, (words, symbol)
    for word in ("ldap", "mysql"):
        symbol = f"CONFIG_AUTHD_{word.upper()} := y"
        assert symbol not in full
        mk = config_mk(tmp_path / word, default + lines(f"users {word}") + "\n")
        assert symbol in mk
    # a fragment comes after the defconfig and wins
    mk = config_mk(tmp_path / "cfg", default + "CONFIG_POP3D=n\n" + lines("tls"))
    assert "CONFIG_POP3D := y" not in mk and "CONFIG_SMTPD := y" in mk


def test_symbols_exist(tmp_path):
    config_mk(tmp_path / "o", "")
    known = set(re.findall(r"^config (\S+)", (ROOT / "Kconfig").read_text() + (
        tmp_path / "o/gen/applets.kconfig").read_text(), re.M))
    named = set(re.findall(r"CONFIG_([A-Z0-9_]+)=", lines("tls users ldap mysql")))
    assert named and named <= known


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """do_install on what do_compile would have left."""
    work = tmp_path_factory.mktemp("yocto")
    tree, out = work / "git", work / "image"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(
        ".git", "build", "corpus", "__pycache__", ".config*"))
    binary = pathlib.Path(os.environ.get("PILLARBOX", ROOT / "build" / "pillarbox"))
    (tree / "build").mkdir()
    for name in ("pillarbox", "pillarbox.full"):
        shutil.copy(binary, tree / "build" / name)
    body = re.search(r"^do_install\(\) \{\n(.*?)^\}", TEXT, re.M | re.S)[1]
    names = {"S": tree, "B": tree, "D": out, "prefix": "/usr", "bindir": "/usr/bin",
             "sysconfdir": "/etc", "localstatedir": "/var",
             "systemd_system_unitdir": "/usr/lib/systemd/system"}
    body = re.sub(r"\$\{(\w+)\}", lambda m: str(names[m[1]]), body)
    # nothing is compiled: -o takes the files as they are
    script = ("set -e\noe_runmake() { make -s PREFIX=/usr -o all \"$@\"; }\n" + body)
    run("sh", "-c", script, cwd=tree, env=clean_env())
    return out


def test_everything_is_installed(image):
    for path in ("usr/bin/pillarbox", "usr/sbin/maild", "usr/sbin/sendmail",
                 "etc/pillarbox.conf", "etc/init.d/pillarbox",
                 "usr/lib/systemd/system/pillarbox.service", "var/lib/pillarbox"):
        assert (image / path).exists(), path
    assert os.access(image / "etc/init.d/pillarbox", os.X_OK)
    listed = run(image / "usr/bin/pillarbox", "--list").stdout.split()
    assert "smtpd" in listed


def test_names_that_the_classes_use(image):
    """update-rc.d and systemd look for what these variables say."""
    script = re.search(r'^INITSCRIPT_NAME = "(.*)"', TEXT, re.M)[1]
    unit = re.search(r'^SYSTEMD_SERVICE:\S+ = "(.*)"', TEXT, re.M)[1]
    conf = re.search(r'^CONFFILES:\S+ = "\$\{sysconfdir\}/(.*)"', TEXT, re.M)[1]
    assert (image / "etc/init.d" / script).is_file()
    assert (image / "usr/lib/systemd/system" / unit).is_file()
    assert (image / "etc" / conf).is_file()


def test_shell_functions():
    """They are sh: bitbake's ${...} are taken for plain variables."""
    for name in ("do_configure", "do_compile", "do_install"):
        body = re.search(rf"^{name}\(\) \{{\n.*?^\}}", TEXT, re.M | re.S)[0]
        body = re.sub(r"\$\{@[^}]*\}", "x", body)
        body = re.sub(r"\$\{(\w+)\}", r"\1", body)
        run("shellcheck", "-s", "sh", "-e", "SC2034,SC2154,SC2317", "-",
            input="#!/bin/sh\nset -e\noe_runmake() { make \"$@\"; }\n"
            f"{body}\n{name}\n")


def test_layer_names_itself():
    conf = (LAYER / "conf" / "layer.conf").read_text()
    assert 'BBFILE_COLLECTIONS += "pillarbox"' in conf
    for variable in ("BBFILE_PATTERN", "BBFILE_PRIORITY", "LAYERDEPENDS",
                     "LAYERSERIES_COMPAT"):
        assert f"{variable}_pillarbox = " in conf
