"""Records of content in the cache: the SHA-256 of a file or of a folder, compared before each use.

Whoever can write to the disk, and the disk itself, can change a file after it was verified. Content without a record,
or with another one, is never used: the caller makes it again.

The record of a file lies beside it, that of a folder in it. A tar may have a seal instead: the record is the end of the
file itself, where no reader of tars looks. That is for objects of the shared cache, which other machines, also those
with other versions of layerwright, get as one file and must be able to verify on their own disks.
"""

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base import cache_paths, files, locks, windows

if TYPE_CHECKING:
    from typing_extensions import Buffer

IN_FOLDER = ".layerwright.sha256"
"""The record of a folder lies in it, so that both are moved and removed together."""
_DIGITS = 64
"""Of a SHA-256."""


def made(path: Path, make: Callable[[Path], None]) -> Path:
    """Return a file or folder of the cache with a record. One process makes it anew if it is not intact.

    `make` writes to a path in an empty workspace, which gets its place afterwards: nothing half-made is ever there.
    """
    with locks.exclusive(path, lambda: None):
        if intact(path):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with cache_paths.workspace() as work:
            part = work / path.name
            make(part)
            if part.is_dir():
                write(part)
                shutil.rmtree(windows.long(path), ignore_errors=True)
            files.move(part, path)
        if path.is_file():
            write(path)
    return path


def write(path: Path) -> None:
    """Record the content of a file or folder that was verified, or made, just now."""
    digest = _digest(path)
    with files.replacing(_record(path)) as part:
        part.write_text(f"{digest}\n", encoding="ascii", newline="\n")


def intact(path: Path) -> bool:
    """Return whether a file or folder exists with the content of its record, and note the use. Reads all of it."""
    try:
        whole = _record(path).read_text(encoding="ascii").strip() == _digest(path)
    except (OSError, UnicodeDecodeError):
        return False
    if whole:
        used(path)
    return whole


def used(path: Path) -> None:
    """Note the use of content for eviction."""
    cache_paths.touch(_record(path))


class Sealed(io.FileIO):
    """A tar while it is written, from its beginning to its end, after which comes the SHA-256 of all that is before."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w")
        self._sha256 = hashlib.sha256()

    def write(self, data: "Buffer", /) -> int:
        count = super().write(data)
        self._sha256.update(memoryview(data)[:count])
        return count

    def seal(self) -> None:
        super().write(self._sha256.hexdigest().encode())


def sealed(path: Path) -> bool:
    """Return whether a file ends with the SHA-256 of all that is before. Reads all of it."""
    hashed, left = hashlib.sha256(), path.stat().st_size - _DIGITS
    with path.open("rb") as stream:
        while left > 0 and (data := stream.read(min(left, 1 << 20))):
            hashed.update(data)
            left -= len(data)
        return left == 0 and stream.read() == hashed.hexdigest().encode()


def seal(path: Path) -> str:
    """Return the SHA-256 at the end of a file that is sealed, without comparing it."""
    with path.open("rb") as stream:
        stream.seek(-_DIGITS, io.SEEK_END)
        return stream.read().decode("ascii")


def _record(path: Path) -> Path:
    return path / IN_FOLDER if path.is_dir() else path.with_name(f"{path.name}.sha256")


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the paths, link targets and hashes of everything in a folder."""
    if not path.is_dir():
        return files.sha256(path)
    digest = hashlib.sha256()
    for line in sorted(_lines(os.fspath(windows.long(path)), "")):
        digest.update(line)
    return digest.hexdigest()


def _lines(folder: str, prefix: str) -> Iterator[bytes]:
    """Yield a line for each file and link; a NUL ends each field, because no path holds one."""
    with os.scandir(folder) as listing:
        for item in listing:
            name = prefix + item.name
            if item.is_dir(follow_symlinks=False):
                yield from _lines(item.path, f"{name}/")
            elif item.is_symlink():
                yield f"{name}\0link\0{os.readlink(item.path)}\0".encode(errors="surrogateescape")  # noqa: PTH115  faster
            elif name != IN_FOLDER:
                yield f"{name}\0{files.sha256(Path(item.path))}\0".encode(errors="surrogateescape")
