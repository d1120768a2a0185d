"""`layerwright images pin`: the newest digests of all images that recipes may need."""

import time
from pathlib import Path

from builder.base import cache_paths, files
from builder.base.documents import Document, Typed
from builder.base.emitter import Events
from builder.base.errors import LayerwrightError, NothingSelectedError, UnreachableError
from builder.base.frozen import dataclass
from builder.engine import registry
from builder.model import images
from builder.model.architectures import ARCHITECTURES
from builder.model.runtimes import Runtime, today
from builder.model.runtimes import runtimes as every_runtime

_FRESH = 3600.0
"""Seconds for which digests of a run that did not end are used."""


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


def pin(chosen: list[Runtime], *, write: bool, events: Events) -> ImagePins:
    """Query the digests of the runtimes' images; with `write`, write them into the file of pins.

    Digests of a run that was interrupted, or that the registry refused to finish, are not queried again for an hour.
    Raises NothingSelectedError if the registry has none of the images.
    """
    every = paths(chosen)
    known = _Known.read()
    asked = [path for path in every if path not in known.digests]
    if len(asked) < len(every):
        events.note(f"{len(every) - len(asked)} of {len(every)} digests are those of an earlier run that did not end")
    digests, errors = _queried(asked, known, events)
    after = {**{path: known.digests[path] for path in every if path in known.digests}, **digests}
    if not after:
        raise _nothing(len(every), errors)
    before = images.pinned()
    changes = tuple((path, before.get(path), new) for path, new in sorted(after.items()) if before.get(path) != new)
    if write and changes:
        images.pin(after)
    return ImagePins(file=images.pins_file(), count=len(after), changes=changes, missing=tuple(errors))


def _queried(asked: list[str], known: "_Known", events: Events) -> tuple[dict[str, str], list[LayerwrightError]]:
    """Ask for digests. What is known when it ends early is kept for the next run."""
    found: dict[str, str] = {}

    def answered(path: str, digest: str) -> None:
        found[path] = digest
        events.progress(len(found), len(asked), "images")

    def slowed(interval: float) -> None:
        seconds = interval * (len(asked) - len(found))
        events.note(f"the registry allows one request in {interval:.1f} s: about {seconds:.0f} s for the other images")

    unfinished = True
    try:
        digests, errors = registry.digests(asked, answered=answered, slowed=slowed)
        unfinished = any(isinstance(error, UnreachableError) for error in errors)
    finally:
        known.replaced_by(found if unfinished else {})
    return digests, errors


def _nothing(count: int, errors: list[LayerwrightError]) -> NothingSelectedError:
    msg = f"{images.registry()} gave none of the {count} images"
    why = [error.brief for error in errors[:3]]
    return NothingSelectedError(msg, why=why, hint=errors[0].hint if errors else None)


# ---- runs that did not end -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class UnfinishedPins:
    """The digests of a run that did not end."""

    version: int
    at: float
    """Seconds since 1970."""
    digests: dict[str, str]
    """By path of the image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What is known of an earlier run against the same registry."""

    document: Document[UnfinishedPins]
    digests: dict[str, str]

    @classmethod
    def read(cls) -> "_Known":
        name = f"digests-{files.sha256_of(images.registry().encode())[:16]}.json"
        document = Document(
            path=cache_paths.folder("resolved") / name, what="list of digests", codec=Typed(kind=UnfinishedPins)
        )
        found = document.read()
        fresh = found is not None and 0 <= time.time() - found.at < _FRESH
        return cls(document=document, digests=dict(found.digests) if found and fresh else {})

    def replaced_by(self, found: dict[str, str]) -> None:
        """Keep digests for the next run; none for one that ended."""
        if found:
            digests = {**self.digests, **found}
            self.document.replace(UnfinishedPins(version=1, at=time.time(), digests=digests))
        else:
            files.remove(self.document.path)
