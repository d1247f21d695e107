#!/usr/bin/env python3
"""What a TLS handshake costs the server, in instructions: ECDSA or RSA?

usage: handshake.py [BINARY]		default: $PILLARBOX or build/pillarbox

smtpd runs below valgrind --tool=callgrind (apt-get install valgrind), once
for each certificate; a figure is what MORE sessions add, for each of them:
connection, handshake, greeting, QUIT. The time on a device follows the
instructions, not this machine's clock.
"""

import os
import pathlib
import re
import signal
import ssl
import socket
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
if len(sys.argv) > 1:
    os.environ["PILLARBOX"] = str(pathlib.Path(sys.argv[1]).resolve())
sys.path[:0] = [str(TESTS), str(TESTS / "tls")]

from certs import Cert, anybody         # noqa: E402
from instance import BIN, Instance, wait_for   # noqa: E402

FEW, MORE = 2, 10


def session(port, context, old=None):
    with socket.create_connection(("127.0.0.1", port), 60) as s, \
            context.wrap_socket(s, session=old) as t:
        t.recv(1000)
        t.sendall(b"QUIT\r\n")
        while t.recv(1000):
            pass
        assert t.session_reused == (old is not None)
        return t.session


def collected(cert, version, sessions, resumed):
    """Instructions of an smtpd that serves so many sessions."""
    context = anybody()
    context.minimum_version = context.maximum_version = version
    with Instance(extra=f"tls-cert {cert.cert}\ntls-key {cert.key}\n",
                  start=False, users=()) as i:
        log, run = i.dir / "valgrind", i.dir / "run"
        # smtpd ends in a chroot there, and valgrind writes a file then
        (run / str(run).lstrip("/")).mkdir(parents=True)
        with open(log, "w") as out:
            p = subprocess.Popen(
                ["valgrind", "--tool=callgrind",
                 f"--callgrind-out-file={run}/out", BIN, "smtpd", "-f", "-C",
                 i.conf], stdout=out, stderr=out)
        wait_for(lambda: "smtpd: ready" in log.read_text() or
                 p.poll() is not None, 60)
        assert p.poll() is None, log.read_text()
        try:
            first = session(i.port["smtps"], context)
            for _ in range(sessions):
                session(i.port["smtps"], context, first if resumed else None)
        finally:
            p.send_signal(signal.SIGTERM)
            p.wait(60)
        found = re.findall(rf"=={p.pid}== Collected : (\d+)",
                           log.read_text())
        assert found, log.read_text()
        return int(found[0])


def each(*args, resumed=False):
    return (collected(*args, FEW + MORE, resumed) -
            collected(*args, FEW, resumed)) / MORE


def main():
    print("| TLS | certificate | instructions | of it ECDSA |")
    print("|---|---|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        certs = {n: Cert(pathlib.Path(folder), k, kind=k)
                 for n, k in (("ECDSA P-256", "ec"), ("RSA 2048", "rsa"))}
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            ecdsa = None
            rows = [(n, False) for n in certs] + [("ECDSA P-256", True)]
            for name, resumed in rows:
                try:
                    n = each(certs[name], version, resumed=resumed)
                except ssl.SSLError:
                    continue            # mbedTLS 2.28 has no 1.3
                ecdsa = ecdsa or n
                print(f"| {version.name[4:].replace('_', '.')} | {name}"
                      f"{', session resumed' if resumed else ''} | {n:,.0f} "
                      f"| {n / ecdsa:.2f} |", flush=True)


main()
