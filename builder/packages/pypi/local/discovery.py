"""The packages and modules that setuptools finds where a project names none, or asks it to find some."""

import fnmatch
from collections.abc import Iterable, Iterator, Sequence

from builder.base.frozen import dataclass
from builder.packages.pypi.local.described import UnknownError
from builder.packages.pypi.local.tree import SourceTree

_NO_PACKAGES = (
    *("ci", "bin", "debian", "doc", "docs", "documentation", "manpages", "news", "newsfragments", "changelog"),
    *("test", "tests", "unit_test", "unit_tests", "example", "examples", "scripts", "tools", "util", "utils", "python"),
    *("build", "benchmark", "benchmarks", "exercise", "exercises", "htmlcov", "[._]*"),
)
_NO_MODULES = (
    *("setup", "conftest", "test", "tests", "example", "examples", "build", "toxfile", "noxfile", "pavement", "dodo"),
    *("tasks", "fabfile", "[Ss][Cc]onstruct", "conanfile", "manage", "benchmark", "benchmarks", "exercise"),
    *("exercises", "[._]*"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Modules:
    """What a wheel of setuptools has."""

    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    root: str = ""
    """The folder that both are below, unless another one is named for them."""


def find(
    tree: SourceTree, where: str, include: Sequence[str], exclude: Sequence[str], *, namespaces: bool
) -> tuple[str, ...]:
    """Return the packages below a folder, with dots; folders without `__init__.py` are packages of namespaces."""
    return tuple(
        name
        for name, folder in _folders(tree, where)
        if (namespaces or _is_package(tree, folder, where))
        and any(fnmatch.fnmatchcase(name, pattern) for pattern in include)
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude)
    )


def _folders(tree: SourceTree, where: str) -> Iterator[tuple[str, str]]:
    """Yield every folder that could be a package, as a dotted name, with its path."""
    prefix = f"{where}/" if where else ""
    seen: set[str] = set()
    for path in tree.below(where):
        parts = path.removeprefix(prefix).split("/")[:-1]
        for number in range(1, len(parts) + 1):
            if "." not in "".join(parts[:number]):
                seen.add("/".join(parts[:number]))
    for folder in sorted(seen):
        yield folder.replace("/", "."), f"{prefix}{folder}"


def _is_package(tree: SourceTree, folder: str, where: str) -> bool:
    """Tell whether a folder and all above it, up to the root, have an `__init__.py`."""
    inside = folder.removeprefix(f"{where}/") if where else folder
    base = folder.removesuffix(inside)
    parts = inside.split("/")
    return all(f"{base}{'/'.join(parts[:number])}/__init__.py" in tree.paths for number in range(1, len(parts) + 1))


def automatic(tree: SourceTree) -> Modules:
    """Return what setuptools takes where nothing is named. Raises UnknownError where it refuses to choose."""
    if tree.has_folder("src"):
        found = find(tree, "src", ("*",), (), namespaces=True)
        return Modules(packages=found, modules=tuple(_modules(tree, "src")), root="src")
    packages = [name for name in find(tree, "", ("*",), (), namespaces=True) if _may_be_found(name)]
    tops = sorted({name.partition(".")[0] for name in packages})
    if len(tops) > 1:
        msg = f"setuptools chooses none of several folders: {', '.join(tops)}"
        raise UnknownError(msg)
    if packages:
        return Modules(packages=tuple(packages))
    modules = [name for name in _modules(tree, "") if not _matches(name, _NO_MODULES)]
    if len(modules) > 1:
        msg = f"setuptools chooses none of several modules: {', '.join(modules)}"
        raise UnknownError(msg)
    return Modules(modules=tuple(modules))


def _may_be_found(name: str) -> bool:
    parts = name.split(".")
    valid = parts[0].removesuffix("-stubs").isidentifier() and all(part.isidentifier() for part in parts[1:])
    return valid and not _matches(parts[0], _NO_PACKAGES)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _modules(tree: SourceTree, where: str) -> Iterator[str]:
    prefix = f"{where}/" if where else ""
    for path in sorted(tree.below(where)):
        name = path.removeprefix(prefix)
        if "/" not in name and name.endswith(".py"):
            yield name.removesuffix(".py")
