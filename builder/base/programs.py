"""The programs in `builder/container/`, which run in containers or in another Python and are never imported."""

from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """Return the folder of the programs."""
    return Path(__file__).parent.parent / "container"


@cache
def text(name: str) -> str:
    """Return the text of a program, for example of `smoke/imports.py`."""
    return (folder() / name).read_text(encoding="utf-8")


def files(under: str = "") -> tuple[Path, ...]:
    """Return the programs below a folder, sorted.

    An installer may compile the Python files among them; what it writes to `__pycache__` is no program.
    """
    found = (folder() / under).rglob("*")
    return tuple(sorted(path for path in found if path.is_file() and path.parent.name != "__pycache__"))


@cache
def build_systems() -> tuple[str, ...]:
    """Return the build systems of a `source` step: one shell script each."""
    return tuple(path.stem for path in files("steps/systems"))
