"""Maven's artifacts, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Iterator

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps import Maven
from builder.packages.ecosystem import Ecosystem, LockFile, LockRequest, Request, Resolution, requests
from builder.packages.maven import LOCK, installed


class MavenRepository(Ecosystem):
    """Jars as published, without a container."""

    name = "maven"
    step = Maven
    locks = (LOCK,)

    def lint(self, loaded: Loaded) -> None:
        from builder.packages.maven import planning

        for request in requests(loaded, Maven):
            planning.check(request)

    def resolve(self, request: Request) -> Resolution | None:
        from builder.packages.maven import planning

        return planning.planned(request)

    def lock(self, request: LockRequest) -> Iterator[LockFile]:
        from builder.packages.maven import planning

        return planning.locks(request)

    def installed(self, tree: Tree) -> Iterable[Installed]:
        return installed.installed(tree)


ECOSYSTEM = MavenRepository()
