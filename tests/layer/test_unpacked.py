"""A layer as a folder: modes and links as in the zip, all of it or nothing."""

import stat
from pathlib import Path

import pytest
from kit.commands import ROOT, layerwright
from kit.zips import entry, write

from builder.base.errors import UsageError
from builder.layer import archive, tree, unpacked


@pytest.mark.parametrize("exists", [True, False])
def test_modes_and_links_are_those_of_the_zip(tmp_path: Path, *, exists: bool) -> None:
    path = tmp_path / "layer.zip"
    entries = (entry("bin/tool", mode=0o755), entry("lib/a.so", link="a.so.1"), entry("lib/a.so.1"))
    archive.write(tree.of(entries), path)
    folder = tmp_path / "artifacts"
    if exists:
        folder.mkdir()
    unpacked.write(path, folder)
    assert sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if not each.is_dir()) == [
        "bin/tool",
        "lib/a.so",
        "lib/a.so.1",
    ]
    assert (folder / "lib/a.so").readlink() == Path("a.so.1")
    assert stat.S_IMODE((folder / "bin/tool").stat().st_mode) == 0o755
    assert sorted(each.name for each in tmp_path.iterdir()) == ["artifacts", "layer.zip"]


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "layer.zip", {"bin/tool": b""})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    with pytest.raises(UsageError, match="is not empty"):
        unpacked.write(path, tmp_path / "mine")
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["file"]


def test_what_cannot_be_unpacked_is_refused_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, told in {
        ("numpy", "--unpack", "opt"): "--unpack needs one target, and these are 8",
        ("bash-runtime", "--unpack", "file"): "is a file",
        ("bash-runtime", "--unpack", "."): "is not empty",
    }.items():
        result = layerwright("build", *arguments, cwd=tmp_path)
        assert result.code == 2
        assert told in result.err
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_folder_is_written_for_an_unchanged_zip_as_well(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        result = layerwright("build", "bash-runtime", "--unpack", folder, cwd=tmp_path)
        assert result.code == 0, result.err
    source = (ROOT / "recipes/bash-runtime/bootstrap").read_bytes()
    assert [(tmp_path / folder / "bootstrap").read_bytes() for folder in ("one", "two")] == [source, source]
