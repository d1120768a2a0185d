"""The files that a program in Go is compiled of, beside a recipe or written by `layerwright lock`."""

import hashlib
import io
import os
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base import files
from builder.base.errors import UsageError

_LEFT_OUT = frozenset({".git", ".hg", ".svn"})
"""Version control: its state must not decide the bytes of a program, and Go would write it into them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A file or a symbolic link of a folder."""

    path: str
    """Relative to the folder, with slashes."""
    sha256: str
    link: str | None = None
    """Where a symbolic link points to."""


def listed(root: Path, name: str) -> tuple[SourceFile, ...]:
    """Return the files of a folder below `root` with their hashes. Raises UsageError with all links that leave it."""
    folder = root / name
    inside = folder.resolve().is_relative_to(root.resolve())
    leaving = [] if inside else [f"{name} -> {folder.resolve().as_posix()}"]
    found = sorted(_walk(folder, ""), key=lambda file: file.path) if inside else []
    leaving += [f"{name}/{file.path} -> {file.link}" for file in found if file.link and _leaves(file)]
    if leaving:
        msg = f"symbolic links lead out of `{name}`"
        raise UsageError(msg, why=leaving, hint="only that folder goes into the container: copy what they point to")
    return tuple(found)


def _walk(folder: Path, prefix: str) -> Iterator[SourceFile]:
    with os.scandir(folder) as listing:
        for item in listing:
            path = f"{prefix}{item.name}"
            if item.name in _LEFT_OUT:
                continue
            if item.is_symlink():
                link = Path(item.path).readlink().as_posix()
                yield SourceFile(path=path, sha256=files.sha256_of(link.encode(errors="surrogateescape")), link=link)
            elif item.is_dir():
                yield from _walk(Path(item.path), f"{path}/")
            elif item.is_file():
                yield SourceFile(path=path, sha256=files.sha256(Path(item.path)))


def _leaves(file: SourceFile) -> bool:
    link = file.link or ""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), link))
    return posixpath.isabs(link) or "\\" in link or ":" in link or target.split("/")[0] == ".."


def archive(folder: Path, found: tuple[SourceFile, ...], to: Path) -> None:
    """Write files as a tar for the build context. Raises UsageError for one that is another than was planned with."""
    with tarfile.open(to, "w") as made:
        for file in found:
            info = tarfile.TarInfo(file.path)
            if file.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, file.link
                made.addfile(info)
                continue
            data = (folder / file.path).read_bytes()
            if hashlib.sha256(data).hexdigest() != file.sha256:
                msg = f"{folder / file.path} changed while it was built"
                raise UsageError(msg, hint="build again")
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))


def archive_texts(texts: dict[str, str], to: Path) -> None:
    """Write texts by their names as a tar for the build context."""
    with tarfile.open(to, "w") as made:
        for name, text in sorted(texts.items()):
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            made.addfile(info, io.BytesIO(text.encode()))
