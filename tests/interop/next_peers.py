"""Next hops of Debian: one Postfix with many ports, each with other offers;
Dovecot, which knows its passwords and takes mail by LMTP; postgrey.
"""

import os
import shutil
import socket

import peers_root
from mail_peers import CERT, KEY, MailPeer
from peers_run import Peer, dovecot_folders, postfix_folders, quiet_port

AUTH = ("smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=yes",
        "smtpd_tls_security_level=encrypt", "mynetworks=192.0.2.1",
        "smtpd_recipient_restrictions=permit_sasl_authenticated,reject")
NO = "smtpd_discard_ehlo_keywords="
# port: what its smtpd has beside main.cf
PORTS = {
    "old": (NO + "8bitmime,chunking,smtputf8,dsn",),
    "slow": (NO + "pipelining",),
    "small": ("message_size_limit=20000",),
    "grey": ("smtpd_recipient_restrictions=check_policy_service "
             "inet:127.0.0.1:{grey},permit_mynetworks,reject",),
    "scram": AUTH,
    "plain": (*AUTH, "smtpd_sasl_mechanism_filter=plain"),
    "login": (*AUTH, "smtpd_sasl_mechanism_filter=login"),
    "smtps": (*AUTH[:2], "smtpd_tls_wrappermode=yes", *AUTH[3:]),
}


class NextPostfix(MailPeer):
    name = "Postfix-next"
    package = "postfix"
    more = ("libsasl2-modules",)
    spool = "/var/spool/postfix"

    def __init__(self, work):
        super().__init__(work)
        self.ports = {name: quiet_port() for name in PORTS}

    def beside(self, dovecot, grey, cert):
        self.dovecot, self.grey, self.cert = dovecot, grey, cert
        return self

    def configure_more(self):
        etc = self.root / "etc/postfix"
        postfix_folders(self)
        domains = " ".join(f"{name}.test" for name in ("b", *PORTS))
        (etc / "main.cf").write_text(
            "compatibility_level = 3.6\nmyhostname = peer.b.test\n"
            f"mydestination = {domains}\nmynetworks = 127.0.0.0/8\n"
            "inet_protocols = ipv4\nalias_maps =\nhome_mailbox = Maildir/\n"
            "recipient_delimiter = +\nmaillog_file = /var/log/mail.log\n"
            "smtpd_tls_security_level = may\nsmtpd_tls_received_header = yes\n"
            f"smtpd_tls_cert_file = {CERT}\nsmtpd_tls_key_file = {KEY}\n"
            "smtpd_tls_loglevel = 1\nsmtpd_sasl_type = dovecot\n"
            f"smtpd_sasl_path = inet:127.0.0.1:{self.dovecot.auth}\n"
            "smtpd_sasl_authenticated_header = yes\n"
            "message_size_limit = 4000000\nmailbox_size_limit = 0\n"
            "smtpd_error_sleep_time = 0\nsmtpd_soft_error_limit = 100\n"
            "smtpd_hard_error_limit = 200\n"
            "smtpd_recipient_restrictions = permit_mynetworks, reject\n"
            "relayhost = [127.0.0.1]:" + str(self.back) + "\n")
        with (etc / "master.cf").open("a") as f:
            for name, options in PORTS.items():
                f.write(f"127.0.0.1:{self.ports[name]} inet n - n - - smtpd\n")
                for option in options:
                    key, value = option.format(grey=self.grey.port).split(
                        "=", 1)
                    f.write(f"  -o {{ {key} = {value} }}\n")
        (self.root / "var/log/mail.log").unlink(missing_ok=True)

    def log(self):
        path = self.root / "var/log/mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def command(self):
        return ["/usr/lib/postfix/sbin/master", "-d"]


class NextDovecot(Peer):
    """bob's password is secret. full has no room left: over TCP that is the
    answer to RCPT, over the socket the one to the text.
    """
    name = "Dovecot-next"
    package = "dovecot-core"
    more = ("dovecot-lmtpd",)

    def beside(self, cert):
        self.cert, self.auth = cert, quiet_port()
        self.lmtp = self.work / "mail" / "lmtp"
        return self

    def configure(self):
        etc = dovecot_folders(self)
        for user in ("full", "carol"):
            (self.work / "mail" / user).mkdir()
            os.chown(self.work / "mail" / user, 2001, 2001)
        (etc / "users").write_text(
            "bob:{PLAIN}secret:2001:2001::/mail/bob::\n"
            "carol:{PLAIN}secret:2001:2001::/mail/carol::\n"
            "full:{PLAIN}secret:2001:2001::/mail/full::"
            "userdb_quota_rule=*:bytes=100\n")
        (etc / "dovecot.conf").write_text(f"""
protocols = lmtp
listen = 127.0.0.1
log_path = /dev/stderr
auth_mechanisms = plain login scram-sha-256
auth_failure_delay = 0
auth_verbose = yes
auth_username_format = %Ln
recipient_delimiter = +
ssl = yes
ssl_cert = </etc/dovecot/cert.pem
ssl_key = </etc/dovecot/key.pem
passdb {{
  driver = passwd-file
  args = /etc/dovecot/users
}}
userdb {{
  driver = passwd-file
  args = /etc/dovecot/users
}}
mail_location = maildir:~/Maildir
mail_plugins = quota
first_valid_uid = 100
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = 0
}}
local 127.0.0.1 {{
  lmtp_rcpt_check_quota = yes
}}
service lmtp {{
  unix_listener /mail/lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.port}
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {self.auth}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
""")

    def command(self):
        return ["/usr/sbin/dovecot", "-F"]

    def mail(self, user="bob"):
        return [p.read_bytes() for p in sorted(
            (self.work / "mail" / user / "Maildir" / "new").glob("*"))]


class Postgrey(Peer):
    name = "postgrey"
    package = "postgrey"
    more = ("perl",)

    def configure(self):
        data = self.root / "var/lib/postgrey"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        peers_root.USERS["postgrey"] = 2109
        peers_root.accounts(self.root)
        os.chown(data, 2109, 2109)

    def command(self):
        return ["/usr/sbin/postgrey", f"--inet=127.0.0.1:{self.port}",
                "--delay=2", "--dbdir=/var/lib/postgrey"]

    def greets(self):
        assert self.process.poll() is None, self.said()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
            return True
        except OSError:
            return False
