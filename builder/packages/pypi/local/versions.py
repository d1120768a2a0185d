"""Versions of packages that a container builds, where a project does not write its own out.

The container gets no repository of git, and a backend there takes what the sdist says. A version that is neither in a
file nor given would be another one than that of the package, so the package is refused.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping

from builder.model.tables import table
from builder.packages.pypi.local import content, described
from builder.packages.pypi.local.backends import hatch, setuptools
from builder.packages.pypi.local.described import UnknownError
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.tree import SourceTree

_VARIABLE = "SETUPTOOLS_SCM_PRETEND_VERSION"
"""The variable by which setuptools-scm and hatch-vcs are told a version; `_FOR_NAME` is one package's."""
_OF_GIT = frozenset({
    *("setuptools-scm", "setuptools-git-versioning", "hatch-vcs", "uv-dynamic-versioning", "versioningit", "dunamai"),
    *("poetry-dynamic-versioning", "poetry-dynamic-versioning-plugin", "versioneer", "vcs-versioning"),
})  # fmt: skip
"""Build requirements that ask git for a version."""
_IN_PROGRAM = re.compile(r"\b(?:use_scm_version|versioneer\.get_version)\b")

_OF_PDM = re.compile(r"""^__version__\s*=\s*["'](?P<version>.+?)["']\s*(?:#.*)?$""", re.MULTILINE)


@table
class PdmVersion:
    """`[tool.pdm.version]`: a file with the version."""

    source: str = ""
    path: str | None = None


def find(document: ProjectFile, tree: SourceTree, name: str) -> str | None:
    """Return the version of a package; None if its backend finds it in its files, in a container.

    Raises UnknownError for one that the backend has of git, or that hatchling would work out.
    """
    if _asks_git(document, tree):
        if given := _given(name):
            return described.version(given)
        msg = "its version comes from git, which is not in the container"
        raise UnknownError(msg)
    backend = document.build.backend
    if document.project is None or "version" not in document.project.dynamic:
        return None
    if backend == "hatchling.build":
        return described.version(hatch.version(document, tree))
    reader = _READERS.get(backend.partition(".")[0])
    try:
        found = reader(document, tree) if reader else ""
        return described.version(found) if found else None
    except UnknownError:
        return None


def is_worked_out(document: ProjectFile, tree: SourceTree) -> bool:
    """Tell whether the version that a project writes out is not that of its package."""
    return _asks_git(document, tree) and "poetry" in document.tool


def variable(name: str) -> str:
    """Return the variable that tells the version of one package."""
    return f"{_VARIABLE}_FOR_{described.normalized(name).upper()}"


def _given(name: str) -> str | None:
    return os.environ.get(variable(name)) or os.environ.get(_VARIABLE) or None


def _asks_git(document: ProjectFile, tree: SourceTree) -> bool:
    if document.build.names & _OF_GIT:
        return True
    pdm = document.tool.get("pdm")
    source = pdm.get("version") if isinstance(pdm, Mapping) else None
    if document.build.backend == "pdm.backend" and isinstance(source, Mapping) and source.get("source") == "scm":
        return True
    return any(_IN_PROGRAM.search(text) for text in _programs(tree))


def _programs(tree: SourceTree) -> Iterator[str]:
    yield from (text for path in ("setup.py", "setup.cfg") if path in tree.paths and (text := tree.text(path)))


def _of_flit(document: ProjectFile, tree: SourceTree) -> str:
    path = content.module_file(tree, document.project.name.replace("-", "_")) if document.project else None
    return content.constant(tree, path, "__version__") if path else ""


def _of_pdm(document: ProjectFile, tree: SourceTree) -> str:
    options = document.table(PdmVersion, "pdm", "version")
    text = tree.text(options.path) if options.source == "file" and options.path else None
    found = _OF_PDM.search(text or "")
    return found["version"] if found else ""


_READERS: Mapping[str, Callable[[ProjectFile, SourceTree], str]] = {
    "flit_core": _of_flit,
    "pdm": _of_pdm,
    "setuptools": setuptools.version,
}
"""How the version of a backend is found, by its module."""
