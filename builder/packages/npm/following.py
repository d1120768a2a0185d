"""The lock that decides on the packages of a folder with a package.json, and what it says, in npm's own form."""

import re
from collections.abc import Iterator, Mapping

from builder.base import texts
from builder.base.errors import UsageError
from builder.model.architectures import Architecture
from builder.packages.npm import LOCK, conversion, offered, registry
from builder.packages.npm import project as projects
from builder.packages.npm.conversion import Around, Converted
from builder.packages.npm.graph import Graph
from builder.packages.npm.locks import npm_lock, pnpm_lock, yarn_berry, yarn_classic
from builder.packages.npm.project import MANIFEST, NodeProject

SHRINKWRAP, YARN_LOCK = "npm-shrinkwrap.json", "yarn.lock"
LOCKS = (SHRINKWRAP, LOCK, pnpm_lock.NAME, YARN_LOCK)
"""Of two of npm the first wins, as with npm itself."""
_CONFLICT = re.compile(r"^(?:<<<<<<<|>>>>>>>)", re.MULTILINE)


def converted(project: NodeProject, arch: Architecture) -> Converted:
    """Return the packages of a project for an architecture. Raises UsageError for a lock that does not decide."""
    if not project.lock.is_file():
        msg = f"{project.manifest.as_posix()} has local packages, and there is no {project.lock.name} beside it"
        why = offered.in_manifest(texts.read(project.manifest))
        raise UsageError(msg, why=why, hint=f"`{npm_lock.LOCKS}` in {project.root.as_posix()} writes it")
    text = texts.read(project.lock)
    refuse_conflicts(project, text)
    graph, command = _read(project, text)
    if unfit := list(_unfit(project, graph)):
        raise project.stale(unfit, command)
    around = Around(root=project.root, repository=project.repository, lock=project.lock)
    return conversion.converted(graph if graph.complete else registry.completed(graph), around, arch)


def refuse_conflicts(project: NodeProject, text: str) -> None:
    """Raise UsageError for a lock in which git has left both sides of a merge."""
    if found := _CONFLICT.search(text):
        msg = f"{project.where}:{text.count(chr(10), 0, found.start()) + 1} has conflict markers of git"
        raise UsageError(msg, hint="resolve the merge, and lock again")


def _read(project: NodeProject, text: str) -> tuple[Graph, str]:
    """Return the graph of a lock, and the command that brings one up to date."""
    if project.lock.name == pnpm_lock.NAME:
        return pnpm_lock.graph(text, project), pnpm_lock.LOCKS
    if project.lock.name != YARN_LOCK:
        return npm_lock.graph(text, project), npm_lock.LOCKS
    if yarn_classic.HEADER in text[:200]:
        return yarn_classic.graph(text, project), yarn_classic.LOCKS
    return yarn_berry.graph(text, project), yarn_berry.LOCKS


def _unfit(project: NodeProject, graph: Graph) -> Iterator[str]:
    """Yield what package.json files ask for that the lock was not made for."""
    folders = {"", project.member, *(node.folder for node in graph.reached())}
    for folder in sorted(folders):
        manifest = project.described(folder)
        if folder in graph.asked and manifest:
            yield from _changed(folder, manifest, graph.asked[folder])
    members = pnpm_lock.members(project) if project.lock.name == pnpm_lock.NAME else projects.members(project.root)
    for member in members if graph.asked else ():
        if member not in graph.asked:
            yield f"{member} is a member of the workspace that the lock does not have"


def _changed(folder: str, manifest: Mapping[str, object], then: Mapping[str, str]) -> Iterator[str]:
    where = f"{folder}/{MANIFEST}" if folder else MANIFEST
    now, peers = projects.production(manifest), projects.peers(manifest)
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name) and not (name in peers and name not in now):
            yield f"{name}: {where} asks for {now.get(name)}, the lock is for {then.get(name)}"
