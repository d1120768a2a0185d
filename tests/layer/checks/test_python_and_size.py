from dataclasses import dataclass, replace
from typing import Any

import pytest
from kit.zips import entry, found, tree

from builder.layer import checks
from builder.layer.checks import CHECKS
from builder.layer.checks.size import weight
from builder.layer.findings import failures
from builder.layer.tree import PLAIN, Entry, of
from builder.model.architectures import X86_64
from builder.model.limits import DIRECT_LIMIT, UNZIPPED_LIMIT
from builder.model.recipe import Allow, CheckName
from builder.model.runtimes import runtime


@pytest.mark.parametrize(
    ("tag", "name", "arch", "fits"),
    [
        ("cpython-313-x86_64-linux-gnu", "python3.13", "x86_64", True),
        ("cpython-313-aarch64-linux-gnu", "python3.13", "arm64", True),
        ("cpython-313-aarch64-linux-gnu", "python3.13", "x86_64", False),
        ("cpython-313", "python3.13", "x86_64", True),
        ("abi3", "python3.9", "x86_64", True),
        ("cpython-39-x86_64-linux-gnu", "python3.13", "x86_64", False),
        ("cpython-313t-x86_64-linux-gnu", "python3.13", "x86_64", False),
        ("cpython-313-x86_64-linux-musl", "python3.13", "x86_64", False),
        ("cpython-313-darwin", "python3.13", "x86_64", False),
        ("pypy310-pp73-x86_64-linux-gnu", "python3.13", "x86_64", False),
    ],
)
def test_suffixes_are_what_the_import_system_looks_for(tag: str, name: str, arch: str, *, fits: bool) -> None:
    layer = tree({f"python/p/_m.{tag}.so": b"x"})
    findings = found(layer, runtimes=(name,), architectures=(arch,), only="python-abi")
    assert [one.severity for one in findings] == ([] if fits else ["error"])
    assert found(layer, runtimes=(name,), architectures=(arch,), only="foreign-abi") == []


def test_the_suffix_of_this_very_interpreter_is_accepted() -> None:
    import platform
    import sys
    from importlib.machinery import EXTENSION_SUFFIXES

    if platform.machine() != "x86_64" or sys.platform != "linux" or sys.version_info[:2] > (3, 14):
        pytest.skip("not a platform of Lambda's")
    name = f"python3.{sys.version_info[1]}"
    for suffix in EXTENSION_SUFFIXES[:-1]:
        layer = tree({f"python/m{suffix}": b"x"})
        assert found(layer, runtimes=(name,), only="python-abi") == []


def test_modules_beside_the_right_one_are_dead_weight() -> None:
    layer = tree({f"python/p/_m.cpython-{v}-x86_64-linux-gnu.so": b"x" for v in (39, 313)})
    assert found(layer, only="python-abi") == []
    findings = found(layer, only="foreign-abi")
    assert [(one.severity, one.path) for one in findings] == [("warning", "python/p/_m.cpython-39-x86_64-linux-gnu.so")]


def test_a_node_layer_has_no_python_abi() -> None:
    assert (
        found(tree({"python/p/_m.cpython-39-x86_64-linux-gnu.so": b"x"}), runtimes=("nodejs22.x",), only="foreign-abi")
        == []
    )


@dataclass(frozen=True)
class Claimed:
    """Content with a size, which is never read."""

    size: int
    start: bytes = b""

    def read(self) -> bytes:
        return b""

    def head(self, _: int) -> bytes:
        return self.start


def big(sizes: dict[str, int]) -> Any:
    return of(Entry(path=path, mode=PLAIN, content=Claimed(size)) for path, size in sizes.items())


def test_250_mb_is_the_limit_to_the_byte() -> None:
    assert found(big({"python/a/x": UNZIPPED_LIMIT}), only="size") == []
    findings = found(big({"python/a/x": UNZIPPED_LIMIT + 1}), only="size")
    assert findings[0].severity == "error"
    assert "262,144,001 bytes unzipped, 1 over" in findings[0].message


@pytest.mark.parametrize(
    ("path", "head", "hint"),
    [
        (
            "lib/libbig.so.2",
            b"\x7fELF",
            "lib/libbig.so.2 alone is 283.0 MB, so no split helps: leave out what it can do without, or use",
        ),
        (
            "model/weights.bin",
            b"",
            "model/weights.bin alone is 283.0 MB, so no split helps: load it from S3 when a function starts, keep it",
        ),
    ],
)
def test_one_file_over_the_limit_cannot_be_spread(path: str, head: bytes, hint: str) -> None:
    layer = of([Entry(path=path, mode=PLAIN, content=Claimed(283_000_000, head)), *big({"python/a.py": 9})])
    (finding,) = weight(layer)
    assert finding.hint.startswith(hint)
    (finding,) = weight(big({"python/a/x": 140_000_000, "python/b/x": 140_000_000}))
    assert "layers for functions that need only some of them" in finding.hint


def test_a_layer_too_big_names_its_largest_directories_and_what_pruning_saves() -> None:
    sizes = {f"python/p{number:02}/x": 20_000_000 + number for number in range(12)}
    sizes |= {"python/p00/tests/t.py": 15_000_000, "python/p01/a.pyi": 10_000_000}
    details = found(big(sizes), only="size")[0].details
    assert len([line for line in details if line.endswith(tuple(f"python/p{number:02}" for number in range(12)))]) == 10
    assert "35.0 MB  python/p00" in details[0]
    assert any("pruning tests would save 15.0 MB" in line for line in details)
    assert any("pruning type stubs would save 10.0 MB" in line for line in details)


@pytest.mark.parametrize(("size", "warned"), [(DIRECT_LIMIT, False), (DIRECT_LIMIT + 1, True)])
def test_a_zip_over_50_mib_needs_s3(size: int, *, warned: bool) -> None:
    subject = checks.examine(tree({"python/a.py": b""}), (runtime("python3.13"),), (X86_64,), packages=(), own=True)
    findings = checks.run(checks.weighed(subject, size))
    assert [one.severity for one in findings] == (["warning"] if warned else [])
    assert not warned or "needs S3" in findings[0].message


def test_every_check_has_a_name_in_the_recipe_format_and_a_reason() -> None:
    assert set(CHECKS) == set(CheckName.__args__)  # type: ignore[attr-defined]
    assert all(len(check.why) > 40 for check in CHECKS.values())


def test_an_allowed_finding_is_kept_with_its_reason_and_fails_nothing() -> None:
    layer = tree({"tool/x": b"", "other/y": b""})
    subject = checks.examine(layer, (runtime("python3.13"),), (X86_64,), packages=(), own=True)
    allow = Allow(check="layer-path", reason="called by its full path", path="tool/")
    findings = checks.run(subject, [allow])
    assert {one.path: one.allowed for one in findings} == {"tool/": "called by its full path", "other/": None}
    assert [one.path for one in failures(findings, strict=False)] == ["other/"]


def test_strict_makes_warnings_errors() -> None:
    findings = found(tree({"python/A.py": b"", "python/a.py": b""}))
    assert failures(findings, strict=False) == ()
    assert len(failures(findings, strict=True)) == 1


def test_errors_come_first_and_the_order_is_stable() -> None:
    layer = of([entry("bin/x", b"#!", mode=0o600), entry("z/A"), entry("z/a"), entry("b/c")])
    findings = found(layer)
    assert [one.severity for one in findings] == sorted(one.severity for one in findings)
    assert findings == found(layer)


@pytest.mark.parametrize(
    ("source", "warned"),
    [
        (b"from a.tests._x import y\n", True),
        (b"import os\nfrom .tests._x import y\n", True),
        (b"import a.tests._x\n", True),
        (b"def f():\n    from a.tests._x import y\n", False),
        (b"try:\n    import a.tests._x\nexcept ImportError:\n    pass\n", False),
        (b"from a.other import y\n", False),
    ],
)
def test_an_import_of_something_pruned_is_told(source: bytes, *, warned: bool) -> None:
    layer = tree({"python/a/__init__.py": source})
    subject = checks.examine(layer, (runtime("python3.13"),), (X86_64,), packages=(), own=True)
    subject = replace(subject, pruned=frozenset({"python/a/tests/_x.py"}))
    findings = checks.run(subject)
    assert [(one.check, one.path) for one in findings] == (
        [("pruned-import", "python/a/__init__.py")] if warned else []
    )
    hint = '`keep = ["python/a/tests/_x.py"]` under [slim] leaves it in, `keep-imported = true` all of this kind'
    assert not warned or findings[0].hint == hint
