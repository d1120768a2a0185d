"""docs/security.md: every row of a table that promises tests names some, and they exist."""

import re
from pathlib import Path

import pytest
from kit import promised
from kit.commands import ROOT
from kit.golden import FOLDER

from builder.model.runtimes import runtimes

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_row_names_a_test_that_exists() -> None:
    named = {cells[0]: promised.tests(cells) for cells in promised.rows(TEXT)}
    assert len(named) >= 20
    assert {row for row, tests in named.items() if not tests} == set()
    assert {name for tests in named.values() for name in tests} - promised.existing() == set()


def test_every_kind_of_fault_has_its_row() -> None:
    numbers = [int(found[1]) for cells in promised.rows(TEXT) if (found := re.match(r"F(\d+): ", cells[0]))]
    assert numbers == list(range(1, 21))
    assert all(len(cells) == 5 for cells in promised.rows(TEXT) if cells[0].startswith("F"))


def test_the_policy_is_found_from_the_readme_and_from_the_threats() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "](SECURITY.md)" in readme
    assert "](docs/security.md)" in readme
    assert "](docs/security.md)" in policy
    assert "](../SECURITY.md)" in TEXT
    assert {"What is trusted", "What is not trusted", "Reporting a vulnerability"} <= set(
        re.findall("^## (.+)$", policy, re.MULTILINE)
    )


def test_no_step_switches_signatures_of_packages_off() -> None:
    commands = {one.manager.install for one in runtimes().values()}
    assert commands
    assert not [text for text in commands if re.search(r"gpg|verify|unauthenticated|force-yes|insecure", text)]


# ---- Dockerfiles ---------------------------------------------------------------------------------------------------

FOREIGN = re.compile(
    r"uv build|script\.sh|systems/|npm\.sh|gems\.rb|crates\.sh build|go\.sh build|repair\.sh|libraries\.py"
)
"""What runs, or reads with programs of the image, what a package or a recipe brought."""
FETCHES = re.compile(r"crates\.sh fetch|go\.sh download|fetched\.sh|install -y")
DOCKERFILES = sorted(FOLDER.glob("*.Dockerfile"))


def instructions(text: str) -> list[str]:
    return [step for step in re.split(r"\n(?=RUN|FROM|COPY|ADD|ARG|ENV|#)", text) if step.startswith("RUN")]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_code_of_packages_has_no_network_no_secret_and_no_cache_unless_the_recipe_asks(path: Path) -> None:
    asked = path.name.startswith(("pip-network", "several."))  # network = true
    for step in instructions(path.read_text(encoding="utf-8")):
        assert bool(FOREIGN.search(step)) != bool(FETCHES.search(step)) or "toolchain.sh" in step, step
        if FOREIGN.search(step):
            assert "type=cache" not in step
            assert "--network=none" in step or asked
            secrets = set(re.findall(r"type=secret,id=(\S+)", step))
            assert secrets <= ({"layerwright-environment", "layerwright-ca"} if asked else {"token"})


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_has_a_network_or_a_cache_runs_where_nothing_of_a_package_ran(path: Path) -> None:
    """Only the package manager may run after others: it keeps no cache then, and knows no index."""
    text = path.read_text(encoding="utf-8")
    clean: dict[str, bool] = {}
    for stage in re.split(r"\n(?=FROM )", text)[1:] if not text.startswith("FROM ") else re.split(r"\n(?=FROM )", text):
        base, name = re.findall(r"^FROM (?:--platform=\S+ )?(\S+) AS (\S+)", stage)[0]
        clean[name] = clean.get(base, True)
        for step in instructions(stage):
            if FETCHES.search(step) and not clean[name]:
                assert "install -y" in step
                assert "type=cache" not in step
                assert "layerwright-indexes" not in step
            if FOREIGN.search(step):
                clean[name] = False
