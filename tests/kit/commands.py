"""The command line, in the process of the tests, and as a process of its own where that is the point."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from builder.cli import run
from kit import state

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def layerwright(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Result:
    """Run a command in a folder, within this process, and return what it printed.

    It begins and ends with nothing remembered, as a process does. Not for several threads at once: the folder, the
    environment and the output are those of the whole process.
    """
    state.forget()
    try:
        with _inside(cwd), CliRunner().isolation(env=env) as (out, err, _):
            code = run(list(map(str, arguments)))
            sys.stdout.flush()
    finally:
        state.forget()
    return Result(code=code, out=_text(out.getvalue()), err=_text(err.getvalue()))


def layerwright_process(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Result:
    """Run `python -m builder` in a folder and return what it printed: for locales, streams and several at once."""
    finished = subprocess.run(
        [sys.executable, "-m", "builder", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Result(code=finished.returncode, out=finished.stdout, err=finished.stderr)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _text(output: bytes) -> str:
    return output.decode().replace(os.linesep, "\n")


def write_recipe(folder: Path, name: str, text: str) -> Path:
    path = folder / "recipes" / name / "recipe.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def recipe_head(name: str, runtimes: Sequence[str], architectures: Sequence[str], version: str = "1") -> str:
    """Return the text of a recipe before its steps, which ends with its targets."""
    return f"""\
[layer]
name        = "{name}"
version     = "{version}"
description = "for tests"
license     = "MIT"

[targets]
runtimes      = {json.dumps(runtimes)}
architectures = {json.dumps(architectures)}
"""


def pip_recipe(
    name: str,
    *requirements: str,
    version: str = "1.0",
    runtimes: tuple[str, ...] = ("python3.13",),
    architectures: tuple[str, ...] = ("arm64",),
    more: str = "",
) -> str:
    """Return the text of a recipe for Python packages."""
    return f"""{recipe_head(name, runtimes, architectures, version)}
[[step]]
uses         = "pip"
requirements = {json.dumps(requirements)}
{more}
"""


def copy_recipe(name: str, *files: str) -> str:
    """Return the text of a recipe for files that lie beside it, which need neither an index nor an engine."""
    return f"""{recipe_head(name, ("provided.al2023",), ("arm64",))}
[[step]]
uses  = "copy"
files = {json.dumps(files)}
to    = "lib"
"""
