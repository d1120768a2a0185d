"""A layer for a customer-managed runtime is tested in the runtime's own image."""

from pathlib import Path

import pytest
from kit import standin
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe

from builder.engine.client import Engine
from builder.model import runtimes


def test_a_layer_is_tested_in_the_image_of_its_runtime(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.version
    monkeypatch.chdir(tmp_path)
    image = f"{standin.REGISTRY}/lambda/python:3.13-{{arch}}"
    own = f'image = "{image}"\nos = "al2023"\nlanguage = "python"\nseries = "3.13"\n'
    (tmp_path / "runtimes.toml").write_text(f"[runtime.custom-own]\n{own}", encoding="utf-8")
    runtimes.forget()
    text = recipe('[[step]]\nuses = "pip"\nrequirements = ["six==1.17.0"]\n', runtime="custom-own")
    write_recipe(
        tmp_path, "a", f"{text}\n[[test]]\npython = \"import six; assert six.__file__.startswith('/opt/python/')\"\n"
    )
    result = layerwright("build", "a", "--test", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "1 passed" in result.out
