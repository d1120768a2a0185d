"""Options of a nightly run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import ContainerOptions
from builder.cli.options.parameters import Bundle, Option

if TYPE_CHECKING:
    from builder.base.errors import LayerwrightError
    from builder.building.job import Options
    from builder.nightly.run import NightlyRequest
    from builder.plan.selection import Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class NightlyBuildOptions(Bundle):
    """What a nightly run builds, and how."""

    output: shared.OutputFolder
    strict: shared.Strict
    route: shared.Route
    jobs: shared.Jobs
    rebuild: shared.Rebuild
    compiles: Annotated[
        int | None,
        Option(
            "--compiles",
            kind=click.IntRange(1, 64),
            metavar="N",
            about="Number of targets compiled in parallel on each node of the engine, 1 to 64. Default: by the node's "
            "processors and memory.",
        ),
    ]
    test: Annotated[
        Literal["auto", "always", "never"],
        Option(
            "--test",
            default="auto",
            about="Run the tests in the runtime's image; auto runs them if the build needed the engine or the engine "
            "has the image.",
        ),
    ]
    since: Annotated[
        Literal["last-green", "last-run"],
        Option(
            "--since",
            default="last-green",
            about="Treatment of targets that failed and did not change: last-green builds them again, last-run does "
            "not.",
        ),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class NightlyCourse(Bundle):
    """How long a nightly run goes on, and what a failure does to the rest."""

    resume: Annotated[bool, Option("--resume", about="Continue the last run that was stopped before its end.")]
    keep_going: Annotated[
        bool,
        Option("--keep-going/--fail-fast", default=True, about="Build the other targets after a failure, or stop."),
    ]
    patience: Annotated[
        float,
        Option(
            "--patience",
            kind=click.FloatRange(0, 1440),
            default=5.0,
            metavar="MINUTES",
            about="Time to wait for networks and engines that do not respond, in minutes, for the run and for each "
            "target.",
        ),
    ]
    limit: Annotated[
        float,
        Option(
            "--limit",
            kind=click.FloatRange(0.01, 10_000),
            default=240.0,
            metavar="MINUTES",
            about="Time limit of one target, in minutes.",
        ),
    ]
    scan: Annotated[
        str | None,
        Option(
            "--scan",
            metavar="COMMAND",
            about="Scanner for the bills of materials of all layers, for example 'grype sbom:{sbom} --fail-on high'. "
            "Default: none.",
        ),
    ]
    provenance: shared.Provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class NightlyOptions(Bundle):
    """What is built in which containers, how long, and what a failure does to the rest."""

    containers: ContainerOptions
    build: NightlyBuildOptions
    course: NightlyCourse

    def request(self, pairs: "Pairs", broken: "Mapping[str, LayerwrightError]", *, whole: bool) -> "NightlyRequest":
        """Return the request for these targets. `whole` tells that they are all of the catalogue."""
        from builder.nightly.run import NightlyRequest

        return NightlyRequest(
            pairs=tuple(pairs),
            broken=broken,
            build=self._of_layers(),
            jobs=self.build.jobs,
            compiles=self.build.compiles,
            patience=self.course.patience * 60,
            limit=self.course.limit * 60,
            since=self.build.since,
            fail_fast=not self.course.keep_going,
            resume=self.course.resume,
            whole=whole,
            scan=self.course.scan,
        )

    def _of_layers(self) -> "Options":
        from builder.building.job import Options

        return Options(
            output=self.build.output,
            strict=self.build.strict,
            rebuild=self.build.rebuild or self.containers.anew,
            containers=self.containers.choice(self.build.route),
            wheels_only=self.build.route == "wheels",
            test=self.build.test,
            provenance=self.course.provenance,
        )
