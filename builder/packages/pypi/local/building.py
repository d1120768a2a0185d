"""The wheel of a local package, or the sdist of which a container makes it, by the hash of its files."""

import contextlib
import gzip
import io
import json
import shlex
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

from builder.base import cache_paths, files, records
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.packages import source_folder
from builder.packages.pypi import project_files
from builder.packages.pypi.local import pep621, poetry_tables, setup_cfg, versions, wheel
from builder.packages.pypi.local import tree as source_tree
from builder.packages.pypi.local.backends import flit, hatch, poetry, setuptools, uv_build
from builder.packages.pypi.local.content import WheelContent
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.place import MARKS
from builder.packages.pypi.local.poetry_tables import PoetryPackage
from builder.packages.pypi.local.tree import SourceTree
from builder.packages.source_folder import SourceFile

FORMAT = 1
"""Of what is made of the same files."""
_COMPILED = (".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f90", ".go")
_BACKENDS: Mapping[str, tuple[ModuleType, frozenset[str]]] = {
    "flit_core.buildapi": (flit, frozenset({"flit-core"})),
    "hatchling.build": (hatch, frozenset({"hatchling"})),
    "poetry.core.masonry.api": (poetry, frozenset({"poetry-core"})),
    "setuptools.build_meta": (setuptools, frozenset({"setuptools", "wheel"})),
    "setuptools.build_meta:__legacy__": (setuptools, frozenset({"setuptools", "wheel"})),
    "uv_build": (uv_build, frozenset({"uv-build", "uv"})),
}
"""Backends by their names in pyproject.toml, with what they may be built with: anything else is a plug-in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderPackage:
    """A local package whose content is decided on."""

    package: Described
    content: WheelContent | None
    """None if a container builds it."""
    reason: str
    """Why a container builds it."""

    @property
    def filename(self) -> str:
        return f"{self.package.stem}{'-py3-none-any.whl' if self.content else '.tar.gz'}"


def is_project(folder: Path) -> bool:
    """Tell whether a folder has a package."""
    return any((folder / name).is_file() for name in MARKS)


def name(folder: Path) -> str | None:
    """Return the name of the package in a folder; None if only its backend knows it."""
    path = folder / pep621.NAME
    document = project_files.read(ProjectFile, path) if path.is_file() else ProjectFile()
    if document.project is not None:
        return document.project.name
    if isinstance(table := document.tool.get("poetry"), Mapping) and isinstance(given := table.get("name"), str):
        return given
    tree = SourceTree(folder=folder, files=tuple(_beside(folder)))
    with contextlib.suppress(UnknownError):
        return setup_cfg.sections(tree).get("metadata", {}).get("name") or setup_cfg.name_in_program(tree)
    return None


def _beside(folder: Path) -> Iterator[SourceFile]:
    for mark in MARKS:
        if (folder / mark).is_file():
            yield SourceFile(path=mark, sha256=files.sha256(folder / mark))


@cache
def read(tree: SourceTree) -> FolderPackage:
    """Return what a folder holds. Raises UsageError if only its backend knows what it requires."""
    document = pep621.read(tree)
    try:
        found = _static(document, tree)
        return FolderPackage(package=found.package, content=found, reason="")
    except UnknownError as error:
        reason = str(error)
    try:
        package = _described(document, tree)
    except UnknownError as error:
        msg = f"what {tree.folder.as_posix()} requires is only known to its backend, which would run on this host"
        raise UsageError(msg, why=[str(error)], hint=by_hand(tree.folder)) from None
    return FolderPackage(package=_with_version(package, document, tree), content=None, reason=reason)


def _with_version(package: Described, document: ProjectFile, tree: SourceTree) -> Described:
    """Return a package with its version. Raises UsageError if the container would give it another one."""
    try:
        if package.version is not None and not versions.is_worked_out(document, tree):
            return package
        found = versions.find(document, tree, package.name)
    except UnknownError as error:
        msg = f"the version of {tree.folder.as_posix()} is only known to its backend"
        hint = f"`{versions.variable(package.name)}=1.2.3` in the environment says it; or {by_hand(tree.folder)}"
        raise UsageError(msg, why=[str(error)], hint=hint) from None
    return replace(package, version=found)


def by_hand(folder: Path, stem: str = "NAME-VERSION") -> str:
    """Return the command that makes the wheel of a folder, and how the wheel is named then."""
    command = f"uv build --wheel {shlex.quote(files.relative(folder, Path()))} -o wheels"
    where = (
        " on Linux, with the Python and the architecture of the layer for its extension," if _compiles(folder) else ""
    )
    what = "runs its backend and makes a wheel; name that instead of it, as"
    return f"`{command}`{where} {what} `./wheels/{stem}-….whl`"


def _compiles(folder: Path) -> bool:
    """Tell whether the wheel of a folder is for one system: it has sources of another language than Python."""
    return any(path.endswith(_COMPILED) for path in source_tree.read(folder).paths)


def _static(document: ProjectFile, tree: SourceTree) -> WheelContent:
    """Return the wheel. Raises UnknownError if its backend has to run."""
    if not (tree.paths & set(MARKS)):
        msg = "it is no project"
        raise UnknownError(msg)
    if document.build.path or document.build.backend not in _BACKENDS:
        msg = f"its backend is `{document.build.backend}`"
        raise UnknownError(msg)
    backend, known = _BACKENDS[document.build.backend]
    if plugins := sorted(document.build.names - known):
        msg = f"it is built with {', '.join(plugins)}"
        raise UnknownError(msg)
    content: WheelContent = backend.wheel(document, tree)
    if content.package.version is None:
        msg = "its version is only known to its backend"
        raise UnknownError(msg)
    return content


def _described(document: ProjectFile, tree: SourceTree) -> Described:
    if document.build.backend.startswith("setuptools") or (document.project is None and "poetry" not in document.tool):
        return setuptools.described(document, tree)
    if document.project is not None:
        return pep621.package(document.project, tree, {}, whole=False)
    return poetry_tables.package(document.table(PoetryPackage, "poetry"), tree)


def made(tree: SourceTree, package: FolderPackage) -> Path:
    """Return the path of the wheel or the sdist, whose folder is named by the hash of all that decides its content."""
    facts = [FORMAT, tree.digest, package.package.metadata(), package.content and dict(package.content.files)]
    name = files.sha256_of(json.dumps(facts, sort_keys=True).encode(errors="surrogateescape"))

    def write(to: Path) -> None:
        if package.content is None:
            _write_sdist(tree, package.package, to)
            return
        inside = {path: tree.folder / source for path, source in package.content.files.items()}
        licences = {path: tree.folder / source for path, source in package.content.licences.items()}
        wheel.write(package.package, inside, licences, to)

    return records.made(cache_paths.folder("local") / name / package.filename, write)


def _write_sdist(tree: SourceTree, package: Described, to: Path) -> None:
    """Write an sdist with the files of a folder. Stored, since compressors differ, and its hash is an input."""
    top = f"{package.stem}/"
    about = package.metadata().encode()
    with (
        to.open("wb") as stream,
        gzip.GzipFile("", "wb", 0, stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for info, data in source_folder.members(tree.folder, tree.files, top):
            if info.name != f"{top}PKG-INFO":
                path = tree.folder / info.name.removeprefix(top)
                info.mode = 0o755 if info.isreg() and path.stat().st_mode & 0o100 else 0o644
                archive.addfile(info, io.BytesIO(data))
        archive.addfile(*_member(f"{top}PKG-INFO", about))


def _member(name: str, data: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info, data = source_folder.member(name, data)
    return info, io.BytesIO(data)
