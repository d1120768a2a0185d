"""Pruned modules that remaining ones need: by statements, calls, extension modules, stubs, lazily, and by require."""

import pytest
from kit.zips import tree

from builder.layer import pruned_imports, slim
from builder.model.recipe import Slim

SUFFIX = ".cpython-313-x86_64-linux-gnu.so"


def found(path: str, source: str, pruned: str, *here: str) -> list[tuple[str, str, bool]]:
    layer = tree({path: source.encode(), **dict.fromkeys(here, b"")})
    return [(each.name, each.file, each.lazily) for each in pruned_imports.find(layer, {pruned})]


def keeping(*patterns: str) -> Slim:
    return Slim(**{"prune": patterns, "keep-imported": True})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "pruned"),
    [
        ("from a import _fast\n", f"python/a/_fast{SUFFIX}"),
        ("from . import (\n    _fast,  # compiled\n    other)\n", "python/a/_fast.abi3.so"),
        ("from ._fast import x\n", "python/a/_fast.so"),
        ("import a._fast as fast\n", f"python/a/_fast{SUFFIX}"),
        ("from a import _fast\n", "python/a/_fast.py"),
        ("import importlib\n_f = importlib.import_module('a._fast')\n", "python/a/_fast.py"),
        ("from importlib import import_module\nimport_module('._fast', __name__)\n", f"python/a/_fast{SUFFIX}"),
        ('__import__("a._fast")\n', "python/a/_fast.py"),
    ],
)
def test_what_is_imported_at_the_top_is_found_whatever_way(source: str, pruned: str) -> None:
    assert found("python/a/__init__.py", source, pruned) == [("a._fast", pruned, False)]
    files = {"python/a/__init__.py": source.encode(), pruned: b"x"}
    own = keeping(f"/{pruned}")
    assert pruned in slim.slim(tree(files), own, {}, None).tree.paths()


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import_module('a._fast')\n",
        "try:\n    from a import _fast\nexcept ImportError:\n    _fast = None\n",
        "name = 'a._fast'\nimport_module(name)\n",
        "from a import _faster\n",
        "# from a import _fast\n",
    ],
)
def test_what_may_never_be_imported_is_none(source: str) -> None:
    assert found("python/a/__init__.py", source, "python/a/_fast.py") == []


def test_a_compiled_module_takes_the_place_of_a_pruned_source() -> None:
    assert found("python/a/__init__.py", "from a import _x\n", "python/a/_x.py", f"python/a/_x{SUFFIX}") == []


SCIPY = """
_names = ['fft', 'datasets']
def __getattr__(name):
    if name in _names:
        return import_module(f'a.{name}')
"""
LAZY_LOADER = "import lazy_loader as lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__, {'datasets'})\n"


@pytest.mark.parametrize("source", [SCIPY, LAZY_LOADER])
def test_what_is_imported_at_the_first_use_is_told_and_not_kept(source: str) -> None:
    pruned = "python/a/datasets/__init__.py"
    assert found("python/a/__init__.py", source, pruned) == [("a.datasets", pruned, True)]
    assert found("python/a/__init__.py", source, "python/a/tests/__init__.py") == []
    slimmed = slim.slim(
        tree({"python/a/__init__.py": source.encode(), pruned: b"", "python/a/x.txt": b""}),
        keeping("datasets/", "*.txt"),
        {},
        None,
    )
    assert pruned not in slimmed.tree.paths()
    assert slimmed.lazily == {pruned}, "the check tells it"


def test_stubs_that_lazy_loader_reads_are_needed() -> None:
    source = "import lazy_loader as _lazy\n__getattr__, __dir__, _ = _lazy.attach_stub(__name__, __file__)\n"
    stub = "python/a/__init__.pyi"
    assert found("python/a/__init__.py", source, stub) == [("a (its stub)", stub, False)]
    assert found("python/a/__init__.py", "import os\n", stub) == []
    files = {"python/a/__init__.py": source.encode(), stub: b"x", "python/a/b.pyi": b""}
    slimmed = slim.slim(tree(files), keeping("*.pyi"), {}, None)
    assert sorted(slimmed.tree.paths()) == ["python/a/__init__.py", stub]


ROOT = "nodejs/node_modules"


@pytest.mark.parametrize(
    ("source", "pruned"),
    [
        ("'use strict';\nconst x = require('./lib/x');\n", "a/lib/x.js"),
        ("module.exports = require('./lib/x.js');\n", "a/lib/x.js"),
        ("import x from './lib/x.mjs';\n", "a/lib/x.mjs"),
        ('import {\n  a,\n  b\n} from "./lib/x.js";\n', "a/lib/x.js"),
        ("export * from './lib';\n", "a/lib/index.js"),
        ("import './lib/x.json';\n", "a/lib/x.json"),
        ("require('./x.node')\n", "a/x.node"),
        ("const b = require('b');\n", "b/package.json"),
        ("const b = require('@s/b/deep');\n", "@s/b/package.json"),
        ("const b = require('b');\n", "a/node_modules/b/index.js"),
    ],
)
def test_modules_that_node_requires_at_the_top_are_found(source: str, pruned: str) -> None:
    (name, file, lazily), *more = found(f"{ROOT}/a/index.js", source, f"{ROOT}/{pruned}")
    assert (file, lazily, more) == (f"{ROOT}/{pruned}", False, [])
    assert name in source


@pytest.mark.parametrize(
    ("source", "pruned", "here"),
    [
        ("const x = require('./x');\n", "a/x.js", ("a/x.json",)),
        ("const b = require('b');\n", "a/node_modules/b/package.json", ("b/package.json",)),
        ("function f() {\n  return require('./x');\n}\n", "a/x.js", ()),
        ("const fs = require('fs');\n", "a/x.js", ()),
        ("// require('./x')\n", "a/x.js", ()),
    ],
)
def test_what_node_finds_elsewhere_or_may_never_need_is_none(source: str, pruned: str, here: tuple[str, ...]) -> None:
    there = [f"{ROOT}/{name}" for name in here]
    assert found(f"{ROOT}/a/index.js", source, f"{ROOT}/{pruned}", *there) == []


def test_a_package_of_node_that_is_pruned_as_a_whole_stays_away_and_is_told() -> None:
    """Which file of it would be imported says its package.json, and users who prune a package mean it."""
    files = {
        f"{ROOT}/a/index.js": b"const left = require('left');\nconst part = require('./part');\n",
        f"{ROOT}/a/part.js": b"",
        f"{ROOT}/left/package.json": b'{"main": "lib/x.js"}',
        f"{ROOT}/left/index.js": b"",
        f"{ROOT}/left/lib/x.js": b"",
    }
    slimmed = slim.slim(tree(files), keeping("left/", "part.js"), {}, None)
    assert slimmed.tree.paths() == {f"{ROOT}/a/index.js", f"{ROOT}/a/part.js"}
    assert slimmed.lazily == {f"{ROOT}/left/index.js"}
