"""The rooms of `builder/`, their one-way imports, and the page that describes them."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "builder"
ROOMS = (
    "base",
    "model",
    "layer",
    "engine",
    "packages",
    "plan",
    "smoke",
    "building",
    "authoring",
    "nightly",
    "publish",
    "report",
    "cli",
)
"""In order: a room imports only rooms that stand before it."""
CONTAINER = PACKAGE / "container"
"""Programs that are never imported: they run in containers, or in another Python."""
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if CONTAINER not in path.parents)
MOST_LINES, MOST_FUNCTION_LINES, MEDIAN_FUNCTION_LINES = 300, 40, 10


def named(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {named(path) for path in MODULES}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in NAMES)
        elif isinstance(node, ast.ImportFrom) and node.module in NAMES:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & NAMES
            if inner - NAMES:
                yield str(node.module)


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_rooms_above_its_own(path: Path) -> None:
    own = room(named(path))
    if own == "":
        assert named(path) == "builder"
        assert not list(imported(path))
        return
    if own == "__main__":
        return  # it starts the command line
    too_low = {name for name in imported(path) if room(name) and ROOMS.index(room(name)) > ROOMS.index(own)}
    assert not too_low


def test_nothing_stands_outside_of_the_rooms() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == {"__init__.py", "__main__.py", "py.typed"}
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert folders == {*ROOMS, CONTAINER.name}


def test_container_programs_are_no_package_and_nothing_imports_them() -> None:
    assert not list(CONTAINER.rglob("__init__.py"))
    assert not {name for path in MODULES for name in imported(path) if "container" in name.split(".")[1:2]}


def cycles() -> Iterator[list[str]]:
    """Yield circles of modules that import each other, each once."""
    graph = {named(path): sorted(set(imported(path)) - {named(path)}) for path in MODULES}
    done: set[str] = set()

    def visit(name: str, above: list[str]) -> Iterator[list[str]]:
        if name in above:
            yield [*above[above.index(name) :], name]
        elif name not in done:
            for other in graph[name]:
                yield from visit(other, [*above, name])
            done.add(name)

    for name in sorted(graph):
        yield from visit(name, [])


def test_inside_a_room_imports_go_one_way_too() -> None:
    """A package's `__init__` counts as a module: what it gathers must not import it."""
    assert not list(cycles())


def test_modules_and_functions_stay_small() -> None:
    sizes = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in sizes.items() if lines > MOST_LINES} == {}
    functions = {
        f"{named(path)}.{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: lines for name, lines in functions.items() if lines > MOST_FUNCTION_LINES} == {}
    assert sorted(functions.values())[len(functions) // 2] < MEDIAN_FUNCTION_LINES


def test_class_names_have_one_meaning() -> None:
    """A leading underscore makes no other name of it."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(f"{named(path)}:{node.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert twice == {}


def test_tests_mirror_the_rooms() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= {*ROOMS, CONTAINER.name, "integrations"}


def test_the_page_about_the_architecture_names_the_rooms_in_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE)) == ROOMS


def decorators(node: ast.FunctionDef) -> Iterator[str]:
    yield from (ast.unparse(decorator) for decorator in node.decorator_list)


def test_marks_stand_on_tests_where_they_have_an_effect() -> None:
    helpers = {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_")
        if any(text.startswith("pytest.mark.") for text in decorators(node))
    }
    assert not helpers


def test_no_test_has_a_deadline_of_its_own() -> None:
    """`tests/conftest.py` has the one profile of hypothesis."""
    own = {
        path.name
        for path in (ROOT / "tests").glob("*/**/test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("settings")
        if {word.arg for word in node.keywords} & {"deadline", "derandomize"}
    }
    assert not own
    assert settings.default is not None
    assert settings.default.deadline is None
    assert settings.default.derandomize is bool(os.environ.get("LAYERWRIGHT_CI"))


def test_host_code_calls_nothing_that_only_posix_has() -> None:
    posix_only = {"fork", "geteuid", "getuid", "chown", "mkfifo", "fcntl", "pwd", "grp", "resource", "killpg", "setsid"}
    used = {
        (path.name, name)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in [
            getattr(node, "attr", None),
            *(alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")),
        ]
        if name in posix_only
    }
    assert not used
