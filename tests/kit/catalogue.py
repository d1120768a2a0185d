"""What the catalogue knows of real builds: `python tests/kit/catalogue.py dist` takes it from manifests."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "kit" / "built.json"
KEPT = ("name", "layer_version", "runtimes", "architectures", "route", "unzipped_bytes")


def read() -> list[dict[str, Any]]:
    """Return one row for each zip that was built."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def of(name: str) -> list[dict[str, Any]]:
    """Return the rows of a recipe."""
    return [row for row in read() if row["name"] == name]


def take(folder: Path) -> None:
    """Take the manifests of a folder; rows of the same target are replaced."""
    rows = {row["target"]: row for row in read()} if FILE.is_file() else {}
    for path in sorted(folder.glob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        if "zip" not in made:
            continue  # a bill of materials
        rows[made["target"]] = {
            "target": made["target"],
            **{key: made[key] for key in KEPT},
            "bytes": made["zip"]["bytes"],
        }
    lines = ",\n".join(json.dumps(rows[name]) for name in sorted(rows))
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    take(Path(sys.argv[1]))
