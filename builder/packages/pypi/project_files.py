"""What pyproject.toml and the locks of projects say, as far as it is read: typed values, or errors that name the file.

They come with a repository, and some are written by hand; whatever they hold is one of both.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from builder.base import texts
from builder.base.errors import UsageError
from builder.packages.pypi.pylock import LockedPackage

_SHOWN = 5
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectTable:
    """`[project]` of a pyproject.toml (PEP 621)."""

    name: str | None = None
    dependencies: tuple[str, ...] = ()
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolTables:
    """`[tool]`."""

    uv: UvTable = field(default_factory=UvTable)
    poetry: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pyproject:
    """A pyproject.toml."""

    project: ProjectTable | None = None
    tool: ToolTables = field(default_factory=ToolTables)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requires:
    """What a project of a uv.lock asks for."""

    name: str
    specifier: str = ""
    marker: str = ""

    @property
    def always(self) -> bool:
        """Whether it is asked for without an extra."""
        return "extra ==" not in self.marker


@dataclass(frozen=True, kw_only=True, slots=True)
class UvMetadata:
    """`[package.metadata]` of a uv.lock."""

    requires: Annotated[tuple[Requires, ...], Field(alias="requires-dist")] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UvPackage:
    """`[[package]]` of a uv.lock."""

    name: str = ""
    metadata: UvMetadata = field(default_factory=UvMetadata)


@dataclass(frozen=True, kw_only=True, slots=True)
class UvLock:
    """A uv.lock."""

    package: tuple[UvPackage, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pylock:
    """A pylock.toml (PEP 751)."""

    version: Annotated[str, Field(alias="lock-version")] = ""
    packages: tuple[LockedPackage, ...] = ()


def read(kind: type[T], path: Path) -> T:
    """Return the content of a file. Raises UsageError if it is not TOML, or has other types."""
    try:
        return TypeAdapter(kind).validate_python(texts.parse_toml(texts.read(path)))
    except texts.MalformedError as error:
        msg = f"{path.as_posix()} is not valid TOML"
        raise UsageError(msg, why=[str(error)]) from error
    except ValidationError as error:
        msg = f"{path.as_posix()} does not have the keys and types of its format"
        raise UsageError(msg, why=[_where(each) for each in error.errors()[:_SHOWN]]) from error


def _where(error: Any) -> str:  # noqa: ANN401  a TypedDict of pydantic_core
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
