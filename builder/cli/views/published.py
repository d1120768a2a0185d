"""Published versions: a table, the details of one, and what pruning would do."""

from collections.abc import Sequence
from typing import Any

from builder.cli import terminal
from builder.publish.published import VersionList
from builder.publish.versions import Deletion, ListedVersion, PruneDecision, VersionDetails


def show(rows: Sequence[ListedVersion]) -> None:
    """Print one row for each version, with the number of functions that use it."""
    cells = [
        (
            row.layer,
            row.region,
            str(row.version.number),
            row.version.created[:10],
            f"{len(row.users)} functions" if row.users else "-",
            row.version.description[:60],
        )
        for row in rows
    ]
    columns = ("layer", "region", "version", "published", "used by", "description")
    terminal.table(columns, cells, numbers=("version",))


def show_details(details: VersionDetails) -> None:
    """Print all that is known of a version, one fact per line."""
    version = details.version
    shared = [f"{grant or 'other'} ({name})" for name, grant in details.grants.items()]
    terminal.line(f"{version.arn}")
    for label, value in (
        ("published", version.created),
        ("description", version.description or "-"),
        ("license", version.license or "-"),
        ("runtimes", " ".join(version.runtimes) or "-"),
        ("architectures", " ".join(version.architectures) or "-"),
        ("zip", f"{terminal.mb(version.bytes)} MB, CodeSha256 {version.code_sha256}"),
        ("shared with", ", ".join(shared) or "none, or not permitted to read"),
    ):
        terminal.line(f"  {label:<14}{value}")


def details_document(details: VersionDetails) -> dict[str, Any]:
    """Return the JSON document of one version."""
    version = {name: getattr(details.version, name) for name in type(details.version).__dataclass_fields__}
    return {**version, "shared": {name: str(grant) if grant else None for name, grant in details.grants.items()}}


def show_decisions(decisions: Sequence[PruneDecision]) -> None:
    """Print one row for each version: whether it is deleted, and why not."""
    cells = [
        (
            decision.listed.layer,
            decision.listed.region,
            str(decision.listed.version.number),
            decision.listed.version.created[:10],
            "delete" if decision.delete else "keep",
            decision.why,
        )
        for decision in decisions
    ]
    terminal.table(("layer", "region", "version", "published", "action", "why"), cells, numbers=("version",))


def pruned_document(
    decisions: Sequence[PruneDecision], listed: VersionList, deletion: Deletion, *, dry_run: bool
) -> dict[str, Any]:
    """Return the JSON document of all versions of the layers, and of what became of each."""
    rows = [
        {**deletion.as_json(decision.listed), "delete": decision.delete, "why": decision.why} for decision in decisions
    ]
    account = listed.identity.account
    return {"account": account, "dry_run": dry_run, "versions": rows, "errors": dict(listed.failed)}


def deleted_document(
    doomed: Sequence[ListedVersion], account: str, deletion: Deletion, *, dry_run: bool
) -> dict[str, Any]:
    """Return the JSON document of versions that were to be deleted, and of what became of each."""
    return {"account": account, "dry_run": dry_run, "versions": [deletion.as_json(listed) for listed in doomed]}
