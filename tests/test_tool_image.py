"""The container image of layerwright itself: built from its context, and used for a layer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit import standin
from kit.commands import ROOT, layerwright_process, pip_recipe, write_recipe
from kit.engine import docker
from kit.wheels import make_wheel, serve

CONTEXT = ROOT / "packaging/context.py"
WITHOUT_BYTECODE = (
    '[slim]\nbytecode = "off"\n'  # the image's Python may be another patch release than that of this host
)


def context(folder: Path, *options: str) -> Path:
    subprocess.run([sys.executable, CONTEXT, folder, *options], check=True)
    return folder


@pytest.mark.network
@pytest.mark.engine
def test_the_context_has_programs_of_each_architecture_and_no_others(tmp_path: Path) -> None:
    made = context(tmp_path / "context")
    for name, machine in (("amd64", 62), ("arm64", 183)):
        library = made / f"lib-{name}"
        assert (library / "builder/recipes/numpy/recipe.toml").is_file()
        headers = [path.read_bytes()[:20] for path in (*library.rglob("*.so"), library / "bin/uv")]
        assert {int.from_bytes(head[18:20], "little") for head in headers if head.startswith(b"\x7fELF")} == {machine}
    assert os.access(made / "bin/layerwright", os.X_OK)


@pytest.mark.network
@pytest.mark.usefixtures("engine")
def test_the_image_builds_a_layer_of_wheels(tmp_path: Path) -> None:
    machine = "arm64" if os.uname().machine == "aarch64" else "amd64"
    made = context(tmp_path / "context", "--arch", machine)
    tag = f"layerwright-tool:{os.getpid()}"
    base = f"{standin.REGISTRY}/lambda/python:3.13-{'arm64' if machine == 'arm64' else 'x86_64'}"
    docker("buildx", "build", "--quiet", "--load", "--build-arg", f"BASE={base}", "--tag", tag, str(made))
    try:
        for folder in (tmp_path / "inside", tmp_path / "outside"):
            write_recipe(folder, "sample", pip_recipe("sample", "sample==1.0", more=WITHOUT_BYTECODE))
        wheels = tmp_path / "index"
        wheels.mkdir()
        make_wheel(wheels, "sample", "1.0")
        with serve(wheels) as index:
            mount = ("--volume", f"{tmp_path / 'inside'}:/work", "--user", f"{os.getuid()}:{os.getgid()}")
            network = ("--network", "host", "--env", f"UV_DEFAULT_INDEX={index.url}")
            docker("run", "--rm", *mount, *network, tag, "build", "sample", "--no-test")
            env = {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
            ours = layerwright_process("build", "sample", "--no-test", cwd=tmp_path / "outside", env=env)
        assert ours.code == 0, ours.err
        name = "dist/sample-1.0-python3.13-arm64.zip"
        assert (tmp_path / "inside" / name).read_bytes() == (tmp_path / "outside" / name).read_bytes()
        assert "layerwright" in docker("run", "--rm", "--user", "1234:1234", tag, "--version")
        assert "bash-runtime-1.0.0" in docker("run", "--rm", tag, "plan", "bash-runtime")
    finally:
        docker("image", "rm", tag)
