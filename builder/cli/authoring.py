"""Commands for authors of recipes: lock, new, lint, schema, runtimes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.cli import reporting
from builder.cli.options import shared
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, dependent, exclusive, typed
from builder.cli.options.projects import ProjectParts
from builder.cli.options.targets import Pips

if TYPE_CHECKING:
    from builder.model.recipes import Loaded
    from builder.plan.adhoc import AdhocRequest


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
            about="Write nothing; exit code 2 if a lock is missing or does not fit its recipe any more.",
        ),
    ]
    folder: shared.RecipesFolder

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--all": self.everything, "names of recipes": self.names})
        yield from exclusive({"--check": self.check, "--upgrade": self.upgrade})
        if not (self.names or self.everything):
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
    from builder.plan.selection import all_names

    names = locking.names or all_names(locking.folder)
    recipes = [reporting.load_recipe(locking.folder, name) for name in names]
    if locking.check:
        _require_current(recipes)
        return
    for loaded in recipes:
        with terminal.events().of(loaded.name).stage("locking") as events:
            locks = relock(loaded, upgrade=locking.upgrade, events=events)
        view.show(locks)
        if not locks:
            terminal.result(f"{loaded.name}: the lock of its project decides")


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
    terminal.result(f"{len(recipes)} recipe{'s' if len(recipes) > 1 else ''} with locks that fit")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOptions(Bundle):
    """A recipe to write: its name, its packages, and what it is for."""

    name: Annotated[str, Argument("NAME")]
    pips: Pips
    source: Annotated[
        Path | None,
        Option(
            "--from",
            kind=click.Path(path_type=Path),
            metavar="PATH|RECIPE",
            about="Project of the same repository that the recipe follows with its lock: its folder, or a file in it. "
            "Or a recipe of the catalogue, which is copied.",
        ),
    ]
    project: ProjectParts
    runtimes: Annotated[
        tuple[str, ...], shared.runtime("those with wheels for the packages; for a project, the newest it accepts")
    ]
    architectures: Annotated[tuple[str, ...], shared.arch("both")]
    folder: shared.RecipesFolder

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--pip": self.pips, "--from": self.source})
        if not self.source or self.copied:
            yield from dependent(self.project.given, "--from a project")
        if self.copied:
            yield from exclusive({"--from a recipe": True, "--runtime": self.runtimes, "--arch": self.architectures})
        elif self.source and not self.source.exists():
            from builder.base.errors import near
            from builder.model import facts, recipes

            others = recipes.names(facts.catalogue())
            hint = "`layerwright list --catalogue` lists its recipes"
            yield Mistake(
                f"`{self.source}` is no path, and no recipe of the catalogue{near(str(self.source), others)}", hint
            )

    @property
    def copied(self) -> str | None:
        """The recipe of the catalogue that is copied, if that is what `--from` names."""
        from builder.model import facts, recipes

        named = str(self.source)
        return named if self.source and not self.source.exists() and named in recipes.names(facts.catalogue()) else None

    @property
    def subject(self) -> str:
        """What the recipe is for, in progress messages."""
        return self.source.as_posix() if self.source else " ".join(self.pips)

    @property
    def request(self) -> "AdhocRequest":
        from builder.plan.adhoc import AdhocRequest

        return AdhocRequest(
            specs={"pypi": self.pips},
            projects=(self.project.found(*self._place(self.source)),) if self.source else (),
            name=self.name,
            runtimes=self.runtimes,
            architectures=self.architectures,
        )

    @staticmethod
    def _place(source: Path) -> tuple[Path, str | None]:
        return (source, None) if source.is_dir() else (source.parent, source.name)


@click.command(epilog="Example: layerwright new numpy --pip numpy")
@listener_options
@typed
def new(recipe: NewOptions) -> None:
    """Write a recipe for Python packages or a project that lints and builds, or copy one of the catalogue.

    Writes NAME/recipe.toml into the folder of recipes, with the newest version pinned and an import as its test. With
    --from, the recipe follows a project of the same repository: its lock decides at every build; or it is a copy of a
    recipe of the catalogue, with its locks, under another name. An existing recipe is not changed.
    """
    from builder.authoring.new import copy_recipe, write_recipe
    from builder.cli import terminal

    if recipe.copied:
        path = copy_recipe(recipe.copied, recipe.name, recipe.folder)
        terminal.result(f"wrote {path}; `layerwright build {recipe.name}` builds it")
        return
    with terminal.events().stage("resolving", recipe.subject):
        path = write_recipe(recipe.request, recipe.name, recipe.folder)
    terminal.result(f"wrote {path}; `layerwright build {recipe.name}` builds it")


@click.command(epilog="Example: layerwright lint numpy")
@listener_options
@typed
def lint(names: shared.RecipeNames, folder: shared.RecipesFolder) -> None:
    """Validate recipes: all, or those that are named.

    Reports every mistake of every file at once, with exit code 2, and warns of unknown system packages. Needs no
    network.
    """
    from builder.authoring import lint
    from builder.cli import terminal
    from builder.plan.selection import all_names

    results = list(lint.lint(folder, names or all_names(folder)))
    reporting.warn(warning for result in results for warning in result.warnings)
    reporting.report_errors([result.error for result in results if result.error])
    terminal.result(f"{len(results)} recipe{'s' if len(results) > 1 else ''} without a mistake")


@click.command(epilog="Example: layerwright schema > recipe.schema.json")
def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    from builder.cli import terminal
    from builder.model import schema as recipe_schema

    terminal.source(recipe_schema.text())


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


COMMANDS = (lock, new, lint, schema, runtimes)
