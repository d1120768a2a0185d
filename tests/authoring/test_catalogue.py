"""A night over recipes of this repository, unattended as on a code host: prebuilt for one Python, and some compiled."""

import json

import pytest
from kit import catalogue_night
from test_every_recipe import NIGHT

from builder.nightly import records


@pytest.mark.network
@pytest.mark.recipes
@pytest.mark.usefixtures("engine")
def test_what_a_night_over_the_catalogue_built_is_not_built_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, first = catalogue_night.first(tmp_path_factory, NIGHT)
    assert first.code == 0, first.err
    names = {records.slot(target): target.name for target in NIGHT}
    wanted = set(names)
    assert len(wanted) > 40
    assert first.json["states"] == dict.fromkeys(wanted, "built")
    for name in names.values():
        assert f"] built {name} (" in first.err  # a log without a terminal tells of each target
    zips = {path.name for path in (folder / "dist").glob("*.zip")}
    assert len(zips) == len(wanted)
    for path in (folder / "dist").glob("*.cdx.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["bomFormat"] == "CycloneDX"
    second = catalogue_night.work(folder, NIGHT)
    assert second.code == 0, second.err
    assert second.json["states"] == dict.fromkeys(wanted, "unchanged")
    assert (folder / "dist" / "report" / "index.html").stat().st_size < 5_000_000
