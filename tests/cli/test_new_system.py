"""An operating system is data: `images/runtimes.toml`, and lists of what its images hold."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from kit import zips
from kit.commands import ROOT, Result, layerwright, layerwright_process, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

SYSTEM = """
[os.al2027]
title         = "Amazon Linux 2027"
age           = 3
glibc         = "2.42"
glibcxx       = "3.4.34"
glibcxx-image = "3.4.34"
cxxabi        = "1.3.16"
cxxabi-image  = "1.3.16"
libgcc        = "15.0.0"
libgcc-image  = "15.0.0"
manylinux     = 42
uv-platforms  = ["manylinux_2_34"]
package-manager = "dnf"
toolchain     = ["clang", "lld", "llvm", "patchelf"]

[runtime."python3.14.al2027"]
os            = "al2027"
language      = "python"
series        = "3.14"
image         = "lambda/python:3.14-al2027-{arch}"
build-image   = "sam/build-python3.14.al2027:latest-{arch}"

[runtime."provided.al2027"]
os            = "al2027"
language      = "provided"
image         = "lambda/provided:al2027-{arch}"
build-image   = "sam/build-provided.al2027:latest-{arch}"
"""
FILES = ("libraries/al2027-x86_64.txt", "libraries/al2027-arm64.txt", "commands/al2027.txt")
NEWEST = ("--runtime", "python3.14.al2027", "--arch", "arm64")
Tool = Callable[..., Result]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Copy layerwright with its data, and add a system of which there are no lists yet."""
    for name in ("builder", "images"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    runtimes = tmp_path / "images" / "runtimes.toml"
    text = runtimes.read_text(encoding="utf-8")
    runtimes.write_text(text.replace("# ---- package managers", f"{SYSTEM}\n# ---- package managers"), encoding="utf-8")
    env = {"PYTHONPATH": str(tmp_path)}
    return lambda *arguments: layerwright_process(*arguments, cwd=tmp_path, env=env)


def fill(folder: Path) -> None:
    for name in FILES:
        shutil.copy(ROOT / "images" / name.replace("al2027", "al2023"), folder / "images" / name)


def test_a_system_is_planned_linted_checked_and_built_for_from_data_alone(
    tool: Tool, tmp_path: Path, index: Index
) -> None:
    fill(tmp_path)
    make_wheel(index.folder, "newest", "1.0")
    when = '[[step]]\nuses = "copy"\nfiles = ["recipe.toml"]\nto = "lib"\nwhen = { os = "al2027" }\n'
    runtimes = ("python3.14.al2027", "python3.13")
    write_recipe(tmp_path, "newest", pip_recipe("newest", "newest", runtimes=runtimes, more=when))
    assert tool("lint", "newest").code == 0
    plans = tool("plan", "newest", "--json").json["plans"]
    assert {one["os"]: len(one["files"]) for one in plans} == {"al2027": 1, "al2023": 0}
    built = tool("build", "newest", "--no-test", "--json")
    assert (built.code, len(built.json["built"])) == (0, 2)
    zips.write(tmp_path / "x.zip", {"python/a.py": b""})
    assert tool("check", "x.zip", *NEWEST).code == 0
    made = tool("wheel", "newest", "--os", "al2027", "--arch", "arm64")
    assert (made.code, "newest-1.0-py3-none-any.whl" in made.out) == (0, True), made.err


def test_without_its_lists_the_missing_files_are_named_with_the_commands_that_write_them(
    tool: Tool, tmp_path: Path
) -> None:
    zips.write(tmp_path / "x.zip", {"python/a.py": b""})
    result = tool("check", "x.zip", *NEWEST)
    assert result.code == 2
    assert "data about the images of Amazon Linux 2027 (`al2027`) is incomplete" in result.err
    told = result.err.replace("\n", " ")
    assert all(name in told for name in FILES)
    survey = "layerwright images survey public.ecr.aws/lambda/provided:al2027-"
    assert told.count(survey) == 3
    assert "--programs" in told
    fill(tmp_path)
    (tmp_path / "images" / FILES[2]).unlink()
    zips.write(tmp_path / "program.zip", {"bin/sed": b"#!/bin/sh\n"}, modes={"bin/sed": 0o100755})
    one = tool("check", "program.zip", *NEWEST)
    assert (one.code, FILES[2] in one.err, FILES[0] in one.err) == (2, True, False)


def test_an_unknown_system_on_the_command_line_names_the_near_match(tmp_path: Path) -> None:
    result = layerwright("wheel", "a", "--os", "al2032", cwd=tmp_path)
    assert result.code == 2
    assert "unknown operating system `al2032`; did you mean `al2023`?" in result.err


def test_a_system_without_python_has_no_wheels(tool: Tool, tmp_path: Path) -> None:
    runtimes = tmp_path / "images" / "runtimes.toml"
    text = runtimes.read_text(encoding="utf-8")
    start, end = text.index('[runtime."python3.14.al2027"]'), text.index('[runtime."provided.al2027"]')
    runtimes.write_text(text[:start] + text[end:], encoding="utf-8")
    result = tool("wheel", "newest", "--os", "al2027")
    assert result.code == 2
    assert "no Python runtime of Lambda runs on Amazon Linux 2027" in result.err
