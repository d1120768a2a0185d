"""Options of a build."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from builder.cli.options import shared
from builder.cli.options.containers import ContainerOptions
from builder.cli.options.parameters import Bundle, Mistake, Option, without_terminal

if TYPE_CHECKING:
    from builder.building.layer import Options

_TESTS = {None: "auto", True: "always", False: "never"}


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions(Bundle):
    """How targets are built, and what a failure does to the others."""

    output: shared.OutputFolder
    strict: shared.Strict
    route: shared.Route
    jobs: shared.Jobs
    keep_going: Annotated[
        bool, Option("--keep-going -k", about="Build the other targets after a failure. Default: stop.")
    ]
    rebuild: shared.Rebuild
    test: Annotated[
        bool | None,
        Option(
            "--test/--no-test",
            about="Run the tests in the runtime's image, or do not. Default: run those of a new zip if the build "
            "needed the engine or the engine has the image.",
        ),
    ]
    provenance: shared.Provenance
    verify: Annotated[
        bool,
        Option(
            "--verify",
            about="Build each target twice from nothing and compare the zips, down to the ELF section; a difference "
            "is an error.",
        ),
    ]

    debug: Annotated[
        bool,
        Option(
            "--debug",
            about="Open a shell where a step fails, with its sources and environment, as `layerwright shell` does.",
        ),
    ]

    def mistakes(self) -> Iterator[Mistake]:
        if self.debug:
            yield from without_terminal(
                "--debug", "after the build, `layerwright shell NAME --command COMMAND` runs one where the step failed"
            )

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
