"""Postfix with Cyrus SASL asks our authd, as it would ask saslauthd.

Postfix runs in its root folder (peers_root); without it this is skipped.
"""

import base64
import shutil
import smtplib

import pytest

import peers_root
from instance import Instance, wait_for
from mail_peers import Postfix, open_peer



class Asker(Postfix):
    """Its users are those of our authd."""

    def configure_more(self):
        super().configure_more()
        etc = self.root / "etc/postfix"
        with (etc / "main.cf").open("a") as f:
            f.write("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = cyrus\n"
                    "smtpd_sasl_path = smtpd\nsmtpd_tls_auth_only = no\n"
                    "smtpd_sasl_security_options = noanonymous\n"
                    "cyrus_sasl_config_path = /etc/postfix/sasl\n")
        (etc / "sasl").mkdir(exist_ok=True)
        (etc / "sasl/smtpd.conf").write_text(
            "pwcheck_method: saslauthd\nsaslauthd_path: /mail/mux\n"
            "mech_list: PLAIN LOGIN\n")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    peer, certificate = open_peer(Asker, tmp_path_factory)
    mux = peer.work / "mail/mux"
    with Instance(start=False) as us, peers_root.locked(peer.root):
        with us.conf.open("a") as f:
            f.write(f"saslauthd-socket {mux}\n")
        peer.know(us.port, certificate).start()
        # its folder is new now; postfix is no member of a group there
        us.start()
        mux.chmod(0o666)
        try:
            yield us, peer
        finally:
            peer.kill()
            shutil.rmtree(peer.root / "etc/postfix/sasl", ignore_errors=True)


def auth(peer, mechanism, user, password):
    """What AUTH is answered."""
    with smtplib.SMTP("127.0.0.1", peer.port, timeout=30) as s:
        s.ehlo()
        assert mechanism in s.esmtp_features["auth"]
        if mechanism == "PLAIN":
            return s.docmd("AUTH PLAIN " + base64.b64encode(
                f"\0{user}\0{password}".encode()).decode())
        s.docmd("AUTH LOGIN")
        s.docmd(base64.b64encode(user.encode()).decode())
        return s.docmd(base64.b64encode(password.encode()).decode())


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_postfix_asks_us(both, mechanism):
    us, peer = both
    assert auth(peer, mechanism, "alice@a.test", "alice-pw")[0] == 235
    assert auth(peer, mechanism, "bob@a.test", "bob-pw")[0] == 235
    assert auth(peer, mechanism, "alice@a.test", "bob-pw")[0] == 535
    assert auth(peer, mechanism, "nobody@a.test", "x")[0] == 535
    assert auth(peer, mechanism, "alice@b.test", "alice-pw")[0] == 535
    us.wait_log("login failed user=<nobody@a.test> service=smtp "
                "peer=saslauthd")


def test_a_user_that_has_gone(both):
    us, peer = both
    us.run("mailuser", "add", "carol@a.test", input="carol-pw\n")
    assert auth(peer, "PLAIN", "carol@a.test", "carol-pw")[0] == 235
    us.run("mailuser", "del", "carol@a.test")
    assert auth(peer, "PLAIN", "carol@a.test", "carol-pw")[0] == 535


def test_not_now_is_not_the_password(both):
    """What Postfix makes of it: libsasl says "generic failure"."""
    us, peer = both
    db = us.dir / "state/users.db"
    whole = db.read_bytes()
    db.write_bytes(b"not a database at all" * 1000)
    code, text = auth(peer, "PLAIN", "alice@a.test", "alice-pw")
    db.write_bytes(whole)
    print(code, text)
    assert code >= 400 and b"generic failure" in text, (code, text)
    wait_for(lambda: auth(peer, "PLAIN", "alice@a.test", "alice-pw")[0] == 235)
