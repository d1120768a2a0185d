"""Repositories of git at a commit: fetched by it, on the host, where nothing of them runs."""

import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from builder.base import archives, cache_paths, files, processes, records
from builder.base.errors import BuildError, UsageError
from builder.packages import sources
from builder.packages.pypi.local.place import FULL_COMMIT, GitPlace

_LINE = re.compile(r"(?P<commit>[0-9a-f]{40})\t(?P<ref>\S+)")
_NAMED = re.compile(r"(?P<name>[\w.\-]+(?:\[[^\]]*\])? @ )")
_LONGEST = 1 << 30
"""Bytes of one file of a repository."""


def fetched(place: GitPlace, where: str, told: str) -> Path:
    """Return the folder that a place names, as it is at its commit.

    Raises UsageError for a tag, a branch and a short commit, with the commit that it is today, and for a folder that
    the repository does not have; BuildError if the commit cannot be fetched.
    """
    if not place.is_pinned:
        raise unpinned(place, where, told)
    try:
        archive = sources.commit(place.url, str(place.ref), settings=False)
    except BuildError as error:
        hint = (
            "does it have that commit, and does git reach it without a password? ~/.netrc and an ssh agent have those"
        )
        raise BuildError(f"{where}: {error.what}", why=[told, *error.why], hint=hint) from error  # noqa: EM102, TRY003
    try:
        root = _unpacked(archive)
    except archives.UnreadableError as error:
        msg = f"{where}: the files of the repository cannot be unpacked"
        raise BuildError(msg, why=[told, str(error)]) from error
    folder = root / place.subdirectory if place.subdirectory else root
    if not folder.resolve().is_relative_to(root.resolve()) or not folder.is_dir():
        msg = f"{where}: the repository has no folder {place.subdirectory} at that commit"
        raise UsageError(msg, why=[told])
    return folder


def _unpacked(archive: Path) -> Path:
    """Return the folder with the files of an archive of a repository, which is unpacked once."""
    return records.made(cache_paths.folder("local") / archive.stem, lambda to: _unpack(archive, to / "tree")) / "tree"


def _unpack(archive: Path, to: Path) -> None:
    to.mkdir(parents=True)
    root = to.resolve()
    with archives.reading(), archive.open("rb") as stream, archives.tar(stream) as content:
        for member in archives.members(content):
            relative = member.name.partition("/")[2]
            if relative:
                path = files.inside(root, relative, "the repository")
                if path.is_symlink() or not path.parent.resolve().is_relative_to(
                    root
                ):  # a tree may name one path twice
                    msg = f"`{relative}` leads through a symbolic link"
                    raise archives.UnreadableError(msg)
                _write(member, content, path)


def _write(member: tarfile.TarInfo, content: tarfile.TarFile, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.isdir():
        path.mkdir(exist_ok=True)
    elif member.issym():
        path.symlink_to(member.linkname)
    elif member.isreg():
        path.write_bytes(archives.read(content.extractfile(member), _LONGEST, member.name))
        path.chmod(0o755 if member.mode & 0o100 else 0o644)


def unpinned(place: GitPlace, where: str, told: str) -> UsageError:
    """Return the error for a place that names no full commit, with the commit that it is at this moment."""
    kind = "names no commit" if place.ref is None else f"`{place.ref}` is not a full commit"
    msg = f"{where}: {kind}, so it can become other code"
    found = today(place)
    if found is None:
        hint = FULL_COMMIT
    else:
        pinned = GitPlace(url=place.url, ref=found, subdirectory=place.subdirectory)
        named = _NAMED.match(told)
        name = named["name"] if named else f"{place.egg} @ " if place.egg else ""
        hint = f"today it is {found}: write `{name}{pinned.shown}`"
    return UsageError(msg, why=[told], hint=hint)


def today(place: GitPlace) -> str | None:
    """Return the commit that a tag, a branch or the beginning of a commit is now; None if the repository has none."""
    ref = place.ref or "HEAD"
    finished = processes.run(["git", *sources.SAFE, "ls-remote", place.url], env=_environment())
    if finished.returncode:
        return None
    rows = {match["ref"]: match["commit"] for match in _LINE.finditer(finished.stdout)}
    names = (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", ref)
    exact = next((rows[name] for name in names if name in rows), None)
    short = {commit for commit in rows.values() if re.fullmatch(r"[0-9a-f]{4,39}", ref) and commit.startswith(ref)}
    return exact or (short.pop() if len(short) == 1 else None)


def _environment() -> Mapping[str, str]:
    return {**os.environ, **sources.WITHOUT_SETTINGS}
