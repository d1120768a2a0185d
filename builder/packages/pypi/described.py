"""What Python packages say of themselves: summary, license and modules, of installed wheels or of sdists."""

import re
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from builder.base.frozen import dataclass
from builder.layer.tree import Tree
from builder.packages.command_line import Drafting
from builder.packages.pypi import installed, metadata, sdist
from builder.packages.pypi.resolution import Wheels

_OF_SDIST = re.compile(r"[^/]+/(?:PKG-INFO|(?:[^/]+/){0,2}[^/]+\.egg-info/top_level\.txt)")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFacts:
    """One package."""

    name: NormalizedName
    version: str
    summary: str
    license: str
    modules: tuple[str, ...]
    """Those that code imports."""


def facts(drafting: Drafting, names: Iterable[NormalizedName]) -> dict[NormalizedName, PackageFacts]:
    """Return what packages say that were resolved. Of those that would be compiled, nothing is installed."""
    resolution = drafting.resolution
    if not isinstance(resolution, Wheels):  # another step's
        raise TypeError
    versions = {canonicalize_name(name): version for name, version in drafting.versions.items()}
    wanted = [name for name in dict.fromkeys(names) if name in versions]
    compiled = {canonicalize_name(each.name): each for each in resolution.compiled}
    content = Tree(()) if compiled else drafting.content()
    licenses = {package.name: package.license for package in installed.installed(content)}
    found = {}
    for name in wanted:
        if name in compiled:
            summary, license_, modules = _of_sdist(sdist.file(compiled[name].sdist, name, versions[name]), name)
        else:
            summary, _, modules = metadata.facts(drafting.folder / "python", name)
            license_ = licenses.get(name, "")
        found[name] = PackageFacts(
            name=name, version=versions[name], summary=_line(summary), license=_line(license_), modules=tuple(modules)
        )
    return found


def _of_sdist(path: Path, name: str) -> tuple[str, str, list[str]]:
    """Return the summary and the license of an sdist, and its modules: the package's own name if none are noted."""
    texts = dict(sdist.texts(path, _OF_SDIST))
    info = next((text for file, text in texts.items() if file.endswith("/PKG-INFO")), "")
    headers = HeaderParser().parsestr(info)
    tops = next((text.split() for file, text in texts.items() if file.endswith("/top_level.txt")), [])
    modules = [top for top in tops if top.isidentifier() and not top.startswith("_")]
    return str(headers["Summary"] or ""), installed.license_of(info.encode()), modules or [name.replace("-", "_")]


def _line(text: str) -> str:
    return " ".join(text.split())


def test(found: Iterable[PackageFacts]) -> dict[str, str]:
    """Return a [[test]] that imports the modules of packages and compares their versions."""
    lines = ["from importlib.metadata import version", ""]
    every = list(found)
    lines += [f"import {module}" for each in every for module in each.modules]
    lines += [f'assert version("{each.name}") == "{each.version}"' for each in every]
    return {"python": "\n".join([*lines, ""])}
