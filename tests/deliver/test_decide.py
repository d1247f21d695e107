"""deliver-command and detail-folder: who decides where a message goes."""

import os
import shutil
import subprocess
import time

import pytest

from instance import BIN, wait_for
from people import House, needs_root

pytestmark = needs_root

SORT = """#!/bin/sh
# says what the subject does
read from_line
cat >"$HOME/.last"
echo "$from_line $USER $LOCAL@$DOMAIN $(id -un)" >>"$HOME/.last"
subject=$(sed -n 's/^Subject: //p' "$HOME/.last" | head -n 1)
case $subject in
say*) echo "$subject" | sed 's/^say //; s/; /\\n/g' ;;
exit*) ${subject} ;;
sleep*) sleep 60 ;;
esac
"""


@pytest.fixture
def house():
    opened = []

    def make(*accounts, extra="", **kw):
        h = House(*accounts, extra=extra, **kw)
        opened.append(h)
        return h
    yield make
    for h in reversed(opened):
        print(h.log()[-6000:])
        h.close()


@pytest.fixture
def sorted_house(house, tmp_path_factory):
    path = tmp_path_factory.mktemp("sort") / "sort"
    path.write_text(SORT)
    path.chmod(0o755)
    for p in path.parents:
        if str(p) != "/tmp" and str(p).startswith("/tmp"):
            p.chmod(0o755)
    return house("bob", "ann", extra=f"deliver-command \"{path} --now\"\n"
                 "alias-timeout 2s\n")


def folder(h, user, name):
    return list((h.maildir(user) / name / "new").glob("*"))


def test_keep(sorted_house):
    h = sorted_house
    h.send("bob@a.test", "alice+x@a.test", subject="nothing")
    wait_for(lambda: h.mbox("bob"))
    h.wait_messages("alice", 1)
    last = (h.home["bob"] / ".last").read_text()
    assert "Delivered-To: bob@a.test\n" in last and "Hello, Bob." in last
    assert last.splitlines()[-1].startswith("From x@b.test ")
    assert last.splitlines()[-1].endswith(" bob bob@a.test bob")
    last = (h.maildir("alice") / ".last").read_text()
    assert last.endswith(" alice@a.test alice+x@a.test mail\n")
    h.send("bob@a.test", "alice@a.test", subject="say keep; what is this?")
    wait_for(lambda: len(h.mbox("bob")) == 2)
    h.wait_messages("alice", 2)
    assert "what is this?" in h.log()


def test_fileinto(sorted_house):
    h = sorted_house
    h.send("alice@a.test", subject="say fileinto lists.linux")
    wait_for(lambda: folder(h, "alice", ".lists.linux"))
    assert (h.maildir("alice") / ".lists.linux" / "maildirfolder").exists()
    for name in ("../../x", ".x", "x..y", "x/y", "", "a" * 300):
        h.send("alice@a.test", subject=f"say fileinto {name}")
    h.wait_messages("alice", 6)
    assert sorted(p.name for p in h.maildir("alice").glob(".*")) == \
        [".last", ".lists.linux"]
    # an mbox has no folders
    h.send("bob@a.test", subject="say fileinto x")
    wait_for(lambda: h.mbox("bob"))


def test_discard_and_reject(sorted_house):
    h = sorted_house
    h.send("alice@a.test", "bob@a.test", subject="say discard")
    wait_for(lambda: not h.spooled())
    h.send("bob@a.test", subject="say reject Not here, please")
    h.send("alice@a.test", subject="say reject")
    wait_for(lambda: len(h.world.messages) == 2)
    assert not h.messages("alice") and not h.mbox("bob")
    text = b"".join(m[2] for m in h.world.messages)
    assert b"Status: 5.7.1" in text and b"Not here, please" in text


def test_redirect(sorted_house):
    h = sorted_house
    h.send("alice@a.test", subject="say redirect y@b.test")
    h.send("bob@a.test", subject="say redirect z@b.test; keep")
    wait_for(lambda: len(h.world.messages) == 2 and h.mbox("bob"))
    assert not h.messages("alice")
    # himself is no redirection
    h.send("alice@a.test", subject="say redirect bob@a.test")
    wait_for(lambda: len(h.mbox("bob")) == 2)
    h.send("alice+x@a.test", subject="say redirect ALICE@a.test")
    h.wait_messages("alice", 1)
    # nor is it round in circles
    h.send("alice@a.test", subject="say redirect bob@a.test; redirect alice@a.test")
    h.wait_messages("alice", 3)
    wait_for(lambda: not h.spooled())
    assert len(h.mbox("bob")) == 3


@pytest.mark.parametrize("subject", ["exit 1", "exit 127", "exit 75", "sleep",
                                     "say redirect nonsense"])
def test_a_broken_filter_loses_nothing(sorted_house, subject):
    h = sorted_house
    h.send("alice@a.test", "bob@a.test", subject=subject)
    if subject.startswith("say"):
        wait_for(lambda: h.mbox("bob"))
        return
    h.wait_log("deliver-command: .*(status|longer)")
    assert len(h.spooled()) == 1 and not h.mbox("bob")
    command = h.conf.read_text().split("deliver-command \"")[1].split()[0]
    shutil.copy("/bin/true", command)
    wait_for(lambda: h.mbox("bob"))
    h.wait_messages("alice", 1)


def test_forward_goes_first(sorted_house):
    """His own copy is for the filter again."""
    h = sorted_house
    h.put("bob", ".forward", "\\bob, y@b.test\n")
    h.send("bob@a.test", subject="say redirect z@b.test")
    wait_for(lambda: len(h.world.messages) == 2)
    assert sorted(m[1][0] for m in h.world.messages) == ["y@b.test", "z@b.test"]
    assert not h.mbox("bob")


def test_a_filter_of_his_own(house):
    h = house("bob", "ann", extra="deliver-command \"/bin/sh -c "
              "'test ! -x .filter || ./.filter'\"\n")
    h.put("bob", ".filter", "#!/bin/sh\ncat >/dev/null\necho discard\n", 0o755)
    h.send("bob@a.test", "ann@a.test", "alice@a.test")
    wait_for(lambda: h.mbox("ann") and not h.spooled())
    h.wait_messages("alice", 1)
    assert not h.mbox("bob")


def test_settings_of_a_virtual_user(house, tmp_path):
    """mailuser set: his own command, and whether his forward counts."""
    path = tmp_path / "hook"
    path.write_text("#!/bin/sh\ncat >/dev/null\necho fileinto own\n")
    path.chmod(0o755)
    for p in path.parents:
        if str(p) != "/tmp" and str(p).startswith("/tmp"):
            p.chmod(0o755)
    h = house("bob", users=("alice", "eve"), extra="deliver-command /bin/true\n")
    for user in ("alice", "eve"):
        (h.maildir(user) / "forward").write_text("y@b.test\n")
    h.run("mailuser", "set", "alice@a.test", "hook", str(path))
    h.run("mailuser", "set", "eve@a.test", "forward", "yes")
    time.sleep(0.1)
    h.send("alice@a.test", "eve@a.test", "bob@a.test")
    wait_for(lambda: folder(h, "alice", ".own") and h.world.messages)
    wait_for(lambda: not h.spooled())
    assert [m[1] for m in h.world.messages] == [["y@b.test"]]
    assert not h.messages("eve") and len(h.mbox("bob")) == 1
    h.run("mailuser", "set", "eve@a.test", "forward", "none")
    h.run("mailuser", "set", "alice@a.test", "hook", "none")
    time.sleep(5.1)             # deliver asks again then
    h.send("alice@a.test", "eve@a.test")
    h.wait_messages("alice", 1)
    h.wait_messages("eve", 1)


def test_slow_filters_leave_room_for_others(house):
    """deliver's helper has eight places; programs get four of them."""
    slow = [f"u{n}" for n in range(8)]
    h = house("bob", users=slow, extra="alias-timeout 20s\n")
    for user in slow:
        h.run("mailuser", "set", f"{user}@a.test", "hook", "/bin/sleep 15")
        h.send(f"{user}@a.test")
    wait_for(lambda: h.pids("deliver"))
    time.sleep(0.5)
    h.send("bob@a.test")
    wait_for(lambda: h.mbox("bob"), 5)
    assert not any(list(h.maildir(user).glob("new/*")) for user in slow)


def test_root_has_no_command_that_is_root(house, tmp_path):
    path = tmp_path / "who"
    path.write_text("#!/bin/sh\nid -un\n")
    path.chmod(0o755)
    for p in path.parents:
        if str(p) != "/tmp" and str(p).startswith("/tmp"):
            p.chmod(0o755)
    h = house("bob", extra=f"deliver-command {path}\n")
    h.send("root@a.test")
    wait_for(lambda: h.mbox("root"))
    h.wait_log("deliver-command for root: nobody")


def deliver_d(h, user, text, *more):
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount --bind {h.dir}/passwd "
         f"/etc/passwd && exec {BIN} deliver -C {h.conf} -f x@b.test -d {user}"],
        input=text, text=True, capture_output=True, timeout=20)


def test_the_command_form(sorted_house):
    """deliver -d: as in the daemon, but .forward is for the caller."""
    h = sorted_house
    h.put("bob", ".forward", "y@b.test\n")
    head = "From: x@b.test\nTo: bob@a.test\nSubject: "
    assert deliver_d(h, "bob", head + "a\n\nx\n").returncode == 0
    assert len(h.mbox("bob")) == 1
    p = deliver_d(h, "bob", head + "say reject No\n\nx\n")
    assert p.returncode == 69 and "No" in p.stderr
    assert deliver_d(h, "bob", head + "say discard\n\nx\n").returncode == 0
    assert deliver_d(h, "bob", head + "exit 3\n\nx\n").returncode == 75
    p = deliver_d(h, "alice@a.test", head + "say fileinto f\n\nx\n")
    assert p.returncode == 0 and folder(h, "alice", ".f")
    # there is nobody who would send it on exactly once
    assert deliver_d(h, "bob", head + "say redirect y@b.test\n\nx\n"
                     ).returncode == 0
    assert len(h.mbox("bob")) == 2 and not h.world.messages


@pytest.mark.parametrize("how", ["no", "existing", "make"])
def test_detail_folder(house, how):
    h = house("bob", extra=f"detail-folder {how}\n")
    box = h.maildir("alice")
    h.send("alice@a.test")
    h.wait_messages("alice", 1)
    for sub in ("tmp", "cur", "new"):
        (box / ".there" / sub).mkdir(parents=True)
    subprocess.check_call(["chown", "-R", "mail:", box])
    os.symlink("/tmp", box / ".away")
    for address in ("alice+there@a.test", "ALICE+fresh@a.test",
                    "alice+away@a.test", "alice+..@a.test".replace("..", "-.x"),
                    "bob+x@a.test", "alice+@a.test", "alice+Inbox@a.test"):
        h.send(address)
    wait_for(lambda: h.mbox("bob") and not h.spooled())
    there, fresh = folder(h, "alice", ".there"), folder(h, "alice", ".fresh")
    assert len(there) == (how != "no")
    assert len(fresh) == (how == "make")
    made = 2 if how == "make" else 0
    assert len(h.messages("alice")) == 7 - len(there) - made
    if there:
        head = there[0].read_text()
        assert "\nDelivered-To: alice@a.test\nX-Original-To: " \
            "alice+there@a.test\n" in head
    if fresh:
        assert (box / ".fresh" / "maildirfolder").exists()
    assert not list(box.glob("**/x")) and not (h.dir / "mail" / "x").exists()
