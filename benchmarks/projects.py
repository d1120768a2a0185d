"""A locked project of 60 packages against `uv sync` and compressing the same bytes: `make benchmark-projects`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deflate
from uv import find_uv_bin

from benchmarks.measure import RUNS, medians, process, publish, row
from builder.layer.compression import LEVEL
from builder.layer.interpreters import find

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "projects"
SERIES = "3.12"
WANTED = 60
GOAL = "<= 1.15"
FOLDER = (".", "--runtime", f"python{SERIES}", "--arch", "x86_64", "--no-prune")
PACKAGES = (
    *("fastapi", "httpx", "sqlalchemy", "alembic", "pydantic-settings", "jinja2", "celery", "redis", "boto3"),
    *("requests", "aiohttp", "structlog", "orjson", "cryptography", "pyjwt", "python-multipart", "tenacity", "rich"),
)
PROJECT = """\
[project]
name = "orders"
version = "1"
requires-python = "=={series}.*"
dependencies = {packages}
"""
RECIPE = """\
[layer]
name        = "plain"
version     = "1"
description = "for the benchmark"
license     = "see the packages"

[targets]
runtimes      = ["python{series}"]
architectures = ["x86_64"]

[[step]]
uses    = "pip"
project = "../.."

[slim]
bytecode = "{bytecode}"
"""


def prepare(python: str) -> None:
    """Write and lock the project, and a recipe that follows it, without bytecode."""
    recipe = WORK / "recipes" / "plain" / "recipe.toml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(RECIPE.format(series=SERIES, bytecode="off"))
    (WORK / "pyproject.toml").write_text(PROJECT.format(series=SERIES, packages=json.dumps(PACKAGES)))
    if not (WORK / "uv.lock").is_file():
        subprocess.run([find_uv_bin(), "lock", "--quiet", "--python", python], cwd=WORK, check=True)


def ours(*what: str, cache: Path | None = None) -> float:
    """Build a layer with all files of its packages; return seconds."""
    shutil.rmtree(WORK / "dist", ignore_errors=True)
    env = {"PYTHONPATH": str(ROOT), **({"LAYERWRIGHT_CACHE": str(cache)} if cache else {})}
    command = [sys.executable, "-m", "builder", "build", *what, "--no-test", "--rebuild"]
    return process(command, cwd=WORK, env=env).wall


def ours_cold() -> float:
    """Build with everything to do that layerwright would remember: bytecode, compression, resolution."""
    with tempfile.TemporaryDirectory(dir=WORK) as cache:
        return ours(*FOLDER, cache=Path(cache))


def theirs(python: str, content: list[bytes], *options: str) -> float:
    """Let uv install the lock, and deflate the bytes of a layer with all cores; return seconds."""
    shutil.rmtree(WORK / ".venv", ignore_errors=True)
    command = [find_uv_bin(), "sync", "--quiet", "--frozen", "--no-dev", "--python", python, *options]
    taken = process(command, cwd=WORK).wall
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda data: deflate.deflate_compress(data, LEVEL), content):
            pass
    return taken + time.perf_counter() - started


def built(*what: str) -> tuple[dict[str, str], list[bytes]]:
    """Build a layer; return its packages with their versions, and the content of its files."""
    ours(*what)
    (path,) = (WORK / "dist").glob("*.zip")
    manifest = json.loads(path.with_suffix(".json").read_text())
    with zipfile.ZipFile(path) as archive:
        content = [archive.read(info) for info in archive.infolist() if info.file_size]
    return {package["name"]: package["version"] for package in manifest["packages"]}, content


def synced() -> dict[str, str]:
    """Return the packages that uv installed with their versions."""
    listed = subprocess.check_output([find_uv_bin(), "pip", "list", "--format", "json", "--quiet"], cwd=WORK)
    return {package["name"]: package["version"] for package in json.loads(listed)}


def main() -> None:
    interpreter = find(SERIES) or sys.exit(f"the benchmark needs Python {SERIES} on this host")
    python = interpreter.command[0]
    prepare(python)
    packages, content = built(*FOLDER)
    same, without_bytecode = built("plain")
    theirs(python, content)
    if not packages == same == synced() or len(packages) < WANTED:
        sys.exit(f"{len(packages)} packages are not those of uv, or fewer than {WANTED}")
    own, cold, peer, plain, least = medians(
        lambda: ours(*FOLDER),
        ours_cold,
        lambda: theirs(python, content, "--compile-bytecode"),
        lambda: ours("plain"),
        lambda: theirs(python, without_bytecode),
    )
    what, against = f"{len(packages)} packages of a uv.lock", "against `uv sync --compile-bytecode` + deflate alone"
    rows = [
        row(f"{what}, {against}", (own, "s"), (peer, "s"), own / peer, GOAL),
        row(f"the same, layerwright's own cache empty, {against}", (cold, "s"), (peer, "s"), cold / peer),
        row(
            f"{what}, without bytecode, against `uv sync` + deflate alone",
            (plain, "s"),
            (least, "s"),
            plain / least,
            GOAL,
        ),
    ]
    conditions = (
        f"Medians of {RUNS}, warm caches, {os.cpu_count()} processors, one run. Both install the same packages, none\n"
        f"pruned; the baseline deflates the bytes of our layer at our level ({LEVEL}), and remembers none of them."
    )
    publish(rows, "projects-speed", conditions)


if __name__ == "__main__":
    main()
