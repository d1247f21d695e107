"""haproxy and nginx in front of us: the client's own address counts."""

import http.server
import poplib
import re
import smtplib
import ssl
import subprocess
import threading
import time

import pytest

from instance import Instance, free_port, wait_for, wait_port

NOVERIFY = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def box():
    with Instance(extra="proxy-from 127.0.0.2\nxclient-from 127.0.0.3\n"
                  "relay-from 127.0.0.77\nmax-sessions-per-address 3\n") as i:
        yield i


def run_until_up(argv, port):
    p = subprocess.Popen(argv, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    wait_port(port)
    assert p.poll() is None, p.stdout.read()
    return p


@pytest.fixture(scope="module", params=["send-proxy", "send-proxy-v2"])
def haproxy(box, request):
    """Ports of haproxy by service; it calls from 127.0.0.2."""
    ports = {s: free_port() for s in ("smtp", "smtps", "pop3", "pop3s")}
    conf = box.dir / "haproxy.cfg"
    conf.write_text("defaults\n mode tcp\n timeout connect 5s\n"
                    " timeout client 30s\n timeout server 30s\n" + "".join(
                        f"listen {s}\n bind 127.0.0.1:{p}\n"
                        f" source 127.0.0.2\n"
                        f" server us 127.0.0.1:{box.port[s]} {request.param}\n"
                        for s, p in ports.items()))
    p = run_until_up(["/usr/sbin/haproxy", "-db", "-f", conf], ports["smtp"])
    yield ports
    p.terminate()
    p.wait()


def relays(server):
    server.ehlo("c")
    server.mail("x@y.test")
    code = server.rcpt("z@elsewhere.example")[0]
    server.rset()
    return code == 250


def test_the_address_behind_haproxy_decides(box, haproxy):
    with smtplib.SMTP("127.0.0.1", haproxy["smtp"]) as s:
        assert not relays(s)
    with smtplib.SMTP("127.0.0.1", haproxy["smtp"],
                      source_address=("127.0.0.77", 0)) as s:
        assert relays(s)


def test_tls_goes_through_haproxy(box, haproxy):
    with smtplib.SMTP("127.0.0.1", haproxy["smtp"]) as s:
        s.starttls(context=NOVERIFY)
        s.ehlo("c")
        s.login("alice@a.test", "alice-pw")
        s.sendmail("alice@a.test", ["bob@a.test"], "Subject: haproxy\n\nx")
    with smtplib.SMTP_SSL("127.0.0.1", haproxy["smtps"],
                          context=NOVERIFY) as s:
        s.login("alice@a.test", "alice-pw")
    p = poplib.POP3_SSL("127.0.0.1", haproxy["pop3s"], context=NOVERIFY)
    p.user("bob@a.test")
    p.pass_("bob-pw")
    assert wait_for(lambda: box.messages("bob"))
    p.quit()


def test_sessions_count_for_the_client(box, haproxy):
    """Behind one proxy there may be more than one address may have."""
    def connect(last):
        return smtplib.SMTP("127.0.0.1", haproxy["smtp"],
                            source_address=(f"127.0.0.{last}", 0))

    open_ones = [connect(10 + i) for i in range(5)]
    open_ones += [connect(20) for _ in range(3)]
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        connect(20)
    assert refused.value.smtp_code == 421
    for s in open_ones:
        s.quit()
    connect(20).quit()


def test_a_silent_front_end_holds_nobody_up(box):
    s = smtplib.socket.create_connection(("127.0.0.1", box.port["smtp"]), 15,
                                         source_address=("127.0.0.2", 0))
    with smtplib.SMTP("127.0.0.1", box.port["smtp"]) as other:
        other.ehlo("c")
    start = time.monotonic()
    assert s.recv(1) == b""
    assert 8 < time.monotonic() - start < 13


class Auth(http.server.BaseHTTPRequestHandler):
    """nginx asks who a user is and where his server."""

    port = None

    def do_GET(self):
        good = self.headers["Auth-Pass"] == "secret"
        self.send_response(200)
        self.send_header("Auth-Status", "OK" if good else "Wrong login")
        self.send_header("Auth-Server", "127.0.0.3")
        self.send_header("Auth-Port", str(self.port))
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def nginx():
    """It calls 127.0.0.3, and so from there: what listens there is ours."""
    at = free_port()
    with Instance(extra=f"listen smtp 127.0.0.3:{at}\n"
                  "xclient-from 127.0.0.0/30\n") as i:
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Auth)
        Auth.port = at
        threading.Thread(target=web.serve_forever, daemon=True).start()
        port = free_port()
        conf = i.dir / "nginx.conf"
        conf.write_text(
            "load_module /usr/lib/nginx/modules/ngx_mail_module.so;\n"
            f"daemon off; pid {i.dir}/nginx.pid; error_log stderr;\n"
            "events {}\nmail {\n server_name front.test;\n"
            f" auth_http 127.0.0.1:{web.server_port}/;\n"
            " xclient on;\n smtp_auth plain login;\n"
            f" server {{ listen 127.0.0.1:{port}; protocol smtp; }}\n}}\n")
        p = run_until_up(["/usr/sbin/nginx", "-c", conf, "-p", i.dir], port)
        yield i, port
        p.terminate()
        p.wait()
        web.shutdown()
        web.server_close()


def test_nginx_says_who_has_logged_in(nginx):
    box, port = nginx
    with smtplib.SMTP("127.0.0.1", port,
                      source_address=("127.0.0.88", 0)) as s:
        s.ehlo("pc.test")
        s.login("alice@a.test", "secret")
        s.sendmail("alice@a.test", ["bob@a.test", "z@elsewhere.example"],
                   "Subject: by nginx\n\nx")
    wait_for(lambda: box.messages("bob"))
    line = box.wait_log(r"from=<alice@a.test>.*client=.*")[0]
    assert "client=[127.0.0.88] user=alice@a.test" in line
    assert re.search(r"from \S+ \(\[127.0.0.88\]\)",
                     box.messages("bob")[0].read_text())
