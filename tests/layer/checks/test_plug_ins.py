"""Libraries whose plug-ins, settings or data stay behind."""

import re

import pytest
from kit.zips import found, tree

from builder.engine.failure import package_names
from builder.layer import plugin_variables
from builder.model.plugins import PlugIns, known


def findings(*paths: str) -> list[tuple[str | None, str, str]]:
    rows = found(tree(dict.fromkeys(paths, b"x")), only="plug-ins")
    assert {row.severity for row in rows} <= {"warning"}
    return [(row.path, row.message, row.hint) for row in rows]


def path_of(pattern: str) -> str:
    """Return a path that a pattern stands for."""
    return re.sub(r"\*", "x", pattern).removeprefix("/")


@pytest.mark.parametrize("opening", known(), ids=lambda opening: f"{opening.library} {opening.what[:20]}")
def test_a_library_without_what_it_opens_is_told_with_package_and_variables(opening: PlugIns) -> None:
    library = f"lib/{opening.library}.1"
    (row,) = [row for row in findings(library) if opening.what in row[1]]
    assert row[0] == library
    assert all(name in row[2] for name in (*opening.variables, *([opening.package] if opening.package else [])))
    for pattern in opening.needs:
        assert not [row for row in findings(library, path_of(pattern)) if opening.what in row[1]]


def test_fontconfig_is_told_to_lack_settings_and_a_font() -> None:
    rows = findings("lib/libfontconfig.so.1")
    assert [path for path, _, _ in rows] == ["lib/libfontconfig.so.1"] * 2
    told = " ".join(f"{message} {hint}" for _, message, hint in rows)
    assert all(word in told for word in ("FONTCONFIG_PATH", "FONTCONFIG_FILE", '"fontconfig"', "dejavu-sans-fonts"))
    assert findings("lib/libfontconfig.so.1", "etc/fonts/fonts.conf", "share/fonts/dejavu/DejaVuSans.ttf") == []


def test_what_a_wheel_brings_for_itself_is_its_own_matter() -> None:
    assert findings("python/p.libs/libfontconfig.so.1", "python/p/libgs.so.9", "bin/libgs.so.9") == []


def test_the_data_has_sources_and_packages_of_amazons_list() -> None:
    assert len(known()) >= 25
    assert all(len(opening.source) > 5 for opening in known())
    assert {opening.package for opening in known() if opening.package} <= set(package_names("al2023"))


def variables(*paths: str) -> dict[str, str]:
    return {each.name: each.value for each in plugin_variables.needed(tree(dict.fromkeys(paths, b"x")))}


@pytest.mark.parametrize("opening", known(), ids=lambda opening: f"{opening.library} {opening.what[:20]}")
def test_plug_ins_that_are_there_need_their_variables(opening: PlugIns) -> None:
    library = f"lib/{opening.library}.1"
    assert not variables(library), "nothing is there to be found"
    for variable in opening.sets:
        patterns = variable.of or opening.needs
        for pattern in patterns:
            path = path_of(pattern)
            value = variables(library, path)[variable.name]
            assert not re.search(r"[{}]", value)
            if "{folder}" in variable.value:
                assert f"/opt/{path}".rpartition("/")[0] in value
            assert variable.name not in variables(path), "the library is not there"


def test_the_file_that_is_highest_in_the_tree_decides() -> None:
    fonts = ("etc/fonts/conf.d/10-hinting.conf", "etc/fonts/fonts.conf", "share/fonts/dejavu/DejaVuSans.ttf")
    assert variables("lib/libfontconfig.so.1", *fonts) == {
        "FONTCONFIG_PATH": "/opt/etc/fonts",
        "XDG_DATA_HOME": "/opt/share",
    }
