"""The files that setuptools puts into a wheel beside modules: package data, and what MANIFEST.in includes."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from builder.packages.pypi.local import content
from builder.packages.pypi.local.described import UnknownError
from builder.packages.pypi.local.tree import SourceTree

_ALWAYS = ("*.pyi", "py.typed")
Data = Mapping[str, Sequence[str]]


def files(
    tree: SourceTree, folders: Mapping[str, str], *, data: Data, excluded: Data, manifest: bool
) -> Iterator[tuple[str, str]]:
    """Yield paths in the wheel with those in the tree, of packages given by dotted name with their folders."""
    included = set(_manifest(tree)) if manifest else set()
    for package, folder in folders.items():
        patterns = (*_ALWAYS, *_patterns(data, package))
        found = {path for path in tree.below(folder) if _is_module(path, folder)}
        found |= set(content.matching(tree, (f"{folder}/{pattern}" if folder else pattern for pattern in patterns)))
        found |= {path for path in included if _nearest(path, folders.values()) == folder}
        left_out = _patterns(excluded, package)
        dropped = set(content.matching(tree, (f"{folder}/{pattern}" if folder else pattern for pattern in left_out)))
        prefix = f"{folder}/" if folder else ""
        for path in sorted(found - dropped):
            yield f"{package.replace('.', '/')}/{path.removeprefix(prefix)}", path


def _patterns(data: Data, package: str) -> list[str]:
    return [pattern for name in ("", "*", package) for pattern in data.get(name, ())]


def _is_module(path: str, folder: str) -> bool:
    parent, _, name = path.rpartition("/")
    return parent == folder and name.endswith(".py")


def _nearest(path: str, folders: Iterable[str]) -> str | None:
    """Return the folder of the package that a file belongs to."""
    above = path.rpartition("/")[0]
    known = set(folders)
    while above:
        if above in known:
            return above
        above = above.rpartition("/")[0]
    return None


def _manifest(tree: SourceTree) -> set[str]:
    """Return the files that MANIFEST.in includes. Raises UnknownError for a line that is not understood."""
    found: set[str] = set()
    for raw in (tree.text("MANIFEST.in") or "").replace("\\\n", " ").splitlines():
        words = raw.partition("#")[0].split()
        if words:
            found = _applied(words[0], words[1:], found, tree.paths)
    return found


def _applied(command: str, words: Sequence[str], found: set[str], every: Iterable[str]) -> set[str]:
    adds, rules = _rules(command, words)
    matching = {path for path in every if any(rule.fullmatch(path) for rule in rules)}
    return found | matching if adds else found - matching


def _rules(command: str, words: Sequence[str]) -> tuple[bool, list[re.Pattern[str]]]:
    adds = command in {"include", "recursive-include", "global-include", "graft"}
    if command in {"include", "exclude"}:
        return adds, [_pattern(word) for word in words]
    if command in {"recursive-include", "recursive-exclude"} and words:
        folder = words[0].rstrip("/")
        return adds, [_below(folder, word) for word in words[1:]]
    if command in {"global-include", "global-exclude"}:
        return adds, [_below("", word) for word in words]
    if command in {"graft", "prune"}:
        return adds, [_below(word.rstrip("/"), "*") for word in words]
    msg = f"MANIFEST.in has the command `{command}`"
    raise UnknownError(msg)


def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(_translated(glob))


def _below(folder: str, glob: str) -> re.Pattern[str]:
    start = f"{_translated(folder)}/" if folder and folder != "." else ""
    return re.compile(f"{start}(?:.*/)?{_translated(glob)}")


def _translated(glob: str) -> str:
    """Return a glob as a regular expression in which `*` stays in its folder."""
    text = fnmatch.translate(glob)
    return re.sub(r"^\(\?s:|\)\\[Zz]$", "", text).replace(".*", "[^/]*").replace("(?>[^/]*?", "(?:[^/]*?")
