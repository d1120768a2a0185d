"""pnpm-lock.yaml, versions 6.0 and 9.0, as a graph.

Its keys are packages with the peers that they were resolved with, `name@version(peer@version)`, so that every edge
says exactly where it leads.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from builder.base.errors import UsageError
from builder.base.rules import Field
from builder.packages.npm import project as projects
from builder.packages.npm.graph import Graph, Need, PackageNode
from builder.packages.npm.locks import pnpm_settings, yaml_text
from builder.packages.npm.locks.pnpm_settings import WORKSPACE, LockedSettings
from builder.packages.npm.locks.yaml_text import Table
from builder.packages.npm.project import NodeProject

NAME = pnpm_settings.LOCK
LOCKS = "pnpm install --lockfile-only"
_VERSIONS = {"6.0": 6, "6.1": 6, "9.0": 9}
_KEY = re.compile(r"/?(?P<name>(?:@[^@/]+/)?[^@/]+)@(?P<version>.+)")
_PATCH = "patch_hash="
_START, _SEPARATOR = "---\n", "\n---\n"


@dataclass(frozen=True, kw_only=True)
class _PnpmEntry:
    specifier: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class _PnpmImporter:
    dependencies: Table[_PnpmEntry] = field(default_factory=dict)
    optional: Annotated[Table[_PnpmEntry], Field(alias="optionalDependencies")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _PnpmPackage:
    resolution: Table[str] = field(default_factory=dict)
    name: str = ""
    version: str = ""
    os: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    libc: tuple[str, ...] = ()
    builds: Annotated[str, Field(alias="requiresBuild")] = ""
    bundled: Annotated[Any, Field(alias="bundledDependencies")] = None
    dependencies: Table[str] = field(default_factory=dict)
    optional: Annotated[Table[str], Field(alias="optionalDependencies")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _PnpmSnapshot:
    dependencies: Table[str] = field(default_factory=dict)
    optional: Annotated[Table[str], Field(alias="optionalDependencies")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _PnpmLock(LockedSettings):
    importers: Table[_PnpmImporter] = field(default_factory=dict)
    dependencies: Table[_PnpmEntry] = field(default_factory=dict)
    """Of the only project, in a lock of version 6 without a workspace."""
    optional: Annotated[Table[_PnpmEntry], Field(alias="optionalDependencies")] = field(default_factory=dict)
    packages: Table[_PnpmPackage] = field(default_factory=dict)
    snapshots: Table[_PnpmSnapshot | None] = field(default_factory=dict)


def graph(text: str, project: NodeProject) -> Graph:
    """Return the graph of a project. Raises UsageError for a lock of another version, or without the project."""
    lock = yaml_text.read(_PnpmLock, _document(text), project.where, "lock of pnpm", LOCKS)
    if lock.version not in _VERSIONS:
        msg = f"{project.where} has the version {lock.version or 'none'}, and 6.0 and 9.0 are read"
        raise UsageError(msg, hint=f"`npx pnpm@9 install --lockfile-only` in {project.root.as_posix()} writes 9.0")
    importers = {"" if path == "." else path: each for path, each in lock.importers.items()} or {
        "": _PnpmImporter(dependencies=lock.dependencies, optional=lock.optional)
    }
    if project.member not in importers:
        raise project.stale([f"{project.member or 'the project'} is not in it"], LOCKS)
    if unfit := list(pnpm_settings.unfit(project, lock)):
        raise project.stale(unfit, LOCKS)
    reader = _PnpmReader(project, lock, importers)
    members = {} if project.member else reader.members()
    return Graph(
        needs={**members, **reader.needs(project.member)},
        nodes=reader.nodes(),
        asked={path: dict(reader.asked(path)) for path in importers},
        complete=_VERSIONS[lock.version] == 6,  # noqa: PLR2004  which tells what is built
    )


def _document(text: str) -> str:
    """Return the document of the project: pnpm 11 writes one of `configDependencies` and of itself before it."""
    return text.partition(_SEPARATOR)[2] if text.startswith(_START) else text


class _PnpmReader:
    """Finds what the edges of one lock lead to."""

    def __init__(self, project: NodeProject, lock: _PnpmLock, importers: Mapping[str, _PnpmImporter]) -> None:
        self._project, self._lock, self._importers = project, lock, importers
        self._is_flat = _VERSIONS[lock.version] == 6  # noqa: PLR2004

    def asked(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield what a package.json asked for; where pnpm's overrides replace it, what it asks for now."""
        importer = self._importers[path]
        now = projects.production(self._project.described(path))
        replaced = {re.sub(r"(?<=.)@.*", "", key.rpartition(">")[2]) for key in self._lock.overrides}
        for name, entry in {**importer.dependencies, **importer.optional}.items():
            yield name, now.get(name, entry.specifier) if name in replaced else entry.specifier

    def members(self) -> dict[str, Need]:
        """Return the members of the workspace, which its root has as well."""
        folders = (path for path in sorted(self._importers) if path)
        return {self._named(path)[0]: Need(to=f"link:{path}") for path in folders}

    def _named(self, path: str) -> tuple[str, str]:
        """Return name and version of a folder."""
        manifest = self._project.described(path)
        return str(manifest.get("name") or path.rpartition("/")[2]), str(manifest.get("version") or "0.0.0")

    def needs(self, path: str) -> dict[str, Need]:
        """Return what the package.json of a folder needs."""
        importer = self._importers[path]
        tables = ((importer.dependencies, False), (importer.optional, True))
        return {
            name: Need(to=self._key(name, entry.version, path), optional=optional)
            for table, optional in tables
            for name, entry in table.items()
        }

    def _key(self, name: str, version: str, path: str = "") -> str:
        """Return the key of a node. Raises UsageError for one that the lock does not have."""
        if version.startswith("link:"):
            return f"link:{posixpath.normpath(posixpath.join(path, version.removeprefix('link:')))}"
        candidates = (version, f"/{name}@{version}", f"{name}@{version}", f"/{version}")
        known = self._lock.packages if self._is_flat else self._lock.snapshots
        if key := next((each for each in candidates if each in known), None):
            return key
        msg = f"{self._project.where} names {name} {version}, which it does not have"
        raise UsageError(msg, hint=f"`{LOCKS}` in {self._project.root.as_posix()} writes it anew")

    def nodes(self) -> dict[str, PackageNode]:
        known = self._lock.packages if self._is_flat else self._lock.snapshots
        found = {key: self._node(key) for key in known}
        linked = {need.to for need in self.members().values()}
        linked |= {need.to for path in self._importers for need in self.needs(path).values()}
        linked |= {need.to for node in found.values() for need in node.needs.values()}
        queue = [each for each in linked if each.startswith("link:")]
        while queue:
            key = queue.pop()
            if key not in found:
                found[key] = self._folder(key)
                queue += [need.to for need in found[key].needs.values() if need.to.startswith("link:")]
        return found

    def _folder(self, key: str) -> PackageNode:
        """Return a member of the workspace, or a folder beside it."""
        path = key.removeprefix("link:")
        manifest = self._project.described(path)
        if path not in self._importers and (asked := projects.production(manifest)):
            msg = f"{self._project.where} does not lock what the folder {path} needs, since it is no member"
            why = [f"{name} {spec}" for name, spec in sorted(asked.items())]
            hint = f"add {path} to {WORKSPACE}, or name it with `file:`, and `{LOCKS}`"
            raise UsageError(msg, why=why, hint=hint)
        needs = self.needs(path) if path in self._importers else {}
        beside = self.needs(self._project.member) if path != self._project.member else {}
        wanted = projects.peers(manifest) - projects.production(manifest).keys()
        needs.update({name: beside[name] for name in wanted & needs.keys() & beside.keys()})  # as for a published one
        name, version = self._named(path)
        return PackageNode(key=key, name=name, version=version, folder=path, needs=needs)

    def _node(self, key: str) -> PackageNode:
        plain = re.sub(r"\(.*", "", key)
        package = self._lock.packages.get(key if self._is_flat else plain) or _PnpmPackage()
        needing: _PnpmPackage | _PnpmSnapshot = (
            package if self._is_flat else self._lock.snapshots[key] or _PnpmSnapshot()
        )
        match = _KEY.fullmatch(plain)
        name = package.name or (match["name"] if match else "")
        resolution, folder = package.resolution, package.resolution.get("directory", "")
        self._refuse(key, name)
        return PackageNode(
            key=key,
            name=name,
            version=self._named(folder)[1] if folder else package.version or (match["version"] if match else "0.0.0"),
            integrity=resolution.get("integrity", ""),
            resolved=resolution.get("tarball") or resolution.get("repo") or "",
            folder=folder,
            needs={
                each: Need(to=self._key(each, version), optional=optional)
                for table, optional in ((needing.dependencies, False), (needing.optional, True))
                for each, version in table.items()
            },
            platform={"os": package.os, "cpu": package.cpu, "libc": package.libc},
            scripted=package.builds == "true",
        )

    def _refuse(self, key: str, name: str) -> None:
        if _PATCH in key:
            msg = f"{self._project.where}: {name} is patched, and a layer has packages as they are published"
            hint = f"publish the patched package under a name of your own, and `{LOCKS}`"
            raise UsageError(msg, why=[f"`patchedDependencies` has {key}"], hint=hint)
