"""The facts of an installation that byte-compiled what it installed, as pip does."""

import compileall
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.building import compiling
from builder.building.compiling import Work
from builder.model import facts
from builder.model.decode import decode
from builder.model.recipe import Recipe
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.nightly import inputs
from builder.plan import container
from builder.plan.mode import EngineOptions
from builder.plan.planning import plan


@pytest.fixture
def byte_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Read the facts from a copy with a `__pycache__`."""
    copied = tmp_path / "images"
    shutil.copytree(facts.folder(), copied, ignore=shutil.ignore_patterns("__pycache__"))
    assert compileall.compile_dir(copied, quiet=1)
    assert (copied / "inside" / "__pycache__").is_dir()
    monkeypatch.setattr(facts, "folder", lambda: copied)
    forget()
    yield copied
    forget()


@pytest.fixture
def before() -> tuple[str, str]:
    return decisive()


def forget() -> None:
    container.machinery.cache_clear()
    inputs.forget()


def decisive() -> tuple[str, str]:
    """Return what the facts decide: the hash in every plan, and the one that nights compare."""
    forget()
    one = loaded()
    return container.machinery(), inputs.of(one, targets(one.recipe)[0], {}, {})[inputs.TOOL]


def loaded() -> Loaded:
    data = {
        "layer": {"name": "a", "version": "1.0", "description": "", "license": "MIT"},
        "targets": {"runtimes": ["python3.13"], "architectures": ["arm64"]},
        "step": [{"uses": "script", "run": "true"}],
    }
    return Loaded(recipe=decode(Recipe, data, "recipe.toml"), folder=None)


def test_bytecode_decides_nothing(before: tuple[str, str], byte_compiled: Path) -> None:
    assert decisive() == before
    (byte_compiled / "inside" / "script.sh").write_text("exit 1\n")
    assert not {*decisive()} & {*before}


def test_bytecode_stays_out_of_the_build_context(byte_compiled: Path, tmp_path: Path) -> None:
    one = loaded()
    made = plan(one, targets(one.recipe)[0]).container
    assert made is not None
    compiling.write_context(Work(container=made, folder=None, options=EngineOptions()), tmp_path / "context", ())
    given = {path.name for path in (tmp_path / "context" / "inside").iterdir()}
    assert given == {path.name for path in facts.files("inside")} | {"provided.txt", "dlopened.txt"}
    assert byte_compiled / "inside" / "__pycache__" not in {path.parent for path in facts.files()}
