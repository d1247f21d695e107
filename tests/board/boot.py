"""A board in qemu: its serial console, its ports, its power."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import pexpect

PROMPT = "board# "
PORTS = {"smtp": 25, "submission": 587, "pop3": 110, "pop3s": 995}
MB = 1 << 20
NOR_AT, NOR = 48 * MB, 16 * MB  # of the 80 MB, what plays NOR flash
DISK = 24 * MB                 # the disk that block2mtd makes flash of


class BoardError(AssertionError):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def greeting(port, timeout=2.0):
    """What a server says first, or b"" """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as s:
            s.settimeout(timeout)
            return s.recv(500)
    except OSError:
        return b""


class Board:
    """A malta with 64 MB, and 16 MB more in the middle that are no RAM.

    All its memory is a file on the host. With state=FS:nor the 16 MB are NOR
    flash (phram): what was written there stays when the power is cut, at once
    and in order; the other 64 MB are wiped. mem= is for the kernel's allocator
    alone; KASLR, which puts the kernel itself anywhere below 50 MB, does not
    ask it. In one boot of ten its variables were in the flash, and the flash's
    files in its variables: the guest stood still, panicked, or did not mount
    it. Hence nokaslr, and boot() looks where the kernel is.

    image: folder made by boot-image. state: FS:MEDIUM, as boot-init has it.
    folder: where the board's disk is (it outlives the power) and `log`, all
    that the console ever said.
    """

    def __init__(self, image, folder, state="ubifs:disk", append=""):
        self.image = pathlib.Path(image)
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.state, self.append = state, append
        self.port = {name: free_port() for name in PORTS}
        self.log = self.dir / "log"
        self.disk = self.dir / "disk.img"
        self.ram = self.dir / "ram.img"
        self.console = None
        self.first_220 = None           # seconds since qemu was started
        if not self.disk.exists():
            self.format()

    def format(self):
        ubi = b""
        if self.state.startswith("ubifs"):
            ubi = (self.image / "ubi-disk.img").read_bytes()
        self.ram.write_bytes(bytes(NOR_AT) + ubi.ljust(NOR, b"\xff")
                             + bytes(16 * MB))
        self.disk.write_bytes(ubi.ljust(DISK, b"\xff"))

    def command_line(self):
        forward = "".join(f",hostfwd=tcp:127.0.0.1:{self.port[name]}-:{inner}"
                          for name, inner in PORTS.items())
        return [
            "qemu-system-mipsel", "-M", "malta", "-cpu", "24Kf", "-m", "80M",
            "-machine", "memory-backend=ram",
            "-object", "memory-backend-file,id=ram,size=80M,share=on,"
            f"mem-path={self.ram}",
            "-kernel", str(self.image / "vmlinuz"),
            "-initrd", str(self.image / "initramfs"),
            "-append", "console=ttyS0 panic=1 quiet nokaslr "
            f"mem={NOR_AT}@0 mem={16 * MB}@{NOR_AT + NOR} "
            f"nor={NOR_AT:#x},{NOR:#x},0x20000 "
            f"state={self.state} {self.append}",
            "-display", "none", "-vga", "none", "-monitor", "none",
            "-no-reboot", "-chardev", "stdio,id=c,signal=off",
            "-serial", "chardev:c",
            "-netdev", f"user,id=n{forward}",
            "-device", "virtio-net-pci,netdev=n,romfile=",
            "-drive", f"if=none,id=d,format=raw,file={self.disk}",
            "-device", "virtio-blk-pci,drive=d",
        ]

    # -- power ------------------------------------------------------------

    def boot(self, timeout=120, mail=False):
        """Until the prompt; with mail=True until smtpd greets, too."""
        with open(self.ram, "r+b") as ram:
            ram.write(bytes(NOR_AT))
            ram.seek(NOR_AT + NOR)
            ram.write(bytes(16 * MB))
        argv = ["nice", "-n", "19", *self.command_line()]
        self.started = time.monotonic()
        self.first_220 = None
        self.console = pexpect.spawn(argv[0], argv[1:], timeout=timeout,
                                     encoding="latin-1", echo=False,
                                     dimensions=(24, 80))
        self.console.logfile_read = open(self.log, "a", buffering=1)
        self.console.logfile_read.write(f"\n=== power on: {argv}\n")
        watcher = threading.Thread(target=self.watch, daemon=True)
        if mail:
            watcher.start()
        self.expect(PROMPT)
        if mail:
            watcher.join(timeout)
            if self.first_220 is None:
                raise BoardError(f"no 220: {self.tail()}")
        if self.kernel()[1] >= NOR_AT:
            raise BoardError("the kernel is where the NOR flash is")
        return self

    def watch(self):
        """Notes when the first 220 comes."""
        while self.running():
            if greeting(self.port["smtp"]).startswith(b"220"):
                self.first_220 = time.monotonic() - self.started
                return
            time.sleep(0.05)

    def wait_220(self, timeout=60):
        end = time.monotonic() + timeout
        while not greeting(self.port["smtp"]).startswith(b"220"):
            if time.monotonic() > end:
                raise BoardError(f"no 220: {self.tail()}")
            time.sleep(0.05)

    def running(self):
        return self.console is not None and self.console.isalive()

    def power_cut(self):
        """kill -9 of qemu: what the guest still held in memory is lost."""
        if self.running():
            os.kill(self.console.pid, signal.SIGKILL)
        if self.console is not None:
            self.console.wait()
            self.console.logfile_read.write("\n=== power cut\n")
            self.console.logfile_read.close()
            self.console.close(force=True)
        self.console = None

    def power_off(self):
        self.run("killall maild; sleep 1; sync; umount /state; true")
        self.console.sendline("poweroff -f")
        self.console.expect(pexpect.EOF)
        self.power_cut()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.power_cut()

    # -- the serial line ----------------------------------------------------

    def expect(self, pattern, timeout=-1):
        try:
            self.console.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise BoardError(f"waited for {pattern!r}: {self.tail()}") from None
        return self.console.before

    def tail(self):
        return self.log.read_text(encoding="latin-1")[-3000:]

    def type(self, line, answer=PROMPT, timeout=-1):
        """Types a line as a person does; what the board says until `answer`."""
        self.console.sendline(line)
        return self.expect(answer, timeout)

    def status(self, command, timeout=60):
        """(exit status, output) of a command."""
        self.console.sendline(f'echo "<""<"; {command}; echo "$?>"">"')
        self.expect("<<\r*\n", timeout)
        text = self.expect(r"(\d+)>>", timeout)
        code = int(self.console.match.group(1))
        self.expect(PROMPT, timeout)
        return code, text.replace("\r", "").rstrip("\n")

    def run(self, command, timeout=60):
        code, text = self.status(command, timeout)
        if code:
            raise BoardError(f"{command}: {code}: {text}")
        return text

    # -- figures --------------------------------------------------------------

    def kernel(self):
        """The first and the last byte of memory that the kernel itself is."""
        text = self.run("grep ' : Kernel ' /proc/iomem")
        ends = [int(x, 16) for x in re.findall("[0-9a-f]{8}", text)]
        return min(ends), max(ends)

    def number(self, command):
        return int(self.run(command))

    def available(self):
        """MemAvailable in kB without caches, once three looks agree."""
        seen = []
        while len(seen) < 20:
            self.run("sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1; "
                     "cat /proc/sys/vm/stat_refresh")
            seen.append(self.number(
                "awk '/^MemAvailable/ {print $2}' /proc/meminfo"))
            if len(seen) >= 3 and max(seen[-3:]) - min(seen[-3:]) <= 60:
                break
        return sorted(seen[-3:])[1]

    def guest_clock_at(self, since_start):
        """Seconds on the guest's own clock, so many after qemu's start."""
        up = float(self.run("cut -d' ' -f1 /proc/uptime"))
        return since_start - (time.monotonic() - self.started - up)

    def written(self):
        """Bytes that reached the disk, all of the kernel's own cache too."""
        self.run("sync")
        return 512 * self.number("awk '$3 == \"vda\" {print $10}' "
                                 "/proc/diskstats")

    def count_flushes(self):
        """From now on the kernel notes each sync call."""
        self.run("mount | grep -q tracefs || "
                 "mount -t tracefs t /sys/kernel/tracing")
        for call in ("syncfs", "fsync", "fdatasync"):
            self.run(f"echo 1 >/sys/kernel/tracing/events/syscalls/"
                     f"sys_enter_{call}/enable")
        self.run("echo >/sys/kernel/tracing/trace")

    def flushes(self):
        """{call: times} since count_flushes()."""
        text = self.run("grep -oE 'sys_[a-z]+\\(' /sys/kernel/tracing/trace; "
                        "true")
        calls = re.findall(r"sys_(\w+)\(", text)
        return {call: calls.count(call) for call in set(calls)}


def make_image(binary, folder, arch="mipsel"):
    here = pathlib.Path(__file__).resolve().parent
    subprocess.run(["nice", "-n", "19", str(here / "boot-image"), arch,
                    str(binary), str(folder)], check=True)
    return pathlib.Path(folder)
