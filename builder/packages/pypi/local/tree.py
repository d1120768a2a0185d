"""The files of a local package, with the hash that stands for all of them."""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

from builder.base import contained, files
from builder.base.errors import UsageError
from builder.packages import source_folder
from builder.packages.source_folder import SourceFile

_LEFT_OUT = frozenset({
    *(".git", ".hg", ".svn", "__pycache__", ".tox", ".nox", ".venv", ".eggs"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode", ".DS_Store"),
})  # fmt: skip
_BUILT = frozenset({"build", "dist"})
"""Folders at the top that tools write into: another build must not change the hash."""
_INSTALLED = "node_modules"
"""The folder of packages of Node.js: data of a package that has it inside, else what a tool installed beside it."""
_ENDS = (".pyc", ".pyo", ".egg-info")


@dataclass(frozen=True)
class SourceTree:
    """A folder with a package."""

    folder: Path
    files: tuple[SourceFile, ...]
    """Sorted by path, without what versions control, environments and caches hold."""

    @cached_property
    def paths(self) -> frozenset[str]:
        """The paths of all files, with slashes."""
        return frozenset(file.path for file in self.files)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the names and contents of all files."""
        rows = [[file.path, file.sha256, file.link, _executable(self.folder / file.path)] for file in self.files]
        return files.sha256_of(json.dumps(rows).encode(errors="surrogateescape"))

    def below(self, folder: str) -> Iterator[str]:
        """Yield the paths below a folder, or all for an empty name."""
        prefix = f"{folder}/" if folder else ""
        return (file.path for file in self.files if file.path.startswith(prefix))

    def has_folder(self, folder: str) -> bool:
        """Tell whether a folder has a file."""
        return any(True for _ in self.below(folder))

    def text(self, path: str) -> str | None:
        """Return the content of a file; None if there is none."""
        from builder.base import texts

        return texts.read(self.folder / path) if path in self.paths else None


def read(folder: Path) -> SourceTree:
    """Return the files of a folder. Raises UsageError for links that lead out of it, and for too many bytes."""
    return _read(folder, tuple(_state(folder, "")))


@cache
def _read(folder: Path, _: Collection[tuple[str, int, int]]) -> SourceTree:
    """Read the files once for a state of the folder: each target of a command asks for them."""
    root = folder.resolve()
    found = source_folder.listed(root, lambda path, is_folder: _left_out(root, path, is_folder=is_folder))
    leaving = [f"{each.path} -> {each.link}" for each in found if each.link is not None and not _stays(root, each.path)]
    if leaving:
        msg = f"symbolic links lead out of `{folder.as_posix()}`"
        raise UsageError(msg, why=leaving[:5], hint="copy what they point to into the folder of the package")
    return SourceTree(folder=root, files=tuple(found))


def forget() -> None:
    """Forget what was read, for callers that read many folders within one process."""
    _read.cache_clear()


def _state(folder: Path, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Yield path, time and size of what takes part. Raises UsageError for more than can be built."""
    total = 0
    pending = [(folder, prefix)]
    while pending:
        here, before = pending.pop()
        with os.scandir(here) as listing:
            for item in sorted(listing, key=lambda item: item.name):
                path = f"{before}{item.name}"
                if _left_out(folder, path, is_folder=Path(item.path).is_dir()):  # DirEntry raises for circles
                    continue
                about = item.stat(follow_symlinks=False)
                total += about.st_size
                yield path, about.st_mtime_ns, about.st_size
                if item.is_dir(follow_symlinks=False):
                    pending.append((Path(item.path), f"{path}/"))
        if total > contained.MOST_BYTES:
            msg = f"the files in `{folder.as_posix()}` have more than {contained.MOST_BYTES:,} bytes"
            raise UsageError(msg, hint="keep large files outside of the package")


def _left_out(root: Path, path: str, *, is_folder: bool) -> bool:
    name = PurePosixPath(path).name
    if name in _LEFT_OUT or name.endswith(_ENDS):
        return True
    if not is_folder:
        return False
    if (root / path / "pyvenv.cfg").is_file() or (name == _INSTALLED and not _is_data(root, path)):
        return True
    return path in _BUILT and not (root / path / "__init__.py").is_file()


def _is_data(root: Path, path: str) -> bool:
    """Tell whether a folder is inside of a package, whose data it is then."""
    above = PurePosixPath(path).parents
    return path.startswith("src/") or any((root / folder / "__init__.py").is_file() for folder in above)


def _stays(root: Path, path: str) -> bool:
    try:
        return (root / path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _executable(path: Path) -> bool:
    return os.access(path, os.X_OK) if os.name != "nt" and not path.is_symlink() else False
