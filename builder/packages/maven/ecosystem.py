"""Maven's artifacts, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.steps import Maven
from builder.packages.command_line import CommandLinePackages
from builder.packages.maven import LOCK
from builder.packages.planning import PlannedEcosystem
from builder.packages.projects import FoundProject, ProjectRequest


class MavenRepository(PlannedEcosystem):
    """Jars as published, without a container."""

    name = "maven"
    step = Maven
    locks = (LOCK,)
    marks = ("pom.xml", "build.gradle", "build.gradle.kts", "gradle.lockfile")

    def project(self, request: ProjectRequest) -> FoundProject | None:
        from builder.packages.maven import projects

        return projects.find(request)

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages:  # noqa: ARG002
        from builder.packages.maven.command_line import MavenPackages

        return MavenPackages.parse(texts)

    def installed(self, tree: Tree) -> Iterable[Installed]:
        from builder.packages.maven import installed

        return installed.installed(tree)


ECOSYSTEM = MavenRepository()
