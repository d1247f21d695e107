"""What other programs write we read, and the other way round: mutt, s-nail,
procmail, maildrop, mpop, getmail, Python, Dovecot.
"""

import mailbox
import os
import pathlib
import re
import shutil
import subprocess

import pexpect
import pytest

import dovecot
import driver
from instance import Instance
from messages import ident_of, text_of

FORMS = ["maildir", "mbox"]
ENV = dict(os.environ, TERM="vt100", LANG="C.UTF-8", MAIL="/dev/null")
# of mboxrd the programs know nothing: their own messages have no From lines
THEIRS = ["p-1", "p-2", "p-3"]


@pytest.fixture
def box(open_path):
    """make(form, name): an empty mailbox."""
    def make(form, name="box"):
        path = open_path / name
        if form == "maildir":
            for sub in ("new", "cur", "tmp"):
                (path / sub).mkdir(parents=True)
        else:
            path.touch(0o600)
        return path
    return make


def drive(*argv):
    return subprocess.run([str(a) for a in (driver.build(), *argv)],
                          check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def ours(path, form):
    """ID: flags of all that we find; drive checks that each is whole."""
    return {line.split()[0]: line.split()[1]
            for line in drive(path, form, "list").splitlines()}


def pythons(path, form):
    kind = mailbox.Maildir if form == "maildir" else mailbox.mbox
    reader = kind(path, create=False)
    return {ident_of(reader.get_bytes(key), form == "mbox", True):
            reader[key].get_flags() for key in reader.keys()}


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def run(*argv, status=0, **kw):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60, env=ENV, **kw)
    assert p.returncode == status, p.stdout
    return p.stdout


# --- who delivers

def procmail(path, form, tmp_path, text):
    rc = tmp_path / "procmailrc"
    end = "/" if form == "maildir" else ""
    rc.write_text(f"MAILDIR={tmp_path}\nDEFAULT={path}{end}\n"
                  f"LOCKFILE={path}.lock\nVERBOSE=no\n")
    if form == "maildir":
        rc.write_text(rc.read_text().replace("LOCKFILE", "X"))
    run("procmail", "-f", "a@b.test", "-m", rc, input=text)


def maildrop(path, form, tmp_path, text):
    rc = tmp_path / "mailfilter"
    rc.write_text(f'to "{path}"\n')
    rc.chmod(0o600)
    run("maildrop", rc, input=text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("program", [procmail, maildrop])
def test_deliveries(box, tmp_path, program, form):
    """Between ours, so that each begins where the other has ended."""
    need(program.__name__)
    path = box(form)
    for n, ident in enumerate(THEIRS):
        drive(path, form, "add", f"a-{n}")
        program(path, form, tmp_path, text_of(ident))
    drive(path, form, "add", "a-last")
    found = ours(path, form)
    assert set(found) == {"a-0", "a-1", "a-2", "a-last", *THEIRS}
    drive(path, form, "remove", "p-2")
    drive(path, form, "flag", "a-1")
    program(path, form, tmp_path, text_of("p-4"))
    assert set(ours(path, form)) == {"a-0", "a-1", "a-2", "a-last", "p-1",
                                     "p-3", "p-4"}
    assert set(pythons(path, form)) == set(ours(path, form))


# --- who reads and files

def s_nail(source, target, tmp_path):
    kind = "maildir://" if target.is_dir() else ""
    return run("s-nail", "-n", "-Snewmail=nopoll", "-Skeep", "-f", source,
               input=f"copy * {kind}{target}\ndelete 2\nflag 1\nquit\n".encode())


def mutt(source, target, tmp_path):
    rc = tmp_path / "muttrc"
    form = "Maildir" if target.is_dir() else "mbox"
    rc.write_text(f"set mbox_type={form} confirmappend=no confirmcreate=no\n"
                  "set quit=yes delete=yes move=no wait_key=no mark_old=no\n"
                  "set mail_check=0 save_empty=yes sort=mailbox-order\n")
    keys = (f"<tag-pattern>~A<enter><tag-prefix><copy-message>{target}<enter>"
            # a Maildir's order is the directory's: by their headers
            "<untag-pattern>~A<enter><limit>~h p-1<enter><flag-message>"
            "<limit>all<enter><delete-pattern>~h p-2<enter><quit>")
    child = pexpect.spawn("mutt", ["-n", "-F", str(rc), "-f", str(source),
                                   "-e", f"push '{keys}'"], env=ENV,
                          timeout=30, dimensions=(30, 100))
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("program", [s_nail, mutt])
def test_mail_programs(box, tmp_path, program, form):
    """All is copied to another mailbox, one flagged, one removed."""
    need(program.__name__.replace("_", "-"))
    source, target = box(form), box(form, "target")
    for ident in THEIRS:
        drive(source, form, "add", ident)
    drive(source, form, "flag", "p-3")
    drive(target, form, "add", "a-before")
    said = program(source, target, tmp_path)
    assert set(ours(target, form)) == {"a-before", *THEIRS}, said
    left = ours(source, form)
    assert set(left) == {"p-1", "p-3"}
    assert "S" in left["p-3"] and "F" in left["p-3"] and "F" in left["p-1"]
    drive(target, form, "add", "a-behind")
    drive(target, form, "remove", "p-2")
    assert set(pythons(target, form)) == {"a-before", "a-behind", "p-1", "p-3"}


# --- who fetches by POP3 and files

@pytest.fixture(scope="module")
def server():
    with Instance(users=["bob"], extra="auth-without-tls yes\n") as i:
        yield i


def fill(server):
    for path in server.messages("bob"):
        path.unlink()
    for ident in THEIRS:
        drive(server.maildir("bob"), "maildir", "add", ident)


def mpop(server, path, form, tmp_path):
    rc = tmp_path / "mpoprc"
    rc.write_text(f"account default\nhost 127.0.0.1\nport {server.port['pop3']}"
                  "\nuser bob@a.test\npassword bob-pw\ntls off\nauth user\n"
                  f"keep off\nuidls_file {tmp_path}/uidls\n"
                  f"delivery {form} {path}\n")
    rc.chmod(0o600)
    run("mpop", "-C", rc)


def getmail(server, path, form, tmp_path):
    kind, end = ("Maildir", "/") if form == "maildir" else ("Mboxrd", "")
    (tmp_path / "getmailrc").write_text(
        f"[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\n"
        f"port = {server.port['pop3']}\nusername = bob@a.test\n"
        f"password = bob-pw\n[destination]\ntype = {kind}\npath = {path}{end}\n"
        "[options]\ndelete = true\ndelivered_to = false\nreceived = false\n")
    (tmp_path / "state").mkdir(exist_ok=True)
    become = []
    if os.geteuid() == 0:       # as whom it refuses
        uid, gid = dovecot.account()
        dovecot.own(tmp_path)
        become = ["setpriv", f"--reuid={uid}", f"--regid={gid}",
                  "--clear-groups"]
    run(*become, "getmail", "--getmaildir", tmp_path, "-r", tmp_path / "getmailrc")


def fetchmail(server, path, form, tmp_path):
    need("procmail")
    rc = tmp_path / "fetchmailrc"
    end = "/" if form == "maildir" else ""
    (tmp_path / "pm").write_text(f"DEFAULT={path}{end}\n")
    rc.write_text(f'poll 127.0.0.1 port {server.port["pop3"]} proto pop3 user '
                  f'"bob@a.test" pass "bob-pw" mda "procmail -f a@b.test '
                  f'-m {tmp_path}/pm" nokeep fetchall sslproto ""\n')
    rc.chmod(0o600)
    run("fetchmail", "-f", rc, "--pidfile", tmp_path / "pid", "-i",
        tmp_path / "ids", "--invisible")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("program", [mpop, getmail, fetchmail])
def test_fetched(server, box, open_path, program, form):
    need(program.__name__)
    fill(server)
    path = box(form)
    drive(path, form, "add", "a-before")
    program(server, path, form, open_path)
    assert set(ours(path, form)) == {"a-before", *THEIRS}
    assert not server.messages("bob")
    drive(path, form, "add", "a-behind")
    drive(path, form, "remove", "p-1")
    assert set(pythons(path, form)) == {"a-before", "a-behind", "p-2", "p-3"}


def test_curl(server):
    need("curl")
    fill(server)
    got = run("curl", "-s", "-u", "bob@a.test:bob-pw",
              f"pop3://127.0.0.1:{server.port['pop3']}/1")
    assert ident_of(got) == "p-1"


# --- Dovecot: flags, keywords, folders

def test_flags_of_dovecot(open_path):
    path = open_path / "box"
    for sub in ("new", "cur", "tmp"):
        (path / sub).mkdir(parents=True)
    for ident in THEIRS:
        drive(path, "maildir", "add", ident)
    drive(path, "maildir", "flag", "p-1")
    dovecot.own(path)
    with dovecot.Dovecot(open_path / "d", f"maildir:{path}:INDEX=MEMORY") as d:
        with d.folder() as i:
            _, data = i.fetch("1", "(FLAGS RFC822.SIZE)")
            assert re.search(rb"FLAGS \(\\Flagged \\Seen", data[0])
            i.store("2", "+FLAGS", "(\\Seen \\Draft $Forwarded work)")
            i.store("3", "+FLAGS", "(\\Answered \\Deleted)")
            i.create("Lists.Entw&APw-rfe")
            i.copy("1", "Lists.Entw&APw-rfe")
        assert ours(path, "maildir") == {"p-1": "S-F", "p-2": "S--",
                                         "p-3": "-R-"}
        # what only Dovecot knows stays when we change a flag
        drive(path, "maildir", "flag", "p-2")
        folder = path / ".Lists.Entw&APw-rfe"
        assert (folder / "maildirfolder").exists()
        assert list(ours(folder, "maildir")) == ["p-1"]
        dovecot.own(path)
        with d.folder() as i:
            _, data = i.fetch("2", "(FLAGS)")
            assert set(re.search(rb"\((\\.*)\)\)", data[0])[1].split()) == {
                b"\\Seen", b"\\Draft", b"\\Flagged", b"$Forwarded", b"work"}
        assert not d.bad()
