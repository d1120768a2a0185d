"""Options that select one target of a recipe."""

from typing import TYPE_CHECKING, Annotated

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.parameters import Bundle

if TYPE_CHECKING:
    from builder.model.recipes import Loaded
    from builder.model.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class OneTarget(Bundle):
    """One target of a recipe, the first that the options allow."""

    name: shared.RecipeName
    runtimes: Annotated[tuple[str, ...], shared.runtime("the first of the recipe")]
    architectures: Annotated[tuple[str, ...], shared.arch("the first of the recipe")]
    folder: shared.RecipesFolder

    def chosen(self) -> "tuple[Loaded, Target]":
        """Return the target with its recipe. Raises NothingSelectedError if there is none."""
        from builder.model.target import Selection
        from builder.plan import selection

        narrowed = Selection(runtimes=self.runtimes, architectures=self.architectures)
        return selection.chosen(selection.TargetRequest(folder=self.folder, names=(self.name,), selection=narrowed))[0]
