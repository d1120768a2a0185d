"""The table of ecosystems, and functions that join the results of all of them."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from builder.base.errors import UsageError
from builder.base.values import STORED, StoredAs, untrusted
from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps import Step
from builder.packages.ecosystem import Ecosystem
from builder.packages.resolution import Resolution

if TYPE_CHECKING:
    from builder.packages.pypi.projects import FoundProject

_OTHERS = ("package.json", "Gemfile", "pom.xml", "Cargo.toml", "go.mod")
"""What marks a project of another language."""
_FOLDERS = ("pypi", "npm", "rubygems", "maven", "cargo", "go")
"""Each folder has a module `ecosystem` with one `ECOSYSTEM`. Their files are added to a layer in this order."""
ECOSYSTEMS: tuple[Ecosystem, ...] = tuple(
    import_module(f"builder.packages.{folder}.ecosystem").ECOSYSTEM for folder in _FOLDERS
)


def of_step(step: Step) -> Ecosystem | None:
    """Return the ecosystem of a step; None for a step without packages."""
    return next((ecosystem for ecosystem in ECOSYSTEMS if isinstance(step, ecosystem.step)), None)


def of_recipe(loaded: Loaded) -> list[Ecosystem]:
    """Return the ecosystems of a recipe, in the order of the table."""
    steps = loaded.recipe.step
    return [ecosystem for ecosystem in ECOSYSTEMS if any(isinstance(step, ecosystem.step) for step in steps)]


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
    """Return the leftovers of all ecosystems: patterns by the name of the rule."""
    rules: dict[str, list[str]] = {}
    for rule, patterns in _leftovers():
        rules.setdefault(rule, []).extend(patterns)
    return dict(rules)


def store(resolution: Resolution) -> dict[str, Any]:
    """Return a resolution of any ecosystem as JSON."""
    documents = ((ecosystem.name, ecosystem.store(resolution)) for ecosystem in ECOSYSTEMS)
    return next({"ecosystem": name, **document} for name, document in documents if document is not None)


def restore(document: object) -> Resolution:
    """Return the resolution that `store` wrote. Raises UsageError or UntrustedError for what it never writes."""
    name = document.get("ecosystem") if isinstance(document, dict) else None
    for ecosystem in ECOSYSTEMS:
        if ecosystem.name == name and isinstance(document, dict):
            return ecosystem.restore({key: value for key, value in document.items() if key != "ecosystem"})
    raise untrusted(STORED, name, "the name of an ecosystem")


StoredResolution = Annotated[Resolution, StoredAs(plain=True, parse=restore, write=store)]


def _leftovers() -> Iterator[tuple[str, Sequence[str]]]:
    for ecosystem in ECOSYSTEMS:
        yield from ecosystem.leftovers.items()


def project(folder: Path) -> "FoundProject":
    """Return the project in a folder, whose packages make a layer. Raises UsageError if there is none that is known."""
    from builder.packages.pypi import projects

    if found := projects.find(folder):
        return found
    others = [
        name for name in ("package.json", "Gemfile", "pom.xml", "Cargo.toml", "go.mod") if (folder / name).is_file()
    ]
    msg = f"{folder.as_posix()} has no project of Python: no pyproject.toml, lock or requirements.txt"
    hint = (
        f"a recipe whose step follows {others[0]} is the way for other languages: `layerwright new`"
        if others
        else "name a recipe, a folder with a project, or packages with --pip or --npm"
    )
    raise UsageError(msg, hint=hint)
