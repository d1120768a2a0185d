"""`[tool.poetry]` of a pyproject.toml, as core metadata: Poetry's own form of dependencies and their versions."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from packaging.utils import canonicalize_name

from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.packages.pypi import poetry_project, poetry_versions
from builder.packages.pypi.local import described, pep621
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.tree import SourceTree
from builder.packages.pypi.poetry_project import Dependency


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryPackage:
    """`[tool.poetry]`."""

    name: str | None = None
    version: str | None = None
    description: str = ""
    license: str = ""
    authors: tuple[str, ...] = ()
    readme: Any = None
    keywords: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    packages: tuple[Mapping[str, Any], ...] | None = None
    include: tuple[str | Mapping[str, Any], ...] = ()
    exclude: tuple[str | Mapping[str, Any], ...] = ()
    dependencies: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scripts: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    plugins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    build: Any = None
    package_mode: Annotated[bool, Field(alias="package-mode")] = True


def package(table: PoetryPackage, tree: SourceTree) -> Described:
    """Return what the tables of Poetry 1 say. Raises UnknownError for what only poetry-core can tell."""
    if table.name is None:
        msg = "it has no name"
        raise UnknownError(msg)
    if any(not isinstance(target, str) for target in table.scripts.values()):
        msg = "it has a script with options"
        raise UnknownError(msg)
    readme = tree.text(table.readme) if isinstance(table.readme, str) else None
    return Described(
        name=table.name,
        version=described.version(table.version) if table.version else None,
        requires=tuple(_requires(table)),
        extras=tuple(table.extras),
        python=_python(table.dependencies.get("python", "*")),
        summary=table.description,
        licence_text=table.license,
        classifiers=table.classifiers,
        keywords=table.keywords,
        urls=table.urls,
        authors=(("Author", ", ".join(table.authors)),) if table.authors else (),
        readme=("text/markdown", readme) if readme is not None else None,
        entry_points={"console_scripts": {name: str(to) for name, to in table.scripts.items()}, **table.plugins},
    )


def _requires(table: PoetryPackage) -> Iterator[str]:
    extras: dict[str, list[str]] = {}
    for extra, names in table.extras.items():
        for name in names:
            extras.setdefault(canonicalize_name(name), []).append(extra)
    for dependency in dependencies(table, Path(pep621.NAME)):
        text = _requirement(dependency)
        named = extras.get(dependency.name, [])
        if dependency.optional or named:
            yield from (described.with_extra(text, extra) for extra in named)
        else:
            yield text


def dependencies(table: PoetryPackage, path: Path) -> Iterator[Dependency]:
    """Yield the dependencies of a package in Poetry's notation. Raises UsageError for one that is not valid."""
    for name, row in table.dependencies.items():
        if name != "python":
            yield from poetry_project.parsed(name, row, path)


def _requirement(dependency: Dependency) -> str:
    """Return a dependency as a requirement, without the place that it comes from."""
    if len(dependency.versions) > 1:
        msg = f"the versions of `{dependency.name}` are several ranges"
        raise UnknownError(msg)
    extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
    versions = "" if dependency.place else dependency.versions[0]
    return f"{dependency.name}{extras}{versions}{f' ; {dependency.marker}' if dependency.marker else ''}"


def _python(given: object) -> str:
    """Return the versions of Python that a package accepts, as PEP 440 has them."""
    text = given.get("version", "*") if isinstance(given, Mapping) else given
    try:
        found = poetry_versions.parsed(str(text))
    except ValueError as error:
        raise UnknownError(str(error)) from None
    return str(found[0]) if len(found) == 1 else ""


def of_project(document: pep621.ProjectFile, tree: SourceTree, table: PoetryPackage) -> Described:
    """Return what `[project]` says, with what Poetry's table has in place of its dynamic fields."""
    if document.project is None:
        return package(table, tree)
    own = tuple(_requires(table))
    return pep621.package(
        document.project,
        tree,
        {
            "version": lambda: _given(table.version),
            "dependencies": lambda: own,
            "description": lambda: table.description,
            "classifiers": lambda: table.classifiers,
            "requires-python": lambda: _python(table.dependencies.get("python", "*")),
        },
    )


def _given(version: str | None) -> str:
    if version is None:
        msg = "its version is only known to its backend"
        raise UnknownError(msg)
    return version
