"""Every recipe of this repository: built for every target, checked, and its test run where the host can."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from kit.commands import ROOT

from builder.build import Options, build
from builder.layer import interpreters
from builder.model import recipes
from builder.model.architectures import host_architecture
from builder.model.recipes import Loaded
from builder.model.target import Target, targets

FOLDER = ROOT / "recipes"
LOADED = [recipes.load(FOLDER, name) for name in recipes.names(FOLDER)]
PAIRS = [(one, target) for one in LOADED for target in targets(one.recipe)]
BASICS = {
    *("numpy", "pandas", "scipy", "pillow", "lxml", "cryptography", "pydantic", "orjson"),
    *("pyarrow", "opencv-python-headless", "shapely", "scikit-learn"),
}


def test_the_packages_that_people_ask_for_first_are_there() -> None:
    assert {one.name for one in LOADED} >= BASICS


@pytest.mark.parametrize("one", LOADED, ids=lambda one: one.name)
def test_a_recipe_covers_both_systems_and_architectures_and_has_lock_and_test(one: Loaded) -> None:
    covered = {(target.base.os.name, target.arch.name) for target in targets(one.recipe)}
    assert covered == {(os_name, arch) for os_name in ("al2", "al2023") for arch in ("x86_64", "arm64")}
    assert {"python3.11", "python3.13", "python3.14"} <= set(one.recipe.targets.runtimes)
    assert one.recipe.test
    assert one.lock is not None
    assert one.lock.is_file()
    assert "://" not in one.lock.read_text(encoding="utf-8")


@pytest.mark.network
@pytest.mark.recipes
@pytest.mark.parametrize(("one", "target"), PAIRS, ids=[target.name for _, target in PAIRS])
def test_a_recipe_builds_passes_its_checks_and_works(one: Loaded, target: Target, tmp_path: Path) -> None:
    built = build(one, target, Options(output=tmp_path), lambda _: None)
    assert not [finding for finding in built.manifest["findings"] if finding["severity"] == "error"]
    assert built.manifest["locked"] is True
    interpreter = interpreters.find(target.base.series)
    assert (built.manifest["bytecode"] is None) == (interpreter is None)
    if interpreter is None or target.arch != host_architecture() or sys.platform != "linux":
        return  # built and checked; a container runs its test
    root = tmp_path / "opt"
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(root)
    for test in one.recipe.test:
        finished = subprocess.run(
            [interpreter.path, "-B", "-s", "-c", test.python or ""],
            env={"PYTHONPATH": str(root / "python"), "PATH": os.defpath, "HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
