"""Certificates for tests, made by openssl."""

import hashlib
import ssl
import subprocess

KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa": ["-newkey", "rsa:2048"]}


class Cert:
    """cert, key: PEM files."""

    def __init__(self, folder, file, name="", san="", kind="ec", ca=None,
                 extra=(), days=30):
        self.cert = folder / f"{file}.pem"
        self.key = folder / f"{file}.key"
        argv = ["openssl", "req", "-x509", *KEYS[kind], "-nodes",
                "-subj", f"/CN={name or file}", "-days", str(days),
                "-out", self.cert, "-keyout", self.key]
        if san:
            argv += ["-addext", f"subjectAltName={san}"]
        for line in extra:
            argv += ["-addext", line]
        if ca:
            argv += ["-CA", ca.cert, "-CAkey", ca.key,
                     "-addext", "basicConstraints=critical,CA:FALSE"]
        done = subprocess.run([str(a) for a in argv], capture_output=True,
                              text=True)
        if done.returncode and ca:      # openssl 3.0 has no req -CA
            raise RuntimeError(done.stderr)
        assert done.returncode == 0, done.stderr

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.cert.read_text())

    @property
    def sha256(self):
        return hashlib.sha256(self.der).hexdigest()

    def context(self):
        """A client that shows this certificate and trusts everybody."""
        context = anybody()
        context.load_cert_chain(self.cert, self.key)
        return context


def anybody():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
