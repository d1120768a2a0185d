"""Whether package-lock.json has for each dependency what is asked for, by `overrides` of package.json where they apply.

npm keeps no copy of overrides in its lock. So a lock that was made with others is one whose versions contradict them,
or contradict the ranges of packages that nothing overrides any more. `npm ci` refuses the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from builder.base.frozen import dataclass
from builder.packages.npm import package_lock, semver
from builder.packages.npm.graph import named
from builder.packages.npm.package_lock import Rows
from builder.packages.npm.project import MANIFEST, NodeProject, production

_ANY = ("", "*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _NpmOverride:
    """One rule of `overrides`."""

    below: tuple[tuple[str, str], ...]
    """Names and ranges of the packages whose dependencies it is for, the outermost first; none for all."""
    name: str
    spec: str
    """The range of those dependencies that it replaces; empty for any."""
    value: str


def unfit(rows: Rows, project: NodeProject, *, old: bool) -> Iterator[str]:
    """Yield the dependencies for which a lock has what nobody asks for.

    A lock of version 1 is compared with the package.json files alone: npm 6 let packages have other versions.
    """
    edges = _Edges(rows, project)
    for path, row in rows.items():
        inside = "node_modules/" in path
        if not (row.get("link") or row.get("dev") or row.get("inBundle") or (old and inside)):
            yield from edges.unfit(path, row)


class _Edges:
    """Compares what rows ask for with the rows that it leads to."""

    def __init__(self, rows: Rows, project: NodeProject) -> None:
        self._rows, self._project = rows, project
        root = project.described("")
        self._overrides = list(_overrides(root.get("overrides"), root, ()))
        self._others: dict[tuple[str, str], frozenset[str]] = {}
        self._own: dict[tuple[str, str], frozenset[str]] = {}
        self._versions: dict[str, str] = {}
        """Of folders."""

    def unfit(self, path: str, row: Mapping[str, Any]) -> Iterator[str]:
        accepted = row.get("acceptDependencies")
        for name, spec in production(row).items():
            to = package_lock.resolved(path, name, self._rows)
            if to is None or self._rows[to].get("inBundle"):
                continue
            rules, wanted = self._wanted(path, name, spec)
            also = [str(accepted[name])] if isinstance(accepted, dict) and name in accepted else []
            if not any(self._meets(name, each, to) for each in (*wanted, *also)):
                where = path if "node_modules/" in path else f"{path}/{MANIFEST}".lstrip("/")
                by = f"`overrides` of {MANIFEST} asks" if rules else f"{where} asks"
                yield f"{name}: {by} for {' or '.join(wanted)}, the lock has {self._version(to)}"

    def _wanted(self, path: str, name: str, spec: str) -> tuple[bool, list[str]]:
        """Return whether overrides decide on a dependency, and the ranges that it may have."""
        certain: list[_NpmOverride] = []
        possible: list[_NpmOverride] = []
        for rule in self._overrides:
            applies = rule.name == name and (rule.spec in _ANY or semver.intersect(spec, rule.spec))
            if applies is not False and all(path in self._below(each) for each in rule.below):
                is_certain = applies and all(path not in self._without(each) for each in rule.below)
                (certain if is_certain else possible).append(rule)
        depth = max((len(rule.below) for rule in certain), default=0)
        decisive = [rule.value for rule in certain if len(rule.below) == depth]
        return bool(certain), [*(decisive or [spec]), *(rule.value for rule in possible)]

    def _without(self, package: tuple[str, str]) -> frozenset[str]:
        """Return the rows that are needed also if one package is left out, with all that it alone needs."""
        if package not in self._others:
            folders = [path for path in self._rows if "node_modules/" not in path]
            self._others[package] = self._reached(folders, package)
        return self._others[package]

    def _below(self, package: tuple[str, str]) -> frozenset[str]:
        """Return the rows of a package and of all that it needs."""
        if package not in self._own:
            self._own[package] = self._reached([path for path in self._rows if self._is(path, package)], None)
        return self._own[package]

    def _reached(self, queue: list[str], without: tuple[str, str] | None) -> frozenset[str]:
        found: set[str] = set()
        while queue:
            path = queue.pop()
            if path in self._rows and path not in found and not (without and self._is(path, without)):
                found.add(path)
                needed = (package_lock.resolved(path, name, self._rows) for name in production(self._rows[path]))
                queue += [self._target(each) for each in needed if each is not None]
        return frozenset(found)

    def _is(self, path: str, package: tuple[str, str]) -> bool:
        name, spec = package
        if not path or self._name(path) != name:
            return False
        return spec in _ANY or semver.satisfies(self._version(path), spec) is not False

    def _target(self, path: str) -> str:
        row = self._rows[path]
        return str(row.get("resolved") or "") if row.get("link") else path

    def _name(self, path: str) -> str:
        return package_lock.name_of(path, self._rows[path])

    def _version(self, path: str) -> str:
        """Return the version of a package: of a folder, the one that its package.json has now."""
        target = self._target(path)
        if "node_modules/" in target:
            return str(self._rows[target].get("version") or "")
        if target not in self._versions:
            self._versions[target] = str(self._project.described(target).get("version") or "")
        return self._versions[target]

    def _meets(self, name: str, spec: str, path: str) -> bool:
        """Tell whether a row is what a dependency asks for; what no range tells is not compared."""
        if spec.startswith("npm:"):
            name, spec = named(spec.removeprefix("npm:"))
        found = semver.satisfies(self._version(path), spec)
        return found is None or (found and self._rows[path].get("name") in {None, name})


def _overrides(table: object, root: Mapping[str, Any], below: tuple[tuple[str, str], ...]) -> Iterator[_NpmOverride]:
    for key, value in table.items() if isinstance(table, dict) else ():
        if key == ".":
            continue
        name, spec = named(str(key))
        own = value.get(".") if isinstance(value, dict) else value
        if own and own != "*":
            yield _NpmOverride(below=below, name=name, spec=spec, value=_value(str(own), root))
        yield from _overrides(value, root, (*below, (name, spec)))


def _value(text: str, root: Mapping[str, Any]) -> str:
    """Return what an override asks for: `$name` is what package.json itself asks for."""
    if not text.startswith("$"):
        return text
    kinds = ("devDependencies", "optionalDependencies", "dependencies", "peerDependencies")
    tables = (root.get(kind) for kind in kinds)
    return next((str(table[text[1:]]) for table in tables if isinstance(table, dict) and text[1:] in table), text)
