"""The result of `layerwright build`: one row for each zip."""

from collections.abc import Sequence
from typing import Any

from builder.base.errors import LayerwrightError
from builder.building.layer import Built
from builder.cli import terminal
from builder.cli.views import outcomes
from builder.model import manifest
from builder.model.limits import UNZIPPED_LIMIT

_NUMBERS = ("seconds", "zip MB", "unzipped MB", "headroom MB")
_COLUMNS = ("target", "route", "tests", *_NUMBERS, "sha256")


def show(results: Sequence[Built]) -> None:
    """Print a table of the zips. Headroom is what Lambda's limit for the unzipped layer leaves."""
    terminal.table(_COLUMNS, [_row(built) for built in results], numbers=_NUMBERS)


def _row(built: Built) -> tuple[str, ...]:
    return (
        built.target,
        "unchanged" if built.unchanged else built.manifest.route,
        outcomes.summary(built.tests),
        f"{built.seconds:.1f}",
        terminal.mb(built.manifest.zip.bytes),
        terminal.mb(built.manifest.unzipped_bytes),
        terminal.mb(UNZIPPED_LIMIT - built.manifest.unzipped_bytes),
        built.manifest.zip.sha256,
    )


def document(results: Sequence[Built], errors: Sequence[LayerwrightError]) -> dict[str, Any]:
    """Return the JSON document: manifests, paths and test results of the zips, messages of the failures."""
    return {"built": [_entry(built) for built in results], "failed": [error.what for error in errors]}


def _entry(built: Built) -> dict[str, Any]:
    return {
        **manifest.document(built.manifest),
        "path": str(built.path),
        "unchanged": built.unchanged,
        "tests": None if built.tests is None else [outcome.as_json() for outcome in built.tests],
    }
