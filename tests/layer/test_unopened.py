"""What nothing opened, as patterns of `[slim] prune` that remove exactly that."""

import pytest
from kit.zips import tree

from builder.layer import unopened
from builder.layer.patterns import Matcher

LARGE = b"x" * unopened.SMALLEST


def found(files: dict[str, bytes], *opened: str) -> list[tuple[str, int]]:
    rows = list(unopened.find(tree(files), opened))
    for row in rows:
        removed = {path for path in files if Matcher([row.pattern]).match_file(path)}
        assert removed == {path for path in files if path.startswith(row.path)}, row
        assert (row.files, row.bytes) == (len(removed), sum(len(files[path]) for path in removed))
        assert not removed & set(opened)
    return [(row.path, row.files) for row in rows]


def test_a_folder_in_which_nothing_was_opened_is_one_pattern() -> None:
    files = {
        "python/a/__init__.py": b"",
        "python/a/data/used.bin": LARGE,
        "python/a/data/deep/one.bin": LARGE,
        "python/a/data/deep/er/two.bin": LARGE + b"x",
        "python/a/data/lone.bin": LARGE,
        "python/a/tests/small.py": b"1",
    }
    assert found(files, "python/a/__init__.py", "python/a/data/used.bin") == [
        ("python/a/data/deep/", 2),
        ("python/a/data/lone.bin", 1),
    ]


def test_metadata_and_licenses_are_never_named() -> None:
    files = {
        "python/a.py": b"",
        "python/a-1.0.dist-info/METADATA": LARGE,
        "python/b/LICENSE": LARGE,
        "python/b/data.bin": LARGE,
    }
    assert found(files, "python/a.py") == [("python/b/data.bin", 1)]


@pytest.mark.parametrize(
    ("opened", "left"),
    [
        ("python/a/m.py", []),
        ("python/a/__pycache__/m.cpython-313.pyc", []),
        ("python/a/__init__.py", ["python/a/__pycache__/", "python/a/m.py"]),
    ],
)
def test_bytecode_and_its_module_are_one(opened: str, left: list[str]) -> None:
    files = {
        "python/a/__init__.py": b"",
        "python/a/m.py": LARGE,
        "python/a/__pycache__/m.cpython-313.pyc": LARGE,
    }
    assert [path for path, _ in found(files, opened)] == left


@pytest.mark.parametrize("name", ["a[1].bin", "a*b", "!not", "#no comment", "a b", "end ", "q?", "[x"])
def test_names_that_mean_something_to_gitignore_are_themselves(name: str) -> None:
    files = {"python/x.py": b"", f"python/{name}": LARGE, "python/a1.bin": b"", "python/aXb": b""}
    assert found(files, "python/x.py", "python/a1.bin", "python/aXb") == [(f"python/{name}", 1)]
