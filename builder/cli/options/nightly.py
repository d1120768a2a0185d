"""Options of a nightly run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from builder.cli import options


@dataclass(frozen=True, kw_only=True, slots=True)
class NightlyOptions:
    """What is built, how long, and what a failure does to the rest."""

    output: Path
    strict: bool
    route: str
    jobs: int
    rebuild: bool
    compiles: int | None
    test: str
    since: Literal["last-green", "last-run"]
    resume: bool
    keep_going: bool
    patience: float
    """Minutes."""
    limit: float
    """Minutes."""
    scan: str | None
    provenance: str | None


_what = options.together(
    options.output,
    options.strict,
    options.route,
    options.jobs,
    options.rebuild,
    click.option(
        "--compiles",
        type=click.IntRange(1, 64),
        metavar="N",
        help="Number of targets compiled in parallel on each node of the engine, 1 to 64. Default: by the node's "
        "processors and memory.",
    ),
    click.option(
        "--test",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Run the tests in the runtime's image; auto runs them if the build needed the engine or the engine has "
        "the image.",
    ),
    click.option(
        "--since",
        type=click.Choice(["last-green", "last-run"]),
        default="last-green",
        show_default=True,
        help="Treatment of targets that failed and did not change: last-green builds them again, last-run does not.",
    ),
)
_course = options.together(
    click.option("--resume", is_flag=True, help="Continue the last run that was stopped before its end."),
    click.option(
        "--keep-going/--fail-fast",
        default=True,
        show_default=True,
        help="Build the other targets after a failure, or stop.",
    ),
    click.option(
        "--patience",
        type=click.FloatRange(0, 1440),
        default=5.0,
        show_default=True,
        metavar="MINUTES",
        help="Time to wait for networks and engines that do not respond, in minutes, for the run and for each target.",
    ),
    click.option(
        "--limit",
        type=click.FloatRange(0.01, 10_000),
        default=240.0,
        show_default=True,
        metavar="MINUTES",
        help="Time limit of one target, in minutes.",
    ),
    click.option(
        "--scan",
        metavar="COMMAND",
        help="Scanner for the bills of materials of all layers, for example 'grype sbom:{sbom} --fail-on high'. "
        "Default: none.",
    ),
    options.provenance,
)


def nightly_options(function: options.F) -> options.F:
    """Add the options of a nightly run; the command receives them as `nightly`."""
    return options.together(_what, _course)(options.bundled(function, "nightly", NightlyOptions))
