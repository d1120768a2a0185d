"""What acts in the text of a program or a template: all of it but comments, docstrings and blank lines.

Hashes of programs are taken over this, so that an explanation can be improved without anything being made again.
"""

import re
from collections.abc import Callable, Iterable, Iterator

_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(?P<end>\w+)\1")
_COMMENT_IN_C = re.compile(r'"(?:[^"\\\n]|\\.)*"|' + r"'(?:[^'\\\n]|\\.)*'|(?P<comment>/\*.*?\*/|//[^\n]*)", re.DOTALL)
_COMMENT_IN_TEMPLATE = re.compile(r"\{#.*?#\}", re.DOTALL)
_LEXEME = re.compile(
    r"#[^\n]*|[()\[\]{}]|[rR]?(?:"
    r'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"|'
    r"'''(?:[^\\]|\\.)*?'''|'(?:[^'\\\n]|\\.)*')",
    re.DOTALL,
)
"""A comment, a text or a bracket of Python."""
_REMARKABLE = frozenset("#'\"")
"""What makes a line of a shell worth a closer look."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def significant(text: str, suffix: str) -> str:
    """Return what acts in a text, by the suffix of its file. Of an unknown suffix, all of it."""
    lines = _CLEANERS.get(suffix, str.splitlines)(text)
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())


def _python(text: str) -> list[str]:
    """Drop comments, and texts that are a statement of their own.

    For the grammar before Python 3.12, whose f-strings have no quote within a quote; tokenize takes ten times as long.
    """
    kept, end, depth = [], 0, 0
    for match in _LEXEME.finditer(text):
        word = match[0]
        depth += (word in _OPENING) - (word in _CLOSING)
        if word[0] == "#" or (depth == 0 and word[0] in "\"'rR" and _alone(text, match)):
            kept.append(text[end : match.start()])
            end = match.end()
    return "".join([*kept, text[end:]]).splitlines()


def _alone(text: str, match: re.Match[str]) -> bool:
    """Tell whether nothing else stands on the lines of a match, and no line before it goes on in it."""
    begin = text.rfind("\n", 0, match.start()) + 1
    rest = text[match.end() :].partition("\n")[0].strip()
    return not text[begin : match.start()].strip() and text[:begin][-2:-1] != "\\" and (not rest or rest[0] == "#")


def _shell(text: str) -> Iterator[str]:
    """Drop comments outside of quotes and of documents that are written in place."""
    quote, document = "", ""
    for line in text.splitlines():
        if document:
            document = "" if line.strip() == document else document
            yield line
            continue
        kept, quote = _before_comment(line, quote)
        match = None if quote else _HEREDOC.search(kept)
        document = match["end"] if match else ""
        yield kept


def _ruby(text: str) -> Iterator[str]:
    """Drop comments outside of quotes. No text of our programs in Ruby goes on in the next line."""
    yield from (_before_comment(line, "")[0] for line in text.splitlines())


def _before_comment(line: str, quote: str) -> tuple[str, str]:
    """Return a line up to its comment, and the quote that is open at its end; `quote` is open at its beginning."""
    if not quote and _REMARKABLE.isdisjoint(line):
        return line, ""
    escaped = False
    for position, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and (position == 0 or line[position - 1].isspace()):
            return line[:position], ""
    return line, quote


def _c(text: str) -> list[str]:
    return _COMMENT_IN_C.sub(lambda match: " " if match["comment"] else match[0], text).splitlines()


def _template(text: str) -> Iterator[str]:
    """Drop comments of Jinja, and those of Dockerfiles, which stand on lines of their own."""
    lines = _COMMENT_IN_TEMPLATE.sub("", text).splitlines()
    yield from (line for line in lines if not line.startswith("#"))


_CLEANERS: dict[str, Callable[[str], Iterable[str]]] = {
    ".py": _python,
    ".sh": _shell,
    ".rb": _ruby,
    ".c": _c,
    ".j2": _template,
}
