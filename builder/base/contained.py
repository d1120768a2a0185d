"""Files below a folder that others may have written, such as a recipe's. No link leads out of it, whatever names it.

Every file of a recipe is found here: a link of a pull request must not bring a file of the host, or the variables of
the build in /proc, into a layer.
"""

import fnmatch
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from builder.base import host_names
from builder.base.errors import UsageError
from builder.base.files import sha256

MOST_BYTES = 4 << 30
"""Bytes of all files beside a recipe, which are weighed before any is read."""
_SHOWN = 10
_PLAIN = re.compile(r"[A-Za-z0-9._+@-]+")
"""Names that mean the same on every host."""
_OF_DESKTOPS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
"""The first bytes of a `._name`, which has the resource fork of `name` (RFC 1740, appendix A)."""
_HINT = "copy what they point to into the folder: nothing outside of it takes part"


def refuse_links(folder: Path) -> None:
    """Raise UsageError with all links below a folder that lead out of it or nowhere, and names that are not UTF-8."""
    found = list(_walk(folder, ""))
    links = [(path, link) for path, link in found if link is not None]
    root = folder.resolve() if links else folder
    leaving = sorted(f"{path} -> {link}" for path, link in links if not _stays(root, path))
    if leaving:
        msg = f"symbolic links lead out of `{folder.as_posix()}`"
        raise UsageError(msg, why=[*leaving[:_SHOWN], *_more(leaving)], hint=_HINT)
    if odd := sorted(ascii(path) for path, _ in found if not _is_utf8(path)):
        msg = f"names in `{folder.as_posix()}` are not UTF-8"
        raise UsageError(msg, why=[*odd[:_SHOWN], *_more(odd)], hint="rename them: names in a zip are UTF-8")


def _more(lines: list[str]) -> Iterator[str]:
    if len(lines) > _SHOWN:
        yield f"and {len(lines) - _SHOWN} more"


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, str | None]]:
    """Yield relative paths of links with their targets, and of everything else with None. Follows no link."""
    with os.scandir(folder) as listing:
        for item in listing:
            path = f"{prefix}{item.name}"
            if item.is_symlink():
                yield path, Path(item.path).readlink().as_posix()
                continue
            yield path, None
            if item.is_dir():
                yield from _walk(Path(item.path), f"{path}/")


def _stays(root: Path, path: str) -> bool:
    """Tell whether a path is below a resolved folder after all of its links are resolved, also those in the middle."""
    try:
        return (root / path).resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # a link to itself, or no path at all
        return False


def _is_utf8(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)


def path(folder: Path, relative: str) -> Path:
    """Return the path of a file, which need not exist. Raises UsageError if it is not below the folder."""
    if _has_no_link(folder, relative):
        return folder / relative
    return _inside(folder, folder.resolve(), relative)


def _has_no_link(folder: Path, relative: str) -> bool:
    """Return whether a path is there, spelled without detours and without a link below the folder: it stays there.

    False where that is not certain, and the path has to be resolved.
    """
    place = os.fspath(folder)
    for part in relative.split("/"):
        if part in {"", ".", ".."} or not _PLAIN.fullmatch(part):
            return False
        place = f"{place}/{part}"
        try:
            found = os.lstat(place)
        except OSError:
            return False
        if stat.S_ISLNK(found.st_mode) or getattr(
            found, "st_reparse_tag", False
        ):  # of Windows, also without a link's mode
            return False
    return True


def repository(folder: Path) -> Path | None:
    """Return the repository that a folder is in: the nearest one above it with `.git`; None outside of any."""
    inside = folder.resolve()
    return next((each for each in (inside, *inside.parents) if (each / ".git").exists()), None)


def within(root: Path, path: Path) -> Path:
    """Return a path, which need not exist. Raises UsageError if it is not below the root after all links."""
    if not _stays(root.resolve(), path.absolute().as_posix()):
        msg = f"`{path.as_posix()}` leads out of `{root.as_posix()}`"
        raise UsageError(msg, hint="only files of the same repository take part: one without .git is a recipe's own")
    return path


def _inside(folder: Path, root: Path, relative: str) -> Path:
    if not _stays(root, relative):
        msg = f"`{relative}` leads out of `{folder.as_posix()}`"
        raise UsageError(msg, hint=_HINT)
    return folder / relative


def content(path: Path) -> bytes:
    """Return the content of a file. Raises UsageError for a link that points to nothing."""
    try:
        return path.read_bytes()
    except OSError as error:
        if not path.is_symlink():
            raise
        msg = f"{path.as_posix()} is a link to {path.readlink().as_posix()}, which is not there"
        raise UsageError(msg, hint="remove the link, or make what it points to") from error


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return the regular files that match a pattern, sorted. Raises UsageError for one that is not below the folder.

    The same on every host: capital letters count also where the file system or the system's patterns ignore them, and
    what desktops leave in folders takes no part.
    """
    try:
        found = list(folder.glob(pattern))
    except (ValueError, NotImplementedError, IndexError, OSError, RecursionError):  # no pattern, or an absolute one
        return []
    root = folder.resolve()
    relative = sorted(each.relative_to(folder).as_posix() for each in found)
    inside = [(name, _inside(folder, root, name)) for name in relative]
    exact = _exact(folder, pattern)
    return [each for name, each in inside if each.is_file() and exact(name) and not _of_desktop(each)]


def _exact(folder: Path, pattern: str) -> Callable[[str], bool]:
    """Return whether a name that was found matches by its letters. Only what a pattern spells out can be otherwise."""
    if not host_names.IGNORES_CASE:
        return lambda _: True
    listed = cache(lambda parent: {host_names.spelled(name) for name in os.listdir(parent)})  # noqa: PTH208
    parts = tuple(part for part in pattern.split("/") if part not in {"", "."})

    def exact(name: str) -> bool:
        parents = [folder.joinpath(*name.split("/")[:count]) for count in range(name.count("/") + 1)]
        spelled = [host_names.spelled(part) for part in name.split("/")]
        there = all(part in listed(parent) for part, parent in zip(spelled, parents, strict=True))
        return there and _fits(tuple(spelled), tuple(map(host_names.spelled, parts)))

    return exact


def _fits(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Match the parts of a path as a glob does that heeds case."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _of_desktop(path: Path) -> bool:
    """Return whether a file is what the Finder, the Explorer or a copy of a Mac's file leaves beside others."""
    if path.name in _OF_DESKTOPS or "__MACOSX" in path.parts:
        return True
    if not path.name.startswith("._"):
        return False
    with path.open("rb") as stream:
        return stream.read(4) == _APPLE_DOUBLE


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative path with slashes, sorted.

    Raises UsageError for a link that leads out of it, and for more than `MOST_BYTES`, before anything is read.
    """
    found = matching(folder, "**/*")
    _weigh(folder, found)
    return {host_names.spelled(each.relative_to(folder).as_posix()): sha256(each) for each in found}


def _weigh(folder: Path, found: Iterable[Path]) -> None:
    total = sum(each.stat().st_size for each in found)
    if total > MOST_BYTES:
        msg = f"the files in `{folder.as_posix()}` have {total:,} bytes"
        raise UsageError(msg, why=[f"at most {MOST_BYTES:,} take part"], hint="keep large files outside of it")


def copy(folder: Path, to: Path) -> None:
    """Copy the files and links below a folder to a new one. Pipes and the like take no part in a recipe.

    Raises UsageError for a link that leads out of it, and for more than `MOST_BYTES`, before anything is copied.
    """
    refuse_links(folder)
    root = folder.resolve()
    found = [(root / path, to / path) for path, _ in _walk(root, "")]
    _weigh(folder, (path for path, _ in found if path.is_file() and not path.is_symlink()))
    to.mkdir()
    for path, place in found:
        if path.is_symlink():
            place.symlink_to(os.path.relpath(path.resolve(), path.parent))
        elif path.is_dir():
            place.mkdir()
        elif path.is_file():
            shutil.copy(path, place)
