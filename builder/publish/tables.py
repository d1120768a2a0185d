"""Tables of planned rows and of outcomes."""

from collections.abc import Sequence

from builder.base.talk import Talk
from builder.publish.execute import PublishOutcome
from builder.publish.plan import PlanRow

MAX_ROWS = 40
"""Rows up to which a table is printed in full; a longer one is summarized by layer."""
_BAD = {"blocked", "failed", "not tried"}


def plan(talk: Talk, rows: Sequence[PlanRow]) -> None:
    """Print the planned rows."""
    cells = [(row.layer.name, row.region, row.action, _why(row), str(row.grants)) for row in rows]
    _print(talk, ("layer", "region", "action", "why", "permissions"), cells)


def _why(row: PlanRow) -> str:
    duplicates = [f"deletes the duplicate version {version.number}" for version in row.surplus]
    return "; ".join([row.why, *duplicates])


def outcomes(talk: Talk, results: Sequence[PublishOutcome]) -> None:
    """Print the outcomes."""
    cells = [
        (outcome.row.layer.name, outcome.row.region, outcome.status, _arn(outcome), str(outcome.row.grants))
        for outcome in results
    ]
    _print(talk, ("layer", "region", "state", "ARN", "permissions"), cells)


def _arn(outcome: PublishOutcome) -> str:
    return " ".join(part for part in (outcome.arn, outcome.why) if part)


def _print(talk: Talk, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows. In a long table, the regions of a layer become one row, except for rows with a problem."""
    if len(rows) <= MAX_ROWS:
        talk.table(columns, rows)
        return
    bad = [row for row in rows if row[2] in _BAD]
    regions: dict[tuple[str, str, str], list[str]] = {}
    for layer, region, action, _, grants in (row for row in rows if row not in bad):
        regions.setdefault((layer, action, grants), []).append(region)
    summary = [(layer, _regions(names), action, "", grants) for (layer, action, grants), names in regions.items()]
    talk.table(columns, [*summary, *bad])


def _regions(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} regions"
