"""Data files in `images/`, which is beside the package in a checkout and inside it when installed."""

from functools import cache
from pathlib import Path

import tomli

_PACKAGE = Path(__file__).parent.parent


@cache
def folder() -> Path:
    """Return the `images` folder that belongs to this code."""
    installed = _PACKAGE / "images"
    return installed if installed.is_dir() else _PACKAGE.parent / "images"


@cache
def table(name: str) -> dict[str, object]:
    """Return one TOML file of the `images` folder."""
    return tomli.loads((folder() / name).read_text(encoding="utf-8"))
