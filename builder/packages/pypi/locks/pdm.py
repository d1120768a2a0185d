"""pdm.lock: by the groups that the strategy `inherit_metadata` writes, else by following dependencies."""

import hashlib
import json
from collections.abc import Iterator, Mapping
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
from builder.packages.pypi.poetry_project import Dependency
from builder.packages.pypi.project_files import Pyproject

_DEFAULT = "default"
"""The group of a project's own dependencies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmFile:
    """A file of a package."""

    hash: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmPackage:
    """`[[package]]`; one with extras is listed once more for each set of them."""

    name: str
    version: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    marker: str | None = None
    dependencies: tuple[str, ...] = ()
    files: tuple[PdmFile, ...] = ()
    path: str | None = None
    url: str | None = None
    git: str | None = None
    revision: str | None = None
    subdirectory: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmTarget:
    """`[[metadata.targets]]`: what the lock is for."""

    platform: str | None = None
    python: Annotated[str, Field(alias="requires_python")] = ""
    implementation: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmMetadata:
    """`[metadata]`."""

    version: Annotated[str, Field(alias="lock_version")] = ""
    content_hash: str = ""
    groups: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()
    targets: tuple[PdmTarget, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmLock:
    """A pdm.lock."""

    metadata: PdmMetadata = field(default_factory=PdmMetadata)
    package: tuple[PdmPackage, ...] = ()


def lines(lock: Path, request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield the packages that the project's own dependencies, the chosen groups and extras need."""
    document = project_files.read(PdmLock, lock)
    rows.refuse_future(
        lock, document.metadata.version, "4", readable=document.metadata.version.partition(".")[0] == "4"
    )
    path = request.file(pyproject.NAME)
    if not path.is_file():
        msg = f"there is no {path.as_posix()}, which {lock.as_posix()} is the lock of"
        raise UsageError(msg)
    if document.metadata.content_hash.removeprefix("sha256:") not in content_hashes(project_files.raw(path)):
        msg = f"{lock.as_posix()} is older than {path.as_posix()}, which asks for something else"
        raise UsageError(msg, hint="`pdm lock` brings it up to date")
    _refuse_unlocked(document, lock, choice)
    found = _of_groups(document, lock, choice) if _has_groups(document) else _followed(document, lock, path, choice)
    yield from (row.line(lock) for row in found)


def content_hashes(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the hashes that the versions of PDM make of what a pyproject.toml asks for.

    Those before 2.20 knew dependency groups of [tool.pdm] only, and those before 2.16 called `resolution` `overrides`.
    """
    project, settings = document.get("project", {}), document.get("tool", {}).get("pdm", {})
    old = settings.get("dev-dependencies", {})
    both: dict[str, list[Any]] = {}
    for name, given in (*document.get("dependency-groups", {}).items(), *old.items()):
        both.setdefault(canonicalize_name(name), []).extend(given)
    common = {
        "sources": settings.get("source", []),
        "dependencies": project.get("dependencies", []),
        "optional-dependencies": project.get("optional-dependencies", {}),
        "requires-python": project.get("requires-python", ""),
    }
    resolution = settings.get("resolution", {})
    contents = [
        {**common, "dev-dependencies": dev, **more}
        for dev in (both, old)
        for more in ({"resolution": resolution}, {"overrides": resolution.get("overrides", {})})
    ]
    dumped = (json.dumps(content, sort_keys=True, default=str) for content in contents)
    return frozenset(hashlib.sha256(text.encode()).hexdigest() for text in dumped)


def _refuse_unlocked(document: PdmLock, lock: Path, choice: ProjectChoice) -> None:
    """Raise UsageError for groups that were not locked, and for a lock of other systems."""
    locked = {*map(canonicalize_name, document.metadata.groups)}
    missing = [name for name in (*choice.groups, *choice.extras) if canonicalize_name(name) not in locked]
    if missing:
        msg = f"{lock.as_posix()} was written without {', '.join(missing)}"
        raise UsageError(msg, hint="`pdm lock -G :all` locks every group and extra")
    platforms = [target.platform for target in document.metadata.targets]
    if platforms and all(each and not each.startswith(("linux", "manylinux", "musllinux")) for each in platforms):
        msg = f"{lock.as_posix()} is a lock for {', '.join(map(str, platforms))}, and Lambda runs on Linux"
        raise UsageError(msg, hint="`pdm lock` without --platform is for all systems")


def _has_groups(document: PdmLock) -> bool:
    return "inherit_metadata" in document.metadata.strategy


def _of_groups(document: PdmLock, lock: Path, choice: ProjectChoice) -> Iterator[LockRow]:
    chosen = {_DEFAULT, *map(canonicalize_name, (*choice.groups, *choice.extras))}
    found: dict[tuple[str, str], list[PdmPackage]] = {}
    for package in document.package:
        if chosen.intersection(map(canonicalize_name, package.groups)):
            found.setdefault((package.name, package.version), []).append(package)
    for same in found.values():
        markers = [each.marker for each in same]
        marker = None if None in markers else rows.alternatives(markers)
        yield _row(same[0], lock, rows.normalized(marker, lock, same[0].name) if marker else None)


def _row(package: PdmPackage, lock: Path, marker: str | None = None) -> LockRow:
    return LockRow(
        name=canonicalize_name(package.name),
        version=package.version,
        hashes=tuple(file.hash for file in package.files),
        marker=marker,
        place=_place(package, lock),
    )


def _place(package: PdmPackage, lock: Path) -> str | None:
    if package.path:
        return rows.local(lock, package.name, package.path, "run `pdm lock`")
    if package.git:
        return GitPlace(url=package.git, ref=package.revision, subdirectory=package.subdirectory).address
    return package.url


def _followed(document: PdmLock, lock: Path, path: Path, choice: ProjectChoice) -> Iterator[LockRow]:
    """Yield what the dependencies of the project lead to."""
    about = project_files.read(Pyproject, path)
    roots = [Dependency.of(each) for each in pyproject.requirements(about, path, choice)]
    return graph.rows(lock, _nodes(document, lock), roots, poetry_project.python(about, path))


def _nodes(document: PdmLock, lock: Path) -> Iterator[LockNode]:
    """Yield each package once: what its extras need is asked for with these."""
    same: dict[tuple[str, str], list[PdmPackage]] = {}
    for package in document.package:
        same.setdefault((canonicalize_name(package.name), package.version), []).append(package)
    for packages in same.values():
        yield LockNode(
            row=_row(packages[0], lock),
            dependencies=tuple(each for package in packages for each in _dependencies(package, lock)),
            of_extras={},
        )


def _dependencies(package: PdmPackage, lock: Path) -> Iterator[Dependency]:
    """Yield what a package needs, or what it needs besides for its extras: that has a marker which says so."""
    extras = " or ".join(f'extra == "{extra}"' for extra in package.extras)
    for text in package.dependencies:
        each = Dependency.of(pyproject.requirement(text, lock))
        if each.name != canonicalize_name(package.name):
            marker = rows.joined([each.marker, extras or None])
            yield Dependency(name=each.name, extras=each.extras, versions=each.versions, marker=marker)
