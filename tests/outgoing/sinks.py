"""Mail servers by the dozen, each on an address of loopback of its own, port 25."""

import asyncio
import random
import socket
import threading
import time


class Sinks(threading.Thread):
    """Takes all mail. delays: {address: (least, most)}, seconds before a reply.

    taken: [(when, recipient)]; sessions, open_, most: {address: connections
    so far, now, at a time}. limit: {address: connections at a time}.
    """

    def __init__(self, addresses, delays=None, offers=("PIPELINING",),
                 limit=None):
        super().__init__(daemon=True)
        self.addresses = list(addresses)
        self.delays, self.offers = delays or {}, offers
        self.limit = limit or {}
        self.taken = []
        self.sessions = dict.fromkeys(self.addresses, 0)
        self.open_, self.most = dict(self.sessions), dict(self.sessions)
        self.loop = asyncio.new_event_loop()
        self.up = threading.Event()

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        self.up.set()
        self.loop.run_forever()

    async def listen(self):
        self.servers = [await asyncio.start_server(self.serve, a, 25)
                        for a in self.addresses]

    async def serve(self, reader, writer):
        here = writer.get_extra_info("sockname")[0]
        self.sessions[here] += 1
        self.open_[here] += 1
        self.most[here] = max(self.most[here], self.open_[here])
        try:
            await self.talk(here, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_[here] -= 1
            writer.close()

    async def say(self, here, writer, *lines):
        if here in self.delays:
            await asyncio.sleep(random.uniform(*self.delays[here]))
        writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def talk(self, here, reader, writer):
        rcpts = []
        if self.open_[here] > self.limit.get(here, 1000):
            await self.say(here, writer, "421 4.7.0 too many connections")
            return
        await self.say(here, writer, "220 sink ESMTP")
        while True:
            line = (await reader.readuntil(b"\n")).decode("latin-1").strip()
            verb = line[:4].upper()
            if verb == "EHLO":
                offers = ["250-sink", *(f"250-{o}" for o in self.offers)]
                offers[-1] = "250 " + offers[-1][4:]
                await self.say(here, writer, *offers)
            elif verb == "DATA":
                await self.say(here, writer, "354 go")
                await reader.readuntil(b"\r\n.\r\n")
                self.taken += [(time.monotonic(), r) for r in rcpts]
                rcpts = []
                await self.say(here, writer, "250 taken")
            elif verb == "QUIT":
                await self.say(here, writer, "221 bye")
                return
            else:
                if verb == "RCPT":
                    rcpts.append(line[line.index("<") + 1:line.index(">")])
                await self.say(here, writer, "250 fine")

    def __enter__(self):
        self.start()
        self.up.wait(10)
        return self

    def __exit__(self, *exc):
        async def stop():
            for s in self.servers:
                s.close()
            for t in asyncio.all_tasks() - {asyncio.current_task()}:
                t.cancel()
            self.loop.call_later(0.1, self.loop.stop)
        asyncio.run_coroutine_threadsafe(stop(), self.loop)
        self.join(10)


class Blackholes:
    """Addresses where a connection is never made: the backlog is full."""

    def __init__(self, addresses, port=25):
        self.sockets = []
        for a in addresses:
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((a, port))
            s.listen(0)
            self.sockets.append(s)
            for _ in range(3):
                c = socket.socket()
                c.setblocking(False)
                c.connect_ex((a, port))
                self.sockets.append(c)

    def __enter__(self):
        time.sleep(0.1)
        return self

    def __exit__(self, *exc):
        for s in self.sockets:
            s.close()
