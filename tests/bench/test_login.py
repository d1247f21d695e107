"""What a login costs by the number of users, asked of authd itself.

Each figure is the best of some logins over authd's socket, one at a time, with
auth-cache off: other programs run on this machine, too. `make bench-login` prints them.
"""

import base64
import ctypes
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from instance import Instance, needs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "users"))
from directory import Mariadb, Slapd, person  # noqa: E402

MANY = (10, 1000, 100000)
EXTRA = "auth-cache 0\nscram-rounds 4096\n"


class Authd:
    """One client of authd."""
    def __init__(self, inst):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(f"{inst.dir}/run/authd")
        self.file = self.sock.makefile("r")

    def ask(self, *words):
        self.sock.sendall((" ".join(words) + "\n").encode())
        return self.file.readline().split(" ")[0].strip()

    def plain(self, name, password):
        return self.ask("PLAIN", *(base64.b64encode(x.encode()).decode()
                                   for x in (name, password)), "x", "y")

    def lookup(self, name):
        return self.ask("LOOKUP", base64.b64encode(name.encode()).decode())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()
        self.sock.close()


def best(what, answer, times=40):
    """Milliseconds of what(), which has to give the answer."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        got = what()
        took.append((time.perf_counter() - start) * 1000)
        assert got == answer, got
    return min(took)


def fill(path, n):
    """Makes them n users, all with the first one's password."""
    db = sqlite3.connect(path)
    columns = {t: [c[1] for c in db.execute(f"PRAGMA table_info({t})")]
               for t in ("user", "credential")}
    first, = db.execute("SELECT id FROM user").fetchone()
    for table, own, new in (("user", "local", "'u' || i"),
                            ("credential", "user", f"i + {first}")):
        names = [c for c in columns[table] if c != "id"]
        values = [new if c == own else c for c in names]
        identity = f"i + {first}" if table == "user" else "NULL"
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            f"WHERE i < {n - 1}) INSERT INTO {table} (id, {','.join(names)}) "
            f"SELECT {identity}, {','.join(values)} FROM n, {table} "
            f"WHERE {'id' if table == 'user' else 'user'} = {first}")
    db.commit()
    assert db.execute("SELECT count(*) FROM user").fetchone() == (n,)
    db.close()


def passwd_file(path, n):
    """Milliseconds to read such a file up to its last user, by the C library."""
    path.write_text("".join(f"u{i}:x:{i + 1000}:100::/home/u{i}:/bin/sh\n"
                            for i in range(n)))
    libc = ctypes.CDLL(None)
    libc.fopen.restype = libc.fgetpwent.restype = ctypes.c_void_p
    libc.fgetpwent.argtypes = libc.fclose.argtypes = [ctypes.c_void_p]

    def read():
        f = libc.fopen(str(path).encode(), b"r")
        count = 0
        while libc.fgetpwent(f):
            count += 1
        libc.fclose(f)
        return count
    return best(read, n, 5)


def test_users_db(tmp_path):
    figures = {}
    for n in MANY:
        with Instance(users=("alice",), extra=EXTRA, start=False) as inst:
            fill(inst.dir / "state/users.db", n)
            inst.start()
            last = f"u{n - 1}@a.test"
            with Authd(inst) as a:
                a.plain(last, "alice-pw")
                figures[n] = (
                    best(lambda: a.plain(last, "alice-pw"), "OK"),
                    best(lambda: a.plain(last, "wrong"), "NO"),
                    best(lambda: a.plain("nobody@a.test", "wrong"), "NO"),
                    best(lambda: a.lookup(last), "OK"),
                    passwd_file(tmp_path / "passwd", n))
        print("\nusers.db, %6d users: login %.2f ms, wrong %.2f, nobody %.2f, "
              "lookup %.3f; a passwd file read whole %.2f" % (
                  n, *figures[n]))
    few, many = figures[MANY[0]], figures[MANY[-1]]
    assert many[0] < 1.3 * few[0] + 0.3, figures
    assert many[3] < 2 * few[3] + 0.3, figures


def test_who_comes_again():
    extra = EXTRA.replace("auth-cache 0", "auth-cache 1m")
    with Instance(users=("alice",), extra=extra) as inst, Authd(inst) as a:
        time.sleep(2.1)
        first = best(lambda: a.plain("alice@a.test", "alice-pw"), "OK", 1)
        again = best(lambda: a.plain("alice@a.test", "alice-pw"), "OK")
    print(f"\nauth-cache: the first login {first:.2f} ms, again {again:.3f}")
    assert again < first / 4


def far(server, known, password):
    """The figures of a server of 100,000 users."""
    with Instance(users=("alice",), extra=EXTRA +
                  server.directives()) as inst, Authd(inst) as a:
        a.plain(known, password)
        return (best(lambda: a.plain(known, password), "OK"),
                best(lambda: a.plain(known, "wrong"), "NO"),
                best(lambda: a.plain("nobody@a.test", "wrong"), "NO"),
                best(lambda: a.plain("alice@a.test", "wrong"), "NO"),
                best(lambda: a.lookup(known), "OK"))


def show(name, n, figures):
    print("\n%s, %6d users: login %.2f ms, wrong %.2f, nobody %.2f, one of "
          "users.db wrong %.2f, lookup %.3f" % (name, n, *figures))


@needs("AUTHD_LDAP")
@pytest.mark.parametrize("n", [MANY[0], MANY[-1]])
def test_ldap(n):
    with Slapd(*(person(f"u{i}", "pw") for i in range(n))) as server:
        figures = far(server, f"u{n - 1}@a.test", "pw")
    show("LDAP", n, figures)
    assert max(figures) < 60


@needs("AUTHD_MYSQL")
@pytest.mark.parametrize("n", [MANY[0], MANY[-1]])
def test_mysql(n):
    salted = subprocess.check_output(
        ["openssl", "passwd", "-5", "pw"], text=True).strip()
    with Mariadb([("u0@a.test", salted)]) as server:
        server.sql(f"USE mail; INSERT INTO users SELECT CONCAT('u', seq, "
                   f"'@a.test'), '{salted}', NULL, NULL, NULL FROM "
                   f"seq_1_to_{n - 1};")
        figures = far(server, f"u{n - 1}@a.test", "pw")
    show("MariaDB", n, figures)
    assert max(figures) < 60


def close(name, times):
    """Within a fifth and half a millisecond: nobody can be told by it."""
    low, high = min(times), max(times)
    print(f"\n{name}: " + ", ".join(f"{t:.2f}" for t in times) + " ms")
    return high - low < 0.2 * high + 0.5


def interleaved(a, names, times=60):
    """The best of wrong logins under each name, in turns: others run, too."""
    took = {name: [] for name in names}
    for _ in range(times):
        for name in names:
            start = time.perf_counter()
            assert a.plain(name, "wrong") == "NO"
            took[name].append((time.perf_counter() - start) * 1000)
    return [min(t) for t in took.values()]


def test_a_wrong_password_does_not_tell_who_exists():
    names = ["alice@a.test", "bob@a.test", "nobody@a.test", "x@a.test",
             "alice", "nobody"]
    with Instance(extra=EXTRA) as inst, Authd(inst) as a:
        a.plain("alice", "x")
        assert close("users.db", interleaved(a, names))


@needs("AUTHD_LDAP", "AUTHD_MYSQL")
@pytest.mark.parametrize("kind", ["ldap", "mysql"])
def test_nor_does_one_of_a_directory(kind):
    salted = subprocess.check_output(
        ["openssl", "passwd", "-5", "pw"], text=True).strip()
    names = ["alice@a.test", "carol@a.test", "dave@a.test", "nobody@a.test",
             "x@a.test"]
    with (Slapd(person("carol", "pw"), person("dave", "pw"))
          if kind == "ldap" else Mariadb([("carol@a.test", salted), (
              "dave@a.test", salted)])) as server, \
            Instance(extra=EXTRA + server.directives()) as inst, \
            Authd(inst) as a:
        a.plain("carol@a.test", "pw")
        assert close(kind, interleaved(a, names))
