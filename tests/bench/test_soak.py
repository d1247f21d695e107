"""tests/bench/soak and tests/bench/sessions, for some seconds.

`make soak TIME=7200` is for hours.
"""

import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def run(program, *argv):
    p = subprocess.run([sys.executable, HERE / program, *argv], text=True, timeout=300,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(p.stdout)
    return p


def test_good_and_bad_clients():
    """Four phases of 2 s are few: what is made once may still be made late."""
    p = run("soak", "--time", "8", "--slack", "512")
    assert p.returncode == 0, p.stdout


@pytest.mark.parametrize("fault,said", [
    ("lost", "1 messages missing: never-sent"),
    ("killed", "FAILED processes were")])
def test_it_can_fail(fault, said):
    p = run("soak", "--time", "4", "--good-only", "--drain", "5", "--fault",
            fault)
    assert p.returncode == 1 and said in p.stdout, p.stdout


def test_idle_sessions():
    """1,000 of them: docs/bench.md has what they take."""
    p = run("sessions", "--count", "200", "--most-plain", "4", "--most-tls",
            "48")
    assert p.returncode == 0, p.stdout
    p = run("sessions", "--count", "50", "--most-plain", "0.1")
    assert p.returncode == 1, p.stdout
