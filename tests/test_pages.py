"""The documentation: short where one begins, and every link of it leads somewhere."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.readme import PAGES, ROOT

EVERYTHING = (
    *PAGES,
    ROOT / "SECURITY.md",
    *(path for path in sorted((ROOT / "integrations").rglob("*.md")) if "node_modules" not in path.parts),
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```|^    .*$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    yield from _LINK.findall(text)


@pytest.mark.parametrize("page", EVERYTHING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.long
@pytest.mark.network
def test_the_site_is_made_without_a_warning() -> None:
    made = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert made.returncode == 0, made.stderr
    shown = {path.stem for path in (ROOT / "build/site").glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= shown


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 160
    assert len(text.encode()) <= 12_000


def test_every_page_is_found_from_the_index_and_the_readme_within_two_clicks() -> None:
    found = {page for start in (ROOT / "README.md", ROOT / "docs/index.md") for page in _linked(start)}
    assert [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "index.md" and path not in found] == []


def _linked(page: Path) -> Iterator[Path]:
    yield from ((page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link)


def test_every_variable_of_ours_is_in_the_table_of_settings() -> None:
    internal = {
        "LAYERWRIGHT_CONTEXT",
        "LAYERWRIGHT_UNCACHED",
        "LAYERWRIGHT_AGAIN",
        "LAYERWRIGHT_COMPLETE",
        "LAYERWRIGHT_PYTHON_",
    }
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8").partition("## Environment")[2]
    sources = (ROOT / "builder").rglob("*.py")
    inside = set((ROOT / "builder/container").rglob("*.py"))
    found = {
        name
        for path in sources
        if path not in inside
        for name in re.findall(r"LAYERWRIGHT_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    assert sorted(name for name in found - internal if f"`{name}`" not in text) == []


def test_every_key_of_a_recipe_says_what_it_means() -> None:
    from builder.model import schema

    kinds = json.loads(schema.text())["$defs"]
    silent = [
        f"{name}.{key}"
        for name, kind in kinds.items()
        for key, row in kind["properties"].items()
        if key != "uses" and not str(row.get("description", "")).endswith((".", ";", "`"))
    ]
    assert silent == []
