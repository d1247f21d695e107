"""Debian's slapd and mariadbd, started for a test below a folder of its own."""

import os
import pathlib
import poplib
import base64
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

import pytest

from instance import free_port, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "abuse"))
from strangers import Stranger  # noqa: E402


def plain(inst, user, password, service="submission", client="127.0.0.9"):
    """What AUTH PLAIN is answered."""
    with Stranger(inst, client, service) as s:
        s.say("EHLO x.example")
        return s.say("AUTH PLAIN " + base64.b64encode(
            f"\0{user}\0{password}".encode()).decode())


def pop(inst, user, password):
    """Messages in the mailbox, or what was said instead."""
    p = poplib.POP3("127.0.0.1", inst.port["pop3"], timeout=30)
    try:
        p.user(user)
        p.pass_(password)
        return p.stat()[0]
    except poplib.error_proto as e:
        return e.args[0].decode()
    finally:
        p.close()


def rcpt(inst, address, client="127.0.0.9"):
    """The code that smtpd answers a stranger's RCPT with."""
    with Stranger(inst, client) as s:
        s.say("EHLO x.example")
        s.say("MAIL FROM:<x@y.example>")
        return s.say(f"RCPT TO:<{address}>")[:3]


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            pytest.skip(f"{program} is not installed")


def secret(folder, text):
    """A file that only its owner reads."""
    path = pathlib.Path(folder) / f"secret-{abs(hash(text))}"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


class Server:
    """What both have: a folder, a process, stopping and starting."""
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ds"))
        self.port = free_port()
        self.process = None

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: self.process.poll() is not None or self.is_up(),
                     60, 0.1)
            assert self.process.poll() is None
        except AssertionError:
            print((self.dir / "log").read_text()[-3000:])
            raise

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def make_certificate(folder, *names):
    """ca.pem, and cert.pem and key.pem that it signed for these names."""
    san = ",".join(names)
    run = lambda *argv: subprocess.run(  # noqa: E731
        ["openssl", *argv], check=True, cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out",
        "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", "key.pem", "-out", "req.pem", "-subj", "/CN=x")
    (folder / "ext").write_text(f"subjectAltName={san}\n")
    run("x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "cert.pem")


SLAPD = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/pid
{tls}
database mdb
suffix "dc=a,dc=test"
rootdn "cn=admin,dc=a,dc=test"
rootpw admin-pw
directory {dir}/db
maxsize 1073741824
dbnosync
index objectClass eq
index mail eq
index uid eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=a,dc=test" read by anonymous auth
"""

ROOT = """dn: dc=a,dc=test
objectClass: domain
dc: a

dn: ou=people,dc=a,dc=test
objectClass: organizationalUnit
ou: people

dn: cn=reader,dc=a,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader-pw
"""


def person(uid, password=None, mail=None, **more):
    """One entry of LDIF."""
    lines = [f"dn: uid={uid},ou=people,dc=a,dc=test",
             "objectClass: inetOrgPerson", f"uid: {uid}", f"cn: {uid}",
             f"sn: {uid}"]
    lines += [f"mail: {m}" for m in mail or [f"{uid}@a.test"]]
    lines += [f"{k}: {v}" for k, v in more.items()]
    if password:
        lines.append(f"userPassword: {password}")
    return "\n".join(lines) + "\n"


class Slapd(Server):
    """*people: what person() gives."""
    def __init__(self, *people, tls=(), host="127.0.0.1"):
        need("slapd", "slapadd")
        super().__init__()
        self.host = host
        (self.dir / "db").mkdir()
        if tls:
            make_certificate(self.dir, *tls)
        (self.dir / "conf").write_text(SLAPD.format(dir=self.dir, tls="".join(
            f"TLS{k} {self.dir}/{v}\n" for k, v in (
                ("CACertificateFile", "ca.pem"), ("CertificateFile", "cert.pem"),
                ("CertificateKeyFile", "key.pem"))) if tls else ""))
        (self.dir / "ldif").write_text("\n".join([ROOT, *people]))
        subprocess.run(["/usr/sbin/slapadd", "-q", "-f", self.dir / "conf",
                        "-l", self.dir / "ldif"], check=True)
        self.socket = "ldapi://" + urllib.parse.quote(f"{self.dir}/sock", "")
        self.tls_port = free_port()
        self.uri = f"ldap://{host}:{self.port}"
        self.tls_uri = f"ldaps://{host}:{self.tls_port}"
        self.is_tls = bool(tls)
        self.start()

    def command(self):
        uris = [self.uri, self.socket] + [self.tls_uri] * self.is_tls
        return ["/usr/sbin/slapd", "-d", "0", "-h", " ".join(uris), "-f",
                str(self.dir / "conf")]

    def is_up(self):
        return subprocess.run(
            ["ldapsearch", "-x", "-H", self.uri, "-b", "", "-s", "base"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode == 0

    def directives(self, *uris, more=""):
        """For the configuration of an Instance."""
        return (f"ldap-server {' '.join(uris or [self.uri])}\n"
                "ldap-base ou=people,dc=a,dc=test\n"
                "ldap-user cn=reader,dc=a,dc=test\n"
                f"ldap-password-file {secret(self.dir, 'reader-pw')}\n"
                "auth-without-tls yes\ntarpit 0\ndirectory-timeout 1s\n"
                "ldap-attributes name=mail mailbox=employeeType "
                "quota=roomNumber\n" + more)


class Mariadb(Server):
    """rows: of the table users (address, password, name, mailbox, quota)."""
    def __init__(self, rows, tls=(), host="127.0.0.1"):
        need("mariadbd", "mariadb-install-db", "mariadb")
        super().__init__()
        self.host, self.tls = host, tls
        self.socket = f"{self.dir}/sock"
        if tls:
            make_certificate(self.dir, *tls)
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.dir}/db",
             "--auth-root-authentication-method=normal", "--skip-test-db",
             f"--user={self.me()}"], check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.start()
        self.sql("CREATE DATABASE mail; USE mail;"
                 "CREATE TABLE users (address VARCHAR(255) PRIMARY KEY,"
                 " password TEXT, name TEXT, mailbox TEXT, quota BIGINT)"
                 " CHARACTER SET utf8mb4;"
                 "CREATE USER reader IDENTIFIED BY 'reader-pw';"
                 "GRANT SELECT ON mail.* TO reader;")
        self.add(rows)

    @staticmethod
    def me():
        return subprocess.check_output(["id", "-un"], text=True).strip()

    def command(self):
        return ["/usr/sbin/mariadbd", "--no-defaults", f"--user={self.me()}",
                f"--datadir={self.dir}/db", f"--socket={self.socket}",
                f"--port={self.port}", f"--bind-address={self.host}",
                f"--pid-file={self.dir}/pid", "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=32M"] + [
                    f"--ssl-{k}={self.dir}/{v}" for k, v in (
                        ("ca", "ca.pem"), ("cert", "cert.pem"),
                        ("key", "key.pem")) if self.tls]

    def is_up(self):
        return subprocess.run(
            ["mariadb-admin", "--no-defaults", "-S", self.socket, "-u", "root",
             "ping"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode == 0

    def sql(self, text):
        return subprocess.run(
            ["mariadb", "--no-defaults", "-S", self.socket, "-u", "root",
             "-N"], input=text, text=True, check=True,
            stdout=subprocess.PIPE).stdout

    def add(self, rows):
        def literal(v):
            return "NULL" if v is None else "'" + str(v).replace(
                "\\", "\\\\").replace("'", "''") + "'"
        self.sql("USE mail; START TRANSACTION;" + "".join(
            "INSERT INTO users VALUES (%s);" % ",".join(
                map(literal, (*row, *[None] * (5 - len(row)))))
            for row in rows) + "COMMIT;")

    def directives(self, *servers, more="", query="SELECT password, name, "
                   "mailbox, quota FROM users WHERE address = %u"):
        return (f"mysql-server {' '.join(servers or [self.socket])}\n"
                "mysql-database mail\nmysql-user reader\n"
                f'mysql-query "{query}"\n'
                f"mysql-password-file {secret(self.dir, 'reader-pw')}\n"
                "auth-without-tls yes\ntarpit 0\ndirectory-timeout 1s\n"
                + more)

    @property
    def tcp(self):
        return f"{self.host}:{self.port}"
