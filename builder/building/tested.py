"""Which zips passed which tests in which images: kept in the cache, since it is no part of a zip or its manifest."""

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
    """Return where it is kept that a zip passed; another name for other tests, files of them, or images."""
    inputs = {
        "zip": sha256,
        "images": [run_image(target.base, arch).reference for arch in target.architectures],
        "tests": [dataclasses.asdict(test) for test in loaded.recipe.test],
        "files": dict(_files(loaded)),
    }
    key = files.sha256_of(json.dumps(inputs, sort_keys=True, default=str).encode())
    return cache_paths.cache() / FOLDER / f"{key}.json"


def _files(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield the files beside the recipe that its tests bring, with their hashes."""
    patterns = [pattern for test in loaded.recipe.test if test.invoke for pattern in test.invoke.files]
    for pattern in patterns if loaded.folder else ():
        for path in (loaded.folder or Path()).glob(pattern):
            if path.is_file():
                yield path.name, files.sha256(path)


def known(path: Path) -> tuple[SmokeResult, ...] | None:
    """Return what passed before; None when nothing is known of it."""
    try:
        return tuple(SmokeResult(**row) for row in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None  # not there, or damaged: it is tested again


def keep(path: Path, outcomes: Sequence[SmokeResult]) -> None:
    """Keep what passed; that there was nothing to try proves nothing."""
    if outcomes:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as part:
            part.write_text(json.dumps([one.as_json() for one in outcomes]), encoding="utf-8", newline="\n")
