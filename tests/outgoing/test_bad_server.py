"""queue and the servers of servers/: nothing is lost, nothing comes twice, and
the log says why it waits."""

import pathlib
import shutil
import smtplib
import ssl

import pytest

from bad_server import BadServer, Script
from conversation import expand
from fakes import make_cert
from instance import Instance, wait_for

HERE = pathlib.Path(__file__).resolve().parent
FILES = sorted((HERE / "servers").glob("*.txt"))
CONF = """retry-first 1s
retry-most 2s
warn-after 0s
max-sessions-per-address 200
queue-sessions 200
relay-from 127.0.0.0/8
"""
# what waits for RFC 5321 4.5.3.2's minutes has them in seconds
FASTER = ["faketime", "-f", "+0 x60"]


class Played:
    """An instance and all the servers of some files, each with its message."""
    def __init__(self, folder, files, wrapper=(), bytewise=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*make_cert(folder, "b.test"))
        self.servers = {f: BadServer(Script(f), context, bytewise)
                        for f in files}
        routes = "".join(s.route() for s in self.servers.values())
        self.instance = Instance(extra=CONF + routes, wrapper=wrapper)
        with smtplib.SMTP("127.0.0.1", self.instance.port["smtp"],
                          timeout=20) as s:
            for server in self.servers.values():
                self.send(s, server)

    @staticmethod
    def send(s, server):
        script = server.script
        s.sendmail(script.sender, [server.address(n) for n in script.to],
                   expand(script.message, {}),
                   mail_options=["BODY=8BITMIME", "SMTPUTF8"])

    def check(self, file):
        server, log = self.servers[file], self.instance.log
        try:
            wait_for(lambda: server.ended(log()), 25)
        except AssertionError:
            pass                # check says what is missing
        server.check(log())

    def close(self):
        for server in self.servers.values():
            server.close()
        self.instance.close()


@pytest.fixture(scope="module", params=["as written", "octet by octet"])
def played(request, tmp_path_factory):
    p = Played(tmp_path_factory.mktemp("bad"),
               [f for f in FILES if not f.stem.startswith("stall")],
               bytewise=request.param != "as written")
    yield p
    p.close()


@pytest.fixture(scope="module")
def stalled(tmp_path_factory):
    p = Played(tmp_path_factory.mktemp("stalled"),
               [f for f in FILES if f.stem.startswith("stall")], FASTER)
    yield p
    p.close()


@pytest.mark.parametrize("file", [
    pytest.param(f, id=f.stem) for f in FILES
    if not f.stem.startswith("stall")])
def test_server(played, file):
    played.check(file)


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs faketime")
@pytest.mark.parametrize("file", [
    pytest.param(f, id=f.stem) for f in FILES if f.stem.startswith("stall")])
def test_server_that_stalls(stalled, file):
    stalled.check(file)
