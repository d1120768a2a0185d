"""Reports that lie in the output of a container: on the libraries that it bundled, and on how it was compiled.

Code of packages ran in that container, and a shared cache may have been written to by others. So they are parsed like
anything else of strangers.
"""

from typing import TypeVar

from builder.base import texts
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.model.decode import typed
from builder.model.manifest import LibraryRow, Line

_MOST_LIBRARIES = 10_000
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnbundledLibrary:
    """A library that is not in the layer, and the program or library that needs it."""

    soname: Line
    by: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryReport:
    """What `libraries.py` found: libraries that were bundled, that the build image lacks, that cannot be bundled."""

    added: tuple[LibraryRow, ...] = ()
    missing: tuple[UnbundledLibrary, ...] = ()
    refused: tuple[UnbundledLibrary, ...] = ()
    compilers: tuple[Line, ...] = ()
    """The kinds of compilers that left their names in the programs."""
    releasever: Line | None = None
    """The release of the build image's repositories."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompileRecord:
    """What layerwright wrote beside the files when it received them."""

    compiles: bool = False
    """Whether all programs must come from the given compiler."""
    notes: tuple[str, ...] = ()


def libraries(text: str) -> LibraryReport:
    """Return the report on libraries; an empty one for no text. Raises BuildError if it is not one."""
    report = _parsed(LibraryReport, text, "the container's report on bundled libraries")
    if len(report.added) > _MOST_LIBRARIES:
        msg = f"the container bundled more than {_MOST_LIBRARIES:,} libraries"
        raise BuildError(msg)
    return report


def record(text: str) -> CompileRecord:
    """Return the record; an empty one for no text. Raises BuildError if it is not one."""
    return _parsed(CompileRecord, text, "the record of a container's output")


def _parsed(kind: type[T], text: str, what: str) -> T:
    if not text:
        return kind()
    try:
        return typed(kind, texts.parse_json(text))
    except ValueError as error:
        msg = f"{what} is damaged"
        raise BuildError(msg, why=str(error).splitlines()[:5], hint="--no-cache compiles anew") from error
