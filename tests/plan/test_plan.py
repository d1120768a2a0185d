from pathlib import Path
from typing import Any

import pytest
from kit.wheels import Index, make_wheel

from builder.build import plan
from builder.errors import UsageError
from builder.model.decode import decode
from builder.model.recipe import Recipe
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.plan.plan import tool

PIP = {"uses": "pip", "requirements": ["a=={version}"]}


def loaded(folder: Path | None = None, runtimes: tuple[str, ...] = ("python3.13",), **tables: Any) -> Loaded:
    layer = {"name": "a", "version": "1.0", "description": "", "license": "MIT"}
    where = {"runtimes": list(runtimes), "architectures": ["arm64"]}
    data = {"layer": layer, "targets": where, "step": [PIP], **tables}
    return Loaded(recipe=decode(Recipe, data, "recipe.toml"), folder=folder)


def digest(one: Loaded) -> str:
    return plan(one, targets(one.recipe)[0]).digest


def test_a_plan_says_route_reason_and_file(index: Index) -> None:
    make_wheel(index.folder, "a", "1.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    one = loaded()
    made = plan(one, targets(one.recipe)[0])
    document = made.as_json()
    assert document["route"] == "wheels"
    assert document["packages"][0]["file"] == "a-1.0-cp313-cp313-manylinux_2_28_aarch64.whl"
    assert document["packages"][0]["reason"] == (
        "cp313 wheel for manylinux_2_28_aarch64 fits Amazon Linux 2023 (up to manylinux_2_34)"
    )
    assert len(document["plan_digest"]) == 64


def test_the_digest_follows_everything_that_decides_the_bytes(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(index.folder, "a", "1.0")
    before = digest(loaded())
    assert digest(loaded()) == before
    assert digest(loaded(slim={"strip": False})) != before
    assert digest(loaded(runtimes=("python3.12",))) != before
    for name, value in (("builder.plan.plan.tool", lambda: "9.9"), ("builder.layer.archive.LEVEL", 6)):
        with monkeypatch.context() as patch:
            patch.setattr(name, value)
            assert digest(loaded()) != before
    assert digest(loaded()) == before


def test_another_wheel_of_the_same_version_changes_the_digest(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(index.folder, "a", "1.0")
    before = digest(loaded())
    make_wheel(index.folder, "a", "1.0", files={"a/new.py": b""})
    monkeypatch.setenv("UV_CACHE_DIR", str(index.folder.parent / "another"))
    assert digest(loaded()) != before


def test_a_copied_file_changes_the_digest(index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "a", "1.0")
    (tmp_path / "f.txt").write_text("1")
    one = loaded(tmp_path, step=[PIP, {"uses": "copy", "files": ["*.txt"], "to": "lib"}])
    before = digest(one)
    (tmp_path / "f.txt").write_text("2")
    assert digest(one) != before


@pytest.mark.parametrize(
    "step",
    [
        {"uses": "packages", "install": ["libpq-devel"]},
        {"uses": "npm", "packages": ["sharp"]},
        {"uses": "gem", "gems": ["nokogiri"]},
        {"uses": "maven", "artifacts": ["g:a:1"]},
        {"uses": "source"},
        {"uses": "script", "run": "make"},
        {**PIP, "wheels": "never"},
    ],
)
def test_steps_that_need_a_container_say_so(step: dict[str, Any]) -> None:
    one = loaded(step=[PIP, step])
    with pytest.raises(UsageError) as caught:
        plan(one, targets(one.recipe)[0])
    assert caught.value.exit_code == 2
    assert caught.value.why[0].startswith("step[1]: ")
    assert "needs the container route, which is not there yet" in caught.value.why[0]


def test_a_target_that_no_step_is_for_is_a_mistake() -> None:
    one = loaded(step=[{**PIP, "when": {"os": "al2"}}])
    with pytest.raises(UsageError, match="no step of the recipe is for a-1.0-python3.13-arm64"):
        plan(one, targets(one.recipe)[0])


def test_python_packages_need_a_python_runtime() -> None:
    one = loaded(runtimes=("nodejs22.x",))
    with pytest.raises(UsageError, match="needs a Python runtime, not nodejs22.x"):
        plan(one, targets(one.recipe)[0])


def test_a_deprecated_runtime_and_a_missing_interpreter_are_told(index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    one = loaded(runtimes=("python3.15",))
    warnings = plan(one, targets(one.recipe)[0]).warnings
    assert any("preview" in text for text in warnings)
    one = loaded(runtimes=("python3.9",))
    assert any("deprecated since 2025-12-15" in text for text in plan(one, targets(one.recipe)[0]).warnings)


def test_the_tool_is_its_version_and_its_code() -> None:
    from builder import __version__

    version, code = tool().split("+")
    assert version == __version__
    assert len(code) == 16
