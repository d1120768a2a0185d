"""Planning of one zip: all decisions, before anything is built."""

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
    """Return the plan of one zip. Queries package indexes where there is no lock; needs no engine.

    Raises UsageError for runtimes that AWS has blocked and locks that do not fit, BuildError for unavailable packages
    and, with `wheels_only`, for packages that would have to be compiled.
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
        interpreter=_interpreter(loaded, target, needed=any(resolution.has_bytecode for resolution in resolutions)),
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
    """Yield the resolution of each ecosystem that the steps take packages from."""
    for ecosystem in table.ECOSYSTEMS:
        matching = tuple((number, step) for number, step in chosen if isinstance(step, ecosystem.step))
        if matching:
            request = Request(loaded=loaded, target=target, steps=matching, may_compile=may_compile)
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
        yield f"{name} is not pinned, so later builds may differ; `layerwright images pin` pins it"


def _beside(loaded: Loaded) -> dict[str, str]:
    """Return the files beside the recipe, which scripts can read, with their SHA-256. Locks are left out."""
    if loaded.folder is None or loaded.adhoc:
        return {}
    own = {RECIPE_FILE, *table.lock_names(table.of_recipe(loaded))}
    return {name: digest for name, digest in files.hashes(loaded.folder).items() if name.rpartition("/")[2] not in own}


def _interpreter(loaded: Loaded, target: Target, *, needed: bool) -> str | None:
    """Return the interpreter for the bytecode: the version of a Python of this host, else the image of the runtime.

    Does not check for an engine that can run the image, since an existing layer needs none.
    """
    if not needed or loaded.recipe.slim.bytecode == "off" or len(target.runtimes) > 1:
        return None
    if python := interpreters.find(target.base.series):
        return python.version
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
