"""Terraform templates compared with the schema of the AWS provider, from which the CDKTF bindings are generated."""

from pathlib import Path
from typing import Any

import hcl2
import pytest
from kit import aws_bindings, published

from builder.publish import template, template_source
from builder.publish.layer_version import InputZip, PublishOptions, gather


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
        aws_bindings.fits(bindings, kind, body)


@pytest.mark.network
def test_the_schema_knows_what_is_wrong(bindings: Path) -> None:
    known = aws_bindings.schema(bindings, "aws_lambda_layer_version")
    assert known["layer_name"]
    assert not known["filename"]
    assert "layer_nam" not in known
