"""What comes from outside becomes a typed value or an error that names the sender."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.base import files
from builder.base.errors import BuildError
from builder.base.values import FileName, RelativePath, Sha256, UntrustedError, matching

HASH = "0123456789abcdef" * 4


def test_a_hash_is_64_lower_case_digits() -> None:
    assert Sha256.parse(HASH, "the index") == HASH
    for wrong in (HASH.upper(), HASH[:-1], f"{HASH}0", f"{HASH}\n", "../" + HASH[3:], "", None, 7):
        with pytest.raises(UntrustedError, match="the index sends a value that is not a SHA-256"):
            Sha256.parse(wrong, "the index")


def test_harmless_paths_lose_only_their_dots() -> None:
    assert RelativePath.parse("a/./b//c.py", "x") == "a/b/c.py"
    assert RelativePath.parse("größe/ä.txt", "x") == "größe/ä.txt"
    assert FileName.parse("a..b-1.0.whl", "x") == "a..b-1.0.whl"


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "/",
        "/etc/passwd",
        "..",
        "a/../../b",
        "a\\..\\b",
        "C:/x",
        "c:x",
        "a\nb",
        "a\0b",
        "a/" + "x" * 256,
        3,
        None,
    ],
)
def test_paths_that_leave_their_folder_are_refused(path: object, tmp_path: Path) -> None:
    with pytest.raises(UntrustedError, match="the archive sends"):
        RelativePath.parse(path, "the archive")
    if isinstance(path, str) and "x" * 256 not in path:
        with pytest.raises(BuildError):
            files.inside(tmp_path, path, "the archive")


def test_a_file_name_has_no_folder() -> None:
    with pytest.raises(UntrustedError, match="not a file name"):
        FileName.parse("a/b", "x")


@given(st.text(max_size=40))
def test_what_is_accepted_stays_below_its_folder(text: str) -> None:
    try:
        path = RelativePath.parse(text, "x")
    except UntrustedError:
        return
    root = Path("/root/folder")
    assert root in (root / path).resolve().parents
    assert not re.search(r"[\x00-\x1f\\]", path)


def test_a_grammar_is_held_against_the_whole_value() -> None:
    pattern = re.compile(r"[a-z]+$", re.MULTILINE)
    assert matching(pattern, "abc", "x", "a name") == "abc"
    for wrong in ("abc\n", "abc\nrm", "ab/c", 1):
        with pytest.raises(UntrustedError, match="x sends a value that is not a name"):
            matching(pattern, wrong, "x", "a name")
