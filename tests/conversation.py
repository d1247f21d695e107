"""The words of a conversation that is kept as text (dialog/, outgoing/servers/).

What is sent: \\r \\n \\t \\0 \\xNN \\\\, {b64:TEXT}, {x*1000} (x a thousand times),
{PORT:smtp}. What is awaited: * stands for anything, \\* for itself.
"""

import base64
import re

ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


class Failure(Exception):
    pass


def unescape(text):
    """Escapes of TEXT outside {...}, as latin-1 characters."""
    def one(m):
        return chr(int(m[1][1:], 16)) if m[1][0] == "x" and len(m[1]) == 3 \
            else ESCAPES.get(m[1], m[0])
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text)


def expand(text, ports):
    text = unescape(text)

    def b64(m):
        return base64.b64encode(m[1].encode("latin1")).decode()
    text = re.sub(r"\{([^{}]+)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    text = re.sub(r"\{b64:([^}]*)\}", b64, text)
    text = re.sub(r"\{PORT:(\w+)\}", lambda m: str(ports[m[1]]), text)
    return text.encode("latin1")


def matches(pattern, line):
    parts = re.split(r"(\\\*|\*)", pattern)
    regex = "".join(".*" if p == "*" else re.escape(unescape(p)
                    if p != "\\*" else "*") for p in parts)
    return re.fullmatch(regex, line, re.S) is not None
