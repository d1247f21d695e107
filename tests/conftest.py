"""Lets every test folder import instance and lab."""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# Whoever starts us in the background ignores these, and so would the programs
# that we press ^C at.
for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    if signal.getsignal(getattr(signal, name)) == signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
