"""Dividing a `pip` step into several."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.layer.tree import Tree
from builder.model import pep508
from builder.model.recipe import Test
from builder.model.recipes import Loaded
from builder.model.steps import Pip
from builder.model.tables import changed
from builder.model.target import Target
from builder.packages.dividing import Weighed
from builder.packages.resolution import Resolution

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_FOLLOWING = "=={version}"


class PipDivider:
    """`Divider` of the `pip` step."""

    def roots(self, loaded: Loaded, step: Pip) -> Sequence[str]:
        from builder.packages.pypi.wanted import names

        return tuple(dict.fromkeys(names(loaded, step))) if step.requirements else ()

    def excluded(self, step: Pip) -> frozenset[str]:
        return frozenset(canonicalize_name(name) for name in step.without)

    def whole(self, step: Pip) -> Pip:
        return changed(step, without=())

    def weigh(self, tree: Tree, target: Target) -> Mapping[str, Weighed]:
        from builder.packages.pypi import installed

        return installed.weigh(tree, target)

    def required_by(self, resolution: Resolution) -> Mapping[str, Sequence[str]]:
        from builder.packages.pypi import requirers
        from builder.packages.pypi.resolution import Wheels

        if not isinstance(resolution, Wheels):
            return {}
        return requirers.of([route.package for route in resolution.routes], resolution.target, resolution.indexes)

    def divided(
        self, step: Pip, packages: Sequence[Weighed], excluded: Sequence[str], target: Target
    ) -> Sequence[Mapping[str, Any]]:
        """Return one step, or two if the packages that the step names are compiled and those they need are not."""
        texts = {package.name: _text(step, package, target) for package in packages}
        named = {_name(text, target) for text in step.requirements}
        parts = [texts]
        if step.wheels == "never":
            parts = [
                {name: text for name, text in texts.items() if (name in named) is compiled}
                for compiled in (True, False)
            ]
        ways = [step.wheels, "prefer"]
        tables = [_table(part.values(), way) for part, way in zip(parts, ways, strict=False) if part]
        return [{**tables[0], **({"without": list(excluded)} if excluded else {})}, *tables[1:]]

    def imports(self, test: Test) -> frozenset[str]:
        code = test.python or (test.invoke.code if test.invoke else None)
        try:
            return frozenset(_imports(ast.parse(code or "")))
        except SyntaxError:  # the function of another language
            return frozenset()


def _table(texts: Iterable[str], wheels: str) -> dict[str, Any]:
    return {"uses": "pip", "requirements": list(texts), **({} if wheels == "prefer" else {"wheels": wheels})}


def _requirement(text: str, target: Target) -> "Requirement":
    return pep508.parsed(target.expand(text))


def _name(text: str, target: Target) -> str:
    return canonicalize_name(_requirement(text, target).name)


def _text(step: Pip, package: Weighed, target: Target) -> str:
    """Return the requirement of a package: pinned, or as the step has it if that follows `{version}` or a URL."""
    for text in step.requirements:
        if _name(text, target) == package.name:
            if _requirement(text, target).url:
                return text
            if _FOLLOWING in text.replace(" ", "") and _equal(package.version, target.version):
                return f"{package.name}{_FOLLOWING}"
    return f"{package.name}=={package.version}"


def _equal(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
