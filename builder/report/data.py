"""The content of a report: the records of one run, or of the runs of several machines, joined."""

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from builder.base.errors import NothingSelectedError
from builder.base.frozen import dataclass
from builder.layer import manifest, sizes
from builder.model.manifest import Manifest
from builder.nightly import journal, records
from builder.nightly.journal import Run
from builder.nightly.records import Failure, LastRun, Record
from builder.publish import arn_book
from builder.smoke import record as tests
from builder.smoke.record import ImageTrial, ZipTrials

VERSION = 1
NEVER = "there"
"""The state of a zip that the last run did not look at, for example one of `layerwright build`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """One target of a report."""

    record: Record
    state: str
    """built, same, unchanged, failed, broken, or there."""
    looked_at: bool = False
    """Whether the last run looked at it."""
    arns: tuple[tuple[str, str], ...] = ()
    """Region and ARN of each published version with the content of the zip."""
    tested: ZipTrials | None = None
    """What the tests of the zip said; None if it was not tested."""

    @property
    def failed(self) -> bool:
        return self.state in {"failed", "broken"}

    @property
    def failure(self) -> Failure | None:
        return self.record.last.failure if self.record.last else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All rows, sorted by slot, and the runs that they come from."""

    rows: tuple[ReportRow, ...]
    runs: tuple[Run, ...]
    broken: Mapping[str, Failure]
    """Recipes that could not be read."""
    scans: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Output of the scanner for layers that did not pass it, by slot."""

    def count(self, state: str) -> int:
        return sum(1 for row in self.rows if row.state == state)

    @property
    def untested(self) -> tuple[ReportRow, ...]:
        """The layers of which no test has passed, apart from the failures."""
        return tuple(row for row in self.rows if not row.failed and not (row.tested and row.tested.passed))

    @property
    def failures(self) -> tuple[ReportRow, ...]:
        return tuple(row for row in self.rows if row.failed)


def gather(outputs: Sequence[Path]) -> Report:
    """Join the records and manifests in folders of zips; the last record of a target wins.

    Raises NothingSelectedError when no folder has any.
    """
    rows: dict[str, ReportRow] = {}
    runs: list[Run] = []
    for output in outputs:
        last = next(reversed(journal.runs(output)), None)
        runs += [last] if last else []
        for row in _rows(output, last):
            other = rows.get(row.record.slot)
            if other is None or _weight(row) > _weight(other):
                rows[row.record.slot] = row
    if not rows and not any(run.broken for run in runs):
        msg = f"nothing to report in {', '.join(map(str, outputs))}"
        raise NothingSelectedError(msg, hint="`layerwright nightly` or `layerwright build --all` makes something")
    broken = {name: error for run in runs for name, error in run.broken.items()}
    scans = {slot: lines for run in runs for slot, lines in run.scans.items()}
    return Report(rows=tuple(rows[name] for name in sorted(rows)), runs=tuple(runs), broken=broken, scans=scans)


def _weight(row: ReportRow) -> tuple[bool, str]:
    """Return a sort key that prefers rows of the last run: shards carry older records of the others along."""
    return row.looked_at, row.record.last.at if row.record.last else ""


def _rows(output: Path, run: Run | None) -> Iterable[ReportRow]:
    present = records.every(output)
    published = arn_book.read(output)
    for record in present:
        state = run.states.get(record.slot) if run else None
        if state is None and run and record.last and record.last.run == run.run:
            state = record.last.status  # the run was interrupted before it could sum up
        before = "failed" if record.last and record.last.status == "failed" else NEVER
        arns = _arns(published, record.manifest)
        tested = _tested(output, record.target, record.manifest)
        yield ReportRow(record=record, state=state or before, looked_at=state is not None, arns=arns, tested=tested)
    recorded = (*present, *records.retired(output))
    slots = {(record.recipe, record.runtimes, record.architectures) for record in recorded}
    names = {record.target for record in present}
    for path in sorted(output.glob("*.json")):
        described = None if _beside(path, names) else manifest.read(path)
        if described and _slot(described) not in slots:  # else it is an older version, or history
            row = ReportRow(record=_without_run(path, described), state=NEVER, arns=_arns(published, described))
            yield replace(row, tested=_tested(output, described.target, described))


def _beside(path: Path, names: Collection[str]) -> bool:
    """Return whether a file describes a zip of which there is a record: `NAME.json`, `NAME.cdx.json`."""
    return path.stem in names or path.stem.rpartition(".")[0] in names


def _tested(output: Path, target: str, described: Manifest | None) -> ZipTrials | None:
    return tests.of(output / f"{target}.zip", described.zip.sha256) if described else None


def _arns(published: Sequence[arn_book.ArnEntry], described: Manifest | None) -> tuple[tuple[str, str], ...]:
    return arn_book.arns(published, described.zip.code_sha256) if described else ()


def _slot(described: Manifest) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return described.name, described.runtimes, described.architectures


def _without_run(path: Path, described: Manifest) -> Record:
    zipped = path.with_suffix(".zip")
    return Record(
        slot=described.target,
        target=described.target,
        recipe=described.name,
        layer_version=described.layer_version,
        runtimes=described.runtimes,
        architectures=described.architectures,
        description=described.description,
        manifest=described,
        content=tuple(sizes.content(zipped)) if zipped.is_file() else (),
    )


def join(outputs: Sequence[Path], to: Path) -> None:
    """Write the newest record of each target, and the runs that they come from, into one folder."""
    shards = gather(outputs)
    joined = gather([*outputs, to])
    for row in joined.rows:
        records.write(to, row.record)
        if row.tested:
            tests.at(to / f"{row.record.target}.zip").replace(row.tested)
    arn_book.add(to, [entry for output in outputs for entry in arn_book.read(output)])
    journal.join(to, shards.runs, {row.record.slot: row.state for row in joined.rows})


def summary(report: Report) -> dict[str, Any]:
    """Return the report for programs. Manifests are not repeated in it."""
    return {
        "version": VERSION,
        "nights": [
            {"run": run.run, "started": run.started, "finished": run.finished, "seconds": run.seconds}
            for run in report.runs
        ],
        "counts": {state: report.count(state) for state in sorted({row.state for row in report.rows})},
        "broken_recipes": {name: dataclasses.asdict(error) for name, error in report.broken.items()},
        "scans": {slot: list(lines) for slot, lines in report.scans.items()},
        "targets": [_target(row) for row in report.rows],
    }


def text(report: Report) -> str:
    """Return the report for programs as JSON, each target on one line: there may be thousands."""
    document = summary(report)
    rows = ",".join(f"\n    {json.dumps(row, ensure_ascii=False)}" for row in document.pop("targets"))
    begin = json.dumps(document, indent=2, ensure_ascii=False).removesuffix("\n}")
    return f'{begin},\n  "targets": [{rows}\n  ]\n}}\n'


def _runs(row: ReportRow) -> Sequence[ImageTrial]:
    return row.tested.runs if row.tested else ()


def _target(row: ReportRow) -> dict[str, Any]:
    record, last = row.record, row.record.last or LastRun(run="", at="", status="same")
    described = record.manifest
    return {
        "slot": record.slot,
        "target": record.target,
        "recipe": record.recipe,
        "layer_version": record.layer_version,
        "runtimes": list(record.runtimes),
        "architectures": list(record.architectures),
        "state": row.state,
        "revision": record.revision,
        "at": last.at,
        "reasons": list(last.reasons),
        "seconds": last.seconds,
        "stages": last.stages,
        "attempts": last.attempts,
        "failure": dataclasses.asdict(row.failure) if row.failure else None,
        "zip_bytes": described.zip.bytes if described else None,
        "unzipped_bytes": described.unzipped_bytes if described else None,
        "sha256": described.zip.sha256 if described else None,
        "changes": list(record.changes),
        "arns": [arn for _, arn in row.arns],
        "environment": {row.name: row.value for row in (described.environment or ())} if described else {},
        "tests": {"state": tests.state(row.tested), "runs": [dataclasses.asdict(run) for run in _runs(row)]},
    }
