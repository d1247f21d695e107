"""HTML, invitations and names of files on their way through `mail`."""
import os
import subprocess

import pytest

from desk import BINARY, SANITIZED, high_water

HEAD = (b"From alice@a.com Tue Nov 24 11:00:46 2026\nFrom: alice@a.com\n"
        b"To: me@a.com\nSubject: x\nMIME-Version: 1.0\nContent-Type: ")
HTML = HEAD + b"text/html; charset=utf-8\n\n"
PARAGRAPH = (b'<p>Some <b>words</b> that are a paragraph, and <a href='
             b'"https://a.example/%d">a link</a>.</p>\n')


def test_html_is_as_wide_as_the_screen(desk):
    desk.mbox.write_bytes(HTML + PARAGRAPH % 1 + b"\n")
    t = desk.terminal("-N", COLUMNS="40")
    t.expect_exact("? ")
    t.sendline("p")
    t.expect_exact("\r\nSome words that are a paragraph, and a\r\nlink[1].\r\n"
                   "\r\n[1] https://a.example/1\r\n")
    t.sendline("x")


def test_html_is_quoted_as_text(post):
    post.mbox.write_bytes(HTML + PARAGRAPH % 1 + b"\n")
    post.text("-N", stdin="r\n~m\n.\nx\n")
    body = post.sent()[2].split(b"\r\n\r\n", 1)[1]
    assert b"Some words that are a paragraph, and a link[1]." in body
    assert b"<p>" not in body


def test_ascii_terminal(desk):
    desk.mbox.write_bytes(HTML + "<p>Grüße&hellip;</p>\n\n".encode())
    out, _ = desk.text("-N", stdin="p\nx\n", LC_ALL="C")
    assert out.isascii() and "Gr" in out


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory of their own")
@pytest.mark.skipif(SANITIZED, reason="sanitizers are slow")
@pytest.mark.parametrize("text", [b"&", b"&a", b"&abcdefg", b"<a href='&"])
def test_html_of_many_ands(desk, text):
    """What is nearly the name of a character costs no more than text does."""
    def seconds(piece):
        desk.mbox.write_bytes(HTML + piece * (400000 // len(piece)) + b"\n\n")
        before = os.times().children_user
        desk.text("-NR", stdin="p\nx\n")
        return os.times().children_user - before
    assert seconds(text) < 8 * seconds(b"ab cdef ") + 0.2


@pytest.mark.parametrize("kind", ["html", "calendar"])
def test_memory(desk, kind):
    """20 MB take no more memory than 2 kB."""
    peaks = []
    for n in (20, 200000):
        if kind == "html":
            text = HTML + b"".join(PARAGRAPH % i for i in range(n))
        else:
            text = (HEAD + b"text/calendar\n\nBEGIN:VEVENT\nSUMMARY:s\n" +
                    b"ATTENDEE;CN=Somebody:mailto:somebody@a.example.com\n"
                    b"COMMENT:some words that nobody wants to see\n" * n +
                    b"END:VEVENT\n")
        desk.mbox.write_bytes(text + b"\n")
        with subprocess.Popen([BINARY, "mail", "-N"], env=desk.env,
                              cwd=desk.home, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            p.stdin.write(b"p\n=\n")
            p.stdin.flush()
            for line in p.stdout:
                if line == b"1\n":
                    break
            peaks.append(high_water(p.pid))
            p.stdin.write(b"x\n")
            p.stdin.close()
    assert peaks[1] - peaks[0] <= 256
