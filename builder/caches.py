"""What the local cache holds, and making it smaller. All of it can be made again."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder import places
from builder.errors import UsageError

KINDS = {
    "derived": "compressed files, stripped programs and bytecode",
    "parts": "what containers compiled",
    "sources": "wheels, sdists, sources, gems and jars, by their SHA-256",
    "resolved": "answers of the package index to locked requirements",
    "tools": "programs for containers and hosts: uv, patchelf, Node.js",
    "npm": "Node.js packages, unpacked",
    "logs": "logs of builds in containers",
    "work": "what running builds work on",
    "locks": "who writes what",
}
_UNTOUCHED = {"locks", "work"}
"""Running builds hold them."""
_DAY = 86_400.0
VARIABLE = "LAYERWRIGHT_CACHE_GB"
_GB = 20.0
"""What a nightly leaves when the variable does not say otherwise."""
_MOST = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One kind of things in the cache."""

    kind: str
    what: str
    files: int
    bytes: int
    newest: float | None
    """Seconds since the newest was used; None when there is nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    path: Path
    bytes: int
    used: float


def held() -> list[Held]:
    """Return what the cache holds, by kind."""
    root, now = places.cache(), time.time()
    kinds = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    found = []
    for kind in [*KINDS, *sorted(kinds - set(KINDS))]:
        files = list(_files(root / kind))
        newest = max((one.used for one in files), default=None)
        found.append(
            Held(
                kind=kind,
                what=KINDS.get(kind, ""),
                files=len(files),
                bytes=sum(one.bytes for one in files),
                newest=None if newest is None else max(0.0, now - newest),
            )
        )
    return found


def limit() -> int:
    """Return the bytes that the cache may keep after a night; UsageError when the variable is no number."""
    given = os.environ.get(VARIABLE, "")
    try:
        gigabytes = float(given) if given else _GB
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < _MOST:
        msg = f"{VARIABLE}={given} is no number of gigabytes"
        raise UsageError(msg, hint=f"{VARIABLE}=50, or nothing for {_GB:.0f}")
    return int(gigabytes * 1e9)


def prune(*, limit: int | None = None, days: float | None = None, everything: bool = False) -> tuple[int, int]:
    """Remove what was not used for longest until `limit` bytes are left, and all that is older; return files, bytes."""
    root, now = places.cache(), time.time()
    kinds = [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    files = [one for kind in kinds if kind not in _UNTOUCHED for one in _files(root / kind)]
    files.sort(key=lambda one: one.used, reverse=True)
    kept = removed = freed = 0
    for one in files:
        kept += one.bytes
        too_old = days is not None and now - one.used > days * _DAY
        if everything or too_old or (limit is not None and kept > limit):
            kept -= one.bytes
            with contextlib.suppress(OSError):
                one.path.unlink()
                removed, freed = removed + 1, freed + one.bytes
    for kind in kinds:
        if kind not in _UNTOUCHED:
            _empty_folders(root / kind)
    return removed, freed


def _files(folder: Path) -> Iterator[_File]:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):  # somebody else cleans as well
            if path.is_file() and not path.is_symlink():
                seen = path.stat()
                yield _File(path=path, bytes=seen.st_size, used=max(seen.st_mtime, seen.st_atime))


def _empty_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()
