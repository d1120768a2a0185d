"""Records of targets, kept from one run to the next: one small file for each target, replaced as a whole."""

from collections.abc import Callable, Collection
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from builder.base import files
from builder.base.documents import Document, Typed
from builder.base.errors import LayerwrightError
from builder.base.frozen import dataclass
from builder.base.rules import PlainSerializer, WrapValidator
from builder.model.manifest import Manifest, document
from builder.model.target import Target

VERSION = 1
FOLDER = "nightly"
"""Of records and runs, below the folder of zips."""
RETIRED = "retired"
KEPT = 30
"""Builds of a target in its trend."""
TAIL = 30
"""Lines of a failed build's log that are kept with its error."""
Status = Literal["built", "same", "unchanged", "failed"]


def _kept(value: Any, parse: Callable[[Any], Any]) -> Manifest | None:  # noqa: ANN401
    """Keep the rest of a record whose manifest cannot be read: its history is worth more than one comparison."""
    try:
        return parse(value) if value else None
    except ValueError:  # that of pydantic is one
        return None


_Kept = Annotated[
    Manifest | None, WrapValidator(_kept), PlainSerializer(lambda value: document(value) if value else {})
]
"""On disk an empty object stands for None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipStamp:
    """A zip as its build left it; size and time reveal most changes without reading it."""

    sha256: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The error of a build, in the parts of a LayerwrightError."""

    what: str
    why: tuple[str, ...] = ()
    hint: str | None = None
    exit_code: int = 1
    tail: tuple[str, ...] = ()
    """Last lines of the log of the container's build."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The result of the last run that built the target or tried to."""

    run: str
    """Its number."""
    at: str
    """UTC, ISO 8601."""
    status: Status
    """`same`: built, with the bytes that it had before."""
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage, of all attempts."""
    attempts: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The numbers of one build, for the trend."""

    run: str
    at: str
    revision: int
    bytes: int
    unzipped_bytes: int
    seconds: float
    cold_ms: float | None = None
    """Start of the slowest test in the runtime's image, in milliseconds; None when all were emulated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The history of one target, over its versions."""

    slot: str
    """The target without its version: the name that stays from one version to the next."""
    target: str
    recipe: str
    layer_version: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    description: str = ""
    version: int = VERSION
    inputs: dict[str, str] = field(default_factory=dict)
    """Of the last successful build."""
    tried: dict[str, str] = field(default_factory=dict)
    """Of the last attempt, successful or not."""
    zip: ZipStamp | None = None
    revision: int = 0
    """Number of different contents so far; the same bytes keep it."""
    last: LastRun | None = None
    history: tuple[Point, ...] = ()
    """The oldest first."""
    manifest: _Kept = None
    """Of the last successful build; None when there was none, or when the stored one is damaged."""
    content: tuple[tuple[str, int], ...] = ()
    """Folders and large files of the layer with their unzipped bytes."""
    changes: tuple[dict[str, Any], ...] = ()
    """From the revision before to this one, in the form of `layerwright diff`; the largest only."""
    tests: tuple[dict[str, Any], ...] = ()


def folder(output: Path) -> Path:
    """Return the folder of the records of a folder of zips."""
    return output / FOLDER / "targets"


def _document(path: Path) -> Document[Record]:
    return Document(path=path, what="nightly record", codec=Typed(kind=Record), version=VERSION)


_known: dict[Path, tuple["_FileState", Record]] = {}
"""Records that this process has read: a night needs each when it selects, and again for its page."""


class _FileState(NamedTuple):
    """What every replacement of a file changes."""

    inode: int
    bytes: int
    mtime_ns: int


def _state(path: Path) -> _FileState | None:
    try:
        found = path.stat()
    except OSError:  # reading it tells why
        return None
    return _FileState(found.st_ino, found.st_size, found.st_mtime_ns)


def _read(path: Path) -> Record | None:
    state = _state(path)  # before the file is read: what replaces it meanwhile has another
    known = _known.get(path)
    if known and known[0] == state:
        return known[1]
    record = _document(path).read()
    if record and state:
        _known[path] = state, record
    return record


def slot(target: Target) -> str:
    """Return the name of a target without its version, for example `numpy-python3.13-arm64`."""
    parts = [target.layer]
    parts += [target.runtimes[0].name] if "runtime" in target.split_by else []
    parts += [target.arch.name] if "arch" in target.split_by else []
    return "-".join(parts)


def of(output: Path, target: Target) -> Record | None:
    """Return the record of a target, if there is one."""
    return _read(folder(output) / f"{slot(target)}.json")


def every(output: Path) -> list[Record]:
    """Return all records of a folder of zips, sorted by name."""
    return _all_in(folder(output))


def retired(output: Path) -> list[Record]:
    """Return the records of targets that no recipe has any more."""
    return _all_in(output / FOLDER / RETIRED)


def _all_in(place: Path) -> list[Record]:
    return [record for path in sorted(place.glob("*.json")) if (record := _read(path))]


def retire(output: Path, slots: Collection[str], broken: Collection[str]) -> list[str]:
    """Put aside the records of targets that no recipe has any more, and return their names.

    `slots` are the targets of all recipes; records of `broken` recipes, which cannot be read at the moment, stay.
    """
    strangers = (path for path in sorted(folder(output).glob("*.json")) if path.stem not in slots)
    orphans = [found.slot for path in strangers if (found := _read(path)) and found.recipe not in broken]
    aside = output / FOLDER / RETIRED
    for name in orphans:
        aside.mkdir(parents=True, exist_ok=True)
        files.move(folder(output) / f"{name}.json", aside / f"{name}.json")
    return orphans


def write(output: Path, record: Record) -> None:
    """Replace the file of a record."""
    _document(folder(output) / f"{record.slot}.json").replace(record)


def failure(error: LayerwrightError) -> Failure:
    """Return the stored form of an error, with the end of its log if it has one."""
    tail: tuple[str, ...] = ()
    if error.log and error.log.is_file():
        lines = error.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = tuple(line[:300] for line in lines[-TAIL:])
    return Failure(what=error.what, why=error.why[:20], hint=error.hint, exit_code=error.exit_code, tail=tail)


def with_point(record: Record, point: Point) -> Record:
    """Return the record with one more build in its trend, which keeps the newest only."""
    return replace(record, history=(*record.history, point)[-KEPT:])
