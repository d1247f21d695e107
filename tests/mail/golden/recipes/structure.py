"""Trees of parts, and types that are not seen every day."""
from .letters import letter, multi, part, put, word


def message(subject, content, sender="bob@b.com"):
    return f"From: {sender}\nSubject: {subject}\nDate: x\n".encode() + content


def nested(depth):
    inner = message("innermost", part("Deep down.\n"))
    for i in range(depth):
        inner = message(f"level {depth - i}", part(inner, "message/rfc822"))
    return inner


letter("tree-forward", multi("mixed", part("FYI\n"), part(message("Original", part(
    "The text.\n")), "message/rfc822")), subject="Fwd: Original")
letter("tree-forward-alone", part(message("Original", part("The text.\n")),
                                  "message/rfc822"))
letter("tree-forward-mixed", multi("mixed", part("FYI\n"), part(message("Original", multi(
    "mixed", part("The text.\n"), part(b"%PDF", "application/pdf; name=in.pdf", "base64",
    "attachment; filename=in.pdf"), boundary="in")), "message/rfc822"), part(b"x",
    "image/gif; name=out.gif", "base64")), subject="Fwd: Original")
letter("tree-forward-html", multi("mixed", part("FYI\n"), part(message("Original", part(
    "<p>HTML text.</p>", "text/html")), "message/rfc822")))
letter("tree-forward-two", multi("mixed", part("Two.\n"), part(message("One", part("1\n")),
    "message/rfc822"), part(message("Two", part("2\n")), "message/rfc822")))
letter("tree-forward-base64", multi("mixed", part("Wrongly encoded.\n"), part(message(
    "Original", part("The text.\n")), "message/rfc822", "base64")))
letter("tree-forward-attached", multi("mixed", part("See.\n"), part(message("Original", part(
    "The text.\n")), "message/rfc822", None, "attachment; filename=mail.eml")))
for n in (3, 20):
    letter(f"tree-nested-{n}", part(nested(n), "message/rfc822"))
deep = part("Leaf.\n")
for i in range(60):
    deep = multi("mixed", deep, boundary=f"b{i}")
letter("tree-deep-60", deep)
letter("tree-alternative-3", multi("alternative", part("Plain.\n"), part(
    "<bold>Rich</bold>", "text/enriched"), part("<p>HTML.</p>", "text/html")))
letter("tree-alternative-html-first", multi("alternative", part("<p>HTML.</p>", "text/html"),
                                            part("Plain.\n")))
letter("tree-alternative-html-only", multi("alternative", part("<p>HTML.</p>", "text/html")))
letter("tree-alternative-related", multi("alternative", part("Plain.\n"), multi(
    "related", part('<p>HTML <img src="cid:a"></p>', "text/html"), part(b"x", "image/png",
    "base64", "inline; filename=a.png", "Content-ID: <a>\n"), boundary="in")))
letter("tree-related-html", multi("related", part('<p>Picture: <img src="cid:a" alt="A"></p>',
    "text/html"), part(b"x" * 90, "image/png; name=a.png", "base64", None,
    "Content-ID: <a>\n"), params='; type="text/html"'))
letter("tree-mixed-texts", multi("mixed", part("One.\n"), part("Two, no end of line"),
                                 part("Three.\n")))
letter("tree-parallel", multi("parallel", part("One.\n"), part("Two.\n")))
letter("tree-unknown-multipart", multi("x-strange", part("One.\n"), part("Two.\n")))
letter("tree-many-parts", multi("mixed", *[part(f"Part {i}.\n") for i in range(1, 120)]))
letter("tree-preamble", multi("mixed", part("Text.\n")).replace(
    b"\n\n--=-b1", b"\n\nThis is a multi-part message in MIME format.\n--=-b1", 1) +
    b"An epilogue.\n")
letter("tree-empty-part", multi("mixed", part(""), part("Second.\n"), part("")))
letter("tree-one-part", multi("mixed", part("Only one.\n")))
letter("tree-no-part-header", multi("mixed", "\nNo header at all.\n"))
letter("type-external-body", multi("mixed", part("Far away.\n"), part(
    "Content-Type: image/jpeg\nContent-ID: <x>\n\n", 'message/external-body; access-type=URL;'
    '\n URL="ftp://a.example/pic.jpg"')))
letter("type-partial", part("first half of\n", 'message/partial; id="x@a"; number=1; total=2'))
letter("type-enriched", part("<bold>Bold</bold> and <italic>more</italic>.\n\nSecond.\n",
                             "text/enriched"))
letter("type-markdown", part("# Title\n\n* one\n* two\n", "text/markdown; charset=utf-8"))
letter("type-csv", multi("mixed", part("Figures.\n"), part("a;b\n1;2\n", "text/csv; name=a.csv",
                                                           None, "attachment; filename=a.csv")))
letter("type-csv-inline", part("a;b\n1;2\n", "text/csv; charset=utf-8"))
letter("type-rtf", multi("alternative", part("Plain.\n"), part(r"{\rtf1 x}", "text/rtf")))
letter("type-xml", part("<?xml version='1.0'?><a>text</a>\n", "text/xml"))
letter("type-json", multi("mixed", part("Data.\n"), part('{"a": 1}\n', "application/json")))
letter("type-diff", multi("mixed", part("A patch.\n"), part("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y"
    "\n", "text/x-diff; name=a.diff", None, "inline; filename=a.diff")))
letter("type-image-alone", part(b"\x89PNG" * 1000, "image/png; name=a.png", "base64"))
letter("type-pdf-alone", part(b"%PDF" * 5000, 'application/pdf; name="a.pdf"', "base64",
                              "attachment; filename=a.pdf"))
letter("type-octets", part(bytes(range(256)), "application/octet-stream", "base64"))
letter("type-audio", part(b"x" * 999, "audio/x-wav", "base64"))
letter("type-video", part(b"x" * 1000, "video/mp4; name=v.mp4", "base64"))
letter("type-office", multi("mixed", part("Files.\n"), *[part(b"PK" * 500, f"{t}; name={n}",
    "base64", f"attachment; filename={n}") for n, t in (
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("b.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("c.odt", "application/vnd.oasis.opendocument.text"), ("d.zip", "application/zip"),
        ("e", "x"), ("f.exe", "application/x-msdownload"))]))
letter("flowed", part("A paragraph that \nflows over \nthree lines.\n\n> quoted that \n> flows."
    "\n>> deeper \n>> too\n stuffed\n>not quoted?\n-- \nsig\n", "text/plain; format=flowed"))
letter("flowed-delsp", part("日本 \n語の \n文。\n", "text/plain; charset=utf-8; format=flowed; "
                            "delsp=yes"))
letter("flowed-chinese", part("中文 \n文字\n", "text/plain; charset=utf-8; format=flowed"))
letter("flowed-fixed", part("Not \nflowed.\n", "text/plain; format=fixed"))
letter("attachment-message-text", part("A text that is an attachment.\n", "text/plain", None,
                                       "attachment; filename=a.txt"))
letter("disposition-only", multi("mixed", part("Text.\n"),
    b"Content-Disposition: attachment; filename=a.txt\n\nno type\n"))
letter("description", multi("mixed", part("Text.\n"), part("x", "application/x-foo", None, None,
    "Content-Description: " + word("Größe", "utf-8") + "\n")))
put("mbox-quoting", "From: alice@a.com\nSubject: q\n\n>From me\n>>From you\nFrom here\n")
put("no-mime", "From: alice@a.com\nSubject: q\n\nContent-Type: text/html\n\n<p>plain</p>\n")
put("mime-version-missing", b"From: alice@a.com\nSubject: q\n" + multi("mixed", part("Text.\n"),
                                                                     part("x", "image/png")))
