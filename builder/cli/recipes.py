"""Commands that make layers of recipes: list, plan, build."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from builder.base.frozen import dataclass
from builder.cli import reporting
from builder.cli.options import shared
from builder.cli.options.builds import BuildOptions
from builder.cli.options.containers import ContainerOptions
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Bundle, Mistake, Option, dependent, exclusive, typed
from builder.cli.options.targets import RecipeFilters, ShownTargets, TargetOptions, require_one_target

if TYPE_CHECKING:
    from builder.base.errors import LayerwrightError
    from builder.plan.mode import EngineOptions
    from builder.plan.plan import Plan
    from builder.plan.selection import Pairs

_SHARDS = 4

# ---- list ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOptions(Bundle):
    """The recipes, and the form in which they are listed."""

    filters: RecipeFilters
    output: shared.OutputFolder
    form: Annotated[
        Literal["table", "json", "github-matrix", "gitlab-matrix"],
        Option(
            "--format",
            default="table",
            about="Output format. github-matrix and gitlab-matrix divide the selected targets into parallel jobs of a "
            "code host, each for one architecture.",
        ),
    ]
    shards: Annotated[
        int,
        Option(
            "--shards",
            kind=click.IntRange(1, 256),
            default=_SHARDS,
            metavar="N",
            about="With a matrix: number of jobs for each architecture, at most.",
        ),
    ]
    catalogue: Annotated[
        bool,
        Option("--catalogue", about="List the recipes that layerwright brings; `build NAME` builds each anywhere."),
    ]
    as_json: shared.AsJson

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of the recipes that are listed."""
        if not self.catalogue:
            return (self.filters.folder,)
        from builder.plan import catalogues

        return tuple(catalogues.folders())

    @property
    def code_host(self) -> str | None:
        """The code host that a matrix is for; None for another format."""
        return self.form.removesuffix("-matrix") if self.form.endswith("-matrix") else None

    def mistakes(self) -> Iterator[Mistake]:
        if self.code_host:
            yield from exclusive({f"--format {self.form}": True, "--json": self.as_json})
        else:
            narrowed = {"--runtime": self.filters.runtimes, "--arch": self.filters.architectures}
            shards = {"--shards": self.shards != _SHARDS}
            yield from dependent({**narrowed, "--only": self.filters.only, **shards}, "a matrix as --format")


@click.command("list", epilog="Example: layerwright list --format github-matrix --shards 8")
@listener_options
@typed
def list_(listing: ListOptions) -> None:
    """List the recipes and the zips that were built from them.

    With a matrix as the format, divides the selected targets into parallel jobs for a code host; --runtime, --arch and
    --only apply to a matrix. Exit code 2 when a recipe is not valid; the others are listed.
    """
    from builder.authoring import catalogue
    from builder.cli import terminal
    from builder.plan.selection import every_target

    if host := listing.code_host:
        pairs, broken = every_target(listing.folders[-1], (), listing.filters.selection)
        terminal.compact(catalogue.matrix(pairs, listing.output, listing.shards, host))
        reporting.report_errors(list(broken.values()))
    else:
        _list_recipes(listing.folders, listing.output, as_json=listing.as_json or listing.form == "json")


def _list_recipes(folders: Sequence[Path], output: Path, *, as_json: bool) -> None:
    from builder.authoring import catalogue
    from builder.cli import terminal
    from builder.cli.views import catalogue as view
    from builder.model import recipes
    from builder.plan.selection import all_names

    loaded, broken = recipes.load_all(*folders)
    rows = catalogue.rows(loaded, output)
    if as_json:
        terminal.data(view.document(rows, broken))
    else:
        all_names(folders[-1])  # a folder without recipes is an error, not an empty table
        view.show(rows)
    reporting.warn(warning for each in loaded for warning in each.warnings)
    reporting.report_errors(broken)


# ---- plan and build ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions(Bundle):
    """What is told of plans, and in which form."""

    route: shared.Route
    dockerfile: Annotated[
        Path | None,
        Option(
            "--dockerfile",
            metavar="FOLDER",
            kind=shared.FOLDER,
            about="Write the Dockerfile of one target, with all files that it reads, into a new or empty folder; "
            "nothing in it is accelerated.",
        ),
    ]
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        written = {"--dockerfile": self.dockerfile}
        yield from exclusive({**written, "--json": self.as_json})
        yield from exclusive({**written, "--route": self.route != "auto"})


@click.command(epilog="Example: layerwright plan numpy --runtime python3.13 --arch arm64")
@listener_options
@typed
def plan(selected: ShownTargets, planning: PlanOptions, containers: ContainerOptions) -> None:
    """Show what a build would do, and why.

    Prints image, and packages with versions and routes, of all recipes if none is named. Queries the package indexes;
    writes no file unless --dockerfile asks for it.
    """
    pairs = selected.chosen()
    from builder.cli import terminal
    from builder.cli.views import plans as view
    from builder.plan.outlook import outlook

    if planning.dockerfile:
        _export(pairs, containers, planning.dockerfile)
        return
    choice = containers.choice(planning.route)
    plans = _planned(pairs, wheels_only=planning.route == "wheels")
    outlooks = [outlook(planned, choice) for planned in plans]
    reporting.warn(warning for planned in plans for warning in planned.warnings)
    if planning.as_json:
        terminal.data(view.document(plans, outlooks))
    else:
        view.show(plans, outlooks)


def _export(pairs: "Pairs", containers: ContainerOptions, folder: Path) -> None:
    from builder.building import compiling, shell
    from builder.cli import terminal

    require_one_target("--dockerfile", [target.name for _, target in pairs])
    ((loaded, target),) = pairs
    with terminal.events().stage("planning", target.name) as events:
        compiling.export(shell.work_of(loaded, target, containers.choice(), events), folder)
    command = f"docker buildx build --platform {target.arch.docker} --output out {folder}"
    terminal.result(f"wrote {folder}; `{command}` builds it: out/tree/opt is what goes to /opt")


def _planned(pairs: "Pairs", *, wheels_only: bool) -> "list[Plan]":
    from builder.cli import terminal
    from builder.plan.planning import plan as make_plan

    plans = []
    events = terminal.events()
    for loaded, target in pairs:
        with events.stage("planning", target.name):
            plans.append(make_plan(loaded, target, wheels_only=wheels_only))
    return plans


@click.command(epilog="Example: layerwright build --pip numpy==2.3.2 --arch arm64")
@listener_options
@typed
def build(
    selected: TargetOptions, building: BuildOptions, containers: ContainerOptions, *, as_json: shared.AsJson
) -> None:
    """Build layers of recipes, or of a project or packages without a recipe.

    FOLDER is that of a project, `.` the current one; packages are named with --pip, --npm or -r. Writes for each target
    a checked zip, its manifest and its bill of materials into --output. A zip that is up to date is not built again.
    """
    pairs = selected.chosen()
    building.require_unpackable([target.name for _, target in pairs])
    from builder.building.batch import build_all
    from builder.cli import terminal
    from builder.cli.views import built as view

    results, errors = build_all(pairs, building.of_layers(containers), building.of_batch, terminal.events())
    building.unpack_results(results)
    if as_json:
        terminal.data(view.document(results, errors))
    elif results:
        view.show(results)
    reporting.warn(note for built in results for note in built.notes)
    for built in results if building.verify else ():
        terminal.result(f"{built.target}: two builds from nothing are equal, byte by byte")
    for line in view.untested(results):
        terminal.note(line)
    reporting.tell_errors(errors)
    if building.debug:
        _open_failed(pairs, errors, containers.choice(building.route))
    reporting.exit_with(errors)


def _open_failed(pairs: "Pairs", errors: "Sequence[LayerwrightError]", options: "EngineOptions") -> None:
    """Open a shell where the first step that failed starts, if one did."""
    from builder.building import shell
    from builder.cli import terminal

    if chosen := shell.of_failure(pairs, errors):
        loaded, target = chosen
        events = terminal.events().of(target.name)
        with shell.opened(shell.work_of(loaded, target, options, events), events) as step:
            step.enter(None)


COMMANDS = (list_, plan, build)
