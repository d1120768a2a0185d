"""Commands for authors of recipes: lock, lint, schema, runtimes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.frozen import dataclass
from builder.cli import reporting
from builder.cli.options import shared
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Bundle, Mistake, Option, exclusive, typed
from builder.model import defaults

if TYPE_CHECKING:
    from builder.model.recipes import Loaded


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOptions(Bundle):
    """The recipes whose locks are written, and whether versions change."""

    names: shared.RecipeNames
    everything: shared.Everything
    upgrade: Annotated[
        bool,
        Option(
            "--upgrade -U",
            about="Take the newest versions that the recipe allows. Default: keep locked versions that it still "
            "allows.",
        ),
    ]
    check: Annotated[
        bool,
        Option(
            "--check",
            about="Write nothing; exit code 2 if a lock is missing or does not fit its recipe any more. Without a "
            "name, all are looked at.",
        ),
    ]
    folder: shared.RecipesFolder
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--all": self.everything, "names of recipes": self.names})
        yield from exclusive({"--check": self.check, "--upgrade": self.upgrade})
        yield from exclusive({"--check": self.check, "--json": self.as_json})
        if not (self.names or self.everything or self.check):
            yield Mistake("no recipe is named", "--all locks every one")


@click.command(epilog="Example: layerwright lock numpy --upgrade")
@listener_options
@typed
def lock(locking: LockOptions) -> None:
    """Write the lock files of recipes.

    They hold exact versions and hashes for every target: requirements.lock for Python, with build-requirements.lock
    for what is compiled; package-lock.json for Node.js; Gemfile.lock for Ruby; maven.lock for Java; cargo.lock for
    Rust; go.mod and go.sum for Go. Lists the versions that changed.
    """
    from builder.authoring.relock import relock
    from builder.cli import terminal
    from builder.cli.views import locks as view

    recipes = _to_lock(locking)
    if locking.check:
        _require_current(recipes)
        return
    written = {}
    for loaded in recipes:
        with terminal.events().of(loaded.name).stage("locking") as events:
            written[loaded.name] = relock(loaded, upgrade=locking.upgrade, events=events)
        view.show(loaded.name, written[loaded.name])
    if locking.as_json:
        view.data(written)


def _to_lock(locking: LockOptions) -> "list[Loaded]":
    """Return the recipes that are named; without names, all that have packages."""
    from builder.packages import table
    from builder.plan.selection import all_names

    if locking.names:
        return [reporting.load_recipe(locking.folder, name) for name in locking.names]
    every = [reporting.load_recipe(locking.folder, name) for name in all_names(locking.folder)]
    return [loaded for loaded in every if table.of_recipe(loaded)]


def _require_current(recipes: "Sequence[Loaded]") -> None:
    from builder.authoring.relock import outdated
    from builder.base.errors import UsageError
    from builder.cli import terminal
    from builder.cli.views import locks as view

    found = {}
    for loaded in recipes:
        with terminal.events().of(loaded.name).stage("locking") as events:
            found[loaded.name] = outdated(loaded, events)
    stale = [name for name, locks in found.items() if locks]
    if stale:
        why = [line for name in stale for line in view.lines(found[name])]
        msg = f"locks are missing or do not fit their recipes: {', '.join(stale)}"
        raise UsageError(msg, why=why, hint=f"`layerwright lock {' '.join(stale)}` writes them")
    terminal.result(f"{len(recipes)} recipe{'' if len(recipes) == 1 else 's'} with locks that fit")


@dataclass(frozen=True, kw_only=True, slots=True)
class LintOptions(Bundle):
    """The recipes that are validated, and the form in which mistakes are told."""

    names: shared.RecipeNames
    folder: shared.RecipesFolder
    as_json: shared.AsJson
    as_sarif: shared.AsSarif

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--json": self.as_json, "--sarif": self.as_sarif})


@click.command(epilog="Example: layerwright lint numpy")
@listener_options
@typed
def lint(linting: LintOptions) -> None:
    """Validate recipes, all or those that are named, and the settings of the project.

    Reports every mistake of every file at once, with file, line and column and exit code 2, and warns of unknown system
    packages. A lock that does not fit its recipe is a mistake. Needs no network.
    """
    from builder.authoring import lint
    from builder.cli import terminal
    from builder.cli.views import linted as view
    from builder.plan.selection import all_names

    results = list(lint.lint(linting.folder, linting.names or all_names(linting.folder)))
    errors = [error for error in (defaults.current().error, *(result.error for result in results)) if error]
    if linting.as_json or linting.as_sarif:
        view.show(results, as_sarif=linting.as_sarif)
        reporting.exit_with(errors)
        return
    reporting.warn(str(note.fault) for result in results for note in result.notes if note.rule == "advice")
    reporting.report_errors(errors)
    terminal.result(f"{len(results)} recipe{'s' if len(results) > 1 else ''} without a mistake")


@click.command(epilog="Example: layerwright schema > recipe.schema.json")
@typed
def schema(*, settings: Annotated[bool, Option("--settings", about="Print that of layerwright.toml instead.")]) -> None:
    """Print the JSON schema of recipes, or of layerwright.toml, for editors."""
    from builder.cli import terminal
    from builder.model import schema as schemas

    terminal.source(schemas.of_settings() if settings else schemas.text())


@click.command(epilog="Example: layerwright runtimes --json")
@typed
def runtimes(*, as_json: shared.AsJson) -> None:
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


COMMANDS = (lock, lint, schema, runtimes)
