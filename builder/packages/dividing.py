"""The Protocol of the ecosystems whose layers can be split, and the values that cross it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from builder.base.frozen import dataclass
from builder.layer.tree import Tree
from builder.model.recipe import Test
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.packages.resolution import Resolution

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """One package of a layer, after slimming."""

    name: str
    version: str
    bytes: int
    needs: frozenset[str]
    """Names of the packages that it requires on the target, in the layer or not."""
    files: frozenset[str]
    """Paths of its files, relative to /opt."""
    modules: frozenset[str]
    """Names that code imports it by."""
    landmark: str
    """A file that it has on every target: the layer has the package if the file is there."""


class Divider(Protocol[S]):
    """The knowledge of an ecosystem about dividing one step into several."""

    def roots(self, loaded: Loaded, step: S) -> Sequence[str]:
        """Return the names of the packages that a step asks for; empty for a step that cannot be divided."""

    def excluded(self, step: S) -> frozenset[str]:
        """Return the names of the packages that a step leaves to another layer."""

    def whole(self, step: S) -> S:
        """Return the step with the packages that it leaves to another layer."""

    def weigh(self, tree: Tree, target: Target) -> Mapping[str, Weighed]:
        """Return the packages of a layer by name."""

    def required_by(self, resolution: Resolution) -> Mapping[str, Sequence[str]]:
        """Return the packages that require each package of a plan, as far as that can be known without its files."""

    def divided(
        self, step: S, packages: Sequence[Weighed], excluded: Sequence[str], target: Target
    ) -> Sequence[Mapping[str, Any]]:
        """Return steps, as tables of a recipe, for exactly these packages in these versions.

        `excluded` are the packages of other layers that take part in resolving. A version that follows the recipe's
        `{version}` still does.
        """

    def imports(self, test: Test) -> frozenset[str]:
        """Return the names of the modules that a test imports; empty if its code does not tell."""


def closure(root: str, packages: Mapping[str, Weighed]) -> set[str]:
    """Return a package with all that it needs of a layer, directly or not; empty if the layer does not have it."""
    reached: set[str] = set()
    queue = [root]
    while queue:
        name = queue.pop()
        if name not in reached and name in packages:
            reached.add(name)
            queue += packages[name].needs
    return reached
