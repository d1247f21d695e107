"""The catalogues have what the programs say, formats and all."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

needs_gettext = pytest.mark.skipif(not shutil.which("msgcmp"),
                                   reason="no gettext")


@needs_gettext
def test_chinese_is_whole():
    p = subprocess.run([ROOT / "config/texts"], capture_output=True, text=True)
    assert p.returncode == 0, p.stderr


@needs_gettext
def test_a_text_that_is_missing_is_told(tmp_path):
    for name in ("applets", "platform", "config"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with open(tmp_path / "applets/mail/show.c", "a") as f:
        f.write('const char *a(void) { return T("not %s yet"); }\n')
    p = subprocess.run([tmp_path / "config/texts"], capture_output=True,
                       text=True)
    assert p.returncode == 1 and "not used" not in p.stderr
    assert re.search("untranslated|not defined", p.stderr), p.stderr


def test_no_two_texts_of_one_hash():
    """Else text.awk, and so the build, fails."""
    po = (ROOT / "platform/os/zh_CN.po").read_text()
    twice = po + '\nmsgid "bA"\nmsgstr "x"\n\nmsgid "ab"\nmsgstr "y"\n'
    for text, status in ((po, 0), (twice, 1)):
        p = subprocess.run(["awk", "-f", ROOT / "config/text.awk"], input=text,
                           capture_output=True, text=True,
                           env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
        assert p.returncode == status, p.stderr


@pytest.mark.parametrize("awk", ["gawk", "busybox awk", "original-awk"])
def test_every_awk_makes_the_same_table(awk):
    """BusyBox's takes a number with a 0 in front for an octal one."""
    if not shutil.which(awk.split()[0]):
        pytest.skip(f"no {awk}")
    made = [subprocess.run(
        [*a.split(), "-f", ROOT / "config/text.awk",
         ROOT / "platform/os/zh_CN.po"], capture_output=True, check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout
        for a in ("awk", awk)]
    assert made[0] == made[1] and made[0].count(b"u,") > 400
