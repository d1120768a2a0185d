"""What the local cache holds, by kind, and the one rule by which it is kept within its limit.

The least recently used entries of all kinds are removed first, except what running processes use. Everything can be
made again. Caches of other programs (uv, npm, Maven, cargo, Go, BuildKit) lie elsewhere and follow their own rules.
"""

import contextlib
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.base import cache_paths, environment, files, locks, notices, windows
from builder.base.cache_paths import Kind
from builder.base.documents import Document, Typed
from builder.base.errors import LayerwrightError, UsageError
from builder.base.frozen import dataclass

KINDS: dict[Kind, str] = {
    "derived": "compressed files, bytecode, and what files told checks, by their SHA-256",
    "parts": "what containers compiled",
    "sources": "wheels, sdists, sources, gems and jars, by their SHA-256",
    "resolved": "answers of the package index to locked requirements",
    "local": "wheels and sdists of folders and repositories, by the hash of their files",
    "tools": "programs for containers and hosts: uv, patchelf, Node.js",
    "npm": "Node.js packages, unpacked",
    "tested": "which layers passed their tests",
    "published": "hashes of published layer versions",
    "confirmed": "accounts that may be published to",
    "logs": "logs of builds in containers",
    "work": "temporary files of running builds",
    "locks": "locks of files that are being written",
}
"""The folders of the cache, with their descriptions. Others are not layerwright's, and are left alone."""
_IN_USE: frozenset[Kind] = frozenset({"locks", "work"})
"""Kinds that running builds depend on, so they are never removed."""
_ANSWERS: frozenset[Kind] = frozenset({"confirmed"})
"""Kinds that the user would have to make again, so only `everything` removes them."""
_REMOVABLE = tuple(kind for kind in KINDS if kind not in _IN_USE | _ANSWERS)
_DAY, _HOUR = 86_400.0, 3600.0
VARIABLE = "LAYERWRIGHT_CACHE_GB"
_DEFAULT_GB = 20.0
_MAX_GB = 1e6
_GROWTH = 20
"""The part of the limit by which the cache may grow before its size is determined again within an hour."""
_PAUSE = 10.0
"""Seconds between two looks of the same process."""
_COARSE = 2.0
"""Seconds by which the times of file systems may be rounded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUsage:
    """The disk usage of one kind of cache entries."""

    kind: str
    what: str
    """Description of the kind; empty if it is not one of `KINDS`."""
    files: int
    bytes: int
    newest: float | None
    """Seconds since the last use of any entry; None if there are no entries."""
    removable: bool
    """Whether entries are removed above the limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _CacheEntry:
    """Files that are kept or removed together: a file with its record, or a folder such as a set of packages."""

    paths: tuple[Path, ...]
    files: int
    bytes: int
    used: float
    """Time of the last use, in seconds since the epoch."""


def usage() -> list[CacheUsage]:
    """Return the disk usage of the cache: first the known kinds in a fixed order, then all other folders."""
    root = cache_paths.cache()
    folders = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    return [_usage(root, kind) for kind in [*KINDS, *sorted(folders - set(KINDS))]]


def _usage(root: Path, kind: str) -> CacheUsage:
    now, entries = time.time(), list(_entries(root / kind))
    newest = max((entry.used for entry in entries), default=None)
    return CacheUsage(
        kind=kind,
        what=next((what for known, what in KINDS.items() if known == kind), ""),
        files=sum(entry.files for entry in entries),
        bytes=sum(entry.bytes for entry in entries),
        newest=None if newest is None else max(0.0, now - newest),
        removable=kind in _REMOVABLE,
    )


def limit() -> int:
    """Return the size that the cache may have, in bytes. Raises UsageError if the variable is invalid."""
    value = environment.value(VARIABLE)
    try:
        gigabytes = float(value) if value else _DEFAULT_GB
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < _MAX_GB:
        msg = f"{VARIABLE}={value} is not a valid number of gigabytes"
        raise UsageError(msg, hint=f"for example {VARIABLE}=50; unset, the limit is {_DEFAULT_GB:.0f}")
    return int(gigabytes * 1e9)


# ---- removal -------------------------------------------------------------------------------------------------------


def prune(*, limit: int | None = None, days: float | None = None, everything: bool = False) -> tuple[int, int]:
    """Remove the least recently used entries; return the numbers of removed files and bytes.

    `limit` is the number of bytes to keep: an entry goes if it does not fit beside those that were used after it.
    Entries that were not used for `days` are removed in any case. What was used since the oldest running process began
    stays, whatever is asked for.
    """
    now, in_use = time.time(), cache_paths.used_since() - _COARSE
    kinds = (*_REMOVABLE, *(_ANSWERS if everything else ()))
    entries = (entry for kind in kinds for entry in _entries(cache_paths.folder(kind)))
    kept, doomed = 0, []
    for entry in sorted(entries, key=lambda entry: entry.used, reverse=True):
        too_old = days is not None and now - entry.used > days * _DAY
        excess = everything or too_old or (limit is not None and kept + entry.bytes > limit)
        if excess and entry.used < in_use:
            doomed.append(entry)
        else:
            kept += entry.bytes
    removed = [entry for entry in doomed if _remove(entry)]
    return sum(entry.files for entry in removed), sum(entry.bytes for entry in removed)


def _remove(entry: _CacheEntry) -> bool:
    """Remove an entry, unless it was used after its times were read; return whether it is gone."""
    if _of(entry.paths).used > entry.used:
        return False
    with cache_paths.workspace() as work:
        for path in entry.paths:
            with contextlib.suppress(OSError):  # another process may have removed it
                # Moved first, because a half-removed folder would be used as if it were complete.
                files.move(path, work / path.name)
    return not entry.paths[0].exists()


def _entries(folder: Path) -> Iterator[_CacheEntry]:
    """Yield the entries of a kind. A file and its record, the same name with `.sha256`, are one."""
    names: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        names.setdefault(path.name.removesuffix(".sha256"), []).append(path)
    for paths in names.values():
        yield _of(paths)


def _of(paths: Iterable[Path]) -> _CacheEntry:
    """Return the entry of these paths. Those that were removed in the meantime count nothing."""
    files = total = 0
    used = 0.0
    for status in (status for path in paths for status in _statuses(path)):
        if stat.S_ISDIR(status.st_mode):
            # Its access time does not count, because reading the folder here updates it.
            used = max(used, status.st_mtime)
        else:
            files, total = files + 1, total + status.st_size
            used = max(used, status.st_mtime, status.st_atime)
    return _CacheEntry(paths=tuple(paths), files=files, bytes=total, used=used)


def _statuses(path: Path) -> Iterator[os.stat_result]:
    """Yield the status of a file or link, or of a folder and everything below it."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        yield status
        if stat.S_ISDIR(status.st_mode):
            yield from _below(os.fspath(windows.long(path)))


def _below(folder: str) -> Iterator[os.stat_result]:
    with contextlib.suppress(OSError), os.scandir(folder) as listing:
        for item in listing:
            if item.is_dir(follow_symlinks=False):
                yield from _below(item.path)
            else:
                yield item.stat(follow_symlinks=False)


# ---- the limit -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class LastEviction:
    """When the cache was last looked through, and what was found."""

    at: float
    """Seconds since the epoch."""
    limit: int
    shallow: dict[Kind, int]
    """Bytes of the files directly in the folder of each kind, afterwards."""
    version: int = 1


_pause = threading.Lock()
_looked: dict[Path, float] = {}
"""When this process last looked, by folder of the cache; monotonic."""


@contextlib.contextmanager
def within_limit() -> Iterator[None]:
    """Use the cache in the block; afterwards, remove what exceeds the limit.

    The whole cache is looked through once an hour, or when it has grown by a twentieth of the limit. Raises UsageError
    before the block if the variable is invalid.
    """
    maximum = limit()
    with cache_paths.in_use():
        yield
    root = cache_paths.cache()
    with _pause:
        if time.monotonic() - _looked.get(root, -_PAUSE) < _PAUSE:
            return
        _looked[root] = time.monotonic()
    try:
        _evict(root, maximum)
    except (OSError, LayerwrightError) as error:
        notices.warn(f"the cache could not be kept within its limit: {error}")


def _evict(root: Path, maximum: int) -> None:
    document = Document(path=root / "eviction.json", what="time of eviction", codec=Typed(kind=LastEviction))
    if not _due(document.read(), maximum):
        return
    with locks.claimed(document.path) as mine:
        if mine:  # else another process does it
            prune(limit=maximum)
            document.replace(LastEviction(at=time.time(), limit=maximum, shallow=_shallow()))


def _due(last: LastEviction | None, maximum: int) -> bool:
    if last is None or last.limit != maximum or not 0 <= time.time() - last.at < _HOUR:
        return True
    changed = [kind for kind in _REMOVABLE if _modified(cache_paths.folder(kind)) > last.at - _COARSE]
    growth = sum(_shallow_bytes(kind) - last.shallow.get(kind, 0) for kind in changed)
    return growth > maximum // _GROWTH


def _modified(folder: Path) -> float:
    """Return when an entry was last added to a folder or removed from it."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _shallow() -> dict[Kind, int]:
    return {kind: _shallow_bytes(kind) for kind in _REMOVABLE}


def _shallow_bytes(kind: Kind) -> int:
    """Return the size of the files directly in the folder of a kind: nearly all bytes, and few of the files."""
    with contextlib.suppress(OSError), os.scandir(cache_paths.folder(kind)) as listing:
        return sum(item.stat(follow_symlinks=False).st_size for item in listing)
    return 0
