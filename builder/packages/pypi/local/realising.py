"""Requirements that name folders and repositories, as those of wheels and sdists that were made of them.

What such a package names itself is followed as well: each place once, and none that leads back to itself.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.packages.pypi import markers
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.local import building, pep621, repositories, sources, tree
from builder.packages.pypi.local.building import FolderPackage
from builder.packages.pypi.local.described import Described
from builder.packages.pypi.local.place import MARKS, ContainerReason, NamedPlace, Origin, folder, git, redacted
from builder.packages.pypi.locks import rows

_URI = "{root:uri}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Realised:
    """Requirements that uv can read."""

    requirements: tuple[str, ...]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where packages come from, by their names."""
    reasons: Mapping[str, ContainerReason] = field(default_factory=dict)
    """Why a container builds a package, by its name."""
    packages: Mapping[str, Described] = field(default_factory=dict)
    """What local packages say of themselves, by their names."""

    def of(self, candidate: Candidate) -> Candidate:
        """Return a package with the place that it was made of, if it is one of these."""
        if candidate.direct is None or candidate.name not in self.origins:
            return candidate
        return replace(candidate, origin=self.origins[candidate.name], by_container=self.reasons.get(candidate.name))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Progress:
    """What was made so far."""

    archives: dict[Path, tuple[FolderPackage, Path]] = field(default_factory=dict)
    """By their folders."""
    origins: dict[str, Origin] = field(default_factory=dict)
    reasons: dict[str, ContainerReason] = field(default_factory=dict)


def realised(requirements: Iterable[str], places: Mapping[str, NamedPlace]) -> Realised:
    """Return requirements in which each address of `places` is that of a wheel or an sdist.

    Raises UsageError for a folder that is missing, has no package or leads out of its repository, for a name that
    disagrees, a circle, and what only a backend can tell; BuildError for a commit that cannot be fetched.
    """
    work = _Progress()
    lines: dict[str, None] = {}
    for line in requirements:
        lines.update(dict.fromkeys(_lines(line, places, work)))
    packages: dict[str, Described] = {
        canonicalize_name(each.package.name): each.package for each, _ in work.archives.values()
    }
    return Realised(requirements=tuple(lines), origins=work.origins, reasons=work.reasons, packages=packages)


def _lines(line: str, places: Mapping[str, NamedPlace], work: _Progress) -> Iterator[str]:
    """Yield a line, or for a place that of its archive with those of the places that it names itself."""
    try:
        requirement = pep508.parsed(line.partition(" --hash=")[0])
    except InvalidRequirement:
        yield line
        return
    place = places.get(requirement.url or "")
    if place is None:
        yield line
    else:
        yield from _placed(requirement, place, work, ())


def _placed(requirement: Requirement, place: NamedPlace, work: _Progress, above: Sequence[Path]) -> Iterator[str]:
    where = _folder(place)
    if where in above:
        circle = " -> ".join(each.name for each in (*above[above.index(where) :], where))
        msg = f"{place.where}: local packages need each other in a circle"
        raise UsageError(msg, why=[circle], hint="one of them must do without the other")
    package, archive = _made(where, place, work)
    described = package.package
    if canonicalize_name(described.name) != canonicalize_name(requirement.name):
        msg = f"{place.where}: `{requirement.name}` and the name of its project, `{described.name}`, disagree"
        raise UsageError(msg, why=[place.told], hint=f"write `{described.name}`, or the path of the other project")
    yield str(_at(requirement, archive.as_uri()))
    for needed, named in _needed(described, where, place, requirement.extras):
        yield from _placed(needed, named, work, (*above, where))


def _made(where: Path, place: NamedPlace, work: _Progress) -> tuple[FolderPackage, Path]:
    """Return the package of a folder with its archive, which is made once."""
    if where in work.archives:
        return work.archives[where]
    source = tree.read(where)
    package = building.read(source)
    plain = replace(package.package, requires=tuple(map(_without_place, package.package.requires)))
    content = replace(package.content, package=plain) if package.content else None
    package = replace(package, package=plain, content=content)
    made = package, building.made(source, package)
    name = canonicalize_name(plain.name)
    work.origins[name] = Origin(
        kind="git" if place.git else "local",
        address=credentials.redact(place.git.url) if place.git else _inside(where, place),
        digest=source.digest,
        commit=place.git.ref if place.git else None,
    )
    if package.content is None:
        instead = building.by_hand(where, plain.stem)
        work.reasons[name] = ContainerReason(reason=package.reason, instead=instead)
    work.archives[where] = made
    return made


def _inside(where: Path, place: NamedPlace) -> str:
    """Return a folder by its path in its repository, which is the same on each host; else by its name."""
    roots = sorted((root.resolve() for root in place.roots), key=lambda root: -len(root.parts))
    return next((where.relative_to(root).as_posix() for root in roots if where.is_relative_to(root)), where.name)


def _without_place(text: str) -> str:
    """Return a requirement as an installed package states it: without the place that it came from."""
    requirement = pep508.parsed(text.replace(_URI, "file:///root"))
    if requirement.url and (git(requirement.url) or folder(requirement.url, Path("/"))):
        requirement.url = None
        return str(requirement)
    return text


def _at(requirement: Requirement, address: str) -> Requirement:
    found = pep508.parsed(str(requirement))
    found.url = address
    return found


def _needed(
    described: Described, where: Path, place: NamedPlace, extras: Iterable[str]
) -> Iterator[tuple[Requirement, NamedPlace]]:
    """Yield what a package needs that no index has, with its places."""
    named = sources.places(where)
    original = building.read(tree.read(where)).package
    requires = [pep508.parsed(text.replace(_URI, where.as_uri())) for text in original.requires]
    own = [each for each in requires if canonicalize_name(each.name) == canonicalize_name(described.name)]
    chosen = chosen_extras(extras, own)
    sources.refuse_members(where, (each for each in requires if _applies(each, chosen)), named)
    for requirement in requires:
        address = requirement.url or named.get(canonicalize_name(requirement.name))
        if address is None or requirement in own or not _applies(requirement, chosen):
            continue
        if found := _place(address, requirement, where, place):
            yield _without_extra(requirement, chosen, where), found


def chosen_extras(extras: Iterable[str], own: Sequence[Requirement]) -> Collection[str]:
    """Return extras of a package with those that they stand for, as `all = ["lib[fast]"]` does in `lib`."""
    chosen: set[str] = {canonicalize_name(extra) for extra in extras}
    while (
        more := {canonicalize_name(extra) for each in own if _applies(each, chosen) for extra in each.extras} - chosen
    ):
        chosen |= more
    return chosen


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Tell whether a requirement may be needed: always, or with one of the extras in an environment of Lambda."""
    marker = requirement.marker
    if marker is None or "extra" not in str(marker):
        return True
    try:
        return any(markers.anywhere(marker, extra=extra) for extra in extras)
    except InvalidMarker:
        return True


def _without_extra(requirement: Requirement, extras: Collection[str], where: Path) -> Requirement:
    """Return a requirement without its conditions about extras, which are chosen here."""
    if requirement.marker is not None and "extra" in str(requirement.marker):
        decided = rows.decided(str(requirement.marker), extras, where / pep621.NAME, requirement.name)
        requirement.marker = None if decided == rows.truth(holds=True) else Marker(decided)
    return requirement


def _place(address: str, requirement: Requirement, where: Path, above: NamedPlace) -> NamedPlace | None:
    """Return the place of a dependency, which is as far as that of the package that needs it may lead."""
    line = _number(where / pep621.NAME, requirement.name)
    repository = git(address)
    found = None if repository else folder(address, where)
    if repository is None and (found is None or not found.is_dir()):
        if found is None or found.suffix:  # a file of an index, or of a folder
            return None
        msg = f"{line}: there is no folder {found.as_posix()}"
        raise UsageError(msg, hint="check it out, or take it out of the dependencies")
    told = redacted(address) if repository else Path(address).name
    return NamedPlace(where=line, told=told, roots=above.roots, folder=found, git=repository)


def _number(path: Path, name: str) -> str:
    """Return a file with the number of the first line that has a name."""
    from builder.base import texts

    lines = texts.read(path).splitlines() if path.is_file() else []
    number = next((number for number, text in enumerate(lines, 1) if name in text), None)
    return f"{path.as_posix()}:{number}" if number else path.as_posix()


def _folder(place: NamedPlace) -> Path:
    """Return the folder of a place. Raises UsageError if it is missing, no project, or leads out of its repository."""
    if place.git:
        return repositories.fetched(place.git, place.where, place.told)
    where = (place.folder or Path()).resolve()
    if not where.is_dir():
        msg = f"{place.where}: there is no folder {where.as_posix()}"
        raise UsageError(msg, why=[place.told])
    if place.roots and not any(where.is_relative_to(root.resolve()) for root in place.roots):
        msg = f"{place.where}: {place.told} leads out of the repository"
        raise UsageError(msg, why=[where.as_posix()], hint="packages are in the repository, or in an index")
    if not building.is_project(where):
        msg = f"{place.where}: {where.as_posix()} has no project"
        raise UsageError(msg, why=[place.told], hint=f"a project has one of {', '.join(MARKS)}")
    return where
