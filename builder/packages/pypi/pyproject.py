"""What a pyproject.toml asks for: PEP 621's tables, with extras, and dependency groups (PEP 735)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from packaging.dependency_groups import DependencyGroupResolver
from packaging.errors import ExceptionGroup
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.model.steps.project import ProjectChoice
from builder.packages.pypi.project_files import ProjectTable, Pyproject

NAME = "pyproject.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonVersions:
    """The versions of Python that a project accepts."""

    text: str = ""
    """As its file has them; empty for all."""
    alternatives: tuple[SpecifierSet, ...] = (SpecifierSet(),)

    def accept(self, version: str) -> bool:
        """Tell whether a version is one of them."""
        return any(each.contains(version, prereleases=True) for each in self.alternatives)

    def also(self, other: "PythonVersions") -> "PythonVersions":
        """Return the versions that both accept."""
        if not self.text or not other.text or self.text == other.text:
            return other if other.text else self
        both = tuple(one & each for one in self.alternatives for each in other.alternatives)
        return PythonVersions(text=f"{self.text} and {other.text}", alternatives=both)


def requirements(document: Pyproject, path: Path, choice: ProjectChoice) -> Iterator[Requirement]:
    """Yield what a project asks for: its own dependencies, those of the chosen extras, and of the chosen groups."""
    project = document.project or ProjectTable()
    yield from of_project(project, path, choice.extras)
    for group in choice.groups:
        yield from of_group(document, path, group)


def of_project(project: ProjectTable, path: Path, extras: Collection[str]) -> Iterator[Requirement]:
    """Yield what `[project]` asks for with extras."""
    for text in (*project.dependencies, *(text for extra in extras for text in project.extras.get(extra, ()))):
        yield from _expanded(requirement(text, path), project, path, frozenset(extras))


def _expanded(given: Requirement, project: ProjectTable, path: Path, seen: frozenset[str]) -> Iterator[Requirement]:
    """Yield a requirement; for the project itself, as in `all = ["orders[s3]"]`, what its extras ask for."""
    if canonicalize_name(given.name) != canonicalize_name(project.name or ""):
        yield given
        return
    named = {canonicalize_name(extra): extra for extra in project.extras}
    for extra in sorted(named.get(canonicalize_name(extra), "") for extra in given.extras):
        for text in project.extras.get(extra, ()) if extra not in seen else ():
            yield from _expanded(_conditioned(requirement(text, path), given), project, path, seen | {extra})


def _conditioned(inner: Requirement, outer: Requirement) -> Requirement:
    """Return a requirement that also holds the marker of the one that leads to it."""
    if outer.marker:
        both = f"({inner.marker}) and ({outer.marker})" if inner.marker else str(outer.marker)
        inner.marker = Marker(both)
    return inner


def followed_extras(project: ProjectTable, path: Path, extras: Iterable[str]) -> tuple[str, ...]:
    """Return extras with those of the same project that they ask for, as in `all = ["orders[s3]"]`."""
    own, named = canonicalize_name(project.name or ""), {canonicalize_name(extra): extra for extra in project.extras}
    found = dict.fromkeys(extras)
    waiting = list(found)
    while waiting:
        for given in (requirement(text, path) for text in project.extras.get(waiting.pop(), ())):
            asked = given.extras if canonicalize_name(given.name) == own else set()
            more = {named[extra] for extra in map(canonicalize_name, asked) if extra in named} - set(found)
            waiting += sorted(more)
            found.update(dict.fromkeys(sorted(more)))
    return tuple(found)


def of_group(document: Pyproject, path: Path, group: str) -> Iterator[Requirement]:
    """Yield what a group asks for, with the groups that it includes. Raises UsageError for a circle of groups."""
    for each in listed_by_group(document, path, group):
        yield from _expanded(each, document.project or ProjectTable(), path, frozenset())


def listed_by_group(document: Pyproject, path: Path, group: str) -> Iterator[Requirement]:
    """Yield what a group lists, with the groups that it includes, and the project itself where that is listed."""
    older = (*((document.tool.uv.dev or ()) if group == "dev" else ()), *document.tool.pdm.dev.get(group, ()))
    yield from (requirement(text, path) for text in older)
    if group not in document.groups:
        return
    try:
        resolved = DependencyGroupResolver(_as_parsed(document.groups)).resolve(group)
    except (ExceptionGroup, ValueError, RecursionError) as error:
        causes = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        msg = f"{path.as_posix()}: the group `{group}` cannot be read"
        raise UsageError(msg, why=[credentials.redact(str(each)).partition("\n")[0] for each in causes]) from None
    yield from (requirement(str(each), path) for each in resolved)


def _as_parsed(
    groups: Mapping[str, tuple[str | Mapping[str, str], ...]],
) -> Mapping[str, list[str | Mapping[str, str]]]:
    return {name: [dict(row) if isinstance(row, Mapping) else row for row in rows] for name, rows in groups.items()}


def requirement(text: str, path: Path) -> Requirement:
    """Return a requirement of a file. Raises UsageError, which names the file."""
    try:
        return pep508.parsed(text)
    except InvalidRequirement:
        msg = f"{path.as_posix()}: `{credentials.redact(text)}` is not a valid requirement"
        raise UsageError(msg) from None


def versions(text: str, path: Path) -> PythonVersions:
    """Return the versions of Python that a file accepts. Raises UsageError if it does not say so as PEP 440 has it."""
    try:
        return PythonVersions(text=text, alternatives=(SpecifierSet(text),))
    except InvalidSpecifier:
        msg = f"{path.as_posix()}: `{text}` does not say which versions of Python fit"
        raise UsageError(msg, hint="for example `>=3.11`") from None
