"""Fields: encoded words right and wrong, raw octets, addresses, folding."""
from .letters import b64, letter, part, put, text, word

B = "=?utf-8?B?"

SUBJECTS = {
    "plain": "Just words",
    "two-words": "=?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?Q?_aus_K=C3=B6ln?=",
    "two-charsets": word("Привет", "koi8-r") + " " + word("你好", "gb2312"),
    "cut-character": "=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=",
    "folded": "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n =?utf-8?Q?_aus_K=C3=B6ln?=\n"
              "\tund so weiter",
    "between-words": "Re: " + word("Größe", "utf-8", "q") + " is " +
                     word("schön", "iso-8859-1", "q"),
    "lower-b": "=?UTF-8?b?R3LDvMOfZQ==?=",
    "no-padding": "=?utf-8?B?R3LDvMOfZQ?=",
    "bad-base64": "=?utf-8?B?R3L@#$DvMOfZQ===?=",
    "bad-q": "=?utf-8?Q?a=ZZ=4?=",
    "q-blanks": "=?utf-8?Q?with blanks inside?=",
    "unknown-charset": "=?x-none?Q?Gr=FC=DFe?=",
    "unknown-encoding": "=?utf-8?X?abc?=",
    "not-closed": "=?utf-8?Q?Gr=C3=BC",
    "empty-word": "a =?utf-8?Q??= b",
    "language": "=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=",
    "in-word": "x=?utf-8?Q?=C3=BC?=y",
    "glued": "=?utf-8?Q?=C3=BC?==?utf-8?Q?=C3=BC?=",
    "quoted": '"=?utf-8?Q?Gr=C3=BC=C3=9Fe?="',
    "newline-inside": f"{B}{b64(chr(10).join(['x', 'Bcc: eve@e.com'])).strip()}?=",
    "escape-inside": "=?utf-8?Q?=1B[2J=1B]0;title=07gone?=",
    "nul-inside": "=?utf-8?Q?a=00b?=",
    "bidi-inside": word("abc \u202egnp.exe\u202c", "utf-8"),
    "very-long": " ".join(["word"] * 200),
    "long-word": "x" * 900,
    "many-folds": "\n ".join(["fold"] * 40),
    "tabs": "a\tb\t\tc",
    "emoji": word("🎉 Party 👨‍👩‍👧 🇩🇪 👍🏽", "utf-8"),
    "zalgo": word("Z̸̡̢̛̗̘̙̜̝̞̟a̷̛̖̗̘l̶̡̢g̵̛o", "utf-8"),
    "japanese-split": "=?iso-2022-jp?B?GyRCOEAbKEI=?= "
                      "=?iso-2022-jp?B?GyRCPCgbKEI=?=",
    "uppercase": "=?ISO-8859-1?Q?Gr=FC=DFe?=",
    "lower-hex": "=?utf-8?q?=c3=bc?=",
    "empty": "",
}
for name, subject in SUBJECTS.items():
    text(f"subject-{name}", "Text.\n", subject=subject)
put("subject-raw-utf8", "From: alice@a.com\nSubject: Grüße 你好\n\nText.\n")
put("subject-raw-latin1", "From: Jörg <alice@a.com>\nSubject: Grüße\n\nText.\n"
    .encode("latin-1"))
put("subject-raw-1252", "From: alice@a.com\nSubject: ".encode() +
    "“Angebot” – 5 €".encode("cp1252") + b"\n\nText.\n")
put("subject-raw-escape", b"From: alice@a.com\nSubject: a\x1b[31mred\x1b[0m"
    b"\x07\x08\x7f\x9b2J\n\nText.\n")
put("subject-twice", "Subject: one\nFrom: alice@a.com\nSubject: two\n\nText.\n")
put("subject-none", "From: alice@a.com\nTo: me@a.com\n\nText.\n")

SENDERS = {
    "quoted-comma": '"Adams, Alice" <alice@a.com>',
    "encoded-comma": word("Müller, Jörg", "utf-8") + " <alice@a.com>",
    "encoded-in-quotes": '"' + word("Jörg", "utf-8") + '" <alice@a.com>',
    "comment": "alice@a.com (Alice Adams)",
    "bare": "alice@a.com",
    "angle": "<alice@a.com>",
    "route": "<@x.com,@y.com:alice@a.com>",
    "idn": "alice@xn--mnchen-3ya.example",
    "utf8-address": "Jörg <jörg@münchen.example>",
    "fake-address": '"service@paypal.com" <evil@phish.example>',
    "fake-spaces": '"PayPal <service@paypal.com>" <evil@phish.example>',
    "fake-word": word("service@paypal.com", "utf-8") + " <evil@phish.example>",
    "fake-newline": word("Bank\n <service@bank.com>\nX: ", "utf-8") +
                    " <evil@phish.example>",
    "fake-bidi": word("\u202emoc.knab@ecivres", "utf-8") +
                 " <evil@phish.example>",
    "homoglyph": word("раураl.com", "utf-8") + " <evil@phish.example>",
    "group": "undisclosed-recipients:;",
    "two": "alice@a.com, bob@b.com",
    "no-domain": "alice",
    "broken": '"Alice <alice@a.com',
    "empty": "",
    "nul": "Al\0ice <alice@a.com>",
    "long": '"' + "Name " * 60 + '" <alice@a.com>',
}
for name, sender in SENDERS.items():
    text(f"sender-{name}", "Text.\n", sender=sender)
text("to-many", "Text.\n", to=",\n ".join(
    f'"Person {i}" <person{i}@a.com>' for i in range(1, 41)))
text("to-group", "Text.\n", to="Friends: bob@b.com, cary@c.com;, dan@d.com")
text("to-undisclosed", "Text.\n", to="undisclosed-recipients:;")
text("to-encoded", "Text.\n", to=word("Jörg", "utf-8") + " <j@b.com>,\n " +
     word("王小明", "gb2312") + " <wang@b.com>", extra="Cc: " +
     word("Éric", "iso-8859-1", "q") + " <eric@e.com>\nReply-To: list@l.com\n")
text("fields-many", "Text.\n", extra="".join(
    f"X-Field-{i}: value {i}\n" for i in range(200)) + "Received: by a;\n\tnow\n")
text("fields-dkim", "Text.\n", extra="DKIM-Signature: v=1; a=rsa-sha256; "
     "d=a.com; s=x;\n\th=from:to; bh=AAAA=; b=BBBB\nARC-Seal: i=1; cv=none\n"
     "Authentication-Results: mx.a.com; spf=pass; dkim=pass\n")
put("fields-lower", "from: alice@a.com\nsubject: lower case\nDATE: x\n\nText.\n")
put("fields-blanks", "From : alice@a.com\nSubject:no blank\nDate:\n\tfolded\n"
    "\nText.\n")
put("fields-crlf", b"From: alice@a.com\r\nSubject: dos\r\n folded\r\n"
    b"\r\nText.\r\nMore.\r\n")
put("fields-bad-date", "From: alice@a.com\nDate: yesterday, about noon\n\nText.\n")
letter("fields-comments", part("Text.\n", "text/plain (a (nested) comment); "
                               "(x) charset (y) = (z) utf-8"))
