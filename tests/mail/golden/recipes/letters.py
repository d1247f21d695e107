"""What the recipes are written with: messages and parts as bytes."""
import base64
import quopri
import textwrap

DATE = "Tue, 24 Nov 2026 11:11:46 +0100"
written = {}        # name -> bytes


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


def put(name, raw):
    assert name not in written, name
    written[name] = octets(raw)


def b64(data, width=76):
    code = base64.b64encode(octets(data)).decode()
    return "\n".join(textwrap.wrap(code, width)) + "\n" if code else ""


def qp(data):
    return quopri.encodestring(octets(data)).decode()


def word(text, charset, kind="b"):
    """One encoded word, RFC 2047."""
    data = text if isinstance(text, bytes) else text.encode(charset)
    if kind == "b":
        return f"=?{charset}?B?{base64.b64encode(data).decode()}?="
    code = "".join(chr(b) if chr(b).isalnum() and b < 128 else
                   "_" if b == 32 else f"={b:02X}" for b in data)
    return f"=?{charset}?Q?{code}?="


def percent(data):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 or b in b".-_" else
                   f"%{b:02X}" for b in octets(data))


def encode(body, cte):
    if cte == "base64":
        return octets(b64(body))
    if cte == "quoted-printable":
        return octets(qp(body))
    return octets(body)


def part(body="", ctype="text/plain; charset=utf-8", cte=None, disp=None,
         extra=""):
    """A part with its header."""
    head = f"Content-Type: {ctype}\n" if ctype else ""
    if cte:
        head += f"Content-Transfer-Encoding: {cte}\n"
    if disp:
        head += f"Content-Disposition: {disp}\n"
    return octets(head + extra + "\n") + encode(body, cte)


def multi(subtype, *parts, boundary="=-b1", params=""):
    """A multipart with its header."""
    head = (f"Content-Type: multipart/{subtype}; boundary=\"{boundary}\""
            f"{params}\n\n").encode()
    delimiter = f"--{boundary}".encode()
    return head + b"".join(delimiter + b"\n" + octets(p) + b"\n"
                           for p in parts) + delimiter + b"--\n"


def letter(name, content, subject="Hello", sender="Alice Adams <alice@a.com>",
           to="me@a.com", extra="", mime=True, date=DATE):
    """A message; content is a part or a multipart, with its header."""
    head = f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: {date}\n"
    head += f"Message-ID: <{name}@a.com>\n{extra}"
    if mime:
        head += "MIME-Version: 1.0\n"
    put(name, head.encode("utf-8", "surrogateescape") + octets(content))


def text(name, body, **fields):
    """A message without MIME."""
    letter(name, b"\n" + octets(body), mime=False, **fields)


def html(name, body, subject="News", cte="quoted-printable",
         charset="utf-8", **fields):
    letter(name, part(body.encode(charset), f"text/html; charset={charset}",
                      cte), subject=subject, **fields)
