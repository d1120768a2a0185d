"""Programs in containers: the Python of a runtime's image, and interactive terminals."""

import json
import subprocess
from collections.abc import Sequence

from builder.base import processes
from builder.engine import owned
from builder.engine.client import Engine
from builder.layer.interpreters import Interpreter
from builder.model.images import Image

_DIGESTS = "{{json .RepoDigests}} {{.Id}}"


def interpreter(engine: Engine, image: Image, program: str, series: str) -> Interpreter:
    """Return the Python of an image as an interpreter that is started like one of this host."""
    return Interpreter(
        command=(
            *(engine.program, "run", "--rm", "--interactive", "--network=none", *owned.label()),
            *(f"--platform={engine.architecture.docker}", "--env=PYTHONHASHSEED=0", "--env=PYTHONUTF8=1"),
            *(f"--entrypoint={program}", image.reference),
        ),
        series=series,
        version=f"{series} in {image.reference}",
        remote=True,
    )


def has(engine: Engine, image: Image) -> bool:
    """Return whether an image was pulled already."""
    return processes.run([engine.program, "image", "inspect", image.reference]).returncode == 0


def digest(engine: Engine, image: Image) -> str | None:
    """Return the digest of an image as the engine has it: that of its registry, else its own; None if it has none."""
    if image.digest:
        return image.digest
    found = processes.run([engine.program, "image", "inspect", "--format", _DIGESTS, image.reference])
    digests, _, own = found.stdout.strip().partition(" ")
    if found.returncode or not own:
        return None
    repository = image.name.rpartition(":")[0]
    known = sorted(each for each in json.loads(digests) or () if each.startswith(f"{repository}@"))
    return known[0].partition("@")[2] if known else f"sha256:{own.removeprefix('sha256:')}"


def interactive(engine: Engine, arguments: Sequence[str]) -> int:
    """Run the engine's client on this terminal and return its exit code."""
    return subprocess.run([engine.program, *arguments], check=False).returncode
