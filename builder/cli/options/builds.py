"""Options of a build."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli import options
from builder.cli.options.containers import ContainerOptions

if TYPE_CHECKING:
    from builder.building.layer import Options

_TESTS = {None: "auto", True: "always", False: "never"}


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """How targets are built, and what a failure does to the others."""

    output: Path
    strict: bool
    route: str
    jobs: int
    keep_going: bool
    rebuild: bool
    test: bool | None
    verify: bool
    provenance: str | None

    def of_layers(self, containers: ContainerOptions) -> "Options":
        """Return the options that hold for each layer."""
        from builder.building.layer import Options

        return Options(
            output=self.output,
            strict=self.strict,
            rebuild=self.rebuild or containers.anew,
            containers=containers.choice(self.route),
            wheels_only=self.route == "wheels",
            test=_TESTS[self.test],
            catch_up=False,
            provenance=self.provenance,
        )


def build_options(function: options.F) -> options.F:
    """Add the options of a build; the command receives them as `building`."""
    decorate = options.together(
        options.output,
        options.strict,
        options.route,
        options.jobs,
        click.option(
            "--keep-going", "-k", is_flag=True, help="Build the other targets after a failure. Default: stop."
        ),
        options.rebuild,
        click.option(
            "--test/--no-test",
            default=None,
            help="Run the tests in the runtime's image, or do not. Default: run those of a new zip if the build needed "
            "the engine or the engine has the image.",
        ),
        options.provenance,
        click.option(
            "--verify",
            is_flag=True,
            help="Build each target twice from nothing and compare the zips, down to the ELF section; a difference is "
            "an error.",
        ),
    )
    return decorate(options.bundled(function, "building", BuildOptions))
