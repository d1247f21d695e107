"""Start-up files as users of s-nail and bsd-mailx have them."""
import pathlib

import pytest

from instance import needs
from test_read import fill, letter

NAIL = needs("MAIL_NAIL")


@pytest.fixture
def one(desk):
    fill(desk.mbox, letter("one"))
    return desk


def run(desk, rc, *lines, **env):
    (desk.home / ".mailrc").write_text(rc)
    p = desk.mail("-N", stdin="\n".join((*lines, "x\n")), **env)
    return p.stdout.decode(), p.stderr.decode()


@pytest.mark.parametrize("path", ["/etc/s-nail.rc", "/etc/mail.rc"])
def test_files_of_debian(one, path):
    if not pathlib.Path(path).exists():
        pytest.skip(f"no {path}")
    out, errors = run(one, f"source {path}\n", "set")
    assert errors == ""
    assert "append" in out.splitlines()


# An s-nail user's file, with what such files have that is not of POSIX.
MODERN = r"""# comment
set v15-compat sendcharsets=utf-8,iso-8859-1 ssl-verify=strict
set history-gabby=all history-gabby-persist
\if terminal && "$features" =@ +mle && "$features" =@ +colour
   \colour 256 mle-position fg=202
   \colour 256 mle-prompt fg=203
\endif
\if "$features" =% ,+regex,
   \headerpick save ignore '^Original-.*$'
\end
\filetype \
   bz2 'bzip2 -dc' 'bzip2 -zc' \
   gz 'gzip -dc' 'gzip -c'
filetype xz 'xz -dc' 'xz -zc'
define hook {
  set spoiled
  echo spoiled
}
wysh set pipe-text/html='?* lynx -stdin -dump'
shortcut work +work old %:+old
set after
"""


@NAIL
def test_modern_file(one):
    """What nobody knows is told once, with its line; the rest counts."""
    out, errors = run(one, MODERN, "set", "shortcut")
    assert errors.splitlines() == [
        "Unknown command: filetype (? lists all)",
        f"mail: this is in {one.home}/.mailrc, line 13",
        "Unknown command: define (? lists all)",
        f"mail: this is in {one.home}/.mailrc, line 15"]
    assert "after" in out.splitlines() and "spoiled" not in out
    assert "shortcut old %:+old\nshortcut work +work\n" in out


def test_unknown_block_is_left_out(one):
    """Its lines would be commands: an account's address for all mail."""
    out, errors = run(one, "nobody work {\n  set from=w@w.com\n}\nset after\n"
                      "nobody\nnobody home {\nset from=h@h.com\n}\n", "set")
    assert "after" in out.splitlines() and "from=" not in out
    assert errors.count("Unknown command") == 1
    assert "line 1\n" in errors
    # a block that does not end ends with its file
    out, errors = run(one, "nobody {\nset qq=1\n", "set")
    assert "qq=" not in out and errors.count("\n") == 2


@NAIL
@pytest.mark.parametrize("condition, want", [
    ("true", 1), ("false", 0), ("1", 1), ("0", 0), ("yes", 1), ("no", 0),
    ("r", 1), ("receive", 1), ("s", 0), ("send", 0), ("terminal", 0),
    ("t", 0), ("! terminal", 1), ("! ! true", 1), ("true && false", 0),
    ("true || false", 1), ("false || true && false", 0),
    ("false && true || true", 1), ("[ false && true ] || true", 1),
    ("! [ true && true ]", 0), ("true && ! [ false || false ]", 1),
    ("$have", 1), ("$none", 0), ("\"${have}\"", 1), ("! $none", 1),
    ("-N have", 1), ("-N none", 0), ("-Z none", 1), ("-Z have", 0),
    ('"$have" == text', 1), ("$have != text", 0), ("$have = other", 0),
    ('"$have" =% ex', 1), ('"$have" !% ex', 0), ('"$none" =@ +x', 0),
    ('"$HOME_NAME" == me && ! terminal', 1)])
def test_conditions(one, condition, want):
    out, errors = run(one, f"set have=text\nif {condition}\necho 1\nelse\n"
                      "echo 0\nendif\n", HOME_NAME="me")
    assert (out, errors) == (f"{want}\n", "")


@NAIL
@pytest.mark.parametrize("condition", [
    "", "what", "terminal terminal", "true &&", "[ true", "true ]", "&& true",
    "$have =~ regex", "$have -gt 3", "! ", "[ " * 9 + "true" + " ]" * 9,
    "what || true", "-N", "! " * 30000 + "]"])
def test_conditions_that_make_no_sense(one, condition):
    """Neither arm counts, it is told once, and what follows does count."""
    out, errors = run(one, f"set have=text\nif {condition}\necho 1\n"
                      "elif true\necho 2\nelse\necho 0\nendif\necho on\n")
    assert out == "on\n"
    assert errors.count("line 2\n") == 1 and errors.count("\n") == 2


@NAIL
@pytest.mark.parametrize("first, second, want", [
    ("true", "true", "1"), ("false", "true", "2"), ("false", "false", "3")])
def test_elif(one, first, second, want):
    rc = (f"if {first}\necho 1\nelif {second}\necho 2\nelif {second}\n"
          "echo again\nelse\necho 3\nendif\n")
    assert run(one, rc) == (f"{want}\n", "")
    # and inside of what is left out nothing of it counts
    assert run(one, f"if false\n{rc}endif\necho on\n") == ("on\n", "")
    assert "There is no if" in run(one, "elif true\n")[1]


@NAIL
def test_shortcuts(one):
    (one.home / "mail").mkdir()
    fill(one.home / "mail" / "work", letter("at work"))
    rc = "shortcut w +work\nshortcut own %:+work gone +none\nunshortcut gone\n"
    out, errors = run(one, rc, "file w", "file own", "c w2",
                      "shortcut")
    assert out.count("at work") == 2 and errors == ""
    assert "gone" not in out and (one.home / "w2").exists()
    # a name is looked up once: these end
    out, errors = run(one, "shortcut a b b a\nshortcut c c\n", "file c")
    assert "c: No such file" in errors
    assert "shortcut NAME FILE" in run(one, "shortcut x\n")[1]


def test_mbox_and_more_may_be_folders(one):
    (one.home / "mail").mkdir()
    run(one, "set MBOX=+box\n", "p", "q")
    assert b"one" in (one.home / "mail" / "box").read_bytes()
    fill(one.mbox, letter("two"))
    run(one, "set MBOX=~/box2\n", "p", "q")
    assert b"two" in (one.home / "box2").read_bytes()
    assert run(one, "set MBOX=&\n", "file &")[1].count("\n") == 1


@NAIL
def test_inbox(one):
    fill(one.home / "in", letter("elsewhere"))
    out, errors = run(one, "set inbox=~/in\n", "f 1", "file %", "file")
    assert "elsewhere" in out and errors == ""
    for other in ("%", "imaps://a.com/", ""):
        assert "one" in run(one, f"set inbox={other}\n", "f 1")[0]


def test_unset_several(one):
    out, errors = run(one, "set a=1 b=2 c=3\nunset a b\nset noc\nset -x\n",
                      "set")
    assert errors == ""
    assert not {"a=", "b=", "c="} & {line[:2] for line in out.splitlines()}


@NAIL
def test_program_as_url(one):
    """s-nail's mta=file://PATH is a program, no server."""
    tool = one.home / "mta"
    tool.write_text(f"#!/bin/sh\ncat >{one.home}/taken\n")
    tool.chmod(0o755)
    (one.home / ".mailrc").write_text(f"set mta=file://{tool}\n")
    assert one.text("-s", "x", "bob@b.com", stdin="hi\n") == ("", "")
    assert b"\n\nhi\n" in (one.home / "taken").read_bytes()
