"""The programs that send a device's alerts, real ones of Debian: what they run is
our sendmail. Each is skipped where it is not installed."""

import email
import email.header
import os
import shlex
import shutil
import subprocess

import pytest

from instance import BIN, Instance, wait_for
from test_clients import empty, run             # empty: for each test

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# A system of its own, in which /usr/sbin/sendmail and /usr/bin/mail are ours.
PRELUDE = """set -e
mount -t tmpfs none {dir}
for d in /usr/sbin /usr/bin /usr/lib /etc /var/spool /var/lib /run; do
	mkdir -p {dir}/o$d/u {dir}/o$d/w
	mount -t overlay overlay \\
		-o lowerdir=$d,upperdir={dir}/o$d/u,workdir={dir}/o$d/w $d
done
for name in /usr/sbin/sendmail /usr/lib/sendmail /usr/bin/mail; do
	rm -f $name
	printf '#!/bin/sh\\nPILLARBOX_CONF={conf} exec {bin} %s "$@"\\n' \\
		$(basename $name) >$name
	chmod 755 $name
done
rm -f /etc/crontab /etc/cron.d/* /etc/anacrontab
"""


@pytest.fixture(scope="module")
def box():
    with Instance(users=("alice", "bob", "root")) as i:
        yield i


@pytest.fixture
def system(box, tmp_path):
    """system(script, seconds) runs it there; skips where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    prelude = PRELUDE.format(dir=tmp_path, conf=box.conf, bin=BIN)
    p = subprocess.run(["unshare", "-m", "sh", "-c", prelude],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        pytest.skip(f"no overlays here: {p.stdout}")

    def start(script, seconds=30):
        p = subprocess.run(["unshare", "-mp", "--fork", "--mount-proc",
                            "--kill-child", "sh", "-c", prelude + script],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, timeout=seconds,
                           env={"PATH": PATH, "HOME": "/root"})
        return p.returncode, p.stdout.decode(errors="replace")
    return start


def needs(*programs):
    return pytest.mark.skipif(
        not all(shutil.which(p, path=PATH) for p in programs),
        reason=f"without {', '.join(programs)}")


def got(box, user="bob", n=1):
    return [email.message_from_bytes(p.read_bytes())
            for p in box.wait_messages(user, n)]


def subject(m):
    return str(email.header.make_header(email.header.decode_header(
        m["Subject"])))


def complete(m):
    """What no message may lack when it leaves."""
    assert m["Date"] and m["Message-ID"] and m["To"]
    assert "@" in email.utils.parseaddr(m["From"])[1]


@needs("cron")
@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="without faketime")
def test_cron(box, system):
    """A job's output, two seconds before the full minute."""
    code, out = system(f"""
mkdir -p /var/spool/cron/crontabs
cat >/var/spool/cron/crontabs/root <<'END'
MAILTO=bob@a.test
* * * * * printf 'disk f\\303\\274ll\\n.\\nFrom here\\nend\\n'
END
chmod 600 /var/spool/cron/crontabs/root
LD_PRELOAD={FAKETIME} FAKETIME='@2026-11-27 10:00:58' timeout 6 cron -f || :
""")
    message, = got(box)
    complete(message)
    assert "printf" in subject(message) and "Cron <root@" in subject(message)
    assert message["From"] == "root@a.test (Cron Daemon)"
    assert message.get_payload(decode=True).decode() == \
        "disk füll\n.\nFrom here\nend\n", out


@needs("anacron")
def test_anacron(box, system):
    code, out = system("""
mkdir -p /var/spool/anacron
cat >/etc/anacrontab <<'END'
SHELL=/bin/sh
MAILTO=bob@a.test
1 0 job echo weekly; echo ..; echo end
END
anacron -d -f -n -s -t /etc/anacrontab -S /var/spool/anacron
""")
    message, = got(box)
    complete(message)
    assert "Anacron job 'job'" in subject(message), out
    assert message.get_payload() == "weekly\n..\nend\n"


@needs("at", "atd")
def test_at(box, system):
    code, out = system("""
printf 'echo late; echo .; echo end\\n' | at -m now
atd -s
sleep 2
""")
    message, = got(box, "root")
    complete(message)
    assert "Output from your job" in subject(message)
    assert message.get_payload() == "late\n.\nend\n"


@needs("php")
@pytest.mark.parametrize("more", ["", "-f alice@a.test"])
def test_php(box, tmp_path, more):
    script = tmp_path / "mail.php"
    script.write_text(
        '<?php exit(mail("Bob <bob@a.test>", "=?UTF-8?B?R3LDvMOfZQ==?=", '
        '"line\n.\nü\r\nend\n", "From: alice@a.test\r\nCc: alice@a.test\r\n'
        f'Bcc: bob@a.test", "{more}") ? 0 : 1);')
    run("php", "-n", "-d", f"sendmail_path={BIN} sendmail -t -i", script,
        env=box.env())
    message, = got(box)
    copy, = got(box, "alice")
    complete(message)
    assert subject(message) == "Grüße" and message["Bcc"] is None
    assert message.get_payload(decode=True).decode().split() == \
        ["line", ".", "ü", "end"]
    assert (message["Return-Path"] == "<alice@a.test>") == bool(more)


@needs("mdadm")
def test_mdadm(box, system):
    """An array that is not there any more."""
    code, out = system("""
printf 'MAILFROM Array watch <root>\\n' >/tmp/mdadm.$$
timeout 10 mdadm --monitor -c /tmp/mdadm.$$ --mail bob@a.test -1 -t \\
	/dev/md99 || :
rm -f /tmp/mdadm.$$
""")
    assert box.messages("bob"), out
    message, = got(box)
    complete(message)
    assert "event on /dev/md99" in subject(message)


@pytest.mark.skipif(not os.path.exists(
    "/usr/share/smartmontools/smartd_warning.sh"), reason="no smartmontools")
def test_smartd(box, system):
    """The script that smartd runs, as it runs it."""
    code, out = system("""
export SMARTD_ADDRESS=bob@a.test SMARTD_DEVICE=/dev/sda
export SMARTD_DEVICESTRING=/dev/sda SMARTD_DEVICETYPE=sat
export SMARTD_FAILTYPE=Health SMARTD_MESSAGE='Device: /dev/sda, FAILED'
export SMARTD_DEVICEINFO='[X, S/N:1, WWN:1]' SMARTD_TFIRST=now
export SMARTD_TFIRSTEPOCH=1 SMARTD_PREVCNT=0 SMARTD_NEXTDAYS=1
export SMARTD_SUBJECT='SMART error (Health) detected on host: box'
export SMARTD_FULLMESSAGE=x
/usr/share/smartmontools/smartd_warning.sh
""")
    assert code == 0, out
    message, = got(box)
    complete(message)
    assert "SMART error (Health)" in subject(message)
    assert "Device: /dev/sda, FAILED" in message.get_payload()


@needs("monit")
def test_monit(box, tmp_path):
    """It speaks SMTP itself."""
    rc = tmp_path / "monitrc"
    rc.write_text(
        f"set daemon 1\nset mailserver 127.0.0.1 port {box.port['smtp']}\n"
        f"set idfile {tmp_path}/id\nset statefile {tmp_path}/state\n"
        f"set pidfile {tmp_path}/pid\n"
        "set mail-format { from: Monit <alice@a.test>\n subject: $EVENT }\n"
        "set alert bob@a.test\n"
        "check file gone with path /no/such/file\n")
    rc.chmod(0o600)
    p = subprocess.Popen(["monit", "-c", rc, "-I"], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: box.messages("bob"), 20)
    finally:
        p.terminate()
        p.wait(10)
    complete(email.message_from_bytes(box.messages("bob")[0].read_bytes()))


@needs("git")
@pytest.mark.parametrize("how", ["--sendmail-cmd={} sendmail",
                                 "--smtp-server={dir}/sendmail"])
def test_git_send_email_by_sendmail(box, tmp_path, how):
    if not os.path.exists("/usr/lib/git-core/git-send-email"):
        pytest.skip("no git-email")
    (tmp_path / "sendmail").symlink_to(os.path.realpath(BIN))
    env = dict(box.env(), HOME=str(tmp_path), GIT_CONFIG_NOSYSTEM="1",
               GIT_AUTHOR_NAME="Älice", GIT_AUTHOR_EMAIL="alice@a.test",
               GIT_COMMITTER_NAME="Älice", GIT_COMMITTER_EMAIL="alice@a.test")
    run("git", "init", "-q", tmp_path)
    (tmp_path / "file").write_text("grüße\n.\nFrom here\n")
    for argv in (["add", "file"], ["commit", "-qm", "Änderung\n\n.\nFrom x"]):
        run("git", "-C", tmp_path, *argv, env=env)
    run("git", "-C", tmp_path, "send-email", "--quiet", "--confirm=never",
        how.format(shlex.quote(BIN), dir=tmp_path), "--from=alice@a.test",
        "--to=bob@a.test", "--cc=alice@a.test", "--bcc=bob@a.test",
        "--suppress-cc=all", "--envelope-sender=alice@a.test",
        "--8bit-encoding=UTF-8", "-1", env=env)
    message, = got(box)
    assert got(box, "alice") and message["Bcc"] is None
    assert message["Return-Path"] == "<alice@a.test>"
    assert "+From here\n" in message.get_payload(decode=True).decode()


# As OpenWrt's scripts call it (attendedsysupgrade, mwan3's user script, ddns).
@pytest.mark.parametrize("call,text", [
    ("sendmail -f root@a.test bob@a.test", "Subject: wan down\n\nx\n"),
    ("sendmail -t -f root", "To: bob@a.test\nSubject: wan down\n\nx\n"),
    ("sendmail -S ignored bob@a.test", None),
    ("sendmail bob@a.test", "From: OpenWrt\nTo: bob@a.test\n"
     "Subject: wan down\n\nx\n")])
def test_openwrt_scripts(box, call, text):
    p = box.run(*call.split(), input=text or "", check=text is not None)
    if text is None:
        # BusyBox's -S HOST is no option of sendmail: told, not guessed
        assert p.returncode == 64 and "-S" in p.stderr
        return
    message, = got(box)
    complete(message)
    assert message["Subject"] == "wan down"
