"""Every play of screens/ on three terminals of two sizes (see player.py)."""
import pytest

pytest.importorskip("pyte", reason="python3-pyte is not installed")

import player  # noqa: E402

PLAYS = sorted(player.SCREENS.glob("*.play"))


@pytest.mark.parametrize("size", player.SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("path", PLAYS, ids=lambda p: p.stem)
def test_screens(post, path, size):
    player.compare(post, path, size)


def test_no_transcript_is_left_over():
    known = {p.stem for p in PLAYS}
    assert known
    for path in player.SCREENS.glob("*.txt"):
        assert path.name.split(".")[0] in known
