"""Terraform templates compared with the schema of the AWS provider, from which the CDKTF bindings are generated."""

import re
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest
from kit import published

from builder.publish import template, template_source
from builder.publish.layer_version import InputZip, PublishOptions, gather

BINDINGS = "@cdktf/provider-aws@21.22.1"
"""Bindings of provider 6.25.0."""
META = {"__is_block__", "__comments__", "depends_on", "count", "for_each", "provider", "lifecycle"}


@pytest.fixture(scope="module")
def bindings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bindings")
    npm = Path(sys.executable).with_name("npm")
    subprocess.run([npm, "pack", "--silent", BINDINGS], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (packed,) = folder.glob("*.tgz")
    return packed


@cache
def schema(packed: Path, kind: str) -> dict[str, bool]:
    """Return the attributes of a resource, and whether each is required."""
    name = kind.removeprefix("aws_").replace("_", "-")
    with tarfile.open(packed) as opened:
        source = opened.extractfile(f"package/lib/{name}/index.d.ts")
        assert source
        text = source.read().decode()
    start = text.index("Config extends cdktf.TerraformMetaArguments")
    body = text[start : text.index("\n}", start)]
    camel = re.findall(r"^    readonly (\w+)(\??):", body, flags=re.MULTILINE)
    return {re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", word): not mark for word, mark in camel}


def resources(text: str) -> list[tuple[str, dict[str, Any]]]:
    found: dict[str, Any] = hcl2.loads(text)
    return [
        (kind.strip('"'), body)
        for block in found.get("resource", [])
        for kind, named in block.items()
        if kind != "__is_block__"
        for name, body in named.items()
        if name != "__is_block__"
    ]


@pytest.mark.network
@pytest.mark.engine
@pytest.mark.parametrize("large", [False, True])
def test_every_attribute_is_one_of_the_provider(
    bindings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    path = published.layer(tmp_path)
    layers = gather([InputZip(zip=path)], PublishOptions(share=(published.ORGANIZATION, published.OTHER)))
    if large:
        monkeypatch.setattr(template_source, "DIRECT_LIMIT", 10)
    found = resources(
        template.terraform(
            template_source.of_zips("sample", layers, template_source.TemplateOptions(base=tmp_path, output=tmp_path))
        )
    )
    kinds = {kind for kind, _ in found}
    assert {"aws_lambda_layer_version", "aws_lambda_layer_version_permission", "aws_lambda_function"} <= kinds
    assert ("aws_s3_object" in kinds) == large
    for kind, body in found:
        known = schema(bindings, kind)
        assert set(body) - META <= set(known), kind
        assert {name for name, must in known.items() if must} <= set(body), kind


@pytest.mark.network
def test_the_schema_knows_what_is_wrong(bindings: Path) -> None:
    known = schema(bindings, "aws_lambda_layer_version")
    assert known["layer_name"]
    assert not known["filename"]
    assert "layer_nam" not in known
