"""What the images of runtimes have, and where that differs."""

from typing import Any

from builder.authoring.survey import Survey
from builder.cli import terminal


def show(found: Survey) -> None:
    """Print the differences, image by image, and warn of images that could not be asked."""
    for image in found.images:
        for difference in image.differences:
            terminal.line(f"{image.path}: {difference}")
        if image.recipes:
            terminal.line(f"{image.path}: used by {', '.join(image.recipes)}")
    for error in found.missing:
        terminal.warn(error.brief)
    differing = sum(bool(image.differences) for image in found.images)
    folder = found.images[0].file.parent
    terminal.result(f"{folder}: {len(found.images)} images, {differing} with differences; commit the folder")


def document(found: Survey) -> dict[str, Any]:
    """Return the JSON document: each image with its file, differences and recipes, and the failures."""
    return {
        "images": [
            {
                "path": image.path,
                "file": str(image.file),
                "differences": list(image.differences),
                "recipes": list(image.recipes),
            }
            for image in found.images
        ],
        "failed": [error.what for error in found.missing],
    }
