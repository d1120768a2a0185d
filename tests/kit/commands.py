"""The command line, as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """Run `python -m builder` in a folder and return what it said."""
    finished = subprocess.run(
        [sys.executable, "-m", "builder", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Result(code=finished.returncode, out=finished.stdout, err=finished.stderr)


def write_recipe(folder: Path, name: str, text: str) -> Path:
    path = folder / "recipes" / name / "recipe.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def pip_recipe(
    name: str,
    *requirements: str,
    version: str = "1.0",
    runtimes: tuple[str, ...] = ("python3.13",),
    architectures: tuple[str, ...] = ("arm64",),
    more: str = "",
) -> str:
    """Return the text of a recipe for Python packages."""
    return f"""
[layer]
name        = "{name}"
version     = "{version}"
description = "for tests"
license     = "MIT"

[targets]
runtimes      = {json.dumps(runtimes)}
architectures = {json.dumps(architectures)}

[[step]]
uses         = "pip"
requirements = {json.dumps(requirements)}
{more}
"""
