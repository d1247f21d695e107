"""Dovecot of the machine on one user's mailbox, as the account `mail`."""

import contextlib
import imaplib
import os
import poplib
import pwd
import re
import shutil
import smtplib
import subprocess

import pytest

from instance import free_port, wait_for, wait_port

OWNER = "mail"
CONF = """
base_dir = {work}/run
state_dir = {work}/state
log_path = {work}/log
protocols = pop3 imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
auth_username_format = %Ln
mail_location = {location}
mail_plugins = {plugins}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={work}/home allow_all_users=yes
}}
{more}
"""


def account():
    """uid and gid. Skips where Dovecot cannot be run for it."""
    if not shutil.which("dovecot"):
        pytest.skip("Dovecot is not installed")
    if os.geteuid():
        pytest.skip("only root starts Dovecot and becomes another account")
    user = pwd.getpwnam(OWNER)
    return user.pw_uid, user.pw_gid


def own(folder):
    """The folder and what is in it belong to the account."""
    uid, gid = account()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


class Dovecot:
    def __init__(self, work, location, plugins="", more=""):
        uid, gid = account()
        self.work, self.pop3, self.imap = work, free_port(), free_port()
        (work / "home").mkdir(parents=True)
        own(work / "home")
        (work / "conf").write_text(CONF.format(
            work=work, location=location, uid=uid, gid=gid, more=more,
            plugins=plugins, pop3=self.pop3, imap=self.imap))
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.work / "conf")],
            stdin=subprocess.DEVNULL)
        wait_port(self.pop3)
        wait_port(self.imap)
        wait_for((self.work / "run" / "lmtp").exists)
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print(self.log()[-6000:])
        self.process.terminate()
        self.process.wait(30)

    def log(self):
        path = self.work / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def bad(self):
        """What it has found wrong with the mailbox."""
        return [line for line in self.log().splitlines()
                if re.search("Error:|Panic|Fatal|Warning:.*(orrupt|broken)",
                             line)]

    def deliver(self, *texts, user="bob"):
        """By LMTP; the answer's code for each."""
        with smtplib.LMTP(str(self.work / "run" / "lmtp")) as s:
            return [self.deliver_one(s, text, user) for text in texts]

    def deliver_one(self, s, text, user):
        s.ehlo_or_helo_if_needed()
        s.mail("a@b.test")
        s.rcpt(user)
        return s.data(text.replace(b"\n", b"\r\n"))

    @contextlib.contextmanager
    def pop(self, user="bob"):
        p = poplib.POP3("127.0.0.1", self.pop3, timeout=60)
        p.user(user)
        p.pass_("secret")
        yield p
        p.quit()

    @contextlib.contextmanager
    def folder(self, name="INBOX", user="bob"):
        i = imaplib.IMAP4("127.0.0.1", self.imap, timeout=60)
        i.login(user, "secret")
        kind, _ = i.select(name)
        assert kind == "OK"
        yield i
        i.logout()
