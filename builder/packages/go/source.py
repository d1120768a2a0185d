"""The folder of a program in Go: its files, without links that leave it."""

import posixpath
from pathlib import Path

from builder.base.errors import UsageError
from builder.packages import source_folder
from builder.packages.source_folder import SourceFile

_LEFT_OUT = frozenset({".git", ".hg", ".svn"})
"""Version control: its state must not decide the bytes of a program, and Go would write it into them."""


def listed(root: Path, name: str) -> tuple[SourceFile, ...]:
    """Return the files of a folder below `root` with their hashes. Raises UsageError with all links that leave it."""
    folder = root / name
    inside = folder.resolve().is_relative_to(root.resolve())
    leaving = [] if inside else [f"{name} -> {folder.resolve().as_posix()}"]
    found = source_folder.listed(folder, _left_out) if inside else []
    leaving += [f"{name}/{file.path} -> {file.link}" for file in found if file.link and _leaves(file)]
    if leaving:
        msg = f"symbolic links lead out of `{name}`"
        raise UsageError(msg, why=leaving, hint="only that folder goes into the container: copy what they point to")
    return tuple(found)


def _left_out(path: str, is_folder: bool) -> bool:  # noqa: ARG001, FBT001  as `source_folder.listed` asks
    return posixpath.basename(path) in _LEFT_OUT


def _leaves(file: SourceFile) -> bool:
    link = file.link or ""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), link))
    return posixpath.isabs(link) or "\\" in link or ":" in link or target.split("/")[0] == ".."
