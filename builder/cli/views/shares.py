"""The result of `layerwright split`: the layers that a recipe is divided into."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builder.authoring.split import Share, Split
from builder.cli import terminal

_COLUMNS = ("layer", "MB", "with what it needs", "packages")


def show(split: Split, written: Sequence[Path]) -> None:
    """Print one row for each layer; its second size includes the layers that it depends on."""
    rows = [_row(split, share) for share in split.shares]
    terminal.table(_COLUMNS, rows, numbers=("MB", "with what it needs"))
    terminal.result(f"total: {terminal.mb(split.total)} MB unzipped, measured for {split.target.name}")
    for path in written:
        terminal.result(f"wrote {path}")
    if not written:
        terminal.result("--write writes the recipes")


def _row(split: Split, share: Share) -> tuple[str, ...]:
    attached = sum(layer.bytes for layer in split.attached(share))
    packages = " ".join(f"{package.name}=={package.version}" for package in share.packages)
    return (share.name, terminal.mb(share.bytes), terminal.mb(attached), packages)


def document(split: Split, written: Sequence[Path]) -> dict[str, Any]:
    """Return the JSON document: the layers with their packages, and the paths of the written recipes."""
    layers = [_entry(split, share) for share in split.shares]
    paths = [str(path) for path in written]
    return {"target": split.target.name, "bytes": split.total, "layers": layers, "written": paths}


def _entry(split: Split, share: Share) -> dict[str, Any]:
    return {
        "name": share.name,
        "bytes": share.bytes,
        "packages": {package.name: package.version for package in share.packages},
        "attach": [layer.name for layer in split.attached(share)],
    }
