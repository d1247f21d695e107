"""A mail filter that does as it is told: the other end of platform/net/milter.c."""

import os
import socket
import struct
import threading
import time

ADD_HEADERS, CHANGE_BODY, ADD_RCPT, DELETE_RCPT, CHANGE_HEADERS, QUARANTINE, \
    CHANGE_FROM, ADD_RCPT_PARAMS = (1 << n for n in range(8))
ALL = 0x1FF
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADERS, NO_EOH = \
    (1 << n for n in range(7))
NR_HEADER, NO_DATA, SKIP, NR_BODY, LEADING_SPACE = 0x80, 0x200, 0x400, 0x80000, 0x100000
NR_ALL = 0xFF080


def packet(letter, data=b""):
    return struct.pack("!I", 1 + len(data)) + letter.encode() + data


def text(*words):
    return b"".join(w.encode() if isinstance(w, str) else w for w in
                    (part if isinstance(part, bytes) else part.encode() + b"\0"
                     for part in words))


def add_header(name, value):
    return packet("h", text(name, value))


def insert_header(at, name, value):
    return packet("i", struct.pack("!I", at) + text(name, value))


def change_header(nth, name, value=""):
    return packet("m", struct.pack("!I", nth) + text(name, value))


def reply(line):
    return packet("y", text(line))


CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SHUTDOWN, PROGRESS, SKIPS = (
    packet(c) for c in "cartd4ps")
DIE, HANG = "die", "hang"


class FakeMilter(threading.Thread):
    """answers: {letter of a command: answer}, default CONTINUE.

    An answer is bytes, DIE, HANG, a list of them (used up one by one), or a
    function of the data. events: [(letter, data)]; macros: {letter: {...}}.
    """
    def __init__(self, answers=None, version=6, actions=ALL, steps=0,
                 macros=b"", bytewise=False, path=None, options=None,
                 delay=0):
        super().__init__(daemon=True)
        self.answers = dict(answers or {})
        self.options = packet("O", struct.pack("!III", version, actions, steps)
                              + macros) if options is None else options
        self.steps, self.bytewise, self.delay = steps, bytewise, delay
        self.events, self.macros, self.offers = [], {}, []
        self.sessions, self.open, self.chunks = 0, 0, []
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            if os.path.exists(path):
                os.unlink(path)
            self.socket.bind(str(path))
            self.name = f"unix:{path}"
        else:
            self.socket = socket.socket()
            self.socket.bind(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
            self.name = f"inet:127.0.0.1:{self.port}"
        self.socket.listen(20)
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        self.sessions += 1
        self.open += 1
        try:
            self.talk(peer)
        except OSError:
            pass
        finally:
            self.open -= 1
            peer.close()

    @staticmethod
    def exactly(peer, n):
        data = b""
        while len(data) < n:
            piece = peer.recv(n - len(data))
            if not piece:
                raise OSError
            data += piece
        return data

    def send(self, peer, data):
        if not self.bytewise:
            peer.sendall(data)
            return
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) \
            if peer.family == socket.AF_INET else None
        for at in range(len(data)):
            peer.sendall(data[at:at + 1])

    NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000,
                "T": 0x10000, "N": 0x40000, "L": 0x80, "B": 0x80000}

    def talk(self, peer):
        while True:
            n, = struct.unpack("!I", self.exactly(peer, 4))
            data = self.exactly(peer, n)
            letter, data = chr(data[0]), data[1:]
            if letter == "O":
                self.offers.append(struct.unpack("!III", data))
                answer = self.answers.get("O", self.options)
            elif letter == "D":
                words = data[1:].split(b"\0")[:-1]
                self.macros[chr(data[0])] = {
                    k.decode(): v.decode("latin-1")
                    for k, v in zip(words[::2], words[1::2])}
                continue
            else:
                self.events.append((letter, data))
                if letter == "Q":
                    return
                if letter == "A":
                    continue
                answer = self.answers.get(letter, CONTINUE)
            if isinstance(answer, list):
                answer = answer.pop(0) if answer else CONTINUE
            if callable(answer):
                answer = answer(data)
            if answer == DIE:
                return
            if answer == HANG:
                while peer.recv(65536):
                    pass
                return
            if self.steps & self.NO_REPLY.get(letter, 0):
                continue
            if self.delay:
                time.sleep(self.delay)
            self.send(peer, answer)

    def letters(self):
        """What was said, header and body packets once."""
        out = ""
        for letter, _ in self.events:
            if not (letter in "LB" and out.endswith(letter)):
                out += letter
        return out

    def headers(self):
        return [tuple(d.decode("latin-1").split("\0")[:2])
                for letter, d in self.events if letter == "L"]

    def body(self):
        return b"".join(d for letter, d in self.events if letter == "B")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
