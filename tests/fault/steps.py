"""A queue that ends at its N-th step (step.c), and a disk that forgets what was
not flushed."""

import os
import pathlib
import random
import re
import select
import signal
import socket
import subprocess
import threading

HERE = pathlib.Path(__file__).resolve().parent


def build(folder):
    so = pathlib.Path(folder) / "step.so"
    subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", so,
                    HERE / "step.c", "-ldl"], check=True)
    return so


class Disk:
    """What is on the medium of some folders, and what is there now."""

    def __init__(self, roots):
        self.roots = [pathlib.Path(r) for r in roots]
        self.inodes = {}        # of all paths that were ever seen
        self.safe = {r: self.now(r) for r in self.roots}
        self.pending = {}

    def now(self, root):
        files = {}
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as f:
                        files[path] = f.read()
                        self.inodes[path] = os.fstat(f.fileno()).st_ino
                except OSError:
                    pass        # it is just being moved
        return files

    def step(self, pid, what, path):
        """What was there when a flush began is safe when it has ended."""
        if what in ("fsync", "fdatasync"):
            try:
                with open(path, "rb") as f:
                    self.pending[pid] = {path: f.read()}
            except OSError:
                self.pending[pid] = {}
        elif what == "syncfs":
            root = next((r for r in self.roots if path.startswith(str(r))),
                        None)
            self.pending[pid] = root and self.now(root)
            return root
        return None

    def flushed(self, pid, root, files):
        if root:
            self.safe[root] = files
        else:
            for r in self.roots:
                self.safe[r].update((p, d) for p, d in files.items()
                                    if p.startswith(str(r)))

    def cut(self, rng, memory=(), tails=False):
        """Of what was not flushed nothing is left, or some (rng); of memory
        nothing. tails: what was added to a file may be left in part."""
        for root in self.roots:
            safe, now = self.safe[root], self.now(root)
            written = {self.inodes[p]: data for p, data in now.items()}
            for path in sorted({*safe, *now}):
                old, new = safe.get(path), now.get(path)
                if old == new:
                    continue
                left = old
                over = written.get(self.inodes.get(path))
                if rng and new is None and over not in (None, old):
                    # its name comes back, the file is another message's
                    at = rng.choice([0, 4096, len(old)])
                    left = over[:at] + old[at:]
                if rng and root not in memory and rng.random() < 0.6:
                    left = new
                    kept = b"" if old is None else old
                    if old is None or tails and new and \
                            new.startswith(old):
                        more = new[len(kept):]
                        half = more[:len(more) // 2]
                        left = kept + rng.choice([
                            more, b"", half, bytes(len(more)),
                            half + bytes(len(more) - len(half))])
                if left is None:
                    pathlib.Path(path).unlink(missing_ok=True)
                elif left != new:
                    with open(path, "wb") as f:
                        os.fchmod(f.fileno(), 0o600)
                        f.write(left)


class Steps(threading.Thread):
    """Lets the processes that say their steps here go on; at the N-th they die."""

    def __init__(self, stop_at, disk=None):
        super().__init__(daemon=True)
        self.name_ = f"pillarbox-step-{os.getpid()}-{id(self)}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind("\0" + self.name_)
        self.socket.listen(50)
        self.stop_at, self.disk = stop_at, disk
        self.n, self.trace, self.pids = 0, [], set()
        self.dead = threading.Event()
        self.over, self.roots = False, {}
        self.start()

    def env(self, so):
        return {"LD_PRELOAD": str(so), "STEP_SOCKET": self.name_}

    def run(self):
        poll, peers = select.poll(), {}
        poll.register(self.socket, select.POLLIN)
        while not self.over:
            for fd, _ in poll.poll(50):
                if fd == self.socket.fileno():
                    s, _ = self.socket.accept()
                    peers[s.fileno()] = s
                    poll.register(s, select.POLLIN)
                    continue
                try:
                    text = peers[fd].recv(100).decode()
                except OSError:
                    text = ""
                if not text or not self.one(peers[fd], *text.split()):
                    poll.unregister(fd)
                    peers.pop(fd).close()
        for s in [self.socket, *peers.values()]:
            s.close()

    def one(self, peer, pid, what, at):
        pid = int(pid)
        self.pids.add(pid)
        if self.dead.is_set():
            return False        # hung up on, it ends itself
        try:
            path = os.readlink(f"/proc/{pid}/fd/{at}")
        except OSError:
            path = "?"
        if what == "flushed":
            if self.disk:
                self.disk.flushed(pid, self.roots.pop(pid, None),
                                  self.disk.pending.pop(pid))
        else:
            self.n += 1
            self.trace.append((pid, what, path))
            if self.n == self.stop_at:
                self.kill()
                return False
            if self.disk:
                root = self.disk.step(pid, what, path)
                if root:
                    self.roots[pid] = root
        try:
            peer.send(b"x")
        except OSError:
            return False
        return True

    def kill(self):
        self.dead.set()
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        self.over = True
        self.join(10)


class Letter:
    """A file of the spool, as far as it can be read."""

    def __init__(self, data):
        self.whole = data.startswith(b"PB1 ") and len(data) > 48
        self.rcpts, self.sender, self.body = {}, "", b""
        self.origin = ""
        if not self.whole:
            return
        size, length = int(data[4:12], 16), int(data[13:29], 16)
        # behind it may be some of an earlier one
        self.whole = size + length <= len(data)
        self.body = data[size:size + length]
        for line in data[48:size].decode().split("\n")[1:]:
            key, _, rest = line.partition(" ")
            if key in ("sender", "origin"):
                setattr(self, key, rest)
            elif len(key) == 1:
                self.rcpts[rest.split("\t")[0]] = key


def letters(folders):
    """{ID: Letter}; the first folder's counts."""
    found = {}
    for folder in folders:
        if folder.is_dir():
            for p in folder.iterdir():
                found.setdefault(p.name, Letter(p.read_bytes()))
    return found


def tags(body):
    return re.findall(rb"^X-Tag: (\S+)\r?$", body, re.M)


def reports(body):
    """{(ENVID, recipient, action)} that a report tells of."""
    if b"multipart/report" not in body:
        return set()
    text = body.decode(errors="replace").replace("\r", "")
    envid = re.search(r"^Original-Envelope-Id: (.*)$", text, re.M)
    return {(envid[1] if envid else "?", r, a) for r, a in re.findall(
        r"^Final-Recipient: rfc822; (.*)\nAction: (\w+)", text, re.M)}


def message_id(body):
    return re.search(rb"^Message-ID: (\S+)", body, re.M)[1]


def shuffled(seed):
    return random.Random(seed)
