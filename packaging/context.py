"""The build context of layerwright's own image: `python packaging/context.py FOLDER`, then `docker build FOLDER`.

It has layerwright and what it needs for each architecture, by the hashes of requirements/run.txt, as wheels: nothing is
executed, neither here nor in the image.
"""

import argparse
import shutil
import subprocess
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
SERIES = "3.13"
"""That of the image's Python."""
PLATFORMS = {"amd64": "x86_64-manylinux_2_31", "arm64": "aarch64-manylinux_2_31"}
PROGRAM = '#!/bin/sh\nexec python3 -m builder "$@"\n'


def write(folder: Path, architectures: list[str], wheel: Path | None = None) -> None:
    """Write the context into a new folder; without a wheel of layerwright, build one."""
    folder.mkdir(parents=True)
    if wheel is None:
        made = folder / "wheel"
        _uv("build", "--wheel", "--out-dir", made, ROOT)
        (wheel,) = made.glob("*.whl")
    for architecture in architectures:
        target = ("--target", folder / f"lib-{architecture}", "--python-version", SERIES)
        install = ("pip", "install", *target, "--python-platform", PLATFORMS[architecture], "--only-binary", ":all:")
        _uv(*install, "--require-hashes", "--requirements", ROOT / "requirements/run.txt")
        _uv(*install, "--no-deps", wheel)
    program = folder / "bin/layerwright"
    program.parent.mkdir()
    program.write_text(PROGRAM, encoding="utf-8", newline="\n")
    program.chmod(0o755)
    (folder / "empty").mkdir()
    shutil.copyfile(ROOT / "packaging/Dockerfile", folder / "Dockerfile")


def _uv(*arguments: str | Path) -> None:
    subprocess.run([find_uv_bin(), "--quiet", *map(str, arguments)], check=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", choices=PLATFORMS, action="append", help="repeatable; default: both")
    parser.add_argument("--wheel", type=Path, help="wheel of layerwright; default: that of this clone")
    given = parser.parse_args()
    write(given.folder, given.arch or list(PLATFORMS), given.wheel)


if __name__ == "__main__":
    main()
