"""Files of this host: hashes, atomic replacement, and errors of a full or read-only disk."""

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.base import windows
from builder.base.cache_paths import cache
from builder.base.errors import BuildError, UsageError
from builder.base.values import RelativePath

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_CLOSED = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EIO, errno.EMFILE}
"""Errors of paths that are not as they should be: no permission, a file where a folder is expected, a broken disk."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    The file is read in blocks that stay in the processor's cache, all into the same memory.
    """
    digest = hashlib.sha256()
    block = memoryview(bytearray(1 << 18))
    with path.open("rb", buffering=0) as stream:
        while length := stream.readinto(block):
            digest.update(block[:length])
    return digest.hexdigest()


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative path with slashes, sorted."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}


@contextlib.contextmanager
def enough_disk() -> Iterator[None]:
    """Turn the OSError of a full or read-only disk into a BuildError with a hint, whichever library raised it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and (refused := disk_error(error)):
            raise refused from error
        raise


def disk_error(error: OSError) -> BuildError | None:
    """Return the error for the user if it is the disk that is at fault; None for a fault of the code.

    A cache on a disk that is read-only, or below a file, ends here, whichever library met it.
    """
    if windows.winerror(error) in windows.IN_CLOUD:
        msg = f"{error.filename or 'a file'} is not on this disk"
        hint = "let OneDrive keep it on this device, or move the folder out of what is synchronised"
        return BuildError(msg, why=[str(error.strerror)], hint=hint)
    if windows.winerror(error) in windows.TOO_LONG:
        msg = "a path is too long for this system"
        hint = "work in a folder with a shorter path, or set LongPathsEnabled in the registry to 1"
        return BuildError(msg, why=[str(error.filename or error.strerror)], hint=hint)
    if error.errno not in _FULL | _CLOSED:
        return None
    full = error.errno in _FULL
    msg = "there is no room left to write to" if full else f"cannot use {error.filename or 'a file'}"
    where = f"{error.filename}: " if error.filename else ""
    frees = "`layerwright cache prune --max-gb 5` frees some; " if full else ""
    hint = f"{_opened(error)}{frees}LAYERWRIGHT_CACHE moves the cache, --output the zips"
    return BuildError(msg, why=[f"{where}{error.strerror}", f"the cache is {cache()}"], hint=hint)


def _opened(error: OSError) -> str:
    """Return the hint for a file that Windows protects while it is open; empty for other errors."""
    open_elsewhere = windows.winerror(error) in windows.OPEN_ELSEWHERE
    return "close the program that has the file open, such as an editor or a scanner; " if open_elsewhere else ""


def move(source: Path, target: Path) -> None:
    """Move a file or folder, over a file that is there already. A file that is open elsewhere is waited for."""
    windows.patiently(lambda: source.replace(target))


def remove(path: Path) -> None:
    """Remove a file if it is there. One that is open elsewhere is waited for."""
    windows.patiently(lambda: path.unlink(missing_ok=True))


def inside(folder: Path, relative: str, sender: str) -> Path:
    """Return the path of a name that came from outside, below a folder. Raises UntrustedError if it would leave it."""
    return folder.joinpath(*RelativePath.parse(relative, sender).split("/"))


def relative(path: Path, base: Path) -> str:
    """Return a path from a folder, with slashes; the path itself if there is none, as from another drive of Windows."""
    try:
        return Path(os.path.relpath(path, base)).as_posix()
    except ValueError:
        return path.as_posix()


def writable(folder: Path) -> None:
    """Create a folder and prove that files can be written in it. Raises UsageError, before any work is lost."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"cannot write to {folder}"
        raise UsageError(msg, why=[str(error)], hint="choose another folder with --output") from error


def output(folder: Path) -> None:
    """Create a folder of zips that git leaves alone, and prove that files can be written in it.

    A folder that is there belongs to somebody, and gets no .gitignore. Raises UsageError if it cannot be written.
    """
    is_new = not folder.exists()
    writable(folder)
    if is_new:
        with contextlib.suppress(BuildError):  # a full disk is told by what is written there next
            write_text(folder / ".gitignore", "*\n")


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside a new or empty one, which it replaces on success: all of it is there, or nothing.

    Raises UsageError if something is in the folder, or if it cannot be written.
    """
    require_free(folder)
    place = folder.absolute().parent
    writable(place)
    with tempfile.TemporaryDirectory(prefix=".layerwright-", dir=place) as work:
        made = Path(work) / "made"
        made.mkdir()
        yield made
        if folder.exists():
            folder.rmdir()
        move(made, folder)


def require_free(folder: Path) -> None:
    """Raise UsageError unless a folder is new or empty, so that what is written is all that lies in it."""
    if folder.is_dir() and any(folder.iterdir()):
        msg = f"{folder} is not empty"
        raise UsageError(msg, hint="name a new folder, or remove what is in it")
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file"
        raise UsageError(msg, hint="name a new folder")


@contextlib.contextmanager
def replacing(path: Path, part: str = ".part") -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it on success: readers see the whole file or the old one.

    `part` is the suffix of the temporary name. Raises BuildError if the file cannot be written.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=part, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        move(temporary, path)
    except OSError as error:
        msg = f"cannot write {path}"
        hint = _opened(error) or "is the disk full or read-only? "
        raise BuildError(msg, why=[str(error)], hint=f"{hint}--output chooses another folder") from error
    finally:
        if temporary is not None:
            remove(temporary)


@contextlib.contextmanager
def replacing_all(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield temporary paths that replace `paths` on success, in this order; none does if one cannot be written.

    What describes a file comes after it, so that a killed process leaves no description of what is not there.
    """
    with contextlib.ExitStack() as stack:  # its contexts end in reverse
        yield [stack.enter_context(replacing(path)) for path in reversed(paths)][::-1]


def write_text(path: Path, text: str) -> Path:
    """Replace a text file, with line feeds on every system. Creates its folder. Returns the path."""
    writable(path.parent)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path


def _umask() -> int:
    """Return the umask. There is no way to read it without setting it."""
    current = os.umask(0o022)
    os.umask(current)
    return current
