"""`layerwright images pin`: the digests of all images that recipes may need, from the registry."""

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
    """What the registry says: (path, old digest or None, new digest) of what differs from the pins."""

    file: Path
    count: int
    changes: tuple[tuple[str, str | None, str], ...]
    missing: tuple[LayerwrightError, ...]
    """Images that the registry does not give; their pins stay."""


def paths(chosen: list[Runtime]) -> list[str]:
    """Return the images of runtimes below the registry, each once."""
    found = [path for one in chosen for arch in ARCHITECTURES.values() for path in one.images(arch).values()]
    return sorted(set(found))


def alive() -> list[Runtime]:
    """Return the runtimes that functions can still be updated with."""
    return [one for one in every_runtime().values() if one.status(today()) != "blocked"]


def pin(engine: Engine, chosen: list[Runtime], *, write: bool) -> ImagePins:
    """Ask for the digests of the runtimes' images, and write them unless this is only a check."""
    wanted = {f"{images.registry()}/{path}": path for path in paths(chosen)}
    found, errors = registry.digests(engine, [images.Image(name=name, digest=None) for name in wanted])
    if not found:
        msg = f"{images.registry()} gave none of {len(wanted)} images"
        raise NothingSelectedError(
            msg, why=[error.what for error in errors[:3]], hint=errors[0].hint if errors else None
        )
    before = images.pinned()
    after = {wanted[name]: digest for name, digest in found.items()}
    changes = tuple((path, before.get(path), new) for path, new in sorted(after.items()) if before.get(path) != new)
    file = images.pins_file()
    if write and changes:
        files.writable(file.parent)
        with files.replacing(file) as part:
            images.write_pins(part, {**before, **after})
        images.forget()
    return ImagePins(file=file, count=len(after), changes=changes, missing=tuple(errors))
