"""make bench-mailbox works: a small run of all its parts.

Figures of a run as short as this say nothing; that there are any does.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

BENCH = pathlib.Path(__file__).resolve().parent / "mailbox_peers.py"


@pytest.mark.skipif(os.geteuid(), reason="needs root")
@pytest.mark.skipif(not os.path.exists("/usr/include/openssl/ssl.h"),
                    reason="libssl-dev is not installed")
def test_a_small_run():
    # not tmp_path: Dovecot's users could not get there
    folder = tempfile.TemporaryDirectory(prefix="pb")
    os.chmod(folder.name, 0o755)
    out = subprocess.run(
        [sys.executable, BENCH, "--runs", "1", "--messages", "60", "--idle",
         "3", "--only", "pillarbox", "--dir", folder.name], stdout=subprocess.PIPE, text=True,
        timeout=120, check=True).stdout
    print(out)
    for label in ("cold, 64 at a time", "TLS, one at a time", "1 connection ",
                  "20 connections"):
        row = re.search(rf"^Pillarbox, {label} +(.*)", out, re.M)[1].split()
        assert all(float(cell.replace(",", "")) > 0 for cell in row[:3]), row
    for label in ("plain", "TLS"):
        each = re.search(rf"^Pillarbox, {label} +(\S+)$", out, re.M)[1]
        assert float(each) < 100, out
