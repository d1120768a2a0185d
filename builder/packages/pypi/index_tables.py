"""What projects and the locks of their tools say of indexes: tables of pyproject.toml, Pipfile and locks, typed."""

import os
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any
from urllib.parse import urlsplit

from builder.base import credentials
from builder.base.frozen import dataclass
from builder.base.rules import Field

PUBLIC = "https://pypi.org/simple"
"""The public index, to which pip, Poetry, PDM and Pipenv are set."""
_DEFAULT = "pypi"
"""The name that tools have for their default."""
Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UvIndex:
    """`[[tool.uv.index]]`."""

    url: str
    name: str | None = None
    default: bool = False
    explicit: bool = False
    format: str = "simple"


@dataclass(frozen=True, kw_only=True, slots=True)
class UvSource:
    """An entry of `[tool.uv.sources]`, as far as it names an index."""

    index: str | None = None
    marker: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UvIndexes:
    """`[tool.uv]`."""

    index: tuple[UvIndex, ...] = ()
    sources: Mapping[str, UvSource | tuple[UvSource, ...]] = field(default_factory=dict)
    index_url: Annotated[str | None, Field(alias="index-url")] = None
    extra: Annotated[Names, Field(alias="extra-index-url")] = ()
    links: Annotated[Names, Field(alias="find-links")] = ()
    no_index: Annotated[bool, Field(alias="no-index")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedSource:
    """`[[tool.poetry.source]]`, `[[tool.pdm.source]]`, and `[[source]]` of a Pipfile."""

    name: str = ""
    url: str | None = None
    priority: str = "primary"
    type: str = "index"
    verify_ssl: bool = True
    include_packages: Names = ()
    exclude_packages: Names = ()

    @property
    def is_default(self) -> bool:
        """Whether it stands in place of the tool's default, whose name it has."""
        return self.name.lower() == _DEFAULT

    @property
    def is_users(self) -> bool:
        """Whether it is the default of the user: the public index, which a mirror may stand for."""
        return not self.url or credentials.without(self.url).rstrip("/") == PUBLIC

    @property
    def address(self) -> str:
        """Its address; of the default of the user that of the settings of uv."""
        users = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or PUBLIC
        return users if self.is_users else self.url or ""

    @property
    def trusted(self) -> Names:
        """Its host, if its certificate is not verified."""
        return () if self.verify_ssl else (urlsplit(self.url or "").netloc.rpartition("@")[2],)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryGroup:
    """`[tool.poetry.group.NAME]`: a dependency is a text, a table, or several."""

    dependencies: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetrySources:
    """`[tool.poetry]`."""

    source: tuple[NamedSource, ...] = ()
    dependencies: Mapping[str, Any] = field(default_factory=dict)
    group: Mapping[str, PoetryGroup] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmSources:
    """`[tool.pdm]`."""

    source: tuple[NamedSource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSources:
    """`[tool]`."""

    uv: UvIndexes = field(default_factory=UvIndexes)
    poetry: PoetrySources = field(default_factory=PoetrySources)
    pdm: PdmSources = field(default_factory=PdmSources)


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexProject:
    """A pyproject.toml."""

    tool: ToolSources = field(default_factory=ToolSources)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedFrom:
    """Where a lock of uv or Poetry has a package from."""

    registry: str | None = None
    type: str | None = None
    url: str | None = None
    reference: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedSource:
    """One package of a lock of uv or Poetry, or of a pylock.toml."""

    name: str = ""
    version: str | None = None
    source: LockedFrom = field(default_factory=LockedFrom)
    index: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedSources:
    """A uv.lock, a poetry.lock or a pylock.toml."""

    package: tuple[LockedSource, ...] = ()
    packages: tuple[LockedSource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PipfileMeta:
    """`_meta` of a Pipfile.lock."""

    sources: tuple[NamedSource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PipfilePackage:
    """One package of a Pipfile.lock."""

    index: str | None = None
    version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PipfileLock:
    """A Pipfile.lock, without its sections."""

    meta: Annotated[PipfileMeta, Field(alias="_meta")] = field(default_factory=PipfileMeta)
