"""The runs of `layerwright nightly`: which targets a run is about, whether it ended, and the state of each target."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path

from builder.base import files, locks
from builder.base.clock import now
from builder.base.documents import Document, Typed
from builder.base.errors import NothingSelectedError
from builder.base.frozen import dataclass
from builder.nightly.records import FOLDER, VERSION, Failure


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One call of `layerwright nightly`."""

    run: str
    """Its number, counted up: clocks jump."""
    started: str
    """UTC, ISO 8601."""
    options: dict[str, str]
    slots: tuple[str, ...]
    """The targets that the run is about, without their versions."""
    version: int = VERSION
    finished: str | None = None
    """UTC, ISO 8601. None while the run goes on, and for good after a kill."""
    seconds: float = 0.0
    states: dict[str, str] = field(default_factory=dict)
    """State of each slot: built, same, unchanged, failed, or broken: failed before, unchanged and not tried."""
    scans: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Output of the scanner for slots that did not pass it."""
    untested: tuple[str, ...] = ()
    """Good slots of which no test has passed."""
    broken: dict[str, Failure] = field(default_factory=dict)
    """Recipes that could not be read, by name."""

    def count(self, status: str) -> int:
        return sum(1 for state in self.states.values() if state == status)


def _folder(output: Path) -> Path:
    return output / FOLDER / "runs"


def runs(output: Path) -> list[Run]:
    """Return the readable runs of a folder of zips, the oldest first."""
    every = (_document(path).read() for path in sorted(_folder(output).glob("*.json")))
    return [run for run in every if run]


def _document(path: Path) -> Document[Run]:
    return Document(path=path, what="nightly run", codec=Typed(kind=Run), version=VERSION)


@contextlib.contextmanager
def beginning(output: Path, options: dict[str, str], slots: tuple[str, ...]) -> Iterator[Run]:
    """Write a new run under the next free number; until the block ends, no other process resumes it."""
    folder = _folder(output)
    files.writable(folder)
    # The number of a damaged file is not free: records name it.
    numbers = (path.name.partition(".")[0] for path in folder.glob("*.json*"))
    number = max((int(text) for text in numbers if text.isdigit()), default=0)
    while True:
        number += 1
        path = folder / f"{number:05}.json"
        with locks.claimed(path) as mine:
            if not mine or path.exists():
                continue  # another process took that number in this moment
            run = Run(run=path.stem, started=now(), options=options, slots=slots)
            write(output, run)
            yield run
            return


@contextlib.contextmanager
def resuming(output: Path) -> Iterator[Run]:
    """Open the last interrupted run again.

    Raises NothingSelectedError when every run ended, or is still going on in another process.
    """
    for run in reversed(runs(output)):
        if run.finished:
            continue
        with locks.claimed(_folder(output) / f"{run.run}.json") as mine:
            if mine:
                yield run
                return
    msg = f"no run in {output} was interrupted"
    raise NothingSelectedError(msg, hint="`layerwright nightly` begins a new one; it builds no unchanged target again")


def join(output: Path, shards: Sequence[Run], states: dict[str, str]) -> None:
    """Write the runs of several machines as one, under the next free number."""
    broken = {name: error for run in shards for name, error in run.broken.items()}
    options = {name: value for run in shards for name, value in run.options.items()}
    with beginning(output, options, tuple(states)) as begun:
        seconds = max((run.seconds for run in shards), default=0.0)
        scans = {slot: lines for run in shards for slot, lines in run.scans.items()}
        untested = tuple(dict.fromkeys(slot for run in shards for slot in run.untested))
        joined = replace(begun, broken=broken, scans=scans, states=states, untested=untested)
        write(output, closed(joined, seconds))


def write(output: Path, run: Run) -> None:
    """Replace the file of a run."""
    _document(_folder(output) / f"{run.run}.json").replace(run)


def closed(run: Run, seconds: float) -> Run:
    """Return a run as ended now, after so many seconds."""
    return replace(run, finished=now(), seconds=round(seconds, 2))
