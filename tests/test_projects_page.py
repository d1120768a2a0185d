"""docs/projects.md: every file that is read has its row, and every row names tests that exist."""

from pathlib import Path

from kit import promised
from kit.commands import ROOT

from builder.model.steps.project import ProjectChoice
from builder.packages import table
from builder.packages.pypi import projects

TEXT = (ROOT / "docs" / "projects.md").read_text(encoding="utf-8")


def test_every_row_names_a_test_that_exists() -> None:
    named = {cells[0]: promised.tests(cells) for cells in promised.rows(TEXT)}
    assert len(named) >= 10
    assert {row for row, tests in named.items() if not tests} == set()
    assert {name for tests in named.values() for name in tests} - promised.existing() == set()
    assert all(len(cells) == 5 for cells in promised.rows(TEXT))


def test_every_file_that_is_recognized_has_its_row() -> None:
    first = " ".join(cells[0] for cells in promised.rows(TEXT))
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
