"""`layerwright lint`: mistakes of recipes, and packages that their operating systems are not known to have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base.errors import UsageError, near
from builder.engine.failure import package_names
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.steps import Packages
from builder.model.target import targets
from builder.packages import table


@dataclass(frozen=True, kw_only=True, slots=True)
class LintResult:
    """What was found in one recipe."""

    warnings: tuple[str, ...] = ()
    error: UsageError | None = None


def lint(folder: Path, names: Iterable[str]) -> Iterator[LintResult]:
    """Yield the warnings and the error of each recipe. Needs no network."""
    for name in names:
        warnings: list[str] = []
        try:
            loaded = recipes.load(folder, name)
            warnings += loaded.warnings
            for ecosystem in table.of_recipe(loaded):
                ecosystem.lint(loaded)
        except UsageError as error:
            yield LintResult(warnings=tuple(warnings), error=error)
        else:
            warnings += (f"{name}: {warning}" for warning in _unknown_packages(loaded))
            yield LintResult(warnings=tuple(warnings))


def _unknown_packages(loaded: Loaded) -> Iterator[str]:
    """Yield warnings of packages that the operating system is not known to have.

    They are not errors: the system's repository may be newer than the lists of layerwright.
    """
    for system in sorted({target.base.os.name for target in targets(loaded.recipe)}):
        listed = package_names(system)
        for step in loaded.recipe.step:
            if isinstance(step, Packages) and listed and (step.when is None or step.when.os in {None, system}):
                for name in sorted(set(step.install) - set(listed)):
                    yield f"no list of {system} has a package `{name}`{near(name, listed)}"
