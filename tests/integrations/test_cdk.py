"""The constructs for AWS CDK, synthesized by the real CDK: assets are our zips, and nothing is built a second time."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from kit import real_tools
from kit.commands import ROOT, Result, layerwright

EXAMPLE = ROOT / "integrations/cdk"
NPM = json.loads((EXAMPLE / "typescript/package.json").read_text(encoding="utf-8"))
PYPI = (EXAMPLE / "python/requirements.txt").read_text(encoding="utf-8").split()
QUIET = {
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
}

pytestmark = [pytest.mark.long, pytest.mark.network]


class App:
    """A copy of the example for a language, with its tools."""

    def __init__(self, language: str, folder: Path) -> None:
        self.language = language
        self.folder = folder / "project"
        self.recorded = real_tools.Recorded(folder / "programs")
        shutil.copytree(EXAMPLE / language, self.folder)
        modules = real_tools.npm({**NPM["dependencies"], **NPM["devDependencies"]})
        (self.folder / "node_modules").symlink_to(modules)
        first = [self.recorded.folder] + ([] if language == "typescript" else [real_tools.pypi(*PYPI)])
        self.env = real_tools.environment(*first, **QUIET)

        self.start = ("npx", "tsx", "app.ts") if language == "typescript" else ("python3", "app.py")

    def run(self, *command: str) -> Result:
        program = shutil.which(command[0], path=self.env["PATH"])
        assert program
        return real_tools.run([program, *command[1:]], self.folder, self.env)

    def synthesize(self) -> dict[str, Any]:
        done = self.run("npx", "cdk", "synth", "--quiet", "--no-notices")
        assert done.code == 0, done.err
        found: dict[str, Any] = json.loads((self.folder / "cdk.out/Example.template.json").read_text(encoding="utf-8"))
        return dict(found["Resources"])

    def assets(self) -> set[bytes]:
        """Return the bytes that the deployment would upload."""
        document = json.loads((self.folder / "cdk.out/Example.assets.json").read_text(encoding="utf-8"))
        sources = [row["source"] for row in document["files"].values() if row["source"]["path"].endswith(".zip")]
        assert {source["packaging"] for source in sources} == {"file"}
        return {(self.folder / "cdk.out" / source["path"]).read_bytes() for source in sources}

    def replace(self, arguments: str) -> None:
        """Replace the recipe of the example by other arguments, which are written as in TypeScript."""
        path = next(self.folder.glob("app.*"))
        old = 'recipe: "numpy"'
        if self.language == "python":
            old, arguments = (text.replace(": ", "=") for text in (old, arguments))
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, arguments), encoding="utf-8")


@pytest.fixture(params=["typescript", "python"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> App:
    return App(request.param, tmp_path)


def ours(folder: Path) -> set[bytes]:
    options = ("--runtime", "python3.13", "--output", folder)
    assert layerwright("build", "numpy", *options, cwd=ROOT).code == 0
    return {path.read_bytes() for path in folder.glob("*.zip")}


def test_the_asset_is_our_zip_and_is_built_when_its_plan_changes(app: App, tmp_path: Path) -> None:
    assert app.run("npx", "cdk", "list", "--no-notices").out.split() == ["Example"]
    assert app.recorded.verbs() == ["plan", "plan"]  # no stack is synthesized

    resources = app.synthesize()
    assert app.recorded.verbs() == ["build", "build", "plan", "plan"]
    layers = [row["Properties"] for row in resources.values() if row["Type"] == "AWS::Lambda::LayerVersion"]
    assert sorted(row["CompatibleArchitectures"] for row in layers) == [["arm64"], ["x86_64"]]
    assert [row["CompatibleRuntimes"] for row in layers] == [["python3.13"]] * 2
    assert {row["LicenseInfo"] for row in layers} == {"BSD-3-Clause"}
    assert app.assets() == ours(tmp_path / "ours")

    assert app.synthesize() == resources
    assert app.recorded.verbs() == ["plan", "plan"]

    app.replace('recipe: "numpy", recipes: "layers"')
    own = app.folder / "layers/numpy/recipe.toml"
    own.parent.mkdir(parents=True)
    text = (ROOT / "recipes/numpy/recipe.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('prune = ["', 'prune = ["python/numpy/f2py/", "'), encoding="utf-8")
    assert app.synthesize() != resources
    assert app.recorded.verbs() == ["build", "build", "plan", "plan"]
    assert not app.assets() & ours(tmp_path / "ours")


def test_the_example_in_typescript_has_no_error_of_types(tmp_path: Path) -> None:
    app = App("typescript", tmp_path)
    done = app.run("npx", "tsc", "--project", ".")
    assert done.code == 0, done.out
    app.replace('recipe: "numpy", runtime: lambda.Runtime.PYTHON_3_13')
    assert "'runtime' does not exist in type 'LayerwrightLayerProps'" in app.run("npx", "tsc", "--project", ".").out


SEVERAL = "a layer is one zip, and these are 4: choose by"
FAILURES = [
    ('recipe: "nunpy"', ["did you mean `numpy`", "nunpy --runtime python3.13 --arch arm64` failed with 2"]),
    ('recipe: "numpy", command: ["nope"]', ["`nope` is not installed, or not in PATH; install layerwright"]),
    ('recipe: "numpy", options: ["--strict"]', ["--strict", "failed with 2"]),
    ('recipe: "numpy", options: ["--runtime", "python3.12", "--runtime", "python3.14"]', [SEVERAL.replace("4", "3")]),
    (
        'recipe: "numpy", output: "cdk.json"',
        ["`layerwright build numpy --runtime python3.13 --arch arm64` failed with "],
    ),
]


@pytest.mark.parametrize(("arguments", "told"), FAILURES)
def test_what_layerwright_says_is_shown(app: App, arguments: str, told: list[str]) -> None:
    app.replace(arguments)
    done = app.run(*app.start)
    assert done.code != 0
    assert [part for part in told if part not in done.err] == []
