"""The container part of a build: cached artifacts are reused, the others are compiled in one build."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.base import cache_paths, contained, files, programs
from builder.base.emitter import Events
from builder.base.errors import EngineError, NoImageError, UsageError
from builder.base.frozen import dataclass
from builder.building import artifacts, failed_step
from builder.building.artifacts import Artifact, ExpectedArtifact
from builder.engine import buildx, host
from builder.engine.client import Engine
from builder.engine.missing import NoHeadersError, StepFailedError
from builder.model import libraries
from builder.model.recipe import Source
from builder.model.steps import Build, Script
from builder.model.target import Target
from builder.packages import sources, table
from builder.packages.pypi import sdist, static_tools
from builder.packages.resolution import reasons_for_container, reasons_to_compile
from builder.plan import dockerfile, keys
from builder.plan.container import TREE, Acceleration, Container, Part
from builder.plan.mode import AUTO, MODES, TOOLCHAIN, CompileMode, EngineOptions, choose_mode

OWN_SECRETS = (dockerfile.ENVIRONMENT_SECRET, dockerfile.CA_SECRET, dockerfile.INDEX_SECRET)


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A container to compile, and the options for the engine."""

    container: Container
    folder: Path | None
    """The folder of the recipe; None for a recipe without files."""
    options: EngineOptions


def make(work: Work, events: Events) -> dict[str, Artifact]:
    """Return the artifact of every part of the container, by stage. The engine compiles only parts that are not cached.

    Raises StepFailedError if a step fails, EngineError if the engine is missing or cannot compile for the target.
    """
    parts, options = keys.parts(work.container), work.options
    ready: dict[str, Artifact] = {}
    if not (options.no_cache or options.recompile):
        modes = MODES if options.mode == AUTO else (options.mode,)
        ready = {part.stage: artifact for part in parts if (artifact := artifacts.get(part.key, modes))}
    missing = [part for part in parts if part.stage not in ready]
    if missing:
        _check_secrets(work)
        compile_mode = choose_mode(work.container, _engine(work), options.mode)
        ready.update(_build(work, compile_mode, events, missing))
    return ready


def _engine(work: Work) -> Engine:
    """Return the engine. Raises EngineError, with what would be compiled in it."""
    try:
        return work.options.engine()
    except EngineError as error:
        resolutions = work.container.resolutions
        error.why = (*reasons_for_container(resolutions), *error.why)
        if reasons_to_compile(resolutions):
            error.hint = f"versions with wheels need none, if there are some: `--route wheels`; {error.hint}"
        raise


def _check_secrets(work: Work) -> None:
    """Raise UsageError if a step names a secret that the command line does not give."""
    given = {secret.id for secret in work.options.secrets}
    named = {name for _, step in work.container.steps if isinstance(step, Script) for name in step.secrets}
    if unknown := sorted(named - given):
        msg = f"{work.container.target.name}: steps read the secrets {', '.join(unknown)}, which are not given"
        raise UsageError(msg, hint=f"`--secret id={unknown[0]},src=FILE` or `--secret id={unknown[0]},env=VARIABLE`")


def _build(work: Work, compile_mode: CompileMode, events: Events, missing: Sequence[Part]) -> dict[str, Artifact]:
    """Build, and repeat with less acceleration after each stage that fails accelerated."""
    while True:
        try:
            return _attempt(work, compile_mode, events, missing)
        except (StepFailedError, NoImageError) as error:
            # An image can be missing for the toolchain only: a mirror may have one architecture.
            if isinstance(error, NoHeadersError) and _remembers_headers(work.container.target):
                events.note("the image has no headers of Node.js; retrying with those of the npm registry")
                continue
            stage = error.stage if isinstance(error, StepFailedError) else TOOLCHAIN
            slower = compile_mode.without(stage, error) if work.options.mode == AUTO else None
            if slower is None:
                error.why = (*error.why, *_ways_on(work, stage))
                raise
            events.note(f"{stage} could not be fully accelerated; retrying with less acceleration")
            compile_mode = slower


def _ways_on(work: Work, stage: str) -> Iterator[str]:
    """Yield why a package is compiled that failed to, with what that needs and what there is instead: told before."""
    parts = (part for each in work.container.resolutions for part in each.compiles)
    yield from (part.because for part in parts if part.because and part.stage == stage)


def _remembers_headers(target: Target) -> bool:
    """Take the headers of Node.js from the registry from now on; False if that was so already, or it has none."""
    from builder.packages.npm import headers

    return headers.remember(target)


def _attempt(work: Work, compile_mode: CompileMode, events: Events, missing: Sequence[Part]) -> dict[str, Artifact]:
    container = work.container
    target = container.target
    expected = {
        part.stage: ExpectedArtifact(
            key=part.key,
            mode=compile_mode.of(container.behind(part)),
            compiles=not (part.stage == TREE and container.has_scripts),
            notes=tuple(
                compile_mode.notes[stage] for stage in sorted(container.behind(part)) if stage in compile_mode.notes
            ),
        )
        for part in missing
    }
    events.begin("compiling", compile_mode.name)
    engine = work.options.engine()
    with cache_paths.workspace() as place:
        write_context(work, place / "context", missing, compile_mode.acceleration)
        if not engine.isolates_steps:
            events.warn(f"{engine.kind} {engine.version} cannot keep compile steps from the network; Podman 4.4 can")
            connect_steps(place / "context")
        job = buildx.ContainerBuild(
            target=target.name,
            os=target.base.os.name,
            image=container.image.name,
            context=place / "context",
            platform=target.arch.docker,
            log=log_file(target),
            secrets=host.write_secrets(place / "secrets", OWN_SECRETS, work.options.secrets, table.environment()),
            no_cache=work.options.no_cache,
            arguments={dockerfile.AGAIN: uuid.uuid4().hex} if work.options.recompile else {},
            timeout=work.options.timeout,
        )
        with failed_step.noted(container, missing, compile_mode.acceleration):
            received: dict[str, Artifact] = {}
            buildx.run(engine, job, events, lambda stream: received.update(artifacts.receive(stream, expected)))
    return received


def export(work: Work, folder: Path) -> None:
    """Write the build context of all parts into a new or empty folder, for an engine without layerwright.

    Nothing is accelerated: what is for another architecture is compiled under emulation. Raises UsageError for a folder
    with something in it.
    """
    with files.filling(folder) as context:
        write_context(work, context, keys.parts(work.container))


def connect_steps(context: Path) -> None:
    """Leave the network to all steps of a Dockerfile, for an engine that knows no other way."""
    file = context / "Dockerfile"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("RUN --network=none ", "RUN "), encoding="utf-8", newline="\n")


def log_file(target: Target) -> Path:
    """Return the path of the complete log of a target's last build."""
    return cache_paths.folder("logs") / f"{target.name}.log"


def write_context(work: Work, context: Path, parts: Sequence[Part], acceleration: Acceleration | None = None) -> None:
    """Write the build context of these parts: the Dockerfile and all files that it reads."""
    from builder.packages.npm import headers
    from builder.packages.pypi import build_tools

    container = work.container
    for name in ("bin", headers.FOLDER, "inside", "recipe", "scripts", "sources"):
        (context / name).mkdir(parents=True)
    text = dockerfile.render(container, parts, [secret.id for secret in work.options.secrets], acceleration)
    (context / "Dockerfile").write_text(text, encoding="utf-8", newline="\n")
    for path in programs.files("steps"):
        to = context / "inside" / path.relative_to(programs.folder() / "steps")
        to.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, to)
    provided = libraries.provided(container.target.runtimes, container.target.arch)
    (context / "inside" / "provided.txt").write_text("\n".join(provided), encoding="utf-8", newline="\n")
    (context / "inside" / "dlopened.txt").write_text("\n".join(container.dlopened), encoding="utf-8", newline="\n")
    for number, step in container.steps:
        if isinstance(step, Script):
            script = context / "scripts" / f"{number:02}.sh"
            script.write_text(dockerfile.script(step), encoding="utf-8", newline="\n")
    _write_sources(work, context)
    stages = frozenset(part.stage for part in parts)
    machine = work.options.engine().architecture
    for resolution in container.resolutions:
        resolution.write(context, stages, machine)
    if container.own_tools:
        build_tools.write(container.own_tools, context / "tools", container.target.arch)
    if TREE in stages or acceleration:
        static_tools.copy(static_tools.patchelf(machine), context / "bin" / "patchelf")


def _write_sources(work: Work, context: Path) -> None:
    container = work.container
    if not any(isinstance(step, (Build, Script)) for _, step in container.steps):
        return
    for source in container.sources:
        sdist.as_tar(_source(source), context / "sources" / dockerfile.archive(source))
    for name, _ in container.recipe_files:
        to = context / "recipe" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(contained.path(work.folder or Path(), name), to)


def _source(source: Source) -> Path:
    if source.url and source.sha256:
        return sources.archive(source.url, source.sha256)
    return sources.commit(str(source.git), str(source.commit))
