"""Files of the spool as docs/queue.md has them, made without a daemon."""

import os
import time
import zlib

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
made = 0


def new_id(us):
    global made
    made += 1
    text = ""
    for n, width in ((us, 11), (made, 8)):
        part = ""
        for _ in range(width):
            part = DIGITS[n & 31] + part
            n >>= 5
        text += part
    return text


def record(sender, rcpts, message=b"Subject: x\r\n\r\nx\r\n", attempts=0,
           next_try=0, created=None, mark=b" ", name=None, origin="uid 0",
           dsn="", summed=True):
    """(ID, the file's bytes)"""
    created = int(time.time()) if created is None else created
    name = name or new_id(int(time.time() * 1e6))
    fixed = b"try%s%010d %020d\n" % (mark, attempts, next_try)
    flags = f"- {dsn}" if dsn else "-"
    if summed:
        fixed = fixed[:15] + b"1%07d" % (zlib.crc32(fixed) % 9999999 + 1) + \
            fixed[23:]
    lines = (f"id {name}\ncreated {created}\nflags {flags}\n"
             f"sender {sender}\norigin {origin}\n").encode()
    crc = zlib.crc32(lines)
    for r in rcpts:
        line = b" " + (r if isinstance(r, bytes) else r.encode()) + b"\n"
        crc = zlib.crc32(line, crc)
        lines += b"w" + line
    size = 48 + len(fixed) + len(lines) + 1
    head = (size, len(message), zlib.crc32(message))
    crc = zlib.crc32(b"%08x %016x %08x" % head, crc)
    return name, b"PB1 %08x %016x %08x %08x\n" % (
        size, len(message), crc, head[2]) + fixed + lines + b"\n" + message


def put(i, sender, rcpts, **kw):
    """Into the spool of an Instance; gives the ID."""
    name, data = record(sender, rcpts, **kw)
    with open(i.dir / "spool" / "msg" / name, "xb") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(data)
    return name


def prepare(i):
    """Where the daemon has not made the folder yet."""
    (i.dir / "spool" / "msg").mkdir(mode=0o700, parents=True, exist_ok=True)
