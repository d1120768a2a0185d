"""Layers that are in production, from the packages in which their publishers ship them."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from builder.base import fetch
from builder.layer import checks
from builder.layer.reader import LayerZip
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime
from builder.packages.pypi.resolve import Wanted, best, resolve

LAYERS = {
    "aws-cdk-asset-kubectl-v20==2.1.4": "kubectl and helm",
    "aws-cdk-asset-awscli-v1==2.2.296": "the AWS CLI",
    "cdk-lambda-layer-curl==2.0.838": "curl",
    "cdk-lambda-layer-wget==2.0.423": "wget",
    "cdk-lambda-layer-zip==2.0.377": "zip",
}
OLDER = {"cdk-lambda-layer-curl==2.0.838": "libssl.so.10", "cdk-lambda-layer-wget==2.0.423": "libpcre.so.1"}
"""Built for Amazon Linux 2, with a library that only that system has."""


def layer_zip(requirement: str, folder: Path) -> Path | None:
    """Extract the layer of a published construct: the wheel, the archive of the construct, the zip."""
    on = runtime("python3.13")
    name = requirement.split("==", maxsplit=1)[0].replace("_", "-")
    package = next(one for one in resolve(Wanted(requirements=(requirement,)), on, X86_64) if one.name == name)
    wheel = best(package, on, X86_64)
    assert wheel is not None
    with zipfile.ZipFile(fetch.into(folder, str(wheel.url), wheel.sha256, wheel.filename)) as archive:
        inner = next(one for one in archive.namelist() if one.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner))) as construct:
            member = next((one for one in construct.getmembers() if one.name.endswith(".zip")), None)
            data = construct.extractfile(member) if member else None
            if data is None:
                return None
            path = folder / "layer.zip"
            path.write_bytes(data.read())
            return path


@pytest.mark.network
@pytest.mark.parametrize("requirement", LAYERS, ids=LAYERS.get)
def test_a_layer_in_production_passes_without_an_error(requirement: str, tmp_path: Path) -> None:
    path = layer_zip(requirement, tmp_path)
    assert path is not None
    older = OLDER.get(requirement)
    assert failures(path, "python3.11" if older else "python3.13") == []
    if older:
        messages = [one.message for one in failures(path, "python3.13")]
        assert any(f"`{older}`, which neither the layer nor python3.13" in message for message in messages)


def failures(path: Path, name: str) -> list[checks.Finding]:
    with LayerZip(path) as layer:
        subject = checks.examine(
            layer.tree, (runtime(name),), (X86_64,), packages=(), own=False, directories=layer.directories
        )
        assert len(subject.tree) > 0
        return list(checks.failures(checks.run(checks.weighed(subject, layer.bytes)), strict=False))
