"""The images of runtimes and their pins."""

from collections.abc import Sequence
from typing import Any

from builder.authoring.pin import ImagePins
from builder.cli import terminal
from builder.model import images

PinRow = tuple[str, str | None]
"""Path of an image, and its pin."""


def show(rows: Sequence[PinRow]) -> None:
    """Print one row for each image."""
    terminal.table((f"image in {images.registry()}", "pin"), [(path, pin or "not pinned") for path, pin in rows])


def document(rows: Sequence[PinRow]) -> dict[str, Any]:
    """Return the JSON document: the registry, and the images with their digests."""
    return {"registry": images.registry(), "images": [{"path": path, "digest": pin} for path, pin in rows]}


def show_changes(pinned: ImagePins, verb: str, *, as_json: bool) -> None:
    """Print the pins that `verb`, for example changed, and warn of images that the registry does not have."""
    if as_json:
        terminal.data(_changes(pinned))
    else:
        for path, old, new in pinned.changes:
            terminal.line(f"{path} {old or '(new)'} -> {new}")
    for error in pinned.missing:
        terminal.warn(error.brief)
    terminal.result(f"{pinned.file}: {pinned.count} images, {len(pinned.changes)} {verb}")


def _changes(pinned: ImagePins) -> dict[str, Any]:
    return {
        "file": pinned.file.as_posix(),
        "images": pinned.count,
        "changes": [{"path": path, "old": old, "new": new} for path, old, new in pinned.changes],
        "missing": [error.what for error in pinned.missing],
    }
