"""Folders of node_modules for a graph of packages, which Node.js resolves by its own rules.

Each package lies as high as it can, so that it is there once; where a name is taken by another version, it lies
below the package that needs it. No link is needed, and nothing is found by accident that another package shadows.
Names that differ in case alone count as one, as for npm and for file systems that ignore case.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.base.errors import BuildError
from builder.packages.npm.graph import Graph, Need, PackageNode
from builder.packages.npm.package_lock import MOST_ROWS

_DEEPEST = 64
"""Folders in each other. Only packages that need other versions of each other in circles have more."""
_HINT = "`overrides` in package.json can choose one version"


@dataclass(slots=True, eq=False)
class Place:
    """A package in its folder, or the project itself."""

    node: PackageNode | None
    path: str
    above: "Place | None"
    inside: dict[str, "Place"] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    """Names that a package below finds in a folder above, with the keys of what it finds: nothing else goes here."""
    depth: int = 0


def placed(graph: Graph) -> dict[str, PackageNode]:
    """Return the packages by their folders, relative to the project. Raises BuildError if they fit into none."""
    root = Place(node=None, path="", above=None)
    queue = deque([(root, graph.needs)])
    found: dict[str, PackageNode] = {}
    while queue:
        if len(found) > MOST_ROWS:
            msg = f"packages need other versions of each other, which would be more than {MOST_ROWS:,} folders"
            raise BuildError(msg, hint=_HINT)
        place, needs = queue.popleft()
        for name in sorted(needs):
            if made := _put(place, name, graph.nodes[needs[name].to]):
                found[made.path] = graph.nodes[needs[name].to]
                queue.append((made, _own(made, graph)))
    return found


def _own(place: Place, graph: Graph) -> Mapping[str, Need]:
    node = place.node
    if place.depth > _DEEPEST:
        msg = "packages need other versions of each other in a circle, for which there are no folders"
        raise BuildError(msg, why=[place.path[-200:]], hint=_HINT)
    return graph.nodes[node.key].needs if node else graph.needs


def _put(place: Place, name: str, node: PackageNode) -> Place | None:
    """Find a package for a folder, or put it as high above as it can be. Returns the place if it is new."""
    folded = name.casefold()
    free: Place | None = place
    chain: list[Place] = []
    highest: Place | None = None
    while free is not None:
        if there := free.inside.get(folded):
            if there.node and there.node.key == node.key and there.path.endswith(f"node_modules/{name}"):
                _pass(chain, folded, node.key)
                return None
            break
        if free.passed.get(folded, node.key) != node.key:
            break
        chain.append(free)
        highest = free
        free = free.above
    if highest is None:
        msg = f"{name} {node.version} has no folder below {place.path or 'the project'}, where another version is"
        raise BuildError(msg, hint=_HINT)
    _pass(chain[: chain.index(highest)], folded, node.key)
    path = f"{highest.path}/node_modules/{name}".lstrip("/")
    made = Place(node=node, path=path, above=highest, depth=highest.depth + 1)
    highest.inside[folded] = made
    return made


def _pass(chain: list[Place], folded: str, key: str) -> None:
    for place in chain:
        place.passed[folded] = key
