"""The cause of a failed build, from its output: the first compiler error, the registry's response, the full disk."""

import re
from collections.abc import Sequence
from pathlib import Path

from builder.base import foreign
from builder.base.errors import BuildError, EngineError, EngineGoneError, LayerwrightError, NoImageError, near
from builder.engine import advice, missing
from builder.engine.advice import Advice
from builder.engine.missing import StepFailedError
from builder.engine.progress import BuildProgress, BuildStep
from builder.model import facts
from builder.model.hints import hints

_COMPILER = re.compile(
    r"(?:^|\s)(?:fatal )?error(?:\[E\d+\])?:|: undefined reference to |ld: cannot find |error: linker "
)
_EXCEPTION = re.compile(r"^\s*(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit): ")
_NOT_A_CAUSE = re.compile(
    r"error: (subprocess-exited|metadata-generation|command '.*' failed|legacy-install|Failed to build)|"
    r"error: The build backend|^\s*#|Werror|--error|\berror: 0\b"
)
_SHOWN = 12
"""Lines of output that an error shows if it has no recognizable cause."""


def explain(progress: BuildProgress, target: str, image: str, log: Path, os: str) -> LayerwrightError:
    """Return the error for a failed build, with the most specific cause that its output shows."""
    step = progress.failed
    messages = [*progress.other, *([step.error] if step and step.error else [])]
    text = "\n".join(messages)
    lines = [foreign.output(line) for line in step.lines] if step else []
    return (
        _disk(text, lines)
        or unpullable(text, image)
        or _emulation(text, lines)
        or (_engine([*messages, *([step.name] if step else [])]) if step is None or not step.stage else None)
        or _package(step, lines, os)
        or _build_requirement(step, lines, target, log)
        or _network(step, lines, target, log)
        or _conflict(step, lines)
        or missing.headers(step, lines, target, image, log)
        or missing.tool(step, lines, target, image, log)
        or _step(step, advice.of(lines, first_error(lines), package_names(os)), messages, target, log)
    )


def _disk(text: str, lines: Sequence[str]) -> LayerwrightError | None:
    known = hints().build.disk_full
    full = [line for line in (*lines, *text.splitlines()) if known.shows(line)]
    if not full:
        return None
    return EngineError(
        "the disk of the container engine is full",
        why=full[:2],
        hint=known.hint,
    )


def unpullable(text: str, image: str) -> LayerwrightError | None:
    """Return the error for an image that cannot be pulled; None if the text shows no such failure."""
    known = hints().build.no_image
    if not known.shows(text):
        return None
    return NoImageError(
        f"the image {image} cannot be pulled",
        why=text.splitlines()[-1:],
        hint=known.hint,
    )


def _emulation(text: str, lines: Sequence[str]) -> LayerwrightError | None:
    known = hints().build.no_emulation
    if not any(known.shows(line) for line in (*lines, *text.splitlines())):
        return None
    return EngineError(
        "the engine cannot run programs of that architecture: no emulation is registered",
        hint=known.hint,
    )


def _engine(messages: Sequence[str]) -> LayerwrightError | None:
    known = hints().build.engine_gone
    gone = [line for line in messages if known.shows(line)]
    if not gone:
        return None
    msg = "the connection to the container engine was lost during the build"
    return EngineGoneError(msg, why=gone[-1:], hint=known.hint)


def _package(step: BuildStep | None, lines: Sequence[str], os: str) -> LayerwrightError | None:
    known = hints().build.no_package
    unknown = [name for line in lines for name in known.named(line)]
    if not unknown:
        return None
    names = package_names(os)
    why = [f"no package is called `{name}`{near(name, names)}" for name in dict.fromkeys(unknown)]
    error = StepFailedError(
        f"the operating system ({os}) does not have a package that a step installs",
        why=why,
        hint=known.hint,
    )
    error.stage = step.stage if step else ""
    return error


def _build_requirement(step: BuildStep | None, lines: Sequence[str], target: str, log: Path) -> LayerwrightError | None:
    """Return the error for a package that is built with another than it was given; None if it did not ask for one."""
    known = hints().build.no_build_requirement
    missing = next((name for line in lines for name in known.named(line)), None)
    if missing is None or step is None:
        return None
    error = StepFailedError(
        f"{target}: step `{step.stage}` needs the build requirement `{missing}`, which is not among those it was given",
        why=[line.strip().removeprefix("cause: ") for line in lines if known.shows(line)][:2],
        hint=f"{known.hint}; the full log is {log}",
    )
    error.stage = step.stage
    return error


def _network(step: BuildStep | None, lines: Sequence[str], target: str, log: Path) -> LayerwrightError | None:
    """Return the error for a step that failed because it has no network; None if it has, or did not ask for it.

    No StepFailedError: with less acceleration it would have none either.
    """
    known = hints().build.no_network
    asked = [line.strip() for line in lines if known.shows(line)]
    if not asked or step is None or not step.offline:
        return None
    return BuildError(
        f"{target}: step `{step.stage}` asks the network, which it does not have",
        why=list(dict.fromkeys([*asked[:2], *first_error(lines)[:2]])),
        hint=f"{known.hint}; the full log is {log}",
    )


def _conflict(step: BuildStep | None, lines: Sequence[str]) -> LayerwrightError | None:
    known = hints().build.conflicting_packages
    pairs = dict.fromkeys(pair for line in lines for pair in known.pairs(line))
    if not pairs:
        return None
    why = [f"`{one}` conflicts with `{other}`" for one, other in pairs]
    error = StepFailedError("packages of a step exclude each other", why=why, hint=known.hint)
    error.stage = step.stage if step else ""
    return error


def package_names(os: str) -> list[str]:
    """Return the names of all packages of an operating system; empty if no list is shipped for it."""
    path = facts.folder() / "packages" / f"{os}.txt"
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def _step(step: BuildStep | None, advised: Advice, messages: Sequence[str], target: str, log: Path) -> LayerwrightError:
    if step is None:
        return BuildError(f"{target}: the build failed", why=list(messages)[-3:], hint=f"the full log is {log}")
    where = f"step `{step.stage}`" if step.stage else f"`{step.name[:80]}`"
    error = StepFailedError(
        f"{target}: {where} failed",
        why=advised.shown or list(messages)[-1:],
        hint="; ".join((*advised.hints, f"the full log is {log}")),
    )
    error.stage, error.packages = step.stage, advised.packages
    return error


def first_error(lines: Sequence[str]) -> list[str]:
    """Return the first compiler error with the lines after it, else Python's last exception, else the last lines."""
    texts = [line.rstrip() for line in lines if line.strip()]
    for index, line in enumerate(texts):
        if _COMPILER.search(line) and not _NOT_A_CAUSE.search(line):
            return [text.strip() for text in texts[index : index + 4]]
    if raised := [index for index, line in enumerate(texts) if _EXCEPTION.match(line)]:
        return [text.strip() for text in texts[raised[-1] : raised[-1] + 4]]
    return [text.strip() for text in texts[-_SHOWN:]]
