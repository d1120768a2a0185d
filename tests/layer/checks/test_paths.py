import pytest
from kit.zips import entry, found, tree

from builder.layer import checks
from builder.layer.tree import of
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime
from builder.packages import table

SITE = "python/lib/python3.13/site-packages"


@pytest.mark.parametrize(
    ("name", "path", "read"),
    [
        ("python3.13", "python/a.py", True),
        ("python3.13", f"{SITE}/a.py", True),
        ("python3.13", "python/lib/python3.12/site-packages/a.py", False),
        ("python3.13", "lib/libx.so.1", True),
        ("python3.13", "bin/x", True),
        ("python3.13", "extensions/x", True),
        ("python3.13", "lib64/libx.so.1", False),
        ("python3.13", "a.py", False),
        ("python3.13", "bootstrap", False),
        ("provided.al2023", "bootstrap", True),
        ("nodejs22.x", "nodejs/node_modules/a/index.js", True),
        ("nodejs22.x", "nodejs/node22/node_modules/a/index.js", True),
        ("nodejs22.x", "nodejs/node20/node_modules/a/index.js", False),
        ("nodejs22.x", "node_modules/a/index.js", False),
        ("ruby3.4", "ruby/gems/3.4.0/gems/a", True),
        ("ruby3.4", "ruby/gems/3.3.0/gems/a", False),
        ("java21", "java/lib/a.jar", True),
        ("java21", "java/lib/deep/a.jar", False),
        ("java21", "java/a.jar", False),
        ("dotnet8", "dotnet/a.dll", False),
    ],
)
def test_every_row_of_lambdas_table_of_directories(name: str, path: str, *, read: bool) -> None:
    findings = found(tree({path: b"x"}), runtimes=(name,), only="layer-path", own=True)
    assert (findings == []) is read


def test_an_odd_path_is_a_mistake_in_our_layers_and_a_habit_in_others() -> None:
    layer = tree({"kubectl/kubectl": b"x"})
    assert [one.severity for one in found(layer, only="layer-path")] == ["warning"]
    assert [one.severity for one in found(layer, only="layer-path", own=True)] == ["error"]


def test_a_folder_too_many_is_recognised() -> None:
    findings = found(tree({"my-layer/python/a.py": b"x", "my-layer/python/b.py": b"x"}), only="layer-path")
    assert len(findings) == 1
    assert "one folder too many: `python/` must be at its top" in findings[0].hint


def test_packages_at_the_top_are_recognised() -> None:
    findings = found(tree({"numpy/__init__.py": b""}), only="layer-path")
    assert "Python packages belong under `python/`" in findings[0].hint


@pytest.mark.parametrize(
    ("path", "data", "mode", "message"),
    [
        ("python/a.py", b"x", 0o600, "a file that others cannot read (mode 600)"),
        ("python/a.py", b"x", 0o640, "a file that others cannot read (mode 640)"),
        ("bin/tool", b"#!/bin/sh", 0o644, "a program that others cannot execute (mode 644)"),
        ("bootstrap", b"anything", 0o644, "a program that others cannot execute"),
        ("extensions/x", b"anything", 0o744, "a program that others cannot execute"),
        ("bootstrap", b"anything", 0, "no unix mode, as zips made on Windows have"),
        ("bin/data.txt", b"no program", 0o644, None),
        ("python/a.py", b"x", 0, None),
        ("python/a.py", b"#!/usr/bin/env python", 0o644, None),
        ("extensions/deep/x", b"x", 0o644, None),
    ],
)
def test_modes(path: str, data: bytes, mode: int, message: str | None) -> None:
    findings = found(of([entry(path, data, mode=mode)]), only="permissions")
    assert [one.severity for one in findings] == (["error"] if message else [])
    assert message is None or message in findings[0].message


def test_a_closed_directory_hides_what_is_in_it() -> None:
    layer = tree({"python/a.py": b""})
    where = (runtime("python3.13"),), (X86_64,)
    subject = checks.examine(layer, *where, packages=table.installed(layer), own=False, directories={"python": 0o700})
    assert [one.check for one in checks.run(subject)] == ["permissions"]
    subject = checks.examine(layer, *where, packages=table.installed(layer), own=False, directories={"python": 0o755})
    assert checks.run(subject) == ()


@pytest.mark.parametrize(
    ("link", "own", "foreign"),
    [
        ("libx.so.1", None, None),
        ("./libx.so.1", None, None),
        ("../lib/libx.so.1", None, None),
        ("/opt/lib/libx.so.1", None, None),
        ("/opt/lib", None, None),
        ("/usr/lib64/libz.so.1", "error", "warning"),
        ("../../usr/lib64/libz.so.1", "error", "warning"),
        ("/home/me/libx.so", "error", "error"),
        ("../../../../home/me/x", "error", "error"),
        ("nothing", "error", "warning"),
        ("libx.so", "error", "error"),
        ("loop", "error", "error"),
    ],
)
def test_links(link: str, own: str | None, foreign: str | None) -> None:
    layer = of([entry("lib/libx.so.1"), entry("lib/libx.so", link=link), entry("lib/loop", link="libx.so")])
    for severity, ours in ((own, True), (foreign, False)):
        findings = [one for one in found(layer, only="symlink-escape", own=ours) if one.path == "lib/libx.so"]
        assert [one.severity for one in findings] == ([severity] if severity else [])


def test_leftovers_are_counted_not_listed_one_by_one() -> None:
    layer = tree({"python/.git/a": b"1", "python/.git/b": b"2", "python/x/.DS_Store": b"", "lib/libx.a": b"x"})
    findings = found(layer, only="leftovers")
    assert [one.message.split(":")[0] for one in findings] == [
        *("static libraries", "version control", "traces of a desktop")
    ]
    assert "2 files" in findings[1].message


def test_names_that_differ_in_case_only() -> None:
    findings = found(tree({"python/Foo.py": b"", "python/foo.py": b"", "python/bar.py": b""}), only="case-collision")
    assert [(one.severity, one.path) for one in findings] == [("warning", "python/Foo.py")]


def test_several_runtimes_are_all_asked() -> None:
    layer = tree({f"{SITE}/a.py": b""})
    assert found(layer, runtimes=("python3.12", "python3.13"), only="layer-path") == []
    assert len(found(layer, runtimes=("python3.12",), architectures=("arm64",), only="layer-path")) == 1
