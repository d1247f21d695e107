"""The Debian package: units, manual pages, scripts, and the package itself.

The test of the units is this file run again as root in name spaces of its own
(see inside()): there /etc, /var, /run and /home are private, and each daemon
runs with the users, rights, folders and network that its unit gives it.
"""

import grp
import os
import pathlib
import poplib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "board-profiles" / "debian"
UNITS = DEBIAN / "systemd"
BIN = pathlib.Path(os.environ.get("PILLARBOX", ROOT / "build" / "pillarbox"))
DAEMONS = ("authd", "deliver", "queue", "smtpd", "pop3d")
SHELL = ("build", "manpages", "pillarbox.postinst", "pillarbox.postrm")
MOST = 19		# tenths: below 2.0


def run(*argv, **kw):
    kw.setdefault("check", True)
    return subprocess.run([str(a) for a in argv], text=True, timeout=1200,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **kw)


# -- units ------------------------------------------------------------------


def score(unit):
    p = run("systemd-analyze", "security", "--offline=true", "--no-pager",
            f"--threshold={MOST}", unit, check=False)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", p.stdout)
    assert level, p.stdout
    return float(level[1]), p.returncode


@pytest.mark.parametrize("unit", sorted(u.name for u in UNITS.glob("*.service")))
def test_exposure_is_below_2(unit):
    level, code = score(UNITS / unit)
    assert level < 2.0 and code == 0, f"{unit}: {level}"


def test_exposure_shows_what_is_missing(tmp_path):
    """The same unit without the common part is not taken for a good one."""
    shutil.copy(UNITS / "pillarbox-smtpd.service", tmp_path)
    level, code = score(tmp_path / "pillarbox-smtpd.service")
    assert level > 2.0 and code != 0


def test_a_network_for_authd_costs_little(tmp_path):
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    unit = tmp_path / "pillarbox-authd.service"
    folder = tmp_path / f"{unit.name}.d"
    folder.mkdir()
    shutil.copy(DEBIAN / "directory.conf", folder)
    assert score(UNITS / unit.name)[0] < score(unit)[0] <= 2.0


def test_units_are_understood():
    """No directive is unknown, no value is wrong; only the programs are not here."""
    p = run("systemd-analyze", "verify", "--man=no",
            *sorted(UNITS.glob("*.service")), check=False)
    said = [l for l in p.stdout.splitlines()
            if UNITS.name in l or "pillarbox" in l]
    assert [l for l in said if "is not executable" not in l] == []
    assert any("/usr/libexec/pillarbox/smtpd" in l for l in said), p.stdout


def test_one_unit_for_each_daemon():
    whole = (UNITS / "pillarbox.service").read_text()
    for daemon in DAEMONS:
        text = (UNITS / f"pillarbox-{daemon}.service").read_text()
        assert f"ExecStart=/usr/libexec/pillarbox/{daemon}\n" in text
        assert f"pillarbox-{daemon}.service" in whole


# -- units at work ------------------------------------------------------------


def test_daemons_work_with_the_rights_of_their_units(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    p = run("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc",
            "--kill-child", sys.executable, __file__, BIN, tmp_path,
            check=False)
    print(p.stdout)
    assert p.returncode == 0, p.stdout[-4000:]


def unit_settings(name, *more):
    """Directive -> list of its values, of the common part, the unit, more."""
    found = {}
    for path in (UNITS / "pillarbox-.service.d" / "hardening.conf", UNITS / name,
                 *more):
        for line in path.read_text().splitlines():
            key, eq, value = line.partition("=")
            if eq and not line.startswith("#"):
                found.setdefault(key, []).append(value.strip())
    return found


def words(settings, key):
    return " ".join(settings.get(key, [])).split()


def capabilities(names):
    return ",".join(["-all"] + ["+" + n.removeprefix("CAP_").lower()
                                for n in names])


class Unit:
    """A daemon as its unit has it: the same users, rights and folders."""

    def __init__(self, daemon, bin_dir, folder, *more):
        s = self.settings = unit_settings(f"pillarbox-{daemon}.service", *more)
        self.trace = folder / f"{daemon}.trace"
        self.log = folder / f"{daemon}.log"
        user = (s.get("User") or ["root"])[0]
        # initgroups(3) and SupplementaryGroups=, as systemd does it
        groups = ",".join([user, *words(s, "SupplementaryGroups")])
        mounts = ["mount -o remount,bind,ro /"]
        assert s["ProtectSystem"] == ["strict"]
        for path in ["/etc", "/var", "/run", "/home"]:
            mounts.append(f"mount -o remount,bind,ro {path}")
        mounts.append("mount -t tmpfs tmpfs /tmp")
        writable = [p.lstrip("-") for p in words(s, "ReadWritePaths")]
        mounts += [f"mount --bind {p} {p}; mount -o remount,bind,rw {p}"
                   for p in writable]
        mounts += [f"if [ -d {p} ]; then mount -t tmpfs -o ro,mode=000 tmpfs {p};"
                   f" elif [ -e {p} ]; then install -m 0 /dev/null /tmp/none;"
                   f" mount --bind /tmp/none {p}; fi" for p in
                   (p.lstrip("-") for p in words(s, "InaccessiblePaths"))]
        if s.get("ProtectHome") == ["yes"]:
            mounts.append("mount -t tmpfs -o ro,mode=000 tmpfs /home")
        for name in words(s, "RuntimeDirectory"):
            run("install", "-d", "-m", s["RuntimeDirectoryMode"][0], f"/run/{name}")
            mounts.append(f"mount --bind /run/{name} /run/{name};"
                          f" mount -o remount,bind,rw /run/{name}")
        net = ["--net"] if s.get("PrivateNetwork", ["no"])[-1] == "yes" else []
        ambient = capabilities(words(s, "AmbientCapabilities"))
        keep = capabilities(words(s, "CapabilityBoundingSet"))
        change = ["setpriv", f"--reuid={user}", f"--regid={user}",
                  f"--groups={groups}", f"--bounding-set={keep}",
                  f"--inh-caps={ambient}", f"--ambient-caps={ambient}",
                  "--no-new-privs"]
        script = ("set -e; umask " + s["UMask"][0] + "; "
                  + "; ".join(mounts) + '; exec "$@"')
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["strace", "-f", "-qq", "-o", str(self.trace),
                 "unshare", "--mount", *net, "--", "sh", "-c", script, "sh",
                 *change, str(bin_dir / daemon), "-f"],
                stdout=log, stderr=log)

    def ready(self, daemon):
        return f"{daemon}: ready" in self.log.read_text()

    def stop(self):
        for line in run("pgrep", "-P", self.process.pid).stdout.split():
            os.kill(int(line), 15)
        assert self.process.wait(40) == 0, self.log.read_text()

    def calls(self, daemon):
        """System calls from the daemon's own execve on."""
        names, begun = {}, False
        for line in self.trace.read_text(errors="replace").splitlines():
            begun = begun or f'/{daemon}", ["' in line
            m = re.match(r"\d+ +([a-z0-9_]+)\((.*)", line)
            if begun and m:
                names.setdefault(m[1], m[2])
        return names


def allowed_calls(settings):
    """What SystemCallFilter lets through: groups resolved by systemd itself."""
    def members(name):
        found = set()
        if not name.startswith("@"):
            return {name}
        for line in run("systemd-analyze", "syscall-filter",
                        name).stdout.splitlines()[1:]:
            word = line.strip().split(" ")[0]
            if word and not word.startswith("#"):
                found |= members(word) if word.startswith("@") else {word}
        return found

    calls = set()
    for value in settings["SystemCallFilter"]:
        for word in value.lstrip("~").split():
            if value.startswith("~"):
                calls -= members(word)
            else:
                calls |= members(word)
    return calls


def private_machine(folder):
    """Users, folders and configuration as the package makes them."""
    for path in ("/etc", "/var", "/run", "/home"):
        copy = folder / path[1:]
        if path == "/etc":
            shutil.copytree(path, copy, symlinks=True,
                            ignore_dangling_symlinks=True)
        else:
            copy.mkdir()
        run("mount", "--bind", copy, path)
    for name, add in (("passwd", "pillarbox:x:801:801::/:/bin/false\n"
                                 "alice:x:802:802::/home/alice:/bin/sh\n"),
                      ("group", "pillarbox:x:801:\nalice:x:802:\n"
                                "ssl-cert:x:803:\n")):
        path = pathlib.Path("/etc", name)
        path.write_text("".join(l for l in path.read_text().splitlines(True)
                                if not re.match("pillarbox:|alice:|ssl-cert:", l))
                        + add)
    word = run("openssl", "passwd", "-6", "alice-pw").stdout.strip()
    shadow = pathlib.Path("/etc/shadow")
    shadow.write_text(f"alice:{word}:19000:0:99999:7:::\n")
    run("chown", "root:shadow", shadow)
    run("chmod", "640", shadow)
    # base-files has these two
    for path, mode, group in (("/var/mail", "2775", "mail"), ("/tmp", "1777", "root")):
        run("install", "-d", "-m", mode, "-g", group, path)
    run("install", "-d", "-o", "alice", "/home/alice")
    for path in ("/var/spool", "/var/lib"):
        pathlib.Path(path).mkdir()
    for line in (DEBIAN / "pillarbox.tmpfiles").read_text().splitlines():
        if line.startswith("d "):
            _, path, mode, user, group = line.split()[:5]
            run("install", "-d", "-m", mode, "-o", user, "-g", group, path)
        elif line.startswith("f "):
            _, path, mode, user, group = line.split()[:5]
            run("install", "-m", mode, "-o", user, "-g", group, "/dev/null", path)
    certificate()
    run("ip", "link", "set", "lo", "up")


def certificate():
    run("install", "-d", "-m", "755", "/etc/ssl/certs")
    run("install", "-d", "-m", "710", "-g", "ssl-cert", "/etc/ssl/private")
    key, cert = (re.search(rf"^{word}\s+(\S+)", (DEBIAN / "pillarbox.conf")
                           .read_text(), re.M)[1] for word in ("tls-key", "tls-cert"))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=box.a.test",
        "-days", "9", "-keyout", key, "-out", cert)
    run("chown", "root:ssl-cert", key)
    run("chmod", "640", key)


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def inside(binary, folder):
    run("mount", "--make-rprivate", "/")
    private_machine(folder)
    bin_dir = pathlib.Path("/run/bin")
    bin_dir.mkdir()
    shutil.copy(binary, bin_dir / "pillarbox")
    for name in (*DAEMONS, "sendmail", "mailuser", "mailq", "mailconf"):
        (bin_dir / name).symlink_to("pillarbox")
    # the package's own, and what an administrator would open in it
    text = (DEBIAN / "pillarbox.conf").read_text()
    text = text.replace("listen      pop3s none", "listen      pop3s 127.0.0.1:995")
    text = text.replace("listen      smtps none", "listen      smtps 127.0.0.1:465")
    assert "127.0.0.1:995" in text and "127.0.0.1:465" in text
    pathlib.Path("/etc/pillarbox.conf").write_text(
        text + "hostname box.a.test\ndomain a.test\nnameserver 127.0.0.9\n"
        "alias-timeout 3s\n")
    tool = lambda name, *a, **kw: run(bin_dir / name, *a, **kw)
    tool("mailuser", "add", "bob@a.test", input="bob-pw\n")
    slapd = directory()
    units = {d: Unit(d, bin_dir, folder, *[DEBIAN / "directory.conf"]
                     * (d == "authd" and slapd is not None)) for d in DAEMONS}
    try:
        until(lambda: all(u.ready(d) for d, u in units.items()))
        use(tool)
        use_commands(tool)
        if slapd:
            use_directory(tool)
    except BaseException:
        for d, u in units.items():
            print(f"--- {d}\n{u.log.read_text()}")
        raise
    for d, u in units.items():
        u.stop()
        used, allowed = u.calls(d), allowed_calls(u.settings)
        assert "execve" in used and len(used) > 20, (d, used)
        refused = {c: used[c] for c in used.keys() - allowed}
        assert refused == {}, (d, refused)
        families = {f for f in ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK")
                    for line in u.trace.read_text().splitlines()
                    if f"socket({f}," in line}
        if d == "authd":  # glibc sorts a server's addresses without it, too
            families.discard("AF_NETLINK")
        assert families <= set(words(u.settings, "RestrictAddressFamilies")), d
    print("all daemons did their work")


def directory():
    """A slapd on this machine's network, which authd's unit does not show."""
    if not shutil.which("slapd", path="/usr/sbin"):
        return None
    for folder in ("users", "."):
        sys.path.insert(0, str(ROOT / "tests" / folder))
    from directory import Slapd, person
    slapd = Slapd(person("dora", "dora-pw", mail=["dora@a.test"]))
    password = pathlib.Path("/etc/pillarbox/ldap.password")
    password.parent.mkdir(exist_ok=True)
    password.write_text("reader-pw\n")
    password.chmod(0o600)
    text = re.sub(r"(?m)^(ldap-password-file) .*", rf"\1 {password}",
                  slapd.directives())
    group = pathlib.Path("/etc/group")
    if not re.search("(?m)^sasl:", group.read_text()):
        group.write_text(group.read_text() + "sasl:x:804:\n")
    with open("/etc/pillarbox.conf", "a") as f:
        f.write(text + "saslauthd-socket /run/pillarbox-sasl/mux\n"
                "saslauthd-group sasl\n")
    return slapd


def use_directory(tool):
    """Its user gets mail, fetches it, and logs in by our saslauthd's socket."""
    tool("sendmail", "dora@a.test", input="Subject: x\n\nfirst\n")
    new = pathlib.Path("/var/lib/pillarbox/mail/a.test/dora/new")
    until(lambda: new.is_dir() and len(list(new.iterdir())) == 1)
    assert b"first" in b"".join(pop("dora@a.test", "dora-pw"))
    mux = os.stat("/run/pillarbox-sasl/mux")
    assert mux.st_gid == grp.getgrnam("sasl").gr_gid
    for password, code in (("dora-pw", 0), ("wrong", 255)):
        p = run("testsaslauthd", "-f", "/run/pillarbox-sasl/mux", "-u",
                "dora@a.test", "-p", password, check=False)
        assert p.returncode == code, p.stdout


def use_commands(tool):
    """deliver becomes alice for what her .forward and .vacation say."""
    home = pathlib.Path("/home/alice")
    pid = home / "pid"
    for name, text in ((".forward", '\\alice, "|cat >got"\n'
                        f'"|echo $$ >{pid}; exec sleep 600"\n'),
                       (".vacation", "Subject: Away\n\nAway.\n")):
        (home / name).write_text(text)
        (home / name).chmod(0o644)
        shutil.chown(home / name, "alice", "alice")
    tool("sendmail", "-f", "bob@a.test", "alice@a.test",
         input="To: alice@a.test\nSubject: four\n\nfourth\n")
    until(lambda: (home / "got").exists() and "fourth" in
          (home / "got").read_text())
    assert (home / "got").stat().st_uid == 802
    until(lambda: "fourth" in pathlib.Path("/var/mail/alice").read_text())
    # the answer, and the command that took too long and was ended
    new = pathlib.Path("/var/lib/pillarbox/mail/a.test/bob/new")
    until(lambda: any("Subject: Away" in f.read_text() for f in new.iterdir()))
    until(lambda: pid.exists() and pid.read_text())
    until(lambda: not pathlib.Path("/proc", pid.read_text().strip()).exists())


def use(tool):
    """Mail by each way in, to each kind of user, and out again by POP3."""
    mbox = pathlib.Path("/var/mail/alice")
    maildir = pathlib.Path("/var/lib/pillarbox/mail/a.test/bob/new")
    # a user of this machine, by the local socket; the journal of a change
    # that was cut off, in her home, is looked for there
    run("setpriv", "--reuid=alice", "--regid=alice", "--clear-groups",
        "/run/bin/sendmail", "alice", "bob@a.test",
        input="Subject: one\n\nfirst\n")
    until(lambda: mbox.exists() and "first" in mbox.read_text())
    until(lambda: maildir.is_dir() and len(list(maildir.iterdir())) == 1)
    assert mbox.stat().st_uid == 802 and mbox.stat().st_mode & 0o007 == 0
    # by SMTP on 25 from a stranger, and by 465 with a system user's password
    curl = ["curl", "-sSk", "--max-time", "20", "--mail-from", "alice@a.test"]
    mail = "Subject: two\r\n\r\nsecond\r\n"
    run(*curl, "smtp://127.0.0.1:25", "--mail-rcpt", "alice@a.test", "-T", "-",
        input=mail)
    run(*curl, "smtps://127.0.0.1:465", "-u", "alice:alice-pw", "--mail-rcpt",
        "bob@a.test", "-T", "-", input=mail)
    until(lambda: "second" in mbox.read_text())
    until(lambda: len(list(maildir.iterdir())) == 2)
    # root's own sendmail, to somebody who is not here: it goes out and waits
    tool("sendmail", "carol@b.test", input="Subject: three\n\nthird\n")
    until(lambda: "carol@b.test" in tool("mailq").stdout)
    # both kinds of user fetch and delete
    for login, password in (("alice", "alice-pw"), ("bob@a.test", "bob-pw")):
        got = pop(login, password, delete=True)
        assert b"first" in b"".join(got), (got, sorted(map(str, maildir.iterdir())))
        left = pop(login, password)
        assert b"second" in b"".join(left) and b"first" not in b"".join(left)


def pop(login, password, delete=False):
    """The first message; the others stay."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    box = poplib.POP3_SSL("127.0.0.1", 995, timeout=20, context=tls)
    box.user(login)
    box.pass_(password)
    lines = box.retr(1)[1]
    if delete:
        box.dele(1)
    box.quit()
    return lines


# -- manual pages ---------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """All applets' pages, from a fresh gen folder with all of them on."""
    out = tmp_path_factory.mktemp("pages")
    (out / ".config").write_text((DEBIAN / "kconfig").read_text())
    run("make", "-s", f"O={out}", f"{out}/gen/config.mk", cwd=ROOT,
        env={k: v for k, v in os.environ.items()
             if k not in ("MAKEFLAGS", "O", "KCONFIG_CONFIG")})
    run("sh", DEBIAN / "manpages", out / "gen", out / "man", "smtpd", "mail")
    return out


def test_each_command_has_a_page(pages):
    mk = (pages / "gen" / "applets.mk").read_text()
    commands = set(re.findall(r"^links-\S+ \+= \S*/(\S+)$", mk, re.M)) - {"hello"}
    have = {p.stem for p in (pages / "man").iterdir()}
    named = {"pillarbox-" + c if c in ("smtpd", "mail") else c for c in commands}
    assert len(commands) > 12
    assert have == named | {"pillarbox", "pillarbox.conf"}


def test_pages_say_what_help_says(pages):
    listed = run(BIN, "--list").stdout.split()
    letters = lambda text: re.sub(r"[^a-z]", "", re.sub(
        r"usage:|.\x08", "", text).lower())
    compared = 0
    for page in (pages / "man").glob("*.[18]"):
        name = page.stem.removeprefix("pillarbox-")
        if name not in listed:
            continue
        shown = letters(run("man", "-l", page,
                            env=dict(os.environ, MANWIDTH="200")).stdout)
        for line in run(BIN, name, "--help").stdout.splitlines():
            assert letters(line) in shown, (page.name, line)
        compared += 1
    assert compared >= 12


def roff_warnings(page):
    p = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ="", MANWIDTH="80"))
    return p.stderr


def test_pages_are_good_roff(pages):
    for page in (pages / "man").iterdir():
        assert roff_warnings(page) == "", page.name
        assert run("lexgrog", page).stdout.count(" - ") == 1, page.name


def test_roff_is_warned_of(tmp_path):
    """What the test above would see."""
    (tmp_path / "x.1").write_text(".TH X 1\n.SH NAME\nx \\- y\n.XX\n")
    assert "XX" in roff_warnings(tmp_path / "x.1")


# -- the rest ---------------------------------------------------------------------


def test_scripts():
    run("shellcheck", *(DEBIAN / s for s in SHELL))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
@pytest.mark.parametrize("mail", (
    "", "/var/spool/pillarbox/msg/x", "/var/spool/pillarbox/damaged/x",
    "/var/lib/pillarbox/mail/a.test/bob/new/x"))
def test_purge_leaves_mail_and_nothing_else(mail):
    """After the daemons ran: their folders go, unless one holds mail."""
    p = run("unshare", "--mount", "sh", "-euc", f"""
        for f in /var/spool /var/lib /run /etc; do mount -t tmpfs t $f; done
        mkdir -p /var/spool/pillarbox/msg /var/spool/pillarbox/tmp \
            /var/spool/pillarbox/damaged /var/lib/pillarbox/queue \
            /var/lib/pillarbox/mail /run/pillarbox /etc/pillarbox/oauth \
            /var/spool/pillarbox/spare
        touch /var/spool/pillarbox/spare/7
        touch /var/spool/pillarbox/lock /var/lib/pillarbox/authd.secret
        [ -z "{mail}" ] || {{ mkdir -p "$(dirname {mail})"; touch {mail}; }}
        sh {DEBIAN}/pillarbox.postrm remove
        [ -d /etc/pillarbox/oauth ]
        sh {DEBIAN}/pillarbox.postrm purge
        find /var/spool /var/lib /run /etc -path "*pillarbox*" """)
    left = p.stdout.split()
    assert [f for f in left if not mail.startswith(f)] == []
    assert (mail in left) == bool(mail)


def test_version_is_the_makefiles():
    version = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    assert (DEBIAN / "changelog").read_text().startswith(f"pillarbox ({version}) ")


def test_copyright_has_the_licence():
    flat = lambda t: " ".join(t.replace("\n .\n", "\n").split())
    licence = (ROOT / "LICENSE").read_text().split("\n", 4)[4]
    assert flat(licence) in flat((DEBIAN / "copyright").read_text())


def test_symbols_of_the_configuration_exist(pages):
    known = set(re.findall(r"^config (\S+)", (ROOT / "Kconfig").read_text() + (
        pages / "gen" / "applets.kconfig").read_text(), re.M))
    named = set(re.findall(r"^CONFIG_(\S+)=", (DEBIAN / "kconfig").read_text(), re.M))
    assert named and named <= known


def test_configuration_is_taken():
    p = run(BIN, "mailconf", "-C", DEBIAN / "pillarbox.conf", "--get", "listen")
    assert p.stdout == "smtp 127.0.0.1:25\n"


# What system files of other packages say, by Debian's bsd-mailx and s-nail.
OTHERS = ["""set ask askcc append dot save crt
ignore Received Message-Id Resent-Message-Id Status Mail-From Return-Path Via
""", """set autocollapse hold keep keepsave showname emptystart
set indentprefix="> " followup-to-honour=ask-yes reply-to-honour=ask-yes
set mime-counter-evidence=0b1111 history-gabby=all
set sendcharsets=utf-8,iso-8859-1
retain date sender from to cc subject message-id mail-followup-to reply-to
"""]


def test_start_up_files_of_others_are_read(tmp_path):
    """/etc/mail.rc is bsd-mailx's: nothing in it is an error for us."""
    box = tmp_path / "box"
    box.write_text("From a@a.test Sat Nov 28 07:00:00 2026\n"
                   "Message-ID: <1@a.test>\nVia: y\nFrom: a@a.test\n"
                   "Subject: a disk\n\nfull\n")
    installed = [pathlib.Path("/etc/mail.rc"), pathlib.Path("/etc/s-nail.rc")]
    texts = OTHERS + [p.read_text() for p in installed if p.exists()]
    for text in texts + ["nonsense a b\n"]:
        (tmp_path / "rc").write_text(text)
        (tmp_path / "conf").write_text(f"mail-rc {tmp_path}/rc\n")
        p = run(BIN, "mail", "-R", "-N", "-f", box, input="type 1\n",
                env=dict(os.environ, PILLARBOX_CONF=str(tmp_path / "conf"),
                         HOME=str(tmp_path), LC_ALL="C"), check=False)
        assert "Subject: a disk\n\nfull\n" in p.stdout
        assert "Via:" not in p.stdout
        assert ("Message-ID:" in p.stdout) == ("retain" in text)
        assert ("nonsense" in text) == (f"{tmp_path}/rc" in p.stdout), p.stdout


def test_private_names_are_installed(pages):
    mk = (pages / "gen" / "applets.mk").read_text()
    rules = (DEBIAN / "rules").read_text().replace("\\\n", " ")
    private = re.search(r"^private = (.*)", rules, re.M)[1].split()
    assert set(private) <= set(re.findall(r"\+= (usr/\S+)$", mk, re.M))
    assert {f"usr/sbin/{d}" for d in DAEMONS} <= set(private)


# -- the package --------------------------------------------------------------------


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    """Built as a user builds it; lintian ends the build with its own error."""
    if not os.environ.get("PILLARBOX_SLOW"):
        pytest.skip("PILLARBOX_SLOW=1 builds the package: a minute or more")
    out = tmp_path_factory.mktemp("deb")
    p = run(DEBIAN / "build", out, check=False)
    assert p.returncode == 0, p.stdout[-6000:]
    print(p.stdout)
    found = [d for d in out.glob("pillarbox_*.deb")]
    assert len(found) == 1
    return found[0], p.stdout


def test_lintian_is_silent(deb):
    assert not re.search(r"^[EW]: ", deb[1], re.M), deb[1]


def test_contents(deb):
    names = run("dpkg-deb", "-c", deb[0]).stdout
    paths = {re.split(r" \./", l)[-1].split(" ->")[0] for l in names.splitlines()}
    for path in ("usr/bin/pillarbox", "usr/sbin/sendmail", "usr/lib/sendmail",
                 "usr/bin/mailq", "usr/bin/newaliases", "usr/sbin/maild",
                 "usr/sbin/mailuser", "usr/libexec/pillarbox/smtpd",
                 "usr/libexec/pillarbox/mail", "etc/pillarbox.conf",
                 "etc/init.d/pillarbox", "etc/profile.d/pillarbox.sh",
                 "usr/lib/sysusers.d/pillarbox.conf",
                 "usr/lib/tmpfiles.d/pillarbox.conf",
                 "lib/systemd/system/pillarbox-smtpd.service",
                 "lib/systemd/system/pillarbox-.service.d/hardening.conf",
                 "usr/share/man/man8/maild.8.gz",
                 "usr/share/man/man5/pillarbox.conf.5.gz"):
        assert path in paths, (path, sorted(paths))
    # mail.rc is a conffile of bsd-mailx
    for path in ("usr/sbin/smtpd", "usr/sbin/queue", "usr/bin/mail",
                 "etc/mail.rc"):
        assert path not in paths, path
    assert "rws" not in names and "rwxr-s" not in names


def test_control(deb):
    text = run("dpkg-deb", "-I", deb[0]).stdout
    for field in ("Provides", "Conflicts", "Replaces"):
        assert re.search(rf"^ {field}: .*mail-transport-agent", text, re.M), text
    assert re.search(r"^ Depends: .*libmbedtls", text, re.M), text
    assert run("dpkg-deb", "-f", deb[0], "Package").stdout == "pillarbox\n"


def test_binary_runs_and_is_hardened(deb, tmp_path):
    run("dpkg-deb", "-x", deb[0], tmp_path)
    binary = tmp_path / "usr/bin/pillarbox"
    assert "smtp\n" in run(binary, "--list").stdout
    assert "The name that this server gives" in run(
        tmp_path / "usr/sbin/mailconf", "--reference").stdout
    header = run("readelf", "-hdW", binary).stdout
    assert "DYN" in header and "BIND_NOW" in header
    assert "__stack_chk_fail" in run("readelf", "--dyn-syms", "-W", binary).stdout


if __name__ == "__main__":
    inside(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
