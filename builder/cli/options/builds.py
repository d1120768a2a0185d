"""Options of a build."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import ContainerOptions
from builder.cli.options.parameters import Bundle, Mistake, Option, without_terminal
from builder.cli.options.targets import require_one_target

if TYPE_CHECKING:
    from builder.building.batch import BatchOptions
    from builder.building.job import Options
    from builder.building.layer import Built

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

    unpack: Annotated[
        Path | None,
        Option(
            "--unpack",
            metavar="FOLDER",
            kind=shared.FOLDER,
            about="Write what the layer has below /opt into a new or empty folder, too, for tools that pack it "
            "themselves. Needs one target.",
        ),
    ]

    def mistakes(self) -> Iterator[Mistake]:
        if self.debug:
            yield from without_terminal(
                "--debug", "after the build, `layerwright shell NAME --command COMMAND` runs one where the step failed"
            )

    def require_unpackable(self, targets: Sequence[str]) -> None:
        """Raise UsageError if --unpack cannot do what it says, before anything is built."""
        from builder.base import files

        if self.unpack is not None:
            require_one_target("--unpack", targets)
            files.require_free(self.unpack)

    def unpack_results(self, results: "Sequence[Built]") -> None:
        """Do what --unpack says, if it is given."""
        if self.unpack is not None:
            from builder.layer import unpacked

            for built in results:
                unpacked.write(built.path, self.unpack)

    @property
    def of_batch(self) -> "BatchOptions":
        """The options that hold for all layers together."""
        from builder.building.batch import BatchOptions

        return BatchOptions(jobs=self.jobs, keep_going=self.keep_going, verify=self.verify)

    def of_layers(self, containers: ContainerOptions) -> "Options":
        """Return the options that hold for each layer."""
        from builder.building.job import Options

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
