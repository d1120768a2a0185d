"""Whether a uv.lock is that of its project: what the project asks for now, and what it asked for when uv locked it.

uv writes both markers and places in its own way, so they are compared by what they mean in the environments of Lambda.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.steps.project import ProjectChoice
from builder.packages.pypi import markers, project_files, pyproject, uv_project
from builder.packages.pypi.local import place, sources
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.local.sources import PlacedSource
from builder.packages.pypi.locks import uv_newer
from builder.packages.pypi.project_files import ProjectTable, Pyproject, Requires, UvLock, UvMetadata, UvOptions

Meaning = tuple[int, str, frozenset[str], SpecifierSet, str]
"""The number of an environment, and what is asked for there: name, extras, versions, place."""
Rows = frozenset[Meaning]
Environments = Sequence[Mapping[str, str]]
_CONSTRAINTS = ("constraint-dependencies", "override-dependencies", "build-constraint-dependencies")


def differences(lock: Path, path: Path, choice: ProjectChoice, urls: Mapping[str, str]) -> list[str]:
    """Return the names of what the lock has otherwise than the project; `urls` are the indexes by their names."""
    document, locked = project_files.read(Pyproject, path), project_files.read(UvLock, lock)
    about = document.project or ProjectTable()
    name = canonicalize_name(about.name or "")
    metadata = next((row.metadata for row in locked.package if canonicalize_name(row.name) == name), None)
    if metadata is None:  # of a project that was renamed, unless it has no name
        return [about.name] if about.name and locked.package else []
    asked = _AskedOfUv(
        folder=path.parent.resolve(), base=lock.parent.resolve(), urls=urls, environments=_environments(lock, locked)
    )
    found = set(_of_settings(lock, locked, asked))
    if "dependencies" not in about.dynamic:
        found.update(_of_project(document, path, choice, metadata, asked))
    return sorted(found)


def _environments(lock: Path, locked: UvLock) -> Environments:
    accepted = pyproject.versions(locked.requires_python, lock)
    every = (markers.environment_of(runtime, arch) for runtime, arch in markers.everywhere())
    return [each for each in every if accepted.accept(each["python_full_version"])]


def _of_project(
    document: Pyproject, path: Path, choice: ProjectChoice, metadata: UvMetadata, asked: "_AskedOfUv"
) -> Iterator[str]:
    """Yield the names that differ in the project's own dependencies, the chosen extras and the chosen groups."""
    about = document.project or ProjectTable()
    extras = choice.extras if "optional-dependencies" not in about.dynamic else ()
    for extra in (None, *pyproject.followed_extras(about, path, extras)):
        texts = (*about.dependencies, *(about.extras.get(extra, ()) if extra else ()))
        now = asked.now([pyproject.requirement(text, path) for text in texts], extra=extra)
        yield from _names(now, asked.then(metadata.requires, extra=extra))
    groups = {canonicalize_name(name): rows for name, rows in metadata.groups.items()}
    for group in choice.groups:
        now = asked.now(list(pyproject.listed_by_group(document, path, group)), group=group)
        yield from _names(now, asked.then(groups.get(canonicalize_name(group), ())))


def _of_settings(lock: Path, locked: UvLock, asked: "_AskedOfUv") -> Iterator[str]:
    """Yield the settings of the root of the workspace that differ, and members that were added or taken out."""
    path, manifest = lock.parent / pyproject.NAME, locked.manifest
    if not path.is_file():
        return
    table = project_files.read(Pyproject, path).tool.uv
    of_root = _AskedOfUv(folder=asked.base, base=asked.base, urls=asked.urls, environments=asked.environments)
    given = zip(
        _CONSTRAINTS,
        (table.constraints, table.overrides, table.build_constraints),
        (manifest.constraints, manifest.overrides, manifest.build),
        strict=True,
    )
    for key, texts, rows in given:
        if of_root.now([pyproject.requirement(text, path) for text in texts]) != of_root.then(rows):
            yield key
    yield from _of_choice(asked.base, locked.options)
    if {*map(canonicalize_name, table.excludes)} != {*map(canonicalize_name, manifest.excludes)}:
        yield "exclude-dependencies"
    members = {canonicalize_name(name) for name in sources.member_names(asked.base)}
    if manifest.members and members and members != {*map(canonicalize_name, manifest.members)}:
        yield "members of the workspace"


def _of_choice(folder: Path, options: UvOptions) -> Iterator[str]:
    """Yield the settings of choosing among versions that differ. A variable may have set what the project does not."""
    found = uv_project.settings(folder)
    table = found.table if found else {}
    for key, locked in (("resolution", options.resolution), ("prerelease", options.prerelease)):
        if table.get(key) and table[key] != locked:
            yield key
    if table.get("exclude-newer") and not uv_newer.is_same(table["exclude-newer"], options.newer_span or options.newer):
        yield "exclude-newer"
    packages = table.get("exclude-newer-package")
    if isinstance(packages, dict) and packages and not uv_newer.are_same(packages, options.newer_package):
        yield "exclude-newer-package"


def _names(now: Rows, then: Rows) -> Iterator[str]:
    yield from (name for _, name, *_ in now ^ then)


@dataclass(frozen=True, kw_only=True, slots=True)
class _AskedOfUv:
    """What is asked for in each environment, by the sources of one project."""

    folder: Path
    base: Path
    """The folder that paths of the lock count from."""
    urls: Mapping[str, str]
    environments: Environments

    def now(self, requirements: Sequence[Requirement], *, extra: str | None = None, group: str | None = None) -> Rows:
        """Return what requirements of the project mean."""
        named = [(each, [*sources.declared(self.folder, each.name)] if not each.url else []) for each in requirements]
        return frozenset(
            (number, canonicalize_name(each.name), _extras(each.extras), _versions(each, where), where)
            for number, environment in enumerate(self.environments)
            for each, declared in named
            if _holds(each.marker, environment, extra)
            for where in [self._place(each, [one for one in declared if _fits(one[1], environment, extra, group)])]
        )

    def then(self, rows: Iterable[Requires], *, extra: str | None = None) -> Rows:
        """Return what rows of the lock mean."""
        parsed = [(row, Marker(row.marker) if row.marker else None, SpecifierSet(row.specifier)) for row in rows]
        return frozenset(
            (number, canonicalize_name(row.name), _extras(row.extras), specifier, _place_of(row, self.base))
            for row, marker, specifier in parsed
            for number, environment in enumerate(self.environments)
            if _holds(marker, environment, extra)
        )

    def _place(self, requirement: Requirement, declared: Sequence[tuple[Path, PlacedSource]]) -> str:
        if requirement.url:
            return _of_address(requirement.url, self.folder)
        return self._of_source(declared[0][1], declared[0][0], requirement.name) if declared else ""

    def _of_source(self, source: PlacedSource, base: Path, name: str) -> str:
        if source.index:
            return f"index {_plain(self.urls.get(source.index, source.index))}"
        if source.workspace:
            return f"folder {Path(sources.member(name, base, sources.workspace(base))).resolve().as_posix()}"
        if source.path:
            return f"folder {(base / source.path).resolve().as_posix()}"
        if source.git:
            ref = source.rev or source.tag or source.branch
            return _of_git(GitPlace(url=source.git.removeprefix("git+"), ref=ref, subdirectory=source.subdirectory))
        return f"url {_plain(source.url or '')}"


def _versions(requirement: Requirement, where: str) -> SpecifierSet:
    """Return the versions that are asked for, which are none of a folder, a file or a repository."""
    return requirement.specifier if not where or where.startswith("index ") else SpecifierSet()


def _extras(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(canonicalize_name, names))


def _holds(marker: Marker | None, environment: Mapping[str, str], extra: str | None) -> bool:
    return marker is None or markers.holds(marker, {**environment, "extra": extra or ""})


def _fits(source: PlacedSource, environment: Mapping[str, str], extra: str | None, group: str | None) -> bool:
    given = ((source.extra, extra), (source.group, group))
    if any(wanted and canonicalize_name(wanted) != canonicalize_name(part or "") for wanted, part in given):
        return False
    return _holds(Marker(source.marker) if source.marker else None, environment, extra)


def _place_of(row: Requires, base: Path) -> str:
    """Return the place of a row of a lock, whose paths count from its folder."""
    if row.index:
        return f"index {_plain(row.index if '://' in row.index else (base / row.index).resolve().as_uri())}"
    if folder := row.directory or row.editable or row.virtual or row.path:
        return f"folder {(base / folder).resolve().as_posix()}"
    if row.git:
        parts = urlsplit(row.git)
        asked = parse_qs(parts.query)
        ref = next((asked[key][0] for key in ("rev", "tag", "branch") if key in asked), None)
        inside = row.subdirectory or asked.get("subdirectory", [None])[0]
        return _of_git(GitPlace(url=parts._replace(query="", fragment="").geturl(), ref=ref, subdirectory=inside))
    return f"url {_plain(row.url)}" if row.url else ""


def _of_address(address: str, folder: Path) -> str:
    try:
        if repository := place.git(address):
            return _of_git(repository)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if (inside := place.folder(address, folder)) is not None:
        return f"folder {inside.resolve().as_posix()}"
    return f"url {_plain(address)}"


def _of_git(found: GitPlace) -> str:
    return f"git {_plain(found.url)} {found.ref or ''} {found.subdirectory or ''}"


def _plain(url: str) -> str:
    return credentials.without(url).partition("#")[0].rstrip("/")
