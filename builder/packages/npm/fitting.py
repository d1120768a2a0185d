"""Whether a lock was made for the package.json files that are there: those of a project, and of its local packages."""

from collections.abc import Iterator, Mapping

from builder.packages.ecosystem import differing
from builder.packages.npm import project as projects
from builder.packages.npm import semver
from builder.packages.npm.graph import Graph, Need, PackageNode, named
from builder.packages.npm.locks import pnpm_settings
from builder.packages.npm.project import MANIFEST, NodeProject


def unfit(project: NodeProject, graph: Graph) -> Iterator[str]:
    """Yield what package.json files ask for that the lock was not made for."""
    local = {node.folder: node for node in graph.reached() if node.folder}
    for folder in sorted({"", project.member, *local}):
        manifest = project.described(folder)
        if folder in graph.asked and manifest:
            yield from _changed(folder, manifest, graph.asked[folder])
    needs = {project.member: graph.needs, **{folder: node.needs for folder, node in local.items()}}
    yield from _Versions(project, graph).unfit(needs)
    is_pnpm = project.lock.name == pnpm_settings.LOCK
    members = pnpm_settings.members(project.root) if is_pnpm else projects.members(project.root)
    for member in members if graph.asked else ():
        if member not in graph.asked:
            yield f"{member} is a member of the workspace that the lock does not have"


def _changed(folder: str, manifest: Mapping[str, object], then: Mapping[str, str]) -> Iterator[str]:
    now, peers = projects.production(manifest), projects.peers(manifest)
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name) and not (name in peers and name not in now):
            yield differing(name, _where(folder), now.get(name), then.get(name))


def _where(folder: str) -> str:
    return f"{folder}/{MANIFEST}" if folder else MANIFEST


class _Versions:
    """Compares what folders of a project ask for with what the lock has for them."""

    def __init__(self, project: NodeProject, graph: Graph) -> None:
        self._project, self._graph = project, graph
        self._replaced = projects.replaced(project.described("")) | pnpm_settings.replaced(project.root)

    def unfit(self, needs: Mapping[str, Mapping[str, Need]]) -> Iterator[str]:
        for folder, found in sorted(needs.items()):
            manifest = self._project.described(folder)
            asked, optional = projects.production(manifest), projects.optional(manifest)
            for name, spec in sorted(asked.items()):
                if name in self._replaced:
                    continue
                if name in found:
                    yield from self._other(folder, name, spec, self._graph.nodes[found[name].to])
                elif name not in optional and folder not in self._graph.asked:
                    yield f"{name}: {_where(folder)} asks for {spec}, which the lock does not have"
            if folder and folder not in self._graph.asked:
                more = found.keys() - asked.keys() - projects.peers(manifest) - self._replaced
                yield from (f"{name}: {_where(folder)} does not ask for it any more" for name in sorted(more))

    def _other(self, folder: str, name: str, spec: str, node: PackageNode) -> Iterator[str]:
        wanted = spec.removeprefix("workspace:").removeprefix("npm:")
        is_other = False
        if spec.startswith("npm:") and not semver.is_range(wanted):
            alias, wanted = named(wanted)
            is_other = alias != node.name
        if is_other or semver.satisfies(node.version, wanted) is False:
            yield f"{name}: {_where(folder)} asks for {spec}, the lock has {node.version}"
