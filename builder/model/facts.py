"""Data files in `images/`, and recipes: beside the package in a checkout, and inside it when installed."""

from functools import cache
from pathlib import Path
from typing import TypeVar

from builder.base import environment

T = TypeVar("T")
_PACKAGE = Path(__file__).parent.parent


@cache
def folder() -> Path:
    """Return the `images` folder that belongs to this code."""
    return _PACKAGE / "images" if installed() else _PACKAGE.parent / "images"


@cache
def catalogue() -> Path:
    """Return the folder of the recipes that belong to this code: beside it in a clone, inside it when installed."""
    return (_PACKAGE if installed() else _PACKAGE.parent) / "recipes"


@cache
def installed() -> bool:
    """Tell whether this code is installed, rather than in a clone."""
    return (_PACKAGE / "images").is_dir()


def own_folder() -> Path:
    """Return the folder of the data that users write: pins of images, and facts about images.

    It is LAYERWRIGHT_PINS, else `images/` of a clone, else the current folder, beside `recipes/`: users do not write to
    the folder of an installation.
    """
    given = environment.value("LAYERWRIGHT_PINS")
    return Path(given) if given else Path() if installed() else folder()


def files(under: str = "") -> tuple[Path, ...]:
    """Return the data files below a folder of the facts, sorted.

    An installer may compile the Python files among them; what it writes to `__pycache__` is no data.
    """
    found = (folder() / under).rglob("*")
    return tuple(sorted(path for path in found if path.is_file() and path.parent.name != "__pycache__"))


def parsed(cls: type[T], name: str) -> T:
    """Return one TOML file of the `images` folder as a value. Raises UsageError with the file and each wrong key."""
    from builder.model import decode

    where = f"images/{name}"
    text = (folder() / name).read_text(encoding="utf-8")
    return decode.decode(cls, decode.parse_toml(text, where), where)
