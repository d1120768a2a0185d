"""`dist/<target>.tests.json`: what a zip was tested with, where and when.

It lies beside the zip and travels with it. The manifest has none of it, because manifests are the same whoever made the
zip, and at whatever time. A record holds for one zip, by its hash, and names the image of each run by its digest: a
changed zip was never tested.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from builder.base.documents import Document, Typed
from builder.base.frozen import dataclass
from builder.base.plain import Json
from builder.base.rules import Field
from builder.model.fields import Sha256
from builder.smoke.results import ImportCost, SmokeResult, coverage, largest

SUFFIX = ".tests.json"
VERSION = 1
UNTESTED = "not tested"
FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageTrial:
    """The tests of a zip in one image."""

    runtime: str
    arch: str
    image: str
    digest: str | None
    """Of the image that the tests ran in; None if the engine could not tell."""
    emulated: bool
    at: str
    """UTC, ISO 8601."""
    results: tuple[SmokeResult, ...] = ()
    """Tests that passed; empty if the layer has nothing that the default tests can try."""
    failure: str | None = None
    """What failed; None if nothing did."""

    @property
    def where(self) -> str:
        return f"{self.runtime} on {self.arch}{', emulated' if self.emulated else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdStart:
    """What the imports of a layer's tests cost: nothing of it is measured under emulation."""

    ms: float | None = None
    """Milliseconds of all tests."""
    peak_mb: float | None = None
    """MB of the test that took most."""
    uncached_ms: float | None = None
    """Milliseconds of all tests when no file of the layer is in the page cache."""
    largest: tuple[ImportCost, ...] = ()
    """The imports that take longest, in that order."""

    def words(self, before: "ColdStart | None" = None) -> str:
        """Return it in words, with what it was before; empty if nothing was measured."""
        earlier = before or ColdStart()
        told = (
            _beside("ms", self.ms, earlier.ms),
            _beside("ms uncached", self.uncached_ms, earlier.uncached_ms),
            _beside("MB", self.peak_mb, earlier.peak_mb),
            _most(self.largest),
        )
        return ", ".join(filter(None, told))


def _beside(unit: str, now: float | None, before: float | None) -> str:
    if now is None:
        return ""
    return f"{now:.0f} {unit}" + (f", {before:.0f} before" if before is not None else "")


def _most(costs: Sequence[ImportCost]) -> str:
    """Return the largest of several imports; nothing if there is only one."""
    return f"most by {costs[0].name}: {costs[0].ms:.0f} ms, {costs[0].mb:.0f} MB" if len(costs) > 1 else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipTrials:
    """What the tests of one zip said the last time that they ran."""

    zip: Sha256
    tests: Sha256
    """Digest of the tests and of the files that they use."""
    runs: Annotated[tuple[ImageTrial, ...], Field(min_length=1)]
    before: ColdStart | None = None
    """What the zip cost that was at the same place before; None if there was none."""
    version: int = VERSION

    @property
    def cold(self) -> ColdStart:
        """What the imports cost."""
        native = [result for result in self.results if not result.emulated]
        times = [result.cold_ms for result in native if result.cold_ms is not None]
        peaks = [result.peak_mb for result in native if result.peak_mb is not None]
        uncached = [result.uncached_ms for result in native if result.uncached_ms is not None]
        return ColdStart(
            ms=sum(times) if times else None,
            peak_mb=max(peaks, default=None),
            uncached_ms=sum(uncached) if uncached else None,
            largest=largest(cost for result in native for cost in result.largest),
        )

    @property
    def results(self) -> tuple[SmokeResult, ...]:
        return tuple(result for run in self.runs for result in run.results)

    @property
    def failed(self) -> bool:
        return any(run.failure for run in self.runs)

    @property
    def passed(self) -> bool:
        """Whether something was tried and nothing failed."""
        return bool(self.results) and not self.failed

    def ran_in(self, digests: Mapping[str, str | None]) -> bool:
        """Return whether the runs were in images of these digests, by architecture; None stands for any."""
        return all(digests.get(run.arch) in {None, run.digest} for run in self.runs)

    def proves(self, runtimes: Collection[str], architectures: Collection[str]) -> bool:
        """Return whether the tests passed in one of the runtimes and architectures that a layer is meant for."""
        meant = [run for run in self.runs if run.runtime in runtimes and run.arch in architectures]
        return not self.failed and any(run.results for run in meant)

    def joined(self, before: "ZipTrials | None") -> "ZipTrials":
        """Return this record with what one before says, about the same tests of the same zip, of other images."""
        if before is None or (before.zip, before.tests) != (self.zip, self.tests):
            return self
        here = {(run.runtime, run.arch) for run in self.runs}
        return replace(self, runs=(*(run for run in before.runs if (run.runtime, run.arch) not in here), *self.runs))


def at(zip_path: Path) -> Document[ZipTrials]:
    """Return the record beside a zip as a document, for what writes it: it overwrites nobody else's file."""
    return Document(
        path=zip_path.with_suffix(SUFFIX),
        what="record of tests",
        codec=Typed(kind=ZipTrials, indent=2),
        version=VERSION,
    )


def of(zip_path: Path, sha256: str) -> ZipTrials | None:
    """Return the record of a zip with this hash; None if there is none that holds for it. Changes no file."""
    record = _read(zip_path)
    return record if record and record.zip == sha256 and record.version == VERSION else None


def before(zip_path: Path, sha256: str) -> ColdStart | None:
    """Return what the zip cost that a new one with this hash takes the place of; None if that is not known."""
    last = _read(zip_path)
    if last is None:
        return None
    return last.before if last.zip == sha256 else last.cold


def _read(zip_path: Path) -> ZipTrials | None:
    try:
        return Typed(kind=ZipTrials).decode(Json(zip_path.with_suffix(SUFFIX).read_bytes()))
    except (OSError, ValueError):
        return None


def state(record: ZipTrials | None) -> str:
    """Return `passed`, `failed`, `nothing to test` or `not tested`."""
    if record is None:
        return UNTESTED
    if record.failed:
        return FAILED
    return "passed" if record.passed else "nothing to test"


def lines(record: ZipTrials | None) -> Iterator[str]:
    """Yield what the tests of a zip said, a line for each image."""
    for run in record.runs if record else ():
        said = run.failure or f"{len(run.results)} passed{_told(run)}"
        yield f"{said} in {run.where} ({run.image}{f' {run.digest}' if run.digest else ''}, {run.at})"
    if record and (cold := record.cold.words(record.before)):
        yield f"cold start: {cold}"


def _told(run: ImageTrial) -> str:
    told = coverage(run.results)
    return f": {told}" if told else ""
