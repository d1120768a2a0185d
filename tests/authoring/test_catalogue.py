"""A night over this repository's own recipes, unattended as on a code host: all that is prebuilt, some compiled."""

import json
import os
from pathlib import Path

import pytest
from kit.commands import ROOT, Result, layerwright
from test_every_recipe import COMPILED, WHEELS

from builder.model.target import targets
from builder.nightly import records

CHOSEN = {"lz4", "sqlite3"}
"""Of those that are compiled: one of Python's, one of the system's packages."""
NAMES = sorted({one.name for one in WHEELS} | CHOSEN)


def night(folder: Path) -> Result:
    cache = os.environ["LAYERWRIGHT_CACHE"]
    options = ("--recipes", str(ROOT / "recipes"), "--test", "never", "--json", "--limit", "20")
    return layerwright("nightly", *NAMES, *options, cwd=folder, env={"CI": "true", "LAYERWRIGHT_CACHE": cache})


@pytest.mark.network
@pytest.mark.recipes
@pytest.mark.usefixtures("engine")
def test_the_whole_catalogue_is_built_once_and_then_no_more(tmp_path: Path) -> None:
    first = night(tmp_path)
    assert first.code == 0, first.err
    chosen = [one for one in (*WHEELS, *COMPILED) if one.name in NAMES]
    names = {records.slot(target): target.name for one in chosen for target in targets(one.recipe)}
    wanted = set(names)
    assert len(wanted) > 100
    assert first.json["states"] == dict.fromkeys(wanted, "built")
    for name in names.values():
        assert f"] built {name} (" in first.err  # a log without a terminal tells of each target
    zips = {path.name for path in (tmp_path / "dist").glob("*.zip")}
    assert len(zips) == len(wanted)
    for path in (tmp_path / "dist").glob("*.cdx.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["bomFormat"] == "CycloneDX"
    second = night(tmp_path)
    assert second.code == 0, second.err
    assert second.json["states"] == dict.fromkeys(wanted, "unchanged")
    assert (tmp_path / "dist" / "report" / "index.html").stat().st_size < 5_000_000
