"""What a report tells: the records of one night or of several machines', joined."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.base.errors import NothingSelectedError
from builder.layer import manifest, sizes
from builder.model.manifest import Manifest
from builder.nightly import journal, records
from builder.nightly.journal import Night
from builder.nightly.records import Failure, Last, Record
from builder.publish import arn_book

VERSION = 1
NEVER = "there"
"""The state of what the last night did not look at, or no night at all: `layerwright build` made it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One target as the report shows it."""

    record: Record
    state: str
    """built, same, unchanged, failed, broken, or there."""
    looked_at: bool = False
    """Whether the last night looked at it."""
    arns: tuple[tuple[str, str], ...] = ()
    """Region and ARN of each version that has the zip's content."""

    @property
    def failed(self) -> bool:
        return self.state in {"failed", "broken"}

    @property
    def failure(self) -> Failure | None:
        return self.record.last.failure if self.record.last else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All rows, in the order of their names, and the nights that they come from."""

    rows: tuple[Row, ...]
    nights: tuple[Night, ...]
    broken: Mapping[str, Failure]
    """Recipes that could not be read."""
    scans: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a scanner said of layers that did not pass it, by slot."""

    def count(self, state: str) -> int:
        return sum(1 for row in self.rows if row.state == state)

    @property
    def failures(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.failed)


def gather(outputs: Sequence[Path]) -> Report:
    """Join what lies in folders of zips; of a target that several have, the record that was written last counts.

    Raises NothingSelectedError when no folder has anything.
    """
    rows: dict[str, Row] = {}
    nights: list[Night] = []
    for output in outputs:
        last = next(reversed(journal.nights(output)), None)
        nights += [last] if last else []
        for row in _rows(output, last):
            known = rows.get(row.record.slot)
            if known is None or _weight(row) > _weight(known):
                rows[row.record.slot] = row
    if not rows and not any(night.broken for night in nights):
        msg = f"there is nothing to report in {', '.join(map(str, outputs))}"
        raise NothingSelectedError(msg, hint="`layerwright nightly` or `layerwright build --all` makes something")
    broken = {name: error for night in nights for name, error in night.broken.items()}
    scans = {slot: said for night in nights for slot, said in night.scans.items()}
    return Report(rows=tuple(rows[name] for name in sorted(rows)), nights=tuple(nights), broken=broken, scans=scans)


def _weight(row: Row) -> tuple[bool, str]:
    """Prefer what the last night looked at: shards carry the others' older records along."""
    return row.looked_at, row.record.last.at if row.record.last else ""


def _rows(output: Path, night: Night | None) -> Iterable[Row]:
    known = records.every(output)
    published = arn_book.read(output)
    for record in known:
        state = night.states.get(record.slot) if night else None
        if state is None and night and record.last and record.last.run == night.run:
            state = record.last.status  # the night was stopped before it could sum up
        before = "failed" if record.last and record.last.status == "failed" else NEVER
        arns = _arns(published, record.manifest)
        yield Row(record=record, state=state or before, looked_at=state is not None, arns=arns)
    told = (*known, *records.retired(output))
    slots = {(record.recipe, record.runtimes, record.architectures) for record in told}
    for path in sorted(output.glob("*.json")):
        described = manifest.read(path)
        if described and _slot(described) not in slots:  # else it is an older version, or history
            yield Row(record=_without_night(path, described), state=NEVER, arns=_arns(published, described))


def _arns(published: Sequence[arn_book.ArnEntry], described: Manifest | None) -> tuple[tuple[str, str], ...]:
    return arn_book.arns(published, described.zip.code_sha256) if described else ()


def _slot(described: Manifest) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return described.name, described.runtimes, described.architectures


def _without_night(path: Path, described: Manifest) -> Record:
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
    """Keep the newest record of each target, and the nights that they are of, in one folder."""
    fresh = gather(outputs)
    found = gather([*outputs, to])
    for row in found.rows:
        records.write(to, row.record)
    arn_book.add(to, [one for output in outputs for one in arn_book.read(output)])
    journal.join(to, fresh.nights, {row.record.slot: row.state for row in found.rows})


def summary(report: Report) -> dict[str, Any]:
    """Return the report for programs, without what the manifests say already."""
    return {
        "version": VERSION,
        "nights": [
            {"run": one.run, "started": one.started, "finished": one.finished, "seconds": one.seconds}
            for one in report.nights
        ],
        "counts": {state: report.count(state) for state in sorted({row.state for row in report.rows})},
        "broken_recipes": {name: dataclasses.asdict(error) for name, error in report.broken.items()},
        "scans": {slot: list(said) for slot, said in report.scans.items()},
        "targets": [_told(row) for row in report.rows],
    }


def _told(row: Row) -> dict[str, Any]:
    record, last = row.record, row.record.last or Last(run="", at="", status="same")
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
        "attempts": last.attempts,
        "failure": dataclasses.asdict(row.failure) if row.failure else None,
        "zip_bytes": described.zip.bytes if described else None,
        "unzipped_bytes": described.unzipped_bytes if described else None,
        "sha256": described.zip.sha256 if described else None,
        "changes": list(record.changes),
        "arns": [arn for _, arn in row.arns],
    }
