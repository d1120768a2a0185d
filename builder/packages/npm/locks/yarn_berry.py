"""yarn.lock of Yarn 2 and newer as a graph: descriptors `name@npm:range`, each with the locator that it led to.

Its checksums are those of zips that Yarn makes of each package, which nobody else has. So the versions and the registry
are the lock's, and the registry's own digest of exactly that version decides on the bytes; it is told as a warning.
"""

import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs, quote, unquote

from builder.base.errors import UsageError
from builder.base.rules import Field
from builder.packages.npm import project as projects
from builder.packages.npm import semver
from builder.packages.npm.graph import Graph, Need, PackageNode, is_tarball, named
from builder.packages.npm.locks import berry_settings, yaml_text
from builder.packages.npm.locks.berry_settings import range_of
from builder.packages.npm.locks.yaml_text import Table
from builder.packages.npm.project import NodeProject

LOCKS = "yarn install --mode=update-lockfile"
_VERSIONS = range(4, 11)
_IMPLICIT = ("node-gyp", "npm:latest")
"""Yarn adds it to packages with a binding.gyp; the build image has its own."""
_DESCRIPTOR = re.compile(r"(?P<name>(?:@[^@/]+/)?[^@/]+)@(?P<range>.+)")
_RULE = re.compile(
    r"(?:(?P<parent>\*\*|(?:@[^@/]+/)?[^@/]+)(?:@[^/]+)?/)?(?P<name>(?:@[^@/]+/)?[^@/]+)(?:@(?P<range>.+))?"
)
_CONDITION = re.compile(r"\b(?P<key>os|cpu|libc)=(?P<value>[\w!-]+)")
_WORKSPACE = "@workspace:"
_ROOT = "@workspace:."
_UNQUOTED = "!'()*~"
"""What JavaScript leaves as it is."""


@dataclass(frozen=True, kw_only=True)
class _BerryMeta:
    optional: str = ""


@dataclass(frozen=True, kw_only=True)
class _BerryEntry:
    version: str = ""
    resolution: str = ""
    dependencies: Table[str] = field(default_factory=dict)
    meta: Annotated[Table[_BerryMeta], Field(alias="dependenciesMeta")] = field(default_factory=dict)
    peers: Annotated[Table[str], Field(alias="peerDependencies")] = field(default_factory=dict)
    conditions: str = ""


def graph(text: str, project: NodeProject) -> Graph:
    """Return the graph of a project. Raises UsageError for a lock of another version, or for other packages."""
    document = yaml_text.read(dict[str, _BerryEntry], text, project.where, "lock of Yarn", LOCKS)
    version = document.pop("__metadata", _BerryEntry()).version
    if not version.isdigit() or int(version) not in _VERSIONS:
        msg = f"{project.where} has the version {version or 'none'}, and {_VERSIONS[0]} to {_VERSIONS[-1]} are read"
        raise UsageError(
            msg, hint=f"`npx @yarnpkg/cli-dist@4 install --mode=update-lockfile` in {project.root.as_posix()} writes it"
        )
    reader = _BerryReader(project, document)
    needs = dict(reader.of_project())
    reader.follow()
    if not project.member:
        needs = {**reader.other_members(), **needs}
    if reader.missing:
        raise project.stale(sorted(set(reader.missing)), LOCKS)
    return Graph(needs=needs, nodes=reader.nodes, asked=reader.asked(), complete=False)


class _BerryReader:
    """Follows descriptors to locators. A package that wants peers is a node of its own for each set of them."""

    def __init__(self, project: NodeProject, entries: Mapping[str, _BerryEntry]) -> None:
        self._project = project
        self._entries = {key: entry for keys, entry in entries.items() for key in keys.split(", ")}
        self._settings = berry_settings.read(project.root)
        self._replaced = list(_resolutions(project.described("").get("resolutions")))
        self._folders = {
            _folder_of(entry.resolution): entry for entry in entries.values() if _WORKSPACE in entry.resolution
        }
        self.nodes: dict[str, PackageNode] = {}
        self.missing: list[str] = []
        self._queue: dict[str, tuple[_BerryEntry, Mapping[str, Need]]] = {}
        """By the keys of nodes: their entries, and the peers that they find."""

    # ---- members of the workspace ----------------------------------------------------------------------------------

    def asked(self) -> dict[str, Mapping[str, str]]:
        return {folder: dict(self._asked(folder, entry)) for folder, entry in self._folders.items()}

    def _asked(self, folder: str, entry: _BerryEntry) -> Iterator[tuple[str, str]]:
        """Yield what a package.json asked for. The lock does not tell what a package is developed with."""
        manifest = self._project.described(folder)
        now, developed = projects.production(manifest), projects.development(manifest)
        for name, spec in entry.dependencies.items():
            if name in now:
                yield name, now[name] if range_of(now[name]) == range_of(spec) else spec
            elif name not in developed:
                yield name, spec

    def of_project(self) -> dict[str, Need]:
        """Return what the project needs."""
        entry = self._folders.get(self._project.member)
        if entry is None:
            raise self._project.stale([f"{self._project.member or 'the project'} is not in it"], LOCKS)
        return dict(self._needs(entry, {}))

    def other_members(self) -> dict[str, Need]:
        """Return the members of the workspace; first those that no other needs, since they bring peers for the rest."""
        members = {named(entry.resolution)[0]: (path, entry) for path, entry in self._folders.items() if path}
        needed = {name for entry in self._folders.values() for name in entry.dependencies}
        keys: dict[str, str] = {}
        for names in (members.keys() - needed, members.keys()):
            known = {node.folder: key for key, node in self.nodes.items() if node.folder}
            keys.update({name: known[members[name][0]] for name in names if members[name][0] in known})
            keys.update(self._keys({name: members[name][1] for name in names if name not in keys}, {}))
            self.follow()
        return {name: Need(to=key) for name, key in sorted(keys.items())}

    # ---- edges -----------------------------------------------------------------------------------------------------

    def _needs(self, entry: _BerryEntry, inherited: Mapping[str, Need]) -> Iterator[tuple[str, Need]]:
        """Yield what a package needs, with the peers that it finds."""
        wanted, optional = dict(entry.dependencies), {name for name, meta in entry.meta.items() if meta.optional}
        if _WORKSPACE in entry.resolution:
            manifest = self._project.described(_folder_of(entry.resolution))
            wanted = {name: wanted[name] for name in projects.production(manifest) if name in wanted}
        wanted = {**self._settings.added(named(entry.resolution)[0], entry.version), **wanted}
        found: dict[str, _BerryEntry] = {}
        for name, spec in sorted(wanted.items()):
            if (name, range_of(spec)) == _IMPLICIT:
                continue
            if target := self._entry(name, spec, entry):
                found[name] = target
            elif name not in optional:
                self.missing.append(f"{name}: {entry.resolution} asks for {spec}, which the lock does not have")
        yield from inherited.items()
        for name, key in self._keys(found, inherited).items():
            yield name, Need(to=key, optional=name in optional)

    def _keys(self, found: Mapping[str, _BerryEntry], inherited: Mapping[str, Need]) -> dict[str, str]:
        """Return the keys of packages beside each other, which are the peers of one another."""
        keys: dict[str, str] = {}

        def key(name: str, above: frozenset[str]) -> str | None:
            if name not in found or name in above:
                return inherited[name].to if name in inherited and name not in found else None
            if name not in keys:
                entry = found[name]
                peers = {peer: to for peer in sorted(entry.peers) if (to := key(peer, above | {name}))}
                text = "".join(f"{peer}={to};" for peer, to in peers.items())
                ending = f"#{hashlib.sha256(text.encode()).hexdigest()[:16]}" if text else ""
                keys[name] = f"{entry.resolution}{ending}"
                self._queue.setdefault(keys[name], (entry, {peer: Need(to=to) for peer, to in peers.items()}))
            return keys[name]

        for name in sorted(found):
            key(name, frozenset())
        return keys

    def _entry(self, name: str, spec: str, by: _BerryEntry) -> _BerryEntry | None:
        """Return the entry that a descriptor led to, after the `resolutions` of the root."""
        wanted = self._replacement(name, self._settings.of_catalog(name, range_of(spec)), by)
        if wanted.startswith("patch:"):
            wanted = self._unpatched(name, wanted)
        for locator in (by.resolution, _ROOT):
            for candidate in (f"{name}@{wanted}", f"{name}@{wanted}::locator={quote(locator, safe=_UNQUOTED)}"):
                if candidate in self._entries:
                    return self._entries[candidate]
        folder = self._member(name, wanted)
        return self._folders[folder] if folder is not None else None

    def _member(self, name: str, wanted: str) -> str | None:
        """Return the folder of a member, which Yarn takes for a range of versions as well."""
        if not wanted.startswith(("workspace:", "npm:")):
            return None
        found = next((folder for folder, entry in self._folders.items() if named(entry.resolution)[0] == name), None)
        version = str(self._project.described(found).get("version") or "") if found is not None else ""
        return None if semver.satisfies(version, wanted.partition(":")[2]) is False else found

    def _replacement(self, name: str, wanted: str, by: _BerryEntry) -> str:
        for rule in self._replaced:
            parent = (rule["parent"] or "").removeprefix("**/") in {"", "**", named(by.resolution)[0]}
            if rule["name"] == name and parent and rule["range"] in {None, wanted}:
                return rule["to"] or wanted
        return wanted

    def _unpatched(self, name: str, wanted: str) -> str:
        """Return what a built-in patch of Yarn is made for; its patches serve Plug'n'Play alone. Refuse all others."""
        source = unquote(wanted.removeprefix("patch:").partition("#")[0])
        if "builtin<" in wanted and (match := _DESCRIPTOR.fullmatch(source)):
            return match["range"]
        msg = f"{self._project.where}: {name} is patched (`patch:`), and a layer has packages as published"
        hint = f"publish the patched package under a name of your own, and `{LOCKS}`"
        raise UsageError(msg, why=[wanted], hint=hint)

    # ---- nodes -----------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Read all nodes that something needs."""
        done = 0
        while done < len(self._queue):
            for key, (entry, peers) in list(self._queue.items())[done:]:
                done += 1
                if key not in self.nodes:
                    self.nodes[key] = self._node(key, entry, peers)

    def _node(self, key: str, entry: _BerryEntry, peers: Mapping[str, Need]) -> PackageNode:
        name, origin = named(entry.resolution)
        reference, _, parameters = origin.partition("::")
        bound = {name: values[0] for name, values in parse_qs(parameters).items()}
        version, resolved, folder = entry.version, bound.get("__archiveUrl", ""), ""
        if reference.startswith(("workspace:", "file:", "portal:", "link:")):
            folder = self._local(reference, bound)
            version = str(self._project.described(folder).get("version") or "0.0.0")
        elif not reference.startswith("npm:"):
            resolved = reference
        if reference.startswith("link:") and (needs := projects.production(self._project.described(folder))):
            raise self._unlocked(folder, needs)
        is_packed = is_tarball(folder)
        platform: dict[str, list[str]] = {}
        for match in _CONDITION.finditer(entry.conditions):
            platform.setdefault(match["key"], []).append(match["value"])
        return PackageNode(
            key=key,
            name=name,
            version=entry.version if is_packed else version,
            resolved=f"file:{folder}" if is_packed else resolved,
            folder="" if is_packed else folder,
            needs=dict(self._needs(entry, peers)),
            platform=platform,
        )

    def _local(self, reference: str, bound: Mapping[str, str]) -> str:
        """Return the path of a local package, relative to the lock."""
        kind, _, path = reference.partition(":")
        if kind == "workspace":
            return "" if path == "." else path
        base = _folder_of(bound.get("locator", _ROOT))
        return posixpath.normpath(posixpath.join(base, path.partition("#")[0].replace("~/", "")))

    def _unlocked(self, folder: str, needs: Mapping[str, str]) -> UsageError:
        msg = f"{self._project.where} does not lock what the folder {folder} needs, since it is linked"
        why = [f"{name} {spec}" for name, spec in sorted(needs.items())]
        return UsageError(msg, why=why, hint=f"name it with `portal:` or `file:` instead of `link:`, and `{LOCKS}`")


def _resolutions(table: object) -> Iterator[dict[str, str | None]]:
    """Yield the rules of `resolutions`: a parent, a name, a range, and what is taken instead."""
    for key, value in table.items() if isinstance(table, dict) else ():
        if match := _RULE.fullmatch(str(key)):
            wanted = match["range"]
            yield {**match.groupdict(), "range": range_of(wanted) if wanted else None, "to": range_of(str(value))}


def _folder_of(resolution: str) -> str:
    """Return the folder of a member's locator."""
    path = resolution.rpartition(_WORKSPACE)[2] if _WORKSPACE in resolution else "."
    return "" if path == "." else path
