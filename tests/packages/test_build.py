"""What the build says when something is not as it should be."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def make(*args, config=None, out):
    if config is not None:
        out.mkdir(exist_ok=True)
        (out / ".config").write_text(config)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    return subprocess.run(["make", "-s", f"O={out}", *args], cwd=ROOT, env=env,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


@pytest.mark.parametrize("awk", ["mawk", "gawk", "busybox awk"])
def test_an_old_config_is_told_and_defaults_are_taken(tmp_path, awk):
    p = make(f"AWK={awk}", f"{tmp_path}/gen/config.mk", out=tmp_path, config=(
        "CONFIG_GONE=y\nCONFIG_TLS=maybe\n# CONFIG_POP3D is not set\n"
        "CONFIG_POP3D_SASL=y\n"))
    assert p.returncode == 0
    assert "GONE is not known (any more): left out" in p.stderr
    assert "TLS is y or n, not maybe: its default is taken" in p.stderr
    assert "POP3D_SASL is off: it depends on POP3D" in p.stderr
    made = (tmp_path / "gen" / "config.mk").read_text()
    assert "CONFIG_TLS := y" in made and "POP3D_SASL := y" not in made


def test_a_good_config_has_no_warning(tmp_path):
    p = make(f"{tmp_path}/gen/config.mk", out=tmp_path,
             config="CONFIG_TLS=y\n# CONFIG_MAIL is not set\n")
    assert (p.returncode, p.stderr) == (0, "")


def library(folder, header, text):
    (folder / "include" / header).parent.mkdir(parents=True)
    (folder / "include" / header).write_text(text)
    return folder


@pytest.mark.parametrize("variable, header, old, said", [
    ("MBEDTLS", "mbedtls/version.h",
     "#define MBEDTLS_VERSION_NUMBER 0x02100000\n", "install libmbedtls-dev"),
    ("SQLITE", "sqlite3.h", "#define SQLITE_VERSION_NUMBER 3008000\n",
     "install libsqlite3-dev"),
    ("ZLIB", "zlib.h", "#define ZLIB_VERNUM 0x1100\n", "install zlib1g-dev"),
])
def test_an_old_library_is_one_line(tmp_path, variable, header, old, said):
    lib = library(tmp_path / "lib", header, old)
    p = make(f"{variable}={lib}", f"{tmp_path}/out/gen/libs.stamp",
             out=tmp_path / "out")
    assert p.returncode != 0
    assert said in p.stderr.splitlines()[0], p.stderr


def test_no_compiler_is_one_line(tmp_path):
    p = make("CC=no-such-gcc", out=tmp_path)
    assert p.returncode != 0
    assert "no-such-gcc does not compile: install gcc" in p.stderr


def test_an_unknown_profile_names_those_there_are(tmp_path):
    p = make("toaster_defconfig", out=tmp_path)
    assert p.returncode != 0
    assert "no profile toaster" in p.stderr
    assert "household" in p.stderr and "send-only" in p.stderr


def test_an_unknown_target_names_those_there_are(tmp_path):
    p = make("CROSS=toaster-musl", f"TOOLCHAINS={tmp_path}/t", out=tmp_path)
    assert p.returncode != 0
    assert "mipsel-musl" in p.stderr, p.stderr


def test_size_check_wants_a_profile(tmp_path):
    p = subprocess.run([ROOT / "config" / "size-check", tmp_path, "", "host"],
                       text=True, stderr=subprocess.PIPE)
    assert p.returncode != 0 and "make NAME_defconfig" in p.stderr


@pytest.mark.parametrize("most, code", [(10, 1), (10_000_000, 0), (None, 1)])
def test_a_broken_budget_fails(tmp_path, most, code):
    """With a tree of its own: only the budget differs."""
    for name in ("config/size-check", "config/size.awk"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "board-profiles" / "p").mkdir(parents=True)
    (tmp_path / "board-profiles" / "p" / "budget").write_text(
        "# limits\nmips-musl flash 1\n" +
        (f"any flash {most}\n" if most else ""))
    (tmp_path / "pillarbox").write_bytes(b"\0" * 1000)
    (tmp_path / "pillarbox.full.map").write_text("")
    p = subprocess.run(["sh", tmp_path / "config" / "size-check", tmp_path,
                        "p", "host"], text=True, stdout=subprocess.PIPE)
    assert p.returncode == code, p.stdout
    assert ("OVER" in p.stdout) == (most == 10)
