"""Builds drive.c with what it needs of platform, sanitizers on."""

import fcntl
import pathlib
import shutil
import subprocess

import pytest

from instance import BIN, ROOT

PARTS = ["base/*.c", "os/log*.c", "os/file*.c", "os/clock*.c", "os/rand*.c",
         "os/priv*.c", "store/mailbox*.c", "store/maildir*.c", "store/mbox*.c",
         "store/disk.c", "store/out.c", "store/gzip*.c"]


def sources():
    for part in PARTS:
        for path in sorted((ROOT / "platform").glob(part)):
            if not path.stem.endswith(("_test", "_fuzz", "_mbedtls")):
                yield path


def build():
    """The program, made once. Skips where it cannot be."""
    gen = pathlib.Path(BIN).resolve().parent / "gen"
    if not shutil.which("cc") or not (gen / "config.h").exists():
        pytest.skip("no compiler, or the binary was not built here")
    out = gen.parent / "drive"
    files = [pathlib.Path(__file__).parent / "drive.c", *sources()]
    with (gen / "drive.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists() or out.stat().st_mtime < max(
                f.stat().st_mtime for f in files):
            subprocess.run(
                ["cc", "-std=c11", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64",
                 "-O1", "-g", "-fsanitize=address,undefined",
                 "-fno-sanitize-recover=all", "-ffunction-sections",
                 "-Wl,--gc-sections", f"-I{ROOT / 'platform'}", f"-I{gen}",
                 "-o", out, *files, "-lz"], check=True)
    return out
