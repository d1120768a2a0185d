"""The lock that decides on the packages of a folder with a package.json, and what it says, in npm's own form."""

from collections.abc import Iterator
from dataclasses import replace

from builder.base import texts
from builder.base.errors import UsageError
from builder.model.architectures import Architecture
from builder.packages.npm import LOCK, conversion, fitting, offered, registry, settings
from builder.packages.npm.conversion import Around, Converted
from builder.packages.npm.graph import Graph, Need, PackageNode
from builder.packages.npm.local import LocalPackage, Own
from builder.packages.npm.locks import npm_lock, pnpm_lock, yarn_berry, yarn_classic
from builder.packages.npm.project import NodeProject
from builder.packages.projects import refuse_conflicts

SHRINKWRAP, YARN_LOCK = "npm-shrinkwrap.json", "yarn.lock"
LOCKS = (SHRINKWRAP, LOCK, pnpm_lock.NAME, YARN_LOCK)
"""Of two of npm the first wins, as with npm itself."""
_SHOWN = 8


def converted(project: NodeProject, arch: Architecture) -> Converted:
    """Return the packages of a project for an architecture. Raises UsageError for a lock that does not decide."""
    found = graph(project)
    whole = found if found.complete else registry.completed(found, Own(project=project.root))
    made = conversion.converted(whole, _around(project), arch)
    return replace(made, warnings=tuple(_warnings(project, found)))


def local_packages(project: NodeProject, found: Graph) -> dict[str, LocalPackage]:
    """Return the folders and tarballs that a project needs, by the keys of their nodes. UsageError for missing ones."""
    return dict(conversion.local_packages(found, _around(project)))


def _warnings(project: NodeProject, found: Graph) -> Iterator[str]:
    published = [node for node in found.reached() if not node.is_local]
    if any(not node.integrity for node in published) and project.lock.name == YARN_LOCK:
        yield (
            f"{project.where} has no digests of the registry's files: Yarn's checksums are those of zips that it makes"
            " itself; so the registry's digests of exactly these versions decide"
        )


def check(project: NodeProject, arch: Architecture) -> None:
    """Raise UsageError for what `converted` refuses whatever the registry says."""
    conversion.converted(graph(project), _around(project), arch)


def _around(project: NodeProject) -> Around:
    return Around(root=project.root, repository=project.repository, lock=project.lock)


def graph(project: NodeProject) -> Graph:
    """Return what a lock says, which nobody else is asked for. Raises UsageError for a lock that does not fit."""
    if not project.lock.is_file():
        msg = f"{project.manifest.as_posix()} has local packages, and there is no {project.lock.name} beside it"
        why = offered.in_manifest(texts.read(project.manifest))
        raise UsageError(msg, why=why, hint=f"`{npm_lock.LOCKS}` in {project.root.as_posix()} writes it")
    text = texts.read(project.lock).removeprefix(texts.BOM)
    refuse_conflicts(project.lock, text)
    found, command = read(project, text)
    if unfit := list(fitting.unfit(project, found)):
        raise project.stale(unfit, command)
    _refuse_unhashed(project, found, command)
    if not found.needs and not project.itself:
        msg = f"{project.manifest.as_posix()} has no dependencies, so there is nothing to put into a layer"
        raise UsageError(msg, hint="a layer holds what a function imports and does not bring itself")
    return _with_itself(project, found) if project.itself else found


def _refuse_unhashed(project: NodeProject, found: Graph, command: str) -> None:
    """Raise UsageError for packages of registries of which a lock has no digest, unless its tool never writes one."""
    published = (node for node in found.reached() if not node.is_local and not node.integrity)
    unhashed = [] if command == yarn_berry.LOCKS else [node for node in published if _is_of_registry(project, node)]
    if unhashed:
        is_pnpm = command == pnpm_lock.LOCKS  # which keeps a row as it is as long as the file is there
        remove = f"remove {project.lock.name}" if is_pnpm else f"remove their rows from {project.lock.name}"
        msg = f"{project.where}: packages have no integrity, so that later builds could differ"
        why = sorted({f"{node.name}@{node.version}" for node in unhashed})[:_SHOWN]
        hint = f"{remove}, and `{command}` in {project.root.as_posix()} writes them with it"
        raise UsageError(msg, why=why, hint=hint)


def _is_of_registry(project: NodeProject, node: PackageNode) -> bool:
    if not node.resolved:
        return True
    return offered.is_tarball(node.resolved, settings.read(project.root).registries)


def _with_itself(project: NodeProject, found: Graph) -> Graph:
    """Return a graph of the project as a package."""
    about = project.described(project.member)
    own = PackageNode(
        key="the project",
        name=str(about.get("name") or project.manifest.parent.resolve().name),
        version=str(about.get("version") or "0.0.0"),
        folder=project.member or ".",
        needs=found.needs,
    )
    return replace(found, needs={**found.needs, own.name: Need(to=own.key)}, nodes={**found.nodes, own.key: own})


def read(project: NodeProject, text: str) -> tuple[Graph, str]:
    """Return the graph of a lock, and the command that brings one up to date."""
    if project.lock.name == pnpm_lock.NAME:
        return pnpm_lock.graph(text, project), pnpm_lock.LOCKS
    if project.lock.name != YARN_LOCK:
        return npm_lock.graph(text, project), npm_lock.LOCKS
    if yarn_classic.HEADER in text[:200]:
        return yarn_classic.graph(text, project), yarn_classic.LOCKS
    return yarn_berry.graph(text, project), yarn_berry.LOCKS
