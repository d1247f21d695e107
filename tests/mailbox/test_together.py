"""Two programs at once do random things to one mailbox: deliver, flag, remove,
rename. In the end all is there that ought to be, whole and once.

OPERATIONS=50000 for the whole; a few hundred otherwise.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import dovecot  # noqa: E402
import driver  # noqa: E402
from messages import compare, maildir_idents, mbox_idents  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
OPERATIONS = int(os.environ.get("OPERATIONS", 200))
IDENTS = {"maildir": maildir_idents, "mbox": mbox_idents}


def start(log, *argv, **kw):
    return subprocess.Popen([str(a) for a in argv], stdout=log, **kw)


def run_both(tmp_path, first, second, **kw):
    """Both to their end; what each said."""
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    with logs[0].open("w") as a, logs[1].open("w") as b:
        pair = [start(a, *first, **kw), start(b, *second, **kw)]
        try:
            codes = [p.wait(600 + OPERATIONS / 10) for p in pair]
        finally:
            for p in pair:
                p.kill()
    assert codes == [0, 0]
    return [log.read_text() for log in logs]


@pytest.mark.parametrize("form", ["maildir", "mbox"])
@pytest.mark.parametrize("peer", ["python", "itself"])
def test_together(tmp_path, form, peer):
    box = tmp_path / "box"
    if form == "maildir":
        for sub in ("new", "cur", "tmp"):
            (box / sub).mkdir(parents=True)
    each = OPERATIONS // 2
    ours = [driver.build(), box, form]
    other = ours if peer == "itself" else [
        sys.executable, HERE / "python_peer.py", box, form]
    logs = run_both(tmp_path, [*ours, 1, each, "a"], [*other, 2, each, "b"])
    print(compare(IDENTS[form](box), *logs))
    assert not list(tmp_path.glob("*.lock")) + list(tmp_path.glob(".box*"))


LOCATION = {
    "maildir": "maildir:{box}:INDEX=MEMORY",
    "mbox": "mbox:{work}/home:INBOX={box}:INDEX=MEMORY",
}
# what it remembers of an mbox is not to be taken for what is there
MORE = {"maildir": "", "mbox": "mbox_dirty_syncs = no\n"
        "mbox_read_locks = fcntl\nmbox_write_locks = fcntl dotlock\n"}


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_with_dovecot(tmp_path, open_path, form):
    shared = open_path / "shared"
    shared.mkdir()
    box = shared / "box"
    if form == "maildir":
        for sub in ("new", "cur", "tmp"):
            (box / sub).mkdir(parents=True)
    else:
        box.touch()
    uid, gid = dovecot.account()
    dovecot.own(shared)
    program = driver.build()
    work = open_path / "dovecot"
    with dovecot.Dovecot(work, LOCATION[form].format(
            box=box, work=work), more=MORE[form]) as peer:
        drive = open_path / "drive"
        shutil.copy(program, drive)
        logs = run_both(
            tmp_path,
            ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups",
             drive, box, form, 3, OPERATIONS // 2, "pa"],
            [sys.executable, HERE / "dovecot_peer.py", work / "run" / "lmtp",
             peer.imap, peer.pop3, 4, OPERATIONS // 6, "pb",
             0 if form == "maildir" else 1 + OPERATIONS // 100])
        # of an mbox its own sizes are at times those of the moment before
        assert form == "mbox" or not peer.bad()
    print(compare(IDENTS[form](box), *logs))
