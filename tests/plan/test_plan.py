import dataclasses
from pathlib import Path
from typing import Any

import pytest
from kit.wheels import Index, make_sdist, make_wheel

from builder.base.errors import BuildError, UsageError
from builder.model.decode import decode
from builder.model.recipe import Recipe
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.plan.formats import FORMATS
from builder.plan.planning import plan

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
    newer = {**FORMATS, "pip": dataclasses.replace(FORMATS["pip"], version=99)}
    for name, value in (("builder.plan.formats.FORMATS", newer), ("builder.layer.compression.LEVEL", 6)):
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


def test_a_package_that_is_compiled_for_want_of_a_wheel_says_which_version_has_one(index: Index) -> None:
    make_wheel(index.folder, "a", "0.9", tag="cp313-cp313-manylinux_2_28_aarch64")
    make_sdist(index.folder, "a", "1.0", "raise SystemExit")
    one = loaded()
    made = plan(one, targets(one.recipe)[0])
    assert made.route == "compile"
    assert [package.route for package in made.packages] == ["compile"]
    assert (
        "a 1.0 has no wheel for python3.13, so it is compiled; a==0.9 is the newest with a wheel that fits"
        in made.warnings
    )
    assert made.reasons_to_compile == tuple(text for text in made.warnings if "so it is compiled" in text)
    assert "COPY --from=wheel-a" in made.dockerfile
    asked = loaded(step=[{**PIP, "wheels": "never"}])
    assert not [text for text in plan(asked, targets(asked.recipe)[0]).warnings if "so it is compiled" in text]
    with pytest.raises(BuildError, match="cannot be installed from wheels"):
        plan(loaded(step=[{**PIP, "wheels": "only"}]), targets(one.recipe)[0])


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"layer": {"name": "a", "version": "1; rm -rf /", "description": "", "license": "MIT"}}, "layer.version"),
        ({"layer": {"name": "a$(x)", "version": "1", "description": "", "license": "MIT"}}, "layer.name"),
        ({"step": [{"uses": "packages", "install": ["gcc; touch /x"]}]}, "step[0].packages.install[0]"),
        ({"step": [{"uses": "packages", "install": ["--setopt=x"]}]}, "step[0].packages.install[0]"),
        ({"step": [{"uses": "source", "options": ["a\nRUN evil"]}]}, "step[0].source.options[0]"),
        ({"step": [{"uses": "script", "run": "true", "env": {"a b": "c"}}]}, "step[0].script.env"),
        ({"step": [{"uses": "script", "run": "true", "env": {"A": "b\nc"}}]}, "step[0].script.env"),
        ({"source": [{"name": "../x", "url": "https://x", "sha256": "0" * 64}]}, "source[0].name"),
        ({"source": [{"url": "file:///etc/passwd", "sha256": "0" * 64}]}, "source[0].url"),
        ({"source": [{"git": "ext::sh -c evil", "commit": "0" * 40}]}, "source[0].git"),
    ],
)
def test_text_that_tries_to_be_a_command_is_refused(tables: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(**tables)
    told = " ".join(caught.value.why)
    assert problem.replace(".packages", "").replace(".source.", ".").replace(".script", "") in told or problem in told


def test_scripts_read_every_file_beside_the_recipe_but_the_locks_that_the_recipe_has(tmp_path: Path) -> None:
    """A lock of an ecosystem that the recipe takes nothing of is a file like another, for example a project's."""
    for name in ("package-lock.json", "Gemfile.lock", "recipe.toml"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    one = loaded(tmp_path, step=[{"uses": "script", "run": "true"}])
    container = plan(one, targets(one.recipe)[0]).container
    assert container is not None
    assert [name for name, _ in container.recipe_files] == ["Gemfile.lock", "package-lock.json"]
