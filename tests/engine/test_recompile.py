"""`build --recompile`: steps run again, with the same inputs and nothing of the last time."""

import uuid
import zipfile
from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_telling_sdist

SAYS = """
def says():
    left = [folder for folder in ("/layerwright/cache", "/root/.cache/uv") if os.path.exists(folder)]
    return f"{uuid.uuid4().hex} {left}"

import uuid  # @UNIQUE@
"""


@pytest.mark.usefixtures("engine", "static_uv")
def test_steps_run_again_and_find_nothing_of_the_last_time(index: Index, tmp_path: Path) -> None:
    assert index.url
    make_telling_sdist(tmp_path / "index", SAYS.replace("@UNIQUE@", uuid.uuid4().hex))
    step = '[[step]]\nuses = "pip"\nrequirements = ["told==1.0"]\n'
    write_recipe(tmp_path, "a", recipe(step, runtime="python3.13"))

    def builds(*options: str) -> str:
        result = layerwright("build", "a", *options, cwd=tmp_path)
        assert result.code == 0, result.err
        with zipfile.ZipFile(tmp_path / "dist" / "a-1.0-python3.13-x86_64.zip") as archive:
            return archive.read("python/told.txt").decode()

    first = builds()
    assert builds("--rebuild") == first
    second, third = builds("--recompile"), builds("--recompile")
    assert len({first, second, third}) == 3
    assert {text.partition(" ")[2] for text in (first, second, third)} == {"[]"}
