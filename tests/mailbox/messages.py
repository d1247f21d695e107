"""Messages whose text follows from their ID, and what is in a mailbox of them."""

import mailbox
import re

LINES = ["text of %s\n", "From %s Tue Nov 24 11:11:46 2026\n", "\n",
         ">From %s\n", ".%s\n", "Status: %s\n"]


def text_of(ident):
    """As drive.c has it."""
    total = 0
    for byte in ident.encode():
        total = (total * 31 + byte) & 0xFFFFFFFF
    body = ""
    for i in range(total % 23):
        if ident[0] == "p":     # for who knows nothing of mboxrd
            line = ["text of %s\n", "\n"][i % 2]
        else:
            line = LINES[(total >> 3) % (i % 6 + 1)]
        body += line % ident if "%s" in line else line
    return (f"Subject: s\nX-Op-Id: {ident}\n\n{body}"
            f"end of {ident}\n").encode()


def ident_of(raw, undo=False, loose=False):
    """Its ID, when it is whole. undo: it is an mbox's, quoted as mboxrd. loose:
    another program may have put an empty line behind it.
    """
    raw = raw.replace(b"\r\n", b"\n")
    found = re.search(rb"^X-Op-Id: (\S+)$", raw, re.M)
    assert found, raw
    ident = found[1].decode()
    body = raw.split(b"\n\n", 1)[1]
    if undo:
        body = re.sub(rb"^>(>*From )", rb"\1", body, flags=re.M)
    if loose:
        body = body.rstrip(b"\n") + b"\n"
    assert body == text_of(ident).split(b"\n\n", 1)[1], raw
    return ident


def maildir_idents(path):
    return [ident_of(p.read_bytes())
            for sub in ("new", "cur") for p in (path / sub).iterdir()]


def mbox_idents(path):
    """By Python's own reader, which the file must make sense to."""
    box = mailbox.mbox(path, create=False)
    try:
        return [ident_of(box.get_bytes(key), True) for key in box.keys()]
    finally:
        box.close()


def compare(found, *logs):
    """Every message that was added and not removed is there, once; of some ("?")
    it is not known whether they were removed.
    """
    said = {"+": set(), "-": set(), "?": set()}
    for log in logs:
        for line in log.split():
            said[line[0]].add(line[1:])
    added, removed = said["+"], said["-"]
    assert removed <= added
    assert len(found) == len(set(found)), "some are there twice"
    missing = added - removed - set(found)
    assert not missing - said["?"] and set(found) <= added - removed, (
        sorted(missing), sorted(said["?"] & missing),
        sorted(set(found) - (added - removed)))
    return len(added), len(removed)
