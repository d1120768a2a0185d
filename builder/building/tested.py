"""Whether a layer has passed its tests: the record beside its zip, else one of an equal zip in the cache."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.base import cache_paths, files
from builder.base.documents import Document, Typed
from builder.model.recipe import Test
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.smoke import record
from builder.smoke.record import ImageTrial, ZipTrials

FORMAT = 2
_DEFAULT = "default tests, 2"
"""Another number makes layers be tested again with the default tests of this version, which try more."""


def known(path: Path, sha256: str, loaded: Loaded, target: Target) -> ZipTrials | None:
    """Return what the tests of a recipe said of a zip with this hash; None if they never ran, or changed since."""
    tests = definition(loaded.recipe.test, loaded)
    beside = record.of(path, sha256)
    if beside and beside.tests == tests and target.base.name in {run.runtime for run in beside.runs}:
        return beside
    cached = _cached(sha256, tests, target).read()
    if cached:
        record.at(path).replace(cached)
    return cached


def keep(path: Path, tested: ZipTrials, target: Target) -> None:
    """Write the record beside a zip. One of a success is cached, for the same zip in another folder."""
    record.at(path).replace(tested)
    if tested.passed:
        _cached(tested.zip, tested.tests, target).replace(dataclasses.replace(tested, before=None))


def of_runs(path: Path, sha256: str, loaded: Loaded, runs: Sequence[ImageTrial]) -> ZipTrials:
    """Return the record of the tests of a recipe, with what the last zip at the same path cost."""
    tests = definition(loaded.recipe.test, loaded)
    return ZipTrials(zip=sha256, tests=tests, runs=tuple(runs), before=record.before(path, sha256))


def _cached(sha256: str, tests: str, target: Target) -> Document[ZipTrials]:
    inputs = json.dumps([FORMAT, sha256, tests, target.base.name])
    path = cache_paths.folder("tested") / f"{files.sha256_of(inputs.encode())}.json"
    return Document(path=path, what="cached test result", codec=Typed(kind=ZipTrials), version=record.VERSION)


def definition(tests: Sequence[Test], loaded: Loaded | None = None) -> str:
    """Return the digest of tests, and of the files beside their recipe that they use. None are the default tests."""
    inputs = {"tests": [dataclasses.asdict(test) for test in tests] or _DEFAULT, "files": dict(_files(tests, loaded))}
    return files.sha256_of(json.dumps(inputs, sort_keys=True, default=str).encode())


def _files(tests: Sequence[Test], loaded: Loaded | None) -> Iterator[tuple[str, str]]:
    if loaded is None or loaded.folder is None:
        return
    for pattern in (pattern for test in tests if test.invoke for pattern in test.invoke.files):
        yield from ((path.name, files.sha256(path)) for path in loaded.matching(pattern))
