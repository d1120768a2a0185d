"""The first compilation in an image pins it."""

import json
from pathlib import Path

import pytest
from kit import standin
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe, script

pytestmark = pytest.mark.usefixtures("engine")
MADE = 'mkdir -p "$PREFIX/bin"; echo pinned > "$PREFIX/bin/x"'


def build(folder: Path, *more: str, registry: str = standin.REGISTRY) -> Result:
    env = {"LAYERWRIGHT_PINS": str(folder / "pins"), "LAYERWRIGHT_REGISTRY": registry}
    return layerwright("build", "a", "--no-test", "--json", *more, cwd=folder, env=env)


def pins(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (folder / "pins").glob("*.toml"))


def test_what_is_compiled_in_is_pinned_and_the_next_build_is_unchanged(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script(MADE)))
    first = build(tmp_path)
    assert first.code == 0, first.err
    assert '"sam/build-provided.al2023:latest-x86_64" = "sha256:' in pins(tmp_path)
    assert "nodejs" not in pins(tmp_path)
    (built,) = json.loads(first.out)["built"]
    (again,) = json.loads(build(tmp_path).out)["built"]
    assert (built["unchanged"], again["unchanged"]) == (False, True)
    assert again["zip"] == built["zip"]


def test_frozen_images_refuses_what_is_not_pinned(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script(f"{MADE}\n: {tmp_path}")))
    result = build(tmp_path, "--frozen-images")
    assert result.code == 2
    assert "sam/build-provided.al2023:latest-x86_64" in result.err
    assert "layerwright images pin" in result.err
    assert pins(tmp_path) == ""


def test_wheels_need_no_pins(tmp_path: Path) -> None:
    write_recipe(
        tmp_path, "a", recipe('[[step]]\nuses = "pip"\nrequirements = ["six==1.17.0"]\n', runtime="python3.13")
    )
    result = build(tmp_path, "--frozen-images")
    assert result.code == 0, result.err
    assert pins(tmp_path) == ""
