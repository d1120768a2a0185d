"""Packages that come from one index each, as a project of uv: its requirements files know no such thing."""

import json
from collections.abc import Iterable, Iterator, Sequence

from packaging.requirements import InvalidRequirement

from builder.base import credentials
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.packages.pypi import names
from builder.packages.pypi.indexes import Index, Indexes

_NAME = "layerwright-bound"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bound:
    """One requirement of a package that is bound to an index."""

    name: str
    text: str
    """The requirement, without hashes."""
    version: str | None
    """The only version that it allows; None if it allows several."""
    marker: str | None


def divided(lines: Iterable[str], indexes: Indexes) -> tuple[list[str], str | None]:
    """Return the lines of packages that are bound to no index, and a pyproject.toml for the others, if any."""
    rest: list[str] = []
    bound: list[_Bound] = []
    for line in lines:
        found = _bound(line) if names.of_line(line) in indexes.bound else None
        if found is None:
            rest.append(line)
        else:
            bound.append(found)
    return rest, "".join(_project(bound, indexes)) if bound else None


def _bound(line: str) -> _Bound | None:
    """Return a line's requirement; None for the address of a file, which no index decides on."""
    try:
        requirement = pep508.parsed(line.partition(" --hash=")[0])
    except InvalidRequirement:
        return None
    if requirement.url:
        return None
    exact = [each.version for each in requirement.specifier if each.operator == "=="]
    return _Bound(
        name=names.of_line(line),
        text=str(requirement),
        version=exact[0] if exact else None,
        marker=str(requirement.marker) if requirement.marker else None,
    )


def _project(bound: Sequence[_Bound], indexes: Indexes) -> Iterator[str]:
    named = {index: name for name, index in indexes.named()}
    yield f'[project]\nname = "{_NAME}"\nversion = "0"\ndependencies = {json.dumps([each.text for each in bound])}\n'
    yield "[tool.uv.workspace]\n[tool.uv.sources]\n"  # a workspace: no pyproject.toml of a folder above takes part
    for package in dict.fromkeys(each.name for each in bound):
        rows = _sources(package, [each for each in bound if each.name == package], indexes)
        yield f"{package} = [{', '.join(_source(named[index], marker) for index, marker in rows)}]\n"
    for index, name in named.items():
        url, kind = json.dumps(credentials.without(index.url)), 'format = "flat"\n' if index.flat else ""
        yield f'[[tool.uv.index]]\nname = "{name}"\nurl = {url}\nexplicit = true\n{kind}'


def _sources(package: str, bound: Sequence[_Bound], indexes: Indexes) -> list[tuple[Index, str | None]]:
    """Return the indexes of a package with their markers; no marker if one index has all that is required."""
    found: dict[tuple[Index, str | None], None] = {}
    for binding in indexes.bound[package]:
        if binding.version is None:
            found[binding.index, binding.marker] = None
        else:
            found.update({(binding.index, each.marker): None for each in bound if each.version == binding.version})
    only = {index for index, _ in found}
    if len(only) == 1 and (len(found) > 1 or indexes.bound[package][0].version is not None):
        return [(only.pop(), None)]
    return list(found)


def _source(name: str, marker: str | None) -> str:
    return f'{{ index = "{name}"{f", marker = {json.dumps(marker)}" if marker else ""} }}'
