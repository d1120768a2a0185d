"""Versions from the names of folders are those that `importlib.metadata` reads."""

import importlib
import sys
from importlib import metadata
from pathlib import Path

import pytest

from builder.base import distributions


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", ["/nowhere", str(tmp_path), *sys.path])
    distributions.version.cache_clear()
    importlib.invalidate_caches()
    return tmp_path


def install(place: Path, folder: str, name: str, version: str) -> None:
    (place / folder).mkdir()
    (place / folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_every_installed_package_has_the_version_of_its_metadata() -> None:
    for found in metadata.distributions():
        name = found.metadata["Name"]
        assert distributions.version(name) == metadata.version(name), name


@pytest.mark.parametrize(
    ("folder", "name", "version"),
    [
        ("some_thing-1.0.dist-info", "some.thing", "1.0"),
        ("Some.Thing-1!2.0+a.b.dist-info", "some-thing", "1!2.0+a.b"),
        ("something-2.0-odd.dist-info", "something", "2.0"),
    ],
)
def test_spellings(place: Path, folder: str, name: str, version: str) -> None:
    install(place, folder, name, version)
    assert distributions.version(name) == version == metadata.version(name)


def test_the_first_place_counts(place: Path) -> None:
    install(place, "uv-0.0.1.dist-info", "uv", "0.0.1")
    assert distributions.version("uv") == "0.0.1"


def test_of_several_folders_the_metadata_decides(place: Path) -> None:
    install(place, "several-1.0.dist-info", "several", "1.0")
    install(place, "several-2.0.dist-info", "several", "2.0")
    assert distributions.version("several") == metadata.version("several")


def test_what_is_not_installed_is_an_error(place: Path) -> None:
    assert place.is_dir()
    with pytest.raises(metadata.PackageNotFoundError):
        distributions.version("no-such-package-of-anybody")
