"""Recipes of packages of PyPI, for benchmarks."""

import json
from collections.abc import Sequence
from pathlib import Path

_TEXT = """\
[layer]
name        = "{name}"
version     = "{version}"
description = "for the benchmark"
license     = "see the packages"

[targets]
runtimes      = {runtimes}
architectures = {architectures}

[[step]]
{step}
"""
BOTH = ("x86_64", "arm64")


def pip(requirements: Sequence[str], wheels: str = "prefer") -> str:
    """Return the keys of a step."""
    return f'uses         = "pip"\nrequirements = {json.dumps(requirements)}\nwheels       = "{wheels}"'


def write(  # noqa: PLR0913  what a recipe has
    folder: Path,
    name: str,
    step: str,
    *,
    version: str = "1",
    runtimes: Sequence[str] = ("python3.12",),
    architectures: Sequence[str] = ("x86_64",),
) -> None:
    """Write `recipes/NAME/recipe.toml` below a folder."""
    text = _TEXT.format(
        name=name,
        version=version,
        runtimes=json.dumps(runtimes),
        architectures=json.dumps(architectures),
        step=step,
    )
    place = folder / "recipes" / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "recipe.toml").write_text(text)
