"""Marks: shown in the list, and kept by mbox and Maildir."""
import mailbox

import pytest

from test_read import fill, letter, maildir, statuses, three  # noqa: F401

# pylint: disable=redefined-outer-name,unused-argument


def letters(text):
    return [line[1] for line in text.splitlines() if line[:1] in "> "]


def x_statuses(path):
    box = mailbox.mbox(path)
    try:
        return [m["X-Status"] and m["X-Status"].strip() for m in box]
    finally:
        box.close()


def test_marks_in_mbox(three):
    out, _ = three.text("-N", stdin="flag 1\nanswered 2\nseen 3\n"
                        "hold 3\nf *\nq\n")
    assert letters(out)[:3] == ["F", "A", "P"]
    assert x_statuses(three.mbox) == ["F", "A", None]
    assert statuses(three.mbox) == ["O", "O", "RO"]
    out, _ = three.text("-N", stdin="unflag 1\nunanswered 2\nunread 3\n"
                        "f *\nq\n")
    assert letters(out)[:3] == ["U", "U", "U"]
    assert not any(x_statuses(three.mbox))
    assert statuses(three.mbox) == ["O"] * 3


@pytest.mark.parametrize("command", ["unread", "Unread", "new", "U"])
def test_unread_stays_here(three, command):
    """What was read and is marked as not read does not move to ~/mbox."""
    three.text(stdin=f"p 1\n{command} 1\nq\n")
    assert statuses(three.mbox) == ["O"] * 3
    assert not (three.home / "mbox").exists()


def test_exit_forgets_marks(three):
    before = three.mbox.read_bytes()
    three.text(stdin="flag *\nseen *\nx\n")
    assert three.mbox.read_bytes() == before


@pytest.mark.parametrize("command,status", [("touch", "O"), ("mbox", "RO"),
                                            ("seen", "RO")])
def test_to_mbox(three, command, status):
    three.text(stdin=f"{command} 2\nq\n")
    assert statuses(three.home / "mbox") == [status]
    assert len(statuses(three.mbox)) == 2


def test_current_message(three):
    out, _ = three.text("-N", stdin="flag 2 3\n=\nunread 1\n=\nx\n")
    assert out.split() == ["3", "1"]


def test_marks_in_maildir(desk, maildir):
    box = f"{desk.path}/mail/a.com/alice"
    desk.text("-f", box, stdin="flag 1\nseen 2\nq\n")
    out, _ = desk.text("-H", "-f", box)
    assert letters(out)[:2] == ["F", " "]
    box_before = out
    desk.text("-f", box, stdin="unflag 1\nunread 2\nq\n")
    out, _ = desk.text("-H", "-f", box)
    assert letters(out)[:2] == ["U", "U"] and out != box_before


def test_marks_of_another_session_stay(three):
    """Only what this session changed is written."""
    with three.terminal("-N") as p:
        p.expect(r"\? ")
        p.sendline("flag 1")
        p.expect(r"\? ")
        three.text("-N", stdin="flag 2\nseen 3\nhold 3\nq\n")
        p.sendline("q")
        p.expect("Held 3")
    assert x_statuses(three.mbox) == ["F", "F", None]
    assert statuses(three.mbox) == ["O", "O", "RO"]
