import os
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from kit.bad import WINDOWS
from kit.zips import entry, tree

from builder.layer.slim import slim
from builder.layer.tree import from_folder, layer_path, of
from builder.model.decode import decode
from builder.model.recipe import Slim
from builder.packages import table

INFO = "python/a-1.0.dist-info"


def slimmed(files: dict[str, bytes], *, prune: tuple[str, ...] = (), keep: tuple[str, ...] = ()) -> set[str]:
    return slim(tree(files), Slim(prune=prune, keep=keep), table.leftovers(), None).tree.paths()


def test_what_installers_leave_behind_always_goes() -> None:
    files = [f"{INFO}/{name}" for name in ("METADATA", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL")]
    more = ["python/a/__pycache__/a.pyc", "python/a/x.h", "python/a/libx.a", "python/a/a.py", "python/.lock"]
    left = slimmed(dict.fromkeys((*files, *more), b""))
    assert left == {f"{INFO}/METADATA", f"{INFO}/RECORD", f"{INFO}/WHEEL", "python/a/a.py"}


def test_modules_that_are_only_bytecode_stay() -> None:
    assert slimmed({"python/a/only.pyc": b"", "python/a/__pycache__/b.pyc": b""}) == {"python/a/only.pyc"}


def test_the_recipe_prunes_and_keeps() -> None:
    files = dict.fromkeys(("python/a/tests/t.py", "python/a/b/tests/t.py", "python/a/t.pyi", "python/a/x.h"), b"")
    assert slimmed(files) == {"python/a/tests/t.py", "python/a/b/tests/t.py", "python/a/t.pyi"}
    assert slimmed(files, prune=("python/**/tests/", "*.pyi")) == set()
    assert slimmed(files, prune=("tests/", "*.pyi"), keep=("python/a/b/tests/", "*.h")) == {
        "python/a/b/tests/t.py",
        "python/a/x.h",
    }


def test_pruned_modules_that_others_import_stay_if_that_is_asked_for() -> None:
    files = {
        "python/a/__init__.py": b"from a.tests.data import x\n",
        "python/a/tests/__init__.py": b"",
        "python/a/tests/data.py": b"from .deeper import rows\nimport a.b.tests\n",
        "python/a/tests/deeper.py": b"rows = 1\n",
        "python/a/tests/test_a.py": b"import a.tests.other\n",
        "python/a/tests/other.py": b"",
        "python/a/b/tests/__init__.py": b"def late():\n    import a.tests.other\n",
        "python/a/b/tests/rows.csv": b"",
    }
    own = decode(Slim, {"prune": ["tests/"], "keep-imported": True}, "test")
    result = slim(tree(files), own, table.leftovers(), None)
    gone = {"python/a/tests/test_a.py", "python/a/tests/other.py", "python/a/b/tests/rows.csv"}
    assert result.tree.paths() == files.keys() - gone
    assert result.pruned == gone
    assert [(saving.rule, saving.files) for saving in result.savings] == [("pruned by the recipe", 3)]
    assert slimmed(files, prune=("tests/",)) == {"python/a/__init__.py"}


def test_scripts_that_name_the_hosts_python_go_and_programs_stay() -> None:
    files = {
        "python/bin/f2py": b"#!/home/me/.venv/bin/python\nimport x",
        "python/bin/tool": b"\x7fELF",
        "python/bin/run": b"#!/bin/sh\n",
        "bin/mine": b"#!/usr/bin/env python3\n",
    }
    assert slimmed(files) == {"python/bin/tool", "python/bin/run", "bin/mine"}


def test_launchers_of_windows_go_with_their_scripts() -> None:
    launcher = WINDOWS + b"#!C:\\Users\\anna\\layerwright\\.venv\\Scripts\\python.exe\r\n"
    record = b"a/a.py,,\n../../bin/f2py.exe,sha256=z,5\n"
    files = {
        "python/bin/f2py.exe": launcher,
        "python/lib/python3.13/site-packages/bin/numpy-config.exe": launcher,
        "python/bin/notes": b"MZ is how programs of Windows begin",
        "python/setuptools/cli.exe": launcher,
        "bin/tool.exe": launcher,
        f"{INFO}/RECORD": record,
    }
    result = slim(tree(files), Slim(), table.leftovers(), None)
    left = {"python/bin/notes", "python/setuptools/cli.exe", "bin/tool.exe", f"{INFO}/RECORD"}
    assert result.tree.paths() == left
    assert [(saving.rule, saving.files) for saving in result.savings] == [("scripts that name this host's Python", 2)]
    assert b".exe" not in next(each for each in result.tree if each.name == "RECORD").content.read()


def test_records_say_what_is_there_without_hashes_and_host_paths() -> None:
    record = b"a/a.py,sha256=x,3\na/tests/t.py,sha256=y,4\n../../bin/f2py,sha256=z,5\na-1.0.dist-info/RECORD,,\n"
    files = {"python/a/a.py": b"", "python/a/tests/t.py": b"", f"{INFO}/RECORD": record}
    result = slim(tree(files), Slim(prune=("tests/",)), table.leftovers(), None).tree
    text = next(one for one in result if one.name == "RECORD").content.read()
    assert text == b"a-1.0.dist-info/RECORD,,\na/a.py,,\n"


def test_links_to_what_went_away_go_as_well() -> None:
    layer = of([entry("lib/libx.a"), entry("lib/libx-link.a.1", link="libx.a"), entry("lib/out", link="/usr/lib/x")])
    assert slim(layer, Slim(), table.leftovers(), None).tree.paths() == {"lib/out"}


def test_savings_are_counted_by_rule() -> None:
    result = slim(tree({"python/a.h": b"123", "python/b.h": b"4"}), Slim(), table.leftovers(), None)
    assert [(one.rule, one.files, one.bytes) for one in result.savings] == [("headers", 2, 4)]


@pytest.mark.parametrize("path", [PureWindowsPath("data\\größe\\x.txt"), PurePosixPath("data/größe/x.txt")])
def test_paths_of_every_host_become_paths_with_slashes(path: PurePosixPath) -> None:
    assert layer_path(path) == "data/größe/x.txt"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask and no modes")
def test_modes_come_from_the_content_not_from_the_host(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "a.py").write_bytes(b"x")
        (tmp_path / "deep" / "lib.so").write_bytes(b"\x7fELF")
        (tmp_path / "script").write_bytes(b"#!/bin/sh")
        (tmp_path / "deep" / "a.py").chmod(0o777)
    finally:
        os.umask(old)
    modes = {one.path: one.mode for one in from_folder(tmp_path, "python")}
    assert modes == {"python/deep/a.py": 0o644, "python/deep/lib.so": 0o755, "python/script": 0o755}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links only for administrators")
def test_links_of_the_host_are_kept_as_links(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "d").symlink_to("/nowhere", target_is_directory=True)
    assert {one.path: one.link for one in from_folder(tmp_path)} == {"b": "a", "d": "/nowhere"}
