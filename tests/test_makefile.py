"""`make` in a folder of any name, whatever the locale; the last line of `.ci/run`."""

import ensurepip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
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


# ---- make on other systems -----------------------------------------------------------------------------------------

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FOR_DEBIAN = {"engine", "standin", "catalogue-standin", "fuzz", "test-windows"}
"""Targets that nobody else needs: they make machines of Debian, or test layerwright itself."""
EVERYWHERE = re.compile(r"@?(?:\$\((?:PYTHON|LW|BIN\)/[\w-]+)\)?|echo)(?= |$)")
"""First words of lines that sh and cmd.exe both understand."""


def dry(program: Callable[[str], str], *arguments: str) -> str:
    command = [program("make"), "--dry-run", "--always-make", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # tests run below make
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=env)
    return made.stdout


def test_windows_has_another_name_of_python_and_of_its_programs(program: Callable[[str], str]) -> None:
    lines = dry(program, "OS=Windows_NT", "layer", "RECIPE=numpy", "ARCH=arm64").splitlines()
    assert lines[0] == "python requirements/make_venv.py .venv"
    assert lines[-1].rstrip() == ".venv/Scripts/layerwright build numpy  --arch arm64"
    assert not [line for line in lines if "python3 " in line]
    assert dry(program, "layer", "RECIPE=numpy").startswith("python3 requirements/make_venv.py .venv\n")
    assert dry(program, "layer", "PYTHON=py").startswith("py requirements/make_venv.py .venv\n")


def test_what_users_need_of_make_is_no_matter_of_the_shell() -> None:
    rules = re.findall(r"^([\w$()./-]+):.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert len(rules) > 30
    lines = [(name, line) for name, text in rules for line in text.splitlines() if name not in FOR_DEBIAN]
    assert [each for each in lines if not EVERYWHERE.match(each[1].lstrip("\t"))] == []
    operators = re.compile(r"&&|\|\||;\s*\}|\$\$\(|`|<\(")
    assert [each for each in lines if operators.search(re.sub(r'"[^"]*"', "", each[1]))] == []


def test_make_3_81_of_a_mac_reads_it() -> None:
    """Functions and directives that came with GNU make 3.82 and later (NEWS of GNU make)."""
    newer = r"\$\((?:file|guile|let|intcmp|undefine) |^\.ONESHELL|^\.SHELLFLAGS|^\.RECIPEPREFIX|::=|!=|^undefine|&:"
    assert re.findall(newer, MAKEFILE, re.MULTILINE) == []


@pytest.fixture
def venv() -> Any:
    spec = importlib.util.spec_from_file_location("make_venv", ROOT / "requirements" / "make_venv.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


THIS = (3, 12)


def programs_of(made: Path) -> Path:
    return made / ("Scripts" if sys.platform == "win32" else "bin")


def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)


def test_a_python_that_is_too_old_is_told_where_no_uv_brings_a_newer_one(
    venv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_uv(monkeypatch)
    with pytest.raises(SystemExit) as caught:
        venv.make(tmp_path / "made", (3, 9))
    assert "layerwright needs Python 3.10 or newer, this is 3.9; set PYTHON=, or install uv" in str(caught.value)


def of_the_lock() -> str:
    locked = re.search(r"^uv==(\S+)", (ROOT / "requirements/run.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert locked
    return locked[1]


@pytest.mark.network
@pytest.mark.parametrize("version", [THIS, (3, 9)], ids=["this Python", "too old"])
def test_uv_makes_the_environment_where_it_is_installed(
    venv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], version: Any
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: str(Path(sys.executable).with_name(name)))
    monkeypatch.setattr(venv, "by_pip", None)
    made = tmp_path / "made"
    assert venv.make(made, version) == 0
    assert ("uv looks for a newer one" in capfd.readouterr().err) == (version != THIS)
    told = subprocess.run([programs_of(made) / "uv", "--version"], check=True, capture_output=True, text=True).stdout
    assert told.split()[:2] == ["uv", of_the_lock()]
    version_of = subprocess.run([programs_of(made) / "python", "--version"], check=True, capture_output=True, text=True)
    assert re.match(r"Python 3\.1\d", version_of.stdout)


@pytest.mark.network
@pytest.mark.parametrize("pip", ["own", "brought along"])
def test_the_environment_has_uv_of_the_lock_and_no_pip(
    venv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: str
) -> None:
    without_uv(monkeypatch)
    monkeypatch.setattr(venv, "own_pip" if pip == "brought along" else "brought_pip", lambda: None)
    if pip == "own" and venv.own_pip() is None:
        runner = tmp_path / "pip"  # a wheel, unpacked, is the same
        with zipfile.ZipFile(next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))) as wheel:
            wheel.extractall(runner)
        monkeypatch.setattr(venv, "own_pip", lambda: runner / "pip" / "__pip-runner__.py")
    made = tmp_path / "made"
    assert venv.make(made, THIS) == 0
    told = subprocess.run([programs_of(made) / "uv", "--version"], check=True, capture_output=True, text=True).stdout
    assert told.split()[:2] == ["uv", of_the_lock()]
    asked = subprocess.run([programs_of(made) / "python", "-c", "import pip"], check=False, capture_output=True)
    assert asked.returncode == 1


@pytest.mark.network
def test_a_uv_that_fails_is_done_without(venv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/false")
    made = tmp_path / "made"
    assert venv.make(made, THIS) == 0
    assert list(programs_of(made).glob("uv*"))


def test_nothing_is_left_of_an_environment_that_fails(
    venv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As on Debian without `python3-venv`: it leaves a pyvenv.cfg, which the next call of make would take."""
    folder = tmp_path / ".venv"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nmkdir {folder}\ntouch {folder}/pyvenv.cfg\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    without_uv(monkeypatch)
    monkeypatch.setattr(sys, "executable", str(program))
    assert venv.make(folder, THIS) == 3
    assert not folder.exists()
    assert "apt install python3-venv" in capfd.readouterr().err
