"""docs/porting.md names what there is; config/footprint and peers measure."""

import importlib.machinery
import importlib.util
import os
import re
import subprocess

import pytest

from instance import ROOT

BOARDS = ROOT / "board-profiles"
PAGE = (ROOT / "docs" / "porting.md").read_text()
CODE = re.findall(r"`([^`\n]+)`", re.sub("```.*?```", "", PAGE, flags=re.S)) \
    + [line for block in re.findall("```\n(.*?)```", PAGE, re.S)
       for line in block.splitlines()]
TARGETS = {line.split()[0]
           for line in (BOARDS / "toolchain" / "targets").read_text().splitlines()
           if line and line[0] != "#"}
PROFILES = {path.parent.name for path in BOARDS.glob("*/budget")}


# --- docs/porting.md ---------------------------------------------------------

def unknown_paths(code):
    """Words that are files of the tree by their first folder, and are not."""
    for words in code:
        for path in re.findall(r"(?<![\w/.-])(?:board-profiles|config|docs|tests|"
                               r"platform|applets)/[\w./-]+", words):
            # config/footprint writes it
            if path != "docs/footprint.md" and "NAME" not in path \
                    and not (ROOT / path).exists():
                yield path


def made_by(makefile):
    return set(re.findall(r"^([\w-]+):(?!=)", makefile, re.M)) \
        | {f"{path.parent.name}_defconfig" for path in BOARDS.glob("*/defconfig")}


def unknown_targets(code, known):
    for line in code:
        if re.match(r"make( |$)", line):
            for word in line.split()[1:]:
                if "=" not in word and word not in known:
                    yield word


def test_every_path_exists():
    assert not list(unknown_paths(CODE))
    assert list(unknown_paths(["`sh config/nothing`"])) == ["config/nothing"]


def test_every_make_target_exists():
    known = made_by((ROOT / "Makefile").read_text())
    assert sum(line.startswith("make ") for line in CODE) > 5
    assert not list(unknown_targets(CODE, known))
    assert list(unknown_targets(["make O=x none_defconfig"], known)) \
        == ["none_defconfig"]


def test_every_profile_is_told():
    told = set(re.findall(r"^\| `([a-z-]+)` \| \d+ MB flash", PAGE, re.M))
    assert told == PROFILES - {"host"}


def test_every_target_is_told():
    assert {word for words in CODE
            for word in re.findall(r"\w+-musl\b", words)} == TARGETS


def test_every_directive_and_its_default_is_right():
    reference = (ROOT / "docs" / "configuration.md").read_text()
    names = re.findall(r"`((?:\w+-dir|user-\w+|m(?:ax|in)-[\w-]+))`", PAGE)
    assert len(names) > 6
    for name in names:
        assert f"\n### {name}\n" in reference, name
    for name, value in re.findall(r"^\| `([\w-]+-dir)` \| `([^`]+)` ", PAGE,
                                  re.M):
        assert f"`{name} PATH`" in reference
        assert f"Default: `{value}`" in \
            reference.split(f"\n### {name}\n")[1].split("\n### ")[0]


def test_what_it_calls_unused_is_not_used():
    source = "".join(path.read_text() for folder in ("platform", "applets")
                     for path in (ROOT / folder).rglob("*.c"))
    for header in ("inotify", "timerfd", "eventfd", "shm", "msg", "sem"):
        assert f"<sys/{header}.h>" not in source
    for header in ("epoll", "signalfd", "un"):
        assert f"<sys/{header}.h>" in source


# --- config/footprint --------------------------------------------------------

MAP = """
Archive member included to satisfy reference by file (symbol)
 .text          0x00400000    0xffff build/applets/pop3d/pop3d.o

Linker script and memory map

.text           0x00400000      0x2a4
 .text          0x00400000      0x100 {out}/applets/pop3d/pop3d.o
                0x00400000                pop3d_main
 .text.a_name_that_takes_a_line_of_its_own
                0x00400100       0x40 {out}/platform/net.a(conn.o)
 *fill*         0x00400140        0x4 
 .text          0x00400144      0x100 /x/libmbedtls.a(ssl_tls.o)
 .text          0x00400244       0x20 /x/libsqlite3.a(sqlite3.o)
 .text          0x00400264       0x10 /x/libz.a(crc32.o)
 .text          0x00400274       0x10 /x/libc.a(iconv.lo)
 .text          0x00400284       0x08 /x/libc.a(open.lo)
 .text          0x0040028c       0x18 /usr/lib/gcc/12/libgcc.a(_udivdi3.o)

.rodata         0x00400300       0x30
 .rodata.str1.1
                0x00400300       0x80 {out}/applets/main.o
                                 0x20 (size before relaxing)
 .rodata.str1.1
                0x00400310       0x20 {out}/applets/mail/mail.o

.bss            0x00500000     0x9999
 .bss           0x00500000     0x9999 {out}/applets/pop3d/pop3d.o
OUTPUT(build/pillarbox.full elf32-tradlittlemips)
"""
EXPECTED = {"our own code": 0x170, "applet pop3d": 0x100, "layer net": 0x40,
            "applet main": 0x10,         # as far as the next one's address
            "applet mail": 0x20, "mbedTLS": 0x100, "SQLite": 0x20,
            "zlib": 0x10, "libgcc": 0x18, "libc": 0x18, "of it iconv": 0x10,
            "of it rest": 8, "the file": 4000}


def make_out(folder, profile, cc, size=4000):
    (folder / "gen").mkdir(parents=True)
    (folder / "gen" / "profile").write_text(profile + "\n")
    (folder / "gen" / "cflags").write_text(f" = {cc} -std=c11 -Os\n")
    (folder / "pillarbox").write_bytes(bytes(size))
    (folder / "pillarbox.full.map").write_text(MAP.format(out=folder))
    return folder


def footprint(*outs, **environment):
    return subprocess.run([ROOT / "config" / "footprint", *outs], check=True,
                          stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}).stdout


def table(page, title):
    """{row: [numbers]} of the table below a title, and its columns."""
    part = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")]
            for line in part.splitlines() if line.startswith("|")]
    return rows[0][1:], {
        row[0].replace("&nbsp; ", "").replace("*", ""):
        [int(cell.replace(",", "")) for cell in row[1:]] for row in rows[2:]}


@pytest.mark.parametrize("awk", ["mawk", "gawk", "busybox awk"])
def test_footprint_names_the_owner_of_each_byte(tmp_path, awk):
    out = make_out(tmp_path / "a", "small", "/t/bin/mipsel-musl-gcc")
    columns, rows = table(footprint(out, AWK=awk), "mipsel-musl")
    assert columns == ["small"]
    for name, value in EXPECTED.items():
        assert rows[name] == [value], name
    parts = ["our own code", "mbedTLS", "SQLite", "zlib", "libgcc", "libc",
             "start code, headers, padding"]
    assert sum(rows[part][0] for part in parts) == 4000


def test_footprint_has_a_table_a_target_and_a_column_a_profile(tmp_path):
    page = footprint(make_out(tmp_path / "a", "small", "/t/arm-gcc"),
                     make_out(tmp_path / "b", "large", "/t/arm-gcc", 1234567),
                     make_out(tmp_path / "c", "small", "/t/mips-gcc"))
    columns, rows = table(page, "arm")
    assert columns == ["small", "large"]
    assert rows["the file"] == [4000, 1234567]
    assert "| **the file** | 4,000 | 1,234,567 |" in page
    assert table(page, "mips")[0] == ["small"]


def test_footprint_without_a_map_fails(tmp_path):
    (make_out(tmp_path / "a", "small", "gcc") / "pillarbox.full.map").unlink()
    with pytest.raises(subprocess.CalledProcessError):
        footprint(tmp_path / "a")


# --- config/peers ------------------------------------------------------------

@pytest.fixture(name="peers", scope="module")
def load_peers():
    path = str(ROOT / "config" / "peers")
    loader = importlib.machinery.SourceFileLoader("peers", path)
    spec = importlib.util.spec_from_loader("peers", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_peers_reads_what_a_program_needs(peers):
    assert peers.needed("/usr/bin/env") == ["libc.so.6"]
    assert peers.is_program("/usr/bin/env")
    assert peers.parse_needed(
        " 0x0000000000000001 (NEEDED)   Shared library: [libz.so.1]\n"
        " 0x000000000000000e (SONAME)   Library soname: [libx.so.1]\n"
        " 0x000000000000001d (RUNPATH)  Library runpath: [/usr/lib/x]\n") \
        == ["libz.so.1"]


def test_peers_follows_what_libraries_need(peers, monkeypatch):
    says = {"prog": ["a.so", "libc.so"], "A": ["b.so", "libc.so"],
            "B": ["a.so"]}
    monkeypatch.setattr(peers, "needed", says.__getitem__)
    found = {"a.so": "A", "b.so": "B", "c.so": "C"}
    assert peers.needed_by(["prog"], found, {"libc.so"}) == {"A", "B"}
    with pytest.raises(KeyError):
        peers.needed_by(["prog"], {"a.so": "A"}, {"libc.so"})


def test_peers_tells_programs_from_libraries(peers, tmp_path):
    ldd = subprocess.run(["ldd", "/usr/bin/env"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    libc = re.search(r"libc\.so\.6 => (\S+)", ldd)[1]
    assert not peers.is_program(libc)
    (tmp_path / "x.so").write_text("INPUT(libc.so.6)")
    (tmp_path / "libc.so.6").write_bytes(open(libc, "rb").read())
    (tmp_path / "libc.so").symlink_to("libc.so.6")
    assert peers.index([tmp_path]) == {"libc.so": tmp_path / "libc.so.6",
                                       "libc.so.6": tmp_path / "libc.so.6"}
