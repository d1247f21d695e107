"""A board that boots, is set up by hand, takes mail, loses its power, boots.

Skipped unless BOARD_BINARY names a static mipsel binary (tests/board/run sets
it). Needs qemu-system-mips, mtd-utils, kmod, cpio; prints its figures (pytest
-s) and leaves them in build/boards/boot-figures.txt.
"""

import email.utils
import hashlib
import os
import pathlib
import poplib
import random
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from boot import Board, PROMPT, make_image
from fakes import FakeDNS, FakeSMTP, make_cert

BINARY = os.environ.get("BOARD_BINARY", "")
NEEDS = {"qemu-system-mipsel": "qemu-system-mips", "ubinize": "mtd-utils",
         "cpio": "cpio", "modprobe": "kmod"}
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
missing = [p for c, p in NEEDS.items() if not shutil.which(c, path=PATH)]
pytestmark = [
    pytest.mark.skipif(not BINARY, reason="BOARD_BINARY=static mipsel binary "
                       "is not set: no board to boot"),
    pytest.mark.skipif(bool(BINARY and missing), reason="apt-get install "
                       + " ".join(missing)),
]

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BOARDS = ROOT / "build" / "boards"
CONF = """\
hostname mail.home.test
domain home.test
spool-dir /state/spool
state-dir /state/pillarbox
mail-dir /state/mail
mbox-dir /state/mbox
min-free-space 1M
max-sessions 150
max-sessions-per-address 150
retry-first 5s
"""
FOLDERS = "cd /state && mkdir pillarbox mail mbox && chown mail mail"
figures = []
# qemu listens with a backlog of one: of ten that connect at once the host's
# kernel would leave some without anybody at the other end
one_connects = threading.Lock()


def figure(name, value):
    figures.append(f"{name}: {value}")
    print("\n" + figures[-1])


@pytest.fixture(scope="module")
def image():
    folder = make_image(BINARY, BOARDS / "malta")
    for line in (folder / "sizes").read_text().splitlines():
        figure("size of " + line.split()[0], line.split(" ", 1)[1])
    yield folder
    (BOARDS / "boot-figures.txt").write_text("\n".join(figures) + "\n")


@pytest.fixture(scope="module")
def home(image):
    """The board that the first tests share, in their order."""
    with Board(image, fresh("home")) as board:
        yield board


def fresh(name):
    folder = BOARDS / "run" / re.sub(r"\W", "-", name)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def set_up(board, extra="", daemons=True):
    """What the admin does in test_set_up_by_hand, faster."""
    for line in (CONF + extra).splitlines():
        board.run(f"echo '{line}' >>/etc/pillarbox.conf")
    board.run(f"{FOLDERS} && mailconf")
    board.run("echo alice-pw | mailuser add alice@home.test")
    if daemons:
        board.type("maild &")
        board.wait_220()


def submit(port, recipients, bodies, acknowledged=None):
    """Each body in a message of its own, all in one session."""
    with one_connects:
        s = smtplib.SMTP("127.0.0.1", port, timeout=60)
    with s:
        for body in bodies:
            s.sendmail("friend@far.test", recipients, message(body))
            if acknowledged is not None:
                acknowledged.append(body)


def message(body):
    tag = hashlib.sha256(body.encode()).hexdigest()
    return (f"From: friend@far.test\nTo: alice@home.test\nSubject: a message\n"
            f"X-Tag: {tag}\n\n{body}\n")


def bodies(n, size, seed):
    """Text that does not compress to nothing."""
    r = random.Random(seed)
    return [f"{seed} {i}\n" + "\n".join(
        r.randbytes(35).hex() for _ in range(size // 71)) for i in range(n)]


def pop3(board):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    p = poplib.POP3("127.0.0.1", board.port["pop3"], timeout=60)
    p.stls(context)
    p.user("alice@home.test")
    p.pass_("alice-pw")
    return p


def fetch(board, delete=True):
    """[(header, body)] of all of alice's mail, by POP3 over TLS."""
    p = pop3(board)
    found = []
    for i in range(1, p.stat()[0] + 1):
        text = b"\n".join(p.retr(i)[1]).decode()
        found.append(tuple(text.split("\n\n", 1)))
        if delete:
            p.dele(i)
    p.quit()
    return found


def fetch_until(board, wanted, seconds=120):
    """Fetches until all bodies are there; all that came."""
    got, end = [], time.monotonic() + seconds
    while True:
        got += fetch(board)
        have = {body.rstrip("\n") for _, body in got}
        if set(wanted) <= have or time.monotonic() > end:
            return got
        time.sleep(1)


def check_all_there(board, acknowledged, may_come=()):
    got = fetch_until(board, acknowledged)
    found = [body.rstrip("\n") for _, body in got]
    lost = set(acknowledged) - set(found)
    assert not lost, (len(lost), [b[:30] for b in lost], board.run(
        "mailq; cat /run/log; ls -laR /state/spool"))
    for header, body in got:
        tag = re.search(r"^X-Tag: (\w+)", header, re.M).group(1)
        assert hashlib.sha256(body.rstrip("\n").encode()).hexdigest() == tag
    assert set(found) <= set(acknowledged) | set(may_come)
    damaged = board.run("ls /state/spool/damaged | wc -l")
    assert may_come or damaged == "0"
    return found


def wait_idle(board, seconds=60):
    end = time.monotonic() + seconds
    while board.run("ls /state/spool/msg | wc -l") != "0":
        assert time.monotonic() < end, board.run("mailq; cat /run/log")
        time.sleep(0.5)


# -- as an admin at the serial line -------------------------------------------

def test_root_is_read_only(home):
    home.boot()
    figure("boot to the prompt, seconds",
           f"{time.monotonic() - home.started:.1f}")
    for path in ("/x", "/etc/x", "/usr/bin/x", "/var/x"):
        code, text = home.status(f"touch {path}")
        assert code and "Read-only file system" in text
    assert home.run("grep ' /state ' /proc/mounts").split()[2] == "ubifs"
    home.run("touch /state/x && rm /state/x")
    figure("RAM the kernel leaves, MemTotal kB", home.number(
        "awk '/^MemTotal/ {print $2}' /proc/meminfo"))


def test_kernel_is_not_moved(home):
    """Or it may be in the NOR flash of other boards: see Board."""
    assert home.kernel()[0] == 1 << 20      # where malta's kernels are linked


def test_set_up_by_hand(home):
    home.type("cat >/etc/pillarbox.conf", "\n")
    for line in CONF.splitlines():
        home.type(line.replace("home.test", "home..test", 1), "\n")
    home.console.sendcontrol("d")
    home.expect(PROMPT)
    code, text = home.status("mailconf")
    assert code == 78 and "pillarbox.conf" in text      # the typing error
    home.run("sed -i 's/home\\.\\.test/home.test/' /state/pillarbox.conf")
    assert home.status("mailconf") == (0, "")
    home.run(FOLDERS)
    home.type("mailuser add alice@home.test", "Password[^:]*: ?")
    home.type("alice-pw", "again: ?")
    assert "mailuser:" not in home.type("alice-pw")
    assert home.run("mailuser list") == "alice@home.test"
    assert "alice-pw" not in home.tail()                # not echoed


def test_start_by_hand(home):
    home.type("maild &")
    home.wait_220()


def test_memory(image):
    """On jffs2: block2mtd's cache of the disk would blur it."""
    with Board(image, fresh("memory"), "jffs2:nor") as board:
        board.boot()
        set_up(board, daemons=False)
        memory(board)


def memory(home):
    before = home.available()
    home.type("maild &")
    home.wait_220()
    submit(home.port["smtp"], ["alice@home.test"], ["first\n"])
    fetch_until(home, ["first"])
    time.sleep(3)
    after = home.available()
    figure("MemAvailable before and after the daemons, kB",
           f"{before} {after}: {before - after} taken")
    taken = before - after
    pss = home.number("cat /proc/[0-9]*/smaps_rollup 2>/dev/null | "
                      "awk '/^Pss_Anon/ {s += $2} END {print s}'")
    figure("anonymous memory of all processes, kB", pss)
    sessions = []
    for name, verb in (("smtp", b"EHLO x.test\r\n"), ("pop3", b"CAPA\r\n")):
        for _ in range(100):
            sessions.append(idle_session(home.port[name], verb))
    loaded = home.available()
    figure("MemAvailable with 100 SMTP and 100 POP3 sessions, kB",
           f"{loaded}: {after - loaded} taken")
    for s in sessions:
        s.sendall(b"NOOP\r\n")
    assert all(s.recv(200) for s in sessions)           # they live
    for s in sessions:
        s.close()
    assert taken <= 2048, "daemons: more than 2 MB"
    assert after - loaded <= 1024, "200 sessions: more than 1 MB"


def idle_session(port, verb):
    s = socket.create_connection(("127.0.0.1", port), 30)
    assert s.recv(500)
    s.sendall(verb)
    time.sleep(0.01)
    s.recv(2000)
    return s


def test_mail_at_the_console(home):
    home.type("mail -s 'Dinner on Sunday' alice@home.test", "\n")
    home.console.sendline("Will you come?")
    home.type(".")
    (header, body), = fetch_until(home, ["Will you come?"], 30)
    assert "Subject: Dinner on Sunday" in header
    assert re.search(r"^From: .*root@", header, re.M)
    assert body.strip() == "Will you come?"
    sender = re.search(r"^From:.*?([\w.]+@[\w.]+)", header, re.M).group(1)
    with smtplib.SMTP("127.0.0.1", home.port["smtp"], timeout=60) as s:
        s.sendmail("alice@home.test", [sender],
                   f"From: alice@home.test\nTo: {sender}\n"
                   "Subject: Re: Dinner on Sunday\n\nYes, at six.\n")
    wait_idle(home)
    listing = home.type("mail", r"[?&] \Z")
    assert "Re: Dinner on Sunday" in listing and "alice" in listing
    letter = home.type("1", r"[?&] \Z")
    assert "Yes, at six." in letter
    assert "\x1b" not in listing.replace("\x1b[6n", "") + letter
    assert all(len(line.rstrip()) <= 80 for line in letter.splitlines())
    home.type("q")
    assert "No mail" in home.run("mail; true")


def test_smtp_in_pop3_out(home):
    texts = bodies(5, 20000, "outside")
    submit(home.port["smtp"], ["alice@home.test"], texts)
    got = fetch_until(home, texts, 30)
    assert sorted(b.rstrip("\n") for _, b in got) == sorted(texts)
    submit(home.port["smtp"], ["alice@home.test"], ["for curl"])
    wait_idle(home)
    out = subprocess.run(
        ["curl", "-sk", "--max-time", "60", "-u", "alice@home.test:alice-pw",
         f"pop3s://127.0.0.1:{home.port['pop3s']}/1"], check=True,
        stdout=subprocess.PIPE, text=True).stdout
    assert "for curl" in out
    fetch(home)
    with smtplib.SMTP("127.0.0.1", home.port["smtp"], timeout=60) as s:
        s.ehlo()
        s.mail("friend@far.test")
        assert s.rcpt("someone@elsewhere.test")[0] in (550, 554)


def test_boot_to_the_first_220(home):
    home.power_off()
    home.boot(mail=True)
    figure("boot to the first 220, seconds since qemu's start",
           f"{home.first_220:.1f}")
    guest = home.guest_clock_at(home.first_220)
    figure("the same on the guest's clock", f"{guest:.1f}")
    assert guest < 30


def test_disk_full(home):
    """452 before it is full; what was acknowledged is there afterwards."""
    home.run("dd if=/dev/urandom of=/state/fill bs=64k count="
             "$(( ($(df -k /state | awk 'END {print $4}') - 2500) / 64 ))"
             " 2>/dev/null; sync")
    acknowledged, code = [], 0
    for text in bodies(60, 100000, "full"):
        try:
            submit(home.port["smtp"], ["root@home.test", "alice@home.test"],
                   [text], acknowledged)
        except smtplib.SMTPResponseException as e:
            code = e.smtp_code
            break
        except smtplib.SMTPRecipientsRefused as e:
            code = list(e.recipients.values())[0][0]
            break
    assert code == 452, code
    figure("disk full: acknowledged before the first 452", len(acknowledged))
    assert acknowledged
    home.run("dd if=/dev/urandom of=/state/fill2 bs=4k 2>/dev/null; sync")
    with smtplib.SMTP("127.0.0.1", home.port["smtp"], timeout=60) as s:
        s.ehlo()
        assert s.mail("friend@far.test")[0] == 452
    pop3(home).quit()                       # log-in needs no room
    home.run("rm /state/fill /state/fill2; sync; mailq -q")
    check_all_there(home, acknowledged)
    submit(home.port["smtp"], ["alice@home.test"], ["room again"])
    check_all_there(home, ["room again"])
    home.run("rm -f /state/mbox/root")
    home.power_off()


# -- the power fails --------------------------------------------------------

def load(board, seed, acknowledged, sent):
    """Ten connections that send until the power is gone; the threads."""
    def one(n):
        texts = bodies(400, 3000, f"{seed} {n}")
        sent.extend(texts)
        try:
            submit(board.port["smtp"], ["alice@home.test"], texts,
                   acknowledged)
        except (OSError, smtplib.SMTPException):
            pass
    threads = [threading.Thread(target=one, args=(n,)) for n in range(10)]
    for t in threads:
        t.start()
    return threads


# Only a medium that outlives qemu will do. NOR (phram on a file) keeps each
# write at once. On block2mtd the kernel holds writes back until mtd_sync,
# which UBIFS calls from syncfs and jffs2 never does: no jffs2 on it here. And
# UBI refuses phram, which names no size of its write buffer.
@pytest.mark.parametrize("state", ["jffs2:nor", "overlay:nor", "ubifs:disk"])
def test_power_cut_under_load(image, state):
    with Board(image, fresh(f"cut {state}"), state) as board:
        board.boot()
        set_up(board)
        keys = board.run("md5sum /state/pillarbox.conf")
        all_acknowledged, sent = 0, []
        for cut in range(2):
            acknowledged = []
            threads = load(board, f"{state} {cut}", acknowledged, sent)
            end = time.monotonic() + 120
            while len(acknowledged) < 80 + 70 * cut:
                assert time.monotonic() < end, len(acknowledged)
                time.sleep(0.01)
            board.power_cut()
            for t in threads:
                t.join(60)
            board.boot(mail=True)
            found = check_all_there(board, acknowledged, sent)
            all_acknowledged += len(acknowledged)
            extra = len(found) - len(acknowledged)
        figure(f"power cut twice, {state}: acknowledged, all there",
               f"{all_acknowledged}, {extra} more came the second time")
        assert board.run("md5sum /state/pillarbox.conf") == keys
        board.power_off()


# -- state on flash --------------------------------------------------------

@pytest.mark.parametrize("state", [
    "jffs2:mtdram", "ubifs:nandsim", "overlay:mtdram",      # as was asked
    "jffs2:disk", "ubifs:disk", "overlay:disk"])            # bytes counted
def test_state_on(image, state):
    disk = state.endswith("disk")
    with Board(image, fresh(f"state {state}"), state) as board:
        board.boot()
        kind = state.split(":")[0]
        assert board.run("grep ' /state ' /proc/mounts").split()[2] == kind
        set_up(board)
        # two that write users.db while authd reads it
        board.run("echo bob-pw | mailuser add bob@home.test; "
                  "echo carl-pw | mailuser add carl@home.test")
        board.run("mailuser del carl@home.test")
        assert board.run("mailuser list") == "alice@home.test\nbob@home.test"
        files = board.run("ls /state/pillarbox").split()
        mode = board.run("od -An -tu1 -j18 -N2 /state/pillarbox/users.db")
        assert mode.split() == ["1", "1"], "users.db is marked WAL"
        assert not [f for f in files if f.endswith(("-wal", "-shm"))], files
        journal = board.run("stat -c %s /state/pillarbox/users.db-journal")
        assert journal == "0"           # TRUNCATE, not DELETE or PERSIST
        pop3(board).quit()
        board.run("echo 'to a system user' | mail -s Local root")
        wait_idle(board)
        assert "Local" in board.run("mail -H")
        for sessions in (1, 10):
            count(board, state, sessions, disk)
        board.power_off()


def count(board, state, sessions, disk):
    texts = bodies(60, 3000, f"{state} {sessions}")
    wait_idle(board)
    board.count_flushes()
    before = board.written() if disk else 0
    board.run("echo >/sys/kernel/tracing/trace")
    with ThreadPoolExecutor(sessions) as pool:
        for job in [pool.submit(submit, board.port["smtp"],
                                ["alice@home.test"], texts[i::sessions])
                    for i in range(sessions)]:
            job.result()
    wait_idle(board)
    calls = board.flushes()
    per = " ".join(f"{call} {n / len(texts):.2f}" for call, n in
                   sorted(calls.items()))
    total = sum(calls.values()) / len(texts)
    text = f"{total:.2f} flushes a message ({per})"
    if disk:
        size = len(message(texts[0]))
        text += (f", {(board.written() - before) // len(texts)} bytes written"
                 f" for {size} in spool and Maildir")
    figure(f"{state}, {sessions} sessions", text)
    assert 0 < total <= (2.5 if sessions == 1 else 1.5), calls
    check_all_there(board, texts)


# -- the clock ------------------------------------------------------------------

def test_clock_of_1970(image, tmp_path):
    cert = make_cert(tmp_path, "relay.test")
    with FakeSMTP(cert=cert) as relay, \
            FakeDNS({("relay.test", "A"): ["10.0.2.2"]}) as dns, \
            Board(image, fresh("clock"), append="clock=60") as board:
        board.boot()
        assert board.run("date +%Y") == "1970"
        for line in cert[0].read_text().splitlines():
            board.run(f"echo '{line}' >>/state/ca.pem")
        set_up(board, f"nameserver 10.0.2.2:{dns.port}\n"
               f"smarthost relay.test:{relay.port} starttls\n"
               "tls-ca /state/ca.pem\nretry-most 10s\n")
        board.run("echo 'from the past' | mail -s Early friend@far.test")
        submit(board.port["smtp"], ["alice@home.test"], ["local in 1970"])
        fetch_until(board, ["local in 1970"], 30)       # needs no clock
        submit(board.port["smtp"], ["alice@home.test"], ["stays in 1970"])
        time.sleep(25)                                  # some retries
        assert not relay.messages
        assert "friend@far.test" in board.run("mailq")
        assert relay.sessions, board.run("cat /run/log")    # it did try
        board.run(f"date -s @{int(time.time())}")
        board.run("echo 'from today' | mail -s Late friend@far.test")
        end = time.monotonic() + 90
        while len(relay.messages) < 2 and time.monotonic() < end:
            time.sleep(0.5)
        log = board.run("cat /run/log; mailq")
        assert len(relay.messages) == 2, log
        assert all(to == ["friend@far.test"] for _, to, _ in relay.messages)
        wait_idle(board)
        kept = fetch(board)
        assert [b.strip() for _, b in kept] == ["stays in 1970"], kept
        assert "No mail" in board.run("mail; true")     # no bounce to root
        texts = sorted((data.decode() for _, _, data in relay.messages),
                       key=lambda text: "Subject: Early" in text)
        for text in texts:                              # Late, then Early
            date = re.search(r"^Date: (.*)\r$", text, re.M)
            assert date, f"sent without a Date:\n{text}"
            figure("clock of 1970: Date", date.group(1))
            off = time.time() - email.utils.parsedate_to_datetime(
                date.group(1)).timestamp()
            assert abs(off) < 600, text
        board.power_off()
