"""A locked project of 60 packages against `uv sync` and a zip of the same files: `python -m benchmarks.projects`."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deflate
from uv import find_uv_bin

from benchmarks.measure import medians, process
from builder.layer.archive import LEVEL
from builder.layer.interpreters import find

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "projects"
SERIES = "3.12"
WANTED = 60
GOAL = 1.15
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


def prepare(python: str) -> int:
    """Write and lock the project; return the number of its packages."""
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "pyproject.toml").write_text(PROJECT.format(series=SERIES, packages=list(PACKAGES)).replace("'", '"'))
    if not (WORK / "uv.lock").is_file():
        subprocess.run([find_uv_bin(), "lock", "--quiet", "--python", python], cwd=WORK, check=True)
    return (WORK / "uv.lock").read_text().count("\n[[package]]")


def ours() -> float:
    """Build the layer from nothing but warm caches; return seconds."""
    shutil.rmtree(WORK / "dist", ignore_errors=True)
    command = [sys.executable, "-m", "builder", "build", ".", "--runtime", f"python{SERIES}", "--arch", "x86_64"]
    return process([*command, "--no-test", "--rebuild"], cwd=WORK, env={"PYTHONPATH": str(ROOT)}).wall


def theirs(python: str) -> float:
    """Let uv install the lock and compile its bytecode, and deflate every file with all cores; return seconds."""
    shutil.rmtree(WORK / ".venv", ignore_errors=True)
    command = [find_uv_bin(), "sync", "--quiet", "--frozen", "--no-dev", "--compile-bytecode", "--python", python]
    synced = process(command, cwd=WORK).wall
    files = [path for path in (WORK / ".venv" / "lib").rglob("*") if path.is_file() and not path.is_symlink()]
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda path: deflate.deflate_compress(path.read_bytes(), LEVEL), files))
    return synced + time.perf_counter() - started


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    interpreter = find(SERIES) or sys.exit(f"the benchmark needs Python {SERIES} on this host")
    python = interpreter.command[0]
    packages = prepare(python) - 1
    if packages < WANTED:
        sys.exit(f"the lock has {packages} packages, fewer than {WANTED}")
    ours()  # fills the caches
    own, peer = medians(ours, lambda: theirs(python))
    print(f"{packages} locked packages: layerwright build . {own:.2f} s, uv sync and deflate {peer:.2f} s")
    print(f"ratio {own / peer:.2f} (goal: at most {GOAL})")
    if own / peer > GOAL:
        sys.exit(1)


if __name__ == "__main__":
    main()
