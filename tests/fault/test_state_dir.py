"""Folders that are not as they should be: on FAT, missing, read-only."""

import os
import pathlib
import poplib
import smtplib
import subprocess

import pytest

from instance import BIN, Instance

HERE = pathlib.Path(__file__).resolve().parent


def send(i):
    with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=20) as s:
        s.sendmail("alice@a.test", ["bob@a.test"], "Subject: x\r\n\r\nHi.\r\n")


def uids(i):
    p = poplib.POP3("127.0.0.1", i.port["pop3"], timeout=20)
    p.user("bob@a.test")
    p.pass_("bob-pw")
    got = p.uidl()[1]
    p.quit()
    return got


def test_names_without_colons(tmp_path):
    """Where the file system refuses them, ;2, stands for :2, and it is told."""
    fat = tmp_path / "fat.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", fat, HERE / "fat.c",
                    "-ldl"], check=True)
    with Instance(extra="auth-without-tls yes\n",
                  wrapper=["env", f"LD_PRELOAD={fat}"]) as i:
        assert "no colon in file names" in i.log()
        send(i)
        i.wait_messages("bob", 1)
        before = uids(i)
        env = i.env() | {"LD_PRELOAD": str(fat), "HOME": str(tmp_path)}
        p = subprocess.run([BIN, "mail", "-u", "bob@a.test"], input="1\nq\n",
                           text=True, env=env, stdout=subprocess.PIPE,
                           timeout=20, check=True)
        assert "Hi." in p.stdout
        name = i.messages("bob")[0]
        assert name.parent.name == "cur" and name.name.endswith(";2,S")
        assert uids(i) == before
        p = subprocess.run([BIN, "mail", "-Hu", "bob@a.test"], text=True,
                           env=env, stdout=subprocess.PIPE, timeout=20)
        assert p.stdout[1] != "N", p.stdout


def test_it_is_not_told_elsewhere():
    with Instance() as i:
        assert "no colon" not in i.log()


@pytest.mark.parametrize("folder", ["state-dir", "spool-dir", "mail-dir"])
def test_a_missing_folder_is_made(folder, tmp_path):
    with Instance(users=(), omit=[folder],
                  extra=f"{folder} {tmp_path}/not/there\n") as i:
        i.run("mailuser", "add", "bob@a.test", input="bob-pw\n")
        send(i)
        name = tmp_path / "not" / "there"
        assert name.is_dir() and os.stat(name).st_mode & 0o002 == 0


def refused(folder, daemon):
    """What the daemon says; not even root writes below /proc."""
    i = Instance(users=(), start=False, omit=[folder],
                 extra=f"{folder} /proc/pillarbox\n")
    p = subprocess.Popen([BIN, daemon, "-f", "-C", str(i.conf)], text=True,
                         stderr=subprocess.PIPE)
    try:
        line = p.stderr.readline()
        assert "/proc/pillarbox: " in line, line
        return p.wait(5) if daemon != "authd" else p.poll()
    finally:
        p.kill()
        p.wait()
        i.close()


def test_a_read_only_spool_or_mail_dir_ends_the_daemon():
    assert refused("spool-dir", "queue")
    assert refused("mail-dir", "deliver")


def test_a_read_only_state_dir_is_told_and_logins_go_on():
    assert refused("state-dir", "authd") is None
