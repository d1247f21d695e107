"""The OpenWrt package: what can be run of it without OpenWrt.

Its scripts run in dash and BusyBox ash under stand-ins for procd and UCI
(openwrt_stubs.sh), its Makefile in GNU make under stand-ins for rules.mk and
package.mk (openwrt_sdk/), the LuCI page in node (openwrt_luci.js).
"""

import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile

import pytest

from instance import BIN, ROOT, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent
OPENWRT = ROOT / "board-profiles" / "openwrt"
PACKAGE = OPENWRT / "pillarbox"
LUCI = OPENWRT / "luci-app-pillarbox"
INIT = PACKAGE / "files" / "pillarbox.init"
HELPER = LUCI / "root/usr/libexec/pillarbox-luci"
VIEW = LUCI / "htdocs/luci-static/resources/view/pillarbox.js"
OWN_OPTIONS = {"enabled", "jail", "smarthost_password"}
DAEMONS = ["authd", "deliver", "queue", "smtpd", "pop3d"]

shells = pytest.mark.parametrize("shell", [["dash"], ["busybox", "ash"]],
                                 ids=["dash", "ash"])


def sh(*argv, check=True, **kw):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=60, **kw)
    assert not check or p.returncode == 0, (argv, p.stdout, p.stderr)
    return p


def make(*argv, **kw):
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "O")}
    return sh("make", "-s", *argv, env=env, **kw).stdout


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def uci(options, section="main"):
    """A UCI file; a list of values is a `list`."""
    out = f"config pillarbox '{section}'\n"
    for name, value in options.items():
        if isinstance(value, list):
            out += "".join(f"\tlist {name} {quoted(v)}\n" for v in value)
        else:
            out += f"\toption {name} {quoted(value)}\n"
    return out


class Router:
    """The init script's surroundings; `without` are links that are not there."""

    def __init__(self, shell, tmp, without=()):
        self.shell, self.dir = shell, tmp
        self.var, self.bin = tmp / "var", tmp / "bin"
        self.conf = self.var / "pillarbox.conf"
        self.secret = self.var / "pillarbox.secret"
        self.bin.mkdir()
        for name in sh(BIN, "--list").stdout.split():
            if name not in without:
                (self.bin / name).symlink_to(pathlib.Path(BIN).resolve())

    def init(self, options, command="start", check=True, wrapper=(), raw=None):
        """Runs the init script; gives procd's calls as lists of words."""
        # it makes folders, so never those of this machine
        if options.get("enabled") == "1":
            options = {**folders(self.dir), **options}
        (self.dir / "uci").write_text(raw or uci(options))
        record = self.dir / "record"
        record.write_text("")
        env = dict(os.environ, RECORD=str(record), BIN=str(self.bin),
                   UCI_FILE=str(self.dir / "uci"), VAR=str(self.var))
        self.last = sh(*wrapper, *self.shell, HERE / "openwrt_stubs.sh", INIT,
                       command, env=env, check=check)
        return [line.split("\t") for line in record.read_text().splitlines()]

    def get(self, name):
        return sh(BIN, "mailconf", "-C", self.conf, "--get",
                  name).stdout.rstrip("\n")


def instances(calls):
    """{daemon: {parameter: words}} of procd's calls."""
    found, now = {}, None
    for name, *args in calls:
        if name == "open_instance":
            now = found.setdefault(args[0], {})
        elif name == "close_instance":
            now = None
        elif now is not None and name == "set_param":
            now[args[0]] = args[1:]
        elif now is not None and name == "append_param":
            now[args[0]] = now[args[0]] + args[1:]
        elif now is not None:
            now.setdefault(name, []).extend(args)
    return found


def directives():
    """{name: default} of the binary; a computed default is in parentheses."""
    found = {}
    for line in sh(BIN, "mailconf", "--defaults").stdout.splitlines():
        m = re.match(r"#?([a-z][a-z-]*) (\S.*)$", line)
        if m:
            found.setdefault(m[1], m[2])
    assert len(found) > 30
    return found


@pytest.fixture
def tmp():
    # short: a unix socket's path holds 107 bytes
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pbw"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


# ---- Config.in

def test_config_in_is_what_the_generator_makes():
    made = sh(OPENWRT / "make-config-in").stdout
    assert made == (PACKAGE / "Config.in").read_text(), \
        "run board-profiles/openwrt/make-config-in >.../pillarbox/Config.in"


def expand(config, tmp):
    """{symbol: value} as our build understands this .config."""
    fragment = make("-C", ROOT, f"O={tmp}/o", "applets-kconfig").strip()
    sh("awk", "-v", "version=0", "-v", f"full={tmp}/full", "-f",
       ROOT / "config/expand.awk", ROOT / "Kconfig", fragment, config)
    lines = (tmp / "full").read_text().splitlines()
    return dict(re.match(r"CONFIG_(\w+)=(.*)", n).groups() for n in lines
                if n.startswith("CONFIG_"))


def openwrt_config(tmp, **chosen):
    """OpenWrt's .config with the package chosen and these symbols."""
    kconfiglib = pytest.importorskip("kconfiglib")
    (tmp / "Kconfig").write_text("config PACKAGE_pillarbox\n\tbool\n"
                                 f'\tdefault y\nsource "{PACKAGE}/Config.in"\n')
    k = kconfiglib.Kconfig(str(tmp / "Kconfig"), suppress_traceback=True)
    assert not k.warnings
    for name, value in chosen.items():
        assert k.syms["PILLARBOX_" + name].set_value(value)
    k.write_config(str(tmp / "dotconfig"))
    return tmp / "dotconfig"


def package_make(tmp, *targets, config=os.devnull, variant="full"):
    (tmp / "build").mkdir(exist_ok=True)
    return make("-C", PACKAGE, f"TOPDIR={HERE}/openwrt_sdk",
                f"CONFIG={config}", f"BUILD={tmp}/build",
                f"BUILD_VARIANT={variant}", f"DEST={tmp}/root", *targets)


@pytest.mark.parametrize("chosen", [{}, {"POP3D": "n", "MAIL": "n"},
                                    {"TLS": "n", "AUTHD": "n", "MAILUSER": "n",
                                     "SMTPD_GREYLIST": "n"}])
def test_the_menu_becomes_our_config(tmp, chosen):
    config = openwrt_config(tmp, **chosen)
    package_make(tmp, "configure", config=config)
    ours = expand(tmp / "build/.config", tmp)
    theirs = dict(re.findall(r"^CONFIG_PILLARBOX_(\w+)=(.*)$",
                             config.read_text(), re.M))
    assert ours == theirs
    for name, value in chosen.items():
        assert (name in ours) == (value == "y")
    assert ("LIB_SQLITE" in ours) == (chosen.get("AUTHD") != "n")


def test_the_full_variant_starts_what_procd_needs(tmp):
    package_make(tmp, "configure", config=openwrt_config(tmp))
    ours = expand(tmp / "build/.config", tmp)
    assert "MAILD" not in ours
    for name in [*DAEMONS, "mailconf", "smtp", "sendmail", "mailq"]:
        assert ours[name.upper()] == "y"


def test_the_send_only_variant_sends_only(tmp):
    profile = "board-profiles/send-only/defconfig"
    if not (ROOT / profile).exists():
        pytest.skip(f"no {profile}")
    (tmp / "build" / profile).parent.mkdir(parents=True)
    shutil.copy(ROOT / profile, tmp / "build" / profile)
    package_make(tmp, "configure", variant="send-only")
    ours = expand(tmp / "build/.config", tmp)
    for name in ("TLS", "SENDMAIL", "MAILQ", "QUEUE", "SMTP", "MAIL"):
        assert ours[name] == "y"
    for name in ("LIB_SQLITE", "SMTPD", "POP3D", "AUTHD", "MAILUSER"):
        assert name not in ours


# ---- the Makefile

def fields(tmp, package, **kw):
    out = package_make(tmp, f"show/{package}", **kw)
    return dict(line.split("=", 1) for line in out.splitlines())


def test_makefile_conventions(tmp):
    text = (PACKAGE / "Makefile").read_text()
    for name in ("pillarbox", "pillarbox-send-only"):
        assert f"$(eval $(call BuildPackage,{name}))\n" in text
        assert f"\ndefine Package/{name}\n" in text
    assert text.index("include $(TOPDIR)/rules.mk") < text.index("PKG_NAME")
    assert text.index("PKG_RELEASE") < text.index(
        "include $(INCLUDE_DIR)/package.mk") < text.index("\ndefine Package")
    version = re.search(r"^VERSION := (.*)$", (ROOT / "Makefile").read_text(),
                        re.M)[1]
    full = fields(tmp, "pillarbox", config=openwrt_config(tmp))
    assert full["PKG_VERSION"] == version
    assert full["PKG_BUILD_FLAGS"] == "gc-sections lto"
    symbols = re.findall(r"^config (\w+)", (PACKAGE / "Config.in").read_text(),
                         re.M)
    assert full["PKG_CONFIG_DEPENDS"].split() == [
        "CONFIG_" + s for s in symbols]
    assert len(symbols) > 15
    # lto needs an ar that knows it; our own -Werror is for our compilers
    assert "gcc-ar" in full["MAKE_FLAGS"]
    assert "WERROR=-Wno-error" in full["MAKE_FLAGS"]
    assert 'PKG_CONFIG="/staging/host/bin/pkg-config"' in full["MAKE_FLAGS"]


def test_two_variants(tmp):
    full = fields(tmp, "pillarbox", config=openwrt_config(tmp))
    small = fields(tmp, "pillarbox-send-only")
    assert (full["VARIANT"], small["VARIANT"]) == ("full", "send-only")
    assert full["DEFAULT_VARIANT"] == "1" and not small["DEFAULT_VARIANT"]
    assert full["CONFLICTS"] == "pillarbox-send-only"
    assert small["PROVIDES"] == "pillarbox"
    assert "libsqlite3" not in small["DEPENDS"]
    assert {"+libmbedtls", "+zlib", "+ca-bundle"} <= set(
        small["DEPENDS"].split())
    assert {"+PILLARBOX_LIB_SQLITE:libsqlite3", "+PILLARBOX_TLS:libmbedtls",
            "+PILLARBOX_AUTHD_LDAP:libopenldap",
            "+PILLARBOX_AUTHD_MYSQL:libmariadb",
            "+ca-bundle"} <= set(full["DEPENDS"].split())
    for f in (full, small):
        assert f["SECTION"] == "mail" and f["CATEGORY"] == "Mail"
        assert "/etc/config/pillarbox" in f["conffiles"].split()
        assert "200:/usr/sbin/sendmail:/usr/bin/pillarbox" in \
            f["ALTERNATIVES"].split()
    assert full["config"] == 'source "/Config.in"'
    # the accounts that the defaults of user-queue and user-store name
    known = directives()
    users = [u.split("=")[0] for u in full["USERID"].split()]
    assert users == [known["user-queue"], known["user-store"]]


@pytest.mark.parametrize("package", ["pillarbox", "pillarbox-send-only"])
def test_install(tmp, package):
    usr = tmp / "build/ipkg-install/usr"
    (usr / "bin").mkdir(parents=True)
    (usr / "sbin").mkdir()
    (usr / "bin/pillarbox").write_text("binary")
    for link in ("bin/mailq", "sbin/sendmail", "sbin/queue"):
        (usr / link).symlink_to("../bin/pillarbox")
    package_make(tmp, f"install/{package}")
    got = {str(p.relative_to(tmp / "root")): p
           for p in (tmp / "root").rglob("*") if p.is_symlink() or p.is_file()}
    assert sorted(got) == [
        "etc/config/pillarbox", "etc/hotplug.d/iface/90-pillarbox",
        "etc/init.d/pillarbox", "etc/pillarbox.conf",
        "etc/uci-defaults/50-pillarbox", "lib/upgrade/keep.d/pillarbox",
        "usr/bin/pillarbox", "usr/sbin/queue"]
    # the password may be in it
    assert stat.S_IMODE(got["etc/config/pillarbox"].stat().st_mode) == 0o600
    assert os.access(got["etc/init.d/pillarbox"], os.X_OK)
    assert os.readlink(got["etc/pillarbox.conf"]) == re.search(
        "^CONF=(.*)$", INIT.read_text(), re.M)[1]


def test_what_must_survive_is_in_the_keep_list():
    kept = (PACKAGE / "files/pillarbox.keep").read_text().split()
    text = (PACKAGE / "files/pillarbox.config").read_text()
    folders = dict(re.findall(r"option (\w+_dir) '(.*)'", text))
    # spill-dir has no default: who sets it says where it is kept
    assert set(folders) == {d.replace("-", "_") for d in directives()
                            if d.endswith("-dir") and d != "spill-dir"}
    assert folders.pop("run_dir").startswith("/var/")
    for folder in folders.values():
        assert any((folder + "/").startswith(k) for k in kept), folder
        assert not folder.startswith("/var/"), "/var is in RAM"


def test_shellcheck():
    assert shutil.which("shellcheck"), "apt-get install shellcheck"
    scripts = [INIT, HELPER, OPENWRT / "make-config-in",
               HERE / "openwrt_stubs.sh", *PACKAGE.glob("files/*.defaults"),
               *PACKAGE.glob("files/*.hotplug")]
    assert len(scripts) == 6
    sh("shellcheck", "-s", "dash", *scripts)


# ---- UCI becomes pillarbox.conf

# Values for directives whose default is not a value; some others differ, too.
SAMPLES = {
    "hostname": "mail.example.org", "domain": ["example.org", "example.net"],
    "relay-from": ["192.168.1.0/24", "2001:db8::/32"],
    "sender-any": "alice@example.org",
    "device": "192.168.1.1:2500 from=192.168.1.0/24 to=a@example.org rate=9/1m",
    "lmtp-from": "192.0.2.9", "lmtp-user": "postfix",
    "proxy-from": "192.0.2.7", "xclient-from": ["192.0.2.8", "2001:db8::8"],
    "smarthost": ["smtp.provider.example:465 tls user=me",
                  "smtp.example user=you from=@example.org"],
    "route": ["example.com smtp:[192.0.2.1]:25", "* smtp:mx.example"],
    "masquerade": ["root@router.lan me@example.org", "@lan @example.org"],
    "virtual": ["@example.net alice", "info@example.org alice@example.org"],
    "srs-domain": "example.org",
    "tls-policy": ["example.com verify name=mx.example.com",
                   ".example.net fingerprint=" + "d4" * 32, "* may"],
    "fallback-route": "smtp:[192.0.2.2]:25 after=1h",
    "nameserver": ["192.0.2.53", "[2001:db8::53]:53"],
    "tls-cert": "/etc/cert.pem", "tls-key": "/etc/key.pem",
    "listen": ["smtp *:2525", "pop3 none", "pop3s none"],
    "dnsbl": ["zen.example weight=2 codes=127.0.0.2", "ok.example weight=-1"],
    "relay-cert": ["a1" * 32, "b2" * 32],
    "tls-host": ["one.example.org /etc/1.pem /etc/1.key",
                 "*.example.net /etc/2.pem /etc/2.key"],
    "tls-ciphers": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                    "TLS_AES_128_GCM_SHA256"],
    "tls-min": "1.3", "tls-client-ca": "/etc/clients.pem",
    "tls-client": "require",
    "tls-client-user": ["c3" * 32 + " alice@example.org"],
    "milter": ["inet:127.0.0.1:8891 on=submission,local",
               "unix:/run/x/y timeout=1m default=accept"],
    "saslauthd": "/run/saslauthd/mux",
    "saslauthd-socket": "/run/x/mux", "saslauthd-group": "sasl",
    "auth-cache": "10",
    "ldap-server": ["ldaps://one.example.org",
                    "ldap://two.example.org:390"],
    "ldap-base": "ou=people,dc=example,dc=org",
    "ldap-filter": "uid=%n", "ldap-user": "cn=reader,dc=example,dc=org",
    "ldap-password-file": "/etc/pillarbox/ldap",
    "ldap-attributes": ["name=mail", "quota=mailQuota"],
    "mysql-server": ["/run/mysqld/mysqld.sock", "db.example.org:3307"],
    "mysql-database": "mail", "mysql-user": "reader",
    "mysql-query": '"SELECT password FROM users WHERE address = %u"',
    "mysql-password-file": "/etc/pillarbox/mysql",
    "directory-tls": "no", "directory-ca": "/etc/ca.pem",
    "directory-timeout": "2",
    "alerts": ["root@router.lan", "@cameras.lan"],
    "quiet-hours": "22:00-07:00",
    "alert-command": "/etc/pillarbox/alert",
    "outgoing-cap": "500/1d", "outgoing-cap-user": "100/1h",
    "ban-command": "/etc/pillarbox/ban",
    "greylist-exempt": ["192.0.2.0/24", "2001:db8:1::/48"],
    "spill-dir": "/srv/pillarbox/waits",
    "aliases": "none", "alias-user": "mail",
    "forward": "all", "vacation": "no", "detail-folder": "make",
    "deliver-command": "/etc/pillarbox/sort",
    "system-users": "no", "retry-first": "7m", "max-queue": "77",
}


@shells
def test_each_directive_is_an_option(shell, tmp):
    known = directives()
    options = {}
    for name, default in known.items():
        value = SAMPLES.get(name, default)
        assert value[0] != "(", f"{name}: no value for it in SAMPLES"
        options[name.replace("-", "_")] = value
    router = Router(shell, tmp)
    router.init(dict(options, smarthost_password="x"))
    lines = [n for n in router.conf.read_text().splitlines()
             if not n.startswith("#")]
    assert {n.split()[0] for n in lines} == set(known)
    for name in known:
        value = options[name.replace("-", "_")]
        got = [n.split(" ", 1)[1] for n in lines if n.split()[0] == name]
        if name == "smarthost":
            value = [f"{v} password-file={router.secret}" for v in value]
        assert got == (value if isinstance(value, list) else [value])
        # listen is told with the defaults; 30 comes back as 30s
        if name not in ("listen", "smarthost"):
            assert [re.sub(r"^(\d+)s$", r"\1", n)
                    for n in router.get(name).split("\n")] == got
    assert router.get("listen").split("\n")[0] == "smtp *:2525"
    assert "pop3" not in router.get("listen")


@shells
def test_an_option_that_is_no_directive_is_an_error(shell, tmp):
    router = Router(shell, tmp)
    calls = router.init({"enabled": "1", "max_foo": "1"}, check=False)
    assert router.last.returncode != 0 or not instances(calls)
    assert any(c[0] == "logger" and "max-foo" in c[-1] for c in calls)
    assert not router.conf.exists()


@shells
@pytest.mark.parametrize("password", [
    "Geheimnis", "with blanks", "%s$HOME`id`\\n", "it's \"quoted\"", "-n", "ä#ö"])
def test_the_password_is_in_a_file_of_its_own(shell, tmp, password):
    router = Router(shell, tmp)
    options = {"smarthost": "h.example user=me", "enabled": "1",
               "smarthost_password": password}
    router.init(options)
    assert router.secret.read_text() == password + "\n"
    assert stat.S_IMODE(router.secret.stat().st_mode) == 0o600
    assert password not in router.conf.read_text()
    assert stat.S_IMODE(router.conf.stat().st_mode) & 0o44 == 0o44
    assert router.get("smarthost").endswith(f"password-file={router.secret}")
    del options["smarthost_password"]
    options["smarthost"] = "h.example"
    router.init(options)
    assert not router.secret.exists()
    assert sorted(p.name for p in router.var.iterdir()) == ["pillarbox.conf"]


@shells
def test_the_password_is_on_no_command_line(shell, tmp):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    router = Router(shell, tmp)
    router.init({"smarthost": "h.example user=me", "enabled": "1",
                 "smarthost_password": "Geheimnis"},
                wrapper=["strace", "-f", "-s", "4096", "-v", "-e",
                         "trace=execve", "-o", tmp / "trace"])
    trace = (tmp / "trace").read_text()
    assert router.secret.read_text() == "Geheimnis\n"
    assert trace.count("execve(") > 3
    assert "Geheimnis" not in trace


@shells
def test_a_smarthost_with_its_own_password_file_keeps_it(shell, tmp):
    router = Router(shell, tmp)
    own = "h.example user=me password-file=/etc/own"
    router.init({"smarthost": own, "smarthost_password": "x"})
    assert f"smarthost {own}\n" in router.conf.read_text()
    router.init({"smarthost": "h.example", "smarthost_password": "x"})
    assert "smarthost h.example\n" in router.conf.read_text()


@shells
def test_a_value_of_two_lines_is_no_second_directive(shell, tmp):
    router = Router(shell, tmp)
    calls = router.init({"domain": "a.example\nrelay-from 0.0.0.0/1",
                         "hostname": "b.example"})
    assert "relay-from" not in router.conf.read_text()
    assert router.get("hostname") == "b.example"
    assert any(c[0] == "logger" for c in calls)


@shells
def test_other_sections_do_not_count(shell, tmp):
    router = Router(shell, tmp)
    router.init({}, raw=uci({"hostname": "x.example"}, "other")
                + uci({"hostname": "m.example"})
                + "config note 'main2'\n\toption hostname 'y.example'\n")
    assert router.get("hostname") == "m.example"


@shells
def test_a_wrong_configuration_replaces_nothing(shell, tmp):
    router = Router(shell, tmp)
    good = {"enabled": "1", "hostname": "m.example",
            "smarthost": "h.example user=me", "smarthost_password": "old"}
    router.init(good)
    before = router.conf.read_text()
    calls = router.init(dict(good, max_queue="none",
                             smarthost_password="new"), "reload")
    assert router.conf.read_text() == before
    assert router.secret.read_text() == "old\n"
    assert any(c[0] == "logger" and "max-queue" in c[-1] for c in calls)
    assert sorted(instances(calls)) == sorted(DAEMONS)


@shells
def test_the_configuration_as_shipped_is_accepted(shell, tmp):
    router = Router(shell, tmp)
    text = (PACKAGE / "files/pillarbox.config").read_text()
    assert instances(router.init({}, raw=text)) == {}
    assert router.get("state-dir") == "/etc/pillarbox"
    # and with what it has in comments
    text = re.sub(r"^(\t)#((?:option|list) )", r"\1\2", text, flags=re.M)
    router.init({}, raw=text)
    assert router.get("smarthost").startswith("smtp.provider.example:465 tls")
    assert router.secret.read_text() == "secret\n"


# ---- procd

@shells
def test_each_daemon_is_an_instance(shell, tmp):
    router = Router(shell, tmp)
    calls = router.init({"enabled": "1"})
    found = instances(calls)
    assert list(found) == DAEMONS
    for name, p in found.items():
        assert p["command"] == [str(router.bin / name), "-C", str(router.conf)]
        assert p["respawn"] == ["60", "10", "0"]
        assert {str(router.conf), str(router.secret),
                router.get("tls-cert")} <= set(p["file"])
        assert int(p["term_timeout"][0]) > 30
        assert "add_jail" not in p
    assert calls[0][0] == "open_service"
    assert ["add_reload_trigger", "pillarbox"] in calls
    assert len([c for c in calls if c[0] == "open_instance"]) == len(
        [c for c in calls if c[0] == "close_instance"])


@shells
def test_not_enabled_sendmail_still_knows_the_smarthost(shell, tmp):
    router = Router(shell, tmp)
    assert instances(router.init({"smarthost": "h.example"})) == {}
    assert router.get("smarthost").startswith("h.example")


@shells
def test_only_daemons_that_are_there_and_wanted(shell, tmp):
    router = Router(shell, tmp, without=["authd", "smtpd", "deliver"])
    options = {"enabled": "1", "listen": ["pop3 none", "pop3s none"]}
    assert list(instances(router.init(options))) == ["queue"]
    options["listen"] = ["pop3s none"]
    assert list(instances(router.init(options))) == ["queue", "pop3d"]


@shells
def test_without_mailconf_the_daemons_start_too(shell, tmp):
    router = Router(shell, tmp, without=["mailconf", "authd", "deliver",
                                         "smtpd", "pop3d"])
    found = instances(router.init({"enabled": "1", "jail": "1"}))
    assert "add_jail" not in found["queue"]
    assert found["queue"]["file"] == [str(router.conf), str(router.secret)]


def folders(tmp):
    return {f"{n}_dir": str(tmp / n)
            for n in ("spool", "state", "mail", "mbox", "run")}


@shells
def test_jails_show_what_a_daemon_needs(shell, tmp):
    router = Router(shell, tmp)
    me = sh("id", "-un").stdout.strip()
    found = instances(router.init(dict(folders(tmp), enabled="1", jail="1",
                                       user_queue=me, user_store=me,
                                       user_auth=me)))
    assert "add_jail" not in found["deliver"]
    writes = {"authd": "run state", "queue": "run spool",
              "smtpd": "run spool state", "pop3d": "run mail mbox state"}
    for name, dirs in writes.items():
        p = found[name]
        assert p["add_jail"] == [f"pillarbox-{name}", "log"]
        assert p["add_jail_mount_rw"] == [str(tmp / d) for d in dirs.split()]
        assert {"/etc", str(router.var)} <= set(p["add_jail_mount"])
        assert p["no_new_privs"] == ["1"]
        # ujail leaves out what is missing
        assert all(os.path.isdir(d) for d in p["add_jail_mount_rw"])
    assert stat.S_IMODE((tmp / "spool").stat().st_mode) == 0o700


class Procd:
    """Starts the instances as procd does, each alone."""

    def __init__(self, found, log, wrapper=lambda name: []):
        self.found, self.log_path, self.wrapper = found, log, wrapper
        self.running = {}

    def start(self, name):
        with open(self.log_path, "ab") as log:
            self.running[name] = subprocess.Popen(
                [*self.wrapper(name), *self.found[name]["command"], "-f"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, name):
        p = self.running.pop(name)
        p.send_signal(signal.SIGTERM)
        assert p.wait(40) == 0, self.log()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_ready(self, name, times=1):
        wait_for(lambda: self.log().count(f"{name}: ready") >= times
                 or self.running[name].poll() is not None, 20)
        assert self.running[name].poll() is None, self.log()

    def __enter__(self):
        for name in self.found:
            self.start(name)
        for name in self.found:
            self.wait_ready(name)
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print(self.log()[-6000:])
        for p in self.running.values():
            p.terminate()
        for p in self.running.values():
            try:
                p.wait(40)
            except subprocess.TimeoutExpired:
                p.kill()


def live_options(tmp):
    """As root the daemons give up their rights, as on a router."""
    me = sh("id", "-un").stdout.strip()
    queue, store = ("nobody", "mail") if me == "root" else (me, me)
    tmp.chmod(0o755)
    return dict(folders(tmp), enabled="1", hostname="mail.a.test",
                domain=["a.test"], user_queue=queue, user_store=store,
                user_auth=me,
                system_users="no", nameserver=["127.0.0.9"], dns_timeout="1s",
                listen=[f"{s} 127.0.0.1:{free_port()}" for s in
                        ("smtp", "submission", "smtps", "pop3", "pop3s")])


class Mail:
    """Alice's mailbox of a router that runs."""

    def __init__(self, router, tmp):
        self.router, self.dir = router, tmp / "mail/a.test/alice"
        self.env = dict(os.environ, PILLARBOX_CONF=str(router.conf))

    def run(self, *argv, **kw):
        return sh(BIN, *argv, env=self.env, **kw).stdout

    def add_user(self):
        self.run("mailuser", "add", "alice@a.test", input="alice-pw\n")

    def send(self, to="alice@a.test"):
        self.run("sendmail", to, input="Subject: x\n\nHello\n")

    def wait(self, n):
        wait_for(lambda: len(list(self.dir.glob("new/*"))) >= n, 20)


def test_the_daemons_work_without_maild(tmp):
    router = Router(["dash"], tmp)
    found = instances(router.init(live_options(tmp)))
    mail = Mail(router, tmp)
    (tmp / "state").mkdir()
    mail.add_user()
    with Procd(found, tmp / "log") as procd:
        mail.send()
        mail.wait(1)
        # each is restarted alone, and those that use it find it again
        for n, name in enumerate(found, 2):
            procd.stop(name)
            procd.start(name)
            procd.wait_ready(name, 2)
            mail.send()
            mail.wait(n)
        if os.geteuid() == 0:
            owner = {n: os.stat(f"/proc/{p.pid}").st_uid
                     for n, p in procd.running.items()}
            nobody, store = (pwd.getpwnam(n).pw_uid for n in
                             ("nobody", "mail"))
            assert owner == {"authd": 0, "deliver": store, "queue": nobody,
                             "smtpd": nobody, "pop3d": store}
        mail.send("far@away.test")
        wait_for(lambda: "far@away.test" in mail.run("mailq"))
        assert "1 message is tried now" in mail.run("mailq", "--flush")
        for name in list(found):
            procd.stop(name)


def test_send_only_keeps_what_the_smarthost_does_not_take(tmp):
    """While the line is down root's mail waits in the spool for the queue."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    router = Router(["dash"], tmp, without=["authd", "deliver", "smtpd",
                                            "pop3d", "mailuser"])
    options = live_options(tmp)
    del options["listen"]
    found = instances(router.init(dict(
        options, smarthost=f"127.0.0.1:{free_port()} none user=me",
        smarthost_password="x")))
    assert list(found) == ["queue"]
    mail = Mail(router, tmp)
    mail.send("far@away.test")
    with Procd(found, tmp / "log"):
        wait_for(lambda: "far@away.test" in mail.run("mailq"))
        assert "1 message is tried now" in mail.run("mailq", "--flush")


def libraries():
    out = sh("ldd", pathlib.Path(BIN).resolve()).stdout
    return re.findall(r"(?:=> )?(/\S+) \(0x", out)


def jailed(tmp, name, p):
    """A command like ujail's: a new root that holds the mounts only."""
    root = tmp / f"jail-{name}"
    (root / "dev").mkdir(parents=True)
    script = ["set -e", f"mount -t tmpfs none {root}", f"mkdir {root}/dev",
              f"mknod -m 666 {root}/dev/null c 1 3",
              f"mknod -m 666 {root}/dev/urandom c 1 9"]
    command = p["command"][0]
    mounts = {**{m: "ro" for m in [*libraries(), *p["add_jail_mount"],
                                   command]},
              **{m: "rw" for m in p["add_jail_mount_rw"]}}
    for path, mode in sorted(mounts.items()):
        if not os.path.exists(path):
            continue
        new = f"{root}{path}"
        script.append(f"mkdir -p {new}" if os.path.isdir(path) else
                      f"mkdir -p {os.path.dirname(new)}; [ -e {new} ] || "
                      f": >{new}")
        script.append(f"mount --bind {path} {new}")
        script.append(f"mount -o remount,bind,{mode} {new}")
    script.append(f'exec chroot {root} "$@"')
    return ["unshare", "-m", "--propagation", "private", "sh", "-c",
            "\n".join(script), "sh"]


def test_the_daemons_work_in_such_a_root(tmp):
    """Not ujail: but what its mounts show is all that these daemons see."""
    if sh("unshare", "-m", "true", check=False).returncode:
        pytest.skip("needs root and mount namespaces")
    router = Router(["dash"], tmp)
    found = instances(router.init(dict(live_options(tmp), jail="1")))
    mail = Mail(router, tmp)
    mail.add_user()

    def wrapper(name):
        return jailed(tmp, name, found[name]) if "add_jail" in found[name] \
            else []
    with Procd(found, tmp / "log", wrapper) as procd:
        inside = os.listdir(
            f"/proc/{procd.running['queue'].pid}/root{tmp}")
        assert "spool" in inside and "mail" not in inside
        mail.send()
        mail.wait(1)


# ---- hotplug and first start

def stub(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@shells
@pytest.mark.parametrize("action,interface,link", [
    ("ifup", "wan", "up"), ("ifup", "wan6", "metered"), ("ifup", "lan", ""),
    ("ifdown", "wan", "down"), ("ifdown", "lan", ""), ("ifup", "", ""),
    ("ifdown", "", ""), ("ifdown", "wa", ""), ("ifupdate", "wan", "")])
@pytest.mark.parametrize("built", [True, False])
def test_hotplug_tells_of_the_line(shell, tmp, action, interface, link, built):
    """Without QUEUE_LINK (exit 64) an ifup still flushes."""
    stub(tmp / "lib/functions", "network.sh", (
        "network_flush_cache() { :; }\n"
        'network_find_wan() { eval "$1=wan"; }\n'
        'network_find_wan6() { eval "$1=wan6"; }\n'))
    stub(tmp / "bin", "mailq", f'echo "$@" >>{tmp}/calls\n'
         f'[ "$1" = --flush ] || exit {0 if built else 64}\n')
    stub(tmp / "bin", "uci", f"""case $3 in
pillarbox.main.metered) echo lte wan6 ;;
pillarbox.main.run_dir) echo {tmp} ;;
esac
""")
    (tmp / "link").write_text("wan up\nwan6 down\n")
    env = dict(os.environ, IPKG_INSTROOT=str(tmp), ACTION=action,
               INTERFACE=interface, PATH=f"{tmp}/bin:{os.environ['PATH']}")
    p = sh(*shell, PACKAGE / "files/pillarbox.hotplug", env=env)
    assert p.stdout == p.stderr == ""
    calls = f"--link {interface} {link}\n" if link else ""
    if link and action == "ifup" and not built:
        calls += "--flush\n"
    got = (tmp / "calls").read_text() if (tmp / "calls").exists() else ""
    assert got == calls
    usage = sh(BIN, "mailq", "--help").stdout
    assert "--flush" in usage and "--link NAME STATE" in usage


@shells
def test_hotplug_without_anything(shell, tmp):
    """Neither a queue nor its file nor uci: nothing is said, nothing fails."""
    env = dict(os.environ, IPKG_INSTROOT=str(tmp), ACTION="ifdown",
               INTERFACE="wan", PATH="/usr/bin:/bin")
    p = sh(*shell, PACKAGE / "files/pillarbox.hotplug", env=env)
    assert p.stdout == p.stderr == ""


@shells
@pytest.mark.parametrize("host,domain,given,becomes", [
    ("OpenWrt", "lan", "", "OpenWrt.lan"), ("gate", "", "", "gate.lan"),
    ("gate", "home.example", "", "gate.home.example"),
    ("gate", "lan", "mail.example.org", "mail.example.org"),
    ("", "lan", "", ""), ("bad;name", "lan", "", "")])
def test_first_start_gives_a_name(shell, tmp, host, domain, given, becomes):
    keys = {"pillarbox.main": "pillarbox", "pillarbox.main.hostname": given,
            "system.@system[0].hostname": host,
            "dhcp.@dnsmasq[0].domain": domain}
    for key, value in keys.items():
        if value:
            (tmp / key).write_text(value + "\n")
    stub(tmp / "bin", "uci", f"""cd {tmp} || exit 1
[ "$1" != -q ] || shift
case $1 in
get) cat "$2" 2>/dev/null ;;
set) echo "${{2#*=}}" >"${{2%%=*}}" ;;
commit) echo "$2" >committed ;;
esac
""")
    env = dict(os.environ, PATH=f"{tmp}/bin:{os.environ['PATH']}")
    sh(*shell, PACKAGE / "files/pillarbox.defaults", env=env)
    name = tmp / "pillarbox.main.hostname"
    assert (name.read_text().strip() if name.exists() else "") == becomes
    assert (tmp / "committed").exists() == (not given)


# ---- LuCI

def node(scenario):
    return json.loads(sh("node", HERE / "openwrt_luci.js", VIEW,
                         input=json.dumps(scenario)).stdout)


EMPTY = {"queue": {"code": 0, "stdout": "Mail queue is empty\n"}}


def test_luci_page_is_found():
    assert shutil.which("node"), "apt-get install nodejs"
    menu = json.loads((LUCI / "root/usr/share/luci/menu.d/"
                       "luci-app-pillarbox.json").read_text())
    (entry,) = menu.values()
    assert VIEW.name == entry["action"]["path"] + ".js"
    acl = json.loads((LUCI / "root/usr/share/rpcd/acl.d/"
                      "luci-app-pillarbox.json").read_text())
    assert entry["depends"]["acl"] == list(acl)
    text = (LUCI / "Makefile").read_text()
    assert "luci.mk" in text and "+pillarbox" in text
    assert "# call BuildPackage - OpenWrt buildroot signature" in text


def test_luci_may_run_the_helper_and_nothing_else():
    (acl,) = json.loads((LUCI / "root/usr/share/rpcd/acl.d/luci-app-pillarbox"
                         ".json").read_text()).values()
    may = {(how, command) for how in ("read", "write")
           for command in acl[how]["file"]}
    path = "/usr/libexec/pillarbox-luci"
    assert may == {("read", f"{path} queue"), ("write", f"{path} flush"),
                   ("write", f"{path} test *")}
    assert path in VIEW.read_text()
    assert HELPER == LUCI / "root" / path[1:] and os.access(HELPER, os.X_OK)
    for how in ("read", "write"):
        assert acl[how]["uci"] == ["pillarbox"]
        assert set(acl[how]["ubus"]) == {"file"}


def test_luci_fields_are_options():
    shown = node({"answers": EMPTY, "config": {
        "smarthost": "smtp.example:465 tls user=me noverify",
        "smarthost_password": "secret", "enabled": "1"}})
    assert shown["section"] == ["pillarbox", "main", "pillarbox"]
    options = {o for o in shown["options"] if o[0] != "_"}
    assert options <= OWN_OPTIONS | {d.replace("-", "_") for d in directives()}
    assert shown["options"]["smarthost_password"]["password"] is True
    assert {k: v for k, v in shown["shown"].items() if v} == {
        "_host": "smtp.example", "_port": "465", "_mode": "tls",
        "_user": "me", "_noverify": "1", "smarthost_password": "secret",
        "enabled": "1"}
    assert "No mail is waiting." in shown["text"]
    assert shown["polls"] == 1


@shells
def test_luci_writes_a_smarthost_that_is_accepted(shell, tmp):
    got = node({"answers": EMPTY, "write": [
        ["_host", "smtp.example"], ["_port", "465"], ["_mode", "tls"],
        ["_user", "me"], ["smarthost_password", "x"], ["_noverify", None]]})
    assert got["values"]["smarthost"] == "smtp.example:465 tls user=me"
    router = Router(shell, tmp)
    router.init(got["values"])
    assert router.get("smarthost").startswith("smtp.example:465 tls user=me")
    got = node({"answers": EMPTY, "config": got["values"],
                "write": [["_host", None], ["_port", None]]})
    assert "smarthost" not in got["values"]


def test_luci_smarthost_there_and_back():
    texts = ["h.example", "h.example:587 starttls", "[2001:db8::1]:465 tls",
             "h.example user=a@b.c password-file=/etc/x noverify",
             "h.example tls user=me from=a@b.c,@d.example"]
    got = node({"answers": EMPTY, "smarthosts": texts + ["", " "]})
    assert got["roundtrip"] == texts + [None, None]


def test_luci_keeps_further_smarthosts():
    lines = ["h.example user=me", "g.example user=you from=@b.example"]
    got = node({"answers": EMPTY, "config": {"smarthost": lines},
                "write": [["_user", "him"]]})
    assert got["shown"]["_host"] == "h.example"
    assert got["values"]["smarthost"] == ["h.example user=him", lines[1]]
    got = node({"answers": EMPTY, "config": {"smarthost": lines},
                "write": [["_host", None]]})
    assert got["values"]["smarthost"] == lines[1]


def test_luci_shows_what_mailq_prints(tmp):
    router = Router(["dash"], tmp)
    found = instances(router.init(live_options(tmp)))
    mail = Mail(router, tmp)
    only = {n: found[n] for n in ("queue", "smtpd")}
    with Procd(only, tmp / "log"):
        mail.run("sendmail", "-f", "me@a.test", "far@away.test", "x@away.test",
                 input="Subject: x\n\nHello\n")
        wait_for(lambda: "name servers" in mail.run("mailq"), 20)
        text = mail.run("mailq")
    (message,) = node({"answers": EMPTY, "parse": text})["parsed"]
    assert message["sender"] == "me@a.test"
    assert message["rcpts"] == ["far@away.test", "x@away.test"]
    assert message["size"] > 10 and message["time"] and message["why"]
    assert text.startswith("-Queue ID-") and message["id"] in text
    shown = node({"answers": {"queue": {"code": 0, "stdout": text}}})
    assert message["why"] in shown["text"]
    assert "far@away.test, x@away.test" in shown["text"]


def test_luci_buttons():
    answers = dict(EMPTY, flush={"code": 0, "stdout": "2 messages\n"},
                   test={"code": 77, "stderr": "smtp: 535 no\n"})
    path = "/usr/libexec/pillarbox-luci"
    got = node({"answers": answers, "address": " me@b.c ", "click": [0, 1]})
    assert got["exec"] == [[path, "queue"], [path, "test", "me@b.c"],
                           [path, "flush"], [path, "queue"]]
    (test, flush) = got["notes"]
    assert test[0] == "error" and "535 no" in test[1]
    assert flush == ["info", "2 messages"]
    answers["test"] = {"code": 0}
    got = node({"answers": answers, "address": "me@b.c", "click": [0]})
    assert got["notes"] == [["info", "The test message was sent to me@b.c."]]
    got = node({"answers": answers, "address": "", "click": [0]})
    assert got["exec"] == [[path, "queue"]] and got["notes"][0][0] == "warning"


def test_luci_without_the_right_says_so():
    got = node({"answers": {}, "address": "me@b.c", "click": [0]})
    assert "Permission denied" in got["text"]
    assert got["notes"][0][0] == "error"


@shells
@pytest.mark.parametrize("program", ["smtp", "sendmail"])
def test_helper_sends_a_test_message(shell, tmp, program):
    stub(tmp / "bin", program, f'echo "$@" >{tmp}/args; cat >{tmp}/mail\n')
    for tool in ("cat", "date", "uname"):
        (tmp / "bin" / tool).symlink_to(shutil.which(tool))
    env = {"PATH": str(tmp / "bin")}
    sh(shutil.which(shell[0]), *shell[1:], HELPER, "test", "me+1@b.example",
       env=env)
    args = (tmp / "args").read_text().split()
    assert args[-3:] == ["-f", "me+1@b.example", "me+1@b.example"]
    text = (tmp / "mail").read_text()
    assert text.startswith("From: <me+1@b.example>\nTo: <me+1@b.example>\n")
    assert re.search(r"^Date: \w{3}, \d\d? \w{3} \d{4} [\d:]{8} \S+$", text,
                     re.M)
    assert "\n\n" in text


@shells
@pytest.mark.parametrize("argv", [
    [], ["test"], ["test", "-C/etc/shadow"], ["test", "a@b c@d"],
    ["test", "a@b@c"], ["test", "a"], ["test", "@b"], ["test", "a@b\nBcc: c@d"],
    ["test", "a@b", "c"], ["queue", "-C", "/etc/shadow"], ["flush", "x"]])
def test_helper_refuses_the_rest(shell, tmp, argv):
    for name in ("smtp", "sendmail", "mailq"):
        stub(tmp / "bin", name, f"echo {name} >>{tmp}/calls\n")
    env = dict(os.environ, PATH=f"{tmp}/bin:{os.environ['PATH']}")
    p = sh(*shell, HELPER, *argv, env=env, check=False)
    assert p.returncode == 64 and "usage" in p.stderr
    assert not (tmp / "calls").exists()
