"""What a step of a container build did not find in its image: a program, or the headers of Node.js."""

from collections.abc import Sequence
from pathlib import Path

from builder.base.errors import BuildError
from builder.engine.progress import BuildStep
from builder.model.hints import hints, installing

_LAST = 4
"""Lines at the end of an output in which a missing program is the cause. Before, a script has gone on without it."""
_NO_COMMAND = "exit code: 127"


class StepFailedError(BuildError):
    """A step of the Dockerfile failed."""

    stage: str = ""
    """The stage of the step; empty if unknown."""


class NoHeadersError(StepFailedError):
    """A step compiles for Node.js in an image without its headers."""


def tool(step: BuildStep | None, lines: Sequence[str], target: str, image: str, log: Path) -> StepFailedError | None:
    """Return the error for a program that the image lacks; None if the output ends with no such line."""
    if step is None or not step.stage:
        return None
    known = hints().build.no_tool
    texts = [line.strip() for line in lines if line.strip()]
    ended = texts if _NO_COMMAND in (step.error or "") else texts[-_LAST:]
    found = next(((name, line) for line in reversed(ended) for name in known.named(line)), None)
    if found is None:
        return None
    name, line = found
    packages = hints().packages_of.get(name)
    hint = installing(packages.split()) if packages else f"does a package of the system have `{name}`?"
    error = StepFailedError(
        f"{target}: the image {image} has no `{name}`, which step `{step.stage}` starts",
        why=[line],
        hint=f"{hint}; the full log is {log}",
    )
    error.stage, error.packages = step.stage, tuple((packages or "").split())
    return error


def headers(step: BuildStep | None, lines: Sequence[str], target: str, image: str, log: Path) -> StepFailedError | None:
    """Return the error for a step that compiles for Node.js without headers, or None."""
    known = hints().build.no_node_headers
    shown = [line.strip() for line in lines if known.shows(line)]
    if step is None or not shown:
        return None
    error = NoHeadersError(
        f"{target}: step `{step.stage}` compiles for Node.js, and the image {image} has no headers of it",
        why=shown[:1],
        hint=f"{known.hint}; the full log is {log}",
    )
    error.stage = step.stage
    return error
