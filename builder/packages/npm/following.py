"""The lock that decides on the packages of a folder with a package.json, and what it says, in npm's own form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.base import contained, texts
from builder.base.errors import UsageError
from builder.model.architectures import Architecture
from builder.packages.npm import LOCK, conversion, offered, packlist
from builder.packages.npm.conversion import Around, Converted
from builder.packages.npm.graph import Graph
from builder.packages.npm.locks import npm_lock

_WRITES = "npm install --package-lock-only"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeProject:
    """A folder with a package.json, and its lock."""

    manifest: Path
    lock: Path
    repository: Path

    @property
    def root(self) -> Path:
        """The folder of the lock, which is that of the workspace if there is one."""
        return self.lock.parent

    @property
    def member(self) -> str:
        """The path of the folder in the workspace of the lock; empty for its root."""
        relative = self.manifest.parent.resolve().relative_to(self.root.resolve()).as_posix()
        return "" if relative == "." else relative


def converted(project: NodeProject, arch: Architecture) -> Converted:
    """Return the packages of a project for an architecture. Raises UsageError for a lock that does not decide."""
    if not project.lock.is_file():
        msg = f"{project.manifest.as_posix()} has local packages, and there is no {project.lock.name} beside it"
        why = offered.in_manifest(texts.read(project.manifest))
        raise UsageError(msg, why=why, hint=f"`{_WRITES}` in {project.root.as_posix()} writes it")
    graph = npm_lock.graph(texts.read(project.lock), project.lock.as_posix(), project.member)
    if unfit := list(_unfit(project, graph)):
        msg = f"{project.lock.as_posix()} does not fit its package.json"
        raise UsageError(msg, why=unfit, hint=f"`{_WRITES}` in {project.root.as_posix()} brings it up to date")
    around = Around(root=project.root, repository=project.repository, lock=project.lock)
    return conversion.converted(graph, around, arch)


def _unfit(project: NodeProject, graph: Graph) -> Iterator[str]:
    """Yield what package.json files ask for that the lock was not made for."""
    folders = {"", project.member, *(node.folder for node in graph.reached())}
    for folder in sorted(folders):
        path = project.root / folder / LOCK.replace("package-lock", "package")
        if folder in graph.asked and path.is_file():
            yield from _changed(folder, _asked(packlist.described(path.parent)), graph.asked[folder])
    for member in members(project.root):
        if member not in graph.asked:
            yield f"{member} is a member of the workspace that the lock does not have"


def _changed(folder: str, now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    where = f"{folder}/package.json" if folder else "package.json"
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name):
            yield f"{name}: {where} asks for {now.get(name)}, the lock is for {then.get(name)}"


def _asked(manifest: Mapping[str, Any]) -> dict[str, str]:
    tables = (manifest.get(kind) for kind in ("dependencies", "optionalDependencies"))
    return {str(name): str(spec) for table in tables if isinstance(table, dict) for name, spec in table.items()}


def members(root: Path) -> list[str]:
    """Return the folders of the members that the `workspaces` of a package.json match, relative to its folder."""
    listed = packlist.described(root).get("workspaces")
    if isinstance(listed, dict):  # Yarn's other form, with `nohoist`
        listed = listed.get("packages")
    patterns = [str(each).removeprefix("./").rstrip("/") for each in listed] if isinstance(listed, list) else []
    taken: set[Path] = set()
    for pattern in patterns:
        found = {path.parent for path in contained.matching(root, f"{pattern.removeprefix('!')}/package.json")}
        taken = taken - found if pattern.startswith("!") else taken | found
    return sorted(each.relative_to(root).as_posix() for each in taken if "node_modules" not in each.parts)
