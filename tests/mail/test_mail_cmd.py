"""The interpreter of mail: commands, variables, start-up files, aliases, options."""
import re

import pexpect
import pytest

from instance import needs
from test_read import fill, letter, subjects


@pytest.fixture
def three(desk):
    fill(desk.mbox, letter("one", "first text\n"),
         letter("two", "second text\n", sender="Bob B <bob@b.com>"),
         letter("three", "third text\n", sender="cary@c.com"))
    return desk


def run(desk, *lines, args=("-N",), rc=None, status=0, **env):
    """stdout of a session with these commands; nothing is changed."""
    if rc is not None:
        (desk.home / ".mailrc").write_text(rc)
    p = desk.mail(*args, stdin="\n".join((*lines, "x\n")), **env)
    assert p.returncode == status, (p.stdout, p.stderr)
    if status == 0:
        assert p.stderr == b""
    return p.stdout.decode()


def errors(desk, *lines, args=("-N",), status=1, **env):
    p = desk.mail(*args, stdin="\n".join((*lines, "x\n")), **env)
    assert p.returncode == status, (p.stdout, p.stderr)
    return p.stderr.decode()


# ---- abbreviations, exactly as POSIX brackets them

ABBREVIATIONS = """
a[lias] g[roup] alt[ernates] cd ch[dir] c[opy] C[opy] d[elete] di[scard]
ig[nore] dp dt ec[ho] e[dit] ex[it] x[it] fi[le] fold[er] folders fo[llowup]
F[ollowup] f[rom] h[eaders] hel[p] ho[ld] pre[serve] i[f] el[se] en[dif]
l[ist] m[ail] mb[ox] n[ext] pi[pe] P[rint] T[ype] p[rint] t[ype] q[uit]
R[eply] R[espond] r[eply] r[espond] ret[ain] s[ave] S[ave] se[t] sh[ell]
si[ze] so[urce] to[p] tou[ch] una[lias] u[ndelete] uns[et] v[isual] w[rite]
z""".split()
SYNONYMS = [{"alias", "group"}, {"cd", "chdir"}, {"discard", "ignore"},
            {"exit", "xit"}, {"file", "folder"}, {"hold", "preserve"},
            {"Print", "Type"}, {"print", "type"}, {"Reply", "Respond"},
            {"reply", "respond"}]


def table(desk):
    """The names of the binary's table, in its order."""
    return run(desk, "list").split()


def test_abbreviations(three):
    """What `help` explains for each is the command that would run."""
    have = set(table(three))
    for item in ABBREVIATIONS:
        short, _, rest = item.partition("[")
        full = short + rest.rstrip("]")
        if full not in have:
            continue
        for n in range(len(short), len(full) + 1):
            out = run(three, f"help {full[:n]}").split()[0]
            assert out == full or {out, full} in SYNONYMS, (full[:n], out)


def test_too_short(three):
    """Fewer letters than POSIX says are another command, or none."""
    assert run(three, "help un").split()[0] == "undelete"
    assert run(three, "help fo").split()[0] == "followup"
    assert run(three, "help so").split()[0] == "source"
    assert "Unknown" in errors(three, "help folde rs")
    assert "Unknown" in errors(three, "help folderss")


# ---- variables

def test_defaults(three):
    """POSIX's, with -n nothing else."""
    out = run(three, "set", args=("-nN",), SHELL="")
    assert [v for v in out.splitlines() if not v.startswith("SHELL")] == [
        "asksub", "header", 'indentprefix="\t"', 'prompt="? "', "save",
        'toplines="5"']


def test_set_forms(three):
    out = run(three, 'set a b= c=1 d="x  y" e=\'p "q" r\' f=m\\ n g=\\"',
              "set nosave nob", "unset a header", "set")
    lines = out.splitlines()
    assert 'c="1"' in lines and 'd="x  y"' in lines
    assert 'e="p "q" r"' in lines and 'f="m n"' in lines
    assert 'g="""' in lines
    for gone in ("a", "b", "save", "header"):
        assert gone not in lines
    assert "no such variable" in errors(three, "set =x")


def test_alias_behind_a_backslash(post):
    """POSIX.1-2024: it is the address, whatever aliases there are."""
    (post.home / ".mailrc").write_text(
        "alias bob bob@b.com\nalias al al@b.com\nalias team \\bob al\n"
        'alias root \\root\nalias odd \\"Bob\n')
    post.text("-s", "x", "team", "root", stdin="hi\n")
    assert sorted(post.sent()[1]) == ["al@b.com", "bob@a.com", "root@a.com"]
    fill(post.mbox, letter("x"))
    assert run(post, "alias team", "alias root") == \
        "alias team \\bob al\nalias root \\root\n"


def test_long_values_are_shown_whole(three):
    value, alias = "v" * 5000 + "é.", "bob" * 1500
    out = run(three, f"set long={value}", f"alias b {alias}", "set", "alias b")
    assert f'long="{value}"' in out.splitlines() and alias in out
    name = "/".join(["d" * 200] * 8)
    (three.home / name).parent.mkdir(parents=True)
    fill(three.home / name, letter("deep"))
    assert f'{name}": 1 message' in run(three, f"file {name}", "file")


def test_ask_is_asksub(three):
    out = run(three, "set noask", "set")
    assert "asksub" not in out.splitlines()
    out = run(three, "set noasksub ask", "set")
    assert "asksub" in out.splitlines() and "ask" not in out.splitlines()


def test_environment(three):
    out = run(three, "set", args=("-nN",), EDITOR="myed", MBOX="/m/box",
              LISTER="ls -l", PAGER="cat", VISUAL="myvi", DEAD="/dev/null",
              SHELL="/bin/sh")
    for want in ('EDITOR="myed"', 'MBOX="/m/box"', 'LISTER="ls -l"',
                 'PAGER="cat"', 'VISUAL="myvi"', 'DEAD="/dev/null"',
                 'SHELL="/bin/sh"'):
        assert want in out.splitlines()


def test_continued_line(three):
    assert run(three, "echo a \\", "b\\\\", "echo c") == "a b\\\nc\n"


def test_prompt(three):
    (three.home / ".mailrc").write_text("set prompt=\"at your service> \"\n")
    t = three.terminal("-N")
    t.expect_exact("at your service> ")
    t.sendline("set noprompt")
    t.sendline("echo so")
    t.expect_exact("so\r\n")
    t.sendline("x")
    t.expect(pexpect.EOF)
    assert "service" not in t.before and "?" not in t.before
    t.close()


def test_autoprint(three):
    out = run(three, "set autoprint", "d 1", "u")
    assert "second text" in out and "first text" in out
    assert "text" not in run(three, "d 1", "u")


# ---- start-up files

def test_order_of_files(three):
    """Defaults, environment, the system's file, the user's."""
    (three.path / "mail.rc").write_text("set EDITOR=sys VISUAL=sys crt=7\n")
    out = run(three, "set", rc="set VISUAL=own\n", EDITOR="env", VISUAL="env")
    assert {'EDITOR="sys"', 'VISUAL="own"', 'crt="7"'} <= set(out.splitlines())
    out = run(three, "set", args=("-nN",), EDITOR="env", VISUAL="env")
    assert {'EDITOR="env"', 'VISUAL="own"'} <= set(out.splitlines())
    assert "crt" not in out


def test_mailrc_variable(three):
    other = three.home / "other rc"
    other.write_text("echo other\n")
    assert run(three, rc="echo own\n", MAILRC=str(other)) == "other\n"
    assert run(three, MAILRC="/dev/null") == ""
    assert run(three, MAILRC="") == "own\n"


def test_blank_lines_and_comments(three):
    assert run(three, rc="\n  \n# echo no\n\t#\n echo yes \n\n") == "yes\n"


def test_errors_in_files_are_located(three):
    (three.home / ".mailrc").write_text(
        "set a=1\n\nfrobnicate\nset b \\\n c=2\nreply\necho end\n")
    p = three.mail("-N", stdin="set\nx\n")
    err, out = p.stderr.decode(), p.stdout.decode()
    assert p.returncode == 0
    assert "frobnicate" in err
    assert f"{three.home}/.mailrc, line 3" in err
    assert f"{three.home}/.mailrc, line 6" in err and err.count("line") == 2
    assert out.startswith("end\n")
    assert {'a="1"', "b", 'c="2"'} <= set(out.splitlines())


@pytest.mark.parametrize("command", [
    "!echo no", "hold", "mail bob", "preserve", "reply", "Reply", "shell",
    "edit", "visual", "Copy", "followup", "Followup"])
def test_not_in_start_up_files(three, command):
    """POSIX's list."""
    if command.split()[0].lstrip("!") not in (*table(three), "echo"):
        pytest.skip("not in this build")
    (three.home / ".mailrc").write_text(command + "\n")
    p = three.mail("-N", stdin="x\n")
    assert "start-up file" in p.stderr.decode() and p.stdout == b""


def test_source(three):
    (three.home / "more rc").write_text("echo more\nset x=1\n")
    assert 'x="1"' in run(three, "source 'more rc'", "set")
    assert "more rc" in errors(three, "source 'no more rc'")
    (three.home / "self").write_text("source self\n")
    assert "self" in errors(three, "source self")
    errors(three, "source")
    errors(three, "source a b")


def test_source_reports_failure(three):
    (three.home / "bad").write_text("nonsense\necho on\n")
    p = three.mail("-N", stdin="source bad\nx\n")
    assert p.returncode == 1 and p.stdout == b"on\n"
    assert "bad, line 1" in p.stderr.decode()


# ---- if

def test_if(three):
    rc = "if s\necho s\nelse\necho not s\nendif\nif r\necho r\nendif\n"
    assert run(three, rc=rc) == "not s\nr\n"
    assert run(three, "i r", "i t", "echo t", "el", "echo no t", "en",
               "echo r", "en", rc="") == "no t\nr\n"
    assert run(three, "if s", "if r", "echo 1", "else", "echo 2", "endif",
               "nonsense", "else", "echo 3", "endif") == "3\n"


def test_if_errors(three):
    assert "if" in errors(three, "else")
    assert "if" in errors(three, "endif")
    # neither arm of what makes no sense
    p = three.mail("-N", stdin="if q\necho 1\nelse\necho 2\nendif\necho 3\nx\n")
    assert p.stdout == b"3\n" and p.returncode == 1
    deep = ["if r"] * 40 + ["echo deep"] + ["endif"] * 40
    assert "Too many" in errors(three, *deep)


def test_if_ends_with_its_file(three):
    (three.home / ".mailrc").write_text("if s\necho 1\n")
    p = three.mail("-N", stdin="echo 2\nx\n")
    assert p.stdout == b"2\n"


# ---- aliases

RC = """alias bob bob@b.com "Cary C <cary@c.com>"
group team bob dan
alias dan dan@d.com
alias self self
"""


def test_alias_lists(three):
    out = run(three, "alias", "alias team", "unalias team", "group", rc=RC)
    assert out.splitlines() == [
        'alias bob bob@b.com "Cary C <cary@c.com>"', "alias dan dan@d.com",
        "alias self self", "alias team bob dan", "alias team bob dan",
        'alias bob bob@b.com "Cary C <cary@c.com>"', "alias dan dan@d.com",
        "alias self self"]
    assert "alias" in errors(three, "alias nobody")


def test_alias_adds(three):
    out = run(three, "alias a x@x.com, y@y.com", "a a y@y.com z@z.com",
              "alias a", "ungroup a", "alias")
    assert out == "alias a x@x.com y@y.com z@z.com\n"


# ---- other commands

def test_echo(three):
    assert run(three, "echo a  'b  c' \"d 'e\" f\\ g don't") == \
        "a b  c d 'e f g don't\n"
    assert run(three, "ec") == "\n"
    assert "\x1b" not in run(three, "echo '\x1b[2J'")


def test_cd(three):
    (three.home / "sub dir").mkdir()
    out = run(three, "cd 'sub dir'", "!pwd", "ch ..", "!pwd", "cd /", "cd",
              "!pwd", "p 1")
    assert out.count(f"{three.home}/sub dir\n") == 1
    assert out.count(f"{three.home}\n") == 2 and "first text" in out
    assert "nowhere" in errors(three, "cd nowhere")


def test_cd_and_relative_mailbox(three):
    """A mailbox named from elsewhere is found again at quit."""
    three.mbox.rename(three.home / "box")
    three.text("-N", "-f", "box", stdin="cd /\nd 1\nq\n")
    assert subjects(three.home / "box") == ["two", "three"]


def test_shell_commands(three):
    assert run(three, "!echo a; echo b") == "a\nb\n!\n"
    assert run(three, "!") == ""
    assert run(three, "sh") == ""
    # neither the status nor a signal of it is ours
    run(three, "!exit 3", "!kill -TERM $$")


def test_shell_variable(three):
    sh = three.home / "sh"
    sh.write_text('#!/bin/sh\necho "$1:$2"\n')
    sh.chmod(0o755)
    assert run(three, f"set SHELL={sh}", "!who  are you") == \
        "-c:who  are you\n!\n"


def test_command_like_an_option(three):
    """POSIX.1-2024: the shell gets -c -- COMMAND; others need no --."""
    (three.home / "-tool").write_text("#!/bin/sh\necho ran\n")
    (three.home / "-tool").chmod(0o755)
    out = run(three, "!-tool", "pipe 1 -tool",
              PATH=f"{three.home}:{three.env['PATH']}")
    assert out.count("ran") == 2


def test_bang(three):
    assert run(three, "!echo a!", "set bang", "!echo b", "!! c", "!echo \\!",
               "!!") == "a!\n!\nb\n!\nb c\n!\n!\n!\n!\n!\n"


def test_folders(three):
    (three.home / "mail").mkdir()
    (three.home / "mail" / "box one").touch()
    (three.home / "it's").mkdir()
    (three.home / "it's" / "two").touch()
    assert run(three, "folders") == "box one\n"
    assert run(three, "set folder=it\\'s", "folders") == "two\n"
    assert run(three, "set LISTER='echo x'", "folders").startswith("x /")
    assert "folder" in errors(three, "set nofolder", "folders")


def test_file_names(three):
    """POSIX: + and what the shell expands, but not in quotes."""
    (three.home / "mail").mkdir()
    run(three, "copy 1 +in", "copy 1 '+lit'", "copy 1 ~/til$X",
        'copy 1 "$X y"', "copy 1 $X\\ z", "copy 1 mail/i*", "copy 1 a&b",
        X="val")
    names = {str(p.relative_to(three.home)) for p in three.home.rglob("*")
             if p.is_file()}
    assert names == {"mail/in", "+lit", "tilval", "$X y", "val z", "a&b"}
    assert len(subjects(three.home / "mail" / "in")) == 2
    run(three, "set folder=/" + str(three.home / "mail"), "copy 1 +abs",
        "set nofolder", "copy 1 +plain")
    assert (three.home / "mail" / "abs").exists()
    assert (three.home / "+plain").exists()
    errors(three, "copy 1 *")


def test_size(three):
    out = run(three, "si 1 3")
    assert [line.split(":")[0] for line in out.splitlines()] == ["1", "3"]


def test_touch_and_preserve(three):
    """Touched mail moves to ~/mbox, preserved mail does not."""
    three.text("-N", stdin="touch 1 2\nq\n")
    assert subjects(three.mbox) == ["three"]
    assert subjects(three.home / "mbox") == ["one", "two"]


def test_preserve_keeps(three):
    """What was read or saved stays; touch, mbox and d take that back."""
    three.text("-N", stdin="p *\ns 1 out\npre *\ntouch 2\nd 3\nq\n")
    assert subjects(three.mbox) == ["one"]
    assert subjects(three.home / "mbox") == ["two"]


def test_touch_and_hold(three):
    """POSIX.1-2024: with hold what is touched stays, mbox does not."""
    out = run(three, "set hold", "touch 1", "f 1")
    assert "one" in out and not out.startswith(">R")
    three.text("-N", stdin="set hold\ntouch 1\nmbox 2\nq\n")
    assert subjects(three.mbox) == ["one", "three"]
    assert subjects(three.home / "mbox") == ["two"]


@pytest.mark.parametrize("command", ["hold", "preserve", "mbox", "touch"])
def test_next_after_marking(three, command):
    """POSIX, next: what these mark counts as written."""
    out = run(three, f"{command} 2", "n")
    assert "third text" in out and "second text" not in out


def test_number_and_dot(three):
    """The current message is the last of the list; that of h is on top."""
    assert run(three, "=", "f 2", "=", "h 3", "=", "h", "=").split("\n")[-2] \
        == "1"
    out = run(three, "f 2", "=")
    assert out.endswith("\n2\n")


def test_next_shows_what_is_not_shown(three):
    """Made current by something else, it is shown first."""
    out = run(three, "p 1", "f 2", "n", "n")
    assert out.index("second text") < out.index("third text")


def test_commands_without_argument(three):
    assert "argument" in errors(three, "list x")


@needs("MAIL_NAIL")
def test_version_and_list(three):
    assert "Pillarbox" in run(three, "version")
    names = table(three)
    assert len(names) == len(set(names)) and "undelete" in names


# ---- help

def test_help_is_one_screen(three):
    lines = run(three, "?").splitlines()
    assert len(lines) <= 23 and max(map(len, lines)) < 80
    assert run(three, "help").splitlines() == lines


def test_help_for_each(three):
    for name in table(three):
        out = run(three, f"help {name}")
        assert out.startswith(name), name


@pytest.mark.parametrize("typed, meant", [
    ("frm", "from"), ("hedaers", "headers"), ("delte", "delete"),
    ("Prnit", "Print"), ("qiut", "quit"), ("undelte", "undelete")])
def test_nearest(three, typed, meant):
    assert f"Is it {meant}?" in errors(three, typed)


def test_nothing_near(three):
    assert "Is it" not in errors(three, "frobnicate")
    assert "\x1b" not in errors(three, "help \x1b[2J")


# ---- exit status

def test_status_of_scripts(three):
    run(three, "p 1", "n", "-", "z", "z-")
    errors(three, "p 9")
    errors(three, "nonsense", "p 1")
    t = three.terminal("-N")
    t.sendline("nonsense")
    t.expect_exact("Unknown")
    t.sendline("x")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0


# ---- options

def test_set_option(three):
    """-S is there before the start-up files, and counts after them."""
    (three.home / ".mailrc").write_text("set x=rc y=rc\n")
    out = run(three, "set", args=("-N", "-Sx=a b", "-S", "z", "-Snosave"))
    assert {'x="a b"', 'y="rc"', "z"} <= set(out.splitlines())
    assert "save" not in out.splitlines()
    assert errors(three, args=("-S=x",), status=64)


def test_list_option(three):
    """The headers of those that a message list names, and the status."""
    assert run(three, args=("-L", "2-3"))[:30].startswith(" N  2 bob@b.com")
    assert run(three, args=("-L", "2")).count("\n") == 1
    assert run(three, args=("-e", "-L", "2")) == ""
    assert "9" in errors(three, args=("-L", "9"))
    assert errors(three, args=("-e", "-L", "9")) == ""


def test_no_system_file(three):
    (three.path / "mail.rc").write_text("echo system\n")
    assert run(three) == "system\n"
    assert run(three, args=("-nN",)) == ""


def test_quiet_and_header(three):
    t = three.terminal()
    t.expect_exact("Type ? for help.")
    t.expect_exact("? ")
    t.sendline("x")
    t.expect(pexpect.EOF)
    (three.home / ".mailrc").write_text("set quiet noheader\n")
    t = three.terminal()
    t.expect_exact("? ")
    assert "Type" not in t.before and "bob" not in t.before
    t.sendline("x")
    t.expect(pexpect.EOF)
    assert run(three, args=()) == ""


def test_no_mail_tells_how_to_write(desk):
    t = desk.terminal()
    t.expect_exact("To write: mail ADDRESS")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 1


def test_sendmail_options(post):
    """mail TO -- -f FROM, as scripts for bsd-mailx and s-nail have it."""
    for rest in (("--", "-f", "alice@a.com"), ("-falice@a.com",),
                 ("--", "-oi", "-r", "alice@a.com")):
        post.server.messages.clear()
        post.text("-s", "x", "bob@b.com", *rest, stdin="text\n")
        assert post.sent()[:2] == ("alice@a.com", ["bob@b.com"])


ACCOUNTS = """account work {
  set from=me@work.com x=1
  # a comment
  if r
  echo at work
  endif
}
account null { 
}
"""


@needs("MAIL_ACCOUNT")
def test_accounts(three):
    (three.home / ".mailrc").write_text(ACCOUNTS)
    out = run(three, "account", "account work", "set", "ac null")
    assert out.startswith("null\nwork\nat work\n")
    assert {'account="work"', 'from="me@work.com"'} <= set(out.splitlines())
    out = run(three, "set", args=("-N", "-A", "work"))
    assert out.startswith("at work\n") and 'x="1"' in out
    assert "no such account" in errors(three, "account home")
    assert "no such account" in errors(three, args=("-A", "home"), status=64)
    assert "NAME" in errors(three, "account a b")


@needs("MAIL_ACCOUNT")
def test_account_without_end(three):
    (three.home / ".mailrc").write_text("account a {\nset x\n")
    p = three.mail("-N", stdin="set\nx\n")
    assert b"no }" in p.stderr and b"\nx\n" not in p.stdout


@needs("MAIL_ACCOUNT")
def test_account_that_runs_itself(three):
    (three.home / ".mailrc").write_text("account a {\naccount b\n}\n"
                                        "account b {\naccount a\n}\n")
    p = three.mail("-N", stdin="account a\necho on\n")
    assert b"inside each other" in p.stderr and p.stdout.startswith(b"on\n")
    assert p.returncode == 1


@needs("MAIL_ACCOUNT")
def test_account_at_the_prompt(three):
    assert run(three, "account a {", "echo hi", "}", "account a") == "hi\n"


def test_percent_and_others(three):
    """POSIX's names for files, wherever a file is named."""
    own = three.home / "own"
    run(three, f"set MBOX={own}", "copy 1 &", "copy 2 %")
    assert subjects(own) == ["one"]
    assert subjects(three.mbox) == ["one", "two", "three", "two"]
    assert "no such user" in errors(three, "copy 1 %nobody-here")


# ---- aliases, where mail is sent

def sent_to(post, *args, rc=RC, stdin="text\n", status=0):
    (post.home / ".mailrc").write_text(rc)
    post.server.messages.clear()
    p = post.mail("-s", "x", *args, stdin=stdin)
    assert p.returncode == status, p.stderr
    return post.sent()[1] if status == 0 else p.stderr.decode()


def test_alias_is_expanded(post):
    """To, Cc and Bcc; alone as an address; each address once."""
    assert sent_to(post, "team") == ["bob@b.com", "cary@c.com", "dan@d.com"]
    assert sent_to(post, "-c", "dan", "-b", "bob", "x@x.com") == \
        ["x@x.com", "dan@d.com", "bob@b.com", "cary@c.com"]
    assert sent_to(post, "bob@a.com", "dan@a.com") == ["bob@a.com",
                                                      "dan@a.com"]
    assert sent_to(post, "Bob <bob>") == ["bob@a.com"]
    assert sent_to(post, "team", "bob", "dan@d.com") == \
        ["bob@b.com", "cary@c.com", "dan@d.com"]
    assert sent_to(post, "self") == ["self@a.com"]
    assert b"To: bob@b.com, Cary C <cary@c.com>, dan@d.com" in (
        sent_to(post, "team") and post.sent()[2])


def test_alias_in_send_mode_condition(post):
    rc = "if s\nalias bob bob@b.com\nelse\nalias bob no@b.com\nendif\n"
    assert sent_to(post, "bob", rc=rc) == ["bob@b.com"]


def test_alias_loop(post):
    rc = "alias a b x@x.com\nalias b c\nalias c a\n"
    assert "alias" in sent_to(post, "a", rc=rc, status=69)
    assert not post.server.messages
    deep = "".join(f"alias a{i} a{i + 1}\n" for i in range(40))
    assert "alias" in sent_to(post, "a0", rc=deep, status=69)


def test_alias_with_own_name(post):
    """Sending to a group leaves its sender out, but with metoo."""
    rc = f"alias team {post.login} bob@b.com\nalias me {post.login}\n"
    own = f"{post.login}@a.com"
    assert sent_to(post, "team", rc=rc) == ["bob@b.com"]
    assert sent_to(post, "me", rc=rc) == [own]
    assert sent_to(post, "team", rc=rc + "set metoo\n") == [own, "bob@b.com"]


def test_alias_not_in_replies(post):
    fill(post.mbox, letter("x", sender="bob@a.com", To="bob, team"))
    (post.home / ".mailrc").write_text(RC)
    post.text("-N", stdin="r\nhi\n.\nx\n")
    assert "bob@b.com" not in post.sent()[1]


def test_alias_in_mail_command(post):
    fill(post.mbox, letter("x"))
    (post.home / ".mailrc").write_text(RC)
    post.text("-N", stdin="m team\nhi\n~c self\n.\nx\n")
    assert post.sent()[1] == ["bob@b.com", "cary@c.com", "dan@d.com",
                              "self@a.com"]


@pytest.mark.parametrize("rc, rcpts", [
    ("", ["alice@a.com", "ME@x.com", "other@y.com", "OWN@a.com"]),
    ("alternates me@x.com other\n", ["alice@a.com", "other@y.com",
                                     "OWN@a.com"]),
    ("alternates me@x.com other\nset allnet\n", ["alice@a.com",
                                                 "OWN@a.com"]),
    ("alternates own\n", ["alice@a.com", "ME@x.com", "other@y.com"]),
    ("alternates me@x.com\nset metoo\n", [
        "alice@a.com", "ME@x.com", "other@y.com", "OWN@a.com",
        "{login}@a.com"])])
def test_alternates_in_replies(post, rc, rcpts):
    fill(post.mbox, "From: alice@a.com\nTo: ME@x.com, other@y.com, OWN@a.com, "
         f"{post.login}@a.com\nSubject: x\n\ntext\n")
    (post.home / ".mailrc").write_text(rc)
    post.text("-N", stdin="r\nhi\n.\nx\n")
    assert post.sent()[1] == [r.format(login=post.login) for r in rcpts]


def test_alternates_lists(three):
    assert run(three, "alternates b@b.com a", "alt", "alternates c", "alt") \
        == "a\nb@b.com\nc\n"


# ---- which fields are shown

def test_ignore_and_retain(desk):
    fill(desk.mbox, letter("one", X_A="1", X_B="2"))
    assert "X-A" not in run(desk, "p")
    out = run(desk, "ignore X-A subject", "p", "ig", "P")
    assert out.count("X-A: 1") == 1 and out.count("X-B: 2") == 2
    assert out.count("Subject: one") == 1 and "\nsubject\nx-a\n" in out
    out = run(desk, "di x-b", "ret X-B To", "ret", "p", "unret x-b *", "p")
    assert out.startswith("to\nx-b\n") and out.count("X-B: 2") == 1
    assert out.count("X-A: 1") == 1 and out.count("From: ") == 1
    assert "X-B" in run(desk, "ignore x-a", "unignore X-A", "P")


# ---- Save and Copy

def test_save_by_author(three):
    """The author's name without the network address, of the first message."""
    three.text("-N", stdin="S 2 3\nho 1\nC 1\nq\n")
    assert subjects(three.home / "bob") == ["two", "three"]
    assert subjects(three.home / "alice") == ["one"]
    assert subjects(three.mbox) == ["one"]
    (three.home / "mail").mkdir()
    run(three, "set outfolder", "f .", "Copy")
    assert len(list((three.home / "mail").iterdir())) == 1


def test_save_by_evil_author(desk):
    """What came by mail names no other folder, no hidden file, and runs nothing."""
    fill(desk.mbox, *[letter("x", sender=s) for s in (
        '"../up"@a.com', '".profile"@a.com', '"$(touch oops)"@a.com',
        '"+in"@a.com', '"`touch oops`"@a.com', '"~root/x"@a.com', '"%root"@a.com',
        '"#"@a.com', '"&"@a.com', '"a b;c"@a.com', '"a*"@a.com')])
    (desk.home / "mail").mkdir()
    desk.mail("-N", stdin="".join(f"Copy {i}\n" for i in range(1, 12)) + "x\n")
    names = {p.name for p in desk.home.iterdir()}
    assert "oops" not in names and ".profile" not in names
    assert not (desk.path / "up").exists()
    assert not list((desk.home / "mail").iterdir())
    for name in names - {"mail"}:
        assert not set(name) & set("/$`~*;& +#%"), names


def test_no_author(desk):
    fill(desk.mbox, "Subject: x\n\ntext\n")
    assert "author" in errors(desk, "Save")


# ---- lists, screens, other mailboxes

def numbers(out):
    return [line[2:5].strip() for line in out.splitlines()]


def test_list_forms(desk):
    """POSIX's: addresses as headers show them, /subject, :state."""
    fill(desk.mbox, letter("Disk full"), letter("two", sender="bob@b.com"),
         letter("disk", sender="Bob <bob@b.com>", Status="O"),
         letter("four", Status="RO"))
    run(desk, "p 2")
    for spec, want in (("bob@b.com", "2 3"), ("/DISK", "1 3"), (":n", "1 2"),
                       (":u", "1 2 3"), (":r", "4"), ("^ $", "1 4"),
                       ("2-3 4", "2 3 4"), ("*", "1 2 3 4"), ("+", "2")):
        assert numbers(run(desk, f"f {spec}")) == want.split(), spec
    assert numbers(run(desk, "d 2", "f :d")) == ["2"]
    assert "nobody" in errors(desk, "f nobody@b.com")


def test_screen_variable(desk):
    fill(desk.mbox, *[letter(f"s{i}") for i in range(1, 12)])
    assert numbers(run(desk, "set screen=3", "h 5")) == ["4", "5", "6"]
    assert numbers(run(desk, "set screen=3", "z")) == ["4", "5", "6"]


def test_showto(desk):
    fill(desk.mbox, letter("x", sender=f"{desk.login}@a.com"))
    assert "me@a.com" not in run(desk, "f")
    assert "me@a.com" in run(desk, "set showto", "f")


def test_file_command(three):
    """% # & and +name; without a name it says what is open."""
    (three.home / "mail").mkdir()
    fill(three.home / "mail" / "work", letter("at work"))
    fill(three.home / "mbox", letter("old"))
    out = run(three, "fi +work", "p 1", "fi #", "p 1", "file &", "p 1",
              "folder %", "p 2", "fold")
    assert [w for w in re.findall("Subject: (.*)", out)] == [
        "at work", "one", "old", "three"]    # what was read has moved
    assert out.splitlines()[-1].startswith(f'"{three.mbox}"')
    assert "none" in errors(three, "file +none")


def test_read_only_option(three):
    before = three.mbox.read_bytes()
    three.mail("-N", "-R", stdin="p 1\nd 2\nq\n")
    assert three.mbox.read_bytes() == before
    assert not (three.home / "mbox").exists()


@needs("MAIL_NAIL")
def test_page(three):
    """Through PAGER on a terminal, however short; in a script as print."""
    assert "second text" in run(three, "page 2") and \
        "To: me" in run(three, "More 2")
    t = three.terminal("-N", PAGER="sed 's/^/# /'")
    t.expect_exact("? ")
    t.sendline("more 2")
    t.expect_exact("# second text")
    t.sendline("x")
    t.expect(pexpect.EOF)
    t.close()
