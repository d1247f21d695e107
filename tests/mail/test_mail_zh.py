"""Chinese: who has its locale reads it; what a script reads stays English."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import unicodedata

import pexpect
import pytest

from desk import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
LETTER = (b"From alice@a.com Tue Nov 24 11:00:46 2026\nFrom: alice@a.com\n"
          b"To: me@a.com\nSubject: Lunch\n\nnoon\n\n")
CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
# the environment, less what says the language
PLAIN = {k: v for k, v in os.environ.items()
         if k != "LANG" and not k.startswith("LC_")}
SESSION = "?\nhelp delete\nd 1\nfrobnicate\np 99\nq\n"


def run(desk, *args, stdin="", **locale):
    env = {k: v for k, v in desk.env.items() if k != "LC_ALL"}
    return subprocess.run([BINARY, "mail", *args], input=stdin.encode(),
                          env={**env, **locale}, cwd=desk.home, timeout=60,
                          capture_output=True, check=False)


def session(desk, **locale):
    desk.mbox.write_bytes(LETTER)
    p = run(desk, "-N", "-f", str(desk.mbox), stdin=SESSION, **locale)
    assert p.returncode == 1            # a script learns of the error
    return p.stdout.decode(), p.stderr.decode()


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


@pytest.mark.parametrize("locale", [
    {"LANG": "zh_CN.UTF-8"}, {"LANG": "zh_SG.utf8"}, {"LC_ALL": "zh.UTF-8"},
    {"LANG": "C", "LC_MESSAGES": "zh_CN.UTF-8", "LC_CTYPE": "C.UTF-8"},
    {"LANG": "zh_CN.UTF-8@pinyin"},
], ids=lambda d: ",".join(d.values()))
def test_session(desk, locale):
    out, err = session(desk, **locale)
    lines = out.splitlines()
    assert "delete   [列表]  删除邮件（dp：并显示下一封）" in lines
    assert lines.count("delete   [列表]  删除邮件（dp：并显示下一封）") == 2
    assert "列表：1 1-3 . $ * + -  更多：list、help 命令" in lines
    assert "退出时才真正删除；在此之前可用 undelete 恢复。" in out
    assert f'"{desk.mbox}"：删除 1 封，剩余 0 封' in lines
    assert "未知命令：frobnicate（? 列出全部）" in err
    assert "99：没有这封邮件" in err
    assert all(columns(line) <= 80 for line in lines)


@pytest.mark.parametrize("locale", [
    {"LANG": "C"}, {}, {"LANG": "zh_CN.GB18030"}, {"LANG": "zh_CN"},
    {"LANG": "zh_TW.UTF-8"}, {"LANG": "de_DE.UTF-8"},
    {"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"},
    {"LANG": "zh_CN.UTF-8", "LC_CTYPE": "C"},
], ids=lambda d: ",".join(d.values()) or "none")
def test_session_in_english(desk, locale):
    out, err = session(desk, **locale)
    assert (out + err).isascii()
    assert "delete messages" in out and "Unknown command" in err
    assert f'"{desk.mbox}": 1 deleted, 0 left' in out


def test_no_mail(desk):
    p = run(desk, LANG="zh_CN.UTF-8")
    assert p.stderr.decode() == f"{desk.login} 没有邮件\n"
    t = desk.terminal(LC_ALL="zh_CN.UTF-8")
    t.expect_exact(f"{desk.login} 没有邮件。写邮件：mail 地址\r\n")
    t.expect(pexpect.EOF)


def test_terminal(post):
    post.mbox.write_bytes(LETTER)
    t = post.terminal(LC_ALL="zh_CN.UTF-8")
    t.expect_exact("Pillarbox mail。键入 ? 获得帮助。")
    t.expect_exact("1 封邮件 1 封新邮件")
    t.expect_exact("? ")
    t.sendline("r")
    t.expect_exact("To: alice@a.com")
    t.sendline("~z")
    t.expect_exact("未知的 ~ 命令：~z（~? 列出全部）")
    t.sendline("~m")
    t.expect_exact("插入邮件：1")
    t.sendline("谢谢")
    t.sendline(".")
    t.expect_exact("? ")
    t.sendline("q")
    t.expect(pexpect.EOF)
    head, body = post.sent()[2].split(b"\r\n\r\n", 1)
    # fields are not translated, what the user types is taken
    assert head.isascii() and b"Subject: Re: Lunch" in head
    assert body.decode().endswith("谢谢\r\n")


@pytest.mark.parametrize("args", [
    ("-H",), ("-e",), ("-L", ":n"), ("-H", "-f", "/nowhere")])
def test_scripts_read_the_same(desk, args):
    desk.mbox.write_bytes(LETTER)
    english = run(desk, *args, LC_ALL="C.UTF-8")
    chinese = run(desk, *args, LC_ALL="zh_CN.UTF-8")
    assert chinese.returncode == english.returncode
    assert chinese.stdout == english.stdout


def mailconf(*args, **env):
    return subprocess.run([BINARY, "mailconf", *args], env={**PLAIN, **env},
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=90, check=False)


def configuration(path):
    conf = path / "conf"
    for d in "spool", "state", "mail", "mbox", "run":
        (path / d).mkdir()
    conf.write_text("hostname localhost\nnameserver 127.0.0.1:9\n"
                    "dns-timeout 1s\nconnect-timeout 1s\n" + "".join(
                        f"{d}-dir {path}/{d}\n" for d in
                        ("spool", "state", "mail", "mbox", "run")))
    return conf


def test_doctor(tmp_path):
    conf = configuration(tmp_path)
    p = mailconf("--doctor", "-C", conf, LANG="zh_CN.UTF-8", COLUMNS="60")
    text = p.stdout.decode()
    assert re.search("^FAIL  daemons +没有应答：", text, re.M)
    assert re.search("^FAIL  hostname +主机名是 localhost，", text, re.M)
    assert all(columns(line) < 60 for line in text.splitlines()
               if str(tmp_path) not in line)
    # no line begins with what closes
    assert not re.search("^ *[，。、；：）]", text, re.M)
    assert mailconf("--doctor", "-C", conf, LANG="C").stdout.isascii()


def test_doctor_for_scripts(tmp_path):
    """Checks and levels are words of the format, the rest is for people."""
    conf = configuration(tmp_path)
    found = []
    for lang in "C", "zh_CN.UTF-8":
        p = mailconf("--doctor", "-j", "-C", conf, LANG=lang)
        found.append(json.loads(p.stdout)["checks"])
        assert p.returncode == 1
    assert [(c["check"], c["level"]) for c in found[0]] == [
        (c["check"], c["level"]) for c in found[1]]
    assert not any(CHINESE.search(c["text"]) for c in found[0])
    assert all(CHINESE.search(c["text"]) for c in found[1])


def test_setup(tmp_path):
    conf = tmp_path / "conf"
    t = pexpect.spawn(BINARY, ["mailconf", "--setup", "-C", str(conf)],
                      env={**PLAIN, "LANG": "zh_CN.UTF-8", "TERM": "dumb"},
                      encoding="utf-8", timeout=30, dimensions=(24, 60))
    t.expect_exact("1. 这台机器用来做什么？")
    t.expect_exact("1 只发邮件，通过服务商的服务器")
    t.expect(r"1、2 或 3.*: $")
    assert all(columns(line) < 60 for line in t.before.splitlines())
    t.sendline("4")
    t.expect_exact("请输入 1、2 或 3。")
    t.sendline("1")
    t.expect_exact("对外使用的完整名称")
    t.expect(r"本机名称.*: $")
    t.sendintr()
    t.expect_exact("没有作任何更改。")
    t.expect(pexpect.EOF)
    assert not conf.exists()


# ---- the catalogue

def entries():
    """[(English, Chinese)]"""
    text = (ROOT / "platform/os/zh_CN.po").read_text()
    for m in re.finditer(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', text,
                         re.M):
        pair = ["".join(re.findall('^"(.*)"$', part, re.M))
                .replace(r"\n", "\n").replace(r"\"", '"') for part in
                m.groups()]
        if pair[0]:
            yield pair


def test_help_fits_the_screen():
    """The tables of ?, help and ~?: a name that is typed stays as it is."""
    table = (ROOT / "applets/mail/command.c").read_text()
    table = re.sub(r'"\s*(MORE\()?"', "", table)
    table = re.sub(r'"\s*(MORE\()?"', "", table)
    texts = set(re.findall(r'\{ "([^" ]+ [^"]*)"', table))
    rows = 0
    for english, chinese in entries():
        if english.replace("\n", "\\n") in texts:
            assert chinese.split()[0] == english.split()[0]
            rows += 1
        elif not english.startswith("~"):
            continue
        assert all(columns(line) <= 80 for line in chinese.split("\n"))
    assert rows == len(texts) > 70


def test_layout_is_kept():
    for english, chinese in entries():
        for end in r"^\s*", r"\s*$":
            assert (re.search(end, english)[0] == re.search(end, chinese)[0]
                    or "：" in chinese[-2:]), english
        # as typed: options, addresses, and variables of the environment
        for word in re.findall(r"~[a-zA-Z?.@|!:]|--[a-z]+|/etc/\S+\w|"
                               r"\w+@\w+\.\w+|[a-z]+-[a-z]+-[a-z]+", english):
            assert word in chinese or word == "root@router", (english, word)
        assert not re.search("[\u4e00-\u9fff]([,;!?(]|:(?!端口))", chinese), \
            chinese


@pytest.mark.parametrize("profile, has", [
    ("send-only", False), ("no-tls", False), ("household", False),
    ("host", False), ("openwrt", False), ("office", True)])
def test_profiles(profile, has):
    text = (ROOT / "board-profiles" / profile / "defconfig").read_text()
    assert ("CONFIG_TEXT_CHINESE=y" in text.splitlines()) is has


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
def test_without_it_no_octet_is_chinese(tmp_path):
    """The same sources, TEXT_CHINESE off: what T says is a constant."""
    (tmp_path / ".config").write_text("# CONFIG_TEXT_CHINESE is not set\n")
    objects = [f"{tmp_path}/{name}.o" for name in
               ("applets/mail/command", "applets/mail/help",
                "applets/mail/quit", "applets/mailconf/console",
                "platform/os/text")]
    subprocess.run(["make", "-s", f"O={tmp_path}", *objects], cwd=ROOT,
                   check=True, capture_output=True, timeout=300)
    for name in objects:
        data = pathlib.Path(name).read_bytes()
        assert "邮件".encode() not in data and b"text_of" not in data
    assert not list(tmp_path.glob("**/text_zh*"))
    # which the binary with it has
    assert "没有邮件".encode() in pathlib.Path(BINARY).read_bytes()
