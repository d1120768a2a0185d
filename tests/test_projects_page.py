"""docs/projects.md: every file that is read has its row, and every row names tests that exist."""

import re
from pathlib import Path

from kit.commands import ROOT

from builder.model.steps.project import ProjectChoice
from builder.packages import table
from builder.packages.pypi import projects

TEXT = (ROOT / "docs" / "projects.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    """Return the cells of the rows of tables whose last column is for tests."""
    found: list[list[str]] = []
    promised = False
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] if line.startswith("|") else []
        if cells and cells[-1] == "tests":
            promised = True
        elif not cells:
            promised = False
        elif promised and not set(line) <= set("|- "):
            found.append(cells)
    return found


def test_every_row_names_a_test_that_exists() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    existing = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    named = {cells[0]: re.findall(r"`(test_\w+)`", cells[-1]) for cells in rows()}
    assert len(named) >= 10
    assert {row for row, tests in named.items() if not tests} == set()
    assert {name for tests in named.values() for name in tests} - existing == set()
    assert all(len(cells) == 5 for cells in rows())


def test_every_file_that_is_recognized_has_its_row() -> None:
    first = " ".join(cells[0] for cells in rows())
    marks = {mark for ecosystem in table.ECOSYSTEMS for mark in ecosystem.marks if "*" not in mark}
    told = {*projects.LOCKS, projects.REQUIREMENTS} | marks
    assert {name for name in told if f"`{name}`" not in first} == set()


def test_every_choice_is_explained_as_an_option_and_as_a_key() -> None:
    keys = ProjectChoice(file="x", groups=("x",), extras=("x",), no_groups=("x",), with_project=True).keys
    options = TEXT.partition("| option | key of a step |")[2].partition("\n\n")[0]
    assert {key for key in keys if f"`{key}`" not in options} == set()


def test_locks_of_the_corpus_are_those_of_tools_in_the_table() -> None:
    folders = [path for path in (ROOT / "tests" / "corpus" / "locks").iterdir() if path.name != "shared"]
    names = {path.name for folder in folders for path in Path(folder).iterdir() if path.name.endswith(".lock")}
    assert names == {projects.POETRY_LOCK, projects.PDM_LOCK, projects.PIPFILE_LOCK}


def test_the_page_is_found_from_the_readme() -> None:
    assert "](docs/projects.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
