"""The lock of what sdists are built with: which packages, whose files, and what stays open."""

from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_sdist, make_wheel

from builder.base.errors import BuildError
from builder.base.files import sha256
from builder.model.runtimes import runtime
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.locks import built_with

PYTHON = runtime("python3.13")
PROJECT = '[build-system]\nrequires = ["{}"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def system(*requires: str, perhaps: tuple[str, ...] = ()) -> BuildSystem:
    return BuildSystem(requires=requires, perhaps=perhaps)


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
    assert [one.name for one in built_with(asked, PYTHON, ())[0]] == ["tool"]
    make_wheel(index.folder, "ninja", "1.0")
    assert [one.name for one in built_with(asked, PYTHON, ("x==1",))[0]] == ["ninja", "tool"]


def test_a_tool_of_which_sdists_need_different_versions_stays_open(index: Index, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(index.folder, "tool", version)
    make_wheel(index.folder, "other", "1.0")
    for name, wanted in {"a": "tool<2", "b": "tool>=2", "c": "other"}.items():
        make_sdist(index.folder, name, "1.0", "", {"pyproject.toml": PROJECT.format(wanted)})
    write_recipe(tmp_path, "x", pip_recipe("x", "a==1.0", "b==1.0", "c==1.0"))
    result = layerwright("lock", "x", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "warning: sdists are built with different versions of tool: not locked" in result.err
    text = (tmp_path / "recipes" / "x" / "build-requirements.lock").read_text()
    assert "other==1.0" in text
    assert "tool" not in text


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
        built_with([system("tool==3"), system("tool")], PYTHON, ())
    assert built_with([system()], PYTHON, ()) == ((), ())


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
