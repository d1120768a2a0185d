"""The runtimes of Lambda."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from builder.cli import terminal
from builder.model.runtimes import Runtime

_COLUMNS = ("runtime", "system", "status", "deprecated", "update until", "image")


def show(runtimes: Sequence[Runtime], today: date) -> None:
    """Print one row for each runtime: operating system, status of today, dates, image."""
    terminal.table(
        _COLUMNS, [_row(runtime, today) for runtime in runtimes], whole=("runtime",), optional=("image", "system")
    )


def _row(runtime: Runtime, today: date) -> tuple[str, ...]:
    return (
        runtime.name,
        runtime.os.title,
        runtime.status(today),
        str(runtime.deprecated or ""),
        str(runtime.block_update or ""),
        runtime.image.replace("-{arch}", ""),
    )


def document(runtimes: Sequence[Runtime], retired: Mapping[str, str], today: date) -> dict[str, Any]:
    """Return the JSON document: the runtimes, and those that Lambda has retired."""
    return {"runtimes": [runtime.as_json(today) for runtime in runtimes], "retired": retired}
