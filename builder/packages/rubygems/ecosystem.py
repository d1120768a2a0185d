"""RubyGems, behind the Protocol of ecosystems."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime
from builder.model.steps import Gem
from builder.packages.command_line import CommandLinePackages
from builder.packages.default_tests import DefaultTest
from builder.packages.planning import PlannedEcosystem
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.rubygems import LOCK


class RubyGems(PlannedEcosystem):
    """Ruby gems: precompiled ones where they fit, compiled ones where not."""

    name = "gem"
    step = Gem
    locks = (LOCK,)
    marks = ("Gemfile", "Gemfile.lock", "gems.rb", "gems.locked")
    leftovers: ClassVar[Mapping[str, Sequence[str]]] = {
        "sources of extensions": [
            *(
                f"/ruby/gems/*/gems/*/ext/**/*.{end}"
                for end in ("c", "cc", "cpp", "cxx", "o", "S", "y", "rl", "in", "log")
            ),
            *("/ruby/gems/*/gems/*/ext/**/Makefile", "/ruby/gems/*/gems/*/ports/"),
            *(f"/ruby/gems/*/extensions/**/{name}" for name in ("mkmf.log", "gem_make.out")),
        ],
    }

    def lock_path(self, loaded: Loaded) -> Path | None:
        from builder.packages.rubygems import planning

        return planning.lock_path(loaded)

    def project(self, request: ProjectRequest) -> FoundProject | None:
        from builder.packages.rubygems import projects

        return projects.find(request)

    def project_inputs(self, request: ProjectRequest) -> Mapping[str, str]:
        from builder.packages.rubygems import projects

        return projects.inputs(request)

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages:  # noqa: ARG002
        from builder.packages.rubygems.command_line import GemPackages

        return GemPackages.parse(texts)

    def installed(self, tree: Tree) -> Iterable[Installed]:
        from builder.packages.rubygems import installed

        return installed.installed(tree)

    def tests(self, tree: Tree, runtime: Runtime) -> Iterator[DefaultTest]:
        from builder.packages.rubygems import default_tests

        return default_tests.tests(tree, runtime)


ECOSYSTEM = RubyGems()
