"""What the default test tries of modules of Python, and how it tells faults of a layer from other errors."""

import json
from typing import Any

import pytest
from kit.zips import tree

from builder.model.runtimes import runtime
from builder.packages.default_tests import DefaultTest, Judgement, last_words
from builder.packages.pypi import default_tests

LAYER = {
    "python/pack/__init__.py": b"from pack import core\n",
    "python/pack/core.py": b"",
    "python/pack/extra.py": b"",
    "python/pack/_private.py": b"",
    "python/pack/__main__.py": b"",
    "python/pack/tests/__init__.py": b"",
    "python/pack/tests/test_core.py": b"",
    "python/pack/conftest.py": b"",
    "python/pack/data/no_package.py": b"",
    "python/pack/fast.cpython-313-x86_64-linux-gnu.so": b"",
    "python/pack/old.cpython-312-x86_64-linux-gnu.so": b"",
    "python/bare/__init__.py": b'__version__ = "1"\n',
    "python/bare/bare.py": b"",
    "python/space/part/__init__.py": b"",
    "python/space/part/sub.py": b"",
    "python/bin/script.py": b"",
    "python/lib/python3.13/site-packages/deep/__init__.py": b"",
}


def of(files: dict[str, bytes]) -> DefaultTest:
    (test,) = default_tests.tests(tree(files), runtime("python3.13"))
    return test


def test_public_modules_are_tried_and_first_those_at_which_functions_begin() -> None:
    kinds: dict[str, list[str]] = {}
    for item in of(LAYER).items:
        kinds.setdefault(item.kind, []).append(item.name)
    assert kinds == {
        "first": ["bare", "deep", "pack"],
        "begun": ["bare.bare", "space.part", "space.part.sub"],
        "more": ["pack.core", "pack.extra", "pack.fast"],
    }
    assert not list(default_tests.tests(tree(LAYER), runtime("nodejs22.x")))


def judged(name: str, text: str, **error: Any) -> Judgement:
    test = of(LAYER)
    number = [item.name for item in test.items].index(name)
    notes = [["begin", number], ["fail", number, {"text": text, "trace": [text], **error}], ["through", 0]]
    return test.judged("\n".join(map(json.dumps, notes)))


FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("pack", "ModuleNotFoundError: No module named 'nowhere'", {"missing": ["nowhere"]}),
    ("pack", "ValueError: no", {}),
    ("bare.bare", "ImportError: Unable to find zbar shared library", {"imports": True}),
    ("bare.bare", "OSError: libzbar.so.0: cannot open shared object file", {"loads": True}),
    (
        "pack.extra",
        "ImportError: libnone.so.1: cannot open shared object file",
        {"loads": True, "imports": True, "file": "/opt/python/pack/_native.so"},
    ),
]
NO_FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("bare.bare", "ModuleNotFoundError: No module named 'torch'", {"missing": ["torch"]}),
    ("bare.bare", "RuntimeError: install torch", {"missing": ["torch"]}),
    ("bare.bare", "ImportError: please install bare[extra]", {"imports": True}),
    ("space.part.sub", "ImproperlyConfigured: settings are not configured", {}),
    ("bare.bare", "ImportError: cannot import name 'winreg' from 'pack'", {}),
    ("bare.bare", "ModuleNotFoundError: No module named 'pack.gone'", {"missing": ["pack.gone"]}),
    ("pack.extra", "OSError: libzbar.so.0: cannot open shared object file", {"loads": True}),
    ("pack.extra", "AttributeError: module 'ctypes' has no attribute 'windll'", {}),
    ("pack.extra", "SystemExit: 2", {}),
    (
        "pack.fast",
        "ImportError: libcuda.so.1: cannot open shared object file",
        {"loads": True, "imports": True, "file": "/opt/python/pack/fast.cpython-313-x86_64-linux-gnu.so"},
    ),
]


@pytest.mark.parametrize(("name", "text", "error"), FAULTS)
def test_faults(name: str, text: str, error: dict[str, Any]) -> None:
    said = judged(name, text, **error)
    assert said.failed == (text, f"cannot be imported: {name}")


@pytest.mark.parametrize(("name", "text", "error"), NO_FAULTS)
def test_what_is_no_fault_is_told_as_not_tried(name: str, text: str, error: dict[str, Any]) -> None:
    said = judged(name, text, **error)
    assert not said.failed
    assert any(f"(1: {name})" in line for line in said.untried)


def test_a_compiled_module_without_which_its_package_works_is_no_fault() -> None:
    optional = b"try:\n    from pack import fast\nexcept ImportError:\n    fast = None\n"
    path = "python/pack/fast.cpython-313-x86_64-linux-gnu.so"
    error = {"text": "ImportError: libtbb.so.12: cannot open shared object file", "loads": True, "file": f"/opt/{path}"}
    for core, failed in ((optional, False), (b"from pack import fast\n", True)):
        test = of({**LAYER, "python/pack/core.py": core})
        number = [item.name for item in test.items].index("pack.fast")
        notes = "\n".join(map(json.dumps, [["begin", number], ["fail", number, error], ["through", 0]]))
        assert bool(test.judged(notes).failed) == failed


def test_crashes_fail_and_what_hangs_or_was_late_is_told() -> None:
    test = of(LAYER)
    numbers = {item.name: number for number, item in enumerate(test.items)}
    core, extra = numbers["pack.core"], numbers["pack.extra"]
    crash = [["begin", core], ["end", 139], ["begin", core], ["end", 139]]
    said = test.judged("\n".join(map(json.dumps, crash)))
    assert said.failed == ("pack.core: signal 11 (SIGSEGV) ended the process", "cannot be imported: pack.core")
    assert said.code == 139
    noise = "layerwright-import-ms=1.0\nqemu: uncaught target signal 11 (x)\n"
    words = f"one\nlayerwright-end=1\n\ntwo\n\n{noise}layerwright-end=2\n"
    assert test.judged("\n".join(map(json.dumps, crash)), words).failed == ("two", *said.failed)
    once = [["begin", core], ["end", 139], ["begin", core], ["through", 0]]
    assert not test.judged("\n".join(map(json.dumps, once))).failed
    hangs = [["begin", extra], ["end", 142], ["begin", extra], ["end", 142]]
    told = test.judged("\n".join(map(json.dumps, hangs)))
    assert not told.failed
    assert told.untried[0] == "modules that end in an error of their own (1: pack.extra)"
    assert told.untried[-1] == "modules for lack of time (8)"
    first = [["begin", numbers["pack"]], ["end", 137], ["through", 0]]
    assert test.judged("\n".join(map(json.dumps, first))).code == 137


def test_what_a_process_said_before_its_end_has_bounds() -> None:
    assert last_words("") == {}
    assert last_words("x\n" * 9 + "layerwright-end=3\n") == {3: ("x",) * 5}
    (long,) = last_words("".join(f"{number}{'x' * 3000}\n" for number in range(9)) + "layerwright-end=1\n").values()
    assert [line[0] for line in long] == ["4", "5", "6", "7", "8"]
    assert sum(map(len, long)) <= 2048
    assert last_words("one\nlayerwright-end=1\nlayerwright-end=2\nthree") == {1: ("one",), 2: ()}
    assert last_words("layerwright-end=x\nlayerwright-end=999999\n layerwright-end=1\n") == {}


@pytest.mark.parametrize(
    "note", ["", "[]", "{}", '["begin"]', '["begin", 99]', '["fail", 0, 1]', '["end", 1]', "x", "[" * 9999]
)
def test_notes_that_are_none_are_passed_over(note: str) -> None:
    said = of(LAYER).judged(note)
    assert not said.failed
    assert all(count.count == 0 for count in said.tried)
