"""Where the keys of a TOML text stand: line and column of each, which parsers do not tell.

The text is one that a parser accepted, so nothing is checked here a second time.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

import tomli

from builder.base.errors import Location

Place = tuple[int, int]
"""Line and column, from 1."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BEFORE_COMMA = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})|' + r"'''.*?'''(?:'{0,2})|" + r"""'[^'\n]*'|"(?:\\.|[^"\\\n])*\"""",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def places(text: str) -> dict[Location, Place]:
    """Return the place of every key, table and item of a list. The text is TOML without a mark of its encoding."""
    return _Scanner(text).scanned()


def nearest(found: dict[Location, Place], location: Location) -> Place:
    """Return the place of a location, or that of what it would be in; the first line if nothing of it is there."""
    while location:
        if location in found:
            return found[location]
        location = location[:-1]
    return 1, 1


class _Scanner:
    """A pass over a text."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._found: dict[Location, Place] = {}
        self._counts: dict[Location, int] = {}
        """Tables so far of each list of tables."""

    def scanned(self) -> dict[Location, Place]:
        table: Location = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._found

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _note(self, location: Location, at: int) -> None:
        line = bisect_right(self._starts, at)
        self._found.setdefault(location, (line, at - self._starts[line - 1] + 1))

    def _keys(self) -> Iterator[str]:
        """Yield the parts of a dotted key."""
        while found := _KEY.match(self._text, self._at):
            self._at = found.end()
            yield next(iter(tomli.loads(f"{found[1]} = 0")))
            if not found[2]:
                return

    def _header(self) -> Location:
        """Read `[table]` or `[[table]]`, and return where the keys below it are."""
        begin, several = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if several else 1
        parts = list(self._keys())
        self._at = self._text.find("\n", self._at) if "\n" in self._text[self._at :] else len(self._text)
        location: Location = ()
        for number, part in enumerate(parts, 1):
            location = (*location, part)
            self._note(location, begin)
            if several and number == len(parts):
                self._counts[location] = self._counts.get(location, 0) + 1
            if location in self._counts:
                location = (*location, self._counts[location] - 1)
                self._note(location, begin)
        return location

    def _pair(self, table: Location) -> None:
        """Read a key and its value."""
        self._skip(_BLANK)
        begin, location = self._at, table
        for part in self._keys():
            location = (*location, part)
            self._note(location, begin)
        self._at = self._text.index("=", self._at) + 1
        while self._text.startswith((" ", "\t"), self._at):
            self._at += 1
        self._value(location)

    def _value(self, location: Location) -> None:
        first = self._text[self._at]
        if first == "[":
            self._list(location)
        elif first == "{":
            self._inline(location)
        else:
            self._skip(_STRING if first in "\"'" else _SCALAR)

    def _list(self, location: Location) -> None:
        self._at += 1
        number = 0
        self._skip(_BEFORE_COMMA)
        while self._text[self._at] != "]":
            self._note((*location, number), self._at)
            self._value((*location, number))
            number += 1
            self._skip(_BEFORE_COMMA)
        self._at += 1

    def _inline(self, location: Location) -> None:
        self._at += 1
        self._skip(_BEFORE_COMMA)
        while self._text[self._at] != "}":
            self._pair(location)
            self._skip(_BEFORE_COMMA)
        self._at += 1
