"""Maven's artifacts, behind the Protocol of ecosystems."""

from collections.abc import Iterable

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.steps import Maven
from builder.packages.maven import LOCK, installed
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

    def installed(self, tree: Tree) -> Iterable[Installed]:
        return installed.installed(tree)


ECOSYSTEM = MavenRepository()
