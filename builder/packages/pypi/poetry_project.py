"""What `[tool.poetry]` asks for: dependencies, groups and extras, in Poetry's own notation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.steps.project import ProjectChoice
from builder.packages.pypi import markers, poetry_versions, pyproject
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.poetry_versions import Alternatives
from builder.packages.pypi.project_files import PoetryTable, Pyproject
from builder.packages.pypi.pyproject import PythonVersions

_PLACES = ("path", "git", "url", "file")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """A package that a project or another package asks for."""

    name: str
    extras: tuple[str, ...] = ()
    versions: Alternatives = (SpecifierSet(),)
    marker: str | None = None
    place: str | None = None
    """The address of a folder, a file or a repository; None for a package of an index."""
    optional: bool = False
    """Whether only an extra asks for it, without a marker that says so."""

    @classmethod
    def of(cls, requirement: Requirement) -> "Dependency":
        """Return a requirement of PEP 508 as a dependency."""
        return cls(
            name=canonicalize_name(requirement.name),
            extras=tuple(sorted(requirement.extras)),
            versions=(requirement.specifier,),
            marker=str(requirement.marker) if requirement.marker else None,
            place=requirement.url,
        )


def dependencies(document: Pyproject, path: Path, choice: ProjectChoice) -> Iterator[Dependency]:
    """Yield what a project asks for: its own dependencies, those of the chosen extras and of the chosen groups."""
    poetry = document.tool.poetry or PoetryTable()
    about = document.project
    own = list(_table(poetry.dependencies, path))
    if about and (about.dependencies or about.extras) and "dependencies" not in about.dynamic:
        yield from _enriched(map(Dependency.of, pyproject.of_project(about, path, choice.extras)), own)
    else:
        yield from _without_unchosen(own, poetry, choice)
    for group in choice.groups:
        yield from of_group(document, path, group)


def _enriched(standard: Iterable[Dependency], own: Sequence[Dependency]) -> Iterator[Dependency]:
    """Yield dependencies of PEP 621 with what Poetry's own table adds: versions, places and where each is for.

    A dependency that the table has only for elsewhere is taken as it is.
    """
    for each in standard:
        found = [_both(each, row) for row in own if row.name == each.name]
        yield from [both for both in found if _is_somewhere(both.marker)] or [each]


def _is_somewhere(marker: str | None) -> bool:
    try:
        return marker is None or markers.anywhere(Marker(marker))
    except InvalidMarker:
        return True


def _both(standard: Dependency, own: Dependency) -> Dependency:
    given = [f"({marker})" for marker in (standard.marker, own.marker) if marker]
    return replace(
        standard,
        versions=tuple(versions & standard.versions[0] for versions in own.versions),
        marker=str(Marker(" and ".join(given))) if given else None,
        place=standard.place or own.place,
    )


def _without_unchosen(own: Sequence[Dependency], poetry: PoetryTable, choice: ProjectChoice) -> Iterator[Dependency]:
    """Yield the dependencies that are not optional, or that a chosen extra names."""
    named = {canonicalize_name(name) for extra in choice.extras for name in poetry.extras.get(extra, ())}
    yield from (replace(each, optional=False) for each in own if not each.optional or each.name in named)


def of_group(document: Pyproject, path: Path, group: str, above: tuple[str, ...] = ()) -> Iterator[Dependency]:
    """Yield what a group asks for, with the groups that it includes. Raises UsageError for a circle of groups."""
    if group in above:
        msg = f"{path.as_posix()}: groups include each other: {' -> '.join((*above, group))}"
        raise UsageError(msg)
    poetry = document.tool.poetry or PoetryTable()
    found = poetry.group.get(group)
    own = list(_table(found.dependencies, path)) if found else []
    if group in document.groups:
        yield from _enriched(map(Dependency.of, pyproject.of_group(document, path, group)), own)
    else:
        yield from own
    if group == "dev" and poetry.dev:
        yield from _table(poetry.dev, path)
    if found:
        for included in found.includes:
            yield from of_group(document, path, included, (*above, group))


def python(document: Pyproject, path: Path) -> PythonVersions:
    """Return the versions of Python that a project accepts, whichever table says so."""
    if document.project and document.project.requires_python:
        return pyproject.versions(document.project.requires_python, path)
    text = document.tool.poetry.dependencies.get("python") if document.tool.poetry else None
    if isinstance(text, Mapping):
        text = text.get("version")
    if not isinstance(text, str):
        return PythonVersions()
    return PythonVersions(text=text, alternatives=_versions(text, "python", path))


def parsed(name: str, row: object, path: Path) -> Iterator[Dependency]:
    """Yield a dependency in Poetry's notation: a version, a table, or a list of tables."""
    for each in row if isinstance(row, Sequence) and not isinstance(row, str) else [row]:
        yield _one(name, {"version": each} if isinstance(each, str) else each, path)


def _table(rows: Mapping[str, Any], path: Path) -> Iterator[Dependency]:
    for name, row in rows.items():
        if canonicalize_name(name) != "python":
            yield from parsed(name, row, path)


def _one(name: str, row: object, path: Path) -> Dependency:
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        msg = f"{path.as_posix()}: the dependency `{name}` is neither a version nor a table"
        raise UsageError(msg)
    extras = row.get("extras", ())
    return Dependency(
        name=canonicalize_name(name),
        extras=tuple(map(str, extras)) if isinstance(extras, Sequence) else (),
        versions=_versions(str(row.get("version", "*")), name, path),
        marker=_marker(name, row, path),
        place=_place(row, path),
        optional=row.get("optional") is True,
    )


def _versions(text: str, name: str, path: Path) -> Alternatives:
    try:
        return poetry_versions.parsed(text)
    except ValueError as error:
        msg = f"{path.as_posix()}: the version of `{name}` cannot be read"
        raise UsageError(msg, why=[str(error)]) from None


def _marker(name: str, row: Mapping[str, Any], path: Path) -> str | None:
    """Return the conditions of a dependency as one marker; None without any."""
    conditions = [str(row["markers"])] if row.get("markers") else []
    if isinstance(row.get("python"), str):
        versions = _versions(row["python"], "python", path)
        conditions += [text] if (text := poetry_versions.python_marker(versions)) else []
    if isinstance(row.get("platform"), str):
        conditions.append(f'sys_platform == "{row["platform"]}"')
    if not conditions:
        return None
    try:
        return str(Marker(" and ".join(f"({each})" for each in conditions)))
    except (InvalidMarker, RecursionError):
        msg = f"{path.as_posix()}: the conditions of `{name}` cannot be read"
        raise UsageError(msg, why=conditions) from None


def _place(row: Mapping[str, Any], path: Path) -> str | None:
    kind = next((key for key in _PLACES if isinstance(row.get(key), str)), None)
    if kind is None:
        return None
    address = str(row[kind])
    if kind in {"path", "file"}:
        return (path.parent / address).resolve().as_uri()
    if kind == "url":
        return address
    reference = next((str(row[key]) for key in ("rev", "tag", "branch") if row.get(key)), None)
    below = str(row["subdirectory"]) if row.get("subdirectory") else None
    return GitPlace(url=address, ref=reference, subdirectory=below).address


def line(dependency: Dependency, path: Path) -> str:
    """Return a dependency as a line of requirements. Raises UsageError for versions that one line cannot name."""
    if len(dependency.versions) > 1:
        msg = f"{path.as_posix()}: the versions of `{dependency.name}` are alternatives, which only a lock decides on"
        raise UsageError(msg, hint="`poetry lock` writes one")
    extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
    wanted = f" @ {dependency.place}" if dependency.place else str(dependency.versions[0])
    return f"{dependency.name}{extras}{wanted}{f' ; {dependency.marker}' if dependency.marker else ''}"
