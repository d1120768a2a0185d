"""yarn.lock of Yarn 1 as a graph: patterns `name@range`, each with a version and its digest.

It has no members of workspaces, which are found by their package.json, and no platforms, which the packages tell
themselves when they are unpacked.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from builder.base.errors import UsageError
from builder.packages.ecosystem import unreadable
from builder.packages.npm import PUBLIC, semver
from builder.packages.npm import project as projects
from builder.packages.npm.graph import Graph, Need, PackageNode, is_tarball, named
from builder.packages.npm.project import NodeProject

HEADER = "# yarn lockfile v1"
LOCKS = "yarn install --ignore-scripts"
_PUBLIC = "https://registry.yarnpkg.com/"
"""Another address of npm's public registry."""
_STRING = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s,:"][^\s,"]*)|(".*)')
"""A word, or the rest of a line with a string that does not end."""
_LOCAL = ("file:", "link:", "portal:", "./", "../", "/", "~/")


@dataclass(slots=True)
class _ClassicRow:
    patterns: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)
    needs: dict[str, str] = field(default_factory=dict)
    optional: dict[str, str] = field(default_factory=dict)


def graph(text: str, project: NodeProject) -> Graph:
    """Return the graph of a project. Raises UsageError for a lock that is none, or was made for other packages."""
    rows = {pattern: row for row in _rows(text, project.where) for pattern in row.patterns}
    reader = _ClassicReader(project, rows)
    needs = reader.of_folder(project.member)
    if not project.member:
        needs = {**reader.all_members(), **needs}
    reader.follow()
    if unfit := {*reader.missing, *reader.unfit()}:
        raise project.stale(sorted(unfit), LOCKS)
    return Graph(needs=needs, nodes=reader.nodes, complete=False)


def _rows(text: str, where: str) -> Iterator[_ClassicRow]:
    row: _ClassicRow | None = None
    table: dict[str, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        found = _STRING.findall(line)
        words = [] if any(rest for _, rest in found) else [_unquoted(word) for word, _ in found]
        depth = len(line) - len(line.lstrip(" "))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if depth == 0 and line.endswith(":") and words:
            row, table = _ClassicRow(patterns=tuple(words)), None
            yield row
        elif row and depth == 2 and line.endswith(":") and words:  # noqa: PLR2004
            table = {"dependencies": row.needs, "optionalDependencies": row.optional}.get(words[0], {})
        elif row and depth == 2 and len(words) == 2:  # noqa: PLR2004
            row.values[words[0]] = words[1]
        elif table is not None and depth == 4 and len(words) == 2:  # noqa: PLR2004
            table[words[0]] = words[1]
        else:
            place = f"{where}:{number}"
            raise unreadable(place, "lock of Yarn 1", [line.strip()[:80]], LOCKS)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text.rstrip(":")


class _ClassicReader:
    """Follows patterns to rows, and names of members to their folders."""

    def __init__(self, project: NodeProject, rows: Mapping[str, _ClassicRow]) -> None:
        self._project, self._rows = project, rows
        self.nodes: dict[str, PackageNode] = {}
        self.missing: list[str] = []
        self._queue: dict[str, tuple[str | None, str]] = {}
        """By the keys of nodes: the pattern of its row, None for a folder; and its path, if it is a local package."""
        self._edges: set[tuple[str, str]] = set()
        """The patterns that packages of the lock lead to, each with the name of the package; empty for a folder."""
        root = project.described("")
        rules = root.get("resolutions")
        self._rules = {str(key): str(value) for key, value in rules.items()} if isinstance(rules, dict) else {}
        self._replaced = projects.replaced({"resolutions": self._rules})
        folders = projects.members(project.root)
        self._members = {str(project.described(each).get("name") or each): each for each in folders}

    def all_members(self) -> dict[str, Need]:
        return {name: Need(to=self._member(name)) for name in sorted(self._members)}

    def of_folder(self, folder: str) -> dict[str, Need]:
        """Return what the package.json of a folder needs."""
        manifest = self._project.described(folder)
        optional = projects.optional(manifest)
        needs: dict[str, Need] = {}
        for name, spec in sorted(projects.production(manifest).items()):
            key = self._found(name, spec, folder, "")
            if key:
                needs[name] = Need(to=key, optional=name in optional)
            else:
                where = f"{folder}/package.json" if folder else "package.json"
                self.missing.append(f"{name}: {where} asks for {spec}, which the lock does not have")
        return needs

    def _found(self, name: str, spec: str, folder: str, by: str) -> str | None:
        """Return the key of the node for a dependency of a folder of the project, or of the package `by`."""
        if spec.startswith("link:"):
            return self._linked(posixpath.normpath(posixpath.join(folder, spec.removeprefix("link:"))))
        local = posixpath.normpath(posixpath.join(folder, spec.removeprefix("file:")))
        candidates = [f"{name}@{spec}", f"{name}@file:{local}", f"{name}@file:./{local}", f"{name}@./{local}"]
        pattern = next((each for each in candidates if each in self._rows), None)
        if pattern is None:
            return self._member(name) if name in self._members and not spec.startswith(_LOCAL) else None
        self._edges.add((by, pattern))
        return self._row(pattern, local if spec.startswith(_LOCAL) else "")

    def _member(self, name: str) -> str:
        return self._linked(self._members[name])

    def _linked(self, folder: str) -> str:
        """Return the key of a folder that Yarn links."""
        key = f"link:{folder}"
        self._queue.setdefault(key, (None, folder))
        return key

    def _row(self, pattern: str, local: str) -> str:
        """Return the key of a row: one for all patterns of it."""
        key = self._rows[pattern].patterns[0]
        self._queue.setdefault(key, (pattern, local))
        return key

    def follow(self) -> None:
        """Read all nodes that something needs."""
        done = 0
        while done < len(self._queue):
            for key, (pattern, local) in list(self._queue.items())[done:]:
                self.nodes[key] = self._node(pattern, local) if pattern else self._folder(key, local)
                done += 1

    def unfit(self) -> Iterator[str]:
        """Yield the packages whose versions are not those that `resolutions` or their patterns ask for."""
        for by, pattern in self._edges:
            name, spec = named(pattern)
            wanted = [value for key, value in self._rules.items() if _applies(key, by, name)]
            if wanted and not any(self._leads(value, pattern) for value in wanted):
                yield f"{name}: `resolutions` asks for {' or '.join(wanted)}, the lock has {self._version(pattern)}"
            elif name not in self._replaced and not self._leads(spec, pattern):
                yield f"{name}: {by or 'package.json'} asks for {spec}, the lock has {self._version(pattern)}"
        for key, value in self._rules.items():
            there = [pattern for _, pattern in self._edges if named(pattern)[0] == projects.selected(key)]
            if there and not any(self._leads(value, pattern) for pattern in there):
                yield f"{projects.selected(key)}: `resolutions` asks for {value}, which the lock does not have"

    def _leads(self, spec: str, pattern: str) -> bool:
        """Tell whether a row has what is asked for; what no range tells is not compared."""
        _, _, alias = spec.removeprefix("npm:")[1:].partition("@") if spec.startswith("npm:") else ("", "", spec)
        return semver.satisfies(self._version(pattern), alias) is not False

    def _version(self, pattern: str) -> str:
        return self._rows[pattern].values.get("version", "")

    def _folder(self, key: str, folder: str) -> PackageNode:
        manifest = self._project.described(folder)
        name, version = str(manifest.get("name") or folder.rpartition("/")[2]), str(manifest.get("version") or "0.0.0")
        return PackageNode(key=key, name=name, version=version, folder=folder, needs=self.of_folder(folder))

    def _needs(self, pattern: str, local: str) -> Iterator[tuple[str, Need]]:
        row = self._rows[pattern]
        for table, optional in ((row.needs, False), (row.optional, True)):
            for name, spec in table.items():
                if found := self._found(name, spec, local, named(pattern)[0]):
                    yield name, Need(to=found, optional=optional)
                elif not optional:
                    self.missing.append(f"{name}: {pattern} asks for {spec}, which the lock does not have")

    def _node(self, pattern: str, local: str) -> PackageNode:
        row = self._rows[pattern]
        name, spec = named(pattern)
        alias = re.fullmatch(r"npm:((?:@[^@/]+/)?[^@/]+)(?:@.*)?", spec)
        resolved, _, sha1 = row.values.get("resolved", "").partition("#")
        digest = row.values.get("integrity", "")
        is_packed = is_tarball(local)
        if sha1 and (not digest or digest.startswith("sha1-")) and not local:
            raise self._unhashed(name, digest or sha1)
        return PackageNode(
            key=row.patterns[0],
            name=alias[1] if alias else name,
            version=row.values.get("version", "0.0.0"),
            integrity=next((each for each in digest.split() if not each.startswith("sha1-")), ""),
            resolved=f"file:{local}" if is_packed else _address(resolved),
            folder=local if local and not is_packed else "",
            needs=dict(self._needs(pattern, local)),
        )

    def _unhashed(self, name: str, digest: str) -> UsageError:
        msg = f"{self._project.where} has no digest of {name} by SHA-256 or longer, only {digest}"
        return UsageError(msg, hint=f"remove its entry from yarn.lock, and `{LOCKS}` writes it with `integrity`")


def _applies(rule: str, by: str, name: str) -> bool:
    """Tell whether a rule of `resolutions` is for a dependency: `name`, `parent/name`, and either behind `**/`."""
    above, _, _ = rule.rpartition(name)
    parent = above.rstrip("/").removeprefix("**").removeprefix("/")
    return projects.selected(rule) == name and parent in {"", by}


def _address(resolved: str) -> str:
    """Return the address of a tarball; that of Yarn's name for the public registry as npm knows it."""
    return resolved.replace(_PUBLIC, PUBLIC, 1) if resolved.startswith(_PUBLIC) else resolved
