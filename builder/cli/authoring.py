"""Commands for authors of recipes: lock, new, lint, schema, runtimes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import LayerwrightError, UsageError
from builder.cli import options
from builder.cli.options import targets as target_options
from builder.cli.selection import all_names, load_recipe, names_of, report_errors

if TYPE_CHECKING:
    from builder.authoring.relock import Locked
    from builder.model.recipes import Loaded


@click.command(epilog="Example: layerwright lock numpy --upgrade")
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@click.option("--all", "everything", is_flag=True, help="Lock every recipe.")
@click.option(
    "--upgrade",
    "-U",
    is_flag=True,
    help="Take the newest versions that the recipe allows. Default: keep locked versions that it still allows.",
)
@options.recipes_folder
def lock(names: tuple[str, ...], folder: Path, *, everything: bool, upgrade: bool) -> None:
    """Write the lock files of recipes.

    They hold exact versions and hashes for every target: requirements.lock for Python, with build-requirements.lock
    for what is compiled; package-lock.json for Node.js; Gemfile.lock for Ruby; maven.lock for Java; cargo.lock for
    Rust; go.mod and go.sum for Go. Lists the versions that changed.
    """
    from builder.authoring.relock import relock
    from builder.cli import terminal

    selected = names_of(folder, names, everything=everything)
    if not selected:
        msg = "no recipe is named"
        raise UsageError(msg, hint="--all locks every one")
    for loaded in [load_recipe(folder, name) for name in selected]:
        with terminal.working(f"locking {loaded.name}") as report:
            locks = relock(loaded, upgrade=upgrade, report=report)
        _show_locks(locks)


def _show_locks(locks: "Sequence[Locked]") -> None:
    from builder.cli import terminal

    for locked in locks:
        terminal.note(f"{locked.path}: {locked.packages} packages, {len(locked.changes)} changes")
        for package, old, new in locked.changes:
            terminal.note(f"  {package} {old or '(new)'} -> {new or '(removed)'}")
        if locked.open:
            tools = ", ".join(locked.open)
            terminal.warn(
                f"sdists are built with different versions of {tools}: not locked; divide the recipe to lock them"
            )


@click.command(epilog="Example: layerwright new numpy --pip numpy")
@click.argument("name")
@target_options.pips
@options.narrowing("those with wheels for the packages", "both")
@options.recipes_folder
def new(
    name: str, pips: tuple[str, ...], runtimes: tuple[str, ...], architectures: tuple[str, ...], folder: Path
) -> None:
    """Write a recipe for Python packages that lints and builds.

    Writes NAME/recipe.toml into the folder of recipes, with the newest version pinned and an import as its test. An
    existing recipe is not changed.
    """
    from builder.authoring.new import write_recipe
    from builder.base import files
    from builder.cli import terminal
    from builder.model import recipes
    from builder.plan import adhoc

    path = folder / name / recipes.RECIPE_FILE
    if path.exists():
        msg = f"{path} exists already"
        raise UsageError(msg, hint="edit it, or choose another name")
    request = adhoc.AdhocRequest(specs={"pypi": pips}, name=name, runtimes=runtimes, architectures=architectures)
    with terminal.working(f"resolving {' '.join(pips)}"):
        text = write_recipe(request, name)
    files.writable(path.parent)
    with files.replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    recipes.load(folder, name)
    terminal.note(f"wrote {path}; `layerwright build {name}` builds it")


@click.command(epilog="Example: layerwright lint numpy")
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@options.recipes_folder
def lint(names: tuple[str, ...], folder: Path) -> None:
    """Validate recipes: all, or those that are named.

    Reports every mistake of every file at once, with exit code 2, and warns of unknown system packages. Needs no
    network.
    """
    from builder.cli import terminal
    from builder.packages import table

    selected = names or all_names(folder)
    errors: list[LayerwrightError] = []
    for name in selected:
        try:
            loaded = load_recipe(folder, name)
            for ecosystem in table.of_recipe(loaded):
                ecosystem.lint(loaded)
        except UsageError as error:
            errors.append(error)
        else:
            for warning in _unknown_packages(loaded):
                terminal.warn(f"{name}: {warning}")
    report_errors(errors)
    terminal.note(f"{len(selected)} recipe{'s' if len(selected) > 1 else ''} without a mistake")


def _unknown_packages(loaded: "Loaded") -> "Iterator[str]":
    """Yield warnings of packages that the operating system is not known to have.

    They are not errors: the system's repository may be newer than the lists of layerwright.
    """
    from builder.base.errors import near
    from builder.engine.failure import package_names
    from builder.model.steps import Packages
    from builder.model.target import targets

    for system in sorted({target.base.os.name for target in targets(loaded.recipe)}):
        listed = package_names(system)
        for step in loaded.recipe.step:
            if isinstance(step, Packages) and listed and (step.when is None or step.when.os in {None, system}):
                for name in sorted(set(step.install) - set(listed)):
                    yield f"no list of {system} has a package `{name}`{near(name, listed)}"


@click.command(epilog="Example: layerwright schema > recipe.schema.json")
def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    from builder.cli import terminal
    from builder.model import schema as recipe_schema

    terminal.text(recipe_schema.text())


@click.command(epilog="Example: layerwright runtimes --json")
@options.as_json
def runtimes(*, as_json: bool) -> None:
    """List the runtimes of Lambda.

    Prints operating system, status, dates of deprecation and image. The JSON document also has directories and
    versions of system libraries, and the runtimes that are retired.
    """
    from builder.cli import terminal
    from builder.cli.views import runtimes as view
    from builder.model import runtimes as model

    today, rows = model.today(), list(model.runtimes().values())
    if as_json:
        terminal.data(view.document(rows, model.retired(), today))
    else:
        view.show(rows, today)


COMMANDS = (lock, new, lint, schema, runtimes)
