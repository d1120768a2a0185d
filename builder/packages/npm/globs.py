"""Patterns of .npmignore, .gitignore and `files`, as the library minimatch of npm reads them.

They differ from those of git: case does not matter, braces are lists, and a pattern without a slash fits the last part
of any path. A rule can be asked whether something below a folder may fit.

Both a path and a part of it are matched by the set of all places that a pattern can have led to, and not by trying one
way after the other: a pattern of a project cannot take longer than its length and that of a name allow.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

_GLOBSTAR = "**"
_MOST_BRACES = 1000
_DEEPEST = 2
"""Lists of alternatives in each other, `+(a|@(b|c))`."""
_LONGEST = 255
"""Characters of a part: no file system has longer names."""
_FLAGS = re.IGNORECASE | re.DOTALL
_ANY = re.compile(r"[^/]", _FLAGS)
_PLAIN = re.compile(r"(?:[^\\*?+@!\[()|]|\\.)+", re.DOTALL)
_CLASS = re.compile(r"\[(?P<negated>[!^]?)(?P<inner>\]?[^\]]*)\]")
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
    def _compiled(self) -> tuple[tuple["_GlobPart | None", ...], ...]:
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


def _fits(file: Sequence[str], pattern: Sequence["_GlobPart | None"], *, partial: bool) -> bool:
    places = {0}
    for number, part in enumerate(pattern, 1):
        if partial and len(file) in places:
            return True
        if part is not None:
            places = {at + 1 for at in places if at < len(file) and part.fits(file[at])}
        elif number < len(pattern):
            if partial and places:
                return True
            places = set(range(min(places, default=len(file)), len(file)))
        else:
            return any(at < len(file) and not {".", ".."} & set(file[at:]) for at in places)
    return any(file[at:] in ([], [""]) for at in places)


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


@dataclass(frozen=True)
class _GlobGroup:
    """Alternatives, with the sign before them: `?(a|b)`, `*(a)`, `+(a)`, `@(a)` or `!(a)`."""

    sign: str
    choices: tuple["_GlobPart", ...]


@dataclass(frozen=True)
class _GlobPart:
    """A part of a path between slashes, as what follows each other; None is any text."""

    tokens: tuple[re.Pattern[str] | _GlobGroup | None, ...]

    def fits(self, text: str) -> bool:
        first = self.tokens[0] if self.tokens else None
        if isinstance(first, re.Pattern) and not first.match(text):  # most rules begin with the letters of a name
            return False
        return len(text) in _GlobWalk(text).ends(self, {0})


class _GlobWalk:
    """Finds where the tokens of a part can end in one text that begin at one of some places."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._refused: dict[tuple[int, int, int], bool] = {}

    def ends(self, part: _GlobPart, starts: set[int], first: int = 0) -> set[int]:
        for number, token in enumerate(part.tokens[first:], first):
            if not starts:
                break
            if token is None:
                starts = self._all_from(starts)
            elif isinstance(token, _GlobGroup):
                starts = self._negated(part, number, token, starts) if token.sign == "!" else self._group(token, starts)
            else:
                starts = {found.end() for at in starts if (found := token.match(self._text, at))}
        return starts

    def _all_from(self, starts: set[int]) -> set[int]:
        return set(range(min(starts), len(self._text) + 1)) if starts else set()

    def _group(self, group: _GlobGroup, starts: set[int]) -> set[int]:
        found = fresh = self._once(group, starts)
        while group.sign in "*+" and (fresh := self._once(group, fresh) - found):
            found = found | fresh
        return found | starts if group.sign in "?*" else found

    def _once(self, group: _GlobGroup, starts: set[int]) -> set[int]:
        return {end for choice in group.choices for end in self.ends(choice, starts)}

    def _negated(self, part: _GlobPart, number: int, group: _GlobGroup, starts: set[int]) -> set[int]:
        """Any text follows, unless an alternative and the rest of the part fit all that is left."""
        kept = set()
        for at in starts:
            key = (id(part), number, at)
            if key not in self._refused:
                self._refused[key] = len(self._text) in self.ends(part, self._once(group, {at}), number + 1)
            if not self._refused[key]:
                kept.add(at)
        return self._all_from(kept)


def _part(text: str) -> _GlobPart | None:
    """Return one part of a path; None for `**`. One that cannot be read fits nothing but itself."""
    if text == _GLOBSTAR:
        return None
    text = re.sub(r"\*+", "*", text)
    if text == "*":
        return _GlobPart((_ANY, None))
    try:
        return _read(text) if len(text) <= _LONGEST else _GlobPart((_literal(text),))
    except (re.error, ValueError):
        return _GlobPart((_literal(text),))


def _literal(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text), _FLAGS)


def _read(text: str) -> _GlobPart:
    """Return what a part says. Raises ValueError or re.error for one that cannot be read."""
    levels: list[tuple[str, list[list[re.Pattern[str] | _GlobGroup | None]]]] = [("", [[]])]
    at = 0
    while at < len(text):
        char, row = text[at], levels[-1][1][-1]
        if char in "?*+@!" and text[at + 1 : at + 2] == "(":
            levels.append((char, [[]]))
            at += 1
        elif len(levels) > 1 and char == "|":
            levels[-1][1].append([])
        elif len(levels) > 1 and char == ")":
            sign, rows = levels.pop()
            levels[-1][1][-1].append(_GlobGroup(sign, tuple(_GlobPart(tuple(each)) for each in rows)))
        elif listed := _CLASS.match(text, at):
            inner = listed["inner"].replace("\\", r"\\").replace("[", r"\[")
            row.append(re.compile(f"[{'^' if listed['negated'] else ''}{inner}]", _FLAGS))
            at = listed.end() - 1
        elif char in "*?":
            row.append(None if char == "*" else _ANY)
        else:
            plain = _PLAIN.match(text, at)
            end = plain.end() if plain else at + 1
            row.append(_literal(re.sub(r"\\(.)", r"\1", text[at:end], flags=re.DOTALL)))
            at = end - 1
        at += 1
        if len(levels) > _DEEPEST + 1:
            raise ValueError
    if len(levels) > 1:
        raise ValueError
    return _GlobPart(tuple(levels[0][1][0]))
