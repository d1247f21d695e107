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


# What is built in, by words of its tables; another libc knows other charsets.
BUILT = pathlib.Path(BINARY).read_bytes()
GLIBC = b"libc.so.6" in BUILT
pytestmark = pytest.mark.skipif(
    any(word not in BUILT for word in (b"blockquote", b"VEVENT", b"koi8-r")),
    reason="built without MAIL_HTML, MAIL_CALENDAR or ICONV")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What one session prints of all messages, by name."""
    desk = Desk(tmp_path_factory.mktemp("golden"))
    box = desk.path / "box"
    for folder in ("cur", "new", "tmp"):
        (box / folder).mkdir(parents=True)
    for n, message in enumerate(MESSAGES, 1):
        path = box / "cur" / f"{1795000000 + n}.{n}.a:2,S"
        shutil.copy(message, path)
        os.utime(path, (1795000000 + n,) * 2)
    script = "".join(f"p {n}\n" for n in range(1, len(MESSAGES) + 1))
    p = subprocess.run([BINARY, "mail", "-N", "-n", "-f", box], env=desk.env,
                       input=f"{script}x\n".encode(), capture_output=True,
                       timeout=100, cwd=desk.home, check=False)
    assert (p.returncode, p.stderr) == (0, b"")
    texts, rest = {}, b"\n" + p.stdout
    for n, message in enumerate(MESSAGES, 1):
        begin = b"\nMessage %d:\n" % n
        assert rest.startswith(begin), message.stem
        end = rest.find(b"\nMessage %d:\n" % (n + 1), len(begin))
        end = end if n < len(MESSAGES) else len(rest) - 1
        texts[message.stem] = rest[len(begin):end + 1]
        rest = rest[end:]
    return texts


def test_enough():
    assert len(MESSAGES) >= 600


@pytest.mark.parametrize("message", MESSAGES, ids=lambda p: p.stem)
def test_print(shown, message):
    if not GLIBC and message.stem.startswith(("charset-", "alias-")):
        pytest.skip("the texts are what glibc's iconv makes")
    text, golden = shown[message.stem], message.with_suffix(".txt")
    # whatever came: no control sequence, valid UTF-8
    assert not any(c in text for c in b"\0\x07\x08\x0b\x0c\x1b\x7f\r")
    text.decode()
    if os.environ.get("UPDATE"):
        golden.write_bytes(text)
    assert text == golden.read_bytes()
