"""What package.json and package-lock.json may name: packages of the registries that are configured.

npm clones repositories, runs their `prepare` scripts and follows links into folders of this host, whatever it is told
about scripts. So all of it is refused before npm runs, and so are tarballs of other hosts.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from builder.base import texts
from builder.base.credentials import same_origin
from builder.packages.ecosystem import unindexed
from builder.packages.npm import package_lock, settings
from builder.packages.npm.local import NOTHING, Own

_KINDS = (*package_lock.KINDS, "devDependencies")
_ALIAS = re.compile(r"npm:(?:@[^/@]+/)?[^/@]+(?:@(?P<spec>.*))?")
_LOCAL = re.compile(r"file:|link:|portal:|workspace:|\.{1,2}/|~/|/|[A-Za-z]:[\\/]")
"""How a folder or a tarball of this host is named in package.json."""
_TARBALL = re.compile(r".*(?:\.tgz|\.tar\.gz|\.tar)|.*/download/.*")
"""Paths of tarballs in registries; without such an end, npm may take an address for a repository."""

Rows = Mapping[str, Mapping[str, Any]]


def check(
    manifest: str,
    lock: str | None,
    where: str = "package.json",
    lock_name: str = "package-lock.json",
    own: Own = NOTHING,
) -> None:
    """Raise UsageError with everything in package.json and its lock that no registry offers."""
    local = {package.address for package in own.packages}
    rows = {path: row for path, row in _rows(lock).items() if row.get("resolved") not in local or row.get("link")}
    found = [f"{where}: {text}" for text in in_manifest(manifest)]
    found += [f"{lock_name}: {text}" for text in _in_lock(rows, settings.read(own.project).registries)] if rows else []
    if found:
        way = "`npm pack` makes a package of one, which a registry of your own can offer (`npm publish`)"
        raise unindexed(packages="Node.js packages", why=found, way=way)


def has_local(manifest: str, lock: str | None) -> bool:
    """Tell whether a package is a folder or a tarball of the project, or a member of its workspace."""
    table = texts.parse_object(manifest)
    specs = (spec for kind in _KINDS for _, spec in _pairs(table.get(kind)))
    rows = _rows(lock).values()
    return (
        bool(table.get("workspaces"))
        or any(_LOCAL.match(str(spec)) for spec in specs)
        or any(row.get("link") or str(row.get("resolved")).startswith("file:") for row in rows)
    )


def folders(manifest: str, lock: str | None) -> Iterator[str]:
    """Yield the folder of each package that a package.json asks for, and of each in its lock."""
    table = texts.parse_object(manifest)
    yield from (f"node_modules/{name}" for kind in _KINDS for name, _ in _pairs(table.get(kind)))
    yield from _rows(lock)


def _rows(lock: str | None) -> Rows:
    rows = texts.parse_object(lock or "").get("packages")
    return {path: row for path, row in _pairs(rows) if isinstance(row, dict)}


def _pairs(table: object) -> Iterator[tuple[str, Any]]:
    yield from table.items() if isinstance(table, dict) else ()


def in_manifest(text: str) -> list[str]:
    """Return what a package.json names that no registry offers, with the key of each."""
    table = texts.parse_object(text)
    found = [f"{name}: {spec}" for name, spec in _specs(table) if not _offered(spec)]
    return [*found, *([f"workspaces: {json.dumps(table['workspaces'])}"] if table.get("workspaces") else [])]


def _specs(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where a package is asked for, and what is asked for."""
    for kind in _KINDS:
        yield from ((f"{kind}.{name}", str(spec)) for name, spec in _pairs(table.get(kind)))
    yield from _overrides("overrides", table.get("overrides"))


def _overrides(path: str, table: object) -> Iterator[tuple[str, str]]:
    for name, value in _pairs(table):
        if isinstance(value, dict):
            yield from _overrides(f"{path}.{name}", value)
        else:
            yield f"{path}.{name}", str(value)


def _offered(spec: str) -> bool:
    """Tell whether a registry answers this: a range of versions, a tag, or either of a package by another name."""
    if alias := _ALIAS.fullmatch(spec.strip()):
        return _offered(alias["spec"] or "*")
    return not re.search(r"[:/\\]", spec) and not spec.startswith((".", "~/")) and not _TARBALL.fullmatch(spec)


def is_tarball(address: str, registries: Iterable[str]) -> bool:
    """Tell whether an address is a tarball of one of the registries."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or not _TARBALL.fullmatch(parts.path):
        return False
    places = (urlsplit(registry).path.rstrip("/") for registry in registries if same_origin(registry, address))
    return ".." not in parts.path and any(parts.path.startswith(f"{place}/") for place in places)


def _in_lock(rows: Rows, registries: Iterable[str]) -> Iterator[str]:
    for path, row in rows.items():
        if reason := _refused(path, row, registries):
            yield f"{path}: {reason}"
        kinds = _KINDS if not path else package_lock.KINDS  # nobody installs what packages are developed with
        for name, spec in ((name, str(spec)) for kind in kinds for name, spec in _pairs(row.get(kind))):
            if not _offered(spec):
                yield f"{path or 'the package itself'}: needs {name}@{spec}"


def _refused(path: str, row: Mapping[str, Any], registries: Iterable[str]) -> str | None:
    """Say what a row is when npm would not get it as a tarball."""
    resolved = str(row.get("resolved") or "")
    if row.get("link"):
        return f"is a link to {resolved or 'a folder'}"
    if path and not package_lock.PATH.fullmatch(path):
        return "is a folder of this host"
    return _strange(row, resolved, registries) if path else None


def _strange(row: Mapping[str, Any], resolved: str, registries: Iterable[str]) -> str | None:
    """Say where a row comes from, unless that is one of the registries."""
    if not package_lock.NAME.fullmatch(str(row.get("name") or "name")):
        return f"is {row['name']}"
    if resolved and not is_tarball(resolved, registries):
        return f"comes from {resolved}"
    version = str(row.get("version") or "")
    return None if _offered(version) else f"comes from {version}"  # where nothing else tells, npm gets `name@version`
