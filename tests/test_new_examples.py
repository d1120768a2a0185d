"""The examples of `layerwright new` in the documentation: each is understood, and those of sources are run."""

import re
import shlex
from pathlib import Path

import click
import pytest
from kit import upstream
from kit.command_tree import every_command
from kit.commands import ROOT, layerwright

TEXT = "\n".join(
    (ROOT / page).read_text(encoding="utf-8")
    for page in ("docs/recipes.md", "docs/building.md", "docs/getting-started.md", "README.md")
)
EXAMPLES = sorted(set(re.findall(r"^    (layerwright new .+?)(?:\s+#.*)?$", TEXT, re.MULTILINE)))
NEW = dict(every_command())["new"]


def test_every_option_that_makes_a_recipe_has_an_example() -> None:
    shown = " ".join(EXAMPLES)
    options = [
        "--from",
        "--pip",
        "-r",
        "--npm",
        "--gem",
        "--maven",
        "--cargo",
        "--go",
        "--packages",
        "--source",
        "--try",
    ]
    assert [option for option in options if f" {option}" not in shown] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_names_options_that_exist(example: str) -> None:
    words = shlex.split(example)[2:]
    context = NEW.make_context("new", list(words), resilient_parsing=True)
    known = {name for option in NEW.params if isinstance(option, click.Option) for name in option.opts}
    assert {word for word in words if word.startswith("-")} <= known
    assert context.params["name"] == words[0]


def test_the_table_of_sources_has_what_is_recognized(tmp_path: Path) -> None:
    """Each row is a source with the files of its first column; the step is that of the second."""
    files = {
        "autotools": {"configure": ""},
        "meson": {"meson.build": ""},
        "cmake": {"CMakeLists.txt": ""},
        "cargo install --locked": {"Cargo.toml": '[package]\nname = "a"\n', "Cargo.lock": "", "src/main.rs": ""},
        "go build": {"go.mod": "module a.com/b\n", "go.sum": "", "main.go": ""},
        "with autotools, which makes": {"configure.ac": ""},
        "with make": {"Makefile": upstream.MAKEFILE},
    }
    table = TEXT.partition("| found | step |")[2].partition("\n\n")[0]
    assert [step for step in files if step not in table] == []
    with upstream.serve(tmp_path / "served") as address:
        for number, content in enumerate(files.values()):
            upstream.pack(tmp_path / f"served/tool{number}-1.2.tar.gz", content)
            url = f"{address}/tool{number}-1.2.tar.gz"
            made = layerwright("new", f"tool{number}", "--source", url, cwd=tmp_path)
            assert made.code == 0, made.err
    assert layerwright("lint", cwd=tmp_path).code == 0


def test_the_recipe_by_hand_is_one(tmp_path: Path) -> None:
    shown = re.search(r"takes its commands:\n\n```toml\n(.*?)```", TEXT, re.DOTALL)
    assert shown is not None
    head = '[layer]\nname = "tool"\nversion = "1.2"\ndescription = "A tool"\nlicense = "MIT"\n'
    targets = '[targets]\nruntimes = ["provided.al2023"]\n'
    path = tmp_path / "recipes/tool/recipe.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f"{head}\n{targets}\n{shown[1]}", encoding="utf-8")
    linted = layerwright("lint", cwd=tmp_path)
    assert linted.code == 0, linted.err
