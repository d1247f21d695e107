"""A provider of mail accounts with OAuth: sign-in, tokens, and SMTP that checks them."""

import base64
import hashlib
import http.server
import json
import ssl
import subprocess
import threading
import time
import urllib.parse

from fakes import FakeSMTP, Hangup, Session

NAME = "prov.test"


def make_cert(folder):
    cert, key = folder / "prov.pem", folder / "prov.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={NAME}", "-addext",
                    f"subjectAltName=DNS:{NAME}", "-out", cert, "-keyout",
                    key], check=True, capture_output=True)
    return cert, key


def microsoft(word, code, text, **more):
    """An error as Microsoft's endpoints write it, its numbers included."""
    trace = "00aa11bb-22cc-33dd-44ee-55ff66778899"
    return 400, {
        "error": word, "error_description":
        f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {trace} "
        "Timestamp: 2026-11-28 10:00:00Z", "error_codes": [code],
        "timestamp": "2026-11-28 10:00:00Z", "trace_id": trace,
        "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
        **more}


PENDING = microsoft("authorization_pending", 70016, "OAuth 2.0 device flow "
                    "error. Authorization is pending. Continue polling.")


def google(word, text, status=400):
    return status, {"error": word, "error_description": text}


class Provider(http.server.ThreadingHTTPServer):
    """Plays Microsoft (device codes, a new refresh token each time) and Google.

    answers: what the next requests to /token get instead, one by one: (status,
    text), "hang", "garbage", "close", or None: as usual.
    """
    daemon_threads = True

    def __init__(self, cert, rotate=True, lifetime=3600, secret=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.rotate, self.lifetime, self.secret = rotate, lifetime, secret
        self.refresh_lifetime = None
        self.refresh, self.access = set(), set()
        self.device_codes, self.codes = {}, {}
        self.polls = []             # what the next polls get: words, or as
        #                             answers; devices: the next requests for codes
        self.devices = []
        self.answers, self.asked = [], []
        self.requests, self.count = [], 0
        self.chunked, self.first = False, b""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*cert)
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()

    def url(self, path):
        return f"https://{NAME}:{self.port}/{path}"

    def finish_request(self, request, client_address):
        try:
            request.settimeout(20)
            request = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        super().finish_request(request, client_address)
        try:                            # close_notify
            request.unwrap()
        except (OSError, ValueError):
            pass

    def handle_error(self, request, client_address):
        pass

    def new(self, kind):
        self.count += 1
        token = f"{kind}-{self.count}-" + "x" * 900
        getattr(self, kind).add(token)
        return token

    def tokens(self, old=None):
        reply = {"token_type": "Bearer", "expires_in": self.lifetime,
                 "access_token": self.new("access")}
        if not old or self.rotate:
            reply["refresh_token"] = self.new("refresh")
            if old:
                self.refresh.discard(old)
        if self.refresh_lifetime:
            reply["refresh_token_expires_in"] = self.refresh_lifetime
        return 200, reply

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        s = self.server
        assert self.headers["Content-Type"] == \
            "application/x-www-form-urlencoded"
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        s.requests.append((self.path, form))
        special = s.answers.pop(0) if s.answers and self.path == "/token" \
            else None
        if special == "hang":
            time.sleep(20)
            return
        if special in ("close", "garbage"):
            if special == "garbage":
                self.wfile.write(b"\x00\xff no HTTP \r\n\r\n" * 50)
            self.close_connection = True
            return
        if special:
            self.reply(*special)
        elif s.secret and form.get("client_secret") != s.secret:
            self.reply(401, {"error": "invalid_client"})
        elif self.path == "/device":
            self.device(form)
        else:
            self.token(form)

    def do_GET(self):
        self.reply(200, {"path": self.path, "host": self.headers["Host"]})

    def device(self, form):
        if self.server.devices:
            self.reply(*self.server.devices.pop(0))
            return
        assert form["client_id"] == "app" and "scope" in form
        code = "device/code+1"
        self.server.device_codes[code] = True
        self.reply(200, {"device_code": code, "user_code": "ABCD-1234",
                         "verification_uri": "https://prov.test/login",
                         "expires_in": 30, "interval": 1,
                         "message": "do \u00fc\n"})

    def token(self, form):
        s, grant = self.server, form["grant_type"]
        bad = 400, {"error": "invalid_grant",
                    "error_description": "AADSTS700082: it has expired\r\n"}
        if grant == "urn:ietf:params:oauth:grant-type:device_code":
            assert form["device_code"] in s.device_codes
            word = s.polls.pop(0) if s.polls else None
            self.reply(*(s.tokens() if not word else word if
                         isinstance(word, tuple) else
                         (400, {"error": word})))
        elif grant == "authorization_code":
            verifier = form["code_verifier"].encode()
            want = base64.urlsafe_b64encode(
                hashlib.sha256(verifier).digest()).decode().rstrip("=")
            good = s.codes.pop(form["code"], None) == want
            self.reply(*(s.tokens() if good else bad))
        else:
            assert grant == "refresh_token"
            old = form["refresh_token"]
            self.reply(*(s.tokens(old) if old in s.refresh else bad))

    def reply(self, status, what):
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.wfile.write(self.server.first)
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Connection", "close")
        self.close_connection = True
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(body), 100):
                piece = body[i:i + 100]
                self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


class TokenSMTP(FakeSMTP):
    """Its users log in with access tokens of the provider."""

    def __init__(self, provider, cert, user="me@prov.test",
                 mechanisms="XOAUTH2 OAUTHBEARER"):
        self.provider, self.account = provider, user
        self.logins = []
        super().__init__(cert=cert, offers=(f"AUTH {mechanisms}",))
        self.RequestHandlerClass = TokenSession


class TokenSession(Session):
    def do_DATA(self, line):
        super().do_DATA(line)
        raise Hangup                # the next message has to log in again

    def do_AUTH(self, line):
        s = self.server
        words = line.split()
        if len(words) == 2:
            self.wfile.write(b"334 \r\n")
            words.append(self.line())
        text = base64.b64decode(words[2], validate=True).decode()
        fields = text.split("\x01")
        if words[1] == "XOAUTH2":
            assert text.endswith("\x01\x01")
            user = fields[0].removeprefix("user=")
        else:
            user = fields[0].split(",")[1].removeprefix("a=")
        token, = [f for f in fields if f.lower().startswith("auth=bearer ")]
        good = user == s.account and token[12:] in s.provider.access
        s.logins.append((words[1], good))
        if good and self.secure:
            self.say("AUTH", "235 2.7.0 in")
            return
        self.wfile.write(b"334 " + base64.b64encode(
            b'{"status":"401"}') + b"\r\n")
        self.line()
        self.say("AUTH", "535 5.7.8 the token is no good")
