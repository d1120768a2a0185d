"""Patterns of paths as in .gitignore, asked for every file of a layer."""

import re
from collections.abc import Iterable

from pathspec import GitIgnoreSpec

_ANYWHERE = "^(?:.+/)?"
"""How the expression of a pattern begins that matches in every folder."""
_NAMED = re.compile(r"\(\?P<\w+>")


class Matcher:
    """Patterns of which the last that matches a path decides, as pathspec has them.

    Nearly all paths match none. One expression for all patterns rules these out in a tenth of the time.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._spec = GitIgnoreSpec.from_lines(patterns)
        including = (pattern.regex for pattern in self._spec.patterns if pattern.include)
        self._maybe = _together([regex for regex in including if regex is not None])
        self._certain = all(pattern.include is not False for pattern in self._spec.patterns)

    def match_file(self, path: str) -> bool:
        """Tell whether a path, relative and with slashes, is matched."""
        clean = not path.startswith(("/", "./"))  # else pathspec normalizes it first
        if clean and self._maybe is not None:
            matched = self._maybe.match(path) is not None
            if self._certain or not matched:  # no pattern takes back what another includes
                return matched
        return self._spec.match_file(path)


def _together(expressions: Iterable["re.Pattern[str]"]) -> "re.Pattern[str] | None":
    """Return an expression that matches what any of them does, all at the beginning; None if one is not so."""
    texts = [_NAMED.sub("(?:", expression.pattern) for expression in expressions]
    if not all(text.startswith("^") for text in texts):
        return None
    anywhere = [text.removeprefix(_ANYWHERE) for text in texts if text.startswith(_ANYWHERE)]
    others = [text for text in texts if not text.startswith(_ANYWHERE)]
    parts = [*([f"{_ANYWHERE}(?:{'|'.join(anywhere)})"] if anywhere else []), *others]
    return re.compile("|".join(parts) if parts else r"(?!)")
