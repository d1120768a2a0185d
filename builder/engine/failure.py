"""Why a build failed, in words that help: the compiler's own first error, the registry's answer, the full disk."""

import re
from collections.abc import Sequence
from pathlib import Path

from builder.base.errors import BuildError, EngineError, EngineGoneError, LayerwrightError, near
from builder.engine.progress import BuildProgress, BuildStep
from builder.model import facts

_COMPILER = re.compile(
    r"(?:^|\s)(?:fatal )?error(?:\[E\d+\])?:|: undefined reference to |ld: cannot find |error: linker "
)
_EXCEPTION = re.compile(r"^\s*(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit): ")
_NOT_A_CAUSE = re.compile(
    r"error: (subprocess-exited|metadata-generation|command '.*' failed|legacy-install|Failed to build)|"
    r"error: The build backend|^\s*#|Werror|--error|\berror: 0\b"
)
_NO_PACKAGE = re.compile(r"No match for argument: (\S+)|No package (\S+) available|No package matches '([^']+)'")
_ENGINE_GONE = re.compile(
    r"error during connect|connection refused|broken pipe|closing transport|EOF$|daemon is not running|"
    r"Cannot connect to the Docker daemon|connection reset|use of closed network|transport is closing|graceful_stop|"
    r"waiting for connection",
    re.IGNORECASE,
)
_NO_IMAGE = re.compile(
    r"failed to resolve source metadata|pull access denied|manifest unknown|failed to do request|not found: manifest|"
    r"initializing source|repository does not exist|insufficient_scope|failed to authorize|no match for platform|"
    r"failed to resolve reference|Unable to find image|unauthorized"
)
_SHOWN = 12


class StepFailedError(BuildError):
    """A step of the Dockerfile failed; the stage that it belongs to is known."""

    stage: str = ""


class NoImageError(BuildError):
    """An image cannot be pulled."""


def explain(progress: BuildProgress, target: str, image: str, log: Path, os: str) -> LayerwrightError:
    """Return the error for a build that failed."""
    step = progress.failed
    said = [*progress.other[-20:], *([step.error] if step and step.error else [])]
    text = "\n".join(said)
    lines = list(step.lines) if step else []
    return (
        _disk(text, lines)
        or unpullable(text, image)
        or _emulation(text, lines)
        or (_engine([*said, *([step.name] if step else [])]) if step is None or not step.stage else None)
        or _package(step, lines, os)
        or _step(step, lines, said, target, log)
    )


def _disk(text: str, lines: Sequence[str]) -> LayerwrightError | None:
    full = [line for line in (*lines, *text.splitlines()) if "no space left on device" in line.casefold()]
    if not full:
        return None
    return EngineError(
        "the disk of the container engine is full",
        why=full[:2],
        hint="`docker buildx prune` and `docker system prune` free what builds left; see `layerwright doctor`",
    )


def unpullable(text: str, image: str) -> LayerwrightError | None:
    """Return the error for an image that the engine cannot get, if that is what happened."""
    if not _NO_IMAGE.search(text):
        return None
    return NoImageError(
        f"the image {image} cannot be pulled",
        why=text.splitlines()[-1:],
        hint="LAYERWRIGHT_REGISTRY=host:port/prefix names a mirror of public.ecr.aws; behind a proxy the engine itself "
        "needs it, too",
    )


def _emulation(text: str, lines: Sequence[str]) -> LayerwrightError | None:
    if not any("exec format error" in line for line in (*lines, *text.splitlines())):
        return None
    return EngineError(
        "the engine cannot run programs of that architecture: no emulation is registered",
        hint="on Linux `sudo make engine` or `docker run --privileged --rm tonistiigi/binfmt --install all`",
    )


def _engine(said: Sequence[str]) -> LayerwrightError | None:
    gone = [line for line in said if _ENGINE_GONE.search(line)]
    if not gone:
        return None
    hint = "nothing was written; once `layerwright doctor` sees it again, the same command goes on from its cache"
    return EngineGoneError("the container engine went away during the build", why=gone[-1:], hint=hint)


def _package(step: BuildStep | None, lines: Sequence[str], os: str) -> LayerwrightError | None:
    unknown = [next(filter(None, match.groups())) for line in lines for match in _NO_PACKAGE.finditer(line)]
    if not unknown:
        return None
    known = package_names(os)
    why = [f"no package is called `{name}`{near(name, known)}" for name in dict.fromkeys(unknown)]
    error = StepFailedError(
        f"the operating system ({os}) does not have what a step installs",
        why=why,
        hint="https://docs.aws.amazon.com/linux/al2023/release-notes/all-packages.html lists them",
    )
    error.stage = step.stage if step else ""
    return error


def package_names(os: str) -> list[str]:
    """Return the packages that an operating system is known to have; empty when no list is shipped."""
    path = facts.folder() / "packages" / f"{os}.txt"
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def _step(
    step: BuildStep | None, lines: Sequence[str], said: Sequence[str], target: str, log: Path
) -> LayerwrightError:
    if step is None:
        return BuildError(f"{target}: the build failed", why=list(said)[-3:], hint=f"the full log is {log}")
    shown = first_error(lines)
    where = f"step `{step.stage}`" if step.stage else f"`{step.name[:80]}`"
    error = StepFailedError(f"{target}: {where} failed", why=shown or list(said)[-1:], hint=f"the full log is {log}")
    error.stage = step.stage
    return error


def first_error(lines: Sequence[str]) -> list[str]:
    """Return the compiler's first error with what stands around it, else Python's last exception, else the tail."""
    texts = [line.rstrip() for line in lines if line.strip()]
    for index, line in enumerate(texts):
        if _COMPILER.search(line) and not _NOT_A_CAUSE.search(line):
            return [text.strip() for text in texts[index : index + 4]]
    if raised := [index for index, line in enumerate(texts) if _EXCEPTION.match(line)]:
        return [text.strip() for text in texts[raised[-1] : raised[-1] + 4]]
    return [text.strip() for text in texts[-_SHOWN:]]
