"""One night over this repository's own recipes, unattended as on a code host. All tests of a run share its zips."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from builder.model.target import Target
from kit.commands import ROOT, Result, layerwright
from kit.shared import once

_RESULT = "result.json"


def work(folder: Path, chosen: Sequence[Target]) -> Result:
    """Build what changed of targets into a folder, and write the report."""
    cache = os.environ["LAYERWRIGHT_CACHE"]
    options = ("--recipes", str(ROOT / "recipes"), "--test", "never", "--json", "--limit", "20")
    names = sorted({target.layer for target in chosen})
    only = (word for target in chosen for word in ("--only", target.name))
    return layerwright("nightly", *names, *only, *options, cwd=folder, env={"CI": "true", "LAYERWRIGHT_CACHE": cache})


def first(factory: pytest.TempPathFactory, chosen: Sequence[Target]) -> tuple[Path, Result]:
    """Return the folder of the night in which everything was built, and what it printed. It is worked through once."""

    def make(folder: Path) -> None:
        (folder / _RESULT).write_text(json.dumps(dataclasses.asdict(work(folder, chosen))), encoding="utf-8")

    folder = once(factory, "night", make)
    return folder, Result(**json.loads((folder / _RESULT).read_text(encoding="utf-8")))
