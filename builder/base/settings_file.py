"""The file with the settings of a project: where it is found. Costs some calls of the system where there is none."""

import re
from collections.abc import Iterator
from pathlib import Path

from builder.base import texts
from builder.base.faults import TomlText
from builder.base.frozen import dataclass

NAME = "layerwright.toml"
PYPROJECT = "pyproject.toml"
TABLE = ("tool", "layerwright")
_NAMED = re.compile(
    r"^\s*\[\s*[\"']?tool[\"']?\s*\]|^\s*[\"']?tool[\"']?\s*=|[\"']?tool[\"']?\s*\.\s*[\"']?layerwright\b", re.MULTILINE
)
"""What a pyproject.toml has that may have settings; most have none, and are not parsed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsFile:
    """The file that was found, and its text."""

    path: Path
    text: TomlText

    def tables(self) -> dict[str, object]:
        """Return the settings. Raises UsageError for a file that is not valid TOML."""
        found: object = self.text.parsed()
        for key in self.text.below:
            found = found.get(key, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}


def find(start: Path) -> SettingsFile | None:
    """Return the file of the nearest folder that has one: the working folder, or one above it in its repository.

    `layerwright.toml` counts before the `pyproject.toml` beside it. Outside of a repository, folders above belong to
    anybody. Raises UsageError for a file that cannot be read.
    """
    return next(filter(None, map(_in, _folders(start))), None)


def _folders(start: Path) -> Iterator[Path]:
    """Yield the folders that may have a file, the nearest first."""
    every = (start, *start.parents)
    root = next((number for number, folder in enumerate(every) if (folder / ".git").exists()), 0)
    yield from every[: root + 1]


def _in(folder: Path) -> SettingsFile | None:
    own = folder / NAME
    if own.is_file():
        return SettingsFile(path=own, text=TomlText(name=_shown(own), text=texts.read(own)))
    project = folder / PYPROJECT
    if project.is_file() and TABLE[1] in (content := texts.read(project)) and _NAMED.search(content):
        found = SettingsFile(path=project, text=TomlText(name=_shown(project), text=content, below=TABLE))
        return found if _has_table(found) else None
    return None


def _has_table(file: SettingsFile) -> bool:
    """Tell whether a pyproject.toml has settings. One that is not valid TOML is told by the tools that it is for."""
    try:
        tools = texts.parse_toml(file.text.text).get("tool")
    except texts.MalformedError:
        return False
    return isinstance(tools, dict) and TABLE[1] in tools


def _shown(path: Path) -> str:
    """Return a path as one types it in the working folder or one below it."""
    here = Path.cwd()
    up = next((number for number, folder in enumerate((here, *here.parents)) if folder == path.parent), None)
    return path.as_posix() if up is None else "/".join([".."] * up + [path.name])
