"""Text files of a user: read as UTF-8, and parsed as JSON or TOML, with errors that name the file."""

import json
from pathlib import Path
from typing import Any

import tomli

from builder.base.errors import UsageError

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest text that is read: far above the largest locks, which have some 10 MiB."""


class MalformedError(ValueError):
    """A text is no JSON or TOML that can be read. The message is the parser's own, with line and column."""


def read(path: Path) -> str:
    """Return the text of a file. Raises UsageError if it is not UTF-8, is no file, or is larger than `LARGEST`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise _unread(path, "is too large", f"it has more than {LARGEST // 1024**2} MiB")
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise _unread(path, "is not UTF-8", f"it is not UTF-8: {error}") from None
    except OSError as error:
        raise _unread(path, "cannot be read", error.strerror or str(error)) from None


def _unread(path: Path, what: str, why: str) -> UsageError:
    return UsageError(f"{path.as_posix()} {what}", why=[why])


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401
    """Parse JSON. Raises MalformedError, also for a nesting that is too deep for Python."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(_told(error)) from None


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises MalformedError, also for a nesting that is too deep for Python."""
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(_told(error)) from None


def _told(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
