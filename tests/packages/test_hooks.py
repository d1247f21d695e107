"""The script that Debian's NetworkManager and ifupdown call."""

import os
import shutil
import subprocess

import pytest

from instance import BIN, ROOT

HOOK = ROOT / "board-profiles" / "debian" / "network-hook"


def run(tmp_path, *argv, built=True, metered="", **env):
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name, text in {
            "mailq": f'echo "$@" >>{tmp_path}/calls\n'
            f'[ "$1" = --flush ] || exit {0 if built else 64}\n',
            "mailconf": f"echo {tmp_path}\n",
            "ip": 'case "$*" in *"dev eth0"|"-6 "*"dev wwan0") '
            "echo default via x ;; esac\n",
            "nmcli": 'case "$*" in *wwan0) echo "yes (guessed)" ;; '
            "*) echo no ;; esac\n"}.items():
        (folder / name).write_text("#!/bin/sh\n" + text)
        (folder / name).chmod(0o755)
    (tmp_path / "link").write_text("eth0 up\nwwan0 metered\n")
    (tmp_path / "calls").write_text("")
    p = subprocess.run([HOOK, *argv], text=True, stderr=subprocess.STDOUT,
                       env=dict(env, PATH=f"{folder}:/usr/bin:/bin"),
                       stdout=subprocess.PIPE, timeout=10)
    assert (p.returncode, p.stdout) == (0, "")
    return (tmp_path / "calls").read_text().splitlines()


@pytest.mark.parametrize("argv,calls", [
    (("eth0", "up"), ["--link eth0 up"]),
    (("eth0", "dhcp4-change"), ["--link eth0 up"]),
    (("wwan0", "up"), ["--link wwan0 metered"]),
    (("eth1", "up"), []), (("lo", "up"), []), (("", "up"), []),
    (("eth0", "down"), ["--link eth0 down"]),
    (("eth1", "down"), []), (("eth", "down"), []),
    (("eth0", "pre-up"), []), (("", "hostname"), []),
])
def test_network_manager(tmp_path, argv, calls):
    assert run(tmp_path, *argv) == calls


@pytest.mark.parametrize("name,mode,calls", [
    ("eth0", "start", ["--link eth0 up"]), ("eth1", "start", []),
    ("eth0", "stop", ["--link eth0 down"]), ("lo", "start", []),
    ("--all", "start", [])])
def test_ifupdown(tmp_path, name, mode, calls):
    assert run(tmp_path, IFACE=name, MODE=mode) == calls


def test_without_the_feature(tmp_path):
    assert run(tmp_path, "eth0", "up", built=False) == \
        ["--link eth0 up", "--flush"]
    assert run(tmp_path, "eth0", "down", built=False) == ["--link eth0 down"]


def test_shellcheck():
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck")
    subprocess.run(["shellcheck", HOOK], check=True)


def test_what_it_calls_is_there():
    usage = subprocess.run([BIN, "mailq", "--help"], text=True, check=True,
                           stdout=subprocess.PIPE, env=dict(os.environ)).stdout
    assert "--flush" in usage and "--link NAME STATE" in usage
