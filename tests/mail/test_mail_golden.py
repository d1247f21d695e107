"""What `mail` shows of each message in golden/: NAME.eml becomes NAME.txt.

UPDATE=1 writes the texts instead: look at each change.
"""
import os
import pathlib
import shutil
import subprocess

import pytest

from desk import BINARY, Desk

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
MESSAGES = sorted(GOLDEN.glob("*.eml"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One desk for all: nothing is sent, nothing stays."""
    desk = Desk(tmp_path_factory.mktemp("golden"))
    (desk.path / "box" / "cur").mkdir(parents=True)
    (desk.path / "box" / "new").mkdir()
    (desk.path / "box" / "tmp").mkdir()
    return desk


def shown(desk, message, command="p", **env):
    box = desk.path / "box"
    for old in (box / "cur").iterdir():
        old.unlink()
    shutil.copy(message, box / "cur" / "1795514400.1.a:2,S")
    p = subprocess.run([BINARY, "mail", "-N", "-n", "-f", box],
                       input=f"{command} 1\nx\n".encode(),
                       env={**desk.env, **env}, capture_output=True,
                       timeout=60, cwd=desk.home, check=False)
    assert (p.returncode, p.stderr) == (0, b"")
    return p.stdout


def test_enough():
    assert len(MESSAGES) >= 300


@pytest.mark.parametrize("message", MESSAGES, ids=lambda p: p.stem)
def test_print(shared, message):
    golden = message.with_suffix(".txt")
    out = shown(shared, message)
    # whatever came: no control sequence, valid UTF-8
    assert not any(c in out for c in b"\0\x07\x08\x1b\x7f\r")
    out.decode()
    if os.environ.get("UPDATE"):
        golden.write_bytes(out)
    assert out == golden.read_bytes()
