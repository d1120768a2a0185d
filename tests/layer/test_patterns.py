"""Patterns as in .gitignore: many at once decide as pathspec decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from builder.layer.patterns import Matcher
from builder.layer.slim import ALWAYS

PARTS = st.sampled_from(["a", "b.py", "tests", ".git", "x.so.1", "__pycache__", "a b", "[x]", ".", "ab"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
PIECES = st.sampled_from(["a", "*", "**", "tests", "*.py", ".git", "x.so*", "[ab]", "?", "a b", "\\[x\\]", "b.py"])
PATTERNS = st.builds(
    lambda no, root, parts, folder: f"{no}{root}{'/'.join(parts)}{folder}",
    st.sampled_from(["", "", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(PIECES, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)


@given(patterns=st.lists(PATTERNS, max_size=6), paths=st.lists(PATHS, min_size=1, max_size=8))
def test_it_decides_as_pathspec_does(patterns: list[str], paths: list[str]) -> None:
    ours, theirs = Matcher(patterns), GitIgnoreSpec.from_lines(patterns)
    assert [ours.match_file(path) for path in paths] == [theirs.match_file(path) for path in paths]


@pytest.mark.parametrize("patterns", [[], ["# a remark"], ["!a"], ["", "  "]])
def test_no_pattern_matches_nothing(patterns: list[str]) -> None:
    assert not Matcher(patterns).match_file("a")


def test_patterns_of_layers_decide_as_pathspec_does() -> None:
    patterns = [pattern for each in ALWAYS.values() for pattern in each]
    ours, theirs = Matcher(patterns), GitIgnoreSpec.from_lines(patterns)
    names = ("a.h", "a.py", "include/a", "lib/a.la", "share/man/man1/a.1", "python/numpy/_core/include/x.h", "lib/x.a")
    decided = {path: ours.match_file(path) for path in names}
    assert decided == {path: theirs.match_file(path) for path in names}
    assert set(decided.values()) == {True, False}


def test_a_path_that_is_not_clean_is_normalized_as_pathspec_does() -> None:
    assert Matcher(["/x.so*"]).match_file("./x.so.1")
