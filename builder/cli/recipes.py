"""Commands that make layers of recipes: list, plan, build."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli import options
from builder.cli.options.builds import BuildOptions, build_options
from builder.cli.options.containers import ContainerOptions, container_options
from builder.cli.options.targets import TargetOptions, target_options
from builder.cli.selection import Pairs, all_names, chosen, every_target, report_errors

if TYPE_CHECKING:
    from builder.plan.plan import Plan

# ---- list ----------------------------------------------------------------------------------------------------------


@click.command("list", epilog="Example: layerwright list --format github-matrix --shards 8")
@options.runtime_and_arch
@options.only
@options.recipes_folder
@options.output
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "github-matrix", "gitlab-matrix"]),
    default="table",
    show_default=True,
    help="Output format. github-matrix and gitlab-matrix divide the selected targets into parallel jobs of a code "
    "host, each for one architecture.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 256),
    default=4,
    show_default=True,
    metavar="N",
    help="With a matrix: number of jobs for each architecture, at most.",
)
@options.as_json
def list_(  # noqa: PLR0913  each is an option
    folder: Path,
    output: Path,
    *,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    only: tuple[str, ...],
    form: str,
    shards: int,
    as_json: bool,
) -> None:
    """List the recipes and the zips that were built from them.

    With a matrix as the format, divides the selected targets into parallel jobs for a code host; --runtime, --arch and
    --only apply to a matrix. Exit code 2 when a recipe is not valid; the others are listed.
    """
    from builder.authoring import catalogue
    from builder.cli import terminal
    from builder.model.target import Selection

    if form.endswith("-matrix"):
        selection = Selection(runtimes=runtimes, architectures=architectures, only=only)
        pairs, broken = every_target(folder, (), selection)
        terminal.compact(catalogue.matrix(pairs, output, shards, form.removesuffix("-matrix")))
        report_errors(list(broken.values()))
    else:
        _list_recipes(folder, output, as_json=as_json or form == "json")


def _list_recipes(folder: Path, output: Path, *, as_json: bool) -> None:
    from builder.authoring import catalogue
    from builder.cli import terminal
    from builder.model import recipes

    loaded, broken = recipes.load_all(folder)
    rows = catalogue.rows(loaded, output)
    if as_json:
        terminal.data({"recipes": [row.as_json() for row in rows], "broken": [error.what for error in broken]})
    else:
        all_names(folder)  # a folder without recipes is an error, not an empty table
        columns = ("recipe", "version", "runtimes", "architectures", "built", "zip MB", "description")
        terminal.table(columns, [row.cells() for row in rows], numbers=("built", "zip MB"))
    for warning in (text for one in loaded for text in one.warnings):
        terminal.warn(warning)
    report_errors(broken)


# ---- plan and build ------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright plan numpy --runtime python3.13 --arch arm64")
@target_options
@options.route
@container_options
@options.as_json
def plan(selected: TargetOptions, route: str, containers: ContainerOptions, *, as_json: bool) -> None:
    """Show what a build would do, and why.

    Prints image, packages with versions and routes, and the Dockerfile of what is compiled. Queries the package
    indexes; writes no file.
    """
    pairs = chosen(selected)
    from builder.cli import terminal
    from builder.cli.views import plans as view
    from builder.plan.outlook import outlook

    choice = containers.choice(route)
    plans = _planned(pairs, wheels_only=route == "wheels")
    outlooks = [outlook(planned, choice) for planned in plans]
    if as_json:
        terminal.data(view.document(plans, outlooks))
    else:
        view.show(plans, outlooks)
    _warn(warning for planned in plans for warning in planned.warnings)


def _planned(pairs: Pairs, *, wheels_only: bool) -> "list[Plan]":
    from builder.cli import terminal
    from builder.plan.planning import plan as make_plan

    plans = []
    with terminal.working("planning") as report:
        for loaded, target in pairs:
            report(f"planning {target.name}")
            plans.append(make_plan(loaded, target, wheels_only=wheels_only))
    return plans


def _warn(warnings: Iterable[str]) -> None:
    """Print warnings, each once."""
    from builder.cli import terminal

    for warning in dict.fromkeys(warnings):
        terminal.warn(warning)


@click.command(epilog="Example: layerwright build --pip numpy==2.3.2 --arch arm64")
@target_options
@build_options
@container_options
@options.as_json
def build(selected: TargetOptions, building: BuildOptions, containers: ContainerOptions, *, as_json: bool) -> None:
    """Build layers of recipes, or of packages without a recipe.

    Packages are named with --pip, --npm or -r. Writes for each target a checked zip, its manifest and its bill of
    materials into --output. A zip that is up to date is not built again.
    """
    pairs = chosen(selected)
    from builder.building.batch import BatchOptions, build_all
    from builder.cli import terminal
    from builder.cli.views import built as view

    how = BatchOptions(talk=terminal, jobs=building.jobs, keep_going=building.keep_going, verify=building.verify)
    results, errors = build_all(pairs, building.of_layers(containers), how)
    if as_json:
        terminal.data(view.document(results, errors))
    elif results:
        view.show(results)
    _warn(note for built in results for note in built.notes)
    for built in results if building.verify else ():
        terminal.note(f"{built.target}: two builds from nothing are equal, byte by byte")
    report_errors(errors)


COMMANDS = (list_, plan, build)
