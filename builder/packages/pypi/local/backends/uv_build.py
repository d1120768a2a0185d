"""uv_build: packages below `src`, with everything in them."""

from collections.abc import Mapping
from typing import Annotated, Any

from builder.base.rules import Field
from builder.model.tables import table
from builder.packages.pypi.local import content, pep621
from builder.packages.pypi.local.content import WheelContent
from builder.packages.pypi.local.described import UnknownError, normalized
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.tree import SourceTree


@table
class UvBackend:
    """`[tool.uv.build-backend]`."""

    module_name: Annotated[str | tuple[str, ...] | None, Field(alias="module-name")] = None
    module_root: Annotated[str, Field(alias="module-root")] = "src"
    namespace: bool = False
    default_excludes: Annotated[bool, Field(alias="default-excludes")] = True
    source_include: Annotated[Any, Field(alias="source-include")] = None
    source_exclude: Annotated[Any, Field(alias="source-exclude")] = None


def wheel(document: ProjectFile, tree: SourceTree) -> WheelContent:
    options = document.table(UvBackend, "uv", "build-backend")
    if document.project is None or options.source_exclude:
        msg = "its wheel is only known to its backend"
        raise UnknownError(msg)
    found = pep621.package(document.project, tree, {})
    given = options.module_name or normalized(found.name)
    root = options.module_root.strip("/")
    files: dict[str, str] = {}
    for name in (given,) if isinstance(given, str) else given:
        files |= _module(tree, root, name.replace(".", "/"), namespace=options.namespace)
    return content.of(found, tree, files)


def _module(tree: SourceTree, root: str, path: str, *, namespace: bool) -> Mapping[str, str]:
    folder = f"{root}/{path}" if root else path
    initial = "__init__.pyi" if path.endswith("-stubs") else "__init__.py"
    if not namespace and f"{folder}/{initial}" not in tree.paths:
        msg = f"{folder}/{initial} is missing"
        raise UnknownError(msg)
    return content.below(tree, folder, path)
