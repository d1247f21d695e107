"""What is wrong in every way: shown as well as can be."""
from .letters import b64, letter, multi, part, put

HEAD = b"From: alice@a.com\nTo: me@a.com\nSubject: Broken\nMIME-Version: 1.0\n"


def raw(name, rest):
    put(f"bad-{name}", HEAD + (rest if isinstance(rest, bytes) else rest.encode()))


MIXED = 'Content-Type: multipart/mixed; boundary="b"\n\n'
TEXT = "Content-Type: text/plain; charset=utf-8\n"
B64 = TEXT + "Content-Transfer-Encoding: base64\n\n"
QP = TEXT + "Content-Transfer-Encoding: quoted-printable\n\n"

raw("no-boundary-parameter", "Content-Type: multipart/mixed\n\n--b\n\nText.\n--b--\n")
raw("boundary-never-comes", MIXED + "Only text.\nNo delimiter.\n")
raw("boundary-empty", 'Content-Type: multipart/mixed; boundary=""\n\n--\n\nText.\n----\n')
raw("boundary-long", f'Content-Type: multipart/mixed; boundary="{"b" * 150}"\n\n--{"b" * 150}'
    f"\n\nText.\n--{'b' * 150}--\n")
raw("boundary-prefix", 'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: multi'
    'part/mixed; boundary="bb"\n\n--bb\n\nInner.\n--bb--\n--b\n\nOuter.\n--b--\n')
raw("boundary-same", MIXED + '--b\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\nInner.'
    "\n--b--\n--b\n\nOuter.\n--b--\n")
raw("boundary-blanks", 'Content-Type: multipart/mixed; boundary="b "\n\n--b\n\nText.\n--b--\n')
raw("boundary-trailing", MIXED + "--b   \n\nText.\n--b--   \n")
raw("boundary-quotes", "Content-Type: multipart/mixed; boundary='b'\n\n--b\n\nText.\n--b--\n")
raw("boundary-2231", "Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\n\n--bc\n\nText."
    "\n--bc--\n")
raw("no-end", MIXED + "--b\n\nText.\n")
raw("no-end-nested", MIXED + '--b\nContent-Type: multipart/alternative; boundary="c"\n\n--c\n\n'
    "Plain.\n--c\nContent-Type: text/html\n\n<p>HTML</p>\n--b\n\nAfter.\n--b--\n")
raw("cut-header", MIXED + "--b\nContent-Type: text/pl")
raw("cut-base64", B64 + b64("Grüße aus Köln, und so weiter und so fort")[:41])
raw("base64-junk", B64 + "R3L@@DvM\n# comment\nOfZQ==\n")
raw("base64-plain", B64 + "This is not base64 at all!\n")
raw("base64-one-line", B64 + b64("x" * 3000 + "\n", 100000))
raw("base64-short-lines", B64 + b64("Grüße aus Köln\n", 4))
raw("base64-padding-inside", B64 + "SGk=\nSGk=\nSGk=\n")
raw("base64-blank-lines", B64 + "\n\nSGVs\n\nbG8=\n\n")
raw("base64-then-text", B64 + b64("Encoded.\n") + "\n-- \nA footer added by a list.\n")
raw("base64-empty", B64)
raw("base64-nul", B64 + b64(b"a\0b\0\0c\n"))
raw("qp-bad", QP + "a=ZZ b=4 c== d=\ne =\n\nf=e4=C3=A4\n=")
raw("qp-lower", QP + "gr=c3=bc=c3=9fe\n")
raw("qp-long-line", QP + "x" * 2000 + "=\nend\n")
raw("qp-crlf", QP.replace("\n", "\r\n") + "soft =\r\nbreak\r\n")
raw("qp-blanks", QP + "soft = \t\nbreak   \nend=20\n")
raw("qp-8bit", QP + "raw ü =C3=BC\n")
raw("cte-unknown", TEXT + "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n")
raw("cte-case", TEXT + "Content-Transfer-Encoding: BASE64\n\nSGk=\n")
raw("cte-comment", TEXT + "Content-Transfer-Encoding: base64 (really)\n\nSGk=\n")
raw("cte-8bits", TEXT + "Content-Transfer-Encoding: 8bits\n\nGrüße\n")
raw("cte-twice", TEXT + "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n"
    "SGk=\n")
raw("cte-quoted", TEXT + 'Content-Transfer-Encoding: "base64"\n\nSGk=\n')
raw("cte-multipart", 'Content-Type: multipart/mixed; boundary="b"\nContent-Transfer-Encoding: '
    "base64\n\n--b\n\nText.\n--b--\n")
raw("type-garbage", "Content-Type: complete nonsense\n\nText.\n")
raw("type-empty", "Content-Type:\n\nText.\n")
raw("type-text", "Content-Type: text\n\nText.\n")
raw("type-slash", "Content-Type: /\n\nText.\n")
raw("type-twice", "Content-Type: text/plain\nContent-Type: text/html\n\n<p>which?</p>\n")
raw("type-no-semicolon", "Content-Type: text/plain charset=iso-8859-1\n\nText.\n")
raw("type-quoted", 'Content-Type: "text/html"\n\n<p>x</p>\n')
raw("type-folded", "Content-Type:\n text/plain;\n\tcharset=\n \"utf-8\"\n\nGrüße\n")
raw("type-long", "Content-Type: application/" + "x" * 500 + "\n\nText.\n")
raw("type-escape", b"Content-Type: application/x\x1b[2J\n\nText.\n")
raw("header-no-colon", "X-Good: 1\nThis line is no field\nMore: text\n\nBody.\n")
raw("header-no-end", "X-Last: field\n")
raw("header-blank-first", "X: 1\n \n\t\nY: 2\n\nText.\n")
raw("header-only-body-missing", "\n")
raw("header-colon-first", ": no name\n\nText.\n")
raw("header-nul", b"X-Nul: a\0b\nCc: x\0y@a.com\n\nText.\n")
raw("header-long", "Cc: " + "x" * 20000 + "\n\nText.\n")
raw("header-8bit-name", "Sübject: x\n\nText.\n")
raw("cr-alone", b"\nline one\rline two\rline three\r")
raw("crlf-mix", b"\r\nunix\ndos\r\nmac\rend\n")
raw("crcrlf", b"\n" + b"one\r\r\ntwo\r\r\n")
raw("nul", b"\nbefore\0after\n\0\0\0\nend\n")
raw("binary", b"\n" + bytes(range(256)) + b"\n")
raw("long-line", "\n" + "x" * 20000 + "\nshort\n")
raw("long-line-utf8", TEXT + "\n" + "ü" * 9000 + "\nshort\n")
raw("long-line-wide", TEXT + "\n" + "你" * 5000 + "\n")
raw("no-newline", "\nno line end")
raw("only-newlines", "\n\n\n\n")
raw("dot-lines", "\n.\n..\n.text\n")
put("bad-no-header", "\nOnly a body, no header.\n")
put("bad-no-body", "From: alice@a.com\nSubject: no body\n")
put("bad-body-only", "This was never a mail.\nIt has no header.\n")
put("bad-one-octet", "x")
put("bad-from-line", "From alice@a.com Tue Nov 24 11:11:46 2026\nSubject: with a From_ line\n\n"
    "Text.\n")
put("bad-from-quoted", ">From alice@a.com Tue Nov 24\nSubject: quoted From_ line\n\nText.\n")
put("bad-leading-blank", "\n\nFrom: alice@a.com\nSubject: late header\n\nText.\n")
put("bad-leading-space", " Folded: from the start\nSubject: x\n\nText.\n")
put("bad-utf16-message", "From: alice@a.com\nSubject: x\n\nText\n".encode("utf-16"))
letter("bad-part-cut", multi("mixed", part("Text.\n"), part(
    b"x" * 200, "application/pdf; name=a.pdf", "base64"))[:-180])
letter("bad-html-utf8-1252", part("<p>Gr\xfc\xdfe – ok</p>".encode("cp1252"),
                                  "text/html; charset=utf-8", "8bit"))
letter("bad-alternative-empty", multi("alternative"))
letter("bad-mixed-empty", multi("mixed"))
letter("bad-alternative-images", multi("alternative", part(b"x", "image/png", "base64"),
                                       part(b"y", "image/gif", "base64")))
