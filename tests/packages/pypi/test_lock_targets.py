"""Locks that say for which environments they are: they decide on no others."""

import json
import subprocess
from pathlib import Path

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

from builder.base.files import sha256
from builder.packages.pypi import project_files
from builder.packages.pypi.locks import pdm

PROJECT = '[project]\nname = "orders"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["tiny-codec"]\n'
FITTING = ["", 'platform = "manylinux_2_28_aarch64"\nrequires_python = ">=3.13"', 'implementation = "cpython"']
OTHERS = [
    ('requires_python = "==3.11.*"', "Python ==3.11.*", ""),
    ('platform = "linux"', "linux", " --platform manylinux_2_28_aarch64"),
    ('platform = "manylinux_2_28_x86_64"', "manylinux_2_28_x86_64", " --platform manylinux_2_28_aarch64"),
    ('platform = "manylinux_2_28_aarch64"\nimplementation = "pypy"', "pypy", " --platform manylinux_2_28_aarch64"),
]


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    make_wheel(index.folder, "tiny_codec", "1.0")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    return folder


def build(folder: Path, *what: str) -> Result:
    return layerwright("build", *(what or (".", "--runtime", "python3.13", "--arch", "arm64")), "--no-test", cwd=folder)


def lock_pdm(folder: Path, target: str, digest: str) -> None:
    (content_hash, *_) = pdm.content_hashes(project_files.raw(folder / "pyproject.toml"))
    head = f'[metadata]\ngroups = ["default"]\nlock_version = "4.5.0"\ncontent_hash = "sha256:{content_hash}"\n'
    row = (
        f'[[package]]\nname = "tiny-codec"\nversion = "1.0"\nfiles = [{{ file = "a.whl", hash = "sha256:{digest}" }}]\n'
    )
    strategy = 'strategy = ["inherit_metadata"]\n'
    row = row.replace("files", 'groups = ["default"]\nfiles')
    (folder / "pdm.lock").write_text(f"{head}{strategy}[[metadata.targets]]\n{target}\n{row}", encoding="utf-8")


@pytest.mark.parametrize("target", FITTING)
def test_a_lock_of_pdm_for_lambda_decides(target: str, project: Path, index: Index) -> None:
    lock_pdm(project, target, sha256(index.folder / "tiny_codec-1.0-py3-none-any.whl"))
    result = build(project)
    assert result.code == 0, result.err


@pytest.mark.parametrize(("target", "told", "option"), OTHERS)
def test_a_lock_of_pdm_for_other_targets_is_refused(
    target: str, told: str, option: str, project: Path, index: Index
) -> None:
    lock_pdm(project, target, sha256(index.folder / "tiny_codec-1.0-py3-none-any.whl"))
    result = build(project)
    assert result.code == 2
    assert "pdm.lock is no lock for python3.13 on arm64" in result.err
    assert told in result.err
    assert f"`pdm lock --append --python '==3.13.*'{option}` adds it" in result.err


@pytest.mark.parametrize("given", ["environments", "requires-python"])
def test_a_pylock_for_other_environments_is_refused(given: str, project: Path) -> None:
    export = (find_uv_bin(), "export", "--format", "pylock.toml", "-o", "pylock.toml", "--no-python-downloads", "-q")
    subprocess.run(export, cwd=project, check=True, capture_output=True)
    (project / "uv.lock").unlink()
    assert build(project).code == 0
    path = project / "pylock.toml"
    text = path.read_text(encoding="utf-8")
    if given == "environments":
        more = "environments = [\"platform_machine == 'x86_64'\", \"python_version < '3.13'\"]\n"
        path.write_text(text.replace("[[packages]]", f"{more}\n[[packages]]", 1), encoding="utf-8")
        words = ("pylock.toml is no lock for python3.13 on arm64", "it is for platform_machine == 'x86_64'")
    else:
        assert 'requires-python = ">=3.9"' in text
        path.write_text(text.replace('">=3.9"', '"<3.12"'), encoding="utf-8")
        words = ("requires Python >=3.9 and <3.12, which python3.13 is not", "`--runtime python3.11`")
    result = build(project)
    assert result.code == 2
    for word in words:
        assert word in result.err
    write_recipe(project, "a", recipe('[[step]]\nuses = "pip"\nfile = "pylock.toml"\n', "", "arm64", "python3.13"))
    (project / "recipes" / "a" / "pylock.toml").write_bytes(path.read_bytes())
    result = build(project, "a")
    assert result.code == 2
    assert words[0].removeprefix("requires Python >=3.9 and ") in result.err


def test_a_uv_lock_for_other_environments_is_refused(project: Path) -> None:
    text = f"{PROJECT}[tool.uv]\nenvironments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n"
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    subprocess.run([find_uv_bin(), "lock", "--no-python-downloads"], cwd=project, check=True, capture_output=True)
    result = build(project)
    assert result.code == 2
    assert "uv.lock is no lock for python3.13 on arm64" in result.err
    assert "`environments` of [tool.uv]" in result.err
    x86_64 = build(project, ".", "--runtime", "python3.13", "--arch", "x86_64")
    assert x86_64.code == 0, x86_64.err


def test_a_python_that_no_runtime_has_is_told_as_such(project: Path) -> None:
    (project / "pyproject.toml").write_text(PROJECT.replace(">=3.9", "<3.6"), encoding="utf-8")
    result = build(project)
    assert result.code == 2
    assert "no runtime of Lambda has such a Python" in result.err
    assert "--runtime" not in result.err


@pytest.mark.parametrize("told", ["", 'requires-python = ">=3.11"\n'])
@pytest.mark.parametrize("kind", ["pylock.toml", "Pipfile.lock"])
def test_a_lock_of_one_environment_has_all_that_is_needed_in_another_or_is_refused(
    kind: str, told: str, index: Index, tmp_path: Path
) -> None:
    """pip, Pipenv and `uv pip compile` lock for where they run: without what is needed elsewhere alone."""
    needs = ("tiny-old ; python_version < '3.12'", "tiny-arm ; platform_machine == 'aarch64'")
    others = ("setuptools", "boto3", "more ; extra == 'more'")
    web = sha256(make_wheel(index.folder, "tiny_web", "1.0", requires=(*needs, *others)))
    for name in ("tiny_old", "tiny_arm", "setuptools", "boto3", "more"):
        make_wheel(index.folder, name, "1.0")
    if kind == "pylock.toml":
        address = f"{index.url.replace('/simple', '/files')}tiny_web-1.0-py3-none-any.whl"
        row = f'[[packages.wheels]]\nurl = "{address}"\nhashes = {{ sha256 = "{web}" }}\n'
        head = f'lock-version = "1.0"\ncreated-by = "pip"\n{told}'
        text = f'{head}[[packages]]\nname = "tiny-web"\nversion = "1.0"\n{row}'
    else:
        package = {"hashes": [f"sha256:{web}"], "version": "==1.0"}
        meta = {"hash": {}, "pipfile-spec": 6, "requires": {}, "sources": []}
        text = json.dumps({"_meta": meta, "default": {"tiny-web": package}, "develop": {}})
    (tmp_path / kind).write_text(text, encoding="utf-8")
    refused = {("python3.11", "x86_64"): "tiny-old", ("python3.13", "arm64"): "tiny-arm"}
    for (runtime, arch), missing in refused.items():
        result = build(tmp_path, ".", "--runtime", runtime, "--arch", arch)
        assert result.code == 2
        assert f"{kind} lacks what its packages need on {runtime} on {arch}: {missing}\n" in result.err
        assert f"lock with Python {runtime.removeprefix('python')} on Linux" in result.err
    result = build(tmp_path, ".", "--runtime", "python3.13", "--arch", "x86_64")
    assert result.code == 0, result.err
