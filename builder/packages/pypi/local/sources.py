"""The places that a project names for its own dependencies: uv's sources and workspaces, and Poetry's tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.model.decode import typed
from builder.packages.pypi import markers, project_files
from builder.packages.pypi.local import pep621, poetry_tables
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.local.poetry_tables import PoetryPackage
from builder.packages.pypi.project_files import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedSource:
    """An entry of `[tool.uv.sources]`."""

    index: str | None = None
    path: str | None = None
    workspace: bool = False
    git: str | None = None
    rev: str | None = None
    tag: str | None = None
    branch: str | None = None
    subdirectory: str | None = None
    url: str | None = None
    marker: str | None = None
    extra: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NameTable:
    """`[project]`, as far as places are concerned."""

    name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacingProject:
    """A pyproject.toml, as far as it names places."""

    project: NameTable = field(default_factory=NameTable)
    tool: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacingUv:
    """`[tool.uv]`."""

    sources: Mapping[str, PlacedSource | tuple[PlacedSource, ...]] = field(default_factory=dict)
    workspace: Workspace | None = None


def places(folder: Path) -> dict[str, str]:
    """Return the addresses of the dependencies of a project that no index has, by name.

    A path is relative to the project. Raises UsageError for a member of a workspace that is missing.
    """
    document = _document(folder)
    if document is None:
        return {}
    with project_files.naming(folder / pep621.NAME):
        root = workspace(folder)
        inherited = dict(_of_uv(root, root)) if root and root != folder else {}
        return {**inherited, **dict(_of_uv(folder, root)), **dict(_of_poetry(document, folder))}


def placed(requirement: Requirement, named: Mapping[str, str]) -> Requirement:
    """Return a requirement with the address of its place, if it has one among these."""
    address = named.get(canonicalize_name(requirement.name))
    if address is None or requirement.url:
        return requirement
    found = pep508.parsed(str(requirement))
    found.specifier = SpecifierSet()
    found.url = address if "://" in address else Path(address).resolve().as_uri()
    return found


def declared(folder: Path, name: str) -> Iterator[tuple[Path, PlacedSource]]:
    """Yield the sources of a dependency, with the folder that their paths count from: the own, or the workspace's."""
    for base in dict.fromkeys((folder, workspace(folder) or folder)):
        for key, given in _uv(base).sources.items():
            if canonicalize_name(key) == canonicalize_name(name):
                yield from ((base, source) for source in (given if isinstance(given, tuple) else (given,)))
                return


def member_names(root: Path) -> list[str]:
    """Return the names of the members of a workspace and of its root; none if it is no workspace."""
    members = [*_members(root)] if _uv(root).workspace is not None else []
    return [name for each in (root, *members) if (name := _name(each))] if members else []


def refuse_members(folder: Path, requirements: Iterable[Requirement], named: Mapping[str, str]) -> None:
    """Raise UsageError for a member of the workspace that a project needs, and takes from an index, as uv does.

    `named` are the places of the project. An index may have another package of that name.
    """
    root = workspace(folder)
    members = {canonicalize_name(each) for each in member_names(root)} if root else set()
    own = canonicalize_name(_name(folder))
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name in members and name not in named and name != own and not requirement.url:
            msg = f"{(folder / pep621.NAME).as_posix()}: `{requirement.name}` is a member of the workspace"
            why = ["its sources do not say that it is taken from there, and an index may have another of that name"]
            raise UsageError(
                msg, why=why, hint=f"write `{requirement.name} = {{ workspace = true }}` into [tool.uv.sources]"
            )


def _name(folder: Path) -> str:
    document = _document(folder)
    return (document.project.name or "") if document else ""


def _document(folder: Path) -> PlacingProject | None:
    path = folder / pep621.NAME
    return project_files.read(PlacingProject, path) if path.is_file() else None


def _uv(folder: Path) -> PlacingUv:
    document = _document(folder)
    table: Any = document.tool.get("uv", {}) if document else {}
    try:
        return typed(PlacingUv, table)
    except ValidationError as error:
        msg = f"{(folder / pep621.NAME).as_posix()} has sources of uv that cannot be read"
        raise UsageError(msg, why=[str(error.errors()[0]["msg"])]) from error


def workspace(folder: Path) -> Path | None:
    """Return the root of the workspace that a project is in, up to its repository; None if it is in none."""
    for each in (folder, *folder.parents):
        if (each / pep621.NAME).is_file() and _uv(each).workspace is not None:
            return each if each == folder or folder in _members(each) else None
        if (each / ".git").exists():
            return None
    return None


def _of_uv(folder: Path, root: Path | None) -> Iterator[tuple[str, str]]:
    for name, given in _uv(folder).sources.items():
        for source in given if isinstance(given, tuple) else (given,):
            if source.marker and not markers.anywhere(Marker(source.marker)):
                continue
            if source.workspace:
                yield canonicalize_name(name), member(name, folder, root)
            elif source.path:
                yield canonicalize_name(name), (folder / source.path).as_posix()
            elif source.git:
                ref = source.rev or source.tag or source.branch
                place = GitPlace(url=source.git, ref=ref, subdirectory=source.subdirectory)
                yield canonicalize_name(name), place.address
            elif source.url:
                yield canonicalize_name(name), source.url


def member(name: str, folder: Path, root: Path | None) -> str:
    """Return the folder of a member of a workspace."""
    members = list(_members(root)) if root else []
    for member in (*([root] if root else []), *members):
        if canonicalize_name(_name(member)) == canonicalize_name(name):
            return member.as_posix()
    msg = f"{(folder / pep621.NAME).as_posix()}: `{name}` is a member of the workspace that is missing"
    why = [f"the workspace has {', '.join(member.name for member in members) or 'no members'}"]
    raise UsageError(msg, why=why, hint="check it out, or name its folder in `members` of [tool.uv.workspace]")


def _members(root: Path) -> Iterator[Path]:
    table = _uv(root).workspace or Workspace()
    excluded = {path for pattern in table.exclude for path in root.glob(pattern)}
    found = (path for pattern in table.members for path in sorted(root.glob(pattern)))
    yield from (path for path in found if path not in excluded and (path / pep621.NAME).is_file())


def _of_poetry(document: PlacingProject, folder: Path) -> Iterator[tuple[str, str]]:
    try:
        table = typed(PoetryPackage, document.tool.get("poetry", {}))
    except ValidationError:
        return
    found = poetry_tables.dependencies(table, folder / pep621.NAME)
    yield from ((each.name, each.place) for each in found if each.place)
