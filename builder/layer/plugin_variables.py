"""The variables by which libraries of a layer find their plug-ins, settings and data below /opt."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from builder.base.frozen import dataclass
from builder.layer.linking import LAYER_LIB
from builder.layer.tree import Tree
from builder.model.plugins import PlugIns, PlugInVariable, known


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionVariable:
    """A variable that a function sets."""

    name: str
    value: str
    why: str


def needed(tree: Tree) -> Iterator[FunctionVariable]:
    """Yield the variables for the plug-ins that are in a layer beside their library; each name once."""
    libraries = [entry.name for entry in tree if entry.parent == LAYER_LIB]
    names: set[str] = set()
    for opening in known() if libraries else ():
        if not any(name.startswith(opening.library) for name in libraries):
            continue
        for variable in opening.sets:
            path = _highest(tree, variable.of or opening.needs)
            if path is not None and variable.name not in names:
                names.add(variable.name)
                yield _variable(variable, path, opening)


def _highest(tree: Tree, patterns: tuple[str, ...]) -> str | None:
    found = [entry.path for entry in tree if any(fnmatchcase(entry.path, pattern) for pattern in patterns)]
    return min(found, key=lambda path: (path.count("/"), path), default=None)


def _variable(variable: PlugInVariable, path: str, opening: PlugIns) -> FunctionVariable:
    folder = f"/opt/{path}".rpartition("/")[0]
    places = {"{file}": f"/opt/{path}", "{folder}": folder, "{above}": folder.rpartition("/")[0]}
    value = variable.value
    for word, place in places.items():
        value = value.replace(word, place)
    return FunctionVariable(name=variable.name, value=value, why=f"{opening.library}: {opening.what}")
