"""Text files of a user: read as UTF-8, and parsed as JSON or TOML, with errors that name the file."""

import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

import tomli

from builder.base.errors import UsageError

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest text that is read: above the largest locks, which have some 10 MiB."""
BOM = "\ufeff"
"""The mark that some editors write before a text in UTF-8; npm, pnpm, uv and Cargo read it as nothing."""
_MOST_VALUES = 4_000_000
"""Brackets and commas of a JSON text: each is a value of some 60 bytes in memory."""
_MOST_TABLES = 400_000
"""Brackets, commas, dots and lines of a TOML text: each may be a table of 1 KB in memory. Locks have some 50,000."""
_DEEPEST = 200
"""Levels of nesting; the code that reads documents is recursive in places."""
_KEYS = re.compile(r"[\w\"' \t.-]+")
_MOST_PARTS = 100
"""Parts of one dotted key, for which the parser takes quadratic time."""


class MalformedError(ValueError):
    """A text is no JSON or TOML that can be read. The message is the parser's own, with line and column."""

    def __init__(self, told: str, cause: Exception) -> None:
        super().__init__(told)
        self.what: str = getattr(cause, "msg", told)
        """The message without its place."""
        self.line: int = getattr(cause, "lineno", 1)
        self.column: int = getattr(cause, "colno", 1)


def read(path: Path) -> str:
    """Return the text of a file. Raises UsageError if it is not UTF-8, is no file, or is larger than `LARGEST`."""
    try:
        with path.open("rb") as stream:
            data = begun(stream)
        if len(data) > LARGEST:
            raise _unread(path, "is too large", f"it has more than {LARGEST // 1024**2} MiB")
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise _unread(path, "is not UTF-8", f"it is not UTF-8: {error}") from None
    except OSError as error:
        raise _unread(path, "cannot be read", error.strerror or str(error)) from None


def begun(stream: BinaryIO) -> bytes:
    """Return the content of a file, or its first `LARGEST` bytes and one more.

    Its size is asked first: to read up to so many bytes, Python takes memory for all of them. A file that grows,
    and one of /proc, has more than its size says.
    """
    size = os.fstat(stream.fileno()).st_size
    data = stream.read(min(size, LARGEST) + 1)
    return data if len(data) <= size or len(data) > LARGEST else data + stream.read(LARGEST + 1 - len(data))


def _unread(path: Path, what: str, why: str) -> UsageError:
    return UsageError(f"{path.as_posix()} {what}", why=[why])


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401
    """Parse JSON, with or without a mark of its encoding. Raises MalformedError, also for too deep a nesting."""
    try:
        _weigh(text if isinstance(text, str) else text.decode(errors="replace"), ",[{", _MOST_VALUES)
        return _flat(json.loads(text.removeprefix(BOM) if isinstance(text, str) else text))
    except (ValueError, RecursionError) as error:
        raise MalformedError(_told(error), error) from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object; anything else is an empty one, for those who need nothing of it."""
    try:
        found = parse_json(text)
    except MalformedError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises MalformedError, also for a nesting that is too deep for Python."""
    try:
        _weigh(text, ",[{.\n", _MOST_TABLES)
        _measure(text)
        return dict(_flat(tomli.loads(text.removeprefix(BOM))))
    except (ValueError, RecursionError) as error:
        raise MalformedError(_told(error), error) from None


def _weigh(text: str, marks: str, most: int) -> None:
    if len(text) > LARGEST or sum(map(text.count, marks)) > most:
        msg = "it is too large"
        raise ValueError(msg)


def _measure(text: str) -> None:
    """Raise RecursionError for a dotted key of too many parts."""
    if text.count(".") > _MOST_PARTS and any(keys.count(".") > _MOST_PARTS for keys in _KEYS.findall(text)):
        raise RecursionError


def _flat(document: Any) -> Any:  # noqa: ANN401
    """Return the document if it is not nested too deeply. Raises RecursionError otherwise."""
    level = [document] if isinstance(document, (dict, list)) else []
    for _ in range(_DEEPEST):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return document
    raise RecursionError


def _told(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
