"""Terminals for `layerwright shell`: in the build container of a target, up to the step where its build fails."""

import uuid

from builder.base import cache_paths, processes, programs
from builder.base.errors import BuildError, EngineError, UsageError
from builder.building import compiling
from builder.building.compiling import Work
from builder.engine import containers, host, owned
from builder.engine.client import Engine
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.packages import table
from builder.plan import dockerfile, keys
from builder.plan.container import Container
from builder.plan.mode import EngineOptions
from builder.plan.planning import plan


def stages(container: Container) -> list[str]:
    """Return the stages of a container, the last one first. A failed step starts from the stage before its own."""
    return list(reversed(["step-0", *dockerfile.stages(container)]))


def work_of(loaded: Loaded, target: Target, options: EngineOptions) -> Work:
    """Return the work of a target's container. Raises UsageError if nothing of the target is compiled."""
    container = plan(loaded, target).container
    if container is None:
        msg = f"{target.name} is not compiled in a container, so there is nothing to open"
        raise UsageError(msg, hint="`layerwright plan` shows how it is made")
    return Work(container=container, folder=loaded.folder, options=options)


def open_shell(work: Work, command: str | None) -> int:
    """Open a shell in the last stage that can be built, and return its exit code.

    Raises EngineError if the engine is not Docker, BuildError if no stage can be built.
    """
    engine = work.options.engine()
    engine.mode(work.container.target.arch)  # raises if the engine cannot run this architecture
    if engine.kind != "docker":
        msg = f"`shell` requires docker; {engine.kind} is not supported"
        raise EngineError(msg)
    tag = f"layerwright-shell:{uuid.uuid4().hex[:12]}"
    with cache_paths.workspace() as folder:
        compiling.write_context(work, folder / "context", keys.parts(work.container))
        files = host.write_secrets(folder / "secrets", compiling.OWN_SECRETS, work.options.secrets, table.environment())
        arguments = [f"--secret=id={name},src={path}" for name, path in files.items()]
        for stage in stages(work.container):
            built = processes.run(
                [
                    *engine.build,
                    *("--load", f"--tag={tag}", f"--target={stage}", f"--platform={work.container.target.arch.docker}"),
                    *arguments,
                    str(folder / "context"),
                ]
            )
            if built.returncode == 0:
                break
        else:
            msg = "the image could not be loaded"
            raise BuildError(msg, why=built.stderr.strip().splitlines()[-3:])
        try:
            return _enter(engine, work, tag, str(folder / "context"), command)
        finally:
            processes.run_always([engine.program, "image", "rm", "--force", tag])


def _enter(engine: Engine, work: Work, tag: str, context: str, command: str | None) -> int:
    """Create the container, copy layerwright's helpers to it, and run the command or a shell on this terminal."""
    start = ["-c", programs.text("shell/terminal.sh"), "sh", *([command] if command else [])]
    terminal = ["--interactive", "--tty"] if command is None else []
    platform = f"--platform={work.container.target.arch.docker}"
    with owned.created(engine, [platform, *terminal, "--entrypoint=/bin/sh", tag, *start], _explain) as name:
        for folder in ("inside", "bin", "scripts", "requirements"):
            processes.run([engine.program, "cp", f"{context}/{folder}", f"{name}:/layerwright/{folder}"])
        attach = ["--attach", "--interactive"] if command is None else ["--attach"]
        return containers.interactive(engine, ["start", *attach, name])


def _explain(made: processes.Finished) -> Exception:
    return EngineError("no container of the build could be created", why=made.stderr.strip().splitlines()[-2:])
