"""`make` in a folder of any name, whatever the locale."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kit.commands import ROOT

NEEDED = ("Makefile", "pyproject.toml", "README.md", "LICENSE", "builder", "images", "requirements")
RECIPE = "exec-wrapper"
"""It compiles nothing and asks no index."""


@pytest.mark.network
def test_a_layer_is_made_in_a_folder_that_the_locale_cannot_spell(program: Any, tmp_path: Path) -> None:
    make, folder = program("make"), tmp_path / "größe schicht"
    for name in (*NEEDED, f"recipes/{RECIPE}"):
        copied = folder / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copied, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, copied)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MAKE", "LC_", "LANG"))}
    command = [make, "layer", f"RECIPE={RECIPE}", "ARGS=--no-test", f"PYTHON={sys.executable}"]
    for _ in range(2):  # the second time takes the environment that is there
        made = subprocess.run(command, cwd=folder, env={**env, "LC_ALL": "C"}, capture_output=True, check=False)
        assert made.returncode == 0, made.stderr.decode(errors="replace")
    assert list((folder / "dist").glob(f"{RECIPE}-*.zip"))
