"""Names on file systems that ignore case or compose accents otherwise; shims of what those answer."""

import os
import unicodedata
from pathlib import Path

import pytest
from kit import folding
from kit.commands import copy_recipe, layerwright, write_recipe
from kit.wheels import Index, make_wheel

from builder.base import contained, host_names, processes
from builder.base.errors import BuildError
from builder.base.files import sha256
from builder.packages.pypi import uv

COMPOSED = "größe.txt"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
RECIPE = copy_recipe("a", "files/**/*")


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this host one that ignores case."""
    monkeypatch.setattr(host_names, "IGNORES_CASE", True)


@pytest.mark.parametrize(
    "name", ["con", "AUX.py", "pkg/aux.py", "nul.tar.gz", "com1", "LPT9.txt", "prn ", "a/b.", "com¹.h", "con/x.py"]
)
def test_names_that_windows_reserves(name: str) -> None:
    assert host_names.is_reserved(name)


@pytest.mark.parametrize("name", ["console.py", "auxiliary/x.py", "com10", "com", "a.con", "nul_.py", ".aux", "lpt0"])
def test_names_that_only_look_reserved(name: str) -> None:
    assert not host_names.is_reserved(name)


def test_files_that_a_host_cannot_hold_are_told_and_others_are_not() -> None:
    present = {"p/Readme.md", "p/a.py", f"p/{DECOMPOSED}"}
    listed = ["p/Readme.md", "p/README.md", "p/a.py", "p/aux.py", f"p/{COMPOSED}", "p/never-there.pyc"]
    assert list(host_names.lost(listed, present)) == [
        "p/README.md: one file with p/Readme.md, because case does not count here",
        "p/aux.py: a part of it is a name that Windows reserves",
        f"p/{COMPOSED}: one file with p/{DECOMPOSED}, because case does not count here",
    ]


@pytest.mark.skipif(os.name == "nt", reason="a shim of what such a host does")
def test_a_wheel_that_loses_files_on_this_host_is_refused(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows writes `aux.py` to a device; where case does not count, the second of two files replaces the first."""
    files = {"p/__init__.py": b"", "p/aux.py": b"x", "p/Data.txt": b"1", "p/data.txt": b"2"}
    make_wheel(index.folder, "p", "1.0", files=files)
    arguments = ("build", "--pip", "p==1.0", "--runtime", "python3.13", "--arch", "arm64", "--no-test")
    built = layerwright(*arguments, cwd=tmp_path)
    assert built.code == 0, built.err
    folding.fold(monkeypatch)
    nothing = {"LAYERWRIGHT_CACHE": str(tmp_path / "cache")}  # of the first installation
    refused = layerwright(*arguments, "--rebuild", cwd=tmp_path, env=nothing)
    assert refused.code == BuildError.exit_code
    assert "this system cannot hold all files of the packages" in refused.err
    assert "p/aux.py: a part of it is a name that Windows reserves" in refused.err
    assert "p/data.txt: one file with p/Data.txt" in refused.err


@pytest.mark.usefixtures("blind")
def test_a_wheel_that_uv_cannot_unpack_on_this_host_is_refused_with_the_way_on(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv looks whether a file is there already. The words are those of uv for Windows, under Wine."""
    make_wheel(index.folder, "p", "1.0", files={"p/Data.txt": b"1", "p/data.txt": b"2"})
    said = "error: Failed to extract archive: p-1.0-py3-none-any.whl\n"
    said += "  Caused by: ZIP file contains multiple entries with different contents for: p/data.txt\n"
    failed = processes.Finished(returncode=1, stdout="", stderr=said)
    asked = uv.run
    monkeypatch.setattr(uv, "run", lambda words, **how: failed if "install" in words else asked(words, **how))
    refused = layerwright(
        *("build", "--pip", "p==1.0", "--runtime", "python3.13", "--arch", "arm64", "--no-test"), cwd=tmp_path
    )
    assert refused.code == BuildError.exit_code
    assert "this system cannot hold all files of the packages" in refused.err
    assert "multiple entries with different contents for: p/data.txt" in refused.err
    assert "hint: build the layer on Linux" in refused.err


# ---- files of a recipe ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("readme.md", ["readme.md"]),
        ("README.MD", []),
        ("docs/*.txt", ["docs/a.txt"]),
        ("DOCS/*.txt", []),
        ("**/*.txt", ["docs/a.txt"]),
        ("**/*.TXT", []),
        ("docs/[a-c].txt", ["docs/a.txt"]),
        ("./docs//a.txt", ["docs/a.txt"]),
    ],
)
def test_patterns_heed_case_where_the_file_system_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, found: list[str]
) -> None:
    """A second name of each file stands for the one that such a file system finds as well, and does not list."""
    for name in ("readme.md", "docs/a.txt"):
        for spelling in (name, name.upper()):
            path = tmp_path / spelling
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: [name for name in listed(path) if not name.isupper()])
    globbed = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, text: {*globbed(self, text), *globbed(self, text.lower())})
    names = [path.relative_to(tmp_path).as_posix() for path in contained.matching(tmp_path, pattern)]
    assert [name for name in names if not name.isupper()] == found
    assert not [name for name in names if name.isupper() and "*" not in pattern]


def built(folder: Path, *options: str) -> str:
    """Build the recipe and return the hash of its layer."""
    result = layerwright("build", "a", "--no-test", *options, cwd=folder)
    assert result.code == 0, result.err
    return sha256(folder / "dist" / "a-1-provided.al2023-arm64.zip")


def test_files_are_sorted_as_on_linux(tmp_path: Path) -> None:
    for name in ("b", "C", "a", "A-1", "ä"):
        (tmp_path / name).write_text(name)
    assert [path.name for path in contained.matching(tmp_path, "*")] == ["A-1", "C", "a", "b", "ä"]


def test_what_desktops_leave_in_folders_is_not_of_the_recipe(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path, "a", RECIPE).parent / "files"
    (folder / "deep" / "__MACOSX").mkdir(parents=True)
    (folder / "kept.txt").write_text("kept")
    (folder / "._ours.txt").write_text("a file with an odd name")
    clean = built(tmp_path)
    for name in (".DS_Store", "deep/.DS_Store", "Thumbs.db", "desktop.ini", "deep/__MACOSX/kept.txt"):
        (folder / name).write_bytes(b"left by a desktop")
    (folder / "._kept.txt").write_bytes(APPLE_DOUBLE)
    assert built(tmp_path, "--rebuild") == clean
    assert set(contained.hashes(folder)) == {"kept.txt", "._ours.txt"}


def test_a_mac_gives_files_the_names_that_the_repository_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for name, decomposes in ((COMPOSED, False), (DECOMPOSED, True)):
        monkeypatch.setattr(host_names, "DECOMPOSES", decomposes)
        folder = tmp_path / str(decomposes)
        files = write_recipe(folder, "a", RECIPE).parent / "files"
        files.mkdir()
        (files / name).write_text("x")
        made.append(built(folder))
        assert set(contained.hashes(files)) == {COMPOSED}
    assert made[0] == made[1]


# ---- places --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="the registry there decides whether the folder of a project may be so deep")
def test_paths_of_more_than_300_characters_are_no_matter(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a folder with a long name" * 3] * 5)
    assert len(str(folder)) > 300
    files = write_recipe(folder, "a", RECIPE).parent / "files"
    deep = files.joinpath(*["deeper" * 8] * 5)
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    assert built(folder)
    (tmp_path / "b").mkdir()
    short = write_recipe(tmp_path / "b", "a", RECIPE).parent / "files" / "y"
    short.mkdir(parents=True)
    (short / "x").write_text("x")
    assert built(tmp_path / "b") == built(folder)


@pytest.mark.skipif(os.name == "nt", reason="a home there is no variable alone")
@pytest.mark.parametrize("home", ["/dev/null", "/proc"])
def test_a_home_that_cannot_be_written_to_is_told_with_the_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    for name in ("LAYERWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    files = write_recipe(tmp_path, "a", RECIPE).parent / "files"
    files.mkdir()
    (files / "x").write_text("x")
    result = layerwright("build", "a", "--no-test", cwd=tmp_path, env={"HOME": home})
    assert result.code == BuildError.exit_code
    assert "Traceback" not in result.err
    assert f"cannot write to the cache in {home}" in result.err
    assert "hint: LAYERWRIGHT_CACHE moves it" in result.err
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", home)
    assert built(tmp_path)
