"""`[tool.poetry]` of a pyproject.toml, as core metadata: Poetry's own form of dependencies and their versions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from packaging.version import InvalidVersion, Version
from pydantic import Field

from builder.packages.pypi.local import described, pep621
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.tree import SourceTree

_PART = re.compile(r"\s*(?P<operator>\^|~=|~|===|==|!=|>=|<=|>|<|=)?\s*(?P<version>[^\s,]+)\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryDependency:
    """A dependency that is written as a table."""

    version: str = "*"
    extras: tuple[str, ...] = ()
    optional: bool = False
    python: str | None = None
    markers: str | None = None
    path: str | None = None
    git: str | None = None
    url: str | None = None
    rev: str | None = None
    tag: str | None = None
    branch: str | None = None
    subdirectory: str | None = None
    platform: str | None = None


Given = str | PoetryDependency | tuple[PoetryDependency, ...]


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
    dependencies: Mapping[str, Given] = field(default_factory=dict)
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
    python = table.dependencies.get("python")
    return Described(
        name=table.name,
        version=described.version(table.version) if table.version else None,
        requires=tuple(_requires(table)),
        extras=tuple(table.extras),
        python=specifier(python) if isinstance(python, str) else "",
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
            extras.setdefault(described.normalized(name), []).append(extra)
    for name, given in table.dependencies.items():
        if name == "python":
            continue
        for each in given if isinstance(given, tuple) else (given,):
            dependency = PoetryDependency(version=each) if isinstance(each, str) else each
            text = requirement(name, dependency)
            named = extras.get(described.normalized(name), [])
            if dependency.optional or named:
                yield from (described.with_extra(text, extra) for extra in named)
            else:
                yield text


def requirement(name: str, dependency: PoetryDependency) -> str:
    """Return a dependency as a requirement, without the place that it comes from."""
    extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
    placed = dependency.path or dependency.git or dependency.url
    versions = "" if placed else specifier(dependency.version)
    markers = [f"({dependency.markers})"] if dependency.markers else []
    markers += [_python_marker(dependency.python)] if dependency.python else []
    markers += [f'sys_platform == "{dependency.platform}"'] if dependency.platform else []
    condition = " and ".join(markers)
    return f"{name}{extras}{versions}{f' ; {condition}' if markers else ''}"


def _python_marker(text: str) -> str:
    parts = [part.strip() for part in specifier(text).split(",") if part.strip()]
    found = [re.match(r"(==|!=|>=|<=|>|<|~=)(.*)", part) for part in parts]
    return " and ".join(f'python_full_version {match[1]} "{match[2].strip()}"' for match in found if match) or (
        'python_version >= "0"'
    )


def specifier(text: str) -> str:
    """Return Poetry's form of versions as PEP 440 has it. Raises UnknownError for alternatives, which that has not."""
    if "||" in text or "|" in text:
        msg = f"`{text}` are several ranges of versions"
        raise UnknownError(msg)
    return ",".join(part for each in text.split(",") for part in _ranges(each))


def _ranges(text: str) -> Iterator[str]:
    for match in _PART.finditer(text):
        operator, version = match["operator"] or "", match["version"]
        if version == "*":
            continue
        if "*" in version or operator not in {"^", "~", "", "="}:
            yield f"{operator if operator not in {'', '='} else '=='}{version}"
        elif operator in {"", "="}:
            yield f"=={version}"
        else:
            yield f">={version}"
            yield f"<{_above(version, operator)}"


def _above(text: str, operator: str) -> str:
    """Return the first version that `^` or `~` does not allow."""
    try:
        release = Version(text).release
    except InvalidVersion:
        msg = f"`{text}` is not a valid version"
        raise UnknownError(msg) from None
    last = 0 if len(release) == 1 else 1
    if operator == "^":
        last = next((place for place, number in enumerate(release) if number), len(release) - 1)
    parts = [*release[:last], release[last] + 1]
    return ".".join(map(str, [*parts, *[0] * (len(release) - len(parts))]))


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
            "requires-python": lambda: specifier(str(table.dependencies.get("python", "*"))),
        },
    )


def _given(version: str | None) -> str:
    if version is None:
        msg = "its version is only known to its backend"
        raise UnknownError(msg)
    return version
