"""Each charset of the MIME RFCs and of daily mail: in the text, the subject,
a name, and the name of a file."""
from .letters import letter, multi, part, percent, word

# name in mail, Python's name, a sentence, a name for person and file
CHARSETS = [
    ("us-ascii", "ascii", "Plain words, as ever.", "Smith"),
    ("utf-8", "utf-8", "Grüße, 你好, привет, שלום, 😀!", "Jörg 王"),
    ("iso-8859-1", "latin-1", "Ça déjà vu: Müller, Ñandú, £5, ½.", "Müller"),
    ("iso-8859-2", "iso8859-2", "Příliš žluťoučký kůň, Łódź, őű.", "Dvořák"),
    ("iso-8859-3", "iso8859-3", "Ĥoraĵo ĉiuĵaŭde, Ħamrun, Ġgantija.", "Ŝanĝo"),
    ("iso-8859-4", "iso8859-4", "Šķērsiela, õunapuu, ģimene.", "Ķēniņš"),
    ("iso-8859-5", "iso8859-5", "Съешь ещё этих булок, ђак.", "Иванов"),
    ("iso-8859-6", "iso8859-6", "مرحبا بالعالم، كيف حالك؟", "أحمد"),
    ("iso-8859-7", "iso8859-7", "Καλημέρα κόσμε, τι κάνεις;", "Γιώργος"),
    ("iso-8859-8", "iso8859-8", "שלום עולם, מה שלומך?", "דוד"),
    ("iso-8859-9", "iso8859-9", "Şişli'de ığdır, güneş, İzmir.", "Çağlar"),
    ("iso-8859-10", "iso8859-10", "Þórður, Čáhppe, įvairūs.", "Ánte"),
    ("iso-8859-11", "iso8859-11", "สวัสดีชาวโลก", "สมชาย"),
    ("iso-8859-13", "iso8859-13", "Ąžuolas, čigonų, “kabutės”.", "Žemaitis"),
    ("iso-8859-14", "iso8859-14", "Dŵr, ḃuail, ŷd.", "Siôn"),
    ("iso-8859-15", "iso8859-15", "Prix: 5 €, œuvre, Žižek, Ÿ.", "Lœb"),
    ("iso-8859-16", "iso8859-16", "Șapte țări, „ghilimele”, €.", "Țepeș"),
    ("windows-1250", "cp1250", "Příliš „žluťoučký“ kůň – Łódź.", "Dvořák"),
    ("windows-1251", "cp1251", "Съешь ещё «булок» – №5.", "Иванов"),
    ("windows-1252", "cp1252", "“Smart” quotes – dashes… €5 ‘ok’.", "Müller"),
    ("windows-1253", "cp1253", "Καλημέρα – «κόσμε».", "Γιώργος"),
    ("windows-1254", "cp1254", "Şişli – “ığdır”, €.", "Çağlar"),
    ("windows-1255", "cp1255", "שלום – ₪5, עוֹלָם.", "דוד"),
    ("windows-1256", "cp1256", "مرحبا – پاکستان، چ گ.", "أحمد"),
    ("windows-1257", "cp1257", "Ąžuolas – „kabutės“, €.", "Žemaitis"),
    ("windows-1258", "cp1258", "Đươ\u0300ng phô\u0301 – ₫5, Ăn.", "Đư\u0301c"),
    ("koi8-r", "koi8-r", "Съешь ещё этих булок.", "Иванов"),
    ("koi8-u", "koi8-u", "Їжак, ґанок, єнот.", "Їжак"),
    ("gb2312", "gb2312", "你好，世界。中文邮件测试。", "王小明"),
    ("gbk", "gbk", "朱镕基，囉嗦，繁體字。", "朱镕基"),
    ("gb18030", "gb18030", "㐂〇，𠀀，中文，€。", "王㐂"),
    ("big5", "big5", "你好，世界。繁體中文。", "陳大文"),
    ("big5-hkscs", "big5hkscs", "佢哋喺度，嘅，啲。", "陳大文"),
    ("shift_jis", "shift_jis", "こんにちは、世界。ｶﾅ表ソ十。", "山田太郎"),
    ("euc-jp", "euc-jp", "こんにちは、世界。ｶﾅ。", "山田太郎"),
    ("iso-2022-jp", "iso2022-jp", "こんにちは、世界。", "山田太郎"),
    ("iso-2022-jp-2", "iso2022-jp-2", "こんにちは、你好、한글、é。", "山田"),
    ("euc-kr", "euc-kr", "안녕하세요, 세계.", "김철수"),
    ("ks_c_5601-1987", "cp949", "안녕하세요, 똠방각하.", "김철수"),
    ("iso-2022-kr", "iso2022-kr", "안녕하세요, 세계.", "김철수"),
    ("utf-16", "utf-16", "Grüße, 你好, 😀.", "Jörg"),
    ("utf-16le", "utf-16-le", "Grüße, 你好, 😀.", "Jörg"),
    ("utf-16be", "utf-16-be", "Grüße, 你好, 😀.", "Jörg"),
    ("utf-7", "utf-7", "Grüße, 你好 + 1.", "Jörg"),
    ("tis-620", "tis-620", "สวัสดีชาวโลก", "สมชาย"),
    ("macintosh", "mac-roman", "Ça déjà: “Müller”, … •", "Müller"),
    ("ibm437", "cp437", "Übergröße é ½ ░▒▓ ╔═╗", "Müller"),
    ("ibm850", "cp850", "Übergröße Ãõ ½ ╔═╗", "Müller"),
    ("cp866", "cp866", "Съешь ещё булок.", "Иванов"),
]


def bytes_of(text, codec):
    return text.encode(codec)


for mime_name, codec, sentence, person in CHARSETS:
    wide = mime_name.startswith("utf-16")
    body = bytes_of(f"{sentence}\nSecond line: {person}.\n", codec)
    who = bytes_of(person, codec)
    subject = bytes_of(sentence, codec)
    plain = "base64" if wide else "8bit"
    letter(f"charset-{mime_name}",
           part(body, f"text/plain; charset={mime_name}", plain),
           subject=word(subject, mime_name),
           sender=word(who, mime_name) + " <alice@a.com>")
    letter(f"charset-{mime_name}-qp",
           part(body, f'text/plain; charset="{mime_name.upper()}"',
                "quoted-printable"),
           subject="Re: " + word(subject, mime_name.upper(), "q"),
           sender='"x" <alice@a.com> (' + word(who, mime_name, "q") + ")")
    letter(f"charset-{mime_name}-name",
           multi("mixed",
                 part(body, f"text/plain; charset={mime_name}", "base64"),
                 part("data", "application/octet-stream", "base64",
                      f"attachment;\n filename*={mime_name}''" +
                      percent(bytes_of(person + ".bin", codec))),
                 part("data", "application/pdf;\n name=\"" +
                      word(who, mime_name) + '.pdf"', "base64",
                      "attachment")),
           subject=word(subject, mime_name, "q"))

# Names that people write, and what is not what it says.
GERMAN = "Grüße aus Köln – „ja“."
ALIASES = [
    ("utf8", "utf8", "utf-8", GERMAN), ("utf-underscore", "UTF_8", "utf-8", GERMAN),
    ("latin1", "latin1", "cp1252", GERMAN),
    ("cp1252", "cp1252", "cp1252", GERMAN),
    ("iso8859-1", "ISO8859_1", "cp1252", GERMAN),
    ("quotes", "'utf-8'", "utf-8", GERMAN),
    ("ansi", "ANSI_X3.4-1968", "cp1252", GERMAN),
    ("unknown-8bit", "unknown-8bit", "cp1252", GERMAN),
    ("unknown-8bit-utf8", "unknown-8bit", "utf-8", GERMAN),
    ("default", "default", "cp1252", GERMAN),
    ("user-defined", "x-user-defined", "cp1252", GERMAN),
    ("ascii-utf8", "us-ascii", "utf-8", GERMAN),
    ("ascii-1252", "us-ascii", "cp1252", GERMAN),
    ("latin1-is-1252", "iso-8859-1", "cp1252", GERMAN),
    ("utf8-is-1252", "utf-8", "cp1252", GERMAN),
    ("no-such", "x-no-such-charset", "cp1252", GERMAN),
    ("no-such-utf8", "x-no-such-charset", "utf-8", GERMAN),
    ("evil", "../../etc/passwd", "utf-8", GERMAN),
    ("translit", "utf-8//TRANSLIT", "utf-8", GERMAN),
    ("x-gbk", "x-gbk", "gbk", "中文，繁體"),
    ("cp936", "cp936", "gbk", "中文，繁體"),
    ("gb2312-is-gbk", "gb2312", "gbk", "中文，朱镕基"),
    ("gb2312-is-gb18030", "GB2312", "gb18030", "中文，𠀀"),
    ("x-sjis", "x-sjis", "shift_jis", "日本語"),
    ("windows-31j", "windows-31j", "cp932", "日本語①㈱"),
    ("shift-jis-is-cp932", "Shift_JIS", "cp932", "日本語①㈱"),
    ("korean", "ks_c_5601-1987", "cp949", "한국어 똠"),
    ("win-1251", "win1251", "cp1251", "Привет"),
    ("cp-1251", "CP-1251", "cp1251", "Привет"),
    ("8859-8-i", "iso-8859-8-i", "iso8859-8", "שלום"),
    ("8859-6-e", "iso-8859-6-e", "iso8859-6", "مرحبا"),
    ("cyrillic", "cyrillic", "iso8859-5", "Привет"),
    ("unicode-1-1", "unicode-1-1-utf-7", "utf-7", "Grüße"),
]
for name, said, codec, sentence in ALIASES:
    letter(f"alias-{name}",
           part(f"{sentence}\n".encode(codec), f"text/plain; charset=\"{said}\"",
                "8bit"), subject=word(sentence.encode(codec), said))
letter("alias-none", part("Grüße\n".encode("cp1252"), "text/plain", "8bit"))
letter("alias-none-utf8", part("Grüße\n", "text/plain", "8bit"))
letter("alias-none-mixed", part("Grüße ".encode() + b"Gr\xfc\xdfe\n",
                                "text/plain", "8bit"))
letter("alias-empty", part("Grüße\n", "text/plain; charset=", "8bit"))
letter("alias-twice", part("Привет\n".encode("koi8-r"), "text/plain; "
                           "charset=koi8-r; charset=utf-8", "8bit"))
letter("alias-comment", part("Привет\n".encode("koi8-r"), "text/plain; "
                             "charset=koi8-r (Russian)", "8bit"))
letter("alias-cut-utf8", part("Grü".encode()[:-1], ctype="text/plain; "
                              "charset=utf-8", cte="8bit"))
letter("alias-cut-gbk", part(b"\xc4\xe3\xba", "text/plain; charset=gbk",
                             "8bit"))
letter("alias-overlong", part(b"\xc0\xaf \xe0\x80\xaf \xed\xa0\x80 "
                              b"\xf5\x80\x80\x80 \xef\xbf\xbd\n"))
letter("alias-2022-cut", part(b"\x1b$B$3$\n", "text/plain; "
                              "charset=iso-2022-jp", "7bit"))
letter("alias-2022-undeclared", part(b"\x1b$B$3$s\x1b(B\n", None))
letter("alias-utf16-no-mark", part("Hi ü\n".encode("utf-16-le"),
                                   "text/plain; charset=utf-16", "base64"))
letter("alias-utf16-odd", part("Hi".encode("utf-16-be") + b"\0",
                               "text/plain; charset=utf-16be", "base64"))
letter("alias-bom", part(b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe\n",
                         "text/plain; charset=utf-8", "8bit"))
