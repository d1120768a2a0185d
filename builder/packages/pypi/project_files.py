"""What pyproject.toml and the locks of projects say, as far as it is read: typed values, or errors that name the file.

They come with a repository, and some are written by hand; whatever they hold is one of both.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from builder.base import credentials, texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.model.decode import parse_toml, typed
from builder.packages.projects import refuse_conflicts
from builder.packages.pypi.pylock import LockedPackage

_SHOWN = 5
_KEPT = 32
"""Files whose content is kept in memory: those of a project, and of the workspace around it, with its lock."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectTable:
    """`[project]` of a pyproject.toml (PEP 621)."""

    name: str | None = None
    dependencies: tuple[str, ...] = ()
    extras: Annotated[Mapping[str, tuple[str, ...]], Field(alias="optional-dependencies")] = field(default_factory=dict)
    requires_python: Annotated[str, Field(alias="requires-python")] = ""
    dynamic: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """`[tool.uv.workspace]`: patterns of folders."""

    members: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UvTable:
    """`[tool.uv]`."""

    workspace: Workspace = field(default_factory=Workspace)
    dev: Annotated[tuple[str, ...] | None, Field(alias="dev-dependencies")] = None
    """The group `dev`, as older versions of uv wrote it."""
    constraints: Annotated[tuple[str, ...], Field(alias="constraint-dependencies")] = ()
    overrides: Annotated[tuple[str, ...], Field(alias="override-dependencies")] = ()
    build_constraints: Annotated[tuple[str, ...], Field(alias="build-constraint-dependencies")] = ()
    excludes: Annotated[tuple[str, ...], Field(alias="exclude-dependencies")] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryGroupTable:
    """`[tool.poetry.group.NAME]`."""

    dependencies: Mapping[str, Any] = field(default_factory=dict)
    includes: Annotated[tuple[str, ...], Field(alias="include-groups")] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryTable:
    """`[tool.poetry]`."""

    name: str | None = None
    dependencies: Mapping[str, Any] = field(default_factory=dict)
    dev: Annotated[Mapping[str, Any] | None, Field(alias="dev-dependencies")] = None
    """The group `dev`, as versions before 1.2 wrote it."""
    group: Mapping[str, PoetryGroupTable] = field(default_factory=dict)
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmResolution:
    """`[tool.pdm.resolution]`."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmTable:
    """`[tool.pdm]`."""

    resolution: PdmResolution = field(default_factory=PdmResolution)
    dev: Annotated[Mapping[str, tuple[str, ...]], Field(alias="dev-dependencies")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolTables:
    """`[tool]`."""

    uv: UvTable = field(default_factory=UvTable)
    poetry: PoetryTable | None = None
    pdm: PdmTable = field(default_factory=PdmTable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pyproject:
    """A pyproject.toml."""

    project: ProjectTable | None = None
    groups: Annotated[Mapping[str, tuple[str | Mapping[str, str], ...]], Field(alias="dependency-groups")] = field(
        default_factory=dict
    )
    tool: ToolTables = field(default_factory=ToolTables)

    @property
    def named_groups(self) -> tuple[str, ...]:
        """The names of its groups: those of PEP 735, and those of uv, Poetry and PDM."""
        poetry, dev = self.tool.poetry, self.tool.uv.dev is not None
        names = [*self.groups, *self.tool.pdm.dev]
        if poetry:
            names += poetry.group
            dev = dev or poetry.dev is not None
        return tuple(dict.fromkeys([*names, *(["dev"] if dev else [])]))

    def included(self, group: str) -> frozenset[str]:
        """Return the normalized names of the groups that a group includes, directly or not."""
        listed = {canonicalize_name(name): rows for name, rows in self.groups.items()}
        poetry = self.tool.poetry.group if self.tool.poetry else {}
        tables = {canonicalize_name(name): table.includes for name, table in poetry.items()}
        found: set[str] = set()
        waiting = {canonicalize_name(group)}
        while waiting:
            name = waiting.pop()
            rows = [row.get("include-group", "") for row in listed.get(name, ()) if isinstance(row, Mapping)]
            new = {*map(canonicalize_name, (*rows, *tables.get(name, ())))} - found - {""}
            found |= new
            waiting |= new
        return frozenset(found)

    @property
    def named_extras(self) -> tuple[str, ...]:
        """The names of its extras."""
        poetry = self.tool.poetry.extras if self.tool.poetry else {}
        return tuple(dict.fromkeys([*(self.project.extras if self.project else ()), *poetry]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Requires:
    """What a project of a uv.lock asks for."""

    name: str
    specifier: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    index: str | None = None
    url: str | None = None
    path: str | None = None
    directory: str | None = None
    editable: str | None = None
    virtual: str | None = None
    git: str | None = None
    subdirectory: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UvMetadata:
    """`[package.metadata]` of a uv.lock."""

    requires: Annotated[tuple[Requires, ...], Field(alias="requires-dist")] = ()
    groups: Annotated[Mapping[str, tuple[Requires, ...]], Field(alias="requires-dev")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class UvPackage:
    """`[[package]]` of a uv.lock."""

    name: str = ""
    metadata: UvMetadata = field(default_factory=UvMetadata)


@dataclass(frozen=True, kw_only=True, slots=True)
class UvManifest:
    """`[manifest]` of a uv.lock: what the root of the workspace sets."""

    members: tuple[str, ...] = ()
    constraints: tuple[Requires, ...] = ()
    overrides: tuple[Requires, ...] = ()
    excludes: tuple[str, ...] = ()
    build: Annotated[tuple[Requires, ...], Field(alias="build-constraints")] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UvOptions:
    """`[options]` of a uv.lock: how uv chose among versions, where that is not its default."""

    resolution: Annotated[str, Field(alias="resolution-mode")] = "highest"
    prerelease: Annotated[str, Field(alias="prerelease-mode")] = "if-necessary-or-explicit"
    newer: Annotated[str | None, Field(alias="exclude-newer")] = None
    newer_span: Annotated[str | None, Field(alias="exclude-newer-span")] = None
    """In place of `newer`, which has no meaning then."""
    newer_package: Annotated[Mapping[str, Any], Field(alias="exclude-newer-package")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class UvLock:
    """A uv.lock."""

    requires_python: Annotated[str, Field(alias="requires-python")] = ""
    supported: Annotated[tuple[str, ...], Field(alias="supported-markers")] = ()
    options: UvOptions = field(default_factory=UvOptions)
    manifest: UvManifest = field(default_factory=UvManifest)
    package: tuple[UvPackage, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pylock:
    """A pylock.toml (PEP 751)."""

    version: Annotated[str, Field(alias="lock-version")] = ""
    requires_python: Annotated[str, Field(alias="requires-python")] = ""
    environments: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: Annotated[tuple[str, ...], Field(alias="dependency-groups")] = ()
    default_groups: Annotated[tuple[str, ...], Field(alias="default-groups")] = ()
    packages: tuple[LockedPackage, ...] = ()


def read(kind: type[T], path: Path) -> T:
    """Return the content of a file. Raises UsageError if it is not TOML, or has other types."""
    text = texts.read(path)
    refuse_conflicts(path, text)
    try:
        content: T = _content(kind, text, path.as_posix())  # type: ignore[arg-type]  # a class has a hash
    except ValidationError as error:
        msg = f"{path.as_posix()} does not have the keys and types of its format"
        raise UsageError(msg, why=[_where(each) for each in error.errors()[:_SHOWN]]) from error
    return content


@lru_cache(maxsize=_KEPT)
def _content(kind: Any, text: str, where: str) -> Any:  # noqa: ANN401  what a file holds
    """Return what a text holds, once for all targets of a command: a lock may be large."""
    return typed(kind, parse_toml(text, where))


def raw(path: Path) -> dict[str, Any]:
    """Return the tables of a file, as its tool hashes them. Raises UsageError if it is not TOML."""
    text = texts.read(path)
    refuse_conflicts(path, text)
    return parse_toml(text, path.as_posix())


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise UsageError, which names the file, for what the block finds in it to be no address, path or pattern."""
    try:
        yield
    except (ValueError, NotImplementedError, RecursionError) as error:  # of urllib, pathlib, glob and packaging
        msg = f"{path.as_posix()} has an address, a path or a pattern that is not valid"
        raise UsageError(msg, why=[credentials.redact(str(error))]) from error


def _where(error: Any) -> str:  # noqa: ANN401  a TypedDict of pydantic_core
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
