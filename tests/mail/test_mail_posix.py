"""docs/mail.md's table of POSIX mailx: each item has a test that is there."""
import re

import pytest

from desk import ROOT
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
            -e -f -F -H -i -n -N -s -u
            ~! ~. ~: ~_ ~? ~A ~a ~b ~c ~d ~e ~f ~F ~h ~i ~m ~M ~p ~q ~r ~< ~s
            ~t ~v ~w ~x""".split():
        plain = PAGE.replace("[", "").replace("]", "")
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?!\w)", plain), word
