"""A POP3 client that does only what it is told, and mailboxes to read."""

import socket
import ssl


class Pop:
    def __init__(self, where, login=("alice@a.test", "alice-pw"), tls=False,
                 rcvbuf=0):
        if isinstance(where, socket.socket):
            self.sock = where
        else:
            self.sock = socket.socket()
            if rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                     rcvbuf)
            self.sock.settimeout(30)
            self.sock.connect(("127.0.0.1", where))
        if tls:
            self.sock = ssl._create_unverified_context().wrap_socket(self.sock)
        self.file = self.sock.makefile("rb")
        assert self.line().startswith("+OK")
        if login:
            self.ok(f"USER {login[0]}")
            self.ok(f"PASS {login[1]}")

    def line(self):
        line = self.file.readline()
        assert line.endswith(b"\r\n"), line
        return line[:-2].decode("latin1")

    def send(self, text):
        self.sock.sendall(text.encode("latin1") + b"\r\n")

    def say(self, text):
        self.send(text)
        return self.line()

    def ok(self, text):
        reply = self.say(text)
        assert reply.startswith("+OK"), (text, reply)
        return reply

    def err(self, text):
        reply = self.say(text)
        assert reply.startswith("-ERR"), (text, reply)
        return reply

    def rest(self):
        """Lines up to the dot."""
        lines = []
        while True:
            line = self.line()
            if line == ".":
                return lines
            lines.append(line[1:] if line.startswith(".") else line)

    def list(self, text):
        self.ok(text)
        return self.rest()

    def uids(self):
        return [line.split()[1] for line in self.list("UIDL")]

    def message(self, n):
        """As octets, as counted: stuffing undone."""
        return "".join(line + "\r\n" for line in self.list(f"RETR {n}"))

    def quit(self):
        self.ok("QUIT")
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()


def put(box, name, text, folder="new"):
    """A message as another program leaves it in a Maildir."""
    for sub in ("new", "cur", "tmp"):
        (box / sub).mkdir(parents=True, exist_ok=True)
    path = box / folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def dovecot_name(i, text, flags=None):
    """As Dovecot calls it, in new/ or (with flags) in cur/."""
    lines = text.count("\n")
    name = f"{1700000000 + i // 3}.M{i % 3 * 1000:06}P{i}.host," \
           f"S={len(text)},W={len(text) + lines}"
    return name if flags is None else f"{name}:2,{flags}"
