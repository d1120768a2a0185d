"""JSON documents of layerwright: one file with one typed value, which carries the version of its format.

A file is replaced as a whole, so a killed process leaves the old content or the new one. A file that is not such a
document is renamed, never overwritten: it may be somebody else's, or the victim of a merge, and is then worth reading.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from builder.base import files, locks, notices, plain, shapes, texts
from builder.base.adapters import adapter
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.base.plain import Json
from builder.base.shapes import UnclearError

if TYPE_CHECKING:
    from pydantic import ValidationError

_PART = ".document"
"""Suffix of files that are being written, which only the holder of the lock has."""


T = TypeVar("T")


class Codec(Protocol[T]):
    """The form of a value on disk."""

    def decode(self, document: Json) -> T:
        """Parse a value. Raises ValueError with a text of one line if the document is not one."""

    def encode(self, value: T) -> bytes:
        """Return the bytes of a value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed(Generic[T]):
    """A codec for a dataclass with a field `version`, whose types are validated."""

    kind: type[T]
    indent: int | None = None
    """Spaces of an indentation, for files that people read."""

    def decode(self, document: Json) -> T:
        with contextlib.suppress(UnclearError):
            return shapes.read(self.kind, document.value)  # type: ignore[no-any-return]
        from pydantic import ValidationError

        try:
            return adapter(self.kind).validate_json(document.data)  # type: ignore[no-any-return]
        except ValidationError as error:
            raise ValueError(_first(error)) from None

    def encode(self, value: T) -> bytes:
        try:
            data = plain.to_json(value, indent=self.indent)
        except UnclearError:
            data = adapter(self.kind).dump_json(value, indent=self.indent)
        return data + b"\n" if self.indent else data


class NewerFormatError(UsageError):
    """A document was written by a newer layerwright. It is left as it is."""


class _InvalidError(Exception):
    """A file is not a document of its kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document(Generic[T]):
    """A JSON document on disk. Safe for several processes and threads."""

    path: Path
    what: str
    """The kind of the document, for messages: `ARN book`."""
    codec: Codec[T]
    version: int = 1
    """The version of the format, which is raised when a key changes its meaning."""

    def read(self) -> T | None:
        """Return the value; None if there is none, or one of an older format, which is made again.

        A file that is not such a document is renamed, and the user is warned. Raises NewerFormatError.
        """
        try:
            return self._parsed()
        except _InvalidError as error:
            try:
                with self._locked():
                    return self._parsed_or_renamed()
            except BuildError as cause:
                notices.warn(f"{self.path} is not a valid {self.what}, and is ignored: {error}; {cause.brief}")
                return None

    def update(self, change: Callable[[T | None], T]) -> T:
        """Replace the value by what `change` makes of it, and return that. No other process changes it in between.

        Raises BuildError if the file cannot be written, NewerFormatError as `read` does.
        """
        with self._locked():
            value = change(self._parsed_or_renamed())
            locks.sweep(self.path, part=_PART)
            with files.replacing(self.path, part=_PART) as part:
                part.write_bytes(self.codec.encode(value))
            return value

    def replace(self, value: T) -> None:
        """Write a value, whatever the old one is."""
        self.update(lambda _: value)

    def _parsed(self) -> T | None:
        data = self._load()
        if data is None:
            return None
        document = Json(data)
        found = _version(document)
        if found > self.version:
            msg = f"{self.path} was written by a newer layerwright"
            why = [f"{self.what}, version {found} of the format; this layerwright reads version {self.version}"]
            raise NewerFormatError(msg, why=why, hint="update layerwright, or move the file away")
        if found < self.version:
            return None
        try:
            return self.codec.decode(document)
        except ValueError as error:
            raise _InvalidError(str(error)) from None

    def _load(self) -> bytes | None:
        try:
            if not self.path.is_file():
                if not self.path.exists():
                    return None
                msg = "it is not a file"
                raise _InvalidError(msg)
            with self.path.open("rb") as stream:
                data = texts.begun(stream)
        except FileNotFoundError:
            return None
        except OSError as error:
            msg = f"cannot read {self.path}"
            raise BuildError(msg, why=[str(error)]) from error
        if len(data) > texts.LARGEST:
            msg = f"it has more than {texts.LARGEST // 1024**2} MiB"
            raise _InvalidError(msg)
        return data

    def _parsed_or_renamed(self) -> T | None:
        """Return the value. The caller must hold the lock: a file that is none is renamed."""
        try:
            return self._parsed()
        except _InvalidError as error:
            aside = next(path for path in _names_aside(self.path) if not path.exists())
            files.move(self.path, aside)
            notices.warn(f"{self.path} is not a valid {self.what}, and was renamed to {aside.name}: {error}")
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locks.exclusive(self.path, lambda: None, purpose="document"):
                yield
        except OSError as error:
            msg = f"cannot write {self.path}"
            raise BuildError(msg, why=[str(error)], hint="is the disk full or read-only?") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Envelope:
    """What documents of every format and version have in common."""

    version: int


def _version(document: Json) -> int:
    version = _sound_version(document)
    if version < 1:
        msg = f"its version is {version}"
        raise _InvalidError(msg)
    return version


def _sound_version(document: Json) -> int:
    with contextlib.suppress(UnclearError):
        match document.value:
            case {"version": version} if type(version) is int:
                return version
    from pydantic import ValidationError

    try:
        envelope: _Envelope = adapter(_Envelope).validate_json(document.data, strict=True)
    except ValidationError as error:
        raise _InvalidError(_first(error)) from None
    return envelope.version


def _first(error: "ValidationError") -> str:
    """Return the first of the mistakes, on one line."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def _names_aside(path: Path) -> Iterator[Path]:
    """Yield names for a damaged file. None is used twice: the first one may be the only copy of something."""
    yield path.with_name(f"{path.name}.damaged")
    number = 2
    while True:
        yield path.with_name(f"{path.name}.damaged-{number}")
        number += 1
