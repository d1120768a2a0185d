"""Node.js packages of a target: the manifest, the packages of a lock, and their install scripts."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from builder.base import texts
from builder.base.errors import BuildError, UsageError
from builder.base.values import stored
from builder.model.architectures import Architecture
from builder.model.steps import Npm
from builder.model.target import Target
from builder.packages.ecosystem import unknown, unreadable

_ONE = r"(?:@[A-Za-z0-9_~-][A-Za-z0-9_.~-]*/)?[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"
NAME = re.compile(_ONE)
PATH = re.compile(f"node_modules/{_ONE}(?:/node_modules/{_ONE})*")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~-]*")
_INTEGRITY = re.compile(r"sha(?:512|384|256)-[A-Za-z0-9+/]+={0,2}")
"""Subresource Integrity (W3C), without SHA-1: npm has written SHA-512 since version 5."""
_INTEGRITIES = re.compile(f"(?:{_INTEGRITY.pattern}(?: {_INTEGRITY.pattern})*)?")
"""Of one package; none where it is a part of another's tarball."""
StoredName = Annotated[str, stored(NAME, "a valid name of a package")]
_KINDS = ("dependencies", "optionalDependencies", "peerDependencies")
_MOST_ROWS = 50_000
"""Packages of a lock: ten times as many as large applications have."""
LOCKFILE_VERSIONS = (2, 3)
"""Supported versions: those with a flat list of packages, which npm 7 and later write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePackage:
    """One folder of node_modules."""

    name: StoredName
    version: Annotated[str, stored(_VERSION, "a valid version of a package")]
    path: Annotated[str, stored(PATH, "a folder of node_modules")]
    """The path relative to package.json."""
    integrity: Annotated[str, stored(_INTEGRITIES, "a digest by SHA-256 or longer")]
    """The digest in the form of npm: `sha512-` and base64."""
    scripted: bool
    """Whether it has an install script."""


def manifest(step: Npm, target: Target, file: str | None) -> str:
    """Return the text of package.json: that of the recipe's file, or one for the packages that the step names."""
    if file is not None:
        return file
    dependencies: dict[str, str] = {}
    for text in step.packages:
        name, _, version = target.expand(text).rpartition("@")
        dependencies[name] = version
    document = {"name": "layer", "version": "0.0.0", "private": True, "dependencies": dependencies}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def folder(step: Npm, target: Target) -> str:
    """Return the folder of node_modules in the layer (developer guide, "Layer paths for each Lambda runtime")."""
    return f"nodejs/node{target.base.series}" if step.versioned else "nodejs"


def packages(lock: str, arch: Architecture, where: str) -> tuple[NodePackage, ...]:
    """Return the packages that a lock installs on Linux with glibc on an architecture.

    Raises UsageError if it is not a valid lock, or if packages have no digest.
    """
    try:
        document = texts.parse_json(lock)
        rows = document["packages"]
        fits = document["lockfileVersion"] in LOCKFILE_VERSIONS and "" in rows and len(rows) <= _MOST_ROWS
        fits = fits and all(map(_is_row, rows.values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise unreadable(where, "package-lock.json of npm 7 or later", ())
    kept = _reached({path: row for path, row in rows.items() if not path or _fits(row, arch)})
    bundled = set(_bundled(rows))
    if unhashed := [path for path in sorted(kept) if path and not rows[path].get("integrity") and path not in bundled]:
        msg = f"{where}: packages have no integrity, so that later builds could differ"
        raise UsageError(
            msg, why=unhashed, hint="take packages from a registry; a git address or a folder cannot be locked"
        )
    installs = tuple(_package(path, rows[path]) for path in sorted(kept) if path)
    if wrong := [text for package in installs for text in _wrong(package)]:
        raise unreadable(where, "package-lock.json", wrong)
    return installs


def _reached(rows: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the paths that the root needs, directly or indirectly, without those that only other platforms need."""
    reached: set[str] = set()
    queue = [""]
    while queue:
        path = queue.pop()
        if path in reached:
            continue
        reached.add(path)
        queue += _needed(path, rows)
    return reached


def _needed(path: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the paths of the packages that one needs."""
    for kind in _KINDS:
        yield from (needed for name in rows[path].get(kind, ()) if (needed := _resolved(path, name, rows)))


def _resolved(path: str, name: str, rows: Mapping[str, Any]) -> str | None:
    """Return the path of a package, found as by Node.js: in the node_modules of each parent folder."""
    while True:
        candidate = f"{path}/node_modules/{name}" if path else f"node_modules/{name}"
        if candidate in rows:
            return candidate
        if not path:
            return None
        path = path.rpartition("node_modules/")[0].rstrip("/")


def _fits(row: Mapping[str, Any], arch: Architecture) -> bool:
    platform = {"os": "linux", "cpu": arch.npm, "libc": "glibc"}
    return not row.get("dev") and all(_allows(row.get(key), value) for key, value in platform.items())


def _allows(listed: Sequence[str] | None, value: str) -> bool:
    """Return whether npm's list allows a value. It has allowed names, or denied ones with `!`."""
    if not listed:
        return True
    denied = [name[1:] for name in listed if name.startswith("!")]
    return value not in denied if denied else value in listed


def _bundled(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the paths that come as parts of another package's tarball, whose hash is theirs.

    Those are the packages that it lists, and what those need of what lies below it. npm fetches all others by
    themselves, whatever their rows say.
    """
    for bundler, row in rows.items():
        listed = row.get("bundleDependencies", ()) if bundler else ()
        queue = [f"{bundler}/node_modules/{name}" for name in listed]
        seen: set[str] = set()
        while queue:
            path = queue.pop()
            if path in rows and path.startswith(f"{bundler}/node_modules/") and path not in seen:
                seen.add(path)
                queue += _needed(path, rows)
        yield from (path for path in seen if rows[path].get("inBundle"))


def _is_row(row: object) -> bool:
    """Return whether a row has the types that npm writes, as far as they are read here."""
    if not isinstance(row, dict):
        return False
    lists = (row.get(key, []) for key in ("os", "cpu", "libc", "bundleDependencies"))
    tables = (row.get(kind, {}) for kind in _KINDS)
    return all(isinstance(each, list) for each in lists) and all(isinstance(each, dict) for each in tables)


def _wrong(package: NodePackage) -> Iterator[str]:
    """Yield the values that npm does not write. They decide the paths and the content of files."""
    if not PATH.fullmatch(package.path):
        yield f"{package.path!r} is not a folder of node_modules"
    if not NAME.fullmatch(package.name):
        yield f"{package.name!r} is not a valid name of a package"
    if not _VERSION.fullmatch(package.version):
        yield f"{package.path!r} has the version {package.version!r}"
    if package.integrity and not all(_INTEGRITY.fullmatch(word) for word in package.integrity.split(" ")):
        yield f"{package.path!r} has the integrity {package.integrity!r}, which is not a digest by SHA-256 or longer"


def _package(path: str, row: Mapping[str, Any]) -> NodePackage:
    return NodePackage(
        name=str(row.get("name") or path.rpartition("node_modules/")[2]),
        version=str(row.get("version", "")),
        path=path,
        integrity=str(row.get("integrity", "")),
        scripted=bool(row.get("hasInstallScript")),
    )


def scripts(packages: Sequence[NodePackage], step: Npm, target: Target, *, allowed: bool) -> tuple[str, ...]:
    """Return the names of packages whose install scripts must run, in a container.

    Raises BuildError if there are any and `allowed` is false, UsageError if `skip-scripts` names other packages.
    """
    named = {package.name for package in packages}
    if absent := sorted(set(step.skip_scripts) - named):
        raise unknown(target, "skip-scripts", absent)
    scripted = {package.name for package in packages if package.scripted}
    chosen = tuple(sorted(scripted - set(step.skip_scripts)))
    if chosen and not allowed:
        msg = f"{target.name}: an install script must run, which never happens on the host"
        raise BuildError(
            msg,
            why=[f"{name} has an install script" for name in chosen],
            hint="without `--route wheels` it runs in the build image; `skip-scripts` leaves it out",
        )
    return chosen
