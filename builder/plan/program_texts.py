"""The texts of layerwright that act inside containers: templates, and the programs that these run."""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from builder.base import programs
from builder.base.significant import significant
from builder.model import facts

_RUN = re.compile(r"/layerwright/inside/([\w./-]+\.\w+)")
_MADE = frozenset({"provided.txt", "dlopened.txt"})
"""Files beside the programs that every build context gets values of its own in."""


def digests(templates: Iterable[str], named: Iterable[str] = ()) -> dict[str, str]:
    """Return a SHA-256 of these templates and programs, and of all programs that they run, by kind and name.

    `named` are programs whose name a template has as a value.
    """
    paths = [_template(name) for name in sorted(set(templates))]
    run = {*named, *(name for path in paths for name in _run_by(path))}
    return {
        **{f"template {path.name}": _digest(path) for path in paths},
        **{f"program {name}": _digest(_program(name)) for name in sorted(_closure(run))},
    }


def compiler() -> dict[str, str]:
    """Return a SHA-256 of the program that compiles bytecode, by kind and name."""
    name = "python/compile.py"
    return {f"program {name}": _digest(programs.folder() / name)}


def _closure(names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += _run_by(_program(name))
    return seen


def _template(name: str) -> Path:
    return facts.folder() / "templates" / f"{name}.j2"


def _program(name: str) -> Path:
    return programs.folder() / "steps" / name


@cache
def _run_by(path: Path) -> frozenset[str]:
    return frozenset(_RUN.findall(_text(path))) - _MADE


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(_text(path).encode()).hexdigest()[:32]


@cache
def _text(path: Path) -> str:
    return significant(path.read_text(encoding="utf-8"), path.suffix)


def forget() -> None:
    """Clear the caches, for callers that change files within one process."""
    for cached in (_run_by, _digest, _text):
        cached.cache_clear()
