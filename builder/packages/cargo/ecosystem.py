"""Programs in Rust, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps.cargo import Cargo
from builder.packages.cargo import LOCK, PROJECT_LOCK, installed
from builder.packages.ecosystem import Ecosystem, LockFile, LockRequest, Request, Resolution


class CrateRegistry(Ecosystem):
    """Programs of a project or of a published crate, compiled by the build image's cargo."""

    name = "cargo"
    step = Cargo
    locks = (LOCK, PROJECT_LOCK)

    def lint(self, loaded: Loaded) -> None:
        from builder.packages.cargo import planning

        planning.lint(loaded)

    def resolve(self, request: Request) -> Resolution | None:
        from builder.packages.cargo import planning

        return planning.planned(request)

    def lock(self, request: LockRequest) -> Iterator[LockFile]:
        from builder.packages.cargo import planning

        return planning.locks(request)

    def lock_path(self, loaded: Loaded) -> Path | None:
        from builder.packages.cargo import planning

        return planning.lock_path(loaded)

    def installed(self, tree: Tree) -> Iterable[Installed]:
        return installed.installed(tree)


ECOSYSTEM = CrateRegistry()
