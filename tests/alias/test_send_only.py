"""Without authd, smtpd and deliver: root's mail goes to the provider."""

import re
import subprocess

from fakes import FakeSMTP
from instance import BIN, Instance, wait_for
from spoolfile import prepare, put

MESSAGE = "Subject: disk\n\nfull\n"


def queue(i):
    """The queue alone; ended by the caller."""
    log = open(i.log_path, "ab")
    p = subprocess.Popen([BIN, "queue", "-f", "-C", str(i.conf)], stdout=log,
                         stderr=log, stdin=subprocess.DEVNULL)
    i.wait_log("queue: ready|^ready", 10)
    return p


ALIASES = "root: me@provider.example\nops: root, you@provider.example\n"
WANT = [["me@provider.example"],
        ["me@provider.example", "you@provider.example"]]


def house(s):
    i = Instance(start=False, extra=f"smarthost [127.0.0.1]:{s.port} none\n")
    (i.dir / "aliases").write_text(ALIASES)
    return i


def test_queue_alone():
    with FakeSMTP() as s, house(s) as i:
        prepare(i)
        put(i, "cron@a.test", ["root@a.test"])
        put(i, "cron@a.test", ["ops@a.test"])
        p = queue(i)
        try:
            wait_for(lambda: not i.spooled())
        finally:
            p.terminate()
            p.wait(20)
        assert sorted(m[1] for m in s.messages) == WANT
        assert re.search(r"orig_to=<root@a\.test>", i.log())


def test_not_even_a_queue():
    """sendmail gives it to the smarthost itself."""
    with FakeSMTP() as s, house(s) as i:
        # what says so in builds that would rather queue it
        text = i.conf.read_text()
        i.conf.write_text(text + "sendmail-direct yes\n")
        if i.run("mailconf", "--check", check=False).returncode:
            i.conf.write_text(text)
        i.run("sendmail", "root", input=MESSAGE)
        i.run("sendmail", "ops", input=MESSAGE)
        assert sorted(m[1] for m in s.messages) == WANT
        (i.dir / "aliases").write_text('root: "|/bin/true"\n')
        p = i.run("sendmail", "root", input=MESSAGE, check=False)
        assert p.returncode and "only deliver runs those" in p.stderr
