"""Other people's servers: SMTP as told by a table, DNS from a dictionary."""

import base64
import socket
import socketserver
import ssl
import struct
import subprocess
import threading

from instance import free_port


def make_cert(folder, name):
    """A self-signed certificate; gives (certificate, key)."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-out", cert, "-keyout",
                    key], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return cert, key


class FakeSMTP(socketserver.ThreadingTCPServer):
    """Takes all mail unless `replies` says otherwise.

    replies: {"greeting": ..., "EHLO": ..., "MAIL": ..., "RCPT <a@b>": ...,
    "RCPT": ..., "DATA": ..., "dot": ...}; a list is used up one by one; None
    hangs up. messages: (sender, recipients, data) of all that was taken.
    """
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host="127.0.0.1", port=0, offers=(), cert=None,
                 tls=False, user=None, replies=None, lmtp=False):
        super().__init__((host, port), Session)
        self.port = self.server_address[1]
        self.offers, self.user, self.tls, self.lmtp = offers, user, tls, lmtp
        self.replies = dict(replies or {})
        self.messages, self.sessions, self.lines = [], 0, []
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*cert)
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass                        # a client that hangs up is no error

    def close(self):
        self.shutdown()
        self.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def reply(self, what, default):
        value = self.replies.get(what, default)
        if isinstance(value, list):
            value = value.pop(0) if value else default
        return value


class Hangup(Exception):
    pass


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.sessions += 1
        self.secure = False
        try:
            if self.server.tls:
                self.start_tls()
            self.talk()
        except (Hangup, OSError, ssl.SSLError):
            pass

    def start_tls(self):
        self.wfile.flush()
        self.request = self.server.context.wrap_socket(self.request,
                                                       server_side=True)
        self.setup()
        self.secure = True

    def say(self, what, default):
        return self.tell(self.server.reply(what, default))

    def tell(self, text):
        if text is None:
            raise Hangup
        self.wfile.write(text.encode() + b"\r\n")
        return text[0] in "23"

    def line(self):
        line = self.rfile.readline()
        if not line:
            raise Hangup
        return line.decode("latin-1").rstrip("\r\n")

    def talk(self):
        self.say("greeting", "220 fake ESMTP")
        self.sender, self.rcpts = None, []
        while True:
            line = self.line()
            self.server.lines.append(line)
            verb = line[:4].upper()
            getattr(self, "do_" + verb, self.unknown)(line)

    def unknown(self, line):
        self.say(line[:4].upper(), "502 5.5.1 what?")

    def do_EHLO(self, line):
        offers = list(self.server.offers)
        if self.server.context and not self.secure:
            offers.append("STARTTLS")
        if self.server.user:
            offers.append("AUTH PLAIN LOGIN")
        default = "\r\n".join(f"250-{o}" for o in ["fake", *offers])
        self.say("EHLO", default[:default.rindex("250-") + 3] + " " +
                 default[default.rindex("250-") + 4:])

    do_LHLO = do_EHLO

    def do_HELO(self, line):
        self.say("HELO", "250 fake")

    def do_STAR(self, line):
        if self.say("STARTTLS", "220 go on"):
            self.start_tls()

    def do_AUTH(self, line):
        user, password = self.server.user
        want = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.say("AUTH", "235 2.7.0 in" if line == f"AUTH PLAIN {want}"
                 else "535 5.7.8 no")

    def do_MAIL(self, line):
        if self.say("MAIL", "250 2.1.0 fine"):
            self.sender, self.rcpts = line[line.index("<"):].split(">")[0][1:], []

    def do_RCPT(self, line):
        path = line[line.index("<"):]
        default = self.server.reply("RCPT", "250 2.1.5 fine")
        if self.say(f"RCPT {path}", default):
            self.rcpts.append(path[1:-1])

    def do_DATA(self, line):
        if not self.rcpts:
            self.say("DATA", "503 5.5.1 no recipients")
            return
        if not self.say("DATA", "354 go"):
            return
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                raise Hangup
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.end_data(b"".join(lines))

    def end_data(self, data):
        for _ in self.rcpts if self.server.lmtp else [0]:
            text = self.server.reply("dot", "250 2.6.0 taken")
            # first: who is told may look at once
            if text and text[0] in "23":
                self.server.messages.append((self.sender, self.rcpts, data))
            self.tell(text)

    def do_RSET(self, line):
        self.sender, self.rcpts = None, []
        self.say("RSET", "250 fine")

    def do_QUIT(self, line):
        self.say("QUIT", "221 bye")
        raise Hangup


class FakeDNS(threading.Thread):
    """zone: {(name, type): [values]}; type A, AAAA, MX, CNAME, PTR, TXT.

    An MX value is (preference, host). A name without any type does not exist;
    the value "SERVFAIL" is that answer, "silence" none at all. TLSA values are
    (usage, selector, matching, data), SRV values (priority, weight, port, host).
    Names in `signed` are authentic (AD).
    """
    TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
             "SRV": 33, "TLSA": 52}

    def __init__(self, zone, signed=(), host="127.0.0.1", port=0):
        super().__init__(daemon=True)
        self.zone, self.asked, self.signed = zone, [], signed
        self.closing = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port or free_port()))   # for TCP, too
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:                # closed by the test: the end
                query, peer = self.socket.recvfrom(600)
                if self.closing:
                    return
                answer = self.answer(query)
                if answer:
                    self.socket.sendto(answer, peer)
            except OSError:
                return

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        name = ".".join(labels).lower()
        number = struct.unpack("!H", query[at + 1:at + 3])[0]
        kind = {v: k for k, v in self.TYPES.items()}.get(number, "?")
        self.asked.append((name, kind))
        values = self.zone.get((name, kind), [])
        if values == "silence":
            return None
        code = 2 if values == "SERVFAIL" else \
            3 if not any(n == name for n, _ in self.zone) else 0
        if code:
            values = []
        owner, alias = b"\xc0\x0c", self.zone.get((name, "CNAME"))
        records = []
        if alias and kind != "CNAME" and not values:
            records.append(self.record(owner, "CNAME", alias[0]))
            owner, values = self.name(alias[0]), \
                self.zone.get((alias[0], kind), [])
        records += [self.record(owner, kind, v) for v in values]
        # what is behind the question in the query is left out
        names = [name, *(alias or [] if kind != "CNAME" else [])]
        if self.signed and all(n.endswith(tuple(self.signed)) for n in names):
            code |= 0x20
        return query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1,
                                       len(records), 0, 0) + \
            query[12:at + 5] + b"".join(records)

    def record(self, owner, kind, value):
        data = self.data(kind, value)
        return owner + struct.pack("!HHIH", self.TYPES[kind], 1, 60,
                                   len(data)) + data

    def data(self, kind, value):
        if kind == "A":
            return socket.inet_aton(value)
        if kind == "AAAA":
            return socket.inet_pton(socket.AF_INET6, value)
        if kind == "MX":
            return struct.pack("!H", value[0]) + self.name(value[1])
        if kind == "SRV":
            return struct.pack("!HHH", *value[:3]) + self.name(value[3])
        if kind == "TLSA":
            return bytes(value[:3]) + value[3]
        if kind == "TXT":
            return bytes([len(value)]) + value
        return self.name(value)

    @staticmethod
    def name(text):
        return b"".join(bytes([len(label)]) + label.encode()
                        for label in text.split(".") if label) + b"\0"

    def close(self):
        # First the thread ends: else it may be about to read from the number
        # of a descriptor that the next FakeDNS then has, and eat its packet.
        if self.is_alive() and not self.closing:
            self.closing = True
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(b"end", self.socket.getsockname())
            self.join(5)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
