"""`go.sum` (https://go.dev/ref/mod#go-sum-files): the hash of every module, which Go itself verifies."""

import base64
import binascii
import re
from collections.abc import Mapping

from builder.base.frozen import dataclass
from builder.model.go_module import VERSION, is_module_path
from builder.packages.ecosystem import unreadable

_H1 = re.compile(r"h1:(?P<digest>[A-Za-z0-9+/]{43}=)", re.ASCII)
_SHA256 = 32
"""Bytes."""
_LONGEST = 100
"""Characters of a line that an error shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GoSum:
    """The hashes of a go.sum."""

    zips: Mapping[tuple[str, str], str]
    """Of the files of a module, by its path and version: `h1:` and base64 of SHA-256 over their names and hashes."""


def read(text: str, where: str, command: str) -> GoSum:
    """Return the hashes of a go.sum. Raises UsageError with all its mistakes; `command` writes it anew."""
    hashes: dict[tuple[str, str], str] = {}
    wrong: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if problem := _problem(words):
            wrong.append(f"`{line[:_LONGEST].strip()}` {problem}")
        elif hashes.setdefault((words[0], words[1]), words[2]) != words[2]:
            wrong.append(f"{words[0]} {words[1]} has two hashes")
    if wrong:
        raise unreadable(where, "go.sum", wrong, command)
    return GoSum(zips={key: digest for key, digest in hashes.items() if not key[1].endswith("/go.mod")})


def _problem(words: list[str]) -> str | None:
    """Return what is wrong with the words of a line."""
    if len(words) != 3:  # noqa: PLR2004  module, version, hash
        return "is not a module, its version and its hash"
    path, version, digest = words
    if not is_module_path(path):
        return "does not begin with the path of a module"
    if not VERSION.fullmatch(version.removesuffix("/go.mod")):
        return "names no version of a module"
    return None if is_digest(digest) else "has no `h1:` hash of 32 bytes"


def is_digest(text: str) -> bool:
    """Tell whether a text is `h1:` and the base64 of 32 bytes, in the one spelling that encodes them."""
    match = _H1.fullmatch(text)
    if match is None:
        return False
    try:
        data = base64.b64decode(match["digest"], validate=True)
    except binascii.Error:
        return False
    return len(data) == _SHA256 and base64.b64encode(data).decode() == match["digest"]
