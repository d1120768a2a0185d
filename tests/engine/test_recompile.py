"""`build --recompile`: steps run anew, and what they downloaded before is still there."""

import uuid
import zipfile
from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_sdist

BACKEND = """
import os, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    counter = os.path.join(os.environ["UV_CACHE_DIR"], "counter-@UNIQUE@")
    with open(counter, "a") as stream:
        stream.write("x")
    name = "counted-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("counted.txt", str(os.path.getsize(counter)))
        wheel.writestr("counted-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: counted\\nVersion: 1.0\\n")
        wheel.writestr("counted-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("counted-1.0.dist-info/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "counted"
version = "1.0"
"""


@pytest.mark.usefixtures("engine", "static_uv")
def test_steps_run_anew_with_the_downloads_of_the_last_time(index: Index, tmp_path: Path) -> None:
    assert index.url
    backend = BACKEND.replace("@UNIQUE@", uuid.uuid4().hex)
    make_sdist(tmp_path / "index", "counted", "1.0", "", {"pyproject.toml": PROJECT, "backend.py": backend})
    step = '[[step]]\nuses = "pip"\nrequirements = ["counted==1.0"]\n'
    write_recipe(tmp_path, "a", recipe(step, runtime="python3.13"))

    def builds(*options: str) -> str:
        result = layerwright("build", "a", *options, cwd=tmp_path)
        assert result.code == 0, result.err
        with zipfile.ZipFile(tmp_path / "dist" / "a-1.0-python3.13-x86_64.zip") as archive:
            return archive.read("python/counted.txt").decode()

    assert builds() == "1"
    assert builds("--rebuild") == "1"
    assert builds("--recompile") == "2"
    assert builds("--recompile") == "3"
