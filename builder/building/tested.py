"""Results of tests, cached by zip, tests and images. They are not part of a zip or its manifest."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.base import cache_paths, files
from builder.model.images import run_image
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.smoke.run import SmokeResult

FOLDER = "tested"


def record(sha256: str, loaded: Loaded, target: Target) -> Path:
    """Return the path of the cached results. It depends on the zip, the tests with their files, and the images."""
    inputs = {
        "zip": sha256,
        "images": [run_image(target.base, arch).reference for arch in target.architectures],
        "tests": [dataclasses.asdict(test) for test in loaded.recipe.test],
        "files": dict(_files(loaded)),
    }
    key = files.sha256_of(json.dumps(inputs, sort_keys=True, default=str).encode())
    return cache_paths.cache() / FOLDER / f"{key}.json"


def _files(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield the files beside the recipe that its tests use, with their SHA-256."""
    patterns = [pattern for test in loaded.recipe.test if test.invoke for pattern in test.invoke.files]
    for pattern in patterns if loaded.folder else ():
        for path in (loaded.folder or Path()).glob(pattern):
            if path.is_file():
                yield path.name, files.sha256(path)


def read(path: Path) -> tuple[SmokeResult, ...] | None:
    """Return cached results; None if there are none."""
    try:
        return tuple(SmokeResult(**row) for row in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None  # missing or damaged: the tests run again


def keep(path: Path, outcomes: Sequence[SmokeResult]) -> None:
    """Cache the results of passed tests. An empty list is not cached, since it proves nothing."""
    if outcomes:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as part:
            part.write_text(json.dumps([outcome.as_json() for outcome in outcomes]), encoding="utf-8", newline="\n")
