"""Terminals for `layerwright shell`: in the stage of the step at which a build failed, as that step finds it."""

import contextlib
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from builder.base import cache_paths, processes, programs
from builder.base.emitter import Events
from builder.base.errors import EngineError, LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.building import compiling, failed_step, pinning
from builder.building.compiling import Work
from builder.building.failed_step import FailedStep
from builder.engine import buildx, client, conditions, containers, host, owned
from builder.engine.client import Engine
from builder.model.recipes import Loaded
from builder.model.steps import Script
from builder.model.target import Target
from builder.packages import table
from builder.plan import dockerfile, keys, stopping
from builder.plan.mode import EngineOptions, choose_mode
from builder.plan.planning import plan
from builder.plan.stopping import StoppedFile

_IMAGE = "layerwright-shell"
_ENGINES = (client.DOCKER, client.PODMAN)
"""Those that name the instruction at which a build fails."""
_INSIDE = f"/layerwright/{stopping.FOLDER}"
_TERMINAL = "terminal.sh"
_SHOWN = 200
"""Characters of a step's command that are shown."""


def work_of(loaded: Loaded, target: Target, options: EngineOptions, events: Events) -> Work:
    """Return the work of a target's container, with its image pinned as a build does.

    Raises UsageError if nothing of the target is compiled.
    """
    planned = plan(loaded, target)
    container = (plan(loaded, target) if pinning.pin_images(planned, options, events) else planned).container
    if container is None:
        msg = f"{target.name} is not compiled in a container"
        raise UsageError(msg, hint="`layerwright plan` shows how it is made")
    return Work(container=container, folder=loaded.folder, options=options)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedStep:
    """The stage of a step as an image of the engine."""

    engine: Engine
    work: Work
    stop: StoppedFile
    tag: str
    secrets: Mapping[str, Path]
    failed: bool
    """Whether the step failed; otherwise the image is that of all steps."""

    def enter(self, command: str | None) -> int:
        """Run a command, or a shell on this terminal, in a container that is removed at the end. Return its exit code.

        The container has the secrets and the network of the step.
        """
        program = self.engine.program
        start = [f"{_INSIDE}/{_TERMINAL}", self.stop.stage, *([command] if command else [])]
        options = [
            f"--platform={self.work.container.target.arch.docker}",
            *([] if self.stop.network else ["--network=none"]),
            *(["--interactive", "--tty"] if command is None else []),
            # Podman's own limits may be above those of the host, which it cannot raise in a container.
            *(conditions.LIMITS if self.engine.kind == client.PODMAN else ()),
            "--entrypoint=/bin/sh",
        ]
        with owned.created(self.engine, [*options, self.tag, *start], _explain) as name:
            for secret in self.stop.secrets:
                if secret in self.secrets:
                    processes.run([program, "cp", str(self.secrets[secret]), f"{name}:/run/secrets/{secret}"])
            attach = ["--attach", "--interactive"] if command is None else ["--attach"]
            return containers.interactive(self.engine, ["start", *attach, name])


@contextlib.contextmanager
def opened(work: Work, events: Events) -> Iterator[OpenedStep]:
    """Yield the stage before the step at which the last build failed, else that behind the last step.

    It has the files, the mounts and the environment of that step, and is removed on exit. Without a failed build it is
    built first, and a step that fails then is the one. Raises EngineError if the engine names no failed steps,
    BuildError if nothing can be built.
    """
    engine = work.options.engine()
    engine.mode(work.container.target.arch)  # raises if the engine cannot run this architecture
    if engine.kind not in _ENGINES:
        msg = f"`shell` requires docker or podman; {engine.kind} is not supported"
        raise EngineError(msg)
    tag = f"{_IMAGE}:{uuid.uuid4().hex[:12]}"
    owned.sweep_images(engine)
    with cache_paths.workspace() as folder:
        try:
            with events.stage("compiling", "up to the step") as inner:
                step = _built(_StepImage(engine=engine, work=work, folder=folder, tag=tag), inner)
            _tell(step, events)
            yield step
        finally:
            processes.run_always([engine.program, "image", "rm", "--force", tag])


def of_failure(
    pairs: Sequence[tuple[Loaded, Target]], errors: Sequence[LayerwrightError]
) -> tuple[Loaded, Target] | None:
    """Return the recipe and the target of the first error that is a failed step; None if there is none."""
    failed = next((error.subject for error in errors if error.instruction), None)
    return next(((loaded, target) for loaded, target in pairs if target.name == failed), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _StepImage:
    """Where the image of a step is made."""

    engine: Engine
    work: Work
    folder: Path
    tag: str


def _built(place: _StepImage, events: Events) -> OpenedStep:
    """Build the stage of the failed step. If an earlier step fails now, it is that of the earlier one."""
    work, instruction = place.work, ""
    failed = failed_step.of(work.container.target) or _everything(place.engine, work)
    while True:
        try:
            return _attempt(place, failed, events)
        except LayerwrightError as error:
            if error.instruction in {"", instruction}:
                raise
            events.note(error.brief)
            instruction = error.instruction
            failed = replace(failed, instruction=instruction)


def _everything(engine: Engine, work: Work) -> FailedStep:
    """Return the terms of a build of all parts, in the mode that the options choose; no step has failed yet."""
    mode = choose_mode(work.container, engine, work.options.mode)
    return failed_step.step("", work.container, keys.parts(work.container), mode.acceleration)


def _attempt(place: _StepImage, failed: FailedStep, events: Events) -> OpenedStep:
    engine, work = place.engine, place.work
    container, options = failed.container(work.container), work.options
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        context = Path(name) / "context"
        acceleration = failed.acceleration(container, engine)
        compiling.write_context(replace(work, container=container), context, failed.missing(container), acceleration)
        if not engine.isolates_steps:
            compiling.connect_steps(context)
        file = context / "Dockerfile"
        text = file.read_text(encoding="utf-8")
        before = stopping.before(text, failed.instruction)
        stop = before or stopping.behind(text)
        file.write_text(stop.dockerfile, encoding="utf-8", newline="\n")
        _write_helpers(work, stop, context / stopping.FOLDER)
        target = container.target
        job = buildx.ContainerBuild(
            target=target.name,
            os=target.base.os.name,
            image=container.image.name,
            context=context,
            platform=target.arch.docker,
            log=compiling.log_file(target).with_suffix(".shell.log"),
            secrets=_secrets(place),
            no_cache=options.no_cache,
            arguments={dockerfile.AGAIN: uuid.uuid4().hex} if options.recompile else {},
            timeout=options.timeout,
            kept=buildx.StageImage(stage=stop.stage, tag=place.tag, label=owned.label()),
        )
        buildx.run(engine, job, events, _ignore)
    return OpenedStep(
        engine=engine, work=work, stop=stop, tag=place.tag, secrets=job.secrets, failed=before is not None
    )


def _ignore(stream: BinaryIO) -> None:
    """Read what a client prints that keeps an image."""
    while stream.read(1 << 16):
        pass


def _secrets(place: _StepImage) -> Mapping[str, Path]:
    folder = place.folder / f"secrets-{uuid.uuid4().hex[:12]}"
    return host.write_secrets(folder, compiling.OWN_SECRETS, place.work.options.secrets, table.environment())


def _write_helpers(work: Work, stop: StoppedFile, folder: Path) -> None:
    """Write what repeats the step, what sets its environment, and what starts a shell in that."""
    (folder / "secrets").mkdir(parents=True)
    scripts = (step for number, step in work.container.steps if stop.stage == f"step-{number}")
    exports = "".join(dockerfile.exports(step) for step in scripts if isinstance(step, Script))
    texts = {
        stopping.REPEAT: stop.repeat,
        stopping.PROLOGUE: stop.prologue + exports,
        _TERMINAL: programs.text("shell/terminal.sh"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _tell(step: OpenedStep, events: Events) -> None:
    stop, container = step.stop, step.work.container
    when = "as it was before it failed" if step.failed else "as it is when all is done"
    network = "with network" if stop.network else "without network"
    events.note(f"{stop.stage} of {container.target.name}, {when}, {network}, in {container.image.name}")
    shown = " ".join(stop.command.replace("\\\n", " ").split())
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    events.note(f"`sh {_INSIDE}/{stopping.REPEAT}` repeats the step: {shown}")


def _explain(made: processes.Finished) -> Exception:
    return EngineError("no container of the build could be created", why=made.stderr.strip().splitlines()[-2:])
