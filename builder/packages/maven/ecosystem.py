"""Maven's artifacts, behind the Protocol of ecosystems."""

from collections.abc import Iterable

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.steps import Maven
from builder.packages.maven import LOCK, installed
from builder.packages.planning import PlannedEcosystem


class MavenRepository(PlannedEcosystem):
    """Jars as published, without a container."""

    name = "maven"
    step = Maven
    locks = (LOCK,)
    marks = ("pom.xml", "build.gradle", "build.gradle.kts")

    def installed(self, tree: Tree) -> Iterable[Installed]:
        return installed.installed(tree)


ECOSYSTEM = MavenRepository()
