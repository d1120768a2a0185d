"""Results of tests, cached by zip, tests and images. They are not part of a zip or its manifest."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builder.base import cache_paths, files
from builder.base.documents import Document, Typed
from builder.model.images import run_image
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.smoke.results import SmokeResult

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedResults:
    """The results of all tests of a layer, which passed."""

    results: tuple[SmokeResult, ...]
    version: int = FORMAT


def record(sha256: str, loaded: Loaded, target: Target) -> Document[CachedResults]:
    """Return the document of the results. Its path depends on the zip, the tests with their files, and the images."""
    inputs = {
        "format": FORMAT,
        "zip": sha256,
        "images": [run_image(target.base, arch).reference for arch in target.architectures],
        "tests": [dataclasses.asdict(test) for test in loaded.recipe.test],
        "files": dict(_files(loaded)),
    }
    key = files.sha256_of(json.dumps(inputs, sort_keys=True, default=str).encode())
    path = cache_paths.folder("tested") / f"{key}.json"
    return Document(path=path, what="cached test result", codec=Typed(kind=CachedResults), version=FORMAT)


def _files(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield the files beside the recipe that its tests use, with their SHA-256."""
    patterns = [pattern for test in loaded.recipe.test if test.invoke for pattern in test.invoke.files]
    for pattern in patterns if loaded.folder else ():
        yield from ((path.name, files.sha256(path)) for path in loaded.matching(pattern))


def read(cached: Document[CachedResults]) -> tuple[SmokeResult, ...] | None:
    """Return cached results; None if there are none, so that the tests run again."""
    kept = cached.read()
    return kept.results if kept else None


def keep(cached: Document[CachedResults], outcomes: Sequence[SmokeResult]) -> None:
    """Cache the results of passed tests. An empty list is not cached, since it proves nothing."""
    if outcomes:
        cached.replace(CachedResults(results=tuple(outcomes)))
