"""`make` in a folder of any name, whatever the locale; the last line of `.ci/run`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kit import closing
from kit.commands import ROOT

NEEDED = ("Makefile", "pyproject.toml", "README.md", "LICENSE", "builder", "images", "requirements")
RECIPE = "exec-wrapper"
"""It compiles nothing and asks no index."""


@pytest.mark.engine
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


RUNS = """\
1 failed, 2 passed in 3.00s
===== 3 failed, 2150 passed, 1 warning in 290.40s (0:04:50) =====
make: *** [Makefile:79: test] Error 1
"""
"""A line of a test's own output, the closing line, and what `make` says of it."""


def test_two_runs_of_pytest_end_with_one_closing_line() -> None:
    (first,) = closing.lines(RUNS)
    assert closing.combined([first]) == "=== 3 failed, 2150 passed, 1 warnings in 290.40s (0:04:50) ===".center(80, "=")
    second = "===== 150 passed, 2 skipped, 1 error in 3600.10s (1:00:00) ====="
    both = closing.combined([first, second])
    assert closing.lines(both) == [both]
    assert "= 3 failed, 2300 passed, 2 skipped, 1 warnings, 1 errors in 3890.50s (1:04:50) =" in both


def test_a_run_without_its_closing_line_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "whole").write_text(RUNS, encoding="utf-8")
    (tmp_path / "cut").write_text("2 workers [2 items]\n", encoding="utf-8")
    assert closing.main([str(tmp_path / "whole"), str(tmp_path / "cut")]) == 1
    assert "ended without its closing line" in capsys.readouterr().err
    assert closing.main([str(tmp_path / "whole")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("=")
