"""The decisions about one zip. Pure: what is resolved decides them, with the facts of layerwright's own data."""

import dataclasses
from collections.abc import Iterator

from builder.model.recipe import Recipe, Source
from builder.model.steps import Build, Packages, Script
from builder.model.target import Target, steps
from builder.plan.container import Container
from builder.plan.plan import Plan
from builder.plan.resolved import Resolved, has_bytecode


def decide(resolved: Resolved) -> Plan:
    """Return the plan of one zip."""
    container = _container(resolved, resolved.recipe.libraries.dlopen)
    named = resolved.recipe.libraries.bundle
    if not isinstance(named, str) and (container is None or container.only_libraries):
        container = _container(resolved, (*resolved.recipe.libraries.dlopen, *named))
    return Plan(
        target=resolved.target,
        recipe=resolved.recipe,
        resolutions=resolved.resolutions,
        copied=resolved.copied,
        interpreter=_interpreter(resolved),
        image=resolved.run_image,
        container=container,
        system=_system(resolved) if container is None and named == "auto" else None,
        compression=resolved.compression,
        warnings=(
            *resolved.warnings,
            *_unpinned(container),
            *(text for resolution in resolved.resolutions for text in resolution.warnings),
        ),
    )


def _container(resolved: Resolved, opened: tuple[str, ...]) -> Container | None:
    container = _all_steps(resolved, opened)
    return container if container.compiled or container.has_tree else None


def _system(resolved: Resolved) -> Container | None:
    """Return the container with the packages of the system that steps name, for libraries that prebuilt code lacks."""
    container = _all_steps(resolved, ())
    return container if container.steps else None


def _all_steps(resolved: Resolved, opened: tuple[str, ...]) -> Container:
    recipe, target = resolved.recipe, resolved.target
    chosen = steps(recipe, target)
    return Container(
        target=target,
        image=resolved.build_image,
        steps=tuple((number, step) for number, step in chosen if isinstance(step, (Packages, Build, Script))),
        sources=_sources(recipe, target),
        resolutions=tuple(each for each in resolved.resolutions if each.compiles or each.blocks),
        recipe_files=tuple(sorted(resolved.recipe_files)),
        dlopened=opened,
    )


def _sources(recipe: Recipe, target: Target) -> tuple[Source, ...]:
    """Return the sources of a recipe with their names, and with placeholders replaced by the values of a target."""
    return tuple(
        dataclasses.replace(
            source,
            url=target.expand(source.url) if source.url else None,
            git=target.expand(source.git) if source.git else None,
            name=source.name or recipe.layer.name,
        )
        for source in recipe.source
    )


def _unpinned(container: Container | None) -> Iterator[str]:
    if container and container.image.digest is None:
        name = container.image.name
        yield f"{name} is not pinned, so later builds may differ; `layerwright images pin` pins it"


def _interpreter(resolved: Resolved) -> str | None:
    """Return the interpreter for the bytecode: the version of a Python of this host, else the image of the runtime.

    Does not check for an engine that can run the image, since an existing layer needs none.
    """
    runtime = resolved.target.base
    if not has_bytecode(resolved.recipe, resolved.target, resolved.resolutions):
        return None
    if resolved.python:
        return resolved.python
    image = resolved.run_image
    return f"{runtime.series} in {runtime.image.replace('-{arch}', '')}@{image.digest or 'its newest'}"
