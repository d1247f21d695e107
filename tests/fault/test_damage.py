"""A file of the spool with one wrong octet, wherever it is; a disk that is full
when a report is to be written."""

import os
import subprocess

import pytest

import spoolfile
from fakes import FakeSMTP
from instance import Instance, wait_for

TEXT = b"From: alice@a.test\r\nSubject: whole\r\n\r\nbody\r\n"
EXTRA = "retry-first 1s\nretry-most 1s\n"


@pytest.mark.parametrize("bits,summed", [(0xFF, True), (0x01, False),
                                         (0x01, True), (0x20, True)])
def test_one_octet_is_wrong(bits, summed):
    """It is set aside and told to the log, or it is whole; others go on."""
    with Instance(start=False, extra=EXTRA) as i:
        spoolfile.prepare(i)
        msg, size = i.dir / "spool" / "msg", 0
        ids, at = [], 0
        while at == 0 or at < size:
            name = spoolfile.put(i, "alice@a.test", ["bob@a.test"],
                                 message=TEXT, summed=summed)
            data = bytearray((msg / name).read_bytes())
            size = len(data)
            data[at] ^= bits
            (msg / name).write_bytes(data)
            ids.append(name)
            at += 1
        good = spoolfile.put(i, "alice@a.test", ["bob@a.test"], message=TEXT)
        i.start()
        i.run("mailq", "-H", "-a", check=False)     # "try " became "try!"
        wait_for(lambda: not i.spooled(), 30)
        damaged = {p.name for p in (i.dir / "spool" / "damaged").iterdir()}
        log, got = i.log(), i.messages("bob")
        for p in got:
            text = p.read_bytes()
            assert text.endswith(TEXT.replace(b"\r\n", b"\n")), text
        for name in damaged:
            assert f"{name}: damaged (" in log
        assert good not in damaged and damaged <= set(ids)
        assert len(got) + len(damaged) == len(ids) + 1
        # files of before its sum: try's digits and marks
        whole = [n for n, name in enumerate(ids) if name not in damaged]
        assert not whole if summed else all(
            48 <= n < 48 + 36 for n in whole), whole


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_the_disk_is_full_when_a_report_is_due():
    """Nobody is forgotten, and the report comes once when there is room."""
    with FakeSMTP(replies={"RCPT <no@b.test>": ["550 5.1.1 no"] * 99}) as far, \
            Instance(start=False, extra=EXTRA +
                     f"route b.test smtp:[127.0.0.1]:{far.port}\n") as i:
        spool = i.dir / "spool"
        spool.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none",
                        spool], check=True)
        try:
            spoolfile.prepare(i)
            name = spoolfile.put(i, "alice@a.test",
                                 ["bob@a.test", "no@b.test", "yes@b.test"],
                                 message=TEXT)
            with open(spool / "filler", "wb", buffering=0) as f:
                with pytest.raises(OSError):
                    while True:
                        f.write(b"x" * 4096)
            i.start()
            i.wait_log(f"{name}: report: .*(room|space)")
            i.wait_log(f"{name}: report: .*(room|space)",
                       since=i.log().index(": report: ") + 1)
            assert not i.messages("alice") and (spool / "msg" / name).exists()
            (spool / "filler").unlink()
            wait_for(lambda: not i.spooled())
            assert len(i.messages("alice")) == len(i.messages("bob")) == 1
            assert b"Final-Recipient: rfc822; no@b.test" in \
                i.messages("alice")[0].read_bytes()
            assert [m[1] for m in far.messages] == [["yes@b.test"]]
            assert not list((spool / "damaged").iterdir())
            assert not list((spool / "tmp").iterdir())
        finally:
            i.stop()
            subprocess.run(["umount", "-l", spool], check=False)
