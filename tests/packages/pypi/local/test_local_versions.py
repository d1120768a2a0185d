"""Versions that a project does not write out: read where a file has them, given by the user, or refused; never 0."""

import tarfile
from pathlib import Path

import pytest

from builder.base.errors import UsageError
from builder.packages.pypi.local import building, tree

HATCH = '[build-system]\nrequires = ["hatchling"{more}]\nbuild-backend = "hatchling.build"\n[tool.hatch.version]\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"{more}]\nbuild-backend = "setuptools.build_meta"\n'
PDM = '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n'
DYNAMIC = '[project]\nname = "orders-lib"\ndynamic = ["version"]\n'
HOOK = '[tool.hatch.build.hooks.custom]\npath = "hook.py"\n'
ASKING_GIT = {
    "hatch-vcs": DYNAMIC + HATCH.format(more=', "hatch-vcs"') + 'source = "vcs"\n',
    "hatch's other plugin": DYNAMIC
    + HATCH.format(more=', "uv-dynamic-versioning"')
    + 'source = "uv-dynamic-versioning"\n',
    "setuptools-scm": DYNAMIC + SETUPTOOLS.format(more=', "setuptools_scm>=8"') + "[tool.setuptools_scm]\n",
    "pdm": DYNAMIC + f'{PDM}[tool.pdm.version]\nsource = "scm"\n',
    "poetry": '[tool.poetry]\nname = "orders-lib"\nversion = "0.0.0"\n[build-system]\n'
    'requires = ["poetry-core", "poetry-dynamic-versioning"]\nbuild-backend = "poetry_dynamic_versioning.backend"\n',
}


def project(folder: Path, text: str, **files: str) -> building.FolderPackage:
    (folder / "orders_lib").mkdir(exist_ok=True)
    for name, content in {"pyproject.toml": text, "orders_lib/__init__.py": "", **files}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return building.read(tree.read(folder))


@pytest.mark.parametrize("tool", ASKING_GIT)
def test_a_version_of_git_is_asked_for(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SETUPTOOLS_SCM_PRETEND_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_ORDERS_LIB"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r"the version of .* is only known to its backend") as caught:
        project(tmp_path, ASKING_GIT[tool])
    assert "comes from git, which is not in the container" in str(caught.value)
    assert "`SETUPTOOLS_SCM_PRETEND_VERSION_FOR_ORDERS_LIB=1.2.3` in the environment" in str(caught.value)
    assert "`uv build --wheel" in str(caught.value)


@pytest.mark.parametrize(
    "variable", ["SETUPTOOLS_SCM_PRETEND_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_ORDERS_LIB"]
)
@pytest.mark.parametrize("tool", ASKING_GIT)
def test_a_version_that_is_given_is_that_of_the_sdist(
    tool: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backends take the version of PKG-INFO where there is no repository."""
    monkeypatch.setenv(variable, "1.2.3")
    found = project(tmp_path, ASKING_GIT[tool] + f"# {variable}\n")
    assert (found.content, found.package.version) == (None, "1.2.3")
    with tarfile.open(building.made(tree.read(tmp_path), found)) as archive:
        about = archive.extractfile("orders_lib-1.2.3/PKG-INFO")
        assert about is not None
        assert b"Version: 1.2.3\n" in about.read()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (HATCH.format(more="") + 'path = "about.txt"\n' + HOOK, "version = '2.5'"),
        (
            HATCH.format(more="") + "path = \"about.txt\"\npattern = 'release: v(?P<version>[0-9.]+)'\n",
            "the release: v2.5\n",
        ),
        (SETUPTOOLS.format(more=', "cython"') + '[tool.setuptools.dynamic]\nversion = { file = "about.txt" }\n', "2.5"),
        (
            f'{PDM}[tool.pdm.version]\nsource = "file"\npath = "about.txt"\n',
            "__version__ = '2.5'  # ours\n",
        ),
    ],
)
def test_a_version_in_a_file_is_read(text: str, version: str, tmp_path: Path) -> None:
    """Also where a container builds the package for another reason."""
    found = project(tmp_path, DYNAMIC + text, **{"about.txt": version, "hook.py": ""})
    assert found.package.version == "2.5"


@pytest.mark.parametrize(
    "keys",
    [
        'source = "code"\npath = "about.txt"\n',
        "path = \"about.txt\"\npattern = '(a+)+b(?P<version>.)'\n",
        "path = \"about.txt\"\npattern = '.*.*.*.*(?P<version>.)'\n",
        "path = \"about.txt\"\npattern = '(?P<version>'\n",
        'path = "missing.txt"\n',
    ],
)
def test_a_version_that_hatchling_works_out_is_refused(keys: str, tmp_path: Path) -> None:
    """It would take the version of the sdist, which is none. A pattern that could take minutes is not tried."""
    with pytest.raises(UsageError, match=r"the version of .* is only known to its backend") as caught:
        project(tmp_path, DYNAMIC + HATCH.format(more="") + keys, **{"about.txt": "a" * 150})
    assert "`uv build --wheel" in str(caught.value)


def test_a_version_that_is_written_out_needs_no_git(tmp_path: Path) -> None:
    """setuptools-scm also finds files, where the version is a constant."""
    text = '[project]\nname = "orders-lib"\nversion = "3.0"\n' + SETUPTOOLS.format(more=', "setuptools-scm"')
    found = project(tmp_path, text)
    assert (found.content, found.package.version) == (None, "3.0")


def test_build_requirements_that_are_none_are_told(tmp_path: Path) -> None:
    text = '[project]\nname = "orders-lib"\nversion = "1"\n[build-system]\nrequires = ["", "setuptools"]\n'
    with pytest.raises(UsageError) as caught:
        project(tmp_path, text, **{"setup.py": ""})
    assert "its build requirements are not valid" in str(caught.value)


def test_the_wheel_of_an_extension_is_made_for_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command would make one for this host."""
    monkeypatch.delenv("SETUPTOOLS_SCM_PRETEND_VERSION", raising=False)
    with pytest.raises(UsageError) as caught:
        project(tmp_path, ASKING_GIT["setuptools-scm"] + "# extension\n", **{"fast.c": ""})
    assert "on Linux, with the Python and the architecture of the layer" in str(caught.value)
