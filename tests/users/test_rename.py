"""mailuser rename: mail, passwords and aliases go with the user."""

import poplib
import ssl
import subprocess

import pytest

from instance import BIN, Instance, wait_for


@pytest.fixture(scope="module")
def box():
    # needs USERS_FULL
    if "rename ADDRESS" not in subprocess.run(
            [BIN, "mailuser", "--help"], capture_output=True,
            text=True).stdout:
        pytest.skip("USERS_FULL is not built")
    with Instance(users=("alice", "bob", "carol"), extra="domain b.test\n") \
            as i:
        yield i


def pop(box, user, password):
    p = poplib.POP3_SSL("127.0.0.1", box.port["pop3s"], timeout=10,
                        context=ssl._create_unverified_context())
    p.user(user)
    p.pass_(password)
    return p


def send(box, rcpt):
    box.run("sendmail", "-f", "bob@a.test", rcpt, input="Subject: x\n\nx\n")


def test_all_goes_along(box):
    box.run("mailuser", "alias", "add", "sales@a.test", "ALICE@a.test",
            "bob@a.test")
    app = box.run("mailuser", "app", "add", "alice@a.test",
                  "phone").stdout.split()[-1]
    box.run("mailuser", "quota", "alice@a.test", "5M")
    send(box, "alice@a.test")
    box.wait_messages("alice", 1)
    box.run("mailuser", "rename", "alice@a.test", "Ann@b.test")
    new = box.dir / "mail" / "b.test" / "ann"
    assert not box.maildir("alice").exists()
    assert len(list(new.glob("new/*"))) == 1
    assert box.run("mailuser", "list").stdout.split() == [
        "bob@a.test", "carol@a.test", "Ann@b.test"]
    show = box.run("mailuser", "show", "ann@b.test").stdout
    assert "5242880" in show
    for password in ("alice-pw", app):
        p = pop(box, "ann@b.test", password)
        assert p.stat()[0] == 1
        p.quit()
    with pytest.raises(poplib.error_proto):
        pop(box, "alice@a.test", "alice-pw")
    aliases = box.run("mailuser", "alias", "list").stdout
    assert "Ann@b.test" in aliases and "alice" not in aliases.lower()
    send(box, "sales@a.test")
    wait_for(lambda: len(list(new.glob("*/*"))) == 2)


def test_only_the_case(box):
    box.run("mailuser", "rename", "carol@a.test", "Carol@A.test")
    assert box.maildir("carol").is_dir()    # folders have no case
    assert "Carol@a.test" in box.run("mailuser", "list").stdout
    box.run("mailuser", "rename", "Carol@a.test", "carol@a.test")


@pytest.mark.parametrize("old,new,status,says", [
    ("carol@a.test", "bob@a.test", None, "exists already"),
    ("nobody@a.test", "x@a.test", 67, "no such user"),
    ("carol@a.test", "x@c.test", None, "c.test"),
    ("carol@a.test", "../x@a.test", 65, "not an address"),
    ("carol@a.test", "x", 65, "not an address"),
])
def test_errors(box, old, new, status, says):
    before = box.run("mailuser", "list").stdout
    p = box.run("mailuser", "rename", old, new, check=False)
    assert p.returncode and (status is None or p.returncode == status)
    assert says in p.stderr
    assert box.run("mailuser", "list").stdout == before
    assert box.maildir("carol").is_dir()


def test_mail_of_somebody_before_is_not_taken_over(box):
    """A folder that del has left behind: all stays as it was."""
    old = box.dir / "mail" / "a.test" / "dave" / "new"
    old.mkdir(parents=True)
    (old / "1.x").write_text("Subject: not yours\n\n")
    p = box.run("mailuser", "rename", "carol@a.test", "dave@a.test",
                check=False)
    assert p.returncode and "a.test/dave" in p.stderr
    assert "carol@a.test" in box.run("mailuser", "list").stdout
    assert box.maildir("carol").is_dir() and (old / "1.x").exists()
    pop(box, "carol@a.test", "carol-pw").quit()
