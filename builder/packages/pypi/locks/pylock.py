"""pylock.toml (PEP 751), whichever tool wrote it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import markers, project_files, pyproject, tags
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.locks import rows
from builder.packages.pypi.project_files import Pylock, Pyproject
from builder.packages.pypi.pylock import LockedFile, LockedPackage, filename

_CHOSEN = re.compile(r"""["'](?P<name>[^"']*)["'] (?P<not>not )?in (?P<kind>extras|dependency_groups)""")


def lines(lock: Path, request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield the packages of a lock that the chosen extras and groups need, besides its default groups."""
    document = project_files.read(Pylock, lock)
    rows.refuse_future(lock, document.version, "1.0", readable=document.version.partition(".")[0] == "1")
    _refuse_older(document, lock, request, choice)
    groups = {*choice.groups, *(set(document.default_groups) - set(choice.no_groups))}
    for package in document.packages:
        marker = _marker(package, lock, set(choice.extras), groups)
        located = _located(package) if _has_addresses_alone(package) else [(package, None)]
        for part, environments in located:
            yield _line(part, lock, rows.joined((marker, environments)))


def _marker(package: LockedPackage, lock: Path, extras: Collection[str], groups: Collection[str]) -> str | None:
    """Return the marker of a package without the conditions about extras and groups, which are decided here."""
    if package.marker is None:
        return None
    chosen = {"extras": {*map(canonicalize_name, extras)}, "dependency_groups": {*map(canonicalize_name, groups)}}

    def decided(match: re.Match[str]) -> str:
        return rows.truth(holds=(canonicalize_name(match["name"]) in chosen[match["kind"]]) != bool(match["not"]))

    return _CHOSEN.sub(decided, rows.normalized(package.marker, lock, package.name))


def _has_addresses_alone(package: LockedPackage) -> bool:
    """Tell whether a package of a lock names no index, but the address of each file, which is where it comes from."""
    files = _files(package)
    elsewhere = package.index or package.directory or package.vcs or package.archive
    return bool(files) and not elsewhere and all(file.url and file.path is None for file in files)


def _located(package: LockedPackage) -> Iterator[tuple[LockedPackage, str | None]]:
    """Yield the file that each environment of Lambda takes, as an archive, with the marker of these environments.

    Where none fits, it is one that does not, so that the plan tells which there are.
    """
    files = _files(package)
    where: dict[int, set[tuple[str, str]]] = {}
    everywhere: set[tuple[str, str]] = set()
    for runtime, arch in markers.everywhere():
        key = runtime.series, arch.machine
        everywhere.add(key)
        where.setdefault(files.index(_best(package, runtime, arch)), set()).add(key)
    for number, environments in where.items():
        yield replace(package, archive=files[number], wheels=(), sdist=None), markers.among(environments, everywhere)


def _best(package: LockedPackage, runtime: Runtime, arch: Architecture) -> LockedFile:
    """Return the wheel that fits best, else the sdist, else any wheel."""
    ranked = [(tags.rank(filename(file), runtime, arch), number) for number, file in enumerate(package.wheels)]
    fitting = [(rank, number) for rank, number in ranked if rank is not None]
    return package.wheels[min(fitting)[1]] if fitting else package.sdist or package.wheels[0]


def _files(package: LockedPackage) -> list[LockedFile]:
    return [*package.wheels, *(file for file in (package.sdist, package.archive) if file)]


def _line(package: LockedPackage, lock: Path, marker: str | None) -> str:
    """Return one package with its hashes, or with its place."""
    files = _files(package)
    place = _place(package, lock)
    if not place and any("sha256" not in file.hashes for file in files):
        msg = f"{lock.as_posix()} has a package without the SHA-256 of a file: `{package.name}`"
        raise UsageError(msg)
    if not place and (not files or package.version is None):
        msg = f"{lock.as_posix()}: `{package.name}` has neither a version with files nor a place"
        raise UsageError(msg, hint="lock again")
    hashes = tuple(f"sha256:{file.hashes['sha256']}" for file in files if "sha256" in file.hashes)
    return rows.LockRow(
        name=package.name, version=package.version or "", hashes=hashes, marker=marker, place=place
    ).line(lock)


def _place(package: LockedPackage, lock: Path) -> str | None:
    """Return the address of a folder, a repository or an archive; None for a package of an index."""
    if package.directory:
        return rows.local(lock, package.name, package.directory.path or ".", "lock again")
    if package.vcs and package.vcs.type == "git":
        where = package.vcs.url or (lock.parent / (package.vcs.path or ".")).resolve().as_uri()
        return GitPlace(url=where, ref=package.vcs.commit, subdirectory=package.vcs.subdirectory).address
    if package.archive:
        path = package.archive.path
        return rows.local(lock, package.name, path, "lock again") if path else package.archive.url
    return None


def _refuse_older(document: Pylock, lock: Path, request: ProjectRequest, choice: ProjectChoice) -> None:
    """Raise UsageError if the project beside the lock asks for what the lock does not have."""
    path = request.file(pyproject.NAME)
    about = project_files.read(Pyproject, path) if path.is_file() else None
    if about is None or about.project is None or "dependencies" in about.project.dynamic:
        return
    locked: dict[str, set[str | None]] = {}
    for package in document.packages:
        locked.setdefault(canonicalize_name(package.name), set()).add(package.version)
    wanted = pyproject.requirements(about, path, choice)
    missing = [
        str(each)
        for each in wanted
        if each.marker is None and not _satisfied(locked.get(canonicalize_name(each.name), set()), each.specifier)
    ]
    if missing:
        msg = f"{lock.as_posix()} is older than {path.as_posix()}, which asks for something else"
        raise UsageError(msg, why=[f"it has no package for `{text}`" for text in missing], hint="lock again")


def _satisfied(versions: Collection[str | None], allowed: SpecifierSet) -> bool:
    return any(version is None or allowed.contains(version, prereleases=True) for version in versions)
