"""poetry.lock, of Poetry 1 and 2: by the groups and markers that version 2.1 writes, else by following dependencies."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import poetry_project, project_files, pyproject
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.locks import graph, rows
from builder.packages.pypi.locks.graph import LockNode
from builder.packages.pypi.locks.rows import LockRow
from builder.packages.pypi.project_files import Pyproject

_KEYS = ("dependencies", "source", "extras", "dev-dependencies")
"""The keys of [tool.poetry] that the hash has always had; `group` came with Poetry 1.2."""
_PROJECT_KEYS = ("requires-python", "dependencies", "optional-dependencies")
_GROUPS_SINCE = (2, 1)
"""The version of locks since which packages have their groups and markers."""
_LATEST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryFile:
    """A file of a package."""

    hash: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetrySource:
    """`[package.source]`: where a package comes from."""

    type: str = "legacy"
    url: str = ""
    commit: Annotated[str | None, Field(alias="resolved_reference")] = None
    subdirectory: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryRow:
    """`[[package]]`."""

    name: str
    version: str
    groups: tuple[str, ...] = ()
    markers: str | Mapping[str, str] | None = None
    """For all groups, or by group."""
    files: tuple[PoetryFile, ...] = ()
    dependencies: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: PoetrySource | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryMetadata:
    """`[metadata]`."""

    version: Annotated[str, Field(alias="lock-version")] = ""
    content_hash: Annotated[str, Field(alias="content-hash")] = ""
    files: Mapping[str, tuple[PoetryFile, ...]] = field(default_factory=dict)
    """The files of each package, as Poetry 1 wrote them up to version 1.1 of the format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryLock:
    """A poetry.lock."""

    package: tuple[PoetryRow, ...] = ()
    metadata: PoetryMetadata = field(default_factory=PoetryMetadata)


def lines(lock: Path, request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield the packages that the project's own dependencies, the chosen groups and extras need."""
    document = project_files.read(PoetryLock, lock)
    version = _version(document.metadata.version)
    rows.refuse_future(lock, document.metadata.version, "1.0 to 2.1", readable=0 < version[0] <= _LATEST)
    path = request.file(pyproject.NAME)
    if not path.is_file():
        msg = f"there is no {path.as_posix()}, which {lock.as_posix()} is the lock of"
        raise UsageError(msg)
    if document.metadata.content_hash not in content_hashes(project_files.raw(path)):
        msg = f"{lock.as_posix()} is older than {path.as_posix()}, which asks for something else"
        raise UsageError(msg, hint="`poetry lock` brings it up to date")
    if version >= _GROUPS_SINCE:
        found = _of_groups(document, lock, choice)
    else:
        about = project_files.read(Pyproject, path)
        roots = list(poetry_project.dependencies(about, path, choice))
        found = graph.rows(lock, _nodes(document, lock), roots, poetry_project.python(about, path))
    yield from (row.line(lock) for row in found)


def content_hashes(document: Mapping[str, Any]) -> Collection[str]:
    """Return the hashes that the versions of Poetry make of what a pyproject.toml asks for."""
    project, poetry = document.get("project", {}), document.get("tool", {}).get("poetry", {})
    groups = document.get("dependency-groups", {})
    of_project = {key: project[key] for key in _PROJECT_KEYS if project.get(key) is not None}
    group = {"group": poetry["group"]} if poetry.get("group") is not None else {}
    every = {key: poetry.get(key) for key in _KEYS}
    given = {**{key: value for key, value in every.items() if value is not None}, **group}
    tables = [{"dependency-groups": groups}, {}] if groups else [{}]
    own = {"project": of_project} if of_project else {}
    contents = [every, {**every, **group}, *({**own, **more, "tool": {"poetry": given}} for more in tables)]
    dumped = (json.dumps(content, sort_keys=True, default=str) for content in contents)
    return {hashlib.sha256(text.encode()).hexdigest() for text in dumped}


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return (int(major) if major.isdigit() else 0, int(minor) if minor.isdigit() else 0)


def _of_groups(document: PoetryLock, lock: Path, choice: ProjectChoice) -> Iterator[LockRow]:
    """Yield the packages of the chosen groups, with the markers that the lock has for these."""
    chosen = {"main", *map(canonicalize_name, choice.groups)}
    for package in document.package:
        groups = sorted(chosen.intersection(map(canonicalize_name, package.groups)))
        if groups:
            conditions = [_marker(package, lock, group, choice) for group in groups]
            marker = None if None in conditions else rows.alternatives(conditions)
            if marker != rows.truth(holds=False):
                yield _row(package, document, lock, marker)


def _marker(package: PoetryRow, lock: Path, group: str, choice: ProjectChoice) -> str | None:
    text = package.markers.get(group) if isinstance(package.markers, Mapping) else package.markers
    return rows.decided(text, choice.extras, lock, package.name) if text else None


def _row(package: PoetryRow, document: PoetryLock, lock: Path, marker: str | None = None) -> LockRow:
    name = canonicalize_name(package.name)
    files = package.files or document.metadata.files.get(package.name) or document.metadata.files.get(name, ())
    hashes = tuple(file.hash for file in files)
    return LockRow(
        name=name, version=package.version, hashes=hashes, marker=marker, place=_place(package.source, package, lock)
    )


def _place(source: PoetrySource | None, package: PoetryRow, lock: Path) -> str | None:
    if source is None or source.type == "legacy":
        return None
    if source.type in {"directory", "file"}:
        return rows.local(lock, package.name, source.url, "run `poetry lock`")
    if source.type == "git":
        return GitPlace(url=source.url, ref=source.commit, subdirectory=source.subdirectory).address
    return source.url


def _nodes(document: PoetryLock, lock: Path) -> Iterator[LockNode]:
    for package in document.package:
        own = [each for name, row in package.dependencies.items() for each in poetry_project.parsed(name, row, lock)]
        names = {extra: frozenset(map(_name, texts)) for extra, texts in package.extras.items()}
        yield LockNode(row=_row(package, document, lock), dependencies=tuple(own), of_extras=names)


def _name(text: str) -> str:
    """Return the name that a text begins with, such as `tiny-speed (>=2)`."""
    return canonicalize_name(text.partition(" ")[0].partition("[")[0].partition(";")[0])
