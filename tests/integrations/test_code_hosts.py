"""The action for GitHub, whose scripts run here as they stand there, and the hook for pre-commit, run by itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import real_tools
from kit.commands import ROOT, Result, layerwright

ACTION = ROOT / "integrations/github/action.yml"
BIN = Path(sys.executable).parent
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def scripts() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return {step["name"]: step for step in found["runs"]["steps"] if "run" in step}


def run(step: str, given: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a script of the action as a runner does, with the defaults of inputs that are not given."""
    document = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    values = {name: given.get(name, row["default"]) for name, row in document["inputs"].items()}
    filled = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: values[found[1]], text)
        for name, text in scripts()[step]["env"].items()
    }
    env = {
        **os.environ,
        **filled,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(cwd / "summary.md"),
        "GITHUB_OUTPUT": str(cwd / "output"),
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", scripts()[step]["run"]]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False)


def test_the_action_builds_and_checks_what_it_is_told(tmp_path: Path) -> None:
    built = run("Build and test", {"recipes": "bash-runtime exec-wrapper", "arch": "arm64"}, tmp_path)
    assert built.returncode == 0, built.stderr
    assert len(list((tmp_path / "dist").glob("*.zip"))) == 2
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "bash-runtime-1.0.0" in summary
    assert summary.count("```") == 2
    assert run("Check", {}, tmp_path).returncode == 0
    findings = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "dist").glob("*.sarif")]
    assert [each["version"] for each in findings] == ["2.1.0", "2.1.0"]
    assert "found=true" in (tmp_path / "output").read_text(encoding="utf-8")
    assert run("Report", {}, tmp_path).returncode == 0
    assert (tmp_path / "dist/report/index.html").is_file()
    assert "## Layers: 2 there" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    next((tmp_path / "dist").glob("*.zip")).write_bytes(b"no zip")
    assert run("Check", {}, tmp_path).returncode != 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"recipes": "nunpy"}, 2),
        ({"recipes": ""}, 2),  # there is no recipes/
        ({"recipes": "bash-runtime", "runtime": "python3.13"}, 3),
        ({"recipes": "bash-runtime; touch injected"}, 2),
        ({"recipes": "bash-runtime", "output": "$(touch injected)"}, 0),
    ],
)
def test_a_failure_is_one_of_the_step_and_no_input_is_code(tmp_path: Path, given: dict[str, str], code: int) -> None:
    assert run("Build and test", given, tmp_path).returncode == code
    assert not (tmp_path / "injected").exists()


def test_a_build_that_failed_leaves_a_whole_summary_and_nothing_to_upload(tmp_path: Path) -> None:
    assert run("Build and test", {"recipes": "nunpy"}, tmp_path).returncode == 2
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").count("```") == 2
    assert run("Check", {}, tmp_path).returncode == 0
    assert not (tmp_path / "output").exists()


def test_no_script_of_the_action_has_an_input_in_its_text() -> None:
    assert [name for name, step in scripts().items() if "${{" in step["run"]] == []


def test_zizmor_finds_nothing_in_the_action() -> None:
    command = [str(BIN / "zizmor"), "--offline", "--no-progress", "--quiet", str(ACTION)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout


def example() -> dict[str, Any]:
    """Return the workflow of the README, with commits instead of dots."""
    text = (ROOT / "integrations/github/README.md").read_text(encoding="utf-8")
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    jobs: dict[str, Any] = yaml.safe_load("\n".join(lines).replace("@…", f"@{'0' * 40}"))
    return {"on": "push", "permissions": {}, **jobs}


def test_the_example_names_inputs_that_are_there() -> None:
    document = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    (step,) = (step for step in example()["jobs"]["layers"]["steps"] if "layerwright" in step["uses"])
    assert set(step["with"]) <= set(document["inputs"])
    text = (ROOT / "integrations/github/README.md").read_text(encoding="utf-8")
    assert [name for name in document["inputs"] if f"`{name}`" not in text] == []


@pytest.mark.long
@pytest.mark.network
def test_actionlint_finds_nothing_in_workflows_and_the_example(tmp_path: Path) -> None:
    program = real_tools.go(ACTIONLINT)

    def lint(folder: Path) -> Result:
        return real_tools.run([program, "-no-color"], folder, real_tools.environment())

    shutil.copytree(ROOT / ".github/workflows", tmp_path / ".github/workflows")
    shutil.copytree(ACTION.parent, tmp_path / ".github/actions/layerwright")
    written = tmp_path / ".github/workflows/example.yml"
    written.write_text(yaml.safe_dump(example()), encoding="utf-8")
    assert layerwright("init", "--yes", cwd=tmp_path).code == 0
    assert (tmp_path / ".github/workflows/layers.yml").is_file()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    good = lint(tmp_path)
    assert good.code == 0, good.out
    written.write_text(yaml.safe_dump(example()).replace("recipes: numpy", "recipe: numpy"), encoding="utf-8")
    assert 'input "recipe" is not defined in action "layerwright"' in lint(tmp_path).out


@pytest.mark.long
@pytest.mark.network
def test_the_hook_runs_in_pre_commit(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "recipes/bash-runtime", project / "recipes/bash-runtime")
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}

    def hook() -> "subprocess.CompletedProcess[str]":
        command = [
            str(BIN / "uv"),
            "tool",
            "run",
            "pre-commit",
            "try-repo",
            str(ROOT),
            "layerwright-lint",
            "--all-files",
        ]
        return subprocess.run(command, cwd=project, env=env, capture_output=True, encoding="utf-8", check=False)

    good = hook()
    assert good.returncode == 0, good.stdout + good.stderr
    recipe = project / "recipes/bash-runtime/recipe.toml"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("[layer]", "[layers]"), encoding="utf-8")
    bad = hook()
    assert bad.returncode == 1
    assert "did you mean" in bad.stdout
