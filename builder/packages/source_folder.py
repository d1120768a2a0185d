"""Folders beside a recipe that programs are compiled of: their files with hashes, and a tar for the build context."""

import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from builder.base import files
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.values import StoredPath, StoredSha256


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A file or a symbolic link of a folder."""

    path: StoredPath
    """Relative to the folder, with slashes."""
    sha256: StoredSha256
    link: str | None = None
    """Where a symbolic link points to."""


def listed(folder: Path, left_out: Callable[[str, bool], bool]) -> list[SourceFile]:
    """Return the files of a folder, sorted by path. Links are not followed.

    `left_out` is asked with the relative path of everything, and whether it is a folder or a link to one.
    """
    return sorted(_walk(folder, "", left_out), key=lambda file: file.path)


def _walk(folder: Path, prefix: str, left_out: Callable[[str, bool], bool]) -> Iterator[SourceFile]:
    with os.scandir(folder) as listing:
        for item in listing:
            path = f"{prefix}{item.name}"
            if left_out(path, Path(item.path).is_dir()):
                continue
            if item.is_symlink():
                link = Path(item.path).readlink().as_posix()
                yield SourceFile(path=path, sha256=files.sha256_of(link.encode(errors="surrogateescape")), link=link)
            elif item.is_dir():
                yield from _walk(Path(item.path), f"{path}/", left_out)
            elif item.is_file():
                yield SourceFile(path=path, sha256=files.sha256(Path(item.path)))


def hashed(folder: Path, path: str) -> SourceFile:
    """Return one file of a folder."""
    return SourceFile(path=path, sha256=files.sha256(folder / path))


def digest(found: Iterable[SourceFile]) -> str:
    """Return the hash of a tree without links: of the paths and hashes of its files."""
    lines = "".join(f"{file.path}\0{file.sha256}\0" for file in found)
    return files.sha256_of(lines.encode(errors="surrogateescape"))


def members(folder: Path, found: Iterable[SourceFile], prefix: str = "") -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield members of a tar. Raises UsageError for a file that is another than was planned with."""
    for file in found:
        if file.link is not None:
            info = tarfile.TarInfo(f"{prefix}{file.path}")
            info.type, info.linkname = tarfile.SYMTYPE, file.link
            yield info, b""
            continue
        data = (folder / file.path).read_bytes()
        if files.sha256_of(data) != file.sha256:
            msg = f"{folder / file.path} changed while it was built"
            raise UsageError(msg, hint="build again")
        yield member(f"{prefix}{file.path}", data)


def member(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    """Return one member of a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def archive(content: Iterable[tuple[tarfile.TarInfo, bytes]], to: Path | IO[bytes]) -> None:
    """Write a tar. Its times and owners are those of tarfile: no file of the host decides them."""
    named, stream = (to, None) if isinstance(to, Path) else (None, to)
    with tarfile.open(named, "w", fileobj=stream) as made:
        for info, data in content:
            made.addfile(info, io.BytesIO(data))
