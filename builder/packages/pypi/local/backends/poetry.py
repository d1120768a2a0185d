"""poetry-core: packages with everything in them, without what git ignores."""

from collections.abc import Mapping
from typing import Any

from builder.packages.pypi.local import content, poetry_tables
from builder.packages.pypi.local.backends.hatch import ignored
from builder.packages.pypi.local.content import WheelContent
from builder.packages.pypi.local.described import UnknownError, normalized
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.poetry_tables import PoetryPackage
from builder.packages.pypi.local.tree import SourceTree

_LICENCES = ("LICENSE*", "COPYING*", "LICENSE*/**", "AUTHORS*", "NOTICE*")


def wheel(document: ProjectFile, tree: SourceTree) -> WheelContent:
    table = document.table(PoetryPackage, "poetry")
    if table.build is not None:
        msg = "it has a build script"
        raise UnknownError(msg)
    found = poetry_tables.of_project(document, tree, table)
    files: dict[str, str] = {}
    for row in table.packages if table.packages is not None else (_default(tree, normalized(found.name)),):
        files |= _included(tree, row)
    if any(_in_wheel(each) for each in table.include):
        msg = "it includes files by patterns"
        raise UnknownError(msg)
    excluded = set(content.matching(tree, (_pattern(each) for each in table.exclude)))
    excluded |= ignored(tree)
    kept = {to: path for to, path in files.items() if path not in excluded}
    return content.of(found, tree, kept, _LICENCES)


def _default(tree: SourceTree, name: str) -> Mapping[str, Any]:
    for source in ("", "src"):
        prefix = f"{source}/" if source else ""
        for include in (name, f"{name}.py"):
            if f"{prefix}{include}" in tree.paths or tree.has_folder(f"{prefix}{include}"):
                return {"include": include, **({"from": source} if source else {})}
    msg = f"it has no module {name}"
    raise UnknownError(msg)


def _included(tree: SourceTree, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of one entry of `packages`."""
    include, source, to = str(row.get("include", "")), str(row.get("from", "")).strip("/"), str(row.get("to", ""))
    formats = row.get("format", "wheel")
    if "wheel" not in ([formats] if isinstance(formats, str) else formats):
        return {}
    base = f"{source}/" if source else ""
    target = f"{to.strip('/')}/" if to else ""
    patterns = [f"{base}{include}", f"{base}{include}/**/*"] if "*" not in include else [f"{base}{include}"]
    found = {f"{target}{path.removeprefix(base)}": path for path in content.matching(tree, patterns)}
    if not found:
        msg = f"`packages` names {include}, which is not there"
        raise UnknownError(msg)
    return found


def _in_wheel(given: str | Mapping[str, Any]) -> bool:
    """Tell whether files are included into wheels: without a format they are of the sdist alone."""
    formats = given.get("format", "sdist") if isinstance(given, Mapping) else "sdist"
    return "wheel" in ([formats] if isinstance(formats, str) else formats)


def _pattern(given: str | Mapping[str, Any]) -> str:
    return given if isinstance(given, str) else str(given.get("path", ""))
