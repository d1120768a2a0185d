"""Nothing below `cli/` prints, and no code decides by the words of our own messages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "builder"
CONTAINER = PACKAGE / "container"
"""Programs of containers: what they print is their output."""
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if CONTAINER not in path.parents]
BELOW = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] not in {"cli", "__main__.py"}]
PIPES = {"layer/compiler.py"}
"""Programs that a build starts, whose stdout is a pipe of data and no talk."""
WORDS = {"what", "why", "hint", "brief", "words", "message"}
"""Attributes of errors, findings and events that are for people."""
SEARCHES = {"startswith", "endswith", "find", "index", "count", "removeprefix", "removesuffix"}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def printing(tree: ast.AST) -> Iterator[str]:
    """Yield what writes to the terminal: calls of print and click.echo, the streams of sys, and rich and logging."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo", "click.secho", "input"}:
            yield f"{node.lineno}: {ast.unparse(node.func)}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr", "sys.__stderr__"}:
            yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            yield from (f"{node.lineno}: {module}" for module in modules if module.split(".")[0] in NOISY)


NOISY = {"rich", "click", "logging", "warnings"}
SILENT = {"layer/python_loads.py": "warnings"}
"""What silences the warnings of others."""


@pytest.mark.parametrize("path", BELOW, ids=name)
def test_nothing_below_the_command_line_prints(path: Path) -> None:
    if name(path) not in PIPES:
        found = printing(ast.parse(path.read_text(encoding="utf-8")))
        assert [row for row in found if not row.endswith(f": {SILENT.get(name(path))}")] == []


WRITERS = {"cli/terminal.py", "cli/streams.py", "cli/__init__.py", "cli/listeners/live.py"}
"""What writes to the terminal; text of others is made safe there."""
ASKS = {"cli/options/cloud.py": 1, "cli/options/starting.py": 1}
"""What only asks whether there is a terminal."""


@pytest.mark.parametrize("path", [path for path in MODULES if path not in BELOW], ids=name)
def test_one_module_of_the_command_line_writes(path: Path) -> None:
    if name(path) not in WRITERS:
        found = [line.partition(": ")[2] for line in printing(ast.parse(path.read_text(encoding="utf-8")))]
        assert [what for what in found if what.split(".")[0] != "click"] == ["sys.stderr"] * ASKS.get(name(path), 0)


def of_people(node: ast.AST) -> bool:
    """Return whether an expression reads words that are for people: `error.hint`, `str(error)`, `error.why[0]`."""
    if isinstance(node, ast.Attribute):
        return node.attr in WORDS and not ast.unparse(node).startswith("self.")
    if isinstance(node, (ast.Subscript, ast.Starred)):
        return of_people(node.value)
    if isinstance(node, ast.BoolOp):
        return any(map(of_people, node.values))
    return isinstance(node, ast.Call) and ast.unparse(node) == "str(error)"


def compares(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare) and any(map(of_people, (node.left, *node.comparators)))


def searches(node: ast.AST) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr in SEARCHES and of_people(function.value)


def deciding(tree: ast.AST) -> Iterator[str]:
    """Yield comparisons with, and searches in, words that are for people."""
    for node in ast.walk(tree):
        if compares(node) or searches(node):
            yield f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_code_decides_by_words_that_are_for_people(path: Path) -> None:
    assert list(deciding(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_rules_notice_what_they_are_about() -> None:
    bad = "print(1)\nsys.stderr.write('x')\nimport rich.console\nfrom click import echo\nclick.echo('x')\n"
    assert len(list(printing(ast.parse(bad)))) == 5
    bad = "log in (error.hint or '')\nerror.what.startswith('x')\n'x' in str(error)\nevent.words == 'x'\n"
    assert len(list(deciding(ast.parse(bad)))) == 4
