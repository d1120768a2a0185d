"""Packages with names that Windows takes for one: built on Linux, refused on Windows; `run.py` has those of a gem."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit import npm, wheels
from sides import Side, timed

from builder.base.errors import BuildError

NAMES = ("Data.txt", "data.txt")
BUILDS = {
    "wheel": ("build", "--pip", "collides==1.0", "--runtime", "python3.13"),
    "npm package": ("build", "--npm", "collides@1.0.0", "--runtime", "nodejs22.x"),
}
REST = ("--arch", "arm64", "--no-test", "--rebuild", "--output", "collides")
CANNOT = "this system cannot hold all files of the packages"
SAID = {
    "wheel": "ZIP file contains multiple entries with different contents for: collides/data.txt",
    "npm package": "because case does not count here",
}
"""uv notices the second file of a wheel itself, where the system does not let it write one."""


def collisions(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what is not refused on Windows, and what fails on Linux."""
    with indexes() as variables:
        for what, command in BUILDS.items():
            with timed(f"a {what} with names that differ in case alone"):
                first, second = (side.given(variables).run(*command, *REST) for side in (linux, windows))
            if first.returncode:
                yield f"Linux: {what}: exit code {first.returncode}\n{first.stderr.decode(errors='replace')}"
            said = second.stderr.decode(errors="replace")
            if second.returncode != BuildError.exit_code or any(words not in said for words in (CANNOT, SAID[what])):
                yield f"Windows: {what}: exit code {second.returncode}\n{said}"


@contextmanager
def indexes() -> Iterator[dict[str, str]]:
    """Serve a wheel and a package of Node.js; yields the variables that name the indexes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels.make_wheel(folder, "collides", "1.0", files={f"collides/{each}": each.encode() for each in NAMES})
        npm.package(folder, "collides", files={each: each for each in NAMES})
        with wheels.serve(folder) as index, npm.registry(folder) as registry:
            yield {"UV_DEFAULT_INDEX": index.url, "npm_config_registry": registry}
