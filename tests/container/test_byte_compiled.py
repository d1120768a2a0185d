"""The facts and programs of an installation that byte-compiled what it installed, as pip does."""

import compileall
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.base import programs
from builder.building import compiling
from builder.building.compiling import Work
from builder.model.decode import decode
from builder.model.recipe import Recipe
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.nightly import inputs
from builder.plan import keys
from builder.plan.mode import EngineOptions
from builder.plan.planning import plan


@pytest.fixture
def byte_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Read the container programs from a copy with a `__pycache__`."""
    copied = tmp_path / "container"
    shutil.copytree(programs.folder(), copied, ignore=shutil.ignore_patterns("__pycache__"))
    assert compileall.compile_dir(copied, quiet=1)
    assert (copied / "steps" / "__pycache__").is_dir()
    monkeypatch.setattr(programs, "folder", lambda: copied)
    forget()
    yield copied
    forget()


@pytest.fixture
def before() -> tuple[str, str]:
    return decisive()


def forget() -> None:
    inputs.forget()


def decisive() -> tuple[str, str]:
    """Return what the programs decide: the key of a part, and what nights compare."""
    forget()
    one = loaded()
    target = targets(one.recipe)[0]
    made = plan(one, target).container
    assert made is not None
    return keys.parts(made)[0].key, str(inputs.of(one, target, {}, {}))


def loaded() -> Loaded:
    data = {
        "layer": {"name": "a", "version": "1.0", "description": "", "license": "MIT"},
        "targets": {"runtimes": ["python3.13"], "architectures": ["arm64"]},
        "step": [{"uses": "script", "run": "true"}],
    }
    return Loaded(recipe=decode(Recipe, data, "recipe.toml"), folder=None)


def test_bytecode_decides_nothing(before: tuple[str, str], byte_compiled: Path) -> None:
    assert decisive() == before
    (byte_compiled / "steps" / "script.sh").write_text("exit 1\n")
    assert not {*decisive()} & {*before}


def test_bytecode_stays_out_of_the_build_context(byte_compiled: Path, tmp_path: Path) -> None:
    one = loaded()
    made = plan(one, targets(one.recipe)[0]).container
    assert made is not None
    compiling.write_context(Work(container=made, folder=None, options=EngineOptions()), tmp_path / "context", ())
    inside = tmp_path / "context" / "inside"
    given = {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()}
    written = {path.relative_to(byte_compiled / "steps").as_posix() for path in programs.files("steps")}
    assert given == written | {"provided.txt", "dlopened.txt"}
    assert byte_compiled / "steps" / "__pycache__" not in {path.parent for path in programs.files()}
