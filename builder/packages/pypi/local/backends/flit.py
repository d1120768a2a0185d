"""flit_core: one module or package, with everything in it."""

import ast
from collections.abc import Mapping
from dataclasses import field

from builder.model.tables import table
from builder.packages.pypi.local import content, pep621
from builder.packages.pypi.local.content import WheelContent
from builder.packages.pypi.local.described import UnknownError
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.tree import SourceTree


@table
class FlitModule:
    """`[tool.flit.module]`."""

    name: str | None = None


@table
class FlitTable:
    """`[tool.flit]`; the sdist does not concern a wheel."""

    module: FlitModule = field(default_factory=FlitModule)
    sdist: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def wheel(document: ProjectFile, tree: SourceTree) -> WheelContent:
    options = document.table(FlitTable, "flit")
    if document.project is None:
        msg = "it has no table [project]"
        raise UnknownError(msg)
    name = options.module.name or document.project.name.replace("-", "_")
    path = content.module_file(tree, name)
    if path is None:
        msg = f"its module `{name}` was not found"
        raise UnknownError(msg)
    found = pep621.package(
        document.project,
        tree,
        {
            "version": lambda: content.constant(tree, path, "__version__"),
            "description": lambda: (ast.get_docstring(content.module(tree, path)) or "").strip().partition("\n")[0],
        },
    )
    inside = path.removeprefix("src/") if path.startswith("src/") and not name.startswith("src") else path
    if not path.endswith("/__init__.py"):
        return content.of(found, tree, {inside: path}, content.LICENCES)
    folder, to = path.removesuffix("/__init__.py"), inside.removesuffix("/__init__.py")
    return content.of(found, tree, content.below(tree, folder, to), content.LICENCES)
