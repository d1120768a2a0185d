"""The parts of the README that are made from the code and the recipes: `python tests/kit/readme.py` writes them."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def checks() -> str:
    """Return the table of checks."""
    from builder.layer.checks import CHECKS

    lines = ["| check | why |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{one.name}` | {one.why} |" for one in CHECKS.values())])


def commands() -> str:
    """Return each command with its sentence."""
    from builder.cli import main

    lines = ["| command | what it does |", "| --- | --- |"]
    for name, command in sorted(main.commands.items()):
        sentence = (command.help or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| `layerwright {name}` | {sentence} |")
    return "\n".join(lines)


def recipes() -> str:
    """Return the table of recipes."""
    from builder.model import recipes as model
    from builder.model.target import targets

    lines = ["| recipe | version | on Amazon Linux 2 | what it is |", "| --- | --- | --- | --- |"]
    for name in model.names(ROOT / "recipes"):
        loaded = model.load(ROOT / "recipes", name)
        layer = loaded.recipe.layer
        old = sorted({target.version for target in targets(loaded.recipe) if target.base.os.name == "al2"})
        lines.append(f"| {name} | {layer.version} | {' '.join(old)} | {layer.description} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {"checks": checks, "commands": commands, "recipes": recipes}


def part(text: str, name: str) -> str:
    """Return what stands between a part's markers."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", text, flags=re.DOTALL)
    if found is None:
        sys.exit(f"README.md has no part `{name}`")
    return found[1]


def main() -> None:
    text = README.read_text(encoding="utf-8")
    for name, make in PARTS.items():
        old = f"<!-- {name} -->\n{part(text, name)}\n<!-- /{name} -->"
        text = text.replace(old, f"<!-- {name} -->\n{make()}\n<!-- /{name} -->")
    README.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
