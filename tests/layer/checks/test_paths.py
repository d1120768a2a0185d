import pytest
from kit.zips import entry, found, tree

from builder.layer import checks
from builder.layer.tree import of
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime
from builder.packages import table

SITE = "python/lib/python3.13/site-packages"


def test_a_folder_of_programs_or_data_of_its_own_is_named_by_code() -> None:
    """Also where it has packages of a language in it, as the AWS CLI has: that is its own business."""
    program = b"#!/bin/sh\n"
    for files in (
        {"awscli/aws": program, "awscli/awscli/__init__.py": b"", "awscli/awscli-1.dist-info/METADATA": b""},
        {"tool/bin/tool": program, "tool/python/helper.py": b"", "tool/lib/libx.so.1": b"", "tool/share/x": b""},
        {"model/weights.bin": b"x"},
        {"jdk/bin/java": program, "jdk/lib/rt.jar": b"PK"},
    ):
        for name in ("python3.13", "nodejs22.x", "java21"):
            findings = found(tree(files), runtimes=(name,), only="layer-path")
            assert {one.severity for one in findings} <= {"warning"}, (files, name, findings)
    named = found(tree({"wrapper": program, "nodejs/index.js": b""}), runtimes=("nodejs22.x",), only="layer-path")
    assert {one.severity for one in named} == {"warning"}


def test_a_layer_of_a_mac_is_one_folder_too_deep_once() -> None:
    files = {"layer/python/p.py": b"", "__MACOSX/layer/python/._p.py": b""}
    errors = [one for one in found(tree(files), only="layer-path") if one.severity == "error"]
    assert [one.path for one in errors] == ["layer/"]


@pytest.mark.parametrize(
    ("name", "files", "hint"),
    [
        ("python3.13", {"dist/layer/python/p.py": b""}, "2 folders too many: `python/` must be at its top"),
        ("python3.13", {"python3/p.py": b""}, "`python3/` must be called so"),
        ("python3.13", {"Python/p.py": b""}, "`Python/` must be called `python/`"),
        ("python3.13", {"p/__init__.py": b"", "p-1.dist-info/METADATA": b""}, "move what is at the top into it"),
        ("python3.13", {"venv/lib/python3.13/site-packages/p.py": b""}, "in `venv/lib/python3.13/site-packages/`"),
        (
            "python3.13",
            {"python/x/p-1.dist-info/METADATA": b"", "python/x/p.py": b""},
            "move there what is in `python/x/`",
        ),
        ("python3.13", {"python/lib/python3.9/site-packages/p.py": b""}, "only Python 3.9 looks there"),
        ("nodejs22.x", {"node_modules/p/index.js": b""}, "move `node_modules/` into a folder `nodejs/`"),
        ("nodejs22.x", {"nodejs/p/package.json": b"{}"}, "move the folders of `nodejs/` there"),
        ("nodejs22.x", {"nodejs/node18/node_modules/p/index.js": b""}, "looks into `nodejs/node18/node_modules/`"),
        ("nodejs22.x", {"node/node_modules/p/index.js": b""}, "`node/` must be called `nodejs/`"),
        (
            "ruby3.4",
            {"ruby/gems/3.2.0/gems/p-1/p.rb": b""},
            "belong into `ruby/gems/3.4.0/`, not into `ruby/gems/3.2.0/`",
        ),
        ("java21", {"java/p.jar": b"PK"}, "directly in `java/lib/` only"),
        ("java21", {"lib/p.jar": b"PK"}, "directly in `java/lib/` only"),
        ("java21", {"lib/deep/p.jar": b"PK", "lib/libx.so.1": b"\x7fELF"}, "directly in `java/lib/` only"),
        ("python3.13", {"opt/bin/x": b"#!/bin/sh\n"}, "leave out `opt/`"),
        ("python3.13", {"lib64/libx.so.1": b""}, "directly in `lib/` only"),
        ("python3.13", {"nodejs/node_modules/p/index.js": b""}, "is laid out for nodejs"),
    ],
)
def test_packages_where_nothing_looks_are_an_error_that_says_what_to_move(
    name: str, files: dict[str, bytes], hint: str
) -> None:
    (finding,) = found(tree(files), runtimes=(name,), only="layer-path")
    assert (finding.severity, hint in finding.hint) == ("error", True), finding


def test_jars_in_lib_are_named_themselves_since_libraries_are_found_there() -> None:
    (finding,) = found(tree({"lib/b.jar": b"PK", "lib/a.jar": b"PK"}), runtimes=("java21",), only="layer-path")
    assert (finding.path, finding.message) == ("lib/a.jar", "java21 never looks there (2 files, 0.0 MB)")


@pytest.mark.parametrize("other", ["java/lib/a.jar", "bin/wrapper", "wrapper"])
def test_a_jar_that_something_names_may_lie_anywhere_in_lib(other: str) -> None:
    files = {"lib/agent.jar": b"PK", other: b"#!/bin/sh\n"}
    findings = found(tree(files), runtimes=("java21",), only="layer-path")
    assert [one for one in findings if "lib/" in (one.path or "")] == []
    assert found(tree({"lib/agent.jar": b"PK"}), runtimes=("python3.13",), only="layer-path") == []


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
