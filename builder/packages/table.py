"""The table of all ecosystems, and what is asked of all of them at once."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps import Step
from builder.packages.ecosystem import Ecosystem

_FOLDERS = ("pypi", "npm", "rubygems", "maven", "cargo", "go")
"""Each has a module `ecosystem` with one `ECOSYSTEM`; their files are laid into a layer in this order."""
ECOSYSTEMS: tuple[Ecosystem, ...] = tuple(
    import_module(f"builder.packages.{folder}.ecosystem").ECOSYSTEM for folder in _FOLDERS
)


def of_step(step: Step) -> Ecosystem | None:
    """Return the ecosystem that a step asks for packages of; None for a step of another kind."""
    return next((ecosystem for ecosystem in ECOSYSTEMS if isinstance(step, ecosystem.step)), None)


def of_recipe(loaded: Loaded) -> list[Ecosystem]:
    """Return the ecosystems that a recipe takes packages of, in the order of the table."""
    return [found for found in ECOSYSTEMS if any(isinstance(step, found.step) for step in loaded.recipe.step)]


def lock_names(ecosystems: Iterable[Ecosystem] = ECOSYSTEMS) -> frozenset[str]:
    """Return the names of the locks that may lie beside a recipe."""
    return frozenset(name for ecosystem in ecosystems for name in ecosystem.locks)


def environment() -> frozenset[str]:
    """Return the names of the host's variables that tools of ecosystems read in containers."""
    return frozenset(name for ecosystem in ECOSYSTEMS for name in ecosystem.environment)


def installed(content: Tree) -> tuple[Installed, ...]:
    """Return the packages in anybody's layer."""
    return tuple(package for ecosystem in ECOSYSTEMS for package in ecosystem.installed(content))


def leftovers() -> dict[str, Sequence[str]]:
    """Return what installers leave behind, as patterns by the name of the rule."""
    rules: dict[str, list[str]] = {}
    for rule, patterns in _leftovers():
        rules.setdefault(rule, []).extend(patterns)
    return dict(rules)


def _leftovers() -> Iterator[tuple[str, Sequence[str]]]:
    for ecosystem in ECOSYSTEMS:
        yield from ecosystem.leftovers.items()
