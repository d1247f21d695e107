"""Postfix, Exim and OpenSMTPD of Debian, configured to exchange mail with us.

Each has the user bob of b.test and e.test. Mail for a.test it sends to our
port 25 with STARTTLS when offered, all other mail to our port 587, where it
logs in as alice. From this machine it takes mail for everybody.
"""

import os
import shutil
import socketserver
import subprocess
import threading

import pytest

import peers_root
from peers_run import Peer, postfix_folders

CERT, KEY = "/etc/peer.pem", "/etc/peer.key"


class Greylist(socketserver.ThreadingTCPServer):
    """A policy server of Postfix: grey@ must try again, once."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Policy)
        self.port, self.deferred = self.server_address[1], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Policy(socketserver.StreamRequestHandler):
    def handle(self):
        asked = {}
        for line in self.rfile:
            key, _, value = line.decode().rstrip("\n").partition("=")
            asked[key] = value
            if key:
                continue
            action = "dunno"
            if asked["recipient"].startswith("bob+grey") and \
                    not self.server.deferred:
                self.server.deferred += 1
                action = "defer Greylisted, see you later"
            self.wfile.write(f"action={action}\n\n".encode())


class MailPeer(Peer):
    logins = True           # knows bob's password
    tls = "starttls"        # what a smarthost line can say

    def know(self, ports, cert):
        """Our ports of smtp and submission; its own (certificate, key)."""
        self.ours, self.cert = ports, cert
        return self

    def configure(self):
        for source, target in zip(self.cert, (CERT, KEY)):
            copy = self.root / target[1:]
            shutil.copy(source, copy)
            copy.chmod(0o600 if target == KEY else 0o644)
        self.configure_more()

    def mail(self):
        return [p.read_bytes() for p in sorted(
            self.new.iterdir(), key=lambda p: p.stat().st_mtime_ns)]


class Postfix(MailPeer):
    name = "Postfix"
    package = "postfix"
    more = ("libsasl2-modules",)
    spool = "/var/spool/postfix"
    logins = False          # needs a daemon more

    def configure_more(self):
        etc = self.root / "etc/postfix"
        postfix_folders(self)
        self.grey = Greylist()
        (etc / "transport").write_text(
            f"a.test smtp:[127.0.0.1]:{self.ours['smtp']}\n")
        (etc / "password").write_text(
            f"[127.0.0.1]:{self.ours['submission']} alice@a.test:alice-pw\n")
        (etc / "main.cf").write_text(
            "compatibility_level = 3.6\nmyhostname = peer.b.test\n"
            "mydestination = b.test, e.test\nmynetworks = 127.0.0.0/8\n"
            "inet_protocols = ipv4\nalias_maps =\nhome_mailbox = Maildir/\n"
            "recipient_delimiter = +\nmaillog_file = /var/log/mail.log\n"
            "smtpd_tls_security_level = may\nsmtpd_tls_received_header = yes\n"
            "queue_run_delay = 1s\nminimal_backoff_time = 1s\n"
            f"smtpd_tls_cert_file = {CERT}\nsmtpd_tls_key_file = {KEY}\n"
            "smtpd_recipient_restrictions = check_policy_service "
            f"inet:127.0.0.1:{self.grey.port}, permit_mynetworks, "
            "reject_unauth_destination\n"
            "transport_maps = texthash:/etc/postfix/transport\n"
            f"relayhost = [127.0.0.1]:{self.ours['submission']}\n"
            "smtp_tls_security_level = encrypt\n"
            "smtp_sasl_auth_enable = yes\n"
            "smtp_sasl_security_options = noanonymous\n"
            "smtp_sasl_password_maps = texthash:/etc/postfix/password\n")

    def command(self):
        return ["/usr/lib/postfix/sbin/master", "-d"]


class Exim(MailPeer):
    name = "Exim"
    package = "exim4-daemon-light"
    spool = "/var/spool/exim4"
    conf = """
primary_hostname = peer.b.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
exim_path = /usr/sbin/exim4
domainlist local = b.test : e.test
dsn_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept domains = +local
    endpass
    verify = recipient
  accept hosts = 127.0.0.1
begin routers
mx:
  driver = manualroute
  domains = a.test
  transport = mx
  route_list = * 127.0.0.1
  self = send
smart:
  driver = manualroute
  domains = ! +local
  transport = smart
  route_list = * 127.0.0.1
  self = send
local:
  driver = accept
  domains = +local
  check_local_user
  transport = maildir
begin transports
mx:
  driver = smtp
  port = {smtp}
  allow_localhost
  hosts_try_dane =
smart:
  driver = smtp
  port = {submission}
  allow_localhost
  hosts_try_dane =
  hosts_require_tls = *
  hosts_require_auth = *
maildir:
  driver = appendfile
  directory = $home/Maildir
  maildir_format
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^alice@a.test^alice-pw
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{bob}}}}{{eq{{$auth3}}{{secret}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{bob}}}}{{eq{{$auth2}}{{secret}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""

    def configure_more(self):
        import peers_root
        etc = self.root / "etc/exim4"
        etc.mkdir(exist_ok=True)
        (etc / "exim4.conf").write_text(self.conf.format(
            port=self.port, cert=CERT, key=KEY, **self.ours))
        owner = peers_root.USERS["Debian-exim"]
        shutil.chown(self.root / KEY[1:], owner, owner)
        log = self.root / "var/log/exim4"
        shutil.rmtree(log, ignore_errors=True)
        log.mkdir()
        for folder in (log, self.work / "spool"):
            shutil.chown(folder, owner, owner)

    def command(self):
        return ["/usr/sbin/exim4", "-bdf", "-q1s"]


class OpenSMTPD(MailPeer):
    name = "OpenSMTPD"
    # Debian's, with OpenSSL 3, cannot sign in a handshake (its issues 1171,
    # 1239): it offers TLS, and mail must come in the clear
    tls = "may"
    logins = False
    package = "opensmtpd"
    spool = "/var/spool/smtpd"

    def configure_more(self):
        etc = self.root / "etc"
        (etc / "secrets").write_text("us alice@a.test:alice-pw\n")
        (etc / "smtpd.conf").write_text(
            f'pki peer cert "{CERT}"\npki peer key "{KEY}"\n'
            "table secrets file:/etc/secrets\n"
            f"listen on 127.0.0.1 port {self.port} tls pki peer\n"
            'action "local" maildir\n'
            'action "mx" relay host smtp://127.0.0.1:'
            f'{self.ours["smtp"]} helo peer.b.test\n'
            'action "smart" relay host smtp+tls://us@127.0.0.1:'
            f'{self.ours["submission"]} auth <secrets> tls no-verify '
            'helo peer.b.test\n'
            'match from any for domain { "b.test" "e.test" } action "local"\n'
            + "".join(f'match from {source} for domain "a.test" action "mx"\n'
                      f'match from {source} for any action "smart"\n'
                      for source in ("local", "src 127.0.0.0/8")))
        (etc / "mailname").write_text("peer.b.test\n")
        (self.root / "var/lib/opensmtpd/empty").mkdir(parents=True,
                                                      exist_ok=True)
        (self.work / "spool").chmod(0o711)

    def command(self):
        return ["/usr/sbin/smtpd", "-d"]


PEERS = [Postfix, Exim, OpenSMTPD]


def open_peer(kind, tmp_path_factory):
    """A server of this kind and (certificate, key), in a folder of their own;
    skips where it cannot run."""
    if os.geteuid():
        pytest.skip("needs root for chroot and namespaces")
    if os.environ.get("INTEROP") != "all" and \
            not peers_root.has(kind.package, kind.more):
        pytest.skip("make check-interop")
    work = tmp_path_factory.mktemp("peer")
    for folder in (work, *work.parents[:2]):
        folder.chmod(0o755)
    cert, key = work / "c.pem", work / "k.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost"],
                   check=True, capture_output=True)
    return kind(work), (cert, key)
