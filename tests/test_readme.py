"""The README and the pages of the documentation tell the truth."""

import re
import subprocess

import pytest
from kit import catalogue, readme
from kit.commands import ROOT

from builder.model import recipes
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.target import targets

TEXT = "\n".join(page.read_text(encoding="utf-8") for page in readme.PAGES)


@pytest.mark.parametrize("name", readme.PARTS)
def test_generated_parts_are_current(name: str) -> None:
    assert readme.part(name) == readme.PARTS[name](), "run `make readme`"


def test_the_catalogue_is_of_real_builds_of_these_very_recipes() -> None:
    folder = ROOT / "recipes"
    loaded = {name: recipes.load(folder, name) for name in recipes.names(folder)}
    assert len(loaded) >= 45
    wanted = {target.name: target for one in loaded.values() for target in targets(one.recipe)}
    for row in catalogue.read():
        target = wanted[row["target"]]  # a version that is gone would not be there
        assert row["runtimes"] == [one.name for one in target.runtimes]
        assert 0 < row["unzipped_bytes"] <= UNZIPPED_LIMIT
    for name in loaded:
        built = {arch for row in catalogue.of(name) for arch in row["architectures"]}
        assert built == {"x86_64", "arm64"}, f"`layerwright build {name}`, then `make catalogue`"


def test_the_recipe_that_is_shown_is_the_recipe() -> None:
    shown = re.search(r"whole:\n\n```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    assert shown is not None

    def essence(text: str) -> list[str]:
        lines = [re.sub(r"\s+#.*|^#.*", "", line) for line in text.splitlines()]
        return [re.sub(r"\s+", " ", line) for line in lines if line and not line.startswith("homepage")]

    recipe = (ROOT / "recipes" / "numpy" / "recipe.toml").read_text(encoding="utf-8")
    assert essence(shown[1]) == essence(recipe)


def test_every_make_target_that_is_named_exists_and_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):.*## ", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([\w-]+)", TEXT, flags=re.MULTILINE))
    assert {"layer", "test", "benchmark"} <= named <= targets
    wanted = {"help", "layer", "wheel", "list", "plan", "check", "lint", "test", "benchmark", "schema", "clean"}
    assert wanted <= targets
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert all(re.search(rf"^  {name} ", listed, flags=re.MULTILINE) for name in targets)


def test_every_command_that_is_named_exists() -> None:
    from builder.cli import COMMANDS

    named = set(re.findall(r"(?:`|^    )layerwright ([a-z]+)", TEXT, flags=re.MULTILINE))
    assert named <= set(COMMANDS)


def test_the_benchmarks_table_is_there_with_its_machine() -> None:
    shown = readme.part("benchmark")
    assert "medians of 5" in shown
    assert shown.count("✓") + shown.count("✗") == 11
