"""docs/mail.md's table of POSIX mailx: each item has a test that is there."""
import re
import subprocess

import pytest

from desk import BINARY, ROOT
from instance import needs
from test_read import fill, letter

PAGE = (ROOT / "docs" / "mail.md").read_text()
ROWS = [re.split(r"(?<!\\)\|", line)[1:3]
        for line in PAGE.splitlines() if line.startswith("|")
        and not line.startswith("|---") and not line.endswith("| test |")]


@pytest.mark.parametrize("item, tests", ROWS, ids=[r[0].strip() for r in ROWS])
def test_tests_exist(item, tests):
    names = [t.strip() for t in tests.split(",")]
    assert names and item.strip()
    for name in names:
        if name.endswith(".c"):
            assert (ROOT / "applets" / "mail" / name).exists(), name
            continue
        file, _, test = name.partition("::")
        text = (ROOT / "tests" / "mail" / f"{file}.py").read_text()
        assert f"\ndef {test}(" in text, name


def test_table_is_whole(desk):
    """All of POSIX is in it, and each command that the binary has."""
    commands = PAGE.split("### Commands")[1].split("### Message lists")[0]
    commands, beside = commands.split("Beside these,")
    words = set()
    for line in commands.splitlines():
        if line.startswith("|"):
            words |= set(re.findall(r"\S+", line.split(" | ")[0]
                                    .replace("[", "").replace("]", "")
                                    .replace(",", " ").replace("\\", "")))
    words |= set(beside.split())
    fill(desk.mbox, letter("x"))
    have = desk.text("-N", stdin="list\nx\n")[0].split()
    assert [c for c in have if c not in words] == []


def test_all_of_posix():
    """The standard's names, so that a row cannot be lost."""
    for word in """
            alias group alternates cd chdir copy Copy delete discard ignore dp
            dt echo edit exit xit file folder folders followup Followup from
            headers help hold preserve if else endif list mail mbox next pipe
            Print Type print type quit Reply Respond reply respond retain save
            Save set shell size source top touch unalias undelete unset visual
            write z allnet append ask asksub askbcc askcc autoprint bang cmd
            crt debug dot escape flipr folder header hold ignore ignoreeof
            indentprefix keep keepsave metoo onehop outfolder page prompt quiet
            record save screen sendwait showto sign Sign toplines DEAD EDITOR
            LISTER MAILRC MBOX PAGER SHELL VISUAL HOME
            -E -e -f -F -H -i -n -N -s -u
            ~! ~. ~: ~_ ~? ~A ~a ~b ~c ~d ~e ~f ~F ~h ~i ~m ~M ~p ~q ~r ~< ~s
            ~t ~v ~w ~x""".split():
        plain = PAGE.replace("[", "").replace("]", "")
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?!\w)", plain), word


def blocks(section):
    """The examples of a section of the page, each a list of lines."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    return [b.strip("\n").splitlines() for b in text.split("```")[1::2]]


@needs("MAIL_ACCOUNT")
def test_example_of_start_up_file(desk):
    (lines,) = blocks("Start-up files")
    (desk.home / ".mailrc").write_text("\n".join(lines) + "\n")
    fill(desk.mbox, letter("x"))
    out, errors = desk.text("-N", stdin="alias\nset\naccount work\nset\nx\n")
    assert errors == ""
    assert "team" in out and 'from="alice@work.example"' in out


def test_examples_of_reading(desk):
    (desk.home / "mail").mkdir()
    fill(desk.mbox, *[letter(f"number {i}") for i in range(1, 5)])
    commands = [re.split(r"  +", line)[0] for line in blocks("Reading")[0]
                if not line.startswith(" ")]
    assert len(commands) == 4
    script = "\n".join(commands).replace(" less", " cat >piped")
    out, errors = desk.text("-N", stdin=f"{script}\nx\n")
    assert errors == "" and "1 message" in out
    assert "number 2" in (desk.home / "mail" / "work").read_text()
    assert "number 1" in (desk.home / "piped").read_text()


@needs("MAIL_ATTACH")
def test_examples_of_scripts(post):
    """As a shell runs them; root is a user of the test's own system."""
    (post.home / "mail").mkdir()
    fill(post.mbox, letter("one"), letter("two"))
    fill(post.home / "mail" / "work", letter("three"))
    (post.home / "report.pdf").write_bytes(b"%PDF")
    (post.home / "text").write_text("hi\n")
    tool = post.path / "mail-tool" / "mail"
    tool.parent.mkdir()
    tool.symlink_to(BINARY)
    env = {**post.env, "PATH": f"{tool.parent}:{post.env['PATH']}"}
    out = []
    for line in blocks("Scripts")[0]:
        command = re.split(r"  +", line)[0]
        p = subprocess.run(command, shell=True, env=env, cwd=post.home,
                           capture_output=True, check=False, timeout=60)
        assert p.returncode == 0 and p.stderr == b"", (command, p)
        out.append(p.stdout.decode())
    assert [m[1] for m in post.server.messages] == [
        ["root@a.com"], ["alice@a.com"]]
    assert out[2] == "mail\n" and "two" in out[3] and "three" in out[4]
    assert not post.mbox.exists()       # the last one has deleted all
