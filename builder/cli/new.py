"""The command that writes a recipe: new."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.listener import listener_options
from builder.cli.options.new_recipes import Followed, NewPackages, NewSource, NewTargets, request
from builder.cli.options.parameters import Argument, Bundle, Mistake, exclusive, typed

if TYPE_CHECKING:
    from builder.authoring.new import NewRecipe


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOptions(Bundle):
    """A recipe to write: its name, what it is made of, and what it is for."""

    name: Annotated[str, Argument("NAME")]
    packages: NewPackages
    upstream: NewSource
    followed: Followed
    to: NewTargets

    def mistakes(self) -> Iterator[Mistake]:
        besides = {name: value for name, value in self.packages.given.items() if name != "--packages"}
        made_of = {"--from": self.followed.source, "--source": self.upstream.url}
        both = {**made_of, **(besides if self.upstream.url else self.packages.given)}
        yield from exclusive(both, None if any(made_of.values()) else "one layer is for the packages of one language")
        yield from exclusive({"--from": self.followed.source, "--try": self.upstream.attempt})
        if self.followed.copied:
            targets = {"--runtime": self.to.runtimes, "--arch": self.to.architectures}
            yield from exclusive({"--from a recipe": True, **targets})

    @property
    def subject(self) -> str:
        """What the recipe is for, in progress messages."""
        from builder.base import credentials

        return credentials.redact(str(self.followed.source or self.upstream.url or self.packages.subject))

    @property
    def new(self) -> "NewRecipe":
        """The recipe that is written. Raises UsageError for a project that cannot be followed."""
        from builder.authoring.new import NewRecipe

        return NewRecipe(
            name=self.name,
            folder=self.to.folder,
            request=request(self.name, self.packages, self.followed, self.to),
            source=self.upstream.url,
            trying=self.upstream.trying,
        )


@click.command(epilog="Example: layerwright new numpy --pip numpy")
@listener_options
@typed
def new(recipe: NewOptions, *, as_json: shared.AsJson) -> None:
    """Write a recipe that lints and builds: for packages, a source or a project, or a copy of one of the catalogue.

    Writes NAME/recipe.toml into the folder of recipes: the newest version pinned, with a lock of all hashes, and a test
    that uses it. With --source, the steps are those of the build system of the source. With --from, the recipe follows
    a project of the same repository: its lock decides at every build; or it is a copy of a recipe of the catalogue,
    with its locks, under another name. An existing recipe is not changed.
    """
    from builder.authoring.new import WrittenRecipe, copy_recipe, write_recipe
    from builder.cli import terminal
    from builder.cli.views import new as view

    if recipe.followed.copied:
        written = WrittenRecipe(path=copy_recipe(recipe.followed.copied, recipe.name, recipe.to.folder))
    else:
        with terminal.events().stage("resolving", recipe.subject) as events:
            written = write_recipe(recipe.new, events)
    view.show(written)
    if as_json:
        terminal.data(view.document(written))


COMMANDS = (new,)
