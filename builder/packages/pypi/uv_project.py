"""The settings that uv has for a project: `[tool.uv]` of its pyproject.toml, or the uv.toml in place of that.

layerwright follows where packages come from. What else decides on versions only uv works out, and writes into uv.lock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from builder.base import contained
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.packages.pypi import project_files, pyproject, uv
from builder.packages.pypi.local import sources

FILE = "uv.toml"
_DECIDING = (
    *("constraint-dependencies", "override-dependencies", "exclude-dependencies", "dependency-metadata"),
    *("exclude-newer", "exclude-newer-package", "prerelease", "resolution", "index-strategy", "no-sources"),
)
"""The settings that decide on the versions of packages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingProject:
    """A pyproject.toml, as far as it has settings of tools."""

    tool: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class UvSettings:
    """The settings of a project, and the file that has them."""

    file: Path
    table: Mapping[str, Any]


def settings(folder: Path) -> UvSettings | None:
    """Return the settings of a project; None if it has none.

    They are those of the workspace, in the first folder that has any, up to the root of the repository.
    """
    inside = folder.resolve()
    end = contained.repository(inside) or inside
    return next(filter(None, map(_beside, _upwards(sources.workspace(inside) or inside, end))), None)


def _upwards(folder: Path, end: Path) -> Iterator[Path]:
    yield folder
    if folder != end and folder.is_relative_to(end):
        yield from _upwards(folder.parent, end)


def _beside(folder: Path) -> UvSettings | None:
    if (file := folder / FILE).is_file():
        return UvSettings(file=file, table=project_files.raw(file))
    if (file := folder / pyproject.NAME).is_file():
        table = project_files.read(SettingProject, file).tool.get("uv")
        return UvSettings(file=file, table=table) if isinstance(table, dict) else None
    return None


def refuse_deciding(folder: Path) -> None:
    """Raise UsageError if settings of a project without a lock decide on the versions of its packages."""
    found = settings(folder)
    given = [f"`{key}`" for key in _DECIDING if found and found.table.get(key)]
    if found and given:
        msg = f"{found.file.as_posix()} has settings that only uv works out: {', '.join(given)}"
        raise UsageError(
            msg, hint=f"`uv lock{uv.of_project(folder)}` writes what they mean into uv.lock, which decides then"
        )
