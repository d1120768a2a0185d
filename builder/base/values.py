"""Typed values for what indexes, locks and archives send: parsed at the border, or refused with the sender's name.

Nothing that was not parsed here names a file, a hash or a line of another program's input.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from builder.base.errors import BuildError
from builder.base.frozen import dataclass

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST_PART = 255
"""Bytes of one part of a path: the limit of ext4, XFS and APFS; NTFS counts characters."""
_SHOWN = 80


class UntrustedError(BuildError):
    """An index, a lock or an archive sent a value that does not have the form that it must have."""

    HINT: ClassVar[str] = "nothing of it was used; is this the index that you mean, and is it in order?"


class Sha256(str):
    """The SHA-256 of a file: 64 lower-case hexadecimal digits."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object, sender: str) -> "Sha256":
        """Return the value, or raise UntrustedError that names the sender."""
        if isinstance(value, str) and _SHA256.fullmatch(value):
            return cls(value)
        raise untrusted(sender, value, "a SHA-256, which has 64 lower-case hexadecimal digits")


class RelativePath(str):
    """A path below a folder, with slashes on every host.

    It has no `..`, no absolute part, no drive letter, no backslash, no control character, and at most 255 bytes a part.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, value: object, sender: str) -> "RelativePath":
        """Return the path without `.` parts, or raise UntrustedError that names the sender."""
        if not isinstance(value, str) or _leaves(value):
            raise untrusted(sender, value, "a path below its folder")
        parts = [part for part in value.split("/") if part not in {"", "."}]
        if not parts or any(len(part.encode(errors="surrogatepass")) > _LONGEST_PART for part in parts):
            raise untrusted(sender, value, f"a path whose parts have 1 to {_LONGEST_PART} bytes")
        return cls("/".join(parts))


class FileName(RelativePath):
    """A relative path of one part."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object, sender: str) -> "FileName":
        """Return the name, or raise UntrustedError that names the sender."""
        path = RelativePath.parse(value, sender)
        if "/" in str(value):
            raise untrusted(sender, value, "a file name")
        return cls(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAs:
    """How a field of a stored value is written as JSON and parsed again, for pydantic.

    What was stored is not trusted more than an index: `parse` raises UntrustedError for what the field never holds.
    """

    parse: Callable[[Any], Any]
    write: Callable[[Any], Any] | None = None
    """None for values that JSON has."""
    plain: bool = False
    """Whether `parse` takes the value as it stands in JSON. Otherwise it takes one of the field's own type."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], "CoreSchema"]) -> "CoreSchema":
        from pydantic_core import core_schema

        schema: CoreSchema
        if self.plain:
            schema = core_schema.no_info_plain_validator_function(self.parse)
        else:
            schema = core_schema.no_info_after_validator_function(self.parse, handler(source))
        if self.write:
            schema["serialization"] = core_schema.plain_serializer_function_ser_schema(self.write)
        return schema


STORED = "a stored plan"
"""The sender of stored values."""


def stored(pattern: re.Pattern[str], what: str) -> StoredAs:
    """Return the annotation of a stored field whose texts match an ecosystem's grammar as a whole."""
    return StoredAs(parse=lambda value: matching(pattern, value, STORED, what))


def _folder(value: object) -> Path:
    if isinstance(value, str) and value and not _CONTROL.search(value):
        return Path(value)
    raise untrusted(STORED, value, "the path of a folder")


StoredSha256 = Annotated[str, StoredAs(parse=lambda value: Sha256.parse(value, STORED))]
StoredFileName = Annotated[str, StoredAs(parse=lambda value: FileName.parse(value, STORED))]
StoredPath = Annotated[str, StoredAs(parse=lambda value: RelativePath.parse(value, STORED))]
StoredFolder = Annotated[Path, StoredAs(plain=True, parse=_folder, write=Path.as_posix)]
"""A folder of the host."""


def matching(pattern: re.Pattern[str], value: object, sender: str, what: str) -> str:
    """Return a value that matches an ecosystem's grammar as a whole, or raise UntrustedError.

    `what` continues "is not", for example `a valid name of a gem`.
    """
    if isinstance(value, str) and pattern.fullmatch(value) and not _CONTROL.search(value):
        return value
    raise untrusted(sender, value, what)


def untrusted(sender: str, value: object, what: str) -> UntrustedError:
    """Return the error for a value that a sender should not send."""
    shown = repr(value) if isinstance(value, str) else f"a {type(value).__name__}"
    msg = f"{sender} sends a value that is not {what}"
    return UntrustedError(msg, why=[shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"], hint=UntrustedError.HINT)


def _leaves(value: str) -> bool:
    absolute = value.startswith("/") or _DRIVE.match(value) is not None
    return absolute or ".." in value.split("/") or "\\" in value or _CONTROL.search(value) is not None
