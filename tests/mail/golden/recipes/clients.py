"""Messages shaped as the mail programs of people write them."""
import struct

from .letters import b64, letter, multi, part, put, qp, text, word

REPLY = "Yes, that works.\n"
ORIGINAL = "Can we meet at ten?\nBring the plan.\n"
QUOTED = "".join(f"> {line}\n" for line in ORIGINAL.splitlines())

# ---- Gmail
GMAIL_HTML = (
    '<div dir="ltr">Yes, that <b>works</b>.<div><br></div><div>Alice</div></div>'
    '<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Tue, Nov'
    ' 24, 2026 at 10:00 AM Bob &lt;<a href="mailto:bob@b.com">bob@b.com</a>&gt;'
    ' wrote:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px'
    ' 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">Can we meet'
    ' at ten?<br>Bring the plan.<br></blockquote></div>\n')
letter("gmail-alternative", multi(
    "alternative",
    part("Yes, that *works*.\n\nAlice\n\nOn Tue, Nov 24, 2026 at 10:00 AM Bob "
         "<bob@b.com> wrote:\n\n" + QUOTED, 'text/plain; charset="UTF-8"'),
    part(GMAIL_HTML, 'text/html; charset="UTF-8"', "quoted-printable"),
    boundary="0000000000001f2e3d05f0a1b2c3"), subject="Re: Meeting",
    extra="References: <x@b.com>\nIn-Reply-To: <x@b.com>\n")
letter("gmail-html-alone", part(GMAIL_HTML, 'text/html; charset="UTF-8"',
                                "quoted-printable"), subject="Re: Meeting")
letter("gmail-attachment", multi(
    "mixed", multi("alternative", part("See attached.\n"), part(
        '<div dir="ltr">See attached.</div>\n', "text/html; charset=utf-8"),
                   boundary="inner"),
    part(b"\x89PNG" * 30, 'image/png; name="Bild ö.png"'.replace(
        "Bild ö.png", word("Bild ö.png", "utf-8")), "base64",
        'attachment; filename="' + word("Bild ö.png", "utf-8") + '"',
        "X-Attachment-Id: f_x\nContent-ID: <f_x>\n")))
letter("gmail-confidential", part(
    "<div>Alice sent you an email via Gmail confidential mode:</div>"
    '<a href="https://confidential-mail.google.com/msg/AB">View the email</a>',
    "text/html; charset=utf-8"))

# ---- Outlook and Exchange
WORD_HTML = (
    '<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-micro'
    'soft-com:office:office">\n<head>\n<meta http-equiv="Content-Type" content='
    '"text/html; charset=us-ascii">\n<meta name="Generator" content="Microsoft '
    'Word 15 (filtered medium)">\n<!--[if !mso]><style>v\\:* {behavior:url(#def'
    'ault#VML);}</style><![endif]--><style><!--\n/* Font Definitions */\n@font'
    '-face\n\t{font-family:Calibri;}\np.MsoNormal, li.MsoNormal\n\t{margin:0in;}'
    '\n--></style><!--[if gte mso 9]><xml>\n<o:shapedefaults v:ext="edit" spid'
    'max="1026" />\n</xml><![endif]-->\n</head>\n<body lang="EN-US" link="#0563'
    'C1" style="word-wrap:break-word">\n<div class="WordSection1">\n<p class="Ms'
    'oNormal">Hi Bob,<o:p></o:p></p>\n<p class="MsoNormal"><o:p>&nbsp;</o:p></p>'
    '\n<p class="MsoNormal">the plan &#8211; as <i>promised</i>:<o:p></o:p></p>\n'
    '<p class="MsoListParagraph" style="text-indent:-.25in"><![if !supportLists]>'
    '<span style="font-family:Symbol">&middot;<span style="font:7.0pt &quot;Times'
    ' New Roman&quot;">&nbsp;&nbsp;&nbsp; </span></span><![endif]>First<o:p></o:p>'
    '</p>\n<table class="MsoNormalTable" border="1"><tr><td width="100"><p class='
    '"MsoNormal">Item<o:p></o:p></p></td><td><p class="MsoNormal">Cost<o:p></o:p>'
    '</p></td></tr><tr><td><p class="MsoNormal">Paint<o:p></o:p></p></td><td><p c'
    'lass="MsoNormal">&#8364;&nbsp;20<o:p></o:p></p></td></tr></table>\n<p class="'
    'MsoNormal">See <a href="https://intranet.example/plan">the plan</a>.<o:p></o'
    ':p></p>\n<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="Ms'
    'oNormal"><b>From:</b> Bob &lt;bob@b.com&gt; <br><b>Sent:</b> Tuesday, Novembe'
    'r 24, 2026 10:00<br><b>To:</b> Alice<br><b>Subject:</b> Plan<o:p></o:p></p></'
    'div>\n<p class="MsoNormal">Can we meet?<o:p></o:p></p>\n</div>\n</body>\n</html>\n')
letter("outlook-word", part(WORD_HTML, 'text/html; charset="us-ascii"',
                            "quoted-printable"), subject="RE: Plan",
       extra="Thread-Topic: Plan\nThread-Index: AdABCD==\nX-Mailer: Microsoft "
             "Outlook 16.0\nX-MS-Has-Attach:\n")
letter("outlook-alternative", multi(
    "alternative", part("Hi Bob,\n\nthe plan \x96 as promised.\n".encode(
        "latin-1"), 'text/plain; charset="Windows-1252"', "quoted-printable"),
    part(WORD_HTML, 'text/html; charset="us-ascii"', "quoted-printable"),
    boundary="----=_NextPart_000_0007_01D8"), subject="RE: Plan")
letter("outlook-unquoted-boundary",
       b"Content-Type: multipart/mixed; boundary=----=_NextPart_000_01D8\n\n"
       b"This is a multi-part message in MIME format.\n\n"
       b"------=_NextPart_000_01D8\nContent-Type: text/plain\n\nHello.\n"
       b"------=_NextPart_000_01D8--\n")
letter("outlook-related", multi(
    "related", multi("alternative", part("See the logo.\n"), part(
        '<p>See the logo.</p><img src="cid:image001.png@01D8" alt="Logo">\n',
        "text/html; charset=utf-8"), boundary="in"),
    part(b"\x89PNG" * 20, 'image/png; name="image001.png"', "base64",
         None, "Content-ID: <image001.png@01D8>\nContent-Description: image001"
         ".png\n"), params=';\n\ttype="multipart/alternative"'))


def tnef(*names):
    """winmail.dat: a code page and attached files (MS-OXTNEF 2.1)."""
    def attribute(level, number, value):
        return (bytes([level]) + struct.pack("<II", number, len(value)) +
                value + struct.pack("<H", sum(value) & 0xffff))

    out = struct.pack("<IH", 0x223e9f78, 1)
    out += attribute(1, 0x00089006, struct.pack("<I", 0x10000))
    out += attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    for name in names:
        out += attribute(2, 0x00018010, name.encode("cp1252") + b"\0")
        out += attribute(2, 0x0006800f, b"contents")
    return out


TNEF = tnef("budget.xls", "Grüße.doc")
letter("outlook-tnef", multi(
    "mixed", part("The numbers are attached.\n", "text/plain; charset=us-ascii"),
    part(TNEF, 'application/ms-tnef; name="winmail.dat"', "base64",
         'attachment; filename="winmail.dat"')), subject="Numbers",
    extra="X-MS-TNEF-Correlator: <x@a.com>\n")
letter("outlook-tnef-alone", part(TNEF, 'application/ms-tnef; '
                                  'name="winmail.dat"', "base64"))
letter("outlook-tnef-octet", multi(
    "mixed", part("Files.\n"), part(TNEF, "application/octet-stream; "
                                    'name="winmail.dat"', "base64")))
letter("outlook-tnef-broken", multi(
    "mixed", part("Files.\n"), part(b"no tnef", "application/vnd.ms-tnef; "
                                    'name="winmail.dat"', "base64")))
letter("exchange-external-tag", part(
    '<table><tr><td style="background:#ffeb9c">CAUTION: This email originated '
    "from outside of the organization.</td></tr></table><br><div>Invoice "
    "attached.</div>", "text/html; charset=utf-8"))
letter("exchange-voicemail", multi(
    "mixed", part("You received a voice mail from +1 555 0100.\n"),
    part(b"ID3" * 100, 'audio/mpeg; name="voice.mp3"', "base64",
         'attachment; filename="voice.mp3"')))

# ---- Apple
letter("apple-mail", multi(
    "mixed", part("Here it is:\n\n", "text/plain;\n\tcharset=us-ascii", "7bit"),
    part(b"%PDF" * 50, 'application/pdf;\n\tname="Plan=20B.pdf"', "base64",
         'inline;\n\tfilename="Plan B.pdf"'),
    part("\n\nBest,\nAlice\n", "text/plain;\n\tcharset=us-ascii", "7bit"),
    boundary="Apple-Mail=_A1B2C3"), extra="X-Mailer: Apple Mail (2.3731)\n")
letter("apple-mail-flowed", part(
    "This is a long paragraph that Apple Mail \nwrote as format=flowed with \n"
    "soft line breaks.\n\n> quoted text that \n> flows on\n\n-- \nAlice\n",
    "text/plain; charset=utf-8; format=flowed; delsp=yes"))
letter("apple-alternative-mixed", multi(
    "alternative", part("Text form.\n"), multi(
        "mixed", part("<html><body>HTML form.</body></html>", "text/html"),
        part("x", 'application/pdf; name="a.pdf"', "base64",
             "inline; filename=a.pdf"), boundary="in")))
letter("iphone", part("Running late.\n\nSent from my iPhone\n",
                      "text/plain; charset=us-ascii", "quoted-printable"),
       extra="X-Mailer: iPhone Mail (19A346)\n")
letter("iphone-photos", multi(
    "mixed", part("\n", "text/plain; charset=us-ascii"),
    part(b"\xff\xd8\xff" * 40, "image/jpeg; name=IMG_0001.jpeg", "base64",
         'inline; filename="IMG_0001.jpeg"'),
    part("\n\nSent from my iPhone", "text/plain; charset=us-ascii")))
letter("apple-winmail-alternative", multi(
    "alternative", part("Plain.\n"), part("x" * 20, "text/x-watch-html"),
    part("<p>HTML.</p>", "text/html")))

# ---- Thunderbird and others
letter("thunderbird-flowed", part(
    "Am 24.11.26 um 10:00 schrieb Bob:\n> Can we meet at ten, or would it be \n"
    "> better at eleven?\n\nTen is fine, as long as somebody brings the plan \n"
    "and the coffee.\n\n-- \nAlice\n", "text/plain; charset=UTF-8; format=flowed",
    "8bit"), extra="User-Agent: Mozilla Thunderbird\nContent-Language: de-DE\n")
letter("thunderbird-html", part(
    '<!DOCTYPE html>\n<html>\n  <head>\n\n    <meta http-equiv="content-type" '
    'content="text/html; charset=UTF-8">\n  </head>\n  <body>\n    <p>Hello,</p>\n'
    '    <p>code: <tt>make check</tt><br>\n    </p>\n    <div class="moz-cite-pre'
    'fix">Am 24.11.26 schrieb Bob:<br>\n    </div>\n    <blockquote type="cite" '
    'cite="mid:x@b.com">\n      <pre class="moz-quote-pre" wrap="">Can we meet?\n'
    '  Indented.\n</pre>\n    </blockquote>\n    <br>\n    <pre class="moz-signat'
    'ure" cols="72">-- \nAlice</pre>\n  </body>\n</html>\n',
    "text/html; charset=UTF-8", "8bit"))
letter("thunderbird-forward", multi(
    "mixed", part("See below.\n", "text/plain; charset=UTF-8; format=flowed"),
    part("From: Bob <bob@b.com>\nTo: alice@a.com\nSubject: " +
         word("Größe", "utf-8", "q") + "\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n"
         "Message-ID: <x@b.com>\nMIME-Version: 1.0\nContent-Type: text/plain; "
         "charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
         "Gr=F6=DFe 5\n", 'message/rfc822; name="Größe.eml"'.replace(
             "Größe.eml", word("Größe.eml", "utf-8")), "8bit",
         "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe.eml")),
    subject="Fwd: " + word("Größe", "utf-8", "q"))
text("mutt", "On Tue, Nov 24, 2026 at 10:00:00AM +0000, Bob wrote:\n" + QUOTED +
     "\n" + REPLY + "\n-- \nAlice Adams\n", subject="Re: Meeting",
     extra="User-Agent: Mutt/2.2.9\nMail-Followup-To: list@l.com\n")
text("alpine", "\n\nOn Tue, 24 Nov 2026, Bob wrote:\n\n" + QUOTED + "\n" + REPLY,
     subject="Re: Meeting", extra="User-Agent: Alpine 2.26\n")
text("cron", "/etc/cron.daily/backup:\nrsync: connection refused\n",
     subject="Cron <root@host> test -x /usr/sbin/anacron", sender="root@a.com "
     "(Cron Daemon)", extra="X-Cron-Env: <SHELL=/bin/sh>\nAuto-Submitted: "
     "auto-generated\n")
text("logwatch", " ################### Logwatch 7.5 ####################\n\n"
     " --------------------- SSHD Begin ------------------------\n\n Users "
     "logging in:\n    root: 2 times\n\n ---------------------- SSHD End "
     "-------------------------\n", subject="Logwatch for host (Linux)")
text("smartd", "This message was generated by the smartd daemon running on:\n\n"
     "   host name:  nas\n\nDevice: /dev/sda [SAT], 8 Currently unreadable "
     "(pending) sectors\n", subject="SMART error (CurrentPendingSector) "
     "detected on host: nas", sender="root <root@nas>")
letter("apticron", part("apticron report [Tue, 24 Nov 2026]\n\nThe following "
                        "packages are pending an upgrade:\n\n\tlibc6 2.36-9\n",
                        "text/plain; charset=ANSI_X3.4-1968"))
letter("roundcube", multi("alternative", part(
    "Hello,\n\nBye\n", "text/plain; charset=US-ASCII; format=flowed", "7bit"),
    part("<html><body style='font-size: 10pt'><p>Hello,</p><p>Bye</p>\n"
         "</body></html>\n", "text/html; charset=UTF-8", "quoted-printable"),
    boundary="=_5d2a"))
letter("yahoo-html", part(
    '<html><head></head><body><div class="ydp" style="font-family:Helvetica"><div '
    'dir="ltr">Hi there,</div><div><br></div><div>see you.</div></div></body>'
    "</html>", "text/html; charset=UTF-8", "quoted-printable"))
letter("k9", part("Kurze Antwort.\n-- \nDiese Nachricht wurde von meinem Gerät "
                  "gesendet.\n", "text/plain;\n charset=utf-8", "quoted-printable"))
letter("notes", multi(
    "mixed", part(b"\xc4nderung folgt.\n", "text/plain; charset=ISO-8859-1",
                  "quoted-printable"),
    part("x", "application/octet-stream; name=\"" + word("Änderung.nsf",
         "ISO-8859-1", "q") + '"', "base64", 'attachment; filename="' +
         word("Änderung.nsf", "ISO-8859-1", "q") + '"'),
    boundary="=_mixed 0041F1E5C1258B"), extra="X-Mailer: Lotus Notes\n")
letter("eudora", part("Text with\nx-flowed.\n", "text/plain; charset=\"us-ascii\";"
                      " format=flowed"), extra="X-Mailer: QUALCOMM Windows "
       "Eudora Version 7.1\nX-Sender: alice@a.com\n")
letter("pine-attached-text", multi("mixed", part("Two texts.\n", "TEXT/PLAIN; "
                                                 "charset=US-ASCII"),
       part("second\n", "TEXT/PLAIN; charset=US-ASCII; name=notes", "BASE64",
            "attachment; filename=notes", "Content-Description: My notes\n")))
put("uuencode", "From: alice@a.com\nSubject: file\n\nHere:\n\nbegin 644 a.txt\n"
    "%:&5L;&\\\n`\nend\n\nBye\n")
letter("scanner", multi("mixed", part("Scan from MFP\n", "text/plain; charset="
                                      '"shift_jis"'),
                        part(b"II*\0" * 20, "image/tiff; name=scan.tif",
                             "base64", "attachment; filename=scan.tif")),
       sender="scanner@mfp", extra="X-Mailer: KONICA MINOLTA bizhub C224e\n")
letter("whatsapp-export", multi("mixed", part("Chat history is attached.\n"),
       part("24.11.26, 10:00 - Bob: 👍\n", "text/plain; charset=utf-8; name="
            '"WhatsApp Chat.txt"', "base64", "attachment; filename=chat.txt")))

# ---- lists and robots
FOOTER = "_______________________________________________\nlist mailing list\n" \
         "list@l.com\nhttps://l.com/mailman/listinfo/list\n"
letter("mailman-footer", multi(
    "mixed", multi("alternative", part("Hello list.\n"), part(
        "<p>Hello list.</p>", "text/html"), boundary="in"),
    part(FOOTER, 'text/plain; charset="us-ascii"', "7bit", "inline")),
    subject="[list] Hello", extra="List-Id: <list.l.com>\nList-Unsubscribe: "
    "<mailto:list-leave@l.com>\nPrecedence: list\n")
letter("mailman-digest", multi(
    "mixed", part("Send list mailing list submissions to\n\tlist@l.com\n"),
    part("Today's Topics:\n\n   1. One (Alice)\n   2. Two (Bob)\n"),
    multi("digest",
          "\nFrom: Alice <alice@a.com>\nSubject: One\nDate: x\n\nFirst text.\n",
          "Content-Type: message/rfc822\n\nFrom: Bob <bob@b.com>\nSubject: Two\n"
          "Content-Type: text/plain; charset=iso-8859-1\n"
          "Content-Transfer-Encoding: quoted-printable\n\nZweiter: =FC\n",
          boundary="digest"),
    part(FOOTER)), subject="list Digest, Vol 1, Issue 2")
letter("github", multi(
    "alternative", part("@alice commented on this pull request.\n\n\n\n> +\tif "
                        "(x)\n\nLooks *good*.\n\n-- \nReply to this email "
                        "directly or view it on GitHub:\nhttps://github.com/o/r\n"),
    part("<p></p>\n<p><b>@alice</b> commented.</p>", "text/html"),
    boundary="--==_mimepart_6", params=";\n charset=UTF-8"),
    subject="Re: [o/r] Fix x (PR #12)", sender="alice <notifications@github.com>")
letter("git-patch", part(
    "From: Bob <bob@b.com>\n\nExplain why.\n\nSigned-off-by: Bob <bob@b.com>\n"
    "---\n a.c | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\ndiff "
    "--git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n \tint a;\n-\tint "
    "b;\n+\tint c;\n-- \n2.39.2\n\n", "text/plain; charset=UTF-8", "8bit"),
    subject="[PATCH v2 1/3] a: Name it c")
letter("debian-bug", multi(
    "mixed", part("Your message dated Tue has caused bug #1 to be closed.\n"),
    part("Received: by bugs.debian.org\nFrom: Bob <bob@b.com>\nSubject: crash\n\n"
         "It crashes.\n", "message/rfc822", "7bit", "inline"),
    part("From: Alice <alice@a.com>\nSubject: fixed\n\nFixed.\n",
         "message/rfc822", "7bit", "inline")), subject="Bug#1: marked as done")
letter("majordomo", part("Welcome to the list.\n", "text/plain"),
       sender="Majordomo@l.com")
letter("vacation", part("I am away until Monday.\n"), subject="Auto: Re: Hello",
       extra="Auto-Submitted: auto-replied\nX-Autoreply: yes\n")
letter("challenge", part(
    '<p>Please <a href="https://spam.example/verify?x=1">click here</a> to '
    "verify your address.</p>", "text/html"))
letter("contact-form", part("Name: Alice\nE-Mail: alice@a.com\nText: Grüße\n",
                            'text/plain; charset="UTF-8"', "8bit"),
       sender="=?UTF-8?B?" + b64("Wörkshop GmbH").strip() + "?= <www@a.com>",
       extra="X-PHP-Originating-Script: 33:mail.php\n")
letter("sms-gateway", part("Your code is 123456\n", "text/plain; charset=utf-8",
                           "base64"))
letter("fax", multi("mixed", part(qp("You have received a 2 page fax.\n"),
                                  "text/plain"), part(b"%PDF", "application/pdf;"
                                  " name=fax.pdf", "base64", "attachment")))
