"""Commands that make layers of recipes: list, plan, build, wheel."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import LayerwrightError, UsageError
from builder.cli import options

if TYPE_CHECKING:
    from builder.model.recipes import Loaded
    from builder.model.target import Target

Pairs = list[tuple["Loaded", "Target"]]


def chosen(ask: options.Ask) -> Pairs:
    """Return the targets that a command line means, with their recipes."""
    from builder.model import recipes
    from builder.model.target import Selection, select, targets

    wanted = Selection(runtimes=ask.runtimes, architectures=ask.architectures, only=ask.only)
    names = names_of(ask.folder, ask.names, everything=ask.everything)
    packages = bool(ask.pips or ask.npms or ask.file)
    if names and packages:
        msg = "recipes and packages cannot be built in one call"
        raise UsageError(msg, hint="name recipes, or packages with --pip, --npm or -r")
    if packages:
        loaded = [_adhoc(ask)]
    elif names:
        loaded = [recipes.load(ask.folder, one) for one in dict.fromkeys(names)]
    else:
        msg = "nothing to do: no recipe is named"
        raise UsageError(
            msg, hint="`layerwright list` shows the recipes; --all takes every one; --pip and --npm need none"
        )
    owners = {target: one for one in loaded for target in targets(one.recipe)}
    return [(owners[target], target) for target in select(owners, wanted)]


def every_target(
    folder: Path, names: tuple[str, ...], narrow: tuple[tuple[str, ...], ...]
) -> tuple[Pairs, dict[str, LayerwrightError]]:
    """Return the targets of the named recipes, or of all; and the recipes that cannot be read, each with its error.

    `narrow` is runtimes, architectures, patterns.
    """
    from builder.model import recipes
    from builder.model.target import Selection, select, targets

    good: list[Loaded] = []
    bad: dict[str, LayerwrightError] = {}
    for name in dict.fromkeys(names or names_of(folder, (), everything=True)):
        try:
            good.append(recipes.load(folder, name))
        except UsageError as error:
            if not (folder / name / recipes.RECIPE_FILE).is_file():
                raise  # a typing error, and no recipe that broke
            bad[name] = error
    owners = {target: one for one in good for target in targets(one.recipe)}
    wanted = Selection(runtimes=narrow[0], architectures=narrow[1], only=narrow[2])
    if bad and not owners:
        return [], bad
    return [(owners[target], target) for target in select(owners, wanted)], bad


def _adhoc(ask: options.Ask) -> "Loaded":
    from builder.plan.adhoc import Request, recipe

    return recipe(
        Request(
            requirements=ask.pips,
            node_packages=ask.npms,
            file=ask.file,
            name=ask.name,
            runtimes=ask.runtimes,
            architectures=ask.architectures,
            packages=ask.system_packages,
        )
    )


def load_recipe(folder: Path, name: str) -> "Loaded":
    """Load a recipe and show its warnings; where a plan is made, the plan has them."""
    from builder.cli import terminal
    from builder.model import recipes

    loaded = recipes.load(folder, name)
    for warning in loaded.warnings:
        terminal.warn(warning)
    return loaded


def names_of(folder: Path, names: tuple[str, ...], *, everything: bool) -> tuple[str, ...]:
    return all_names(folder) if everything else names


def all_names(folder: Path) -> tuple[str, ...]:
    """Return the names of all recipes; UsageError when there is none."""
    from builder.model import recipes

    found = tuple(recipes.names(folder))
    if not found:
        msg = f"there are no recipes in {folder}"
        raise UsageError(msg, hint="`layerwright new NAME --pip SPEC` writes one")
    return found


@click.command("list")
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
    help="github-matrix and gitlab-matrix: shards for parallel jobs, each of one architecture.",
)
@click.option(
    "--shards", type=click.IntRange(1, 256), default=4, show_default=True, help="Jobs per architecture, at most."
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
    """Show the recipes and what was built of them, or cut them into jobs for a code host."""
    from builder.authoring import catalogue
    from builder.cli import terminal
    from builder.model import recipes

    if form.endswith("-matrix"):
        pairs, broken_ones = every_target(folder, (), (runtimes, architectures, only))
        terminal.compact(catalogue.matrix(pairs, output, shards, form.removesuffix("-matrix")))
        report_errors(list(broken_ones.values()))
        return
    loaded, broken = recipes.load_all(folder)
    rows = catalogue.rows(loaded, output)
    if as_json or form == "json":
        terminal.data({"recipes": [row.as_json() for row in rows], "broken": [error.what for error in broken]})
    else:
        names_of(folder, (), everything=True)  # an empty folder is told, not shown as an empty table
        columns = ("recipe", "version", "runtimes", "architectures", "built", "zip MB", "description")
        terminal.table(columns, [row.cells() for row in rows], numbers=("built", "zip MB"))
    for warning in (text for one in loaded for text in one.warnings):
        terminal.warn(warning)
    report_errors(broken)


@click.command()
@options.asking
@options.route
@options.boxing
@options.as_json
def plan(ask: options.Ask, route: str, boxes: options.Boxes, *, as_json: bool) -> None:
    """Show what a build would do and why. Asks the package index; writes nothing."""
    pairs = chosen(ask)
    from builder.cli import terminal
    from builder.plan.planning import outlook
    from builder.plan.planning import plan as make_plan

    plans = []
    choice = boxes.choice(route)
    with terminal.working("planning") as report:
        for loaded, target in pairs:
            report(f"planning {target.name}")
            plans.append(make_plan(loaded, target, wheels_only=route == "wheels"))
    outlooks = [outlook(one, choice) for one in plans]
    if as_json:
        found = zip(plans, outlooks, strict=True)
        terminal.data({"plans": [{**one.as_json(), **ahead.as_json()} for one, ahead in found]})
    else:
        terminal.plans(plans, outlooks)
    for warning in dict.fromkeys(warning for one in plans for warning in one.warnings):
        terminal.warn(warning)


@click.command()
@options.asking
@options.building
@options.boxing
@options.as_json
def build(ask: options.Ask, how: options.How, boxes: options.Boxes, *, as_json: bool) -> None:
    """Build layers: from recipes, or with --pip, --npm or -r without one."""
    pairs = chosen(ask)
    from builder.building.fleet import Manner, build_all
    from builder.building.layer import Options
    from builder.cli import terminal

    settings = Options(
        output=how.output,
        strict=how.strict,
        rebuild=how.rebuild or boxes.no_cache or boxes.recompile,
        containers=boxes.choice(how.route),
        wheels_only=how.route == "wheels",
        test={None: "auto", True: "always", False: "never"}[how.test],
        provenance=how.provenance,
    )
    results, errors = build_all(
        pairs,
        settings,
        Manner(talk=terminal, jobs=how.jobs, keep_going=how.keep_going, verify=how.verify),
    )
    if as_json:
        built = [
            {
                **one.manifest,
                "path": str(one.path),
                "unchanged": one.unchanged,
                "tests": None if one.tests is None else [test.as_json() for test in one.tests],
            }
            for one in results
        ]
        terminal.data({"built": built, "failed": [error.what for error in errors]})
    elif results:
        terminal.built(results)
    for note in dict.fromkeys(note for one in results for note in one.notes):
        terminal.warn(note)
    for one in results if how.verify else ():
        terminal.note(f"{one.target}: two builds from nothing are equal, byte by byte")
    report_errors(errors)


def report_errors(errors: "Sequence[LayerwrightError]") -> None:
    """Print errors, each once though it may stand for several targets, and end with the code of the first."""
    from builder.cli import terminal

    for error in {str(error): error for error in errors}.values():
        terminal.fail(error)
    if errors:
        raise click.exceptions.Exit(errors[0].exit_code)


@click.command()
@click.argument("requirements", nargs=-1, required=True, metavar="REQUIREMENT...")
@options.runtime_and_arch
@click.option(
    "--os",
    "systems",
    multiple=True,
    metavar="NAME",
    help="Every Python of an operating system, for example al2023; repeatable.",
)
@click.option("--from-source", is_flag=True, help="Compile even where a wheel exists.")
@click.option(
    "--packages", multiple=True, metavar="NAME", help="A package of Amazon Linux that compiling needs; repeatable."
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), default=Path("dist/wheels"), show_default=True, help="Folder."
)
@options.recipes_folder
@options.boxing
def wheel(output: Path, folder: Path, boxes: options.Boxes, **asked: Any) -> None:  # noqa: ANN401
    """Make wheels that fit a runtime: prebuilt ones where they exist, else compiled, repaired and imported once.

    A recipe of the same name tells which packages of the operating system compiling needs.
    """
    from builder.base import files
    from builder.building import wheel
    from builder.cli import terminal

    files.writable(output)
    request = wheel.Request(**asked, recipes=folder)
    with terminal.working("looking") as report:
        for made in wheel.make(request, boxes.choice(), output, report):
            terminal.note(f"{made.path.name}: {'from the index' if made.how == 'wheel' else f'compiled, {made.how}'}")
            terminal.text(f"{made.path}\n")


COMMANDS = (list_, plan, build, wheel)
