"""The rooms and their one-way imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    ("errors",),
    ("processes", "places"),
    ("remote", "caches"),
    ("model",),
    ("index",),
    ("plan",),
    ("layer",),
    ("engine",),
    ("nodejs", "jvm"),
    ("parts", "results", "trials"),
    ("smoke",),
    ("ways", "languages"),
    ("gems",),
    ("compiling",),
    ("planning", "assembly"),
    ("build", "catalogue", "legal"),
    ("adhoc", "relock", "pinning", "shell", "split", "verify"),
    ("wheels", "nightly", "updates", "publish"),
    ("report",),
    ("console",),
    ("fleet", "live", "publishing"),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}
MODULES = sorted((ROOT / "builder").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the rooms that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "builder":
            found |= {f"builder.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.split(".")[1] for name in found if name.startswith("builder.")} - {"__version__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_rooms_above_its_own(path: Path) -> None:
    room = path.relative_to(ROOT / "builder").parts[0].removesuffix(".py")
    if room == "__init__":
        assert not imported(path)
        return
    too_low = {other for other in imported(path) if other != room and RANK[other] >= RANK[room]}
    assert not too_low


def test_every_room_is_ranked() -> None:
    rooms = {path.relative_to(ROOT / "builder").parts[0].removesuffix(".py") for path in MODULES}
    assert rooms - {"__init__"} == set(RANK)


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
