"""PyPI's packages, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime
from builder.model.steps import Pip
from builder.packages.command_line import CommandLinePackages
from builder.packages.default_tests import DefaultTest
from builder.packages.ecosystem import LockFile, LockRequest
from builder.packages.planning import PlannedEcosystem
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.pypi import BUILD_LOCK, LOCK, PRUNE
from builder.packages.pypi.dividing import PipDivider


class PyPI(PlannedEcosystem):
    """Python packages: wheels where they fit, sdists that a container compiles."""

    name = "pypi"
    step = Pip
    locks = (LOCK, BUILD_LOCK)
    marks = (
        *("pyproject.toml", "uv.lock", "pylock.toml", "pylock.*.toml", "poetry.lock", "pdm.lock"),
        *("Pipfile", "Pipfile.lock"),
    )
    prune = PRUNE
    divider = PipDivider()
    leftovers: ClassVar[Mapping[str, Sequence[str]]] = {
        "__pycache__": ["__pycache__/"],
        "installer's files": [
            "/python/.lock",
            *(
                f"**/*.dist-info/{name}"
                for name in ("direct_url.json", "INSTALLER", "REQUESTED", "uv_build.json", "uv_cache.json")
            ),
        ],
    }

    def lock(self, request: LockRequest) -> Iterator[LockFile]:
        from builder.packages.pypi import locking

        return locking.locks(request)

    def lock_path(self, loaded: Loaded) -> Path | None:
        from builder.packages.pypi import wanted

        return wanted.lock_of_project(loaded) or super().lock_path(loaded)

    def project(self, request: ProjectRequest) -> FoundProject | None:
        from builder.packages.pypi import projects

        return projects.find(request)

    def project_inputs(self, request: ProjectRequest) -> Mapping[str, str]:
        from builder.packages.pypi import project_inputs

        return project_inputs.of(request)

    def local_inputs(self, loaded: Loaded) -> Mapping[str, str]:
        from builder.packages.pypi import wanted

        return wanted.local_inputs(loaded)

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages:
        from builder.packages.pypi.command_line import PipPackages

        return PipPackages.parse(texts, file)

    def changelogs(self, loaded: Loaded, names: Sequence[str]) -> Mapping[str, str]:
        from builder.packages.pypi import changelogs

        return changelogs.changelogs(loaded, names)

    def installed(self, tree: Tree) -> Iterable[Installed]:
        from builder.packages.pypi import installed

        return installed.installed(tree)

    def tests(self, tree: Tree, runtime: Runtime) -> Iterator[DefaultTest]:
        from builder.packages.pypi import default_tests

        return default_tests.tests(tree, runtime)


ECOSYSTEM = PyPI()
