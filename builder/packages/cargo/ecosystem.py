"""Programs in Rust, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps.cargo import Cargo
from builder.packages.cargo import LOCK, PROJECT_LOCK
from builder.packages.command_line import CommandLinePackages
from builder.packages.planning import PlannedEcosystem
from builder.packages.projects import FoundProject, ProjectRequest


class CrateRegistry(PlannedEcosystem):
    """Programs of a project or of a published crate, compiled by the build image's cargo."""

    name = "cargo"
    step = Cargo
    locks = (LOCK, PROJECT_LOCK)
    marks = ("Cargo.toml",)

    def project(self, request: ProjectRequest) -> FoundProject | None:
        from builder.packages import compiled_projects

        files = ("Cargo.toml", PROJECT_LOCK)
        return compiled_projects.found(request, uses="cargo", title="Cargo", files=files)

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages:  # noqa: ARG002
        from builder.packages.cargo.command_line import CratePackages

        return CratePackages.parse(texts)

    def lock_path(self, loaded: Loaded) -> Path | None:
        from builder.packages.cargo import planning

        return planning.lock_path(loaded)

    def installed(self, tree: Tree) -> Iterable[Installed]:
        from builder.packages.cargo import installed

        return installed.installed(tree)


ECOSYSTEM = CrateRegistry()
