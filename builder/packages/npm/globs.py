"""Patterns of .npmignore, .gitignore and `files`, as the library minimatch of npm reads them.

They differ from those of git: case does not matter, braces are lists, and a pattern without a slash fits the last part
of any path. A rule can be asked whether something below a folder may fit.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

_GLOBSTAR = "**"
_MOST_BRACES = 1000
_EXTENDED = {"?": "?", "*": "*", "+": "+", "@": ""}
_LIST = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


@dataclass(frozen=True)
class Rule:
    """One line: a pattern, or with `!` before it one that takes back what earlier lines say."""

    text: str

    @cached_property
    def negated(self) -> bool:
        return (len(self.text) - len(self.text.lstrip("!"))) % 2 == 1

    @cached_property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """The parts of the pattern between slashes, once for each choice of its braces."""
        return tuple(tuple(re.sub("/+", "/", each).split("/")) for each in _expanded(self.text.lstrip("!")))

    @cached_property
    def _compiled(self) -> tuple[tuple[re.Pattern[str] | None, ...], ...]:
        return tuple(tuple(_part(part) for part in parts) for parts in self.alternatives)

    @property
    def is_relative(self) -> bool:
        """Whether it has one part, or one part and a slash at the end."""
        return any(len(parts) <= (1 if parts[-1] else 2) for parts in self.alternatives)

    def fits(self, path: str, *, partial: bool = False) -> bool:
        """Return whether a path fits; with `partial` also whether something below it may."""
        if partial and path == "/":
            return True
        file = re.sub("/+", "/", path).split("/")
        name = next((part for part in reversed(file) if part), "")
        return any(_fits([name] if len(each) == 1 else file, each, partial=partial) for each in self._compiled)


def rules(lines: Sequence[str]) -> list[Rule]:
    """Return the rules of a file: neither comments nor empty lines."""
    return [Rule(text) for line in lines if (text := line.strip()) and not text.startswith("#")]


def _fits(file: Sequence[str], pattern: Sequence[re.Pattern[str] | None], *, partial: bool) -> bool:
    for index, part in enumerate(pattern):
        if index == len(file):
            return partial
        if part is None:
            rest = pattern[index + 1 :]
            if not rest:
                return all(each not in {".", ".."} for each in file[index:])
            return partial or any(_fits(file[at:], rest, partial=False) for at in range(index, len(file)))
        if not part.fullmatch(file[index]):
            return False
    left = file[len(pattern) :]
    return not left or left == [""]


def _expanded(text: str) -> Iterator[str]:
    """Yield what a shell makes of the braces in a text."""
    queue, done = [text], 0
    while queue and done < _MOST_BRACES:
        each = queue.pop(0)
        done += 1
        choice = next((found for found in _LIST.finditer(each) if _choices(found[1])), None)
        if choice is None:
            yield each
        else:
            queue += [each[: choice.start()] + one + each[choice.end() :] for one in _choices(choice[1])]


def _choices(text: str) -> list[str]:
    if span := _RANGE.fullmatch(text):
        first, last = int(span[1]), int(span[2])
        return [str(number) for number in range(min(first, last), min(max(first, last), first + _MOST_BRACES) + 1)]
    return text.split(",") if "," in text else []


def _part(text: str) -> re.Pattern[str] | None:
    """Return the expression for one part of a path; None for `**`. One that is none fits nothing but itself."""
    if text == _GLOBSTAR:
        return None
    try:
        return re.compile(_translated(text), re.IGNORECASE | re.DOTALL)
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE)


def _translated(text: str) -> str:
    text = re.sub(r"\*+", "*", text)
    out, ends, at = "", [], 0
    while at < len(text):
        char, after = text[at], text[at + 1 : at + 2]
        if after == "(" and (char in _EXTENDED or char == "!"):
            out += "(?:" if char != "!" else "(?!(?:"
            ends.append(f"){_EXTENDED[char]}" if char != "!" else ")$)[^/]*")
            at += 1
        elif ends and char in "|)":
            out += "|" if char == "|" else ends.pop()
        elif char == "[" and (listed := re.match(r"\[([!^]?)(\]?[^\]]*)\]", text[at:])):
            inner = listed[2].replace("\\", r"\\").replace("[", r"\[")
            out += f"[{'^' if listed[1] else ''}{inner}]"
            at += listed.end() - 1
        elif char == "\\" and after:
            out += re.escape(after)
            at += 1
        else:
            out += {"*": "[^/]*?", "?": "[^/]"}.get(char, re.escape(char))
        at += 1
    return "[^/]+" if text == "*" else out
