"""The command that writes a recipe: new."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import click

from builder.cli.options.listener import listener_options
from builder.cli.options.new_recipes import Followed, NewPackages, NewTargets, request
from builder.cli.options.parameters import Argument, Bundle, Mistake, exclusive, typed


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOptions(Bundle):
    """A recipe to write: its name, what it is made of, and what it is for."""

    name: Annotated[str, Argument("NAME")]
    packages: NewPackages
    followed: Followed
    to: NewTargets

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--from": self.followed.source, **self.packages.given}, self._each)
        if self.followed.copied:
            targets = {"--runtime": self.to.runtimes, "--arch": self.to.architectures}
            yield from exclusive({"--from a recipe": True, **targets})

    @property
    def _each(self) -> str | None:
        return None if self.followed.source else "one layer is for the packages of one language; call it once with each"


@click.command(epilog="Example: layerwright new numpy --pip numpy")
@listener_options
@typed
def new(recipe: NewOptions) -> None:
    """Write a recipe that lints and builds: for packages or a project, or a copy of one of the catalogue.

    Writes NAME/recipe.toml into the folder of recipes: the newest version pinned, with a lock of all hashes, and a test
    that uses it. With --from, the recipe follows a project of the same repository: its lock decides at every build; or
    it is a copy of a recipe of the catalogue, with its locks, under another name. An existing recipe is not changed.
    """
    from builder.authoring.new import copy_recipe, write_recipe
    from builder.cli import terminal

    if recipe.followed.copied:
        path = copy_recipe(recipe.followed.copied, recipe.name, recipe.to.folder)
    else:
        subject = str(recipe.followed.source or recipe.packages.subject)
        with terminal.events().stage("resolving", subject) as events:
            asked = request(recipe.name, recipe.packages, recipe.followed, recipe.to)
            path = write_recipe(asked, recipe.name, recipe.to.folder, events)
    terminal.result(f"wrote {path}; `layerwright build {recipe.name}` builds it")


COMMANDS = (new,)
