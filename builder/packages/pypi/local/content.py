"""What belongs into the wheel of a package: paths in it, with the files that lie there."""

import ast
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import PurePosixPath

from builder.base.frozen import dataclass
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.tree import SourceTree

LICENCES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*")
"""Files that backends add unless a project names others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelContent:
    """A wheel, before it is written."""

    package: Described
    files: Mapping[str, str]
    """Paths in the wheel, with those in the tree."""
    licences: Mapping[str, str] = field(default_factory=dict)
    """Paths below `licenses/`, with those in the tree."""


def of(package: Described, tree: SourceTree, files: Mapping[str, str], licences: Iterable[str] = ()) -> WheelContent:
    """Return a wheel. Raises UnknownError if it would have no module, or a link to a folder."""
    folders = [path for path in files.values() if (tree.folder / path).is_dir()]
    if folders:
        msg = f"`{folders[0]}` is a link to a folder"
        raise UnknownError(msg)
    if not files:
        msg = "no module of it was found"
        raise UnknownError(msg)
    patterns = package.licence_files if package.licence_files is not None else tuple(licences)
    return WheelContent(package=package, files=files, licences={path: path for path in matching(tree, patterns)})


def below(tree: SourceTree, folder: str, to: str) -> dict[str, str]:
    """Return all files of a folder, at another place."""
    prefix = f"{folder}/" if folder else ""
    target = f"{to}/" if to else ""
    return {f"{target}{path.removeprefix(prefix)}": path for path in tree.below(folder)}


def matching(tree: SourceTree, patterns: Iterable[str]) -> Iterator[str]:
    """Yield the files that match one of several globs, in which `**` stands for any folders."""
    rules = [re.compile(_glob(pattern)) for pattern in patterns]
    return (path for path in sorted(tree.paths) if any(rule.fullmatch(path) for rule in rules))


def _glob(pattern: str) -> str:
    """Return a glob as a regular expression: `*` stays in its folder."""
    parts = []
    for part in PurePosixPath(pattern).parts:
        if part == "**":
            parts.append("(?:[^/]+/)*")
            continue
        translated = fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
        parts.append(f"{translated.replace('.*', '[^/]*')}/")
    text = "".join(parts)
    return text.removesuffix("/") if not text.endswith("*") else f"{text}[^/]+"


def constant(tree: SourceTree, path: str, name: str) -> str:
    """Return the text that a module assigns to a name at its top. Raises UnknownError if it computes it."""
    for node in module(tree, path).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        value = getattr(node, "value", None)
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    msg = f"`{name}` of {path} is only known when it runs"
    raise UnknownError(msg)


def module(tree: SourceTree, path: str) -> ast.Module:
    """Return the syntax of a module. Raises UnknownError for a file that is none."""
    text = tree.text(path)
    try:
        return ast.parse(text if text is not None and len(text) <= _LONGEST else "(")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        msg = f"{path} cannot be read"
        raise UnknownError(msg) from None


_LONGEST = 1 << 18
"""Characters of a module that is parsed; its syntax tree takes a hundred times as much."""


def module_file(tree: SourceTree, name: str, roots: Iterable[str] = ("", "src/")) -> str | None:
    """Return the path of a module, by its dotted name."""
    base = name.replace(".", "/")
    places = (f"{root}{base}{end}" for root in roots for end in (".py", "/__init__.py"))
    return next((path for path in places if path in tree.paths), None)
