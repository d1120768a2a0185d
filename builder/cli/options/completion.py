"""What shells offer for words that are begun: recipes, targets, runtimes, architectures."""

from collections.abc import Iterable
from pathlib import Path

import click

from builder.model import defaults


def recipes(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the recipes of the caller's folder and of the catalogues."""
    from builder.model import recipes as model
    from builder.plan import catalogues

    folders = (_folder(context), *catalogues.on_disk())
    return _matching({name for folder in folders for name in model.names(folder)}, begun)


def own_recipes(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the recipes of the caller's folder."""
    from builder.model import recipes as model

    return _matching(model.names(_folder(context)), begun)


def targets(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the targets of the recipes that the command line names, or of all."""
    from builder.model import recipes as model
    from builder.model import target

    folder, named = _folder(context), context.params.get("names") or ()
    loaded, _ = model.load_all(folder)
    found = [each.recipe for each in loaded if not named or each.name in named]
    return _matching([each.name for recipe in found for each in target.targets(recipe)], begun)


def runtimes(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the runtimes of Lambda, the newest first."""
    from builder.model import runtimes as model

    return [name for name in reversed(list(model.of_lambda())) if name.startswith(begun)]


def architectures(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the architectures."""
    from builder.model.architectures import ARCHITECTURES

    return _matching(ARCHITECTURES, begun)


def _folder(context: click.Context) -> Path:
    return Path(context.params.get("folder") or defaults.current().recipes or "recipes")


def _matching(names: Iterable[str], begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))
