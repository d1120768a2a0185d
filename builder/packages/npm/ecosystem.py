"""npm's packages, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from builder.base.values import STORED, untrusted
from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime
from builder.model.steps import Npm
from builder.packages.command_line import CommandLinePackages
from builder.packages.default_tests import DefaultTest
from builder.packages.npm import LOCK
from builder.packages.planning import PlannedEcosystem
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.resolution import Resolution


class NpmRegistry(PlannedEcosystem):
    """Node.js packages: as published, with install scripts only in a container."""

    name = "npm"
    step = Npm
    locks = (LOCK,)
    marks = ("package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock")
    leftovers: ClassVar[Mapping[str, Sequence[str]]] = {
        "installer's files": [
            "**/node_modules/.package-lock.json",
            "**/node_modules/.bin/",
            "/nodejs/package.json",
            "/nodejs/node*/package.json",
        ],
    }

    def lock_path(self, loaded: Loaded) -> Path | None:
        from builder.packages.npm import planning

        return planning.lock_path(loaded)

    def project(self, request: ProjectRequest) -> FoundProject | None:
        from builder.packages.npm import projects

        return projects.find(request)

    def project_inputs(self, request: ProjectRequest) -> Mapping[str, str]:
        from builder.packages.npm import projects

        return projects.inputs(request)

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages:  # noqa: ARG002
        from builder.packages.npm.command_line import NpmPackages

        return NpmPackages(texts=tuple(texts))

    def refuse_forged(self, resolution: Resolution) -> None:
        from builder.packages.npm import offered, package_lock
        from builder.packages.npm.resolution import NodeModules

        if isinstance(resolution, NodeModules):
            offered.check(resolution.manifest, resolution.lock, STORED, STORED, resolution.own)
            if (
                not resolution.target.architectures
                or package_lock.packages(resolution.lock, resolution.target.arch, STORED) != resolution.installs
            ):
                raise untrusted(STORED, resolution.lock, "the lock of its packages")

    def installed(self, tree: Tree) -> Iterable[Installed]:
        from builder.packages.npm import installed

        return installed.installed(tree)

    def tests(self, tree: Tree, runtime: Runtime) -> Iterator[DefaultTest]:
        from builder.packages.npm import default_tests

        return default_tests.tests(tree, runtime)


ECOSYSTEM = NpmRegistry()
