"""Servers that misbehave, each a text file below servers/ that the other side of
queue plays.

One conversation a file, for one message. Connection after connection:
  S: TEXT           the server says TEXT and CRLF (conversation.py has the escapes)
  S+ TEXT           ... TEXT alone
  C: PATTERN        the client has to say this line
  @ data            ... a message up to its lone dot
  @ flood TEXT      says TEXT until the client hangs up, which it has to do soon
  @ stall           says nothing more until the client hangs up
  @ gone            the client has to hang up now
  @ starttls        a handshake
  @ garble          garbage in place of a handshake, and the end
  @ close, @ reset  the end, by FIN or RST
  @ next            another connection, please
Further connections find a server that takes everything.
  @ to NAME...      the recipients, x by default; NAME@FILE.test each
  @ from ADDRESS    alice@a.test by default; <> for none
  @ message TEXT    what is sent
  @ whole           octet by octet it would be another one: as written
  @ lmtp            it is an LMTP server
  @ result NAME sent|deferred|bounced [PATTERN]
                    what queue's log has of this recipient, one line a try, in
                    their order; where the last is `deferred`, the polite server
                    must get it and `sent` follows
"""

import pathlib
import re
import socket
import ssl
import struct
import threading

from conversation import Failure, expand, matches
from fakes import FakeSMTP

FLOOD_MOST = 8 << 20        # octets that are more than anybody has to read
RESULT = re.compile(r"(\w+) (sent|deferred|bounced)(?: (.*))?")


class Script:
    def __init__(self, path):
        self.name = path.stem.replace("_", "-")
        self.connections = [[]]
        self.to, self.sender, self.lmtp = ["x"], "alice@a.test", False
        self.message = "Subject: x\\r\\n\\r\\nhello\\r\\n"
        self.results, self.whole = {}, False
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self.add(number, line)
        for name in self.to:
            wanted = self.results.setdefault(name, [])
            if not wanted or wanted[-1][0] == "deferred":
                wanted.append(("sent", None))

    def add(self, number, line):
        word, _, arg = line[1:].strip().partition(" ")
        if line[0] != "@":
            self.connections[-1].append((number, line[:2], line[3:]))
        elif word == "to":
            self.to = arg.split()
        elif word == "from":
            self.sender = "" if arg == "<>" else arg
        elif word == "message":
            self.message = arg
        elif word == "lmtp":
            self.lmtp = True
        elif word == "whole":
            self.whole = True
        elif word == "next":
            self.connections.append([])
        elif word == "result":
            name, fate, pattern = RESULT.fullmatch(arg).groups()
            self.results.setdefault(name, []).append((fate, pattern))
        else:
            self.connections[-1].append((number, word, arg))


class Connection:
    """Plays one connection of a script."""
    def __init__(self, sock, context, bytewise):
        self.sock, self.context, self.bytewise = sock, context, bytewise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(30)
        self.buffer = b""

    def send(self, data):
        step = 1 if self.bytewise and len(data) < 5000 else len(data) or 1
        for at in range(0, len(data), step):
            self.sock.sendall(data[at:at + step])

    def line(self):
        while b"\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise Failure(f"hung up, after {self.buffer!r}")
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        if not line.endswith(b"\r"):
            raise Failure(f"line without CRLF: {line!r}")
        return line[:-1].decode("latin-1")

    def flood(self, text):
        data, sent = expand(text, {}) * 64, 0
        try:
            while sent < FLOOD_MOST:
                self.sock.sendall(data)
                sent += len(data)
        except (ConnectionError, ssl.SSLError):
            return
        raise Failure("still listens")

    def until_gone(self):
        try:
            while self.sock.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass

    def step(self, kind, text):
        if kind in ("S:", "S+"):
            self.send(expand(text, {}) + (b"\r\n" if kind == "S:" else b""))
        elif kind == "C:":
            got = self.line()
            if not matches(text, got):
                raise Failure(f"got {got!r}")
        elif kind == "data":
            while self.line() != ".":
                pass
        elif kind == "flood":
            self.flood(text)
        elif kind in ("stall", "gone"):
            self.until_gone()
        elif kind == "starttls":
            if self.buffer:
                raise Failure(f"plain text before TLS: {self.buffer!r}")
            self.sock = self.context.wrap_socket(self.sock, server_side=True)
        elif kind == "garble":
            self.sock.recv(65536)
            self.sock.sendall(b"\x16\x03\x03\x00\x04oops")
        elif kind == "close":
            pass                        # as the end of each connection
        elif kind == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        else:
            raise Failure("what is this line?")


class BadServer:
    def __init__(self, script, context, bytewise=False):
        self.script, self.context = script, context
        self.bytewise = bytewise and not script.whole
        self.failure = None
        self.polite = FakeSMTP(offers=("PIPELINING",), lmtp=script.lmtp)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        for steps in self.script.connections:
            if not steps:
                continue
            sock, _ = self.listening.accept()
            connection = Connection(sock, self.context, self.bytewise)
            self.play(connection, steps)
            connection.sock.close()
        while True:
            try:
                sock, peer = self.listening.accept()
            except OSError:
                return              # closed: the end
            self.polite.process_request(sock, peer)

    def play(self, connection, steps):
        for number, kind, text in steps:
            try:
                connection.step(kind, text)
            except (Failure, OSError) as e:
                self.failure = self.failure or (
                    f"line {number}: {kind} {text}\n\t"
                    f"{type(e).__name__}: {e}")
                return

    def route(self):
        return (f"route {self.script.name}.test "
                f"{'lmtp' if self.script.lmtp else 'smtp'}:"
                f"[127.0.0.1]:{self.port}\n")

    def address(self, name):
        return f"{name}@{self.script.name}.test"

    def results(self, log):
        """{name: [(fate, text), ...]} of all tries so far. A host that is held
        gives its reason once more, without a try."""
        found = {name: [] for name in self.script.to}
        for name, fate, text in re.findall(
                rf"to=<([^@>]*)@{re.escape(self.script.name)}\.test> \S* ?"
                r"relay=\S* status=(\w+) \((.*)\)$", log, re.M):
            if fate != "deferred" or (fate, text) not in found[name][-1:]:
                found[name].append((fate, text))
        return found

    def ended(self, log):
        return all(tries and tries[-1][0] != "deferred"
                   for tries in self.results(log).values())

    def check(self, log):
        """AssertionError unless all came as the script has it."""
        assert not self.failure, self.failure
        found = self.results(log)
        for name, wanted in self.script.results.items():
            fates = [fate for fate, _ in found[name]]
            assert fates == [fate for fate, _ in wanted], found[name]
            for (_, pattern), (_, text) in zip(wanted, found[name]):
                assert pattern is None or matches(pattern, text), text
        taken = self.taken()
        assert len(taken) == len(set(taken)), taken
        for name, wanted in self.script.results.items():
            by_polite = len(wanted) > 1 and wanted[-1] == ("sent", None)
            assert (self.address(name) in taken) == by_polite or \
                wanted == [("sent", None)], taken

    def taken(self):
        """Recipients that the polite server has taken."""
        left, taken = list(self.polite.messages), []
        while left:
            rcpts = left[0][1]
            # LMTP: an entry for each of its recipients
            left = left[len(rcpts) if self.script.lmtp else 1:]
            taken += rcpts
        return taken

    def close(self):
        self.listening.close()
        self.polite.close()
