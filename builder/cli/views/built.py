"""The result of `layerwright build`: one row for each zip."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.base.errors import LayerwrightError
from builder.building.layer import Built
from builder.building.layer_tests import Lack
from builder.cli import terminal
from builder.cli.views import outcomes
from builder.model import manifest
from builder.model.limits import UNZIPPED_LIMIT
from builder.smoke import record

_NUMBERS = ("seconds", "zip MB", "unzipped MB", "headroom MB")
_NAMED = 5
"""Zips that one line names."""
_WAYS: Mapping[Lack | None, str] = {
    None: "{command} does it, with a container engine",
    "image": "the engine has no image of the runtime on hand, which {command} pulls",
    "architecture": "the engine runs none of that architecture, and `layerwright doctor` tells what does",
}
"""What tests a zip, by what the engine has not."""
_COLUMNS = ("target", "route", "tests", *_NUMBERS)
_SHA256 = "sha256"
_OPTIONAL = (_SHA256, "headroom MB", "seconds", "route")
"""What a narrow terminal does without, first the first."""


def show(results: Sequence[Built]) -> None:
    """Print a table of the zips. Headroom is what Lambda's limit for the unzipped layer leaves.

    Hashes are on wide terminals alone: whoever reads the output by a program takes --json.
    """
    columns, rows = [*_COLUMNS], [_row(built) for built in results]
    if terminal.width():
        columns = [*columns, _SHA256]
        rows = [(*row, built.manifest.zip.sha256) for row, built in zip(rows, results, strict=True)]
    terminal.table(columns, rows, numbers=_NUMBERS, whole=("target", _SHA256), optional=_OPTIONAL)


def untested(results: Sequence[Built]) -> list[str]:
    """Return the last lines, about zips that no test was run on; nothing about those that have nothing to test."""
    waiting: dict[Lack | None, list[Built]] = {}
    for built in results:
        if record.state(built.tested) in {record.UNTESTED, record.FAILED}:
            waiting.setdefault(built.lack, []).append(built)
    return [_waiting(zips, _WAYS[lack]) for lack, zips in waiting.items()]


def _waiting(zips: Sequence[Built], way: str) -> str:
    more = f" and {len(zips) - _NAMED} more" if len(zips) > _NAMED else ""
    names = ", ".join(built.target for built in zips[:_NAMED])
    return f"{record.UNTESTED}: {names}{more}; {way.format(command=f'`layerwright test {zips[0].path}`')}"


def _row(built: Built) -> tuple[str, ...]:
    return (
        built.target,
        "unchanged" if built.unchanged else built.manifest.route,
        outcomes.summary(built.tested),
        f"{built.seconds:.1f}",
        terminal.mb(built.manifest.zip.bytes),
        terminal.mb(built.manifest.unzipped_bytes),
        terminal.mb(UNZIPPED_LIMIT - built.manifest.unzipped_bytes),
    )


def document(results: Sequence[Built], errors: Sequence[LayerwrightError]) -> dict[str, Any]:
    """Return the JSON document: manifests, paths and test results of the zips, messages of the failures."""
    return {"built": [_entry(built) for built in results], "failed": [error.what for error in errors]}


def _entry(built: Built) -> dict[str, Any]:
    return {
        **manifest.document(built.manifest),
        "path": str(built.path),
        "unchanged": built.unchanged,
        "tests": None if built.tested is None else [outcome.as_json() for outcome in built.tested.results],
        "tested": record.state(built.tested),
    }
