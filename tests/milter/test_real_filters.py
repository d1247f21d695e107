"""Debian's filters: opendkim signs and verifies, spamass-milter judges."""

import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile

import pytest

from instance import Instance, free_port, wait_for


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Program:
    """A program in the foreground that is ready when its port answers."""
    def __init__(self, argv, port, **kw):
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **kw)
        wait_for(lambda: answers(port) or self.process.poll() is not None, 60)
        assert self.process.poll() is None, argv

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dkim")
    subprocess.run(["openssl", "genrsa", "-out", folder / "key", "2048"],
                   check=True, stderr=subprocess.DEVNULL)
    public = subprocess.check_output(["openssl", "rsa", "-in", folder / "key",
                                      "-pubout", "-outform", "PEM"], text=True,
                                     stderr=subprocess.DEVNULL)
    bare = "".join(public.splitlines()[1:-1])
    (folder / "public").write_text(
        f"office._domainkey.a.test v=DKIM1; k=rsa; p={bare}\n")
    os.chmod(folder / "key", 0o600)
    return folder


def opendkim(key, mode, canon="relaxed/simple"):
    """(the program, its port)"""
    port = free_port()
    conf = key / f"{mode}.conf"
    conf.write_text(f"""Socket inet:{port}@127.0.0.1
Mode {mode}
Domain a.test
Selector office
KeyFile {key}/key
Canonicalization {canon}
OversignHeaders From
TestPublicKeys {key}/public
Background no
Syslog no
RequireSafeKeys no
AlwaysAddARHeader yes
PidFile {key}/{mode}.pid
InternalHosts 127.0.0.1
""" if mode == "s" else f"""Socket inet:{port}@127.0.0.1
Mode {mode}
TestPublicKeys {key}/public
Background no
Syslog no
AlwaysAddARHeader yes
PidFile {key}/{mode}.pid
InternalHosts 192.0.2.1
""")
    return Program(["opendkim", "-f", "-x", str(conf)], port), port


def verified(key, raw, sender="alice@a.test"):
    """What opendkim says of the message when it comes from outside."""
    program, port = opendkim(key, "v")
    with program, Instance(extra=f"milter inet:127.0.0.1:{port}\n") as inst:
        with smtplib.SMTP("127.0.0.1", inst.port["smtp"], "far.example") as c:
            c.sendmail(sender, ["bob@a.test"], raw)
        text = inst.wait_messages("bob", 1)[0].read_text()
        assert "milter" not in inst.log(), inst.log()
    return re.search(r"dkim=(\w+)", text)[1]


MAIL = ("From: Alice <alice@a.test>\nTo: bob@b.example\n"
        "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n and a fold\n"
        "X-Blank: \n"
        "\n"
        "Hello,\n\n.a line with a dot\n \nend  \n\n\n")


@pytest.mark.skipif(not shutil.which("opendkim"), reason="no opendkim")
@pytest.mark.parametrize("canon", ["relaxed/simple", "simple/simple",
                                   "relaxed/relaxed"])
def test_opendkim_signs_what_is_submitted(key, canon):
    program, port = opendkim(key, "s", canon)
    with program, Instance(
            extra=f"milter inet:127.0.0.1:{port} on=submission,local\n"
            "auth-without-tls yes\n") as inst:
        with smtplib.SMTP("127.0.0.1", inst.port["submission"],
                          "pc.example") as c:
            c.starttls()
            c.login("alice@a.test", "alice-pw")
            c.sendmail("alice@a.test", ["bob@a.test"], MAIL)
        raw = inst.wait_messages("bob", 1)[0].read_bytes()
        # on top, as with Postfix
        names = re.findall(rb"^([\w-]+):", raw.split(b"\n\n")[0], re.M)
        assert names.index(b"DKIM-Signature") == names.index(b"Received") - 1
        assert names.count(b"DKIM-Signature") == 1
        # mail of this machine's programs is signed, too
        inst.run("sendmail", "-f", "alice@a.test", "bob@a.test", input=MAIL)
        local = [p.read_bytes() for p in inst.wait_messages("bob", 2)]
        local.remove(raw)
        assert b"DKIM-Signature:" in local[0]
        assert "milter" not in inst.log(), inst.log()
    for message in (raw, local[0]):
        wire = message.replace(b"\n", b"\r\n")
        # these are deliver's, and no part of what was signed
        wire = re.sub(rb"(?m)^(Return-Path|Delivered-To|X-Original-To):"
                      rb".*\r\n", b"", wire)
        assert verified(key, wire) == "pass"
    assert verified(key, wire.replace(b"Hello", b"Hallo")) == "fail"


@pytest.mark.skipif(not shutil.which("spamass-milter") or
                    not shutil.which("spamd"), reason="no spamass-milter")
def test_spamass_milter_marks_and_refuses():
    port = free_port()
    # spamd reads it as nobody
    tmp_path = pathlib.Path(tempfile.mkdtemp())
    tmp_path.chmod(0o755)
    rules = tmp_path / "rules"
    rules.mkdir()
    # no look-ups in a test: one rule of our own
    (rules / "one.cf").write_text(
        "required_score 5\nskip_rbl_checks 1\n"
        "body PILL /buy pillarboxes now/\nscore PILL 20\n"
        "add_header all Status _YESNO_, score=_SCORE_\n")
    (rules / "init.pre").write_text(
        "loadplugin Mail::SpamAssassin::Plugin::Check\n")
    sock = tmp_path / "sock"
    with Program(["spamd", "-x", "-L", "--port", str(port), "-m", "1",
                  "-C", str(rules), "--siteconfigpath", str(rules),
                  "-s", str(tmp_path / "spamd.log")], port):
        milter = subprocess.Popen(["spamass-milter", "-p", str(sock), "-r", "15",
                                   "--", "-p", str(port), "-d", "127.0.0.1"],
                                  stderr=subprocess.DEVNULL)
        try:
            wait_for(sock.exists, 20)
            with Instance(extra=f"milter unix:{sock}\n") as inst, smtplib.SMTP(
                    "127.0.0.1", inst.port["smtp"], "far.example") as c:
                c.sendmail("x@far.example", ["bob@a.test"],
                           "From: x@far.example\nSubject: tea\n\nAt five?\n")
                text = inst.wait_messages("bob", 1)[0].read_text()
                assert "\nX-Spam-Status: No, score=" in text
                assert text.endswith("\n\nAt five?\n")
                with pytest.raises(smtplib.SMTPDataError) as e:
                    c.sendmail("x@far.example", ["bob@a.test"],
                               "From: x@far.example\nSubject: hi\n\n"
                               "buy pillarboxes now\n")
                assert e.value.smtp_code == 550
                assert "refused by milter unix:" in inst.log()
                assert "smtpd: milter" not in inst.log()
        finally:
            milter.terminate()
            milter.wait(20)
            print((tmp_path / "spamd.log").read_text())
            shutil.rmtree(tmp_path)


@pytest.mark.skipif(not shutil.which("clamav-milter") or
                    not shutil.which("clamd"), reason="no clamav-milter")
def test_clamav_milter_refuses_and_holds():
    port = free_port()
    folder = pathlib.Path(tempfile.mkdtemp())
    data = folder / "db"
    data.mkdir()
    # one signature of our own: the real ones are 200 MB
    virus = "PILLARBOX-TEST-VIRUS"
    (data / "test.ndb").write_text(f"Pillarbox.Test:0:*:{virus.encode().hex()}\n")
    clamd = folder / "clamd.conf"
    clamd.write_text(f"Foreground yes\nTCPSocket {port}\nTCPAddr 127.0.0.1\n"
                     f"DatabaseDirectory {data}\nUser root\n")

    def mail(inst, text):
        with smtplib.SMTP("127.0.0.1", inst.port["smtp"], "far.example") as c:
            c.sendmail("x@far.example", ["bob@a.test"],
                       f"From: x@far.example\nSubject: tea\n\n{text}\n")

    with Program(["clamd", "-c", clamd], port):
        for action in ("Reject", "Quarantine"):
            at = free_port()
            conf = folder / f"{action}.conf"
            conf.write_text(
                f"Foreground yes\nMilterSocket inet:{at}@127.0.0.1\nUser root\n"
                f"ClamdSocket tcp:127.0.0.1:{port}\nOnInfected {action}\n"
                "AddHeader Replace\n")
            with Program(["clamav-milter", "-c", conf], at), \
                    Instance(extra=f"milter inet:127.0.0.1:{at}\n") as inst:
                mail(inst, "At five?")
                text = inst.wait_messages("bob", 1)[0].read_text()
                assert "\nX-Virus-Status: Clean\n" in text
                if action == "Reject":
                    with pytest.raises(smtplib.SMTPDataError) as e:
                        mail(inst, virus)
                    assert e.value.smtp_code == 550
                else:
                    mail(inst, virus)
                    assert '"state":"held"' in inst.run("mailq", "-j").stdout
                assert "smtpd: milter" not in inst.log(), inst.log()
    shutil.rmtree(folder)
