"""Node.js packages of a target: the manifest, the packages of a lock, and their install scripts."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from builder.base import texts
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.base.values import stored
from builder.model.architectures import Architecture
from builder.model.steps import Npm
from builder.model.target import Target
from builder.packages.ecosystem import refuse_unknown, unreadable
from builder.packages.npm.graph import fits

_ONE = r"(?:@[A-Za-z0-9_~-][A-Za-z0-9_.~-]*/)?[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"
NAME = re.compile(_ONE)
PATH = re.compile(f"node_modules/{_ONE}(?:/node_modules/{_ONE})*")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~-]*")
INTEGRITY = re.compile(r"sha(?:512|384|256)-[A-Za-z0-9+/]+={0,2}")
"""Subresource Integrity (W3C), without SHA-1: npm has written SHA-512 since version 5."""
_INTEGRITIES = re.compile(f"(?:{INTEGRITY.pattern}(?: {INTEGRITY.pattern})*)?")
"""Of one package; none where it is a part of another's tarball."""
StoredName = Annotated[str, stored(NAME, "a valid name of a package")]
KINDS = ("dependencies", "optionalDependencies", "peerDependencies")
Rows = Mapping[str, Mapping[str, Any]]
MOST_ROWS = 50_000
"""Packages of a lock: ten times as many as large applications have."""
LOCKFILE_VERSIONS = (2, 3)
"""Supported versions: those with a flat list of packages, which npm 7 and later write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePackage:
    """One folder of node_modules."""

    name: StoredName
    version: Annotated[str, stored(VERSION, "a valid version of a package")]
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
    document = rows(lock, where)
    kept = _reached({path: row for path, row in document.items() if not path or _fits(row, arch)})
    inside = set(bundled(document))
    hashed = {path for path in kept if document[path].get("integrity")} | inside | {""}
    if unhashed := sorted(kept - hashed):
        msg = f"{where}: packages have no integrity, so that later builds could differ"
        raise UsageError(
            msg, why=unhashed, hint="take packages from a registry; a git address or a folder cannot be locked"
        )
    installs = tuple(_package(path, document[path]) for path in sorted(kept) if path)
    if wrong := [text for package in installs for text in _wrong(package)]:
        raise unreadable(where, "package-lock.json", wrong)
    return installs


def rows(lock: str, where: str, command: str = "layerwright lock") -> Rows:
    """Return the rows of a lock by their paths. Raises UsageError if it is not a valid lock, which `command` writes."""
    try:
        document = texts.parse_json(lock)
        found: dict[str, dict[str, Any]] = document["packages"]
        valid = document["lockfileVersion"] in LOCKFILE_VERSIONS and "" in found and len(found) <= MOST_ROWS
        valid = valid and all(map(_is_row, found.values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        valid = False
    if not valid:
        raise unreadable(where, "package-lock.json of npm 7 or later", (), command)
    return found


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
    for kind in KINDS:
        yield from (needed for name in rows[path].get(kind, ()) if (needed := resolved(path, name, rows)))


def resolved(path: str, name: str, rows: Mapping[str, Any]) -> str | None:
    """Return the path of a package, found as by Node.js: in the node_modules of each parent folder."""
    while True:
        candidate = f"{path}/node_modules/{name}" if path else f"node_modules/{name}"
        if candidate in rows:
            return candidate
        if not path:
            return None
        path = path.rpartition("node_modules/")[0].rstrip("/")


def _fits(row: Mapping[str, Any], arch: Architecture) -> bool:
    return not row.get("dev") and fits(row, arch)


def bundled(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the paths that come as parts of another package's tarball, whose hash is theirs.

    Those are the packages that it lists, and what those need of what lies below it. npm fetches all others by
    themselves, whatever their rows say.
    """
    for bundler, row in rows.items():
        listed = row.get("bundleDependencies", ()) if "node_modules/" in bundler else ()  # a folder is no tarball
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
    tables = (row.get(kind, {}) for kind in KINDS)
    return all(isinstance(each, list) for each in lists) and all(isinstance(each, dict) for each in tables)


def _wrong(package: NodePackage) -> Iterator[str]:
    """Yield the values that npm does not write. They decide the paths and the content of files."""
    if not PATH.fullmatch(package.path):
        yield f"{package.path!r} is not a folder of node_modules"
    if not NAME.fullmatch(package.name):
        yield f"{package.name!r} is not a valid name of a package"
    if not VERSION.fullmatch(package.version):
        yield f"{package.path!r} has the version {package.version!r}"
    if package.integrity and not all(INTEGRITY.fullmatch(word) for word in package.integrity.split(" ")):
        yield f"{package.path!r} has the integrity {package.integrity!r}, which is not a digest by SHA-256 or longer"


def name_of(path: str, row: Mapping[str, Any]) -> str:
    """Return the name that the package of a row has in a registry: that of its folder, unless the row has another."""
    return str(row.get("name") or path.rpartition("node_modules/")[2])


def _package(path: str, row: Mapping[str, Any]) -> NodePackage:
    return NodePackage(
        name=name_of(path, row),
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
    refuse_unknown(target, "skip-scripts", step.skip_scripts, named)
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
