"""Go modules, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from builder.base.values import STORED
from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps.go import Go
from builder.packages.command_line import CommandLinePackages
from builder.packages.go import MOD, PURL_TYPE, SUM
from builder.packages.planning import PlannedEcosystem
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.resolution import Resolution


class GoModules(PlannedEcosystem):
    """Programs in Go, compiled of modules that go.sum verifies."""

    name = PURL_TYPE
    step = Go
    locks = (MOD, SUM)
    marks = ("go.mod",)
    environment = frozenset({"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH"})

    def project(self, request: ProjectRequest) -> FoundProject | None:
        from builder.packages import compiled_projects

        return compiled_projects.found(request, uses="go", title="Go", files=(MOD, SUM))

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages:  # noqa: ARG002
        from builder.packages.go.command_line import GoPackages

        return GoPackages.parse(texts)

    def lint(self, loaded: Loaded) -> None:
        from builder.packages.go import planning

        planning.lint(loaded)

    def lock_path(self, loaded: Loaded) -> Path | None:
        from builder.packages.go import planning

        return planning.lock_path(loaded)

    def refuse_forged(self, resolution: Resolution) -> None:
        from builder.packages.go import go_mod, go_sum
        from builder.packages.go.resolution import Programs

        for program in resolution.programs if isinstance(resolution, Programs) else ():
            if program.lock:
                go_mod.read(program.lock[0], STORED, "layerwright plan")
                go_sum.read(program.lock[1], STORED, "layerwright plan")

    def installed(self, tree: Tree) -> Iterable[Installed]:
        from builder.packages.go import installed

        return installed.installed(tree)


ECOSYSTEM = GoModules()
