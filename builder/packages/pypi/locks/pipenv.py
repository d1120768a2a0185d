"""Pipfile.lock: one section for the project's own packages, one for those of development, and one for each category."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Any

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.model import pep508
from builder.model.decode import typed
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest, refuse_conflicts
from builder.packages.pypi import markers, project_files, pyproject
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.locks import rows
from builder.packages.pypi.locks.rows import LockRow
from builder.packages.pypi.pyproject import PythonVersions

_PIPFILE = "Pipfile"
_SPEC = 6
"""The version of the format; there has been no other since 2018."""
_DEFAULT, _DEVELOP, _META = "default", "develop", "_meta"
_SPELLINGS = {"dev": _DEVELOP, "dev-packages": _DEVELOP, "packages": _DEFAULT}
_NO_CATEGORIES = frozenset({
    *("source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv", "build-system"),
    *(_DEFAULT, _DEVELOP),
})  # fmt: skip
_MARKERS = (
    *("os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release"),
    *("platform_system", "platform_version", "python_version", "python_full_version", "implementation_name"),
    "implementation_version",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PipenvMeta:
    """`_meta`."""

    spec: Annotated[int, Field(alias="pipfile-spec")] = 0
    hash: Mapping[str, str] = field(default_factory=dict)
    requires: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PipenvPackage:
    """One package of a section."""

    version: str | None = None
    hashes: tuple[str, ...] = ()
    markers: str | None = None
    path: str | None = None
    file: str | None = None
    git: str | None = None
    ref: str | None = None
    subdirectory: str | None = None


def lines(lock: Path, request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield the packages of the default section, and of the sections of the chosen groups."""
    document = read(lock)
    meta = _meta(lock, document)
    rows.refuse_future(lock, str(meta.spec), str(_SPEC), readable=meta.spec == _SPEC)
    path = request.file(_PIPFILE)
    pipfile = project_files.raw(path) if path.is_file() else None
    if pipfile is not None and content_hash(pipfile, meta.sources) != meta.hash.get("sha256"):
        msg = f"{lock.as_posix()} is older than {path.as_posix()}, which asks for something else"
        raise UsageError(msg, hint="`pipenv lock` brings it up to date")
    accepted = python(lock)
    found: dict[tuple[str, str], list[LockRow]] = {}
    for section in dict.fromkeys((_DEFAULT, *choice.groups)):
        asked = _asked(pipfile or {}, section)
        for name, package in _section(lock, document, section):
            if choice.with_project or not _is_itself(package, request, lock):
                for row in _rows(name, package, lock, asked.get(canonicalize_name(name)), accepted):
                    found.setdefault((row.name, row.version), []).append(row)
    for same in found.values():
        given = [row.marker for row in same]
        yield replace(same[0], marker=None if None in given else rows.alternatives(given)).line(lock)


def groups(lock: Path) -> Collection[str]:
    """Return the sections of a lock that are no project's own packages; `dev` is another name of `develop`."""
    found = {name for name in read(lock) if name not in {_META, _DEFAULT}}
    return found | ({"dev"} if _DEVELOP in found else set())


def python(lock: Path) -> PythonVersions:
    """Return the version of Python that a lock was made for: Pipenv resolves for one."""
    requires = _meta(lock, read(lock)).requires
    full, series = requires.get("python_full_version"), requires.get("python_version")
    if not (full or series):
        return PythonVersions()
    return pyproject.versions(f"=={series}.*" if series else f"=={full}", lock)


def content_hash(pipfile: Mapping[str, Any], sources: Collection[Mapping[str, Any]]) -> str:
    """Return the hash that Pipenv makes of a Pipfile. Sources that it does not name are those of the lock."""
    data = {
        _META: {"sources": pipfile.get("source", list(sources)), "requires": pipfile.get("requires", {})},
        _DEFAULT: pipfile.get("packages", {}),
        _DEVELOP: pipfile.get("dev-packages", {}),
        **{name: values for name, values in pipfile.items() if name not in _NO_CATEGORIES},
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def read(lock: Path) -> Mapping[str, Any]:
    """Return the content of a lock. Raises UsageError if it is missing, or no object of JSON."""
    if not lock.is_file():
        msg = f"{lock.with_name(_PIPFILE).as_posix()} has no lock: there is no {lock.as_posix()}"
        raise UsageError(msg, hint="`pipenv lock` writes it")
    text = texts.read(lock)
    refuse_conflicts(lock, text)
    try:
        document = texts.parse_json(text)
    except texts.MalformedError as error:
        raise invalid(lock, str(error)) from None
    if not isinstance(document, dict):
        raise invalid(lock, "it is no object")
    return document


def _meta(lock: Path, document: Mapping[str, Any]) -> PipenvMeta:
    try:
        return typed(PipenvMeta, document.get(_META, {}))
    except ValidationError as error:
        raise invalid(lock, f"{_META}: {error.errors()[0]['msg']}") from None


def _section(lock: Path, document: Mapping[str, Any], section: str) -> Iterator[tuple[str, PipenvPackage]]:
    try:
        found = typed(dict[str, PipenvPackage], document.get(_SPELLINGS.get(section, section), {}))
    except ValidationError as error:
        raise invalid(lock, f"{section}: {error.errors()[0]['msg']}") from None
    yield from found.items()


def invalid(lock: Path, why: str) -> UsageError:
    """Return the error for a lock that does not have what its format has."""
    return UsageError(f"{lock.as_posix()} is not a valid Pipfile.lock", why=[why], hint="`pipenv lock` writes it anew")


def _asked(pipfile: Mapping[str, Any], section: str) -> dict[str, Mapping[str, Any]]:
    """Return what a Pipfile says of the packages of a section: some markers are nowhere else."""
    names = {_DEFAULT: "packages", _DEVELOP: "dev-packages"}
    table = pipfile.get(names.get(_SPELLINGS.get(section, section), section), {})
    rows_ = table.items() if isinstance(table, Mapping) else ()
    return {canonicalize_name(name): row for name, row in rows_ if isinstance(row, Mapping)}


def _rows(
    name: str, package: PipenvPackage, lock: Path, asked: Mapping[str, Any] | None, accepted: PythonVersions
) -> Iterator[LockRow]:
    """Yield a package; none for one that Pipenv left open because Linux or the lock's Python does not need it."""
    conditions = [package.markers, *_conditions(asked or {})]
    marker = rows.joined(conditions)
    marker = rows.normalized(marker, lock, name) if marker else None
    place = _place(name, package, lock)
    if not package.hashes and not place and marker and not _is_needed(marker, accepted):
        return
    version = (package.version or "").removeprefix("==")
    hashed = package.hashes if _is_exact(name, package.version) else ()
    yield LockRow(name=canonicalize_name(name), version=version, hashes=hashed, marker=marker, place=place)


def _is_itself(package: PipenvPackage, request: ProjectRequest, lock: Path) -> bool:
    """Tell whether a package is the project, which many a Pipfile names as `path = "."`."""
    return package.path is not None and (lock.parent / package.path).resolve() == request.folder.resolve()


def _is_exact(name: str, version: str | None) -> bool:
    try:
        specifier = pep508.parsed(f"{name}{version or ''}").specifier
    except InvalidRequirement:
        return False
    return [each.operator for each in specifier] == ["=="]


def _conditions(asked: Mapping[str, Any]) -> Iterator[str]:
    """Yield the markers of a row in a Pipfile: `sys_platform = "== 'win32'"`, or `markers`."""
    yield from (f"{key} {asked[key]}" for key in _MARKERS if isinstance(asked.get(key), str))
    if isinstance(asked.get("markers"), str):
        yield asked["markers"]


def _is_needed(marker: str, accepted: PythonVersions) -> bool:
    """Tell whether a marker can match in an environment of Lambda, with a Python that the lock is for."""
    parsed = Marker(marker)
    try:
        return any(
            markers.holds(parsed, markers.environment_of(runtime, arch))
            for runtime, arch in markers.everywhere()
            if accepted.accept(runtime.python_full)
        )
    except InvalidMarker:
        return True


def _place(name: str, package: PipenvPackage, lock: Path) -> str | None:
    if package.path:
        return rows.local(lock, name, package.path, "run `pipenv lock`")
    if package.git:
        return GitPlace(url=package.git, ref=package.ref, subdirectory=package.subdirectory).address
    return package.file
