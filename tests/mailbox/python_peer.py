"""Random operations on a mailbox by Python's mailbox module.

usage: python_peer.py PATH maildir|mbox SEED COUNT WHO; says what drive.c says
"""

import mailbox
import os
import random
import sys
import time

from messages import ident_of, text_of

PATH, FORMAT, SEED, COUNT, WHO = sys.argv[1:]
KEPT_MOST = 60
pick = random.Random(int(SEED))
added = 0


def new():
    global added
    added += 1
    return f"{WHO}-{added}"


def said(sign, ident):
    print(sign + ident, flush=True)


# --- Maildir

def add(box):
    ident = new()
    box.add(text_of(ident))
    said("+", ident)


def flag(box, key):
    """As mail programs do it: by another name."""
    sub = box._lookup(key)
    letters = "".join(sorted(pick.sample("DFPRSTabz", 3)))
    os.rename(os.path.join(PATH, sub),
              os.path.join(PATH, "cur", f"{key}:2,{letters}"))


def remove(box, key):
    ident = ident_of(box.get_bytes(key))
    box.remove(key)
    said("-", ident)


def maildir():
    box = mailbox.Maildir(PATH, create=False)
    for _ in range(int(COUNT)):
        try:
            keys = list(box.keys())
            what = pick.choice([add, flag, remove]) if keys else add
            if what is not add:
                many = len(keys) > KEPT_MOST
                (remove if many else what)(box, pick.choice(keys))
            else:
                add(box)
        except (KeyError, FileNotFoundError):
            pass                # the other one was faster


# --- mbox: all of it is under its lock

def mbox_step(box):
    keys = list(box.keys())
    what = pick.randrange(3) if keys else 0
    if len(keys) > KEPT_MOST:
        what = 2
    if what == 0:
        ident = new()
        # Python writes ">" before "From " only; so this is mboxrd
        text = b"\n".join(b">" + line if line.lstrip(b">").startswith(b"From ")
                          and line.startswith(b">") else line
                          for line in text_of(ident).split(b"\n"))
        box.add(text)
        return "+", ident
    key = pick.choice(keys)
    if what == 1:
        message = box[key]
        message.set_flags("".join(pick.sample("ROAF", 2)))
        box[key] = message
        return "", ""
    ident = ident_of(box.get_bytes(key), True)
    box.remove(key)
    return "-", ident


def mbox():
    for _ in range(int(COUNT)):
        while True:
            box = mailbox.mbox(PATH)
            try:
                box.lock()
                break
            except mailbox.ExternalClashError:
                box._file.close()
                time.sleep(0.002)
        if os.fstat(box._file.fileno()).st_ino != os.stat(PATH).st_ino:
            box.close()
            continue
        sign, ident = mbox_step(box)
        try:
            box.flush()
            box.unlock()
        except mailbox.ExternalClashError:
            # it has put a new file there, whose lock the other one tries,
            # who then sees the dot-lock
            os.remove(PATH + ".lock")
            box._locked = False
            box._pending = False
        box.close()
        if sign:
            said(sign, ident)


maildir() if FORMAT == "maildir" else mbox()
