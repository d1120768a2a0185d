"""package-lock.json and npm-shrinkwrap.json, versions 2 and 3, as a graph: rows of folders, as npm 7 and later write.

Version 1 has no rows. npm itself converts it, see `planning.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from builder.base import texts
from builder.base.errors import UsageError
from builder.packages.ecosystem import unreadable
from builder.packages.npm import package_lock
from builder.packages.npm.graph import Graph, Need, PackageNode
from builder.packages.npm.package_lock import Rows

_PLATFORM = ("os", "cpu", "libc")


def graph(text: str, where: str, member: str) -> Graph:
    """Return the graph of the project in a folder of the lock; `member` is its path there, empty for the root.

    Raises UsageError for a lock that cannot be read, or has no such project.
    """
    rows = package_lock.rows(text, where)
    if member and member not in rows:
        msg = f"{where} has no `{member}`: its `workspaces` do not name this folder"
        raise UsageError(msg, hint="`npm install --package-lock-only` brings it up to date")
    bundled = {path for path, row in rows.items() if row.get("inBundle")}
    members = {} if member else {name: Need(to=to) for name, to in _members(rows)}
    return Graph(
        needs={**members, **_needs(member, rows, frozenset(), where)},
        nodes={path: _node(path, rows, bundled, where) for path in rows if path and path not in bundled},
        asked={path: _asked(row) for path, row in rows.items() if "/node_modules/" not in f"/{path}"},
    )


def _members(rows: Rows) -> Iterator[tuple[str, str]]:
    """Yield names and folders of the packages that npm links into the project's own node_modules."""
    for path, row in rows.items():
        name = path.removeprefix("node_modules/")
        if row.get("link") and not row.get("dev") and path.startswith("node_modules/") and "/node_modules/" not in path:
            yield name, str(row.get("resolved") or "")


def _asked(row: Mapping[str, Any]) -> dict[str, str]:
    return {**row.get("dependencies", {}), **row.get("optionalDependencies", {})}


def versions(text: str) -> set[tuple[str, str, str]]:
    """Return names, versions and digests of a lock of version 1, those in the tarballs of others left out."""

    def walk(table: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        for name, row in table.items():
            if not row.get("bundled"):
                yield name, str(row.get("version", "")), str(row.get("integrity", ""))
            yield from walk(row.get("dependencies", {}))

    return set(walk(texts.parse_json(text).get("dependencies", {})))


def _node(path: str, rows: Rows, bundled: set[str], where: str) -> PackageNode:
    row = rows[path]
    if row.get("link"):  # what it points to is a row of its own
        target = str(row.get("resolved") or "")
        if target not in rows:
            raise unreadable(where, "package-lock.json", [f"{path} is a link to {target}, which it does not have"])
        return _node(target, rows, bundled, where)
    folder = "" if "/node_modules/" in f"/{path}" else path
    linked = (each for each, other in rows.items() if folder and other.get("resolved") == path and other.get("link"))
    name = str(row.get("name") or next(linked, path).rpartition("node_modules/")[2])
    inner = frozenset(each for each in bundled if each.startswith(f"{path}/node_modules/"))
    return PackageNode(
        key=path,
        name=name,
        version=str(row.get("version") or "0.0.0"),
        integrity=str(row.get("integrity") or ""),
        resolved=str(row.get("resolved") or ""),
        folder=folder,
        needs=_needs(path, rows, inner, where),
        platform={key: row[key] for key in _PLATFORM if row.get(key)},
        scripted=bool(row.get("hasInstallScript")),
        bundled={each.removeprefix(f"{path}/"): rows[each] for each in sorted(inner)},
    )


def _needs(path: str, rows: Rows, inner: frozenset[str], where: str) -> dict[str, Need]:
    """Return what a row needs, and what those need that come inside of its tarball."""
    found: dict[str, Need] = {}
    for each in (*sorted(inner), path):
        row = rows[each]
        for kind in package_lock.KINDS:
            optional = kind == "optionalDependencies"
            for name in row.get(kind, ()):
                to = package_lock.resolved(each, name, rows)
                peer = kind == "peerDependencies"
                if to is None:
                    if not optional and not peer and not row.get("optional"):
                        raise _missing(where, each, name)
                    continue
                if to not in inner and to != path:
                    found[name] = Need(to=_target(to, rows), optional=optional)
    return found


def _target(path: str, rows: Rows) -> str:
    row = rows[path]
    return str(row.get("resolved") or "") if row.get("link") else path


def _missing(where: str, path: str, name: str) -> UsageError:
    msg = f"{where} does not fit its package.json: {path or 'the project'} needs {name}, which it does not have"
    return UsageError(msg, hint="`npm install --package-lock-only` brings it up to date")
