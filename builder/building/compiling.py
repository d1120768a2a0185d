"""The container part of a build: what was made before is taken, the rest is made in one go."""

import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.base import cache_paths
from builder.base.errors import EngineError
from builder.building import artifacts
from builder.building.artifacts import Artifact, ExpectedArtifact
from builder.engine import buildx, host
from builder.engine.failure import NoImageError, StepFailedError
from builder.model import facts, libraries
from builder.model.recipe import Source
from builder.model.steps import Build, Script
from builder.model.target import Target
from builder.packages import sources, table
from builder.packages.pypi import sdist, static_tools
from builder.plan import dockerfile, mode
from builder.plan.container import TREE, Acceleration, Container, Part
from builder.plan.mode import AUTO, TOOLCHAIN, CompileMode, EngineOptions, choose_mode

LOG_MARK = " | "
"""Stands before a line of a step's own output; a report without it begins a step."""
OWN_SECRETS = (dockerfile.ENVIRONMENT_SECRET, dockerfile.CA_SECRET)
_LISTED = 5


Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What to make, and with what."""

    container: Container
    folder: Path | None
    """Where the recipe is."""
    choice: EngineOptions


def make(work: Work, report: Report) -> dict[str, Artifact]:
    """Return every part of the container by its stage. The engine is asked only for what was not made before."""
    wanted = work.container.parts
    found: dict[str, Artifact] = {}
    ways = mode.MODES if work.choice.mode == AUTO else (work.choice.mode,)
    if not (work.choice.no_cache or work.choice.recompile):
        found = {one.stage: made for one in wanted if (made := artifacts.get(one.key, ways))}
    missing = [one for one in wanted if one.stage not in found]
    if missing:
        way = choose_mode(work.container, work.choice.engine(), work.choice.mode)
        found.update(_build(work, way, report, missing))
    return found


def _build(work: Work, way: CompileMode, report: Report, missing: Sequence[Part]) -> dict[str, Artifact]:
    """Build, and once more without acceleration for each stage that it breaks."""
    while True:
        try:
            expected = _attempt(work, way, report, missing)
            break
        except (StepFailedError, NoImageError) as error:
            # Perhaps it is only the image with the compiler that is not there: a mirror may have one architecture.
            stage = error.stage if isinstance(error, StepFailedError) else TOOLCHAIN
            left = way.without(stage, error) if work.choice.mode == AUTO else None
            if left is None:
                raise
            report(f"{stage} could not be accelerated in full; once more with less")
            way = left
    return {stage: _again(one) for stage, one in expected.items()}


def _again(one: ExpectedArtifact) -> Artifact:
    made = artifacts.get(one.key, (one.mode,))
    if made is None:
        msg = "the cache lost a part that was just made"
        raise EngineError(msg, hint="is somebody cleaning the cache folder? LAYERWRIGHT_CACHE moves it")
    return made


def _attempt(work: Work, way: CompileMode, report: Report, missing: Sequence[Part]) -> dict[str, ExpectedArtifact]:
    container = work.container
    target = container.target
    expected = {
        one.stage: ExpectedArtifact(
            key=one.key,
            mode=way.of(container.behind(one)),
            compiles=not (one.stage == TREE and container.has_scripts),
            notes=tuple(way.notes[stage] for stage in sorted(container.behind(one)) if stage in way.notes),
        )
        for one in missing
    }
    report(f"preparing ({way.name})")
    with cache_paths.workspace() as place:
        write_context(work, place / "context", missing, way.acceleration)
        job = buildx.ContainerBuild(
            target=target.name,
            os=target.base.os.name,
            image=container.image.name,
            context=place / "context",
            platform=target.arch.docker,
            log=log_file(target),
            secrets=host.write_secrets(place / "secrets", OWN_SECRETS, work.choice.secrets, table.environment()),
            no_cache=work.choice.no_cache,
            arguments={dockerfile.AGAIN: uuid.uuid4().hex} if work.choice.recompile else {},
            timeout=work.choice.timeout,
        )
        buildx.run(
            work.choice.engine(),
            job,
            lambda stage, line: report(f"{stage}{LOG_MARK}{line}" if line else stage),
            lambda stream: artifacts.receive(stream, expected),
        )
    return expected


def log_file(target: Target) -> Path:
    """Return where the full log of a target's last build is."""
    return cache_paths.cache() / "logs" / f"{target.name}.log"


def write_context(work: Work, context: Path, wanted: Sequence[Part], acceleration: Acceleration | None = None) -> None:
    """Write everything that the build reads into one folder."""
    container = work.container
    for name in ("bin", "inside", "recipe", "scripts", "sources"):
        (context / name).mkdir(parents=True)
    text = dockerfile.render(container, wanted, [secret.id for secret in work.choice.secrets], acceleration)
    (context / "Dockerfile").write_text(text, encoding="utf-8", newline="\n")
    for path in facts.files("inside"):
        shutil.copyfile(path, context / "inside" / path.name)
    (context / "inside" / "provided.txt").write_text("\n".join(provided(container.target)), encoding="utf-8")
    (context / "inside" / "dlopened.txt").write_text("\n".join(container.dlopened), encoding="utf-8")
    for number, step in container.steps:
        if isinstance(step, Script):
            script = context / "scripts" / f"{number:02}.sh"
            script.write_text(dockerfile.script(step), encoding="utf-8", newline="\n")
    _write_sources(work, context)
    stages = frozenset(one.stage for one in wanted)
    machine = work.choice.engine().architecture
    for resolution in container.resolutions:
        resolution.write(context, stages, machine)
    if TREE in stages:
        static_tools.copy(static_tools.patchelf(machine), context / "bin" / "patchelf")


def provided(target: Target) -> list[str]:
    """Return the sonames that the runtime surely has: those that only its image may have are bundled when needed."""
    return sorted(libraries.in_images(target.runtimes, (target.arch,)) - libraries.maybe_absent())


def _write_sources(work: Work, context: Path) -> None:
    container = work.container
    if not any(isinstance(step, (Build, Script)) for _, step in container.steps):
        return
    for source in container.sources:
        sdist.as_tar(_source(source), context / "sources" / dockerfile.archive(source))
    for name, _ in container.recipe_files:
        to = context / "recipe" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile((work.folder or Path()) / name, to)


def _source(source: Source) -> Path:
    if source.url and source.sha256:
        return sources.archive(source.url, source.sha256)
    return sources.commit(str(source.git), str(source.commit))


# ---- what the parts say --------------------------------------------------------------------------------------------


def outside_files(made: Mapping[str, Artifact], container: Container) -> list[str]:
    """Return warnings about files that scripts left outside of /opt: they are not in the layer."""
    tree = made.get(TREE)
    if tree is None:
        return []
    found = []
    for number, step in container.steps:
        if not isinstance(step, Script):
            continue
        listed = tree.text(f"outside/{number:02}").split("\n")[:-1]
        if listed:
            more = f" and {len(listed) - _LISTED} others" if len(listed) > _LISTED else ""
            names = ", ".join(listed[:_LISTED])
            found.append(f"step {number} wrote outside of /opt, which does not come into the layer: {names}{more}")
    return found


def bundled(made: Mapping[str, Artifact]) -> list[dict[str, str]]:
    """Return what was bundled, each library once."""
    added: dict[str, dict[str, str]] = {}
    for one in made.values():
        for row in one.libraries()["added"]:
            added.setdefault(row["soname"], row)
    return [added[name] for name in sorted(added)]


def how_notes(made: Mapping[str, Artifact]) -> list[str]:
    """Return what somebody should know of how parts were made."""
    return [f"{stage}: {note}" for stage, one in sorted(made.items()) for note in one.notes]
