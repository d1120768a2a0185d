"""What a person at a terminal sees: a real pseudo-terminal, read until the end."""

import re
import sys
from pathlib import Path

import pytest
from kit import terminals
from kit.commands import pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty module")


def on_a_terminal(arguments: list[str], cwd: Path, *, stdout: Path | None = None, **env: str) -> str:
    shown = terminals.on_a_terminal(arguments, cwd, stdout=stdout, env=env)
    assert shown.code in {0, 2}
    return shown.text


_STAGE = "(starting|planning|installing|slimming|compiling|checking|downloading|finishing)"
"""A stage that is on the screen for less than a tenth of a second may not be drawn."""


# A fork in a process with threads is what pytest-xdist's workers are; the child only calls execv.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_build_on_a_terminal_shows_stages_and_leaves_a_clean_summary(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}"))
    seen = on_a_terminal(["build", "a"], tmp_path)
    assert re.search(rf"a-1\.0-python3\.13-arm64: {_STAGE}", seen)
    assert re.search(r"^\S*dist/a-1\.0-python3\.13-arm64\.zip  built in", seen.replace("\r", "\n"), flags=re.MULTILINE)
    assert "\x1b[?25h" in seen, "the cursor is back"
    assert "headroom MB" in seen


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_data_in_a_file_stays_there_while_the_terminal_shows_live_lines(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    paths = tmp_path / "paths"
    seen = on_a_terminal(["wheel", "a==1.0", "--arch", "arm64"], tmp_path, stdout=paths)
    (line,) = paths.read_text().splitlines()
    assert line.endswith("a-1.0-py3-none-any.whl")
    assert re.search(rf"python3\.\d+ arm64: {_STAGE}", seen)
    assert line not in seen


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_an_error_is_red_unless_colour_is_unwanted(tmp_path: Path) -> None:
    assert "\x1b[1;31merror: " in on_a_terminal(["build", "numpi"], tmp_path)
    plain = on_a_terminal(["build", "numpi"], tmp_path, NO_COLOR="1")
    assert "31m" not in plain
    assert "error: " in plain
