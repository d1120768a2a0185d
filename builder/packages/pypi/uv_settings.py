"""The settings of uv that count: those of the user and of the system, never those of a project.

An index, a cache or dependencies to leave out, in a `uv.toml` or `[tool.uv]` of the current folder or one above it,
would decide on packages that a lock or a recipe names. uv looks for them by itself unless it is told what to read.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.model.decode import parse_toml

_FILE = Path("uv", "uv.toml")
_SYSTEM = "/etc/xdg"
_FALSE = frozenset({"", "0", "f", "false", "n", "no", "off"})
"""The values of a variable by which uv takes an option as not given."""


@contextlib.contextmanager
def options(own: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the options by which uv reads the settings of the user and the system, and `own` behind them."""
    files = _files()
    if not own and len(files) <= 1:
        yield ("--config-file", str(files[0])) if files else ("--no-config",)
        return
    settings: dict[str, Any] = {}
    for each in (*(parse_toml(texts.read(path), path.as_posix()) for path in files), own):
        settings = _combined(settings, each)
    with tempfile.TemporaryDirectory(prefix="layerwright-") as folder:
        path = Path(folder, _FILE.name)
        text = "".join(f"{_value(key)} = {_value(value)}\n" for key, value in settings.items())
        path.write_text(text, encoding="utf-8", newline="\n")
        yield "--config-file", str(path)


def _files() -> list[Path]:
    """Return the files of the user and of the system, as uv finds them; the file that a variable names is the only one.

    https://docs.astral.sh/uv/concepts/configuration-files/
    """
    if named := os.environ.get("UV_CONFIG_FILE"):
        return [Path(named)]
    if os.environ.get("UV_NO_CONFIG", "").lower() not in _FALSE:
        return []
    return [path for folders in _folders() if (path := _first(folders)) is not None]


def _folders() -> tuple[list[Path], list[Path]]:
    """Return the folders in which settings of the user, and those in which settings of the system may be."""
    if sys.platform == "win32":
        drive = os.environ.get("SYSTEMDRIVE", "C:")
        return [Path(os.environ["APPDATA"])] if "APPDATA" in os.environ else [], [Path(f"{drive}\\ProgramData")]
    given = os.environ.get("XDG_CONFIG_HOME", "")
    user = Path(given) if given.startswith("/") else Path.home() / ".config"
    system = filter(None, (os.environ.get("XDG_CONFIG_DIRS") or _SYSTEM).split(":"))
    return [user], [*map(Path, system), Path("/etc")]


def _first(folders: list[Path]) -> Path | None:
    return next((path for folder in folders if (path := folder / _FILE).is_file()), None)


def _combined(first: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return both as uv combines files: lists are joined, tables are merged, and else the first one counts."""
    found = dict(first)
    for key, value in later.items():
        before = found.get(key)
        if isinstance(before, list) and isinstance(value, list):
            found[key] = [*before, *value]
        elif isinstance(before, dict) and isinstance(value, dict):
            found[key] = _combined(before, value)
        else:
            found.setdefault(key, value)
    return found


def _value(value: object) -> str:
    """Return a value of TOML, in one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_value(key)} = {_value(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value if isinstance(value, (bool, int, float)) else str(value), ensure_ascii=False)
