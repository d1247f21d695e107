"""Names of files: every way to write them, and names that mean harm."""
from .letters import letter, multi, part, percent, word

DISPOSITIONS = {
    "plain": "attachment; filename=report.pdf",
    "quoted": 'attachment; filename="my report.pdf"',
    "unquoted-blank": "attachment; filename=my report.pdf",
    "escapes": 'attachment; filename="a\\"b\\\\c.pdf"',
    "2231": f"attachment; filename*=utf-8''{percent('Käse €.pdf')}",
    "2231-language": f"attachment; filename*=utf-8'de'{percent('Käse.pdf')}",
    "2231-pieces": "attachment;\n filename*0*=utf-8''K%C3%A4se;\n"
                   " filename*1*=%20und%20;\n filename*2=\"Brot.pdf\"",
    "2231-order": "attachment;\n filename*1=\"se.pdf\";\n"
                  " filename*0*=utf-8''K%C3%A4",
    "2231-cut": "attachment; filename*0*=utf-8''K%C3; filename*1*=%A4se.pdf",
    "2231-plain-pieces": 'attachment; filename*0="a long "; '
                         'filename*1="name.pdf"',
    "2231-hole": "attachment; filename*0=a; filename*2=c",
    "2231-no-charset": "attachment; filename*=just%20text.pdf",
    "2231-bad-percent": "attachment; filename*=utf-8''a%zz%4.pdf",
    "2231-koi8": f"attachment; filename*=koi8-r''"
                 f"{percent('Отчёт.doc'.encode('koi8-r'))}",
    "2231-unknown": "attachment; filename*=x-none''%FC.pdf",
    "2231-and-plain": "attachment; filename=\"Kaese.pdf\"; "
                      "filename*=utf-8''K%C3%A4se.pdf",
    "2047": 'attachment; filename="' + word("Käse.pdf", "utf-8") + '"',
    "2047-two": 'attachment;\n filename="' + word("Käse ", "utf-8", "q") +
                "\n " + word("Brot.pdf", "utf-8", "q") + '"',
    "2047-bare": "attachment; filename=" + word("Käse.pdf", "utf-8"),
    "raw-utf8": 'attachment; filename="Käse.pdf"',
    "path": 'attachment; filename="../../etc/passwd"',
    "absolute": 'attachment; filename="/etc/passwd"',
    "windows-path": 'attachment; filename="C:\\\\Users\\\\x\\\\a.doc"',
    "dots": 'attachment; filename=".."',
    "hidden": 'attachment; filename=".bashrc"',
    "dash": 'attachment; filename="-rf"',
    "pipe": 'attachment; filename="|sh"',
    "empty": 'attachment; filename=""',
    "blank": 'attachment; filename="   "',
    "escape": 'attachment; filename="a\x1b[2J\x07.pdf"',
    "newline": "attachment; filename*=utf-8''a%0D%0ASubject%3A%20x.pdf",
    "nul": "attachment; filename*=utf-8''a%00.exe",
    "bidi": f"attachment; filename*=utf-8''{percent(chr(0x202e) + 'fdp.exe')}",
    "double": 'attachment; filename="invoice.pdf.exe"',
    "spaces-exe": 'attachment; filename="invoice.pdf' + " " * 60 + '.exe"',
    "long": 'attachment; filename="' + "x" * 500 + '.pdf"',
    "semicolon": 'attachment; filename="a;b=c.pdf"; size=4',
    "no-end": 'attachment; filename="never closed.pdf',
    "inline": "inline; filename=shown.pdf",
    "unknown-word": "x-strange; filename=a.pdf",
    "none": "attachment",
}
for name, disposition in DISPOSITIONS.items():
    letter(f"name-{name}",
           multi("mixed", part("See the file.\n"),
                 part("%PDF-1.4 data", "application/pdf", "base64",
                      disposition)), subject=f"A file: {name}")
letter("name-raw-latin1", multi("mixed", part("See.\n"),
                                b"Content-Type: application/pdf; name=\"K\xe4se"
                                b".pdf\"\nContent-Disposition: attachment\n\nx"))
letter("name-type-only", multi("mixed", part("See.\n"), part(
    "x", 'application/pdf; name="of the type.pdf"')))
letter("name-both", multi("mixed", part("See.\n"), part(
    "x", 'application/pdf; name="type.pdf"', None,
    'attachment; filename="disposition.pdf"')))
letter("name-text", multi("mixed", part("See.\n"), part(
    "This is a text file.\n", "text/plain; name=notes.txt", None,
    "attachment; filename=notes.txt")))
letter("name-text-inline", multi("mixed", part("See.\n"), part(
    "This is a text file, shown.\n", "text/plain; name=notes.txt", None,
    "inline; filename=notes.txt")))
