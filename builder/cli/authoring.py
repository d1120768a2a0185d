"""Commands of those who write recipes: lock, new, lint, schema, runtimes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import LayerwrightError, UsageError
from builder.cli import options
from builder.cli.recipes import load_recipe, names_of, report_errors

if TYPE_CHECKING:
    from builder.model.recipes import Loaded


@click.command()
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@click.option("--all", "everything", is_flag=True, help="Every recipe.")
@click.option("--upgrade", "-U", is_flag=True, help="Take the newest versions that the recipe allows.")
@options.recipes_folder
def lock(names: tuple[str, ...], folder: Path, *, everything: bool, upgrade: bool) -> None:
    """Write the locks beside recipes: exact versions and hashes for every target.

    requirements.lock for Python, with build-requirements.lock for what is compiled, package-lock.json for Node.js,
    Gemfile.lock for Ruby, maven.lock for Java.
    """
    from builder.authoring.relock import relock
    from builder.cli import terminal

    chosen_names = names_of(folder, names, everything=everything)
    if not chosen_names:
        msg = "no recipe is named"
        raise UsageError(msg, hint="--all locks every one")
    for loaded in [load_recipe(folder, name) for name in chosen_names]:
        with terminal.working(f"locking {loaded.name}") as report:
            results = relock(loaded, upgrade=upgrade, report=report)
        for result in results:
            terminal.note(f"{result.path}: {result.packages} packages, {len(result.changes)} changes")
            for package, old, new in result.changes:
                terminal.note(f"  {package} {old or '(new)'} -> {new or '(gone)'}")
            if result.open:
                tools = ", ".join(result.open)
                terminal.warn(f"sdists are built with different versions of {tools}: not locked; make several recipes")


@click.command()
@click.argument("name")
@options.packages_for_new
@options.runtime_and_arch
@options.recipes_folder
def new(
    name: str, pips: tuple[str, ...], runtimes: tuple[str, ...], architectures: tuple[str, ...], folder: Path
) -> None:
    """Write a recipe that lints and builds."""
    from builder.authoring.new import write_recipe
    from builder.base import files
    from builder.cli import terminal
    from builder.model import recipes
    from builder.plan import adhoc

    path = folder / name / recipes.RECIPE_FILE
    if path.exists():
        msg = f"{path} exists already"
        raise UsageError(msg, hint="edit it, or choose another name")
    request = adhoc.Request(requirements=pips, file=None, name=name, runtimes=runtimes, architectures=architectures)
    with terminal.working(f"looking at {' '.join(pips)}"):
        text = write_recipe(request, name)
    files.writable(path.parent)
    with files.replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    recipes.load(folder, name)
    terminal.note(f"wrote {path}; `layerwright build {name}` builds it")


@click.command()
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@options.recipes_folder
def lint(names: tuple[str, ...], folder: Path) -> None:
    """Check recipes, all or the named ones; every mistake of every file at once."""
    from builder.cli import terminal
    from builder.packages import table

    errors: list[LayerwrightError] = []
    count = 0
    for name in names or names_of(folder, (), everything=True):
        count += 1
        try:
            loaded = load_recipe(folder, name)
            for ecosystem in table.of_recipe(loaded):
                ecosystem.lint(loaded)
        except UsageError as error:
            errors.append(error)
        else:
            for unknown in _unknown_packages(loaded):
                terminal.warn(f"{name}: {unknown}")
    report_errors(errors)
    terminal.note(f"{count} recipe{'s' if count > 1 else ''} without a mistake")


def _unknown_packages(loaded: "Loaded") -> "Iterator[str]":
    """Yield packages that no list of the operating system has: it may be newer than ours, so this is no mistake."""
    from builder.base.errors import near
    from builder.engine.failure import package_names
    from builder.model.steps import Packages
    from builder.model.target import targets

    for system in sorted({target.base.os.name for target in targets(loaded.recipe)}):
        known = package_names(system)
        for step in loaded.recipe.step:
            if isinstance(step, Packages) and known and (step.when is None or step.when.os in {None, system}):
                for name in sorted(set(step.install) - set(known)):
                    yield f"no list of {system} has a package `{name}`{near(name, known)}"


@click.command()
def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    from builder.cli import terminal
    from builder.model import schema as recipe_schema

    terminal.text(recipe_schema.text())


@click.command()
@options.as_json
def runtimes(*, as_json: bool) -> None:
    """Show Lambda's runtimes: system, dates, directories, images."""
    from builder.cli import terminal
    from builder.model import runtimes as model

    today = model.today()
    if as_json:
        terminal.data(
            {"runtimes": [one.as_json(today) for one in model.runtimes().values()], "retired": model.retired()}
        )
        return
    rows = [
        (
            one.name,
            one.os.title,
            one.status(today),
            str(one.deprecated or ""),
            str(one.block_update or ""),
            one.image.replace("-{arch}", ""),
        )
        for one in model.runtimes().values()
    ]
    terminal.table(("runtime", "system", "status", "deprecated", "update until", "image"), rows)


COMMANDS = (lock, new, lint, schema, runtimes)
