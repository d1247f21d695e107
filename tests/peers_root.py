"""Mail servers of Debian, each unpacked into a root folder of its own.

They conflict with each other when installed, and two of them have their paths
and users built in. So build/peers/root/NAME holds the package and the
libraries it needs, as config/peers fetches them; nothing is installed, and the
machine's own files are not touched.
"""

import contextlib
import fcntl
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
# uid and gid of those that the packages' scripts would have made
USERS = {"root": 0, "mail": 8, "bob": 2001, "postfix": 2101, "postdrop": 2102,
         "opensmtpd": 2103, "opensmtpq": 2104, "Debian-exim": 2105,
         "nogroup": 65533, "nobody": 65534}
HOMES = {"bob": "/mail/bob", "opensmtpd": "/var/lib/opensmtpd/empty",
         "opensmtpq": "/var/lib/opensmtpd/empty"}
FOLDERS = ["dev", "proc", "etc", "tmp", "run", "mail", "var/log", "var/lib"]


def load_peers():
    """config/peers as a module: it has its own way to fetch packages."""
    loader = importlib.machinery.SourceFileLoader(
        "peers", str(ROOT / "config" / "peers"))
    spec = importlib.util.spec_from_loader("peers", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def wanted(name, package, more):
    """Libraries and itself; not debconf and the like, and perl if asked for."""
    if "perl" in name and "perl" in more:
        return True
    return (name.startswith(("lib", "zlib", package.split("-")[0]))
            and "perl" not in name or name in ("dash", *more))


def unpack(deb, root):
    """lib is a link to usr/lib here, as on any merged Debian: it stays one."""
    data = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)],
                            stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", str(root)],
                   stdin=data.stdout, check=True)
    data.stdout.close()
    if data.wait():
        raise OSError(f"dpkg-deb cannot read {deb}")


def skeleton(root):
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var" / "run").symlink_to("../run")


def accounts(root):
    (root / "etc" / "passwd").write_text("".join(
        f"{name}:x:{n}:{n}::{HOMES.get(name, '/')}:/bin/sh\n"
        for name, n in USERS.items()))
    (root / "etc" / "group").write_text("".join(
        f"{name}:x:{n}:\n" for name, n in USERS.items()))
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc" / "nsswitch.conf").write_text(
        "passwd: files\ngroup: files\nhosts: files dns\n")


def has(package, more=()):
    """Whether make() needs no network, as the folder is there."""
    return any(path.is_dir() for path in (ROOT / "build/peers/root").glob(
        "+".join([f"{package}_*", *more])))


def made(package, more):
    """What make() gives, if it is there and the lists of packages are not newer:
    asking apt takes seconds.
    """
    lists = ROOT / "build/peers/apt/lists"
    tail = "".join(f"+{name}" for name in more)
    for root in (ROOT / "build/peers/root").glob(f"{package}_*{tail}"):
        version = root.name[len(package) + 1:len(root.name) - len(tail)]
        # without more there may be those with more
        if root.is_dir() and lists.exists() and \
                not re.search(r"\+[a-z0-9]*-?[a-z]{5,}", version) and \
                root.stat().st_mtime >= lists.stat().st_mtime:
            return root, version
    return None


def make(package, more=()):
    """The root folder of a package, with more of them, and its version."""
    found = made(package, more)
    if found:
        accounts(found[0])
        return found
    peers = load_peers()
    peers.apt_root()
    debs = peers.closure([package, "dash", *more])
    version = debs[package].split("_")[1].replace("%3a", ":")
    root = peers.DIR / "root" / "+".join([f"{package}_{version}", *more])
    if not root.exists():
        peers.apt("apt-get", "-qq", "-y", "--download-only", "install",
                  package, "dash", *more)
        new = root.with_name("new")
        shutil.rmtree(new, ignore_errors=True)
        skeleton(new)
        for name, deb in debs.items():
            if wanted(name, package, more):
                unpack(peers.DIR / "apt" / "archives" / deb, new)
        if not os.path.lexists(new / "usr/bin/sh"):
            (new / "usr/bin/sh").symlink_to("dash")
        subprocess.run(["ldconfig", "-r", str(new)], check=True)
        new.rename(root)
    os.utime(root)              # that made() sees it
    accounts(root)
    return root, version


@contextlib.contextmanager
def locked(*roots):
    """For whoever configures what is in these folders: one at a time."""
    with contextlib.ExitStack() as held:
        for root in sorted(roots):
            f = held.enter_context(open(f"{root}.lock", "w"))
            fcntl.flock(f, fcntl.LOCK_EX)
        yield
