#!/usr/bin/env python3
"""Pictures of screens for the docs, from the transcripts of the player.

usage: tests/mail/pictures.py            (writes docs/screens/*.svg)
"""
import html
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENS = pathlib.Path(__file__).resolve().parent / "screens"
WIDTH, HEIGHT, EDGE = 8, 17, 10     # of a character, around the screen
# which frame of which transcript
PICTURES = {"start": ("start", 0), "reading": ("print", 0),
            "help": ("help", 0), "writing": ("mail", 0),
            "pager": ("pager", 0), "narrow": ("start", 0)}


def frames(path):
    """The screens of a transcript, each a list of lines, and its cursor."""
    found = []
    for line in path.read_text().splitlines():
        if line.startswith("-- cursor "):
            row, column = re.findall(r"\d+", line)
            found.append(([], int(row) - 1, int(column) - 1))
        elif line.startswith("|"):
            found[-1][0].append(line[1:])
    return found


def svg(lines, row, column, size):
    columns, rows = size
    across, down = columns * WIDTH + 2 * EDGE, rows * HEIGHT + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" '
           f'height="{down}" font-family="monospace" font-size="13">',
           f'<rect width="{across}" height="{down}" rx="6" fill="#1c1c1c"/>',
           f'<rect x="{EDGE + column * WIDTH}" y="{EDGE + row * HEIGHT + 2}" '
           f'width="{WIDTH}" height="{HEIGHT - 2}" fill="#888"/>']
    for i, line in enumerate(lines):
        if line:
            out.append(f'<text x="{EDGE}" y="{EDGE + i * HEIGHT + 13}" '
                       f'xml:space="preserve" fill="#ddd">'
                       f'{html.escape(line)}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    target = ROOT / "docs" / "screens"
    target.mkdir(exist_ok=True)
    for name, (play, n) in PICTURES.items():
        size = (40, 10) if name == "narrow" else (80, 24)
        path = SCREENS / f"{play}.{size[0]}x{size[1]}.txt"
        (target / f"{name}.svg").write_text(svg(*frames(path)[n], size))


if __name__ == "__main__":
    main()
