"""Lists the crates that are in a program, with their license texts. Reads text only.

    crates.py METADATA FOLDER PROGRAM

METADATA is what `cargo metadata` printed; FOLDER gets the texts and PROGRAM.json. Python 3.7 or newer.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|UNLICENSE)([.\-_].*)?$", re.IGNORECASE)


def reached(metadata: dict[str, Any]) -> set[str]:
    """Return the ids of the packages that the program needs: not those that only its tests need."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"].get("root")
    queue = [root] if root else list(metadata["workspace_members"])
    found = set()
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            deps = nodes[name]["deps"]
            queue += [dep["pkg"] for dep in deps if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
    return found


def texts(package: dict[str, Any]) -> Iterator[Path]:
    """Yield the files with license texts of a package."""
    folder = Path(package["manifest_path"]).parent
    for path in sorted(folder.iterdir()):
        named = _TEXT.match(path.name) or path.name == package.get("license_file")
        if named and path.is_file() and not path.is_symlink():
            yield path


def main(described: str, to: str, program: str) -> None:
    """Write the list and the texts."""
    metadata = json.loads(Path(described).read_text(encoding="utf-8"))
    kept = reached(metadata)
    packages = [package for package in metadata["packages"] if package["id"] in kept]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        for path in texts(package):
            copy = folder / "{name}-{version}".format(**package) / path.name
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(str(path), str(copy))
    rows = [{key: package[key] for key in ("name", "version", "license")} for package in packages]
    text = json.dumps({"packages": rows}, indent=1, sort_keys=True)
    (folder / f"{program}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
