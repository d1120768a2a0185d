"""Patterns of hatchling that Python may read otherwise some day are left to hatchling."""

import pytest

from builder.packages.pypi.local.backends import hatch
from builder.packages.pypi.local.described import UnknownError


@pytest.mark.parametrize("pattern", ["a[[b]", "x[a&&b]", "[a--b]/"])
def test_a_pattern_with_brackets_in_brackets_is_known_to_its_backend_only(pattern: str) -> None:
    with pytest.raises(UnknownError, match="brackets or operators in brackets"):
        hatch._spec(["*.md", pattern])  # noqa: SLF001


def test_other_sets_are_read() -> None:
    spec = hatch._spec(["[!a-z]*.py", "docs/[0-9]"])  # noqa: SLF001
    assert [path for path in ("1.py", "a.py", "docs/1", "docs/a") if spec.match_file(path)] == ["1.py", "docs/1"]
