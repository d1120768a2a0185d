"""Tables of planned rows and of outcomes."""

from collections.abc import Sequence

from builder.publish.execute import PublishOutcome
from builder.publish.plan import PlanRow

Table = tuple[tuple[str, ...], Sequence[tuple[str, ...]]]
"""Columns and rows."""
MAX_ROWS = 40
"""Rows up to which a table is shown in full; a longer one is summarized by layer."""
_BAD = {"blocked", "failed", "not tried"}


def plan(rows: Sequence[PlanRow]) -> Table:
    """Return the table of the planned rows."""
    cells = [(row.layer.name, row.region, row.action, _why(row), str(row.grants)) for row in rows]
    return ("layer", "region", "action", "why", "permissions"), _shortened(cells)


def _why(row: PlanRow) -> str:
    duplicates = [f"deletes the duplicate version {version.number}" for version in row.surplus]
    return "; ".join([row.why, *duplicates])


def outcomes(results: Sequence[PublishOutcome]) -> Table:
    """Return the table of the outcomes."""
    cells = [
        (outcome.row.layer.name, outcome.row.region, outcome.status, _arn(outcome), str(outcome.row.grants))
        for outcome in results
    ]
    return ("layer", "region", "state", "ARN", "permissions"), _shortened(cells)


def _arn(outcome: PublishOutcome) -> str:
    return " ".join(part for part in (outcome.arn, outcome.why) if part)


def _shortened(rows: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """Make one row of the regions of a layer if there are many rows, except of rows with a problem."""
    if len(rows) <= MAX_ROWS:
        return rows
    bad = [row for row in rows if row[2] in _BAD]
    regions: dict[tuple[str, str, str], list[str]] = {}
    for layer, region, action, _, grants in (row for row in rows if row not in bad):
        regions.setdefault((layer, action, grants), []).append(region)
    summary = [(layer, _regions(names), action, "", grants) for (layer, action, grants), names in regions.items()]
    return [*summary, *bad]


def _regions(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} regions"
