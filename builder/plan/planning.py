"""Deciding everything about one zip, before anything is made."""

import posixpath
from collections.abc import Iterator, Sequence

from builder.base import files
from builder.layer import archive, interpreters, tree
from builder.model.images import build_image, run_image
from builder.model.recipes import RECIPE_FILE, Loaded
from builder.model.runtimes import refuse_blocked, today
from builder.model.steps import Build, Copy, Packages, Script, Step
from builder.model.target import Target, steps
from builder.packages import table
from builder.packages.ecosystem import Request, Resolution
from builder.plan.container import Container, sources
from builder.plan.plan import Copied, Plan


def plan(loaded: Loaded, target: Target, *, wheels_only: bool = False) -> Plan:
    """Decide everything about one zip. Asks package indexes where no lock decides; needs no engine, writes nothing.

    With `wheels_only`, packages that would have to be compiled are a BuildError.
    """
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    chosen = steps(loaded.recipe, target)
    resolutions = tuple(_resolutions(loaded, target, chosen, may_compile=not wheels_only))
    container = _container(loaded, target, chosen, resolutions)
    return Plan(
        target=target,
        recipe=loaded.recipe,
        resolutions=resolutions,
        copied=_copied(loaded, [step for _, step in chosen]),
        interpreter=_interpreter(loaded, target, needed=any(one.has_bytecode for one in resolutions)),
        container=container,
        compression=archive.compression(),
        warnings=(
            *loaded.warnings,
            *(text for runtime in target.runtimes if (text := runtime.warning(today()))),
            *_unpinned(container),
            *(text for resolution in resolutions for text in resolution.warnings),
        ),
    )


def _resolutions(
    loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]], *, may_compile: bool
) -> Iterator[Resolution]:
    """Yield what each ecosystem decides for the steps that ask for its packages."""
    for ecosystem in table.ECOSYSTEMS:
        own = tuple((number, step) for number, step in chosen if isinstance(step, ecosystem.step))
        if own:
            request = Request(loaded=loaded, target=target, steps=own, may_compile=may_compile)
            if resolution := ecosystem.resolve(request):
                yield resolution


def _container(
    loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]], resolutions: Sequence[Resolution]
) -> Container | None:
    container = Container(
        target=target,
        image=build_image(target.base, target.arch),
        steps=tuple((number, step) for number, step in chosen if isinstance(step, (Packages, Build, Script))),
        sources=sources(loaded.recipe, target),
        resolutions=tuple(resolution for resolution in resolutions if resolution.compiles or resolution.blocks),
        recipe_files=tuple(sorted(_beside(loaded).items())),
        dlopened=loaded.recipe.libraries.dlopen,
    )
    return container if container.parts else None


def _unpinned(container: Container | None) -> Iterator[str]:
    if container and container.image.digest is None:
        name = container.image.name
        yield f"{name} is not pinned, so tomorrow's build may differ; `layerwright images pin` fixes that"


def _beside(loaded: Loaded) -> dict[str, str]:
    """Return the files that scripts can read, with their hashes: all that lie beside the recipe, but for its locks."""
    if loaded.folder is None or loaded.adhoc:
        return {}
    own = {RECIPE_FILE, *table.lock_names(table.of_recipe(loaded))}
    return {name: digest for name, digest in files.hashes(loaded.folder).items() if name.rpartition("/")[2] not in own}


def _interpreter(loaded: Loaded, target: Target, *, needed: bool) -> str | None:
    """Say who compiles the bytecode: a Python of this host, else the runtime's own in its image.

    Whether an engine is there for the latter is not asked here: a layer that is built already needs none.
    """
    if not needed or loaded.recipe.slim.bytecode == "off" or len(target.runtimes) > 1:
        return None
    if found := interpreters.find(target.base.series):
        return found.version
    image = run_image(target.base, target.arch)
    return f"{target.base.series} in {target.base.image.replace('-{arch}', '')}@{image.digest or 'its newest'}"


def _copied(loaded: Loaded, chosen: Sequence[Step]) -> tuple[Copied, ...]:
    root = loaded.file("")
    return tuple(
        Copied(
            source=tree.layer_path(path.relative_to(root)),
            to=posixpath.normpath(f"{step.to.strip('/')}/{path.name}"),
            executable=step.executable,
            sha256=files.sha256(path),
        )
        for step in chosen
        if isinstance(step, Copy)
        for pattern in step.files
        for path in sorted(root.glob(pattern))
        if path.is_file()
    )
