"""saslauthd, a back end of authd: the real one, and some that misbehave."""

import base64
import contextlib
import os
import pathlib
import poplib
import shutil
import smtplib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from instance import Instance, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "abuse"))
from strangers import Stranger  # noqa: E402

OK, NO = b"\0\2OK", b"\0\2NO"


class Fake:
    """Answers each request with what answer(request) says; None: hangs."""
    def __init__(self, answer=lambda *r: OK):
        self.dir = tempfile.mkdtemp(prefix="sa")
        self.path = f"{self.dir}/mux"
        self.answer, self.asked, self.held = answer, [], []
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(20)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(conn,),
                             daemon=True).start()

    def talk(self, conn):
        f = conn.makefile("rb")
        parts = tuple(f.read(struct.unpack(">H", f.read(2))[0]).decode()
                      for _ in range(4))
        self.asked.append(parts)
        answer = self.answer(*parts)
        if answer is None:
            self.held.append((conn, f))
            return
        with contextlib.suppress(OSError):
            conn.sendall(answer)
        f.close()
        conn.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        # closed alone it could still accept, under the number of the next one
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.sock.close()
        shutil.rmtree(self.dir)


def instance(path, extra="", **kw):
    return Instance(extra=f"saslauthd {path}\nauth-without-tls yes\n" + extra,
                    **kw)


def plain(inst, user, password, service="submission"):
    with Stranger(inst, "127.0.0.9", service) as s:
        s.say("EHLO x.example")
        return s.say("AUTH PLAIN " + base64.b64encode(
            f"\0{user}\0{password}".encode()).decode())


def pop(inst, user, password):
    p = poplib.POP3("127.0.0.1", inst.port["pop3"], timeout=30)
    try:
        p.user(user)
        p.pass_(password)
        return p.stat()[0]
    except poplib.error_proto as e:
        return e.args[0].decode()
    finally:
        p.close()


@contextlib.contextmanager
def sasldb(*users):
    """Debian's saslauthd -a sasldb; its /etc/sasldb2 is not the machine's."""
    if os.getuid() != 0 or not shutil.which("saslauthd"):
        pytest.skip("needs root and sasl2-bin")
    with tempfile.TemporaryDirectory(prefix="sa") as folder:
        for user, password in users:
            name, realm = user.split("@")
            subprocess.run(["saslpasswd2", "-c", "-p", "-f", f"{folder}/db",
                            "-u", realm, name], input=password, text=True,
                           check=True)
        with open(f"{folder}/log", "w") as log:
            p = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", f"mount --bind {folder}/db "
                 f"/etc/sasldb2 && exec saslauthd -d -n 2 -m {folder} "
                 "-a sasldb"], stdout=log, stderr=log,
                # it ends its whole process group with itself
                start_new_session=True)
        try:
            wait_for(lambda: os.path.exists(f"{folder}/mux") or
                     p.poll() is not None)
            if p.poll() is not None:
                pytest.skip(pathlib.Path(f"{folder}/log").read_text())
            yield f"{folder}/mux"
        finally:
            p.terminate()
            p.wait(10)


def test_the_real_one():
    with sasldb(("carol@a.test", "carol-pw"), ("alice@a.test", "other"),
                ("dave@b.test", "dave-pw")) as path, \
            instance(path) as inst:
        assert plain(inst, "carol@a.test", "carol-pw").startswith("235")
        assert plain(inst, "carol", "carol-pw").startswith("235")
        assert plain(inst, "Carol@A.test", "carol-pw").startswith("535")
        assert plain(inst, "carol@a.test", "wrong").startswith("535")
        assert plain(inst, "nobody@a.test", "x").startswith("535")
        # not our domain; and who is in users.db has his password there
        assert plain(inst, "dave@b.test", "dave-pw").startswith("535")
        assert plain(inst, "alice@a.test", "other").startswith("535")
        assert plain(inst, "alice", "other").startswith("535")
        assert plain(inst, "alice@a.test", "alice-pw").startswith("235")
        with smtplib.SMTP("127.0.0.1", inst.port["submission"],
                          timeout=20) as s:
            s.ehlo()
            s.user, s.password = "carol@a.test", "carol-pw"
            assert s.auth("LOGIN", s.auth_login)[0] == 235
            s.sendmail("Carol@a.test", ["alice@a.test"],
                       "Subject: x\r\n\r\nx\r\n")
            # other senders are others'
            for sender in ("alice@a.test", "carol@b.test", "x@a.test"):
                assert s.mail(sender)[0] == 553
                s.rset()
        inst.wait_messages("alice", 1)
        assert pop(inst, "alice@a.test", "alice-pw") == 1
        assert pop(inst, "carol@a.test", "carol-pw") == 0
        assert "-ERR [AUTH]" in pop(inst, "carol@a.test", "wrong")
        assert "carol-pw" not in inst.log()


def test_what_it_is_asked():
    with Fake() as fake, instance(fake.path) as inst:
        assert plain(inst, "carol", "p w\xe4").startswith("235")
        assert plain(inst, "Eve+x@A.test", "y", "smtp").startswith("235")
        assert pop(inst, "carol@a.test", "z") == 0
        assert fake.asked == [("carol", "p w\xe4", "smtp", "a.test"),
                              ("Eve+x", "y", "smtp", "A.test"),
                              ("carol", "z", "pop", "a.test")]
        # these never reach it, or its answer would let them in
        for user in ("alice@a.test", "alice", "ALICE@a.test", "root",
                     "root@a.test", "x@b.test", "../../x@a.test", "a/b@a.test",
                     '"x"@a.test', "@a.test", "x" * 65 + "@a.test",
                     "-x@a.test"):
            assert plain(inst, user, "z").startswith("535"), user
        assert len(fake.asked) == 3


def test_accounts_of_this_machine():
    """They are who they are; only the password is saslauthd's affair."""
    with Fake(lambda *r: OK if r[1] == "right" else NO) as fake, \
            instance(fake.path, "system-users yes\n",
                     omit=("system-users",)) as inst:
        assert plain(inst, "games@a.test", "wrong").startswith("535")
        with Stranger(inst, "127.0.0.9", "submission") as s:
            s.say("EHLO x.example")
            assert s.say("AUTH PLAIN " + base64.b64encode(
                b"\0games\0right").decode()).startswith("235")
            assert s.say("MAIL FROM:<games@a.test>").startswith("250")
            s.say("RSET")
            assert s.say("MAIL FROM:<bin@a.test>").startswith("553")
        for user in ("root", "ROOT", "root@a.test"):
            assert plain(inst, user, "right").startswith("535")
        assert fake.asked == [("games", "wrong", "smtp", "a.test"),
                              ("games", "right", "smtp", "a.test")]


def test_scram_is_not_for_them():
    """As for an account of this machine: a salt, and a wrong password."""
    with Fake() as fake, instance(fake.path) as inst, \
            Stranger(inst, "127.0.0.9", "submission") as s:
        s.say("EHLO x.example")
        first = base64.b64encode(b"n,,n=carol,r=abcdefgh").decode()
        answer = s.say(f"AUTH SCRAM-SHA-256 {first}")
        assert answer.startswith("334 ")
        nonce = base64.b64decode(answer[4:]).split(b",")[0]
        final = b"c=biws," + nonce + b",p=" + base64.b64encode(b"\0" * 32)
        assert s.say(base64.b64encode(final).decode()).startswith("535")
        assert not fake.asked


BROKEN = {
    "dies": lambda *r: b"",
    "garbage": lambda *r: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "half": lambda *r: b"\0\2O",
    "other word": lambda *r: b"\0\7UNKNOWN",
}


@pytest.mark.parametrize("how", [*BROKEN, "gone"])
def test_a_broken_one_is_no_wrong_password(how):
    with Fake(BROKEN.get(how, None)) as fake, \
            instance(fake.path, "ban-after 1/1h\n") as inst:
        if how == "gone":
            os.unlink(fake.path)
        for _ in range(3):
            assert plain(inst, "carol@a.test", "x").startswith("454 4.7.0")
        assert "-ERR [SYS/TEMP]" in pop(inst, "carol@a.test", "x")
        assert plain(inst, "alice@a.test", "alice-pw").startswith("235")
        inst.wait_log(f"authd: no answer: +saslauthd {fake.path}: ")
        assert "authentication failed" not in inst.log()
        assert "ban address" not in inst.log()
        fake.answer = lambda *r: OK
        if how != "gone":
            assert plain(inst, "carol@a.test", "x").startswith("235")


def test_one_that_hangs():
    with Fake(lambda *r: None) as fake, instance(fake.path) as inst:
        took = []

        def carol(n):
            start = time.monotonic()
            answer = plain(inst, f"carol{n}@a.test", "x")
            took.append((answer[:9], time.monotonic() - start))
        # more than there are workers for it
        threads = [threading.Thread(target=carol, args=(n,))
                   for n in range(12)]
        for t in threads:
            t.start()
        wait_for(lambda: len(fake.asked) == 8)
        # others are not held up, neither in smtpd nor in pop3d
        start = time.monotonic()
        assert plain(inst, "alice@a.test", "alice-pw").startswith("235")
        assert plain(inst, "alice@a.test", "wrong").startswith("535")
        assert pop(inst, "alice@a.test", "alice-pw") == 0
        with Stranger(inst, "127.0.0.9") as s:
            assert s.rcpt()[0].startswith("250")
            assert s.say("RCPT TO:<nobody@a.test>").startswith("550")
        assert time.monotonic() - start < 4
        # who goes away leaves nothing behind
        with Stranger(inst, "127.0.0.9", "submission") as s:
            s.say("EHLO x.example")
            s.sock.sendall(b"AUTH PLAIN AGNhcm9sAHg=\r\n")
            time.sleep(0.1)
        for t in threads:
            t.join(30)
        assert {a for a, _ in took} == {"454 4.7.0"}, took
        assert all(9 < t < 17 for _, t in took), took
        inst.wait_log("timed out")
        assert "hangs; killed" not in inst.log()
        # and after a while all is as it was
        fake.answer = lambda *r: OK
        wait_for(lambda: plain(inst, "carol", "x").startswith("235"), 25, 1)


def test_slow_answers_do_not_wait_for_each_other():
    def answer(name, *_):
        time.sleep(4 if name == "slow" else 0)
        return OK
    with Fake(answer) as fake, instance(fake.path) as inst:
        got = []
        t = threading.Thread(target=lambda: got.append(
            plain(inst, "slow", "x")))
        t.start()
        wait_for(lambda: fake.asked)
        assert plain(inst, "quick", "x").startswith("235")
        assert not got
        t.join(20)
        assert got[0].startswith("235")
