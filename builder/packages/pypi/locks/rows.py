"""One package of a lock, as a line of requirements, and the markers that extras and groups decide."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.base.frozen import dataclass

_EXTRA = re.compile(r"""extra (?P<operator>==|!=) ["'](?P<name>[^"']*)["']""")
_ALWAYS, _NEVER = 'python_version >= "0"', 'python_version < "0"'
"""What a choice of extras and groups makes of their markers, which requirements do not have."""
_SHA256 = re.compile(r"sha256:(?P<digest>[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockRow:
    """One package of a lock."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of its files, as `sha256:` and digits."""
    marker: str | None = None
    place: str | None = None
    """The address of a folder, a file or a repository; None for a package of an index."""

    def line(self, lock: Path) -> str:
        """Return the line of requirements. Raises UsageError for a package of an index without hashes."""
        digests = sorted({match["digest"] for text in self.hashes if (match := _SHA256.fullmatch(text))})
        if not digests and not self.place:
            msg = f"{lock.as_posix()} has a package without the SHA-256 of a file: `{self.name}`"
            raise UsageError(msg, hint="lock again: what is installed is compared with the lock by SHA-256")
        wanted = f" @ {self.place}" if self.place else f"=={self.version}"
        marker = f" ; {self.marker}" if self.marker else ""
        return " ".join([f"{self.name}{wanted}{marker}", *(f"--hash=sha256:{digest}" for digest in digests)])


def local(lock: Path, name: str, relative: str, again: str) -> str:
    """Return the address of a folder or a file that a lock names, relative to its own. UsageError if it is missing."""
    path = (lock.parent / relative).resolve()
    if not path.exists():
        msg = f"{lock.as_posix()} names `{relative}` for `{name}`, which does not exist"
        raise UsageError(msg, hint=f"check it out, or take it out of the project and {again}")
    return path.as_uri()


def decided(marker: str, extras: Collection[str], lock: Path, name: str) -> str:
    """Return a marker without the conditions about extras, which are decided here. UsageError for one that is none."""
    chosen = {*map(canonicalize_name, extras)}

    def constant(match: re.Match[str]) -> str:
        return truth(holds=(canonicalize_name(match["name"]) in chosen) == (match["operator"] == "=="))

    return _EXTRA.sub(constant, normalized(marker, lock, name))


def normalized(marker: str, lock: Path, name: str) -> str:
    """Return the one spelling of a marker. Raises UsageError for one that is not valid."""
    try:
        return str(Marker(marker))
    except (InvalidMarker, RecursionError):
        msg = f"{lock.as_posix()}: the marker of `{name}` is not valid"
        raise UsageError(msg, why=[marker]) from None


def truth(*, holds: bool) -> str:
    """Return a marker that always or never matches."""
    return _ALWAYS if holds else _NEVER


def joined(markers: Iterable[str | None]) -> str | None:
    """Return the marker that matches where each does; None for none."""
    given = [marker for marker in markers if marker]
    return given[0] if len(given) == 1 else " and ".join(f"({marker})" for marker in given) or None


def alternatives(markers: Iterable[str | None]) -> str:
    """Return the marker that matches where one of them does; what never matches is left out if others are there."""
    given = [marker for marker in dict.fromkeys(markers) if marker and marker != _NEVER] or [_NEVER]
    return given[0] if len(given) == 1 else " or ".join(f"({marker})" for marker in given)


def refuse_future(lock: Path, version: str, known: str, *, readable: bool) -> None:
    """Raise UsageError for a version of a lock's format that is not known."""
    if not readable:
        msg = f"{lock.as_posix()} has the format `{version}`, and {known} is known"
        raise UsageError(msg, hint="a newer layerwright may read it; or lock with an older version of the tool")
