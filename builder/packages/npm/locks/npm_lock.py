"""package-lock.json and npm-shrinkwrap.json, versions 1, 2 and 3, as a graph.

npm 7 and later write rows of folders. Version 1 has packages in each other, which are such rows in another form; it
tells neither platforms nor install scripts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from builder.base import texts
from builder.base.errors import UsageError
from builder.packages.ecosystem import unreadable
from builder.packages.npm import package_lock
from builder.packages.npm import project as projects
from builder.packages.npm.graph import PLATFORM, Graph, Need, PackageNode, is_tarball
from builder.packages.npm.locks import npm_edges
from builder.packages.npm.package_lock import Rows
from builder.packages.npm.project import NodeProject

LOCKS = "npm install --package-lock-only"


def graph(text: str, project: NodeProject) -> Graph:
    """Return the graph of a project. Raises UsageError for a lock that cannot be read, or has no such project."""
    where, member = project.where, project.member
    old = version(text) == 1
    rows = _told(_old_rows(text, project) if old else package_lock.rows(text, where, LOCKS), old=old)
    if member and member not in rows:
        raise project.stale([f"{member} is no member of its workspaces"], LOCKS)
    if unfit := list(npm_edges.unfit(rows, project, old=old)):
        raise project.stale(unfit, LOCKS)
    bundled = {path for path, row in rows.items() if row.get("inBundle")}
    members = {} if member else {name: Need(to=to) for name, to in _members(rows)}
    return Graph(
        needs={**members, **_needs(member, rows, frozenset(), where)},
        nodes={path: _node(path, rows, bundled, where) for path in rows if path and path not in bundled},
        asked={}
        if old
        else {path: projects.production(row) for path, row in rows.items() if "/node_modules/" not in f"/{path}"},
        complete=not old,
    )


def _told(rows: Rows, *, old: bool) -> Rows:
    """Return the rows in which `inBundle` are those alone that are in another package's tarball.

    npm also marks what the project and its members bundle when they are packed, which it fetches as any other.
    """
    inside = {path for path in rows if _is_below_package(path, rows)} if old else {*package_lock.bundled(rows)}
    return {
        path: {key: value for key, value in row.items() if key != "inBundle" or path in inside}
        for path, row in rows.items()
    }


def _is_below_package(path: str, rows: Rows) -> bool:
    """Tell whether a row lies in a package that is not marked itself: a lock of version 1 has no lists."""
    above = path.rpartition("/node_modules/")[0]
    if "node_modules/" not in above:
        return False
    return not rows.get(above, {}).get("inBundle") or _is_below_package(above, rows)


def version(text: str) -> int:
    """Return the version of a lock; 0 for none."""
    try:
        found = texts.parse_json(text)["lockfileVersion"]
    except (ValueError, KeyError, TypeError):
        return 0
    return found if isinstance(found, int) else 0


def _old_rows(text: str, project: NodeProject) -> Rows:
    """Return the rows of a lock of version 1, whose packages lie in each other."""
    rows: dict[str, dict[str, Any]] = {"": dict(project.described(""))}
    try:
        queue = [("", texts.parse_json(text).get("dependencies", {}))]
        while queue:
            above, table = queue.pop()
            for name, old in table.items():
                path = f"{above}/node_modules/{name}".lstrip("/")
                target, row = _old_row(path, old, project)
                if target != path:
                    rows[path] = {"link": True, "resolved": target}
                rows[target] = row
                queue.append((target, old.get("dependencies", {})))
    except (AttributeError, TypeError, ValueError) as error:
        raise unreadable(project.where, "package-lock.json", [str(error)], LOCKS) from error
    return rows


def _old_row(path: str, old: Mapping[str, Any], project: NodeProject) -> tuple[str, dict[str, Any]]:
    """Return the path of a package, and its row in the form of version 3."""
    version, alias = str(old.get("version", "")), None
    if version.startswith("npm:"):
        alias, _, version = version.removeprefix("npm:").rpartition("@")
    local = version.removeprefix("file:") if version.startswith("file:") else ""
    is_folder = bool(local) and not is_tarball(local)
    row = {
        "name": alias,
        "version": str(project.described(local).get("version") or "0.0.0") if is_folder else version,
        "resolved": f"file:{local}" if local else old.get("resolved"),
        "integrity": old.get("integrity"),
        "dependencies": old.get("requires") or {},
        "inBundle": old.get("bundled"),
        **{key: old[key] for key in ("dev", "optional") if old.get(key)},
    }
    return (local if is_folder else path), {key: value for key, value in row.items() if value}


def _members(rows: Rows) -> Iterator[tuple[str, str]]:
    """Yield names and folders of the packages that npm links into the project's own node_modules."""
    for path, row in rows.items():
        name = path.removeprefix("node_modules/")
        if row.get("link") and not row.get("dev") and path.startswith("node_modules/") and "/node_modules/" not in path:
            yield name, str(row.get("resolved") or "")


def _node(path: str, rows: Rows, bundled: set[str], where: str) -> PackageNode:
    row = rows[path]
    if row.get("link"):  # what it points to is a row of its own
        target = str(row.get("resolved") or "")
        if not target or target not in rows or rows[target].get("link"):
            raise unreadable(
                where, "package-lock.json", [f"{path} is a link to {target}, which it does not have"], LOCKS
            )
        return _node(target, rows, bundled, where)
    folder = "" if "/node_modules/" in f"/{path}" else path
    linked = (each for each, other in rows.items() if folder and other.get("resolved") == path and other.get("link"))
    name = package_lock.name_of(next(linked, path), row)
    inner = frozenset(each for each in bundled if each.startswith(f"{path}/node_modules/"))
    return PackageNode(
        key=path,
        name=name,
        version=str(row.get("version") or "0.0.0"),
        integrity=str(row.get("integrity") or ""),
        resolved=str(row.get("resolved") or ""),
        folder=folder,
        needs=_needs(path, rows, inner, where),
        platform={key: row[key] for key in PLATFORM if row.get(key)},
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
