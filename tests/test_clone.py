"""A clone made by Git for Windows: line ends of its system, no links, no executable bits. Layers are the same."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.commands import ROOT, layerwright_process

from builder.base import files

CLONED = (".gitattributes", "Makefile", "builder", "images", "recipes", "requirements", "pyproject.toml", "tests/kit")
FOR_WINDOWS = ("core.autocrlf=true", "core.eol=crlf", "core.symlinks=false", "core.filemode=false")
BUILT = ("exec-wrapper", "log-extension")
"""They are made of files beside their recipes alone, some of them programs."""
PLANNED = ("jq", *BUILT)


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give a clone as Linux makes it, and one as Windows does, of the files that are here."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    folder = tmp_path_factory.mktemp("clones")
    origin = folder / "origin"
    for name in CLONED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, origin / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            origin.mkdir(exist_ok=True)
            shutil.copyfile(ROOT / name, origin / name)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=a"]):
        subprocess.run([git, *person, *command], cwd=origin, env=env, check=True)
    made = []
    for name, settings in (("Linux", ()), ("Mein Projekt ä日本", FOR_WINDOWS)):
        options = [f"--config={setting}" for setting in settings]
        subprocess.run([git, "clone", "--quiet", *options, str(origin), str(folder / name)], env=env, check=True)
        made.append(folder / name)
    return made[0], made[1]


def content(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in files.hashes(folder).items() if not path.startswith(".git/")}


def test_every_file_has_the_same_bytes(clones: tuple[Path, Path]) -> None:
    linux, windows = map(content, clones)
    assert len(linux) > 500
    assert windows == linux


def test_git_would_write_other_line_ends_without_the_attributes(
    clones: tuple[Path, Path], tmp_path: Path, program: Callable[[str], str]
) -> None:
    """Otherwise the test above proves nothing."""
    options = [f"--config={setting}" for setting in FOR_WINDOWS]
    subprocess.run([program("git"), "clone", "--quiet", "--no-checkout", *options, clones[0], tmp_path], check=True)
    (tmp_path / ".git" / "info" / "attributes").write_text("* text=auto !eol\n")
    subprocess.run([program("git"), "checkout", "--quiet", "HEAD"], cwd=tmp_path, check=True)
    assert b"\r\n" in (tmp_path / "recipes" / "jq" / "recipe.toml").read_bytes()


def run(folder: Path, *arguments: str) -> Any:
    """Run the layerwright of a clone."""
    result = layerwright_process(*arguments, "--json", cwd=folder, env={"PYTHONPATH": str(folder)})
    assert result.code == 0, result.err
    return result.json


def test_plans_and_layers_are_the_same(clones: tuple[Path, Path]) -> None:
    plans = [json.dumps(run(folder, "plan", *PLANNED)["plans"]) for folder in clones]
    assert '"plan_digest"' in plans[0]
    assert plans[0] == plans[1]
    for folder in clones:
        run(folder, "build", *BUILT, "--no-test")
    linux, windows = ({path.name: files.sha256(path) for path in (folder / "dist").glob("*.zip")} for folder in clones)
    assert len(linux) >= len(BUILT)
    assert windows == linux
