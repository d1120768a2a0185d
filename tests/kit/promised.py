"""Tables of documents that promise tests: those whose last column is called `test` or `tests`."""

import re

from kit.commands import ROOT


def rows(text: str) -> list[list[str]]:
    """Return the cells of the rows of such tables."""
    found: list[list[str]] = []
    promised = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] if line.startswith("|") else []
        if cells and cells[-1] in {"test", "tests"}:
            promised = True
        elif not cells:
            promised = False
        elif promised and not set(line) <= set("|- "):
            found.append(cells)
    return found


def tests(cells: list[str]) -> list[str]:
    """Return the names of the tests of a row."""
    return re.findall(r"`(test_\w+)`", cells[-1])


def existing() -> set[str]:
    """Return the names of all tests."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
