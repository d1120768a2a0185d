"""The parts of the documentation that are made from the code and the recipes: `make readme` writes them."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
from kit import catalogue, man, reference

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def checks() -> str:
    """Return the table of checks."""
    from builder.layer.sarif import RULES

    lines = ["| check | why |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{name}` | {why} |" for name, why in RULES.items())])


def commands() -> str:
    """Return each command with its sentence."""
    from builder.cli import COMMANDS

    lines = ["| command | what it does |", "| --- | --- |"]
    lines += (f"| `layerwright {name}` | {sentence} |" for name, (_, sentence) in sorted(COMMANDS.items()))
    return "\n".join(lines)


def recipes() -> str:
    """Return the catalogue: the recipes, with sizes and routes of the last real builds."""
    from builder.model import recipes as model
    from builder.model.target import targets

    head = "| recipe | version | runtimes | architectures | zip MB | unzipped MB | route | what it is |"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name in model.names(ROOT / "recipes"):
        recipe = model.load(ROOT / "recipes", name).recipe
        old = sorted({one.version for one in targets(recipe) if one.base.os.name == "al2"} - {recipe.layer.version})
        cells = (
            name,
            recipe.layer.version + (f", {' '.join(old)} on Amazon Linux 2" if old else ""),
            _runtimes(recipe.targets.runtimes),
            " ".join(recipe.targets.architectures),
            *_sizes(name),
            recipe.layer.description,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _runtimes(names: tuple[str, ...]) -> str:
    """Join the versions of one language: `python3.8-3.14`, `nodejs22.x 24.x`."""
    groups: dict[str, list[str]] = {}
    for name in names:
        match = re.match(r"([a-z]+)(.*)", name)
        groups.setdefault(match[1] if match else name, []).append(match[2] if match else "")
    return ", ".join(
        f"{language}{series[0]} to {series[-1]}" if len(series) > 2 else " ".join(f"{language}{one}" for one in series)
        for language, series in groups.items()
    )


def _sizes(name: str) -> tuple[str, str, str]:
    """Return sizes and routes as ranges over what was built; dashes where nothing was."""
    rows = catalogue.of(name)
    if not rows:
        return "-", "-", "-"
    spans = []
    for key in ("bytes", "unzipped_bytes"):
        low, high = (f"{edge(row[key] for row in rows) / 1e6:.1f}" for edge in (min, max))
        spans.append(low if low == high else f"{low}-{high}")
    return spans[0], spans[1], ", ".join(sorted({row["route"] for row in rows}))


PARTS: dict[str, Callable[[], str]] = {
    "checks": checks,
    "commands": commands,
    "recipes": recipes,
    "keys": reference.keys,
    "runtimes": reference.runtimes,
    "settings": reference.settings,
    "variables": reference.variables,
    "messages": reference.messages,
}


def page(name: str) -> Path:
    """Return the page that has a part."""
    found = next((path for path in PAGES if f"<!-- {name} -->" in path.read_text(encoding="utf-8")), None)
    if found is None:
        sys.exit(f"no page has the part `{name}`")
    return found


def part(name: str) -> str:
    """Return what stands between a part's markers."""
    text = page(name).read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")[2]
    return text.partition(f"<!-- /{name} -->")[0].rstrip("\n")


def main() -> None:
    for name, make in PARTS.items():
        path, made = page(name), make()
        marked = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda found: f"{found[1]}{made}\n{found[2]}",  # noqa: B023  used at once
            path.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        path.write_text(marked, encoding="utf-8", newline="\n")
    man.PAGE.parent.mkdir(exist_ok=True)
    man.PAGE.write_text(man.text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
