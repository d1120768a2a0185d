"""The template for GitLab: valid by GitLab's schema, its inputs filled by gitlab-ci-local, its scripts run."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import real_tools
from kit.commands import ROOT, layerwright, pip_recipe, write_recipe

TEMPLATE = ROOT / "integrations/gitlab/templates/layerwright.yml"
SCHEMA = "check-jsonschema==0.39.0"
PREVIEW = {"gitlab-ci-local": "4.75.1"}


def defaults() -> dict[str, Any]:
    """Return the job with the defaults of its inputs."""
    text = TEMPLATE.read_text(encoding="utf-8")
    spec = yaml.safe_load(text.partition("\n---\n")[0])["spec"]["inputs"]
    body = text.partition("\n---\n")[2]
    for name, row in spec.items():
        body = body.replace(f"$[[ inputs.{name} ]]", row["default"])
    assert "$[[" not in body
    found: dict[str, Any] = yaml.safe_load(body)
    return found


def run(job: Mapping[str, Any], project: Path, given: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the scripts of a job as a runner does, with these values of its variables."""
    rows = {
        name: row["value"] if isinstance(row, dict) else row.replace("$CI_PROJECT_DIR", str(project))
        for name, row in job["variables"].items()
    }
    unknown = set(given) - set(rows)
    assert not unknown
    lines = "\n".join((*job["before_script"], *job["script"]))
    env = real_tools.environment(**{**rows, **given})
    command = ["bash", "-c", f"set -eo pipefail\n{lines}"]
    return subprocess.run(command, cwd=project, env=env, capture_output=True, encoding="utf-8", check=False)


def test_the_job_builds_and_checks_what_it_is_told(tmp_path: Path) -> None:
    (job,) = defaults().values()
    done = run(job, tmp_path, {"LAYER_RECIPES": "bash-runtime exec-wrapper", "LAYER_ARCH": "arm64"})
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "dist").glob("*.zip"))) == 2
    findings = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "dist").glob("*.sarif")]
    assert [each["version"] for each in findings] == ["2.1.0", "2.1.0"]
    assert (tmp_path / ".layerwright").is_dir()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"LAYER_RECIPES": "nunpy"}, 2),
        ({}, 2),  # there is no recipes/
        ({"LAYER_RECIPES": "bash-runtime", "LAYER_RUNTIME": "python3.13"}, 3),
        ({"LAYER_RECIPES": "bash-runtime; touch injected"}, 2),
        ({"LAYER_RECIPES": "*"}, 2),
        ({"LAYER_RECIPES": "bash-runtime", "LAYER_OUTPUT": "$(touch injected)"}, 0),
    ],
)
def test_a_failure_is_one_of_the_job_and_no_input_is_code(tmp_path: Path, given: dict[str, str], code: int) -> None:
    (job,) = defaults().values()
    done = run(job, tmp_path, given)
    assert done.returncode == code, done.stderr
    assert not (tmp_path / "injected").exists()


@pytest.mark.network
def test_a_failed_build_leaves_the_findings_of_the_others(tmp_path: Path) -> None:
    (job,) = defaults().values()
    write_recipe(tmp_path, "broken", pip_recipe("broken", "six==0.0.999"))
    done = run(job, tmp_path, {"LAYER_RECIPES": "broken exec-wrapper"})
    assert done.returncode not in (0, 127)
    assert "six==0.0.999" in done.stderr
    assert [path.name for path in (tmp_path / "dist").glob("*.sarif")] == ["exec-wrapper-1.0.0.sarif"]


@pytest.mark.long
@pytest.mark.network
def test_template_and_pipeline_of_init_are_valid_by_the_schema_of_gitlab(tmp_path: Path) -> None:
    program = str(real_tools.pypi(SCHEMA) / "check-jsonschema")
    command = [program, "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]

    def check(document: str) -> int:
        path = tmp_path / "document.yml"
        path.write_text(document, encoding="utf-8")
        return real_tools.run([*command, path], tmp_path, os.environ).code

    spec, job = TEMPLATE.read_text(encoding="utf-8").split("\n---\n")
    assert (check(spec), check(job)) == (0, 0)
    assert layerwright("init", "--yes", "--ci", "gitlab", cwd=tmp_path).code == 0
    assert check((tmp_path / ".gitlab-ci.yml").read_text(encoding="utf-8")) == 0
    assert check(spec.replace("inputs:", "inputs: wrong\n  others:")) == 1
    assert check(job.replace("when: always", "when: sometimes")) == 1


@pytest.mark.long
@pytest.mark.network
def test_an_include_fills_the_inputs(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "layerwright.yml").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    inputs = {"job": "layers-arm64", "recipes": "exec-wrapper", "arch": "arm64", "output": "made"}
    pipeline = {"include": [{"local": "layerwright.yml", "inputs": inputs}], "layers-arm64": {"tags": ["arm64"]}}
    (project / ".gitlab-ci.yml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    for words in ("init --quiet", "remote add origin git@gitlab.test:group/project.git", "add ."):
        subprocess.run(["git", *words.split()], cwd=project, check=True)
    program = real_tools.npm(PREVIEW) / ".bin/gitlab-ci-local"
    done = real_tools.run([program, "--preview"], project, real_tools.environment())
    assert done.code == 0, done.err
    job = yaml.safe_load(done.out)["layers-arm64"]
    assert job["tags"] == ["arm64"]
    assert job["artifacts"]["paths"] == ["made"]
    made = run(job, project, {})
    assert made.returncode == 0, made.stderr
    assert [path.name for path in (project / "made").glob("*.zip")] == ["exec-wrapper-1.0.0.zip"]
