"""One night: what it is about, whether it came to its end, and what became of it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from builder.base import files, locks
from builder.base.errors import NothingSelectedError
from builder.nightly.records import FOLDER, VERSION, Failure, now


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """A call of `layerwright nightly`."""

    run: str
    """A number, counted up: clocks jump."""
    started: str
    options: dict[str, str]
    slots: tuple[str, ...]
    version: int = VERSION
    finished: str | None = None
    """None while it runs, and for good when it was killed."""
    seconds: float = 0.0
    states: dict[str, str] = field(default_factory=dict)
    """What became of each slot: built, same, unchanged, failed or, when it was broken before and not tried, broken."""
    scans: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What a scanner said of slots that did not pass it."""
    broken: dict[str, Failure] = field(default_factory=dict)
    """Recipes that could not even be read, by their names."""

    def count(self, status: str) -> int:
        return sum(1 for one in self.states.values() if one == status)


def _folder(output: Path) -> Path:
    return output / FOLDER / "runs"


def nights(output: Path) -> list[Night]:
    """Return the nights that are known, the oldest first."""
    found = (_read(path) for path in sorted(_folder(output).glob("*.json")))
    return [one for one in found if one]


def _read(path: Path) -> Night | None:
    try:
        return _adapter().validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


@contextlib.contextmanager
def beginning(output: Path, options: dict[str, str], slots: tuple[str, ...]) -> Iterator[Night]:
    """Open a night under the next free number; while the block runs, nobody resumes it."""
    place = _folder(output)
    files.writable(place)
    number = max((int(path.stem) for path in place.glob("*.json") if path.stem.isdigit()), default=0)
    while True:
        number += 1
        path = place / f"{number:05}.json"
        with locks.claimed(path) as mine:
            if not mine or path.exists():
                continue  # another night took that number in this moment
            night = Night(run=path.stem, started=now(), options=options, slots=slots)
            write(output, night)
            yield night
            return


@contextlib.contextmanager
def resuming(output: Path) -> Iterator[Night]:
    """Open the last night again that was stopped before its end."""
    for night in reversed(nights(output)):
        if night.finished:
            continue
        with locks.claimed(_folder(output) / f"{night.run}.json") as mine:
            if mine:
                yield night
                return
    msg = f"no night of {output} was stopped before its end"
    raise NothingSelectedError(msg, hint="`layerwright nightly` begins one; what is unchanged is not built again")


def join(output: Path, shards: Sequence[Night], states: dict[str, str]) -> None:
    """Write the nights of several machines as one, under the next free number."""
    broken = {name: error for night in shards for name, error in night.broken.items()}
    options = {name: value for night in shards for name, value in night.options.items()}
    with beginning(output, options, tuple(states)) as begun:
        seconds = max((night.seconds for night in shards), default=0.0)
        scans = {slot: said for night in shards for slot, said in night.scans.items()}
        write(output, closed(replace(begun, broken=broken, scans=scans, states=states), seconds))


def write(output: Path, night: Night) -> None:
    with files.replacing(_folder(output) / f"{night.run}.json") as part:
        part.write_bytes(_adapter().dump_json(night))


def closed(night: Night, seconds: float) -> Night:
    return replace(night, finished=now(), seconds=round(seconds, 2))


@cache
def _adapter() -> TypeAdapter[Night]:
    return TypeAdapter(Night)
