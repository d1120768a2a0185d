"""Layers that are in production, from the packages in which their publishers ship them."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from kit import real_layers
from kit.real_layers import JARS, NPM, RealLayer, java_tree, layer_zip, node_tree
from kit.zips import write

from builder.layer import checks, findings
from builder.layer.reader import LayerZip
from builder.model.architectures import X86_64, architecture
from builder.model.runtimes import runtime

LAYERS = {
    "aws-cdk-asset-kubectl-v20==2.1.4": "kubectl and helm",
    "aws-cdk-asset-awscli-v1==2.2.296": "the AWS CLI",
    "cdk-lambda-layer-curl==2.0.838": "curl",
    "cdk-lambda-layer-wget==2.0.423": "wget",
    "cdk-lambda-layer-zip==2.0.377": "zip",
}
OLDER = {"cdk-lambda-layer-curl==2.0.838": "libssl.so.10", "cdk-lambda-layer-wget==2.0.423": "libpcre.so.1"}
"""Built for Amazon Linux 2, with a library that only that system has."""
UNSTARTABLE = {"cdk-lambda-layer-wget==2.0.423": "libnettle.so.8"}
"""Programs beside the one that is meant need a library of lib64/, where the loader does not look."""
CHROMIUM = "@sparticuz/chromium"
_UNPACK = "const z=require('zlib'),f=require('fs');process.stdout.write(z.brotliDecompressSync(f.readFileSync(0)))"


@pytest.mark.network
@pytest.mark.parametrize("requirement", LAYERS, ids=LAYERS.get)
def test_a_layer_in_production_passes_without_an_error(requirement: str, tmp_path: Path) -> None:
    path = layer_zip(requirement, tmp_path)
    older = OLDER.get(requirement)
    found = failures(path, "python3.11" if older else "python3.13")
    unstartable = UNSTARTABLE.get(requirement)
    assert {one.path for one in found if one.path and not one.path.startswith("bin/")} == set()
    assert bool(found) == bool(unstartable)
    assert all(f"needs `{unstartable}`; the layer has it as lib64/" in one.message for one in found)
    if older:
        messages = [one.message for one in failures(path, "python3.13")]
        assert any(f"`{older}`, which neither the layer nor python3.13" in message for message in messages)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Callable[[str, str], Path]:
    """Return a function that makes a layer of Amazon Linux's libraries in a version of the package, all in lib/."""
    npm, node = program("npm"), program("node")

    def layer(version: str, system: str) -> Path:
        folder = tmp_path_factory.mktemp("chromium")
        command = [npm, "pack", "--silent", f"{CHROMIUM}@{version}"]
        packed = subprocess.run(command, cwd=folder, capture_output=True, check=True, encoding="utf-8").stdout.split()[
            -1
        ]
        with tarfile.open(folder / packed) as package:
            inner = package.extractfile(f"package/bin/{system}.tar.br")
            assert inner is not None
            data = subprocess.run([node, "-e", _UNPACK], input=inner.read(), capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            files = {
                f"lib/{one.name.rpartition('/')[2]}": content.read()
                for one in archive
                if (content := archive.extractfile(one))
            }
        return write(folder / "layer.zip", files, modes=dict.fromkeys(files, 0o100755))

    return layer


@pytest.mark.network
@pytest.mark.engine  # many megabytes
def test_libraries_of_amazon_linux_2023_are_for_that_system(chromium: Callable[[str, str], Path]) -> None:
    """Amazon's own nss and nspr of 2026-06, built for glibc 2.34."""
    path = chromium("153", "al2023")
    assert failures(path, "nodejs22.x") == failures(path, "provided.al2023") == []
    older = failures(path, "nodejs16.x")
    assert {one.check for one in older} == {"glibc"}
    assert sorted(str(one.path) for one in older) == [
        *("lib/libfreebl3.so", "lib/libfreeblpriv3.so", "lib/libnspr4.so", "lib/libnssutil3.so", "lib/libsoftokn3.so"),
    ]
    assert any("needs GLIBC_2.34 for `dlopen`" in one.message and "has 2.26" in one.message for one in older)


@pytest.mark.network
@pytest.mark.engine  # many megabytes
def test_libraries_of_amazon_linux_2_are_for_that_system(chromium: Callable[[str, str], Path]) -> None:
    """Amazon's own nss of 2023-12, without the nspr that Amazon Linux 2 has and 2023 has not."""
    path = chromium("123.0.1", "al2")
    assert failures(path, "nodejs16.x") == failures(path, "provided.al2") == []
    newer = failures(path, "nodejs22.x")
    assert {one.check for one in newer} == {"unresolved-library"}
    missing = {one.message.split("`")[1] for one in newer}
    assert missing == {"libplc4.so", "libplds4.so", "libnspr4.so"}


SEVERAL_PLATFORMS = {
    "usb": "prebuilds by C library",
    "node-hid": "prebuilds of two addons",
    "classic-level": "prebuilds for Android as well",
    "sodium-native": "prebuilds for another engine of JavaScript, also for simulators",
    "zeromq": "folders by version of Node.js and C library",
    "bcrypt": "prebuilds by C library in their names",
    "esbuild": "a package for each platform, of which one is installed",
    "@parcel/watcher": "the same, with a C library in the name",
    "msgpackr-extract": "the same, by several names",
}


@pytest.mark.network
@pytest.mark.engine  # many megabytes
@pytest.mark.parametrize(("arch", "packages"), [("x86_64", NPM), ("arm64", tuple(SEVERAL_PLATFORMS))])
def test_packages_with_files_for_several_platforms_pass_on_both_architectures(
    arch: str, packages: tuple[str, ...], tmp_path: Path, program: Callable[[str], str]
) -> None:
    """All at once; `test_real_zips_and_trees_are_free_of_errors` has each by itself."""
    where = architecture(arch)
    program("npm")
    tree = node_tree(packages, tmp_path, arch)
    subject = checks.examine(tree, (runtime("nodejs22.x"),), (where,), packages=(), own=False)
    roots = {f"nodejs/node_modules/{name[0]}{name[1:].partition('@')[0]}" for name in packages}
    assert {root for root in roots if not any(entry.path.startswith(f"{root}/") for entry in tree)} == set()
    assert len(subject.elves) > len(SEVERAL_PLATFORMS)
    found = {(one.check, one.path) for one in findings.failures(checks.run(subject), strict=False)}
    assert found <= {("size", None)}  # together they are more than a layer may have


@pytest.mark.network
@pytest.mark.engine  # many megabytes
def test_jars_with_libraries_for_several_platforms_pass(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mvn")
    subject = checks.examine(java_tree(JARS, tmp_path), (runtime("java21"),), (X86_64,), packages=(), own=False)
    assert len(subject.tree) >= len(JARS)
    found = {(one.check, one.path) for one in findings.failures(checks.run(subject), strict=False)}
    assert found <= {("size", None)}  # together they are more than a layer may have


@pytest.mark.network
@pytest.mark.engine
@pytest.mark.long  # each is installed by itself
@pytest.mark.parametrize("layer", list(real_layers.every()), ids=lambda layer: layer.name)
def test_real_zips_and_trees_are_free_of_errors(layer: RealLayer, program: Callable[[str], str]) -> None:
    program("npm" if "nodejs" in layer.runtime else "mvn" if "java" in layer.runtime else "python3")
    with layer.opened() as tree:
        subject = checks.examine(tree, (runtime(layer.runtime),), (X86_64,), packages=(), own=False)
        assert len(tree) > 0
        assert [(one.check, one.path) for one in findings.failures(checks.run(subject), strict=False)] == []


def failures(path: Path, name: str) -> list[findings.Finding]:
    with LayerZip(path) as layer:
        subject = checks.examine(
            layer.tree, (runtime(name),), (X86_64,), packages=(), own=False, directories=layer.directories
        )
        assert len(subject.tree) > 0
        return list(findings.failures(checks.run(checks.weighed(subject, layer.bytes)), strict=False))
