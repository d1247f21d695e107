"""saslauthd-socket: other programs check our users' passwords."""

import os
import pathlib
import socket
import struct
import subprocess
import sys
import time

import pytest

from directory import need, plain
from instance import Instance


def socket_path(inst):
    return f"{inst.dir}/run/mux"


def instance(extra="", **kw):
    # the folder's name is not known before
    inst = Instance(start=False, **kw)
    with inst.conf.open("a") as f:
        f.write(f"saslauthd-socket {socket_path(inst)}\n"
                "auth-without-tls yes\nban-after none\n" + extra)
    inst.start()
    return inst


def request(*parts):
    return b"".join(struct.pack(">H", len(p)) + p for p in
                    (p.encode() if isinstance(p, str) else p for p in parts))


def talk(inst, data, timeout=20):
    """All that comes back."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(socket_path(inst))
        s.sendall(data)
        got = b""
        while True:
            more = s.recv(1000)
            if not more:
                return got
            got += more


def ask(inst, name, password, service="smtp", realm=""):
    return talk(inst, request(name, password, service, realm))


OK, NO = b"\0\2OK", b"\0\2NO"


def test_by_its_own_client():
    need("testsaslauthd")
    with instance() as inst:
        def check(*argv):
            return subprocess.run(
                ["testsaslauthd", "-f", socket_path(inst), "-s", "smtp",
                 *argv], stdout=subprocess.PIPE, check=False,
                text=True, timeout=20,
                env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}
            ).stdout.strip()
        good = '0: OK "Success."'
        wrong = '0: NO "authentication failed"'
        assert check("-u", "alice", "-p", "alice-pw") == good
        assert check("-u", "alice", "-r", "a.test", "-p", "alice-pw") == good
        assert check("-u", "alice@a.test", "-p", "alice-pw") == good
        assert check("-u", "alice", "-p", "wrong") == wrong
        assert check("-u", "nobody", "-p", "alice-pw") == wrong
        assert check("-u", "alice", "-r", "b.test", "-p", "alice-pw") == wrong
        assert "alice-pw" not in inst.log()
        inst.wait_log("login failed user=<nobody> service=smtp "
                      "peer=saslauthd")


def test_what_it_says():
    with instance() as inst:
        assert ask(inst, "alice", "alice-pw") == OK
        assert ask(inst, "alice", "alice-pw", "imap", "mail.a.test") == OK
        for bad in (("alice", ""), ("", "alice-pw"), ("alice\0", "alice-pw"),
                    ("alice", "alice-pw\0"), ("a" * 1000, "x"),
                    ("alice", "x" * 1000), (b"\xff", "x")):
            assert ask(inst, *bad) == NO, bad
        # in single octets
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(socket_path(inst))
            for byte in request("bob", "bob-pw", "", ""):
                s.send(bytes([byte]))
                time.sleep(0.005)
            assert s.recv(10) == OK
        # none of this protocol: it is hung up on, and nobody else notices
        for data in (b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 10000,
                     request("alice", "alice-pw", "smtp", "") + b"x",
                     request("x" * 1025, "", "", "")):
            try:
                assert talk(inst, data) in (b"",)
            except (ConnectionResetError, BrokenPipeError):
                pass
        assert ask(inst, "alice", "alice-pw") == OK


def test_who_says_nothing_or_goes_away():
    with instance("max-sessions 20\n") as inst:
        # more than may be there, who are no sessions of ours
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(100)]
        for s in crowd:
            s.connect(socket_path(inst))
        assert plain(inst, "alice", "alice-pw").startswith("235")
        for s in crowd:
            s.close()
        idle = [socket.socket(socket.AF_UNIX) for _ in range(10)]
        for s in idle:
            s.connect(socket_path(inst))
            s.send(b"\0\5al")
        for _ in range(50):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(socket_path(inst))
                s.send(request("alice", "wrong", "smtp", ""))
        start = time.monotonic()
        assert ask(inst, "alice", "alice-pw") == OK
        assert plain(inst, "alice", "alice-pw").startswith("235")
        assert time.monotonic() - start < 5
        # and after its time each of them is hung up on
        for s in idle:
            s.settimeout(15)
            assert s.recv(1) == b""
            s.close()
        assert "was killed" not in inst.log()


def test_not_now_is_no_wrong_password():
    with instance() as inst:
        db = inst.dir / "state/users.db"
        whole = db.read_bytes()
        db.write_bytes(b"not a database at all" * 1000)
        assert ask(inst, "alice", "alice-pw") == b""
        db.write_bytes(whole)
        assert ask(inst, "alice", "alice-pw") == OK


def test_who_may_connect():
    if os.getuid() != 0:
        pytest.skip("needs root")
    as_user = ("import os, socket, sys; os.setgroups([int(sys.argv[2])]); "
               "os.setgid(65534); os.setuid(65534); "
               "socket.socket(socket.AF_UNIX).connect(sys.argv[1])")

    def may(inst, gid):
        return subprocess.run(
            [sys.executable, "-c", as_user, socket_path(inst), str(gid)],
            stderr=subprocess.DEVNULL, check=False).returncode == 0
    with instance() as inst:
        inst.dir.chmod(0o755)
        assert not may(inst, 65534)
        assert not may(inst, 8)
    with instance("saslauthd-group mail\n") as inst:
        inst.dir.chmod(0o755)
        assert may(inst, 8)
        assert not may(inst, 65534)
    inst = Instance(start=False)
    with inst, inst.conf.open("a") as f:
        f.write(f"saslauthd-socket {socket_path(inst)}\n"
                "saslauthd-group no-such-group\n")
        f.flush()
        p = inst.run("authd", "-f", "-C", str(inst.conf), check=False)
        assert p.returncode == 71 and "there is no group" in p.stderr


def test_users_are_followed():
    """Also while auth-cache remembers somebody."""
    with instance() as inst:
        time.sleep(2.1)		# a change of just now is not trusted
        for _ in range(3):
            assert ask(inst, "alice", "alice-pw") == OK
        inst.run("mailuser", "passwd", "alice@a.test", input="other-pw\n")
        assert ask(inst, "alice", "alice-pw") == NO
        assert ask(inst, "alice", "other-pw") == OK
        time.sleep(2.1)
        assert ask(inst, "alice", "other-pw") == OK
        assert ask(inst, "bob", "bob-pw") == OK
        inst.run("mailuser", "del", "alice@a.test")
        assert ask(inst, "alice", "other-pw") == NO
        assert ask(inst, "bob", "bob-pw") == OK


def cpu(pids):
    """Seconds that these have used, and those of their children that ended."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = fields.rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def test_who_comes_again_costs_no_derivation():
    def spent(inst):
        assert ask(inst, "alice", "alice-pw") == OK
        before = cpu(inst.pids("authd"))
        for _ in range(20):
            assert ask(inst, "alice", "alice-pw") == OK
        return cpu(inst.pids("authd")) - before
    figures = {}
    for cache in ("1m", "0"):
        with instance(f"auth-cache {cache}\n", users=()) as inst:
            inst.conf.write_text(inst.conf.read_text() +
                                 "scram-rounds 30000\n")
            inst.run("mailuser", "add", "alice@a.test", input="alice-pw\n")
            time.sleep(2.1)
            figures[cache] = spent(inst)
    print(figures)
    assert figures["1m"] < 0.2 * figures["0"], figures
