"""The plugin for the Serverless Framework, run by osls, its maintained fork: its layers are our zips."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import real_tools
from kit.commands import ROOT, Result, layerwright

EXAMPLE = ROOT / "integrations/serverless"
OSLS = "4.3.1"

pytestmark = [pytest.mark.long, pytest.mark.network]


class Service:
    """A copy of the example, with osls and an AWS that has nothing."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder / "project"
        shutil.copytree(EXAMPLE, self.folder)
        self.recorded = real_tools.Recorded(folder / "programs")
        self._program = real_tools.npm({"osls": OSLS}) / ".bin/osls"
        aws = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": address}
        more = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
        self._env = real_tools.environment(self.recorded.folder, **aws, **more)

    def package(self) -> Result:
        return real_tools.run([self._program, "package"], self.folder, self._env)

    def edit(self, change: Any) -> None:
        path = self.folder / "serverless.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def layers(self) -> dict[str, dict[str, Any]]:
        path = self.folder / ".serverless/cloudformation-template-update-stack.json"
        resources = json.loads(path.read_text(encoding="utf-8"))["Resources"]
        return {
            name: row["Properties"] for name, row in resources.items() if row["Type"] == "AWS::Lambda::LayerVersion"
        }

    def artifacts(self) -> dict[str, bytes]:
        """Return what is uploaded for each layer."""
        state = json.loads((self.folder / ".serverless/serverless-state.json").read_text(encoding="utf-8"))
        layers = state["service"]["layers"]
        if "$ref" in layers:  # they are those of the file
            layers = state["service"]["initialServerlessConfig"]["layers"]
        return {name: (self.folder / row["package"]["artifact"]).read_bytes() for name, row in layers.items()}


@pytest.fixture
def service(tmp_path: Path, moto: str) -> Service:
    return Service(tmp_path, moto)


def ours(arch: str, folder: Path) -> bytes:
    options = ("--runtime", "python3.13", "--arch", arch, "--output", folder)
    assert layerwright("build", "numpy", *options, cwd=ROOT).code == 0
    (path,) = folder.glob(f"*-{arch}.zip")
    return path.read_bytes()


def test_the_plugin_builds_layers_before_the_service_is_packaged(service: Service, tmp_path: Path) -> None:
    done = service.package()
    assert done.code == 0, done.err
    layers = service.layers()
    assert sorted(layers) == ["NumpyArm64LambdaLayer", "NumpyX8664LambdaLayer"]
    first = layers["NumpyArm64LambdaLayer"]
    assert first["CompatibleRuntimes"] == ["python3.13"]
    assert first["CompatibleArchitectures"] == ["arm64"]
    assert first["LicenseInfo"] == "BSD-3-Clause"
    folder = tmp_path / "ours"
    assert service.artifacts() == {"numpyArm64": ours("arm64", folder), "numpyX8664": ours("x86_64", folder)}

    def everything(document: dict[str, Any]) -> None:
        del document["package"]

    service.edit(everything)
    done = service.package()
    assert done.code == 0, done.err
    assert done.err.count("unchanged") == 2
    with zipfile.ZipFile(service.folder / ".serverless/layerwright-example.zip") as archive:
        assert [name for name in archive.namelist() if "layerwright.out" in name] == []


def test_without_the_plugin_an_artifact_names_the_zip(service: Service, tmp_path: Path) -> None:
    options = ("--runtime", "python3.13", "--arch", "arm64")
    assert layerwright("build", "numpy", *options, cwd=service.folder).code == 0

    def artifact(document: dict[str, Any]) -> None:
        for key in ("plugins", "custom"):
            del document[key]
        del document["functions"]["onX8664"]
        path = "dist/numpy-2.5.5-python3.13-arm64.zip"
        document["layers"] = {"numpyArm64": {"package": {"artifact": path}, "compatibleRuntimes": ["python3.13"]}}

    service.edit(artifact)
    done = service.package()
    assert done.code == 0, done.err
    assert list(service.layers()) == ["NumpyArm64LambdaLayer"]
    assert service.artifacts() == {"numpyArm64": ours("arm64", tmp_path / "ours")}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"recipe": "nunpy"}, ["did you mean `numpy`", "failed with 2"]),
        (
            {"recipe": "numpy", "runtime": "python3.13"},
            ["these are 2: choose by runtime and architecture: numpy-2.5.5"],
        ),
        ({"recipe": "numpy", "runtimes": "python3.13"}, ["unrecognized property 'runtimes'"]),
    ],
)
def test_what_layerwright_says_is_shown(service: Service, change: dict[str, str], told: list[str]) -> None:
    def replace(document: dict[str, Any]) -> None:
        document["custom"]["layerwright"]["layers"] = {"numpyArm64": change}
        document["configValidationMode"] = "error"

    service.edit(replace)
    done = service.package()
    assert done.code != 0
    assert [part for part in told if part not in done.err + done.out] == []


def test_a_missing_layerwright_is_told(service: Service) -> None:
    def replace(document: dict[str, Any]) -> None:
        document["custom"]["layerwright"]["command"] = ["nope"]

    service.edit(replace)
    done = service.package()
    assert done.code != 0
    assert "`nope` is not installed, or not in PATH; install layerwright" in done.out + done.err
