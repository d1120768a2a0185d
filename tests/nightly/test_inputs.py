"""What decides a layer, and how a difference is told."""

from pathlib import Path

import pytest
from kit.commands import pip_recipe, write_recipe

from builder.model import recipes
from builder.model.target import targets
from builder.nightly import inputs

OPTIONS = {"--route": "auto"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}"))
    (tmp_path / "recipes" / "a" / "requirements.lock").write_text("a==1.0\n")
    return tmp_path / "recipes"


def seen(folder: Path, options: dict[str, str] | None = None, digest: str = "sha256:1") -> dict[str, str]:
    inputs.forget()
    loaded = recipes.load(folder, "a")
    target = targets(loaded.recipe)[0]
    return inputs.of(loaded, target, options or OPTIONS, dict.fromkeys(inputs.image_paths(target), digest))


def test_nothing_changed_is_no_reason(folder: Path) -> None:
    assert inputs.reasons(seen(folder), seen(folder)) == ()


def test_each_input_is_told_by_its_name(folder: Path) -> None:
    before = seen(folder)
    text = (folder / "a" / "recipe.toml").read_text()
    (folder / "a" / "recipe.toml").write_text(text.replace("for tests", "for other tests"))
    assert inputs.reasons(before, seen(folder)) == ("recipe.toml changed",)
    before = seen(folder)
    (folder / "a" / "requirements.lock").write_text("a==1.1\n")
    assert inputs.reasons(before, seen(folder)) == ("requirements.lock changed",)
    before = seen(folder)
    (folder / "a" / "patches").mkdir()
    (folder / "a" / "patches" / "one.patch").write_text("+\n")
    assert inputs.reasons(before, seen(folder)) == ("patches/one.patch was added",)
    before = seen(folder)
    (folder / "a" / "requirements.lock").unlink()
    assert inputs.reasons(before, seen(folder)) == ("requirements.lock was removed",)


def test_images_options_and_the_tool_itself_are_inputs(folder: Path) -> None:
    before = seen(folder)
    assert inputs.reasons(before, seen(folder, digest="sha256:2")) == (
        "base image lambda/python:3.13-arm64 has another digest",
        "base image sam/build-python3.13:latest-arm64 has another digest",
    )
    assert inputs.reasons(before, seen(folder, {"--route": "wheels"})) == ("--route is wheels, it was auto",)
    older = {**before, inputs.TOOL: "0.0.1+abc.def"}
    assert inputs.reasons(older, before)[0].startswith("layerwright is ")
    assert inputs.reasons(older, before)[0].endswith(", it was 0.0.1")
    same_version = {**before, inputs.TOOL: before[inputs.TOOL][:-1] + "x"}
    assert inputs.reasons(same_version, before) == ("layerwright's code or facts changed",)


def test_a_registry_that_is_silent_tonight_is_no_reason_to_build(folder: Path) -> None:
    known = seen(folder)
    assert inputs.reasons(known, seen(folder, digest=inputs.UNKNOWN)) == ()
    assert "was unknown before" in inputs.reasons(seen(folder, digest=inputs.UNKNOWN), known)[0]


def test_only_a_lock_tells_what_is_in_a_layer_before_it_is_planned(folder: Path) -> None:
    assert not inputs.unlocked(recipes.load(folder, "a"))
    (folder / "a" / "requirements.lock").unlink()
    assert inputs.unlocked(recipes.load(folder, "a"))
