"""A new recipe before and while it is written: its tables, and the files beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from builder.authoring.recipe_text import recipe_text
from builder.authoring.relock import relock
from builder.base import files
from builder.base.emitter import Events
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.model import public_text, recipes
from builder.packages import table
from builder.plan import adhoc

_LONGEST = 256
"""Characters of a description, which Lambda shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeDraft:
    """What goes into the folder of a new recipe."""

    name: str
    tables: Mapping[str, Any]
    """By name, in the order of the file. `step` and `test` are lists."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Files beside recipe.toml, by name."""

    @property
    def text(self) -> str:
        """The text of recipe.toml."""
        return recipe_text(self.tables)

    @property
    def installs(self) -> tuple[str, ...]:
        """The packages of the system that it compiles with."""
        return tuple(name for step in self.tables["step"] if _compiles_with(step) for name in step["install"])

    def installing(self, packages: Iterable[str]) -> "RecipeDraft":
        """Return the recipe with further packages of the system to compile with, in a first step."""
        names = sorted({*self.installs, *packages})
        others = [step for step in self.tables["step"] if not _compiles_with(step)]
        return replace(self, tables={**self.tables, "step": [{"uses": "packages", "install": names}, *others]})


def _compiles_with(step: Mapping[str, Any]) -> bool:
    return step["uses"] == "packages" and not step.get("layer")


def layer_table(
    name: str, version: str, *, description: str, license_: str, homepage: str | None = None
) -> dict[str, str]:
    """Return the table [layer]. Raises BuildError for texts of others that must not be published."""
    for text in (description, license_):
        if fault := public_text.problem(text):
            msg = f"the metadata of the package cannot be published: {fault}"
            raise BuildError(msg, hint="write the recipe by hand, with words of your own")
    table_ = {
        "name": name,
        "version": version,
        "description": (description or f"{name} for AWS Lambda")[:_LONGEST],
        "license": license_ or "see the package",
    }
    shown = homepage and homepage.startswith(("http://", "https://")) and homepage.isprintable()
    return {**table_, "homepage": homepage} if homepage and shown else table_


def require_name(name: str) -> None:
    """Raise UsageError for an invalid name."""
    if not adhoc.NAME.fullmatch(name):
        msg = f"`{name}` is not a valid name for a recipe"
        raise UsageError(msg, hint="letters, digits, - and _; at most 100")


def require_new(folder: Path, name: str) -> Path:
    """Return the path of the file of a new recipe. Raises UsageError if it exists, or its name is not valid."""
    require_name(name)
    path = folder / name / recipes.RECIPE_FILE
    if path.exists():
        msg = f"{path} exists already"
        raise UsageError(msg, hint="edit it, or choose another name")
    if path.parent.exists():
        msg = f"{path.parent} exists already"
        raise UsageError(msg, hint="choose another name")
    return path


def write(draft: RecipeDraft, folder: Path, events: Events) -> Path:
    """Write a new recipe with its locks, whole or not at all, and return the path of its file."""
    path = require_new(folder, draft.name)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".layerwright-", dir=folder) as work:
        made = Path(work) / draft.name
        made.mkdir()
        for name, data in draft.beside.items():
            (made / name).write_bytes(data)
        files.write_text(made / recipes.RECIPE_FILE, draft.text)
        loaded = recipes.load(Path(work), draft.name)
        if table.of_recipe(loaded):
            relock(loaded, upgrade=False, events=events)
        files.move(made, path.parent)
    return path


def rewrite(draft: RecipeDraft, folder: Path) -> None:
    """Write the file of a recipe anew, which was written before."""
    files.write_text(folder / draft.name / recipes.RECIPE_FILE, draft.text)
