"""Texts that would like to paint the screen, and letters that are hard to place."""
from .letters import letter, part, text

TEXTS = {
    "clear": b"before\x1b[2J\x1b[Hafter\n",
    "colour": b"\x1b[31mred\x1b[0m \x1b[1;5mblink\x1b[m\n",
    "title": b"a\x1b]0;owned\x07b\x1b]2;owned\x1b\\c\n",
    "answer": b"a\x1b[6n\x1b[c\x1bZ\x05b\n",
    "dcs": b"a\x1bP$q\"p\x1b\\b\x1b_x\x1b\\c\n",
    "charset": b"a\x0e\x1b(0lqk\x0f\x1b(Bb\n",
    "resize": b"a\x1b[8;1;1t\x1b[?1049h\x1bcb\n",
    "c1": b"a\x9b2Jb\x9d0;x\x9cc\x90d\x9c\n",
    "c1-utf8": "a\u009b2Jb\u0085c\u0090d\n",
    "backspace": b"good\x08\x08\x08\x08evil\n",
    "return": b"visible text\rhidden over\n",
    "bell": b"a\x07\x07\x07b\n",
    "formfeed": b"page one\x0cpage two\x0bmore\n",
    "delete": b"a\x7fb\n",
    "tabs": b"a\tb\n12345678\tc\n\t\td\n",
    "separators": "one\u2028two\u2029three\x1c\x1d\x1e\x1f\n",
    "bidi-override": "user\u202eexe.gnp\u202c end\n",
    "bidi-isolates": "a\u2066b\u2067c\u2068d\u2069e\u200ef\u200fg\u061ch\n",
    "bidi-trojan": "if access \u202e\u2066// check\u2069 \u2066{\n",
    "hebrew": "שלום עולם: 123, abc.\n",
    "arabic": "مرحبا بالعالم، ١٢٣\n",
    "zero-width": "pass\u200bword \ufeffx\u200cy\u200dz\u2060\n",
    "tags": "flag\U000e0041\U000e0042\U000e007f end\n",
    "zalgo": "Z\u0338\u0321\u0322\u031b\u0317a\u0337\u031b\u0316l\u0336" + "\u0301" * 200 + "\n",
    "wide": "你好，世界！こんにちは。안녕하세요。\n" + "宽" * 60 + "\n",
    "emoji": "😀 👨‍👩‍👧‍👦 👍🏽 🇩🇪 ❤️ 1️⃣ ☎ ☎️\n",
    "combining": "e\u0301 o\u0308 n\u0303 a\u030a क्षि สวัสดี\n",
    "lone-combining": "\u0301start and \u0308\n",
    "homoglyphs": "раураl.com аpple.com gооgle.com\n",
    "noncharacters": "a\ufffeb\uffffc\U0010ffffd\ue000e\n",
    "surrogates": b"a\xed\xa0\x80b\xed\xb0\x80c\n",
    "box": "┌──┐\n│ok│\n└──┘ ▓▒░ █\n",
    "maths": "∀x∈ℝ: ∑∞ √2 ≠ 1½ ℵ₀\n",
    "nbsp": "a\u00a0b\u202fc\u2009d\u3000e\n",
    "soft-hyphen": "Donau\u00addampf\u00adschiff\n",
    "sixel": b"a\x1bPq#0;2;0;0;0#0~~@@vv\x1b\\b\n",
    "hyperlink": b"a\x1b]8;;http://evil.example\x1b\\good\x1b]8;;\x1b\\b\n",
    "paste": b"a\x1b]52;c;cm0gLXJmIH4=\x07b\x1b[200~ls\x1b[201~\n",
    "mail-escapes": b"~!sh\n~r /etc/passwd\n.\n? q\nMessage 2:\n",
}
for name, body in TEXTS.items():
    letter(f"screen-{name}", part(body, "text/plain; charset=utf-8", "8bit"))
text("screen-undeclared-c1", b"a\x9b2Jb\x85c\n")
letter("screen-latin1-c1", part(b"a\x9b2Jb\x85c\x80d\n", "text/plain; charset=iso-8859-1"))
letter("screen-html", part("<p>a&#x9b;2Jb\x1b[2J<b>c</b>\x07</p>", "text/html; charset=utf-8"))
letter("screen-2022", part(b"\x1b$B$3$s\x1b(B \x1b[2J end\n", "text/plain; charset=iso-2022-jp"))
letter("screen-calendar", part("BEGIN:VEVENT\nSUMMARY:\x1b[2J\x1b]0;x\x07\nEND:VEVENT\n",
                               "text/calendar"))
