"""The module for Terraform: planning builds nothing, applying builds when the digest of the plan is another one."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest
from kit import aws_bindings, real_tools, terraform
from kit.commands import ROOT, Result, layerwright, pip_recipe, write_recipe
from kit.published import code_sha256

MODULE = ROOT / "integrations/terraform"
PLAN = MODULE / "plan.py"
PROGRAMS: list[Any] = list(terraform.installed()) or [
    pytest.param("", marks=pytest.mark.skip(reason="neither terraform nor tofu"))
]
LAYER = "module.numpy.aws_lambda_layer_version.layer"
BUILD = "module.numpy.module.build.terraform_data.build"
DIGEST = "module.numpy.terraform_data.digest"


def parsed(folder: Path) -> dict[str, list[Any]]:
    """Return the blocks of all files of a module, by their kind."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.tf")):
        for kind, blocks in hcl2.loads(path.read_text(encoding="utf-8")).items():
            found.setdefault(kind, []).extend(blocks)
    return found


def names(blocks: list[Any]) -> set[str]:
    return {key.strip('"') for block in blocks for key in block if key != "__is_block__"}


# ---- without Terraform ---------------------------------------------------------------------------------------------


def test_every_variable_and_output_says_what_it_is() -> None:
    for folder in (MODULE, MODULE / "layer"):
        found = parsed(folder)
        for kind in ("variable", "output"):
            rows = [next(iter(block.values())) for block in found[kind]]
            assert rows
            assert all(row["description"] for row in rows)


def test_the_layer_passes_on_what_the_module_takes() -> None:
    inner, outer = (names(parsed(folder)["variable"]) for folder in (MODULE, MODULE / "layer"))
    (call,) = (next(iter(block.values())) for block in parsed(MODULE / "layer")["module"])
    assert set(call) - {"source", "__is_block__", "__comments__", "__inline_comments__"} == inner
    assert inner - {"triggers"} <= outer


def ask(*arguments: str, cwd: Path, command: str = "") -> Result:
    words = [command] if command else [sys.executable, "-m", "builder"]
    query = {"command": json.dumps([*words, "plan", *arguments, "--quiet", "--json"])}
    env = real_tools.environment(PYTHONPATH=str(ROOT))
    return real_tools.run([sys.executable, PLAN], cwd, env, stdin=json.dumps(query))


def test_the_plan_is_a_document_of_strings(tmp_path: Path) -> None:
    done = ask("bash-runtime", "--arch", "arm64", cwd=tmp_path)
    assert done.code == 0, done.err
    expected = layerwright("plan", "bash-runtime", "--arch", "arm64", "--json", cwd=tmp_path).json["plans"][0]
    assert all(isinstance(value, str) for value in done.json.values())
    assert done.json["digest"] == expected["plan_digest"]
    assert done.json["target"] == expected["target"]
    assert json.loads(done.json["runtimes"]) == expected["runtimes"]
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_is_said(tmp_path: Path) -> None:
    unknown = ask("nunpy", cwd=tmp_path)
    assert unknown.code != 0
    assert "did you mean `numpy`" in unknown.err
    missing = ask("numpy", cwd=tmp_path, command="nope")
    assert missing.code != 0
    assert "`nope` is not installed, or not in PATH" in missing.err
    write_recipe(tmp_path, "two", pip_recipe("two", "six==1.17.0", runtimes=("python3.12", "python3.13")))
    several = ask("two", cwd=tmp_path)
    assert several.code != 0
    assert "these are 2: choose by runtimes and architecture: two-1.0-python3.12-arm64, " in several.err


@pytest.mark.network
@pytest.mark.engine
def test_every_attribute_is_one_of_the_provider(bindings: Path) -> None:
    for block in parsed(MODULE / "layer")["resource"]:
        ((kind, named),) = ((key.strip('"'), value) for key, value in block.items() if key != "__is_block__")
        if kind != "terraform_data":
            aws_bindings.fits(bindings, kind, next(iter(named.values())))


# ---- with it -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=PROGRAMS)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> terraform.Workspace:
    """Give a configuration with the module of a layer, where layerwright is one that writes down its calls."""
    shutil.copytree(MODULE, tmp_path / "module")
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "main.tf").write_text(CONFIGURATION, encoding="utf-8")
    settings = terraform.mirror(request.param, tmp_path)
    env = real_tools.environment(tmp_path / "programs", TF_CLI_CONFIG_FILE=str(settings))
    workspace = terraform.Workspace(request.param, folder, env)
    workspace.must("init", "-input=false")
    return workspace


CONFIGURATION = """
variable "recipe" {
  default = "numpy"
}
variable "bucket" {
  default = null
}
variable "command" {
  type    = list(string)
  default = ["layerwright"]
}
module "numpy" {
  source       = "../module/layer"
  layer_name   = "numpy-arm64"
  recipe       = var.recipe
  runtimes     = ["python3.13"]
  architecture = "arm64"
  s3_bucket    = var.bucket
  command      = var.command
}
output "layer" {
  value = module.numpy
}
"""


@pytest.mark.long
@pytest.mark.network
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_files_are_formatted_and_the_example_is_valid(program: str, tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path / "module")
    settings = terraform.mirror(program, tmp_path)
    env = real_tools.environment(TF_CLI_CONFIG_FILE=str(settings))
    workspace = terraform.Workspace(program, tmp_path / "module/example", env)
    workspace.must("fmt", "-check", "-diff", "-recursive", "..")
    workspace.must("init", "-input=false")
    workspace.must("validate")
    for address in ('module.numpy["arm64"]', 'module.numpy["x86_64"]'):
        assert workspace.changes()[f"{address}.aws_lambda_layer_version.layer"] == ["create"]


@pytest.mark.long
@pytest.mark.network
def test_planning_builds_nothing_and_applying_what_changed(example: terraform.Workspace, tmp_path: Path) -> None:
    recorded = real_tools.Recorded(tmp_path / "programs")
    assert set(example.changes()) == {BUILD, DIGEST, LAYER}
    assert recorded.verbs() == ["plan"]
    assert not (example.folder / "layerwright.out").exists()
    first = example.apply()["layer"]
    assert recorded.verbs() == ["build"]
    zip_path = example.folder / first["zip"]
    options = ("--runtime", "python3.13", "--arch", "arm64", "--output", tmp_path / "ours")
    assert layerwright("build", "numpy", *options, cwd=ROOT).code == 0
    (ours,) = (tmp_path / "ours").glob("*.zip")
    assert zip_path.read_bytes() == ours.read_bytes()
    assert first["code_sha256"] == code_sha256(ours)
    assert first["compatible_runtimes"] == ["python3.13"]
    assert first["compatible_architectures"] == ["arm64"]

    shutil.rmtree(zip_path.parent)  # another machine, with the same state
    assert example.changes() == {}
    assert example.apply()["layer"] == first
    assert recorded.verbs() == ["plan"]

    own = example.folder / "recipes/numpy/recipe.toml"
    own.parent.mkdir(parents=True)
    text = (ROOT / "recipes/numpy/recipe.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('prune = ["', 'prune = ["python/numpy/f2py/", "'), encoding="utf-8")
    changes = example.changes()
    assert sorted(changes[BUILD]) == ["create", "delete"]
    assert changes[LAYER] == ["create", "delete"]  # functions have the new one before the old one goes
    second = example.apply()["layer"]
    assert recorded.verbs() == ["build", "plan"]
    assert (first["version"], second["version"]) == ("1", "2")
    assert second["code_sha256"] == code_sha256(zip_path) != first["code_sha256"]


@pytest.mark.long
@pytest.mark.network
def test_a_large_zip_goes_through_a_bucket(example: terraform.Workspace, tmp_path: Path) -> None:
    real_tools.Recorded(tmp_path / "programs")
    example.env["TF_VAR_bucket"] = "layers"
    assert "module.numpy.aws_s3_object.zip[0]" in example.changes()
    layer = example.apply()["layer"]
    (uploaded,) = (example.folder / "layers/layerwright").glob("*.zip")
    assert code_sha256(uploaded) == layer["code_sha256"]
    assert example.changes() == {}


@pytest.mark.long
@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("recipe", "nunpy", "did you mean `numpy`"), ("command", '["nope"]', "`nope` is not installed, or not in PATH")],
)
def test_what_layerwright_says_is_shown(
    example: terraform.Workspace, tmp_path: Path, name: str, value: str, told: str
) -> None:
    real_tools.Recorded(tmp_path / "programs")
    done = example.run("plan", "-input=false", "-no-color", f"-var={name}={value}")
    assert done.code != 0
    assert told in " ".join(done.err.replace("│", " ").split())
