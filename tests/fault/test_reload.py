"""SIGHUP and a new certificate: what is new comes, no session goes."""

import poplib
import shutil
import signal
import smtplib
import ssl

from fakes import make_cert
from instance import Instance, wait_for


def insecure():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def reload(i):
    since = len(i.log())
    i.maild.send_signal(signal.SIGHUP)
    i.wait_log("smtpd: ready", since=since)
    i.wait_log("pop3d: ready", since=since)


def test_reload_keeps_the_old_configuration_when_the_new_is_wrong():
    with Instance() as i:
        good = i.conf.read_text()
        i.conf.write_text(good + "nonsense 1\n")
        since = len(i.log())
        i.maild.send_signal(signal.SIGHUP)
        i.wait_log("nonsense", since=since)
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as s:
            s.sendmail("x@y.test", ["bob@a.test"], "Subject: 1\r\n\r\nx")
        i.wait_messages("bob", 1)


def test_reload_takes_new_settings_and_drops_no_session():
    with Instance() as i:
        s = smtplib.SMTP("127.0.0.1", i.port["smtp"])
        s.ehlo()
        i.conf.write_text(i.conf.read_text() + "max-message-size 1M\n")
        p = poplib.POP3_SSL("127.0.0.1", i.port["pop3s"], context=insecure())
        p.user("bob@a.test")
        p.pass_("bob-pw")
        reload(i)
        with smtplib.SMTP("127.0.0.1", i.port["smtp"]) as new:
            new.ehlo()
            assert new.esmtp_features["size"] == str(1 << 20)
        # the old sessions go on, and their processes end with them
        s.sendmail("x@y.test", ["bob@a.test"], "Subject: 1\r\n\r\nx")
        assert p.stat() == (0, 0)
        assert len(i.pids("pop3d")) == 2
        s.quit()
        p.quit()
        i.wait_messages("bob", 1)
        wait_for(lambda: len(i.pids("pop3d")) == 1)


def test_many_reloads_leave_no_gap():
    """More than drain at a time: each still ends by itself."""
    with Instance() as i:
        held = []
        for _ in range(6):
            s = smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=40)
            s.ehlo()
            held.append(s)
            reload(i)
        with smtplib.SMTP("127.0.0.1", i.port["smtp"], timeout=10) as new:
            new.sendmail("x@y.test", ["bob@a.test"], "Subject: 1\r\n\r\nx")
        held[-1].noop()
        i.wait_messages("bob", 1)
        for s in held:
            s.close()
        wait_for(lambda: len(i.pids("pop3d")) == 1, 20)


def test_new_certificate_is_taken(tmp_path):
    old, new = (make_cert(tmp_path, n) for n in ("old.test", "new.test"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def put(pair):
        for source, to in zip(pair, (cert, key)):
            shutil.copy(source, f"{to}.tmp")
            (tmp_path / f"{to.name}.tmp").chmod(0o600)
            (tmp_path / f"{to.name}.tmp").rename(to)

    def served(i):
        with smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"],
                              context=insecure()) as s:
            return s.sock.getpeercert(True)

    def der(pair):
        return ssl.PEM_cert_to_DER_cert(pair[0].read_text())

    put(old)
    with Instance(extra=f"tls-cert {cert}\ntls-key {key}\n") as i:
        assert served(i) == der(old)
        s = smtplib.SMTP_SSL("127.0.0.1", i.port["smtps"], context=insecure())
        put(new)
        i.wait_log("cert.pem is new", 60)
        wait_for(lambda: served(i) == der(new), 40)
        assert s.noop()[0] == 250
