"""docs/integrations.md: what it shows of each integration is what the integration takes."""

import json
import re
from pathlib import Path

import hcl2
import pytest
import yaml
from kit.commands import ROOT, layerwright

PAGE = (ROOT / "docs/integrations.md").read_text(encoding="utf-8")
FOLDERS = sorted(path.name for path in (ROOT / "integrations").iterdir())


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_integration_is_there_with_its_readme(folder: str) -> None:
    assert f"](../integrations/{folder}/README.md)" in PAGE


def test_the_module_is_called_with_variables_that_it_has() -> None:
    (call,) = (next(iter(block.values())) for block in hcl2.loads(shown("hcl")[0])["module"])
    text = (ROOT / "integrations/terraform/layer/variables.tf").read_text(encoding="utf-8")
    assert set(call) - {"source", "__is_block__"} <= set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))


def test_the_construct_is_called_with_properties_that_it_has() -> None:
    text = (ROOT / "integrations/cdk/typescript/layerwright-layer.ts").read_text(encoding="utf-8")
    used = re.findall(r"^  (\w+):", shown("ts")[0], re.MULTILINE)
    assert used
    assert set(used) <= set(re.findall(r"readonly (\w+)\??:", text))


def test_the_plugin_is_called_with_keys_that_it_has() -> None:
    (document,) = (found for text in shown("yaml") if "plugins" in (found := yaml.safe_load(text)))
    (layer,) = document["custom"]["layerwright"]["layers"].values()
    text = (ROOT / "integrations/serverless/plugin/index.js").read_text(encoding="utf-8")
    known = re.findall(r"^    (\w+):", text.partition("const LAYER")[2].partition("};")[0], re.MULTILINE)
    assert set(layer) <= set(known)


def test_documents_have_what_the_page_says(tmp_path: Path) -> None:
    options = ("bash-runtime", "--arch", "arm64")
    (plan,) = layerwright("plan", *options, "--json", cwd=tmp_path).json["plans"]
    (built,) = layerwright("build", *options, "--no-test", "--json", cwd=tmp_path).json["built"]
    assert built["plan_digest"] == plan["plan_digest"]
    assert (tmp_path / built["path"]).is_file()
    about = json.loads((tmp_path / built["path"]).with_suffix(".json").read_text(encoding="utf-8"))
    assert about["zip"]["code_sha256"] == built["zip"]["code_sha256"]
    assert {"runtimes", "architectures"} <= set(built)
