"""Lets every test folder import instance and lab."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# Whoever starts us in the background ignores these, and so would the programs
# that we press ^C at.
for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    if signal.getsignal(getattr(signal, name)) == signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def own_network():
    """Root's tests have a loopback of their own, so that nobody else on the
    machine, not even a worker beside us, listens at the ports they need."""
    clone_newnet = 0x40000000
    if os.geteuid() == 0 and shutil.which("ip") and \
            ctypes.CDLL(None).unshare(clone_newnet) == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


own_network()


def pytest_runtest_setup():
    """faketime, when it is killed, leaves what the next one with its pid, and
    they come round, then finds in its way."""
    for path in pathlib.Path("/dev/shm").glob("*faketime_s*"):
        if not os.path.exists(f"/proc/{path.name.rpartition('_')[2]}"):
            path.unlink(missing_ok=True)
