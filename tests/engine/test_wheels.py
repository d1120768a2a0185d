"""`layerwright wheel` on the real engine: compiled, repaired, installed by pip in a clean container."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from kit.commands import ROOT, layerwright, write_recipe
from kit.compiled import recipe
from kit.podman import podman_environment

from builder.engine import client, sandbox
from builder.engine.client import Engine
from builder.layer.tree import EXECUTABLE, Entry, InMemory, of
from builder.model.architectures import ARCHITECTURES
from builder.model.images import build_image
from builder.model.runtimes import runtime

VERSION = "2.9.13"


@pytest.mark.network
@pytest.mark.parametrize("arch", ["x86_64", pytest.param("arm64", marks=pytest.mark.long)])
def test_a_compiled_wheel_carries_its_libraries_and_installs_anywhere(
    arch: str, engine: Engine, tmp_path: Path
) -> None:
    asked = ("wheel", f"psycopg2=={VERSION}", "--arch", arch, "--runtime", "python3.13", "--recipes", ROOT / "recipes")
    result = layerwright(*asked, cwd=tmp_path)
    assert result.code == 0, result.err
    machine = ARCHITECTURES[arch].machine
    path = tmp_path / "dist" / "wheels" / f"psycopg2-{VERSION}-cp313-cp313-manylinux_2_34_{machine}.whl"
    assert result.out == f"{path.relative_to(tmp_path)}\n"
    assert f"compiled, {'native' if ARCHITECTURES[arch] == engine.architecture else 'accelerated'}" in result.err
    assert [name for name in zipfile.ZipFile(path).namelist() if name.startswith("psycopg2.libs/libpq")]
    shown = subprocess.run(
        [sys.executable, "-m", "uv", "tool", "run", "auditwheel==6.8.2", "show", str(path)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert "is consistent" in shown.replace("\n", " ")
    assert f"_{machine}" in shown.partition("tag:")[2].split()[0]
    own = runtime("python3.13")
    program = (
        # The stand-in's glibc is older than Amazon Linux 2023's, so pip is told what that takes.
        f"pip install --quiet --no-index --platform manylinux_2_34_{machine} --only-binary :all: --target /tmp/x "
        "/opt/wheels/*.whl && cd /tmp/x && python3 -c 'import psycopg2'"
    )
    content = of([Entry(path=f"wheels/{path.name}", mode=EXECUTABLE, content=InMemory(data=path.read_bytes()))])
    clean = sandbox.ContainerRun(
        image=build_image(own, ARCHITECTURES[arch]), arch=ARCHITECTURES[arch], command=["/bin/sh", "-euc", program]
    )
    finished = sandbox.run(engine, clean, [(f"opt/{e.path}", e.mode, e.content.read(), None) for e in content])
    assert finished.returncode == 0, finished.stderr


@pytest.mark.network
def test_wheels_are_compiled_only_where_none_fits_or_on_request(engine: Engine, tmp_path: Path) -> None:
    assert engine.version
    asked = ("wheel", "pyyaml==6.0.3", "six==1.17.0", "--arch", "x86_64", "--runtime", "python3.13")
    plain = layerwright(*asked, cwd=tmp_path)
    assert plain.code == 0, plain.err
    assert plain.err.count("from the index") == 2
    own = layerwright(*asked[:2], *asked[3:], "--from-source", "--packages", "libyaml-devel", "-o", "own", cwd=tmp_path)
    assert own.code == 0, own.err
    assert "compiled, native" in own.err
    again = layerwright(
        *asked[:2], *asked[3:], "--from-source", "--packages", "libyaml-devel", "-o", "again", cwd=tmp_path
    )
    name = "pyyaml-6.0.3-cp313-cp313-manylinux_2_34_x86_64.whl"
    assert (tmp_path / "own" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert again.code == 0


@pytest.mark.long
@pytest.mark.network
def test_podman_builds_the_same_zip_and_wheel(engine: Engine, tmp_path: Path) -> None:
    env = podman_environment(tmp_path)
    build = ("build", "psycopg2", "--runtime", "python3.13", "--arch", "x86_64", "--recipes", ROOT / "recipes")
    assert engine.kind == "docker"
    docker = layerwright(*build, "-o", "docker", cwd=tmp_path)
    assert docker.code == 0, docker.err
    podman = layerwright(*build, "-o", "podman", cwd=tmp_path, env=env)
    assert podman.code == 0, podman.err
    name = f"psycopg2-{VERSION}-python3.13-x86_64.zip"
    assert (tmp_path / "docker" / name).read_bytes() == (tmp_path / "podman" / name).read_bytes()
    asked = (
        "wheel",
        f"psycopg2=={VERSION}",
        "--arch",
        "x86_64",
        "--runtime",
        "python3.13",
        "--recipes",
        ROOT / "recipes",
    )
    wheel = layerwright(*asked, cwd=tmp_path, env=env)
    assert wheel.code == 0, wheel.err
    broken = tmp_path / "recipes" / "psycopg2"
    shutil.copytree(ROOT / "recipes" / "psycopg2", broken)
    text = (broken / "recipe.toml").read_text(encoding="utf-8").replace("libpq-devel", "libpq-dvel")
    (broken / "recipe.toml").write_text(text, encoding="utf-8")
    failed = layerwright(*build[:-2], cwd=tmp_path, env=env)
    assert failed.code == 4
    assert "did you mean `libpq-devel`?" in failed.err
    client.find.cache_clear()


@pytest.mark.network
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("arch", ["x86_64", pytest.param("arm64", marks=pytest.mark.long)])
def test_setuptools_optimises(arch: str, tmp_path: Path) -> None:
    step = '[[step]]\nuses = "pip"\nrequirements = ["msgpack==1.2.4"]\nwheels = "never"\n'
    write_recipe(tmp_path, "a", recipe(step, arch=arch, runtime="python3.13"))
    result = layerwright("build", "a", "--recompile", cwd=tmp_path)  # what the engine kept is not in the log
    assert result.code == 0, result.err
    log = (Path(os.environ["LAYERWRIGHT_CACHE"]) / "logs" / f"a-1.0-python3.13-{arch}.log").read_text()
    (compiled,) = [line.split() for line in log.splitlines() if " -c msgpack/_cmsgpack.c" in line]
    assert {"-DNDEBUG"} < set(compiled)
    assert [word for word in compiled if word.startswith("-O")] == ["-O2"]
