"""`layerwright images pin`: the newest digests of all images that recipes may need."""

from dataclasses import dataclass
from pathlib import Path

from builder.base import files
from builder.base.errors import LayerwrightError, NothingSelectedError
from builder.engine import registry
from builder.engine.client import Engine
from builder.model import images
from builder.model.architectures import ARCHITECTURES
from builder.model.runtimes import Runtime, today
from builder.model.runtimes import runtimes as every_runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePins:
    """The digests of a registry, compared with the pins."""

    file: Path
    """The file of pins."""
    count: int
    """Number of images that the registry has."""
    changes: tuple[tuple[str, str | None, str], ...]
    """Path, old digest or None, and new digest of the images that differ."""
    missing: tuple[LayerwrightError, ...]
    """Errors of the other images; their pins stay."""


def paths(chosen: list[Runtime]) -> list[str]:
    """Return the paths of the runtimes' images in the registry, each once."""
    return sorted({path for each in chosen for arch in ARCHITECTURES.values() for path in each.images(arch).values()})


def alive() -> list[Runtime]:
    """Return the runtimes whose functions can still be updated."""
    return [each for each in every_runtime().values() if each.status(today()) != "blocked"]


def pin(engine: Engine, chosen: list[Runtime], *, write: bool) -> ImagePins:
    """Query the digests of the runtimes' images; with `write`, write them into the file of pins.

    Raises NothingSelectedError if the registry has none of the images.
    """
    names = {f"{images.registry()}/{path}": path for path in paths(chosen)}
    digests, errors = registry.digests(engine, [images.Image(name=name, digest=None) for name in names])
    if not digests:
        msg = f"{images.registry()} has none of the {len(names)} images"
        raise NothingSelectedError(
            msg, why=[error.what for error in errors[:3]], hint=errors[0].hint if errors else None
        )
    before = images.pinned()
    after = {names[name]: digest for name, digest in digests.items()}
    changes = tuple((path, before.get(path), new) for path, new in sorted(after.items()) if before.get(path) != new)
    file = images.pins_file()
    if write and changes:
        files.writable(file.parent)
        with files.replacing(file) as draft:
            images.write_pins(draft, {**before, **after})
        images.forget()
    return ImagePins(file=file, count=len(after), changes=changes, missing=tuple(errors))
