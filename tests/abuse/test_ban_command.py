"""ban-command: maild tells the firewall whom smtpd has banned."""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from instance import ROOT, Instance, wait_for
from strangers import Stranger
from test_limits import login

NFT = ROOT / "config" / "etc" / "nftables" / "pillarbox-ban"
CONF = "auth-without-tls yes\nban-after 1/1h\n"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def banning(script, extra="ban-time 1h\n", **kw):
    """(instance, the command's file, the lines that it has written)"""
    inst = Instance(start=False, **kw)
    command = inst.dir / "ban"
    out = inst.dir / "said"
    out.write_text("")
    command.write_text(f"#!/bin/sh\nout={out}\n{script}\n")
    command.chmod(0o755)
    with open(inst.conf, "a") as f:
        f.write(f"{CONF}{extra}ban-command {command}\n")
    inst.start()
    with inst:
        yield inst, command, lambda: out.read_text().splitlines()


def ban(inst, address):
    with Stranger(inst, address) as s:
        assert login(s, "x", "x").startswith("535")
        assert login(s, "x", "x").startswith("421")


def children(pid):
    return [int(n) for n in pathlib.Path(
        f"/proc/{pid}/task/{pid}/children").read_text().split()]


SAY = 'echo "$@" >>$out'


def test_add_and_del():
    with banning(SAY, "ban-time 6\n") as (inst, _, said):
        start = time.monotonic()
        ban(inst, "127.0.0.9")
        wait_for(lambda: said() == ["add 127.0.0.9/32 6"], 3)
        ban(inst, "127.0.0.10")
        wait_for(lambda: len(said()) == 2, 3)
        wait_for(lambda: len(said()) == 4, 10)
        assert said()[1:] == ["add 127.0.0.10/32 6", "del 127.0.0.9/32 6",
                              "del 127.0.0.10/32 6"]
        assert 8 <= time.monotonic() - start < 15
        # and once more
        ban(inst, "127.0.0.9")
        wait_for(lambda: said()[4:] == ["add 127.0.0.9/32 6"], 3)


def test_what_the_command_gets():
    with banning("""env | grep LISTEN >>$out
ls -l /proc/$$/fd | awk '{ print $9, $11 }' >>$out
cat >>$out; ps -o pgid= -p $$ >>$out; echo $$ >>$out; echo end >>$out"""
                 ) as (inst, command, said):
        ban(inst, "127.0.0.9")
        wait_for(lambda: "end" in said(), 5)
        fds = {n.split()[0]: n.split()[1] for n in said()
               if len(n.split()) == 2}
        # its standard ones, its script, a pipe of this very line
        assert not any(f"{n}:[" in to for n in ("socket", "anon_inode")
                       for to in fds.values()), fds
        assert len(fds) <= 5, fds
        assert fds["0"] == "/dev/null"
        assert "LISTEN" not in "".join(said())
        assert said()[-2].strip() == said()[-3].strip()


def test_it_never_reaches_a_shell():
    """Nothing of what a client sends comes to the command."""
    with banning(SAY) as (inst, _, said):
        with Stranger(inst, "127.0.0.9") as s:
            name = "$(touch /tmp/x);`id`\n;add 1.2.3.4/32 9"
            assert login(s, name, "x").startswith("535")
            assert login(s, name, "x").startswith("421")
        wait_for(lambda: said() == ["add 127.0.0.9/32 3600"], 5)


def test_one_that_hangs_is_killed_with_its_children():
    with banning('echo "start $2" >>$out\n[ "$2" = 127.0.0.9/32 ] || exit 0\n'
                 'trap "" TERM\nsleep 998877 &\nsleep 998877') \
            as (inst, _, said):
        ban(inst, "127.0.0.9")
        wait_for(lambda: said(), 5)
        start = time.monotonic()
        command = [c for c in children(inst.maild.pid)
                   if c not in inst.pids("maild") and
                   b"/ban\0" in pathlib.Path(
                       f"/proc/{c}/cmdline").read_bytes()]
        assert len(command) == 1
        below = wait_for(lambda: len(children(command[0])) == 2 and
                         children(command[0]))
        ban(inst, "127.0.0.10")
        # maild is not held up by it
        inst.maild.send_signal(signal.SIGHUP)
        inst.wait_log("configuration read again", 2)
        wait_for(lambda: "start 127.0.0.10/32" in said(), 10)
        assert 3 < time.monotonic() - start < 9
        inst.wait_log("ban-command does not end; killed")
        inst.wait_log(r"ban-command: it failed \(signal 9\)")

        def gone(pid):
            try:
                state = pathlib.Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                return True
            return state.rsplit(")", 1)[1].split()[0] == "Z"
        wait_for(lambda: all(gone(p) for p in command + below))


def test_maild_ends_while_one_hangs():
    with banning("echo $$ >>$out\nexec sleep 998866") as (inst, _, said):
        ban(inst, "127.0.0.9")
        pid = int(wait_for(said)[0])
        start = time.monotonic()
        inst.stop()
        assert time.monotonic() - start < 4
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"))


@pytest.mark.parametrize("what", ["missing", "no program", "fails"])
def test_a_bad_command_is_told_and_nothing_else(what):
    with banning("exit 3") as (inst, command, _):
        if what == "missing":
            command.unlink()
        elif what == "no program":
            command.chmod(0o644)
        ban(inst, "127.0.0.9")
        inst.wait_log({"missing": "ban-command: start /.*: No such file",
                       "no program": "ban-command: start /.*: Permission",
                       "fails": r"ban-command: it failed \(status 3\)"}[what])
        with Stranger(inst, "127.0.0.9") as s:
            assert s.greeting.startswith("421 4.7.0 Too many failures")
        assert inst.maild.poll() is None


def test_one_at_a_time_and_through_a_reload():
    with banning('[ -e $out.lock ] && echo overlap >>$out; : >$out.lock\n'
                 'sleep 0.1; echo "$@" >>$out; rm $out.lock') \
            as (inst, _, said):
        for n in range(12):
            ban(inst, f"127.0.2.{n}")
            if n == 5:
                since = len(inst.log())
                inst.maild.send_signal(signal.SIGHUP)
                inst.wait_log("smtpd: ready", since=since)
        wait_for(lambda: len(said()) == 12, 10)
        assert said() == [f"add 127.0.2.{n}/32 3600" for n in range(12)]


def test_without_maild_it_is_told():
    inst = Instance(start=False, extra=f"{CONF}ban-command /bin/true\n")
    with inst:
        with open(inst.log_path, "ab") as log:
            p = subprocess.Popen([os.environ.get("PILLARBOX", str(
                ROOT / "build/pillarbox")), "smtpd", "-f", "-C",
                str(inst.conf)], stderr=log)
        try:
            inst.wait_log("ban-command: only maild runs it")
        finally:
            p.terminate()
            p.wait(10)


# ---- whoever has taken over smtpd

def smtpds_end(inst):
    """A copy of the socket on which smtpd tells maild."""
    pid = inst.pids("smtpd")[0]
    env = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    names = re.search(rb"LISTEN_FDNAMES=([^\0]*)", env)[1].decode().split(":")
    pidfd = os.pidfd_open(pid)
    fd = libc.syscall(438, pidfd, 3 + names.index("ban"), 0)
    os.close(pidfd)
    if fd < 0:
        pytest.skip("no pidfd_getfd here")
    return socket.socket(fileno=fd)


def packet(address, seconds):
    key = b"\0" * 10 + b"\xff\xff" + socket.inet_aton(address) \
        if "." in address else socket.inet_pton(socket.AF_INET6, address)
    return key + seconds.to_bytes(4, "big")


def test_what_must_not_be_banned_is_not():
    with banning(SAY, "relay-from 192.0.2.0/24\n") as (inst, _, said), \
            smtpds_end(inst) as s:
        for bad in (b"", b"x", b"\0" * 20, b"\xff" * 20, b"x" * 5000,
                    packet("192.0.2.7", 60), packet("127.0.0.1", 60),
                    packet("198.51.100.7", 0), packet("fe80::", 60),
                    packet("2001:db8::1", 60), packet("198.51.100.7", 1 << 31)):
            s.send(bad)
        s.send(packet("2001:db8::", 60))
        wait_for(lambda: said() == ["add 2001:db8::/64 60"], 5)
        assert inst.log().count("wants to ban what must not be") == 1
        assert inst.maild.poll() is None


def test_a_flood_is_slowed_down():
    with banning(SAY) as (inst, _, said), smtpds_end(inst) as s:
        def cpu():
            stat = pathlib.Path(f"/proc/{inst.maild.pid}/stat").read_text()
            return sum(map(int, stat.rsplit(")", 1)[1].split()[11:13]))
        before, sent, full = cpu(), 0, 0
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                s.send(packet(f"10.{sent >> 16 & 255}.{sent >> 8 & 255}."
                              f"{sent & 255}", 3600))
                sent += 1
            except BlockingIOError:
                full += 1
                time.sleep(0.001)
        assert full
        assert len(said()) <= 100
        assert cpu() - before < 100     # a second
        inst.maild.send_signal(signal.SIGHUP)
        inst.wait_log("configuration read again", 3)


# ---- the example, with the real nft

@contextlib.contextmanager
def own_network():
    """This thread, and what it starts, in a network namespace of its own."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET) < 0:
        os.close(home)
        pytest.skip("no network namespaces here")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)


def elements(name):
    out = subprocess.run(["nft", "list", "set", "inet", "pillarbox", name],
                         capture_output=True, text=True).stdout
    return re.findall(r"([0-9a-f.:]+) timeout (\w+)", out)


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("nft"),
                    reason="needs root and nft")
def test_nftables():
    with own_network():
        p = subprocess.run(["nft", "list", "ruleset"], capture_output=True)
        if p.returncode:
            pytest.skip("no nftables in this kernel")
        # the ports that the script closes
        with banning(f'{NFT} "$@" && {SAY}', "ban-time 6\n"
                     "listen submission 127.0.0.1:587\n") as (inst, _, said):
            inst.port["submission"] = 587
            ban(inst, "127.0.0.9")
            wait_for(said, 5)
            assert elements("ban4") == [("127.0.0.9", "6s")]

            def comes_in(address):
                try:
                    socket.create_connection(("127.0.0.1", 587), 0.5,
                                             (address, 0)).close()
                except TimeoutError:
                    return False
                return True
            assert not comes_in("127.0.0.9")
            assert comes_in("127.0.0.10")
            wait_for(lambda: comes_in("127.0.0.9"), 10)
            wait_for(lambda: said()[1:] == ["del 127.0.0.9/32 6"], 5)
            # IPv6 by its /64, and a ban that begins anew
            for seconds in ("50", "90"):
                subprocess.run([NFT, "add", "2001:db8:1:2::/64", seconds],
                               check=True)
            assert elements("ban6") == [("2001:db8:1:2::", "1m30s")]
            subprocess.run([NFT, "del", "2001:db8:1:2::/64", "9"], check=True)
            assert not elements("ban6") and not elements("ban4")
            for bad in (["add", "192.0.2.7/24", "9"], ["add", "x", "9"],
                        ["flush", "192.0.2.7/32", "9"]):
                assert subprocess.run([NFT, *bad]).returncode == 64
