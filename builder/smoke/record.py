"""`dist/<target>.tests.json`: what a zip was tested with, where and when.

It lies beside the zip and travels with it. The manifest has none of it, because manifests are the same whoever made the
zip, and at whatever time. A record holds for one zip, by its hash, and names the image of each run by its digest: a
changed zip was never tested.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from builder.base.documents import Document, Typed
from builder.model.fields import Sha256
from builder.smoke.results import SmokeResult, coverage

SUFFIX = ".tests.json"
VERSION = 1
UNTESTED = "not tested"


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
class ZipTrials:
    """What the tests of one zip said the last time that they ran."""

    zip: Sha256
    tests: Sha256
    """Digest of the tests and of the files that they use."""
    runs: Annotated[tuple[ImageTrial, ...], Field(min_length=1)]
    version: int = VERSION

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
    try:
        record = Typed(kind=ZipTrials).decode(zip_path.with_suffix(SUFFIX).read_bytes())
    except (OSError, ValueError):
        return None
    return record if record.zip == sha256 and record.version == VERSION else None


def state(record: ZipTrials | None) -> str:
    """Return `passed`, `failed`, `nothing to test` or `not tested`."""
    if record is None:
        return UNTESTED
    if record.failed:
        return "failed"
    return "passed" if record.passed else "nothing to test"


def lines(record: ZipTrials | None) -> Iterator[str]:
    """Yield what the tests of a zip said, a line for each image."""
    for run in record.runs if record else ():
        said = run.failure or f"{len(run.results)} passed{_told(run)}"
        yield f"{said} in {run.where} ({run.image}{f' {run.digest}' if run.digest else ''}, {run.at})"


def _told(run: ImageTrial) -> str:
    told = coverage(run.results)
    return f": {told}" if told else ""
