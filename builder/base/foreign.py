r"""Text that comes from outside, made safe for the place where it is shown.

Names in archives, metadata of packages, the output of programs and the words of servers are shown on terminals, in
logs, in Markdown and in XML. What would steer one of them, hide something, or turn the direction of text, becomes
visible here and nowhere else: `\x1b`, `\u202e`. A document for programs keeps the text, in the escapes of JSON.
"""

import re
from collections.abc import Iterable, Iterator

_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters: cursor, title, clipboard; C1 holds one-byte forms of them
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # shown as nothing
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, direction, line separators
    "\ud800-\udfff\ufffe\uffff"  # no characters: XML and UTF-8 do not have them
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags, which are shown as nothing
)
_IN_TEXT = f"[{_HIDDEN}]"
_IN_LINE = f"[{_HIDDEN}\t\n]"
"""Compiled when the first text needs them: the names in a listing are nearly always printable ASCII."""
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Colours and movements of the cursor (ECMA-48, 5.4), which say nothing in a log."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "[": "&#91;", "]": "&#93;", "`": "&#96;"}
_SYNTAX = r"(?i)[\\*_~$&<>|\[\]`]|@(?=\w)|#(?=\d)|:(?=//)|\bwww(?=\.)"
"""Of Markdown, and what code hosts make links of without any syntax."""
_ADDRESS = r"https?://[A-Za-z0-9._~:/?#@!$&',;=%+-]+"
_LONGEST_SHORT, _LONGEST_MIDDLE = 0xFF, 0xFFFF


def text(value: str) -> str:
    """Return text of several lines: line feeds and tabs stay, everything else that is not shown becomes visible."""
    return value if _is_plain(value) else re.sub(_IN_TEXT, _visible, value)


def line(value: str) -> str:
    """Return text on one line: line feeds and tabs become visible as well."""
    return value if _is_plain(value) else re.sub(_IN_LINE, _visible, value)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def output(value: str) -> str:
    """Return a line that a program wrote, without its colours and movements of the cursor."""
    return text(_CONTROL_SEQUENCE.sub("", value.rstrip("\r")))


def _visible(found: "re.Match[str]") -> str:
    character = found[0]
    if named := {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character):
        return named
    code = ord(character)
    if code <= _LONGEST_SHORT:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LONGEST_MIDDLE else f"\\U{code:08x}"


# ---- Markdown ------------------------------------------------------------------------------------------------------


def markdown(value: str) -> str:
    """Return text on one line as Markdown that shows it as it is: no link, image, HTML, mention or cell comes of it.

    It stands in a cell or after words of ours, where nothing is a list or a heading. The dialect is that of code hosts
    (GitHub Flavored Markdown), where also `www.`, `://`, `@name` and `#1` are links.
    """
    return re.sub(_SYNTAX, _escaped, line(value))


def _escaped(found: "re.Match[str]") -> str:
    syntax = found[0]
    if syntax in _ENTITIES:
        return _ENTITIES[syntax]
    return f"\\{syntax}" if syntax in "\\*_~$" else f"{syntax}<!-- -->"


def link(address: str) -> str:
    """Return an address as Markdown: a link if it is one of the web, without anything that could end it."""
    return address if re.fullmatch(_ADDRESS, address) else markdown(address)


def fenced(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of a program's output as a block of code that none of them can end."""
    shown = [line for value in lines for line in output(value).split("\n")]
    longest = max((len(run) for value in shown for run in re.findall("`+", value)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text"
    yield from shown
    yield fence


# ---- documents for programs ----------------------------------------------------------------------------------------


def dumped(value: object, *, compact: bool = False) -> str:
    """Return a value as JSON for a terminal: on one line, or indented."""
    import json  # help and errors need none

    text = json.dumps(value, separators=(",", ":")) if compact else json.dumps(value, indent=2, ensure_ascii=False)
    return in_json(text)


def in_json(document: str) -> str:
    """Return a JSON text in which everything that is not shown is escaped, and no code host finds a command."""
    return re.sub(_IN_TEXT, _json, document).replace("##", "#\\u0023")


def _json(found: "re.Match[str]") -> str:
    encoded = found[0].encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{encoded[at : at + 4]}" for at in range(0, len(encoded), 4))
