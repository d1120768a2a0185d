"""Layers that work: the native packages that people use most, as the index has them."""

import csv
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import filelock
from uv import find_uv_bin

LISTED = Path(__file__).parents[1] / "corpus" / "wheels.txt"
_PLATFORMS = {
    "x86_64": "x86_64-manylinux_2_34",
    "aarch64": "aarch64-manylinux_2_34",
    "macos": "aarch64-apple-darwin",
    "windows": "x86_64-pc-windows-msvc",
    "musl": "x86_64-unknown-linux-musl",
}


def _install(folder: Path, python: str, platform: str, *arguments: str) -> None:
    command = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder), "--no-deps", "--only-binary", ":all:"),
        *("--python-version", python, "--python-platform", _PLATFORMS[platform], *arguments),
    ]
    subprocess.run(command, check=True)


def wheel(folder: Path, name: str, python: str, platform: str) -> Mapping[str, bytes]:
    """Return the files of a package's newest wheel for any system, as a layer has them."""
    where = folder / f"{name}-{python}-{platform}"
    with filelock.FileLock(f"{where}.lock"):
        if not where.is_dir():
            _install(where, python, platform, name)
    return {
        f"python/{path.relative_to(where).as_posix()}": path.read_bytes()
        for path in sorted(where.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def good(folder: Path) -> Iterator[tuple[str, dict[str, Path]]]:
    """Yield each listed package for Python 3.13 on x86_64, with its files by their paths in a layer."""
    where = folder / "good"
    with filelock.FileLock(f"{where}.lock"):
        if not where.is_dir():
            part = folder / "good.part"
            _install(part, "3.13", "x86_64", "--requirement", str(LISTED))
            part.rename(where)
    for record in sorted(where.glob("*.dist-info/RECORD")):
        with record.open(encoding="utf-8", newline="") as stream:
            listed = [row[0] for row in csv.reader(stream) if row and not row[0].startswith("../")]
        files = {f"python/{name}": where / name for name in listed if (where / name).is_file()}
        yield record.parent.name.removesuffix(".dist-info").rpartition("-")[0], files


def folder() -> Path:
    """Return where wheels are kept for all workers and the next run; another list of packages gets another place."""
    key = hashlib.sha256(LISTED.read_bytes()).hexdigest()[:12]
    place = Path(tempfile.gettempdir()) / f"layerwright-corpus-{key}"
    place.mkdir(exist_ok=True)
    return place
