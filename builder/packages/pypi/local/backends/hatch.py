"""hatchling: packages by its heuristics or its options, without what .gitignore leaves out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any

from pathspec import GitIgnoreSpec

from builder.base import texts
from builder.base.rules import Field
from builder.model.tables import table
from builder.packages.pypi.local import content, pep621
from builder.packages.pypi.local.content import WheelContent
from builder.packages.pypi.local.described import UnknownError, normalized
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.tree import SourceTree

_VERSION = r"""(?im)^(?:__version__|VERSION)(?:: str)? *= *(['"])v?(?P<version>.+?)\1"""
_NESTED = re.compile(r"\[[^\]]*(?:\[|--|&&|~~|\|\|)")
"""A set in which Python may read a nested one, or an operator, some day: `re` warns of it."""
_REPEATED, _IN_GROUPS = re.compile(r"[*+{]"), re.compile(r"\)[*+{?]|\\[1-9]|\(\?P=")
_MOST_REPEATED, _LONGEST_LINE, _LONGEST_FILE = 3, 200, 16_384
"""Of a project's own pattern of a version, and of the file that is searched: it may not take minutes."""
Patterns = tuple[str, ...]


@table
class HatchVersion:
    """`[tool.hatch.version]`: a file with the version."""

    path: str | None = None
    source: str = "regex"
    pattern: str | None = None


@table
class HatchMetadata:
    """`[tool.hatch.metadata]`."""

    references: Annotated[bool, Field(alias="allow-direct-references")] = False
    ambiguous: Annotated[bool, Field(alias="allow-ambiguous-features")] = False


@table
class HatchWheel:
    """`[tool.hatch.build.targets.wheel]`."""

    packages: Patterns = ()
    only_include: Annotated[Patterns, Field(alias="only-include")] = ()
    include: Patterns = ()
    exclude: Patterns = ()
    sources: Patterns | Mapping[str, str] = ()
    force_include: Annotated[Mapping[str, str], Field(alias="force-include")] = field(default_factory=dict)


@table
class HatchTargets:
    """`[tool.hatch.build.targets]`."""

    wheel: HatchWheel = field(default_factory=HatchWheel)
    sdist: Any = None


@table
class HatchBuild:
    """`[tool.hatch.build]`: options of all targets."""

    targets: HatchTargets = field(default_factory=HatchTargets)
    packages: Patterns = ()
    include: Patterns = ()
    exclude: Patterns = ()
    sources: Patterns | Mapping[str, str] = ()
    reproducible: bool = True
    ignore_vcs: Annotated[bool, Field(alias="ignore-vcs")] = False


def wheel(document: ProjectFile, tree: SourceTree) -> WheelContent:
    build = document.table(HatchBuild, "hatch", "build")
    document.table(HatchMetadata, "hatch", "metadata")
    if document.project is None:
        msg = "it has no table [project]"
        raise UnknownError(msg)
    found = pep621.package(document.project, tree, {"version": lambda: version(document, tree)})
    own = build.targets.wheel
    packages = own.packages or build.packages
    sources = _sources(own.sources or build.sources, packages)
    include, exclude = own.include or build.include, own.exclude or build.exclude
    roots = own.only_include or packages
    kept = _kept(tree, exclude, ignore_vcs=build.ignore_vcs)
    if include and not roots:
        selected: Iterable[str] = filter(_spec(include).match_file, kept)
    else:
        roots, sources = (roots, sources) if roots else _found(tree, normalized(found.name), sources)
        selected = [path for path in kept if any(path == root or path.startswith(f"{root}/") for root in _paths(roots))]
    files = {_placed(path, sources): path for path in selected}
    for path, to in own.force_include.items():
        files |= _forced(tree, path, to)
    return content.of(found, tree, files, content.LICENCES)


def version(document: ProjectFile, tree: SourceTree) -> str:
    """Return the version in the file that `[tool.hatch.version]` names. Raises UnknownError if it is worked out."""
    options = document.table(HatchVersion, "hatch", "version")
    text = tree.text(options.path) if options.path else None
    if text is None or options.source != "regex":
        msg = "its version is only known to its backend"
        raise UnknownError(msg)
    found = _version_in(text, options.pattern) if options.pattern else re.search(_VERSION, text)
    if found is None or "version" not in found.groupdict():
        msg = f"its version was not found in {options.path}"
        raise UnknownError(msg)
    return str(found["version"])


def _version_in(text: str, pattern: str) -> re.Match[str] | None:
    """Return the match of a project's own pattern. Raises UnknownError for one that could take long."""
    lines = text.splitlines()
    easy = len(_REPEATED.findall(pattern)) <= _MOST_REPEATED and not _IN_GROUPS.search(pattern)
    if not easy or len(text) > _LONGEST_FILE or any(len(line) > _LONGEST_LINE for line in lines):
        msg = "the pattern of its version is only followed by its backend"
        raise UnknownError(msg)
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except (re.error, RecursionError, OverflowError):
        msg = "the pattern of its version is not valid"
        raise UnknownError(msg) from None
    return next((match for line in lines if (match := compiled.search(line))), None)


def _paths(roots: Iterable[str]) -> list[str]:
    return [root.strip("/").removeprefix("./") for root in roots]


def _sources(given: Patterns | Mapping[str, str], packages: Patterns) -> dict[str, str]:
    """Return the prefixes of paths that become others."""
    if isinstance(given, Mapping):
        return {
            f"{key.strip('/')}/": f"{value.strip('/')}/" if value.strip("/") else "" for key, value in given.items()
        }
    removed = {f"{each.strip('/')}/": "" for each in given}
    parents = (path.rpartition("/")[0] for path in _paths(packages))
    return {**removed, **{f"{parent}/": "" for parent in parents if parent}}


def _found(tree: SourceTree, name: str, sources: dict[str, str]) -> tuple[Patterns, dict[str, str]]:
    """Return what hatchling takes where nothing is named. Raises UnknownError if it would refuse the project."""
    if f"{name}/__init__.py" in tree.paths:
        return (name,), sources
    if f"src/{name}/__init__.py" in tree.paths:
        return (f"src/{name}",), {**sources, "src/": ""}
    if f"{name}.py" in tree.paths:
        return (f"{name}.py",), sources
    spaces = [path for path in tree.paths if re.fullmatch(rf"[^/]+/{re.escape(name)}/__init__\.py", path)]
    if len(spaces) == 1:
        return (spaces[0].partition("/")[0],), sources
    msg = f"no folder is named as the project, {name}, and `packages` of [tool.hatch.build.targets.wheel] names none"
    raise UnknownError(msg)


def _placed(path: str, sources: Mapping[str, str]) -> str:
    for prefix, to in sources.items():
        if path.startswith(prefix):
            return f"{to}{path.removeprefix(prefix)}"
    return path


def _kept(tree: SourceTree, exclude: Iterable[str], *, ignore_vcs: bool) -> list[str]:
    """Return the files that no pattern leaves out, those of the repository's .gitignore among them."""
    excluded = _spec(["*.py[cdo]", *exclude])
    left_out = frozenset() if ignore_vcs else ignored(tree)
    return [path for path in sorted(tree.paths - left_out) if not excluded.match_file(path)]


def _spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    """Return patterns as in .gitignore. Raises UnknownError for one that is not valid."""
    lines = list(patterns)
    if nested := next((line for line in lines if _NESTED.search(line)), None):
        msg = f"its patterns of files cannot be read: `{nested}` has brackets or operators in brackets"
        raise UnknownError(msg)
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        msg = f"its patterns of files cannot be read: {str(error).splitlines()[0]}"
        raise UnknownError(msg) from None


def ignored(tree: SourceTree) -> frozenset[str]:
    """Return the files that the nearest .gitignore leaves out, which may be above the folder in its repository."""
    for folder in (tree.folder, *tree.folder.parents):
        if (folder / ".gitignore").is_file():
            spec = _spec(texts.read(folder / ".gitignore").splitlines())
            return frozenset(path for path in tree.paths if spec.match_file(tree.folder.relative_to(folder) / path))
        if (folder / ".git").exists():
            break
    return frozenset()


def _forced(tree: SourceTree, path: str, to: str) -> dict[str, str]:
    """Return files at named places, whatever leaves them out."""
    source, target = path.strip("/").removeprefix("./"), to.strip("/")
    if source in tree.paths:
        return {target: source}
    if source.startswith("..") or not tree.has_folder(source):
        msg = f"`force-include` names {path}, which is not in its folder"
        raise UnknownError(msg)
    return content.below(tree, source, target)
