"""mailconf --setup: the questions on a console, the files, the first message."""

import atexit
import functools
import os
import pathlib
import poplib
import pwd
import re
import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
import time

import pexpect
import pytest

from fakes import FakeDNS, FakeSMTP, make_cert
from instance import BIN, ROOT, Instance, free_port

ZONE = {("p.test", "A"): ["127.0.0.1"], ("smtp.p.test", "A"): ["127.0.0.1"],
        ("bad.p.test", "A"): ["127.0.0.1"]}
KIND, HOST, USERS, ACCOUNT, SERVER, PASSWORD, ALERTS = (
    r"1, 2 or 3.*:", r"Name of this\s+machine.*:", r"Users.*:",
    r"Account at the\s+provider.*:", r"provider's\s+server \[?.*:",
    r"Password.*:", r"mail for\s+root go.*:")


class World:
    """A provider, a DNS, and a folder that is /etc and /var in one."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pbs"))
        self.cert = [shutil.copy(f, self.dir) for f in certificate()]
        self.dns = FakeDNS(dict(ZONE))
        self.smtp = FakeSMTP(cert=self.cert, user=("me@p.test", "secret"))
        self.conf = self.dir / "conf"
        self.aliases = self.dir / "aliases"
        self.secret = self.dir / "pillarbox.secret"
        self.server = f"smtp.p.test:{self.smtp.port}"
        self.base = "# keep me\n" + "".join(
            f"{d}-dir {self.dir}/{d}\n" for d in
            ("spool", "state", "mail", "mbox", "run")) + (
            f"nameserver 127.0.0.1:{self.dns.port}\ndns-timeout 1s\n"
            f"connect-timeout 2s\ntls-ca {self.cert[0]}\n"
            f"aliases {self.aliases}\nsystem-users no\n"
            f"user-queue {me()}\nuser-store {me()}\nuser-auth {me()}\n")
        self.conf.write_text(self.base)

    def close(self):
        self.smtp.close()
        self.dns.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def env(self, **more):
        return {**os.environ, "LC_ALL": "C", "TERM": "dumb", **more}

    def files(self):
        """All but the folders of daemons: what ^C must leave alone."""
        return {p.name: p.read_bytes() for p in self.dir.iterdir()
                if p.is_file()}

    def spawn(self, *argv, size=(24, 80)):
        p = pexpect.spawn(
            BIN, ["mailconf", "--setup", "-C", str(self.conf), *argv],
            timeout=30, encoding="utf-8", dimensions=size, env=self.env())
        p.delaybeforesend = None
        p.delayafterclose = p.ptyproc.delayafterclose = 0.01
        p.delayafterterminate = p.ptyproc.delayafterterminate = 0.01
        return p

    def play(self, *pairs, size=(24, 80), argv=()):
        """Answers questions; gives all that was on the screen."""
        p = self.spawn(*argv, size=size)
        screen = ""
        for question, answer in pairs:
            p.expect(question + " $")
            screen += p.before + p.after
            p.sendline(answer)
        p.expect(pexpect.EOF)
        p.close()
        return screen + p.before, p.exitstatus

    def answers(self, text, *argv, status=0, mode=0o600):
        path = self.dir / "answers"
        path.write_text(text)
        path.chmod(mode)
        p = subprocess.run(
            [BIN, "mailconf", "--setup", "-C", self.conf, "--answers", path,
             *argv], env=self.env(), stdin=subprocess.DEVNULL, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert p.returncode == status, (p.stdout, p.stderr)
        return p.stdout + p.stderr

    def good(self, **other):
        """The answers of who only sends, in their order."""
        a = {KIND: "1", HOST: "gate.p.test", ACCOUNT: "me@p.test",
             SERVER: self.server, PASSWORD: "secret", ALERTS: "", **other}
        return [(q, a[q]) for q in (KIND, HOST, ACCOUNT, SERVER, PASSWORD,
                                    ALERTS)]


def me():
    return pwd.getpwuid(os.getuid()).pw_name


@functools.cache
def certificate():
    """One for all: openssl takes longer than most tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pbc"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_cert(folder, "smtp.p.test")


@pytest.fixture
def world():
    w = World()
    yield w
    w.close()


# --- who only sends

@pytest.mark.parametrize("size", [(24, 80), (10, 40)])
def test_send_only(world, size):
    screen, status = world.play(*world.good(), size=size)
    assert status == 0, screen
    assert "secret" not in screen.replace("pillarbox.secret", "")
    assert "delivered" in screen
    assert max(map(len, screen.splitlines())) <= size[1] or size[1] == 40
    conf = world.conf.read_text()
    assert conf.startswith(world.base)
    assert conf.endswith(
        "hostname gate.p.test\nlisten smtp none\nlisten submission none\n"
        "listen smtps none\nlisten pop3 none\nlisten pop3s none\n"
        f"smarthost {world.server} starttls user=me@p.test "
        f"password-file={world.secret} sender=me@p.test\n")
    assert (world.dir / "conf.old").read_text() == world.base
    assert world.aliases.read_text() == "root: me@p.test\n"
    assert world.secret.read_text() == "secret\n"
    assert stat.S_IMODE(world.secret.stat().st_mode) == 0o600
    (sender, rcpts, data), = world.smtp.messages
    assert (sender, rcpts) == ("me@p.test", ["me@p.test"])
    assert b"Subject: Test from gate.p.test\r\n" in data
    assert not [p for p in world.dir.iterdir() if p.name.startswith(".")]


def test_it_runs(world):
    """The configuration that was made is one that mail flows by."""
    world.play(*world.good())
    world.smtp.messages.clear()
    i = Instance(users=(), folder=world.dir / "i", start=False)
    i.conf.write_text(world.conf.read_text())
    i.start()
    try:
        i.run("sendmail", "-C", str(i.conf), "-f", "root@gate.p.test", "root",
              input="Subject: alarm\n\nfire\n")
        deadline = time.monotonic() + 10
        while not world.smtp.messages and time.monotonic() < deadline:
            time.sleep(0.05)
        (sender, rcpts, data), = world.smtp.messages
        assert (sender, rcpts) == ("me@p.test", ["me@p.test"])
        assert b"Subject: alarm" in data
    finally:
        i.stop()


def test_again(world):
    """Its defaults are what is there; all the same means nothing is written."""
    world.play(*world.good())
    world.aliases.write_text("# mine\nroot: me@p.test,\n\tx\nbin: root\n")
    before = world.files()
    screen, status = world.play(*[(q, "") for q, _ in world.good()])
    assert status == 0 and "nothing is written" in screen
    assert "[as it is]" in screen
    assert f"[{world.server}]" in screen and "[gate.p.test]" in screen
    assert world.files() == before
    # one thing else: the rest, comments too, is as it was
    text = world.conf.read_text().replace("hostname gate.p.test",
                                          "hostname gate.p.test  # the box")
    world.conf.write_text(text)
    world.play(*world.good(**{HOST: "new.p.test", PASSWORD: "",
                              SERVER: "", ACCOUNT: "", ALERTS: "you@p.test"}))
    assert world.conf.read_text() == text.replace("gate.p.test  #",
                                                  "new.p.test  #")
    assert world.aliases.read_text() == "# mine\nroot: you@p.test\nbin: root\n"
    assert (world.dir / "conf.old").read_text() == text


def test_from_send_only_to_server(world):
    world.play(*world.good())
    world.play((KIND, "2"), (HOST, "mail.p.test"), (USERS, "alice"),
               (ALERTS, ""))
    conf = world.conf.read_text()
    assert "listen" not in conf and "smarthost" not in conf
    assert "hostname mail.p.test\n" in conf and "domain p.test\n" in conf


def test_wrong_password_then_right(world):
    pairs = world.good(**{PASSWORD: "wrong"})
    pairs[5:5] = [(ACCOUNT, ""), (PASSWORD, "secret")]
    screen, status = world.play(*pairs)
    assert status == 0
    assert "It does not work: 535 no" in screen
    assert "user or password is wrong" in re.sub(r"\s+", " ", screen)
    assert world.secret.read_text() == "secret\n"


def test_server_is_found(world):
    """SRV first, then smtp.DOMAIN; a list where there is no SRV."""
    world.dns.zone["_submissions._tcp.p.test", "SRV"] = [
        (20, 0, 465, "far.p.test"), (10, 0, world.smtp.port, "smtp.p.test")]
    p = world.spawn()
    for q, a in world.good()[:3]:
        p.expect(q + " $")
        p.sendline(a)
    p.expect(rf"\[smtp\.p\.test:{world.smtp.port}\]: $")
    p.sendintr()
    p.expect(pexpect.EOF)
    for account, server in (("x@gmail.com", r"smtp\.gmail\.com:465"),
                            ("x@nowhere.test", r"smtp\.nowhere\.test")):
        p = world.spawn()
        for q, a in world.good(**{ACCOUNT: account})[:3]:
            p.expect(q + " $")
            p.sendline(a)
        p.expect(rf"\[{server}\]: $")
        p.sendeof()
        p.expect(pexpect.EOF)


# --- what goes wrong, and that it is said

@pytest.mark.parametrize("server,says", [
    ("gone.p.test", "name"), ("bad.p.test:1", "nothing listens"),
    ("silent.p.test", "name servers"),
])
def test_server_that_is_not_there(world, server, says):
    world.dns.zone["silent.p.test", "A"] = "silence"
    world.dns.zone["silent.p.test", "AAAA"] = "silence"
    world.dns.zone["silent.p.test", "MX"] = "silence"
    pairs = world.good()
    pairs.insert(3, (SERVER, server))
    screen, status = world.play(*pairs)
    assert status == 0, screen
    assert says in re.sub(r"\s+", " ", screen).split("Another one")[0]


def test_certificates_that_are_not_good(world):
    """The name of another, one that has expired: no password goes there."""
    old = world.dir / "old.pem", world.dir / "old.key"
    subprocess.run(["faketime", "2020-01-01", "openssl", "req", "-x509",
                    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "30", "-subj", "/CN=smtp.p.test",
                    "-addext", "subjectAltName=DNS:smtp.p.test", "-out",
                    old[0], "-keyout", old[1]], check=True,
                   stderr=subprocess.DEVNULL)
    other = make_cert(world.dir, "else.test")
    ca = world.dir / "ca.pem"
    ca.write_text("".join(pathlib.Path(f).read_text() for f in (
        world.cert[0], old[0], other[0])))
    world.conf.write_text(world.base.replace(str(world.cert[0]), str(ca)))
    for cert, says in ((old, "expired"), (other, "name")):
        with FakeSMTP(cert=cert, user=("me@p.test", "secret")) as s:
            pairs = world.good()
            pairs.insert(3, (SERVER, f"smtp.p.test:{s.port}"))
            screen, status = world.play(*pairs)
            assert status == 0
            text = re.sub(r"\s+", " ", screen).split("Another one")[0]
            assert "cannot be trusted" in text and says in text, text
            assert not [x for x in s.lines if x.startswith("AUTH")]


def test_no_tls(world):
    """Without TLS no password; without an account it is the admin's affair."""
    with FakeSMTP(user=("me@p.test", "secret")) as s:
        pairs = world.good()
        pairs.insert(3, (SERVER, f"smtp.p.test:{s.port}"))
        screen, status = world.play(*pairs)
        assert status == 0 and "It has no TLS" in screen
        assert not [x for x in s.lines if x.startswith("AUTH")]
    with FakeSMTP() as s:
        out = world.answers(
            f"kind 1\nhostname gate.p.test\naccount -\n"
            f"server smtp.p.test:{s.port}\nalerts a@b.test\n")
        assert "delivered" in out and s.messages
        assert re.search(rf"^smarthost smtp.p.test:{s.port} none$",
                         world.conf.read_text(), re.M)


def test_aliases_are_switched_off(world):
    """Then a line of masquerade sends root's mail on."""
    world.conf.write_text(world.base.replace(f"aliases {world.aliases}",
                                             "aliases none"))
    world.play(*world.good(**{ALERTS: "you@p.test"}))
    assert "masquerade root you@p.test\n" in world.conf.read_text()
    screen, status = world.play(*world.good(**{PASSWORD: "", ALERTS: ""}))
    assert "[you@p.test]" in screen and "nothing is written" in screen


def test_no_network(world):
    """With ! before it a server is taken as it is, and the mail waits."""
    world.dns.close()
    screen, status = world.play(
        (KIND, "1"), (HOST, "gate.p.test"), (ACCOUNT, "me@p.test"),
        (SERVER, "smtp.p.test"), (SERVER, "!smtp.p.test"),
        (PASSWORD, "secret"), (ALERTS, ""))
    assert "smarthost smtp.p.test:465 user=me@p.test" in \
        world.conf.read_text()
    assert world.secret.read_text() == "secret\n"
    assert status == 0 and "spool" in screen, screen


def test_refused(world):
    world.smtp.replies["RCPT"] = "550 5.1.1 nobody"
    screen, status = world.play(*world.good())
    assert status != 0 and "refused: 550 5.1.1 nobody" in screen
    assert "user=me@p.test" in world.conf.read_text()


def test_answers_that_are_nonsense(world):
    screen, status = world.play(
        (KIND, "7"), (KIND, "1"), (HOST, "localhost"), (HOST, "a b"),
        (HOST, "gate.p.test"), (ACCOUNT, ""), (ACCOUNT, 'a"b'),
        (ACCOUNT, "me@p.test"), (SERVER, "x y"), (SERVER, world.server),
        (PASSWORD, ""), (PASSWORD, "secret"), (ALERTS, "x;y"),
        (ALERTS, "-"))
    assert status == 0
    for text in ("1, 2 or 3.", "Every machine", "no host name",
                 "is needed", "no server", "no address"):
        assert text in re.sub(r"\s+", " ", screen), text
    assert not world.aliases.exists()


# --- ^C, ^D, hang-up

@pytest.mark.parametrize("end", ["intr", "eof", "hangup"])
def test_stopped_at_each_question(world, end):
    before = world.files()
    for stop in range(6):
        p = world.spawn()
        for q, a in world.good()[:stop]:
            p.expect(q + " $")
            p.sendline(a)
        p.expect(world.good()[stop][0] + " $")
        if end == "hangup":
            p.close(force=False)
        else:
            p.sendintr() if end == "intr" else p.sendeof()
            p.expect("Nothing has been changed")
            p.expect(pexpect.EOF)
            # the terminal shows again what is typed
            p.close()
            assert p.exitstatus == 130
        assert world.files() == before, stop


def test_stopped_while_it_asks(world):
    listener = socket.create_server(("127.0.0.1", 0))
    world.conf.write_text(world.base.replace("connect-timeout 2s",
                                             "connect-timeout 1m"))
    before = world.files()
    p = world.spawn()
    pairs = world.good(**{SERVER:
                          f"smtp.p.test:{listener.getsockname()[1]}"})
    for q, a in pairs[:4]:
        p.expect(q + " $")
        p.sendline(a)
    p.expect("Asking")
    time.sleep(0.3)
    p.sendintr()
    p.expect("Nothing has been changed")
    p.expect(pexpect.EOF)
    listener.close()
    assert world.files() == before


def test_echo_is_back_after_a_password(world):
    """A shell lives on behind it: it must see what it shows."""
    p = pexpect.spawn("/bin/sh", ["-c", f"{BIN} mailconf --setup -C "
                                  f"{world.conf}; stty -a"], timeout=20,
                      encoding="utf-8", env=world.env())
    for q, a in world.good()[:4]:
        p.expect(q + " $")
        p.sendline(a)
    p.expect(PASSWORD + " $")
    p.sendintr()
    p.expect(pexpect.EOF)
    assert re.search(r"(?<!-)\becho\b", p.before) and \
        re.search(r"(?<!-)\bisig\b", p.before), p.before


# --- servers

def test_server(world):
    """alice is made, gets a password, and the test message."""
    port = {s: free_port() for s in ("smtp", "submission", "smtps", "pop3",
                                     "pop3s")}
    world.conf.write_text(world.base + "".join(
        f"listen {s} 127.0.0.1:{n}\n" for s, n in port.items()))
    text = world.conf.read_text()
    screen, status = world.play(
        (KIND, "2"), (HOST, "mail.p.test"), (USERS, "alice bob@q.test"),
        (ALERTS, ""))
    assert status == 0, screen
    assert "no address of mail.p.test" in re.sub(r"\s+", " ", screen)
    assert world.conf.read_text() == text + (
        "hostname mail.p.test\ndomain p.test\ndomain q.test\n")
    assert world.aliases.read_text() == "root: alice@p.test\n"
    password = re.search(r"New user alice@p.test, password (\S+)", screen)[1]
    assert "New user bob@q.test, password" in screen
    i = Instance(users=(), folder=world.dir / "i", start=False)
    i.conf.write_text(world.conf.read_text())
    i.start()
    try:
        box = world.dir / "mail" / "p.test" / "alice"
        # what waited in the spool, or comes by the second run
        again, status = world.play((KIND, ""), (HOST, ""), (USERS, ""),
                                   (ALERTS, ""))
        assert status == 0 and "nothing is written" in again
        assert "New user" not in again
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and \
                len(list(box.glob("new/*"))) < 2:
            time.sleep(0.05)
        assert len(list(box.glob("new/*"))) == 2
        assert "left the queue" in again or "queued" in again
        context = ssl._create_unverified_context()
        pop = poplib.POP3_SSL("127.0.0.1", port["pop3s"], timeout=10,
                              context=context)
        pop.user("alice@p.test")
        assert pop.pass_(password).startswith(b"+OK")
        assert pop.stat()[0] == 2
        pop.quit()
    finally:
        i.stop()


def test_server_through_a_provider(world):
    screen, status = world.play(
        (KIND, "3"), (HOST, "mail.p.test"), (USERS, "alice"),
        (ACCOUNT, "me@p.test"), (SERVER, world.server), (PASSWORD, "secret"))
    assert status == 0, screen
    conf = world.conf.read_text()
    # users keep their addresses
    assert f"smarthost {world.server} starttls user=me@p.test " \
        f"password-file={world.secret}\n" in conf
    assert "listen" not in conf and "domain p.test\n" in conf
    assert world.aliases.read_text() == "root: alice@p.test\n"
    assert world.smtp.messages[0][1] == ["me@p.test"]
    assert len(re.findall(r"^\d\. ", screen, re.M)) == 6


# --- a file of answers

ANSWERS = """# for the image
kind provider
hostname gate.p.test
account me@p.test
server {server}
password secret
alerts you@p.test
"""


def test_answers(world):
    out = world.answers(ANSWERS.format(server=world.server))
    assert "delivered" in out
    assert world.smtp.messages[0][1] == ["you@p.test"]
    assert world.aliases.read_text() == "root: you@p.test\n"
    assert "secret\n" == world.secret.read_text()


@pytest.mark.parametrize("change,says,status", [
    (("hostname", "hostnam"), ":3: hostnam: no such key", 65),
    (("account me@p.test", "account"), ":4: account: needs a value", 65),
    (("hostname gate.p.test", "hostname localhost"), "hostname: Every", 69),
    (("password secret", "password wrong"), "password is wrong", 69),
    (("password secret\n", ""), "password: A password is needed", 69),
    (("alerts", "users a\nalerts"), "users: not for this kind", 69),
    (("kind provider", "kind all"), "kind: Please type", 69),
    (("server {server}", "server gone.p.test"), "does not work", 69),
    (("password secret", "password-file /nowhere"), "needed", 69),
])
def test_bad_answers(world, change, says, status):
    text = ANSWERS.replace(*change)
    before = world.files()
    out = world.answers(text.format(server=world.server), status=status)
    assert says in re.sub(r"\s+", " ", out), out
    (world.dir / "answers").unlink()
    assert world.files() == before


def test_answers_of_all(world):
    out = world.answers(ANSWERS.format(server=world.server), mode=0o644,
                        status=65)
    assert "others can read it" in out
    (world.dir / "answers").unlink()
    assert "No such file" in subprocess.run(
        [BIN, "mailconf", "--setup", "-C", world.conf, "--answers",
         world.dir / "answers"], capture_output=True, text=True).stderr


def test_image(world):
    """--no-check: nobody is asked and nothing is sent."""
    (world.dir / "given").write_text("pw\n")
    (world.dir / "given").chmod(0o600)
    world.answers(f"kind provider\nhostname gate.p.test\naccount me\n"
                  f"server mx.x.test\npassword-file {world.dir}/given\n",
                  "--no-check")
    assert not world.dns.asked and not world.smtp.sessions
    assert f"smarthost mx.x.test:465 user=me password-file={world.dir}/given" \
        in world.conf.read_text()
    assert not world.secret.exists()


# --- around it

def test_not_root(world):
    if os.getuid():
        pytest.skip("only root can become somebody else")
    world.dir.chmod(0o755)
    p = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", BIN,
                        "mailconf", "--setup", "-C", world.conf],
                       capture_output=True, text=True, env=world.env(),
                       stdin=subprocess.DEVNULL)
    assert p.returncode == 77
    assert "cannot be written" in p.stderr and "root" in p.stderr


def test_broken_configuration(world):
    world.conf.write_text("hostnam x\n")
    p = subprocess.run([BIN, "mailconf", "--setup", "-C", world.conf],
                       capture_output=True, text=True, env=world.env(),
                       stdin=subprocess.DEVNULL)
    assert p.returncode == 78 and ":1: unknown directive" in p.stderr
    assert world.conf.read_text() == "hostnam x\n"


def test_mail_setup(world):
    p = pexpect.spawn(BIN, ["mail", "--setup"], timeout=10, encoding="utf-8",
                      env=world.env(PILLARBOX_CONF=str(world.conf)))
    p.expect(KIND + " $")
    p.sendintr()
    p.expect("Nothing has been changed")


def test_disk_full(world):
    """One file that cannot be written, and none is."""
    world.aliases.mkdir()
    before = world.files()
    screen, status = world.play(*world.good())
    assert status == 73 and "Nothing has been changed" in screen
    assert world.files() == before


def test_options():
    for argv in (["--answers", "x"], ["--no-check"], ["--setup", "x"]):
        assert subprocess.run([BIN, "mailconf", *argv],
                              capture_output=True).returncode == 64


# --- docs/setup.md

def test_the_transcript_of_the_docs(world):
    """What the page shows is what is seen, but for paths, ports and blanks."""
    page = (ROOT / "docs" / "setup.md").read_text()
    want = re.search(r"```\n(Setting up.*?)```", page, re.S)[1]
    cert = make_cert(world.dir, "smtp.provider.example")
    world.conf.unlink()
    with FakeSMTP(cert=cert, user=("me@provider.example", "secret")) as s:
        world.dns.zone.update({
            ("smtp.provider.example", "A"): ["127.0.0.1"],
            ("_submission._tcp.provider.example", "SRV"): [
                (0, 1, s.port, "smtp.provider.example")]})
        base = world.base.replace("# keep me\n", "").replace(
            str(world.cert[0]), str(cert[0]))
        world.conf.write_text(base + "hostname gate\n" + "".join(
            f"listen {x} none\n" for x in ("smtp", "submission", "smtps",
                                           "pop3", "pop3s")))
        got, status = world.play(
            (KIND, "1"), (HOST, "gate.example.org"),
            (ACCOUNT, "me@provider.example"), (SERVER, ""),
            (PASSWORD, "wrong"), (ACCOUNT, ""), (PASSWORD, "secret"),
            (ALERTS, "admin@example.org"))
        assert status == 0
        got = got.replace(f":{s.port}", ":587")
    # a new machine has no configuration that could say where its DNS is
    got = got.replace("1, 2 or 3 [2]: 1", "1, 2 or 3 [1]:")
    got = re.sub(r"\s*\(as it was:\s*\S+\)", "", got)
    got = got.replace(f"{world.dir}/conf", "/etc/pillarbox.conf").replace(
        f"{world.dir}/", "/etc/")

    def plain(text):
        return re.sub(r"\s+", " ", re.sub(r" +$", "", text, flags=re.M))
    assert plain(got) == plain(want)


def test_keys_of_the_docs(world):
    """The table of the page has all keys that there are, and no other."""
    page = (ROOT / "docs" / "setup.md").read_text()
    table = page[page.index("| key |"):page.index("What is missing")]
    keys = set(re.findall(r"`([a-z-]+)`", "".join(
        x.split("|")[1] for x in table.splitlines() if x.startswith("|"))))
    for key in keys:
        out = world.answers(f"{key}\n", status=65)
        assert "needs a value" in out, key
    assert keys == {"kind", "hostname", "users", "account", "server",
                    "password", "password-file", "alerts"}
