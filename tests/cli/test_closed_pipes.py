"""Output that nobody reads any more, as in `layerwright --help | head -1`: no error of its own, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kit.commands import ROOT, copy_recipe, write_recipe

RECIPE = copy_recipe("a", "kept.txt")
HELP, DOCUMENT, USAGE = ("--help",), ("list", "--json"), ("build", "nope")
BUILD = ("build", "a", "--no-test")


def run(folder: Path, arguments: tuple[str, ...], *closed: str) -> "subprocess.CompletedProcess[bytes]":
    """Run layerwright with streams whose reader is gone before it starts."""
    read, write = os.pipe()
    os.close(read)
    streams: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | dict.fromkeys(closed, write)
    command = [sys.executable, "-m", "builder", *arguments]
    try:
        return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, **streams)
    finally:
        os.close(write)


@pytest.mark.parametrize("arguments", [HELP, DOCUMENT], ids=" ".join)
def test_no_reader_of_the_result_is_no_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    finished = run(tmp_path, arguments, "stdout")
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_the_work_goes_on_if_nobody_reads_what_is_told(tmp_path: Path) -> None:
    (write_recipe(tmp_path, "a", RECIPE).parent / "kept.txt").write_text("kept")
    finished = run(tmp_path, BUILD, "stderr")
    assert finished.returncode == 0
    assert finished.stdout.startswith(b"target ")
    assert [path.name for path in (tmp_path / "dist").glob("*.zip")] == ["a-1-provided.al2023-arm64.zip"]


@pytest.mark.parametrize("closed", [("stderr",), ("stdout", "stderr")], ids="+".join)
def test_an_error_that_nobody_reads_has_its_exit_code(tmp_path: Path, closed: tuple[str, ...]) -> None:
    assert run(tmp_path, USAGE, *closed).returncode == 2
