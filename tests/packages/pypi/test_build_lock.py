"""The lock of what sdists are built with: which packages, whose files, and what stays open."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_sdist, make_wheel

from builder.base.errors import BuildError
from builder.base.files import sha256
from builder.model import recipes
from builder.model.architectures import ARCHITECTURES
from builder.model.runtimes import runtime
from builder.model.target import targets
from builder.packages.pypi import build_requirements, known
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.resolution import Wheels
from builder.packages.pypi.resolve import Wanted
from builder.plan.planning import plan

PYTHON = runtime("python3.13")
PROJECT = '[build-system]\nrequires = ["{}"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def built_with(systems: Sequence[BuildSystem], kept: tuple[str, ...] = ()) -> tuple[Candidate, ...]:
    return build_requirements.built_with(systems, PYTHON, Wanted(preferences=kept), tuple(ARCHITECTURES.values()))


def system(*requires: str, perhaps: tuple[str, ...] = ()) -> BuildSystem:
    return BuildSystem(requires=requires, perhaps=perhaps)


def wheels_of(folder: Path, name: str = "x", target: int = 0) -> Wheels:
    """Return the resolution of a target of a recipe."""
    loaded = recipes.load(folder / "recipes", name)
    (found,) = plan(loaded, targets(loaded.recipe)[target]).resolutions
    assert isinstance(found, Wheels)
    return found


def files_of(folder: Path, name: str = "x") -> set[str]:
    return {each.file.filename for each in wheels_of(folder, name).build_files}


def test_it_holds_the_files_of_both_architectures_and_not_those_of_other_pythons(index: Index, tmp_path: Path) -> None:
    tags = [f"cp313-cp313-manylinux_2_17_{machine}" for machine in ("x86_64", "aarch64")]
    right = {sha256(make_wheel(index.folder, "tool", "1.0", tag=tag)) for tag in tags}
    make_wheel(index.folder, "tool", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    make_wheel(index.folder, "tool", "1.0", tag="cp313-cp313-win_amd64")
    make_sdist(index.folder, "a", "1.0", "", {"pyproject.toml": PROJECT.format("tool>=1")})
    write_recipe(tmp_path, "a", pip_recipe("a", "a==1.0"))
    result = layerwright("lock", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    path = tmp_path / "recipes" / "a" / "build-requirements.lock"
    text = path.read_text()
    assert {line.split("sha256:")[1].split()[0] for line in text.splitlines() if "sha256:" in line} == right
    assert "://" not in text

    make_wheel(index.folder, "a", "1.0")
    env = {"UV_CACHE_DIR": str(tmp_path / "fresh")}
    gone = layerwright("lock", "a", cwd=tmp_path, env=env)
    assert gone.code == 0, gone.err
    assert "tool 1.0 -> (removed)" in gone.err
    assert not path.exists()


def test_versions_stay_until_an_upgrade(index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "tool", "1.0")
    make_sdist(index.folder, "a", "1.0", "", {"pyproject.toml": PROJECT.format("tool>=1")})
    write_recipe(tmp_path, "a", pip_recipe("a", "a==1.0"))
    assert layerwright("lock", "a", cwd=tmp_path).code == 0
    path = tmp_path / "recipes" / "a" / "build-requirements.lock"
    first = path.read_text()
    make_wheel(index.folder, "tool", "2.0")
    env = {"UV_CACHE_DIR": str(tmp_path / "fresh")}
    assert layerwright("lock", "a", cwd=tmp_path, env=env).code == 0
    assert path.read_text() == first
    upgraded = layerwright("lock", "a", "--upgrade", cwd=tmp_path, env=env)
    assert "tool 1.0 -> 2.0" in upgraded.err
    planned = layerwright("plan", "a", "--json", cwd=tmp_path, env=env).json["plans"]
    assert {one["plan_digest"] for one in planned}
    path.write_text(first)
    before = layerwright("plan", "a", "--json", cwd=tmp_path, env=env).json["plans"]
    assert {one["plan_digest"] for one in before}.isdisjoint(one["plan_digest"] for one in planned)


def test_what_a_backend_may_ask_for_is_locked_where_the_index_has_it(index: Index) -> None:
    make_wheel(index.folder, "tool", "1.0")
    asked = [system("tool", perhaps=("ninja",))]
    assert [one.name for one in built_with(asked)] == ["tool"]
    make_wheel(index.folder, "ninja", "1.0")
    assert [one.name for one in built_with(asked, ("x==1",))] == ["ninja", "tool"]


def test_a_tool_of_which_sdists_need_different_versions_is_locked_in_each(index: Index, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(index.folder, "tool", version)
    make_wheel(index.folder, "other", "1.0")
    for name, wanted in {"a": "tool<2", "b": "tool>=2", "c": "other"}.items():
        make_sdist(index.folder, name, "1.0", "", {"pyproject.toml": PROJECT.format(wanted)})
    write_recipe(tmp_path, "x", pip_recipe("x", "a==1.0", "b==1.0", "c==1.0"))
    result = layerwright("lock", "x", cwd=tmp_path)
    assert result.code == 0, result.err
    path = tmp_path / "recipes" / "x" / "build-requirements.lock"
    assert re.findall(r"^\S+==\S+", path.read_text(), re.MULTILINE) == ["other==1.0", "tool==1.0", "tool==2.0"]
    first = path.read_text()
    assert layerwright("lock", "x", cwd=tmp_path).code == 0
    assert path.read_text() == first
    assert files_of(tmp_path) == {
        "other-1.0-py3-none-any.whl",
        "tool-1.0-py3-none-any.whl",
        "tool-2.0-py3-none-any.whl",
    }


def test_what_is_built_with_nothing_is_locked_as_well(index: Index, tmp_path: Path) -> None:
    make_sdist(index.folder, "a", "1.0", "", {"pyproject.toml": PROJECT.replace('"{}"', "")})
    write_recipe(tmp_path, "a", pip_recipe("a", "a==1.0"))
    assert layerwright("lock", "a", cwd=tmp_path).code == 0
    (planned,) = layerwright("plan", "a", "--json", cwd=tmp_path).json["plans"]
    assert not [text for text in planned["warnings"] if "build requirements" in text]
    (tmp_path / "recipes" / "a" / "build-requirements.lock").unlink()
    (planned,) = layerwright("plan", "a", "--json", cwd=tmp_path).json["plans"]
    assert [text for text in planned["warnings"] if "the build requirements of a are not locked" in text]


def test_what_the_index_cannot_build_is_an_error_and_nothing_is_needed_by_some(index: Index) -> None:
    make_wheel(index.folder, "tool", "1.0")
    with pytest.raises(BuildError, match="tool"):
        built_with([system("tool==3"), system("tool")])
    assert built_with([system()]) == ()


def test_a_damaged_lock_is_written_anew(index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a==1.0"))
    lock = tmp_path / "recipes" / "a" / "requirements.lock"
    lock.write_text("<<<<<<< HEAD\na==1.0\n")
    told = layerwright("build", "a", cwd=tmp_path)
    assert told.code == 2
    assert "`layerwright lock` writes it anew" in told.err
    assert layerwright("lock", "a", cwd=tmp_path).code == 0
    assert layerwright("build", "a", cwd=tmp_path).code == 0


# ---- what a container gets -----------------------------------------------------------------------------------------


def recipe_of(folder: Path, *requires: str, step: str = "") -> None:
    quoted = '", "'.join(requires)
    make_sdist(folder / "index", "a", "1.0", "", {"pyproject.toml": PROJECT.format(quoted) if requires else ""})
    write_recipe(folder, "x", pip_recipe("x", "a==1.0") + step)


def test_a_plan_has_every_file_by_hash_with_a_lock_and_without(index: Index, tmp_path: Path) -> None:
    tags = [f"cp313-cp313-manylinux_2_17_{machine}" for machine in ("x86_64", "aarch64")]
    compiled = {sha256(make_wheel(index.folder, "tool", "1.0", tag=tag, requires=("helper",))) for tag in tags}
    helper = sha256(make_wheel(index.folder, "helper", "2.0"))
    recipe_of(tmp_path, "tool")
    found = wheels_of(tmp_path)
    assert {each.file.sha256 for each in found.build_files} == {*compiled, helper}
    assert layerwright("lock", "x", cwd=tmp_path).code == 0
    locked = wheels_of(tmp_path)
    assert locked.build_files == found.build_files
    assert locked.compiles == found.compiles


def test_the_lock_decides_and_its_hashes_are_compared(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_NO_CACHE", "1")
    make_wheel(index.folder, "tool", "1.0")
    recipe_of(tmp_path, "tool")
    assert layerwright("lock", "x", cwd=tmp_path).code == 0
    make_wheel(index.folder, "tool", "2.0")
    assert files_of(tmp_path) == {"tool-1.0-py3-none-any.whl"}
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "fresh"))
    make_wheel(index.folder, "tool", "1.0", files={"tool/evil.py": b""})
    result = layerwright("plan", "x", cwd=tmp_path)
    assert result.code == 4
    assert "hash mismatch: tool 1.0 is not what the lock of x says" in result.err


def test_a_build_requirement_without_a_wheel_comes_as_its_sdist_with_its_own(index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "base", "1.0")
    make_sdist(index.folder, "tool", "1.0", "", {"pyproject.toml": PROJECT.format("base")})
    recipe_of(tmp_path, "tool")
    wanted = {"tool-1.0.tar.gz", "base-1.0-py3-none-any.whl"}
    assert files_of(tmp_path) == wanted
    assert layerwright("lock", "x", cwd=tmp_path).code == 0
    assert files_of(tmp_path) == wanted


def test_one_architecture_may_lack_a_build_requirement_that_is_not_compiled_for(index: Index) -> None:
    make_wheel(index.folder, "tool", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    systems = [system("tool")]
    x86_64, arm64 = ARCHITECTURES["x86_64"], ARCHITECTURES["arm64"]
    assert [one.name for one in build_requirements.built_with(systems, PYTHON, Wanted(), (x86_64,))] == ["tool"]
    with pytest.raises(BuildError, match="tool"):
        build_requirements.built_with(systems, PYTHON, Wanted(), (arm64,))


def test_a_recipe_adds_what_an_sdist_does_not_name(index: Index, tmp_path: Path) -> None:
    for name in ("tool", "more"):
        make_wheel(index.folder, name, "1.0")
    recipe_of(tmp_path, "tool", step='build-requires = ["more"]\n')
    wanted = {"tool-1.0-py3-none-any.whl", "more-1.0-py3-none-any.whl"}
    assert files_of(tmp_path) == wanted
    assert layerwright("lock", "x", cwd=tmp_path).code == 0
    assert files_of(tmp_path) == wanted
    recipe_of(tmp_path, "tool", step='build-requires = ["more", "third"]\n')
    result = layerwright("plan", "x", cwd=tmp_path)
    assert result.code == 2
    assert "the build-requirements.lock of x does not fit its recipe" in result.err


def test_a_plan_tells_what_the_index_lacks_and_the_build_refuses_it(index: Index, tmp_path: Path) -> None:
    recipe_of(tmp_path, "nowhere")
    planned = layerwright("plan", "x", "--json", cwd=tmp_path)
    assert planned.code == 0
    (one,) = planned.json["plans"]
    assert [text for text in one["warnings"] if text.startswith("it cannot be compiled: ")]
    found = wheels_of(tmp_path)
    with pytest.raises(BuildError, match="the build requirements of a are not available") as error:
        found.write(tmp_path / "context", frozenset({"wheel-a"}), ARCHITECTURES["x86_64"])
    assert "nowhere" in str(error.value)
    assert index.url


def test_a_cached_answer_with_fewer_packages_than_the_lock_is_asked_for_again(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    for name in ("tool", "helper"):
        make_wheel(index.folder, name, "1.0")
    recipe_of(tmp_path, "tool", "helper")
    assert layerwright("lock", "x", cwd=tmp_path).code == 0
    whole = files_of(tmp_path)
    shortened = 0
    for path in (tmp_path / "cache" / "resolved").glob("*.json"):
        cached = known.document(path)
        kept = cached.read()
        assert kept is not None
        if len(kept.packages) > 1:
            cached.replace(known.CachedResolution(packages=kept.packages[:1]))
            shortened += 1
    assert shortened
    assert files_of(tmp_path) == whole
