"""What is known of each target from one night to the next: one small file each, replaced as a whole."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, TypeAdapter, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from builder.base import files
from builder.base.errors import LayerwrightError
from builder.model.manifest import Manifest, document
from builder.model.target import Target

VERSION = 1
FOLDER = "nightly"
"""Below the folder of zips."""
RETIRED = "retired"
KEPT = 30
"""Builds of a target whose numbers are kept for the trend."""
TAIL = 30
"""Lines of a failed build's log that go along with its error."""
Status = Literal["built", "same", "unchanged", "failed"]


def _kept(value: Any, parse: ValidatorFunctionWrapHandler) -> Manifest | None:  # noqa: ANN401
    """Keep the rest of a record whose manifest cannot be read: its history is worth more than one comparison."""
    try:
        return parse(value) if value else None
    except ValidationError:
        return None


_Kept = Annotated[
    Manifest | None, WrapValidator(_kept), PlainSerializer(lambda value: document(value) if value else {})
]
"""On disk an empty object stands for None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Zip:
    """A zip as it was left; size and time tell most changes without reading it."""

    sha256: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    what: str
    why: tuple[str, ...] = ()
    hint: str | None = None
    exit_code: int = 1
    tail: tuple[str, ...] = ()
    """The end of the log of the container's build."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Last:
    """What the last night that looked at the target did with it."""

    run: str
    at: str
    """UTC, ISO 8601."""
    status: Status
    """`same`: built, and its bytes are what they were."""
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    attempts: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One build, for the trend."""

    run: str
    at: str
    revision: int
    bytes: int
    unzipped_bytes: int
    seconds: float
    cold_ms: float | None = None
    """Start of the slowest test in the runtime's image, where it was not emulated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """All that is known of one target, over its versions."""

    slot: str
    """The target without its version: what goes on from one version to the next."""
    target: str
    recipe: str
    layer_version: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    description: str = ""
    version: int = VERSION
    inputs: dict[str, str] = field(default_factory=dict)
    """Of the last good build."""
    tried: dict[str, str] = field(default_factory=dict)
    """Of the last try, good or not."""
    zip: Zip | None = None
    revision: int = 0
    """Counts the different contents that were built; the same bytes keep it."""
    last: Last | None = None
    history: tuple[Point, ...] = ()
    """The oldest first."""
    manifest: _Kept = None
    """Of the last good build; None when there was none, or when what was kept of it is damaged."""
    content: tuple[tuple[str, int], ...] = ()
    """Folders and files of the layer with their unzipped bytes, the large ones one by one."""
    changes: tuple[dict[str, Any], ...] = ()
    """From the revision before to this one, as `layerwright diff` tells them; the largest only."""
    tests: tuple[dict[str, Any], ...] = ()


def folder(output: Path) -> Path:
    """Return where the records beside zips are."""
    return output / FOLDER / "targets"


def read(path: Path) -> Record | None:
    """Return the record in a file; None when there is none, or none that this version understands."""
    try:
        found: Record = _adapter().validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.version == VERSION else None


def slot(target: Target) -> str:
    """Return the name of a target without its version, for example `numpy-python3.13-arm64`."""
    parts = [target.layer]
    parts += [target.runtimes[0].name] if "runtime" in target.split_by else []
    parts += [target.arch.name] if "arch" in target.split_by else []
    return "-".join(parts)


def of(output: Path, target: Target) -> Record | None:
    """Return the record of a target, if there is one."""
    return read(folder(output) / f"{slot(target)}.json")


def every(output: Path) -> list[Record]:
    """Return all records beside zips, in the order of their names."""
    return _all_in(folder(output))


def retired(output: Path) -> list[Record]:
    """Return the records that were put aside."""
    return _all_in(output / FOLDER / RETIRED)


def _all_in(place: Path) -> list[Record]:
    return [one for path in sorted(place.glob("*.json")) if (one := read(path))]


def retire(output: Path, slots: Collection[str], broken: Collection[str]) -> list[str]:
    """Put aside the records of targets that no recipe has any more, and return their names.

    Of recipes that cannot be read at the moment, everything stays.
    """
    gone = [one.slot for one in every(output) if one.slot not in slots and one.recipe not in broken]
    place = output / FOLDER / RETIRED
    for name in gone:
        place.mkdir(parents=True, exist_ok=True)
        (folder(output) / f"{name}.json").replace(place / f"{name}.json")
    return gone


def write(output: Path, record: Record) -> None:
    place = folder(output)
    place.mkdir(parents=True, exist_ok=True)
    with files.replacing(place / f"{record.slot}.json") as part:
        part.write_bytes(_adapter().dump_json(record))


@cache
def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def now() -> str:
    """Return this moment for people; nothing is ever decided by it, since clocks jump."""
    return dt.datetime.now(tz=dt.timezone.utc).isoformat(timespec="seconds")


def failure(error: LayerwrightError, log: Path | None = None) -> Failure:
    """Return what is kept of an error, with the end of the build's log if there is one."""
    tail: tuple[str, ...] = ()
    if log and log.is_file():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = tuple(line[:300] for line in lines[-TAIL:])
    return Failure(what=error.what, why=error.why[:20], hint=error.hint, exit_code=error.exit_code, tail=tail)


def with_point(record: Record, point: Point) -> Record:
    """Add a build to the trend and forget the oldest."""
    return replace(record, history=(*record.history, point)[-KEPT:])
