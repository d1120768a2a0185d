"""`[project]` of a pyproject.toml (PEP 621, PEP 639), with the tables of backends, which know of nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from builder.base import credentials
from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.model import pep508
from builder.model.decode import typed
from builder.packages.pypi import project_files
from builder.packages.pypi.local import described
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.tree import SourceTree

T = TypeVar("T")
NAME = "pyproject.toml"
_TYPES = {".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An author."""

    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOrText:
    """A license or a readme as a table."""

    file: str | None = None
    text: str | None = None
    content_type: Annotated[str | None, Field(alias="content-type")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FullProject:
    """`[project]`."""

    name: str
    version: str | None = None
    description: str = ""
    readme: str | FileOrText | None = None
    requires_python: Annotated[str, Field(alias="requires-python")] = ""
    license: str | FileOrText | None = None
    license_files: Annotated[tuple[str, ...] | dict[str, Any] | None, Field(alias="license-files")] = None
    authors: tuple[Person, ...] = ()
    maintainers: tuple[Person, ...] = ()
    keywords: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    gui_scripts: Annotated[Mapping[str, str], Field(alias="gui-scripts")] = field(default_factory=dict)
    entry_points: Annotated[Mapping[str, Mapping[str, str]], Field(alias="entry-points")] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    extras: Annotated[Mapping[str, tuple[str, ...]], Field(alias="optional-dependencies")] = field(default_factory=dict)
    dynamic: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildTable:
    """`[build-system]`."""

    requires: tuple[str, ...] = ("setuptools",)
    backend: Annotated[str, Field(alias="build-backend")] = "setuptools.build_meta"
    path: Annotated[tuple[str, ...], Field(alias="backend-path")] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of what it requires. Raises UnknownError for what is no requirement."""
        try:
            return frozenset(canonicalize_name(pep508.parsed(text).name) for text in self.requires)
        except InvalidRequirement as error:
            msg = f"its build requirements are not valid: {str(error).splitlines()[0]}"
            raise UnknownError(msg) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectFile:
    """A pyproject.toml; `tool` is read by the backends."""

    project: FullProject | None = None
    build: Annotated[BuildTable, Field(alias="build-system")] = field(default_factory=BuildTable)
    tool: Mapping[str, Any] = field(default_factory=dict)

    def table(self, kind: type[T], *keys: str) -> T:
        """Return a table of a tool. Raises UnknownError for an option that is not known."""
        found: Any = self.tool
        for key in keys:
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        try:
            return typed(kind, found)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(("tool", *keys, *map(str, first["loc"])))
            msg = f"`{where}` of its pyproject.toml is only followed by its backend"
            raise UnknownError(msg) from None


def read(tree: SourceTree) -> ProjectFile:
    """Return the pyproject.toml of a folder, or one without content. Raises UsageError for one that is not valid."""
    return project_files.read(ProjectFile, tree.folder / NAME) if NAME in tree.paths else ProjectFile()


def package(
    project: FullProject, tree: SourceTree, dynamic: Mapping[str, Callable[[], Any]], *, whole: bool = True
) -> Described:
    """Return what `[project]` says, with what a backend finds for its dynamic fields.

    Raises UnknownError for a dynamic field that is not among them. Unless the package is needed as a `whole`, only its
    name and its requirements are.
    """
    needed = {name for name in project.dynamic if whole or name in {"dependencies", "optional-dependencies"}}
    if unknown := sorted(needed - dynamic.keys()):
        msg = f"its {unknown[0]} is only known to its backend"
        raise UnknownError(msg)
    found = {name: dynamic[name]() for name in needed}
    extras = found.get("optional-dependencies", project.extras)
    version = found.get("version", project.version)
    licence, text, licence_files = _licence(project, tree)
    points = {"console_scripts": project.scripts, "gui_scripts": project.gui_scripts, **project.entry_points}
    return Described(
        name=project.name,
        version=described.version(version) if version else None,
        requires=requirements(found.get("dependencies", project.dependencies), extras),
        extras=tuple(extras),
        python=found.get("requires-python", project.requires_python),
        summary=found.get("description", project.description),
        licence=licence,
        licence_text=text,
        licence_files=licence_files,
        classifiers=tuple(found.get("classifiers", project.classifiers)),
        keywords=project.keywords,
        urls=project.urls,
        authors=(*_people("Author", project.authors), *_people("Maintainer", project.maintainers)),
        readme=found.get("readme") or _readme(project.readme, tree),
        entry_points={**points, **found.get("entry-points", {}), **found.get("scripts", {})},
    )


def requirements(own: tuple[str, ...], extras: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return requirements as core metadata has them. Raises UnknownError for what is none."""
    every = [*own, *(described.with_extra(text, extra) for extra, texts_ in extras.items() for text in texts_)]
    for text in every:
        try:
            pep508.parsed(text)
        except InvalidRequirement:
            msg = f"`{credentials.redact(text)[:80]}` is not a valid requirement"
            raise UnknownError(msg) from None
    return tuple(every)


def _licence(project: FullProject, tree: SourceTree) -> tuple[str, str, tuple[str, ...] | None]:
    """Return the expression, the text and the files of a license."""
    globs = project.license_files
    if isinstance(globs, dict):
        globs = tuple(text for key in ("paths", "globs") for text in globs.get(key, ()))
    if isinstance(project.license, str):
        return project.license, "", globs
    if project.license is None:
        return "", "", globs
    files = (project.license.file,) if project.license.file else None
    text = project.license.text or (tree.text(project.license.file) if project.license.file else None)
    return "", text or "", globs if globs is not None else files


def _people(role: str, people: tuple[Person, ...]) -> tuple[tuple[str, str], ...]:
    names = ", ".join(each.name for each in people if each.name and not each.email)
    mails = ", ".join(f"{each.name} <{each.email}>" if each.name else each.email for each in people if each.email)
    return (*(((role, names),) if names else ()), *(((f"{role}-email", mails),) if mails else ()))


def _readme(given: str | FileOrText | None, tree: SourceTree) -> tuple[str, str] | None:
    if given is None:
        return None
    table = FileOrText(file=given) if isinstance(given, str) else given
    kind = table.content_type or _TYPES.get(PurePosixPath(table.file or "").suffix.lower(), "text/plain")
    text = table.text if table.file is None else tree.text(table.file)
    if text is None:
        msg = f"its readme {table.file} is missing"
        raise UnknownError(msg)
    return kind, text
