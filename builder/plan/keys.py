"""The keys of the parts of a container build: everything that decides their bytes, and nothing else. Pure.

Each input has the name that its users know it by, so that a difference of two keys can be told.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from builder.model import libraries
from builder.model.acceleration import native_programs
from builder.model.recipe import Source
from builder.model.steps import Build, Packages, Script
from builder.model.target import Target
from builder.model.tools import tools
from builder.packages.resolution import Block, CompiledPart
from builder.plan import formats, program_texts
from builder.plan.container import TREE, Container, Part

Inputs = Mapping[str, Any]
_PASSIVE = frozenset({"Dockerfile", "packages", "tree", "carried"})
"""Templates of stages in which nothing is compiled."""


def parts(container: Container) -> tuple[Part, ...]:
    """Return the parts of a build, with their keys."""
    return tuple(Part(stage=stage, key=key(named)) for stage, named in inputs(container))


def key(named: Inputs) -> str:
    """Return the SHA-256 of inputs, in hexadecimal."""
    return hashlib.sha256(json.dumps(named, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def inputs(container: Container) -> Iterator[tuple[str, Inputs]]:
    """Yield the stage of each part, and what decides its bytes: JSON by name."""
    for part in container.compiled:
        yield container.stage(part), {**_common(container, part), **_wheel(container, part)}
    if container.has_tree:
        yield (
            TREE,
            {**_common(container, None), "patchelf": tools().patchelf.version, "carried packages": container.carried},
        )


def of_system(container: Container) -> Inputs:
    """Return what decides the bytes of any library of a system with the packages that steps install."""
    return {**_common(container, None), "patchelf": tools().patchelf.version}


def _common(container: Container, part: CompiledPart | None) -> dict[str, Any]:
    """Return what any part depends on: the image, the steps before it, and what layerwright itself brings."""
    limit = part.step if part else None
    chosen = [step for step in _steps(container) if limit is None or step[0] < limit]
    uses = {template for _, template, _ in chosen}
    if part:
        uses |= {part.block.template, *(["repair"] if container.repair else [])}
    else:
        uses |= {"tree", *(["carried"] if container.carried else [])}
    return {
        "image": container.image.digest or container.image.name,
        "libraries opened at run time": container.dlopened,
        "steps": [values for _, _, values in chosen],
        **own(
            container.target,
            uses,
            installs=[name for _, template, values in chosen if template == "packages" for name in values[1]],
            systems=[values[1] for _, template, values in chosen if template == "source"],
        ),
    }


def own(
    target: Target, uses: Collection[str], installs: Iterable[str] = (), systems: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what layerwright brings to a part that is made by some templates: facts, texts and formats, by name.

    `installs` are the packages that steps install before it, `systems` the build systems of sources.
    """
    named = facts(target)
    templates = {"Dockerfile", *uses}
    if templates - _PASSIVE:
        native = native_programs()
        named["toolchain"] = [*target.base.os.toolchain, *native.tools, *native.of_packages(sorted(set(installs)))]
        templates |= {"toolchain", "packages"}
    if "npm" in uses and (headers := tools().node_headers.get(target.base.series)):
        named["headers of Node.js"] = headers.version
    if target.base.tools:
        templates |= {"packages"}
    written = formats.versions({"container", *(formats.FORMATS.keys() & uses)})
    return {
        **named,
        **{f"format {name}": version for name, version in written.items()},
        **program_texts.digests(templates, {f"systems/{name}.sh" for name in systems}),
    }


def facts(target: Target) -> dict[str, Any]:
    """Return the facts about the runtime and the architecture that decide what a container makes, by name."""
    runtime, arch = target.base, target.arch
    return {
        "runtime": runtime.name,
        "Python of the build image": runtime.interpreter,
        "package manager": [runtime.manager.install, runtime.manager.ca],
        "compilers": runtime.tools,
        "architecture": [arch.name, arch.machine, arch.docker],
        "options of the compiler": arch.flags,
        "libraries of the runtime": key({"sonames": libraries.provided(target.runtimes, arch)}),
    }


def _wheel(container: Container, part: CompiledPart) -> dict[str, Any]:
    named: dict[str, Any] = {"package": part.block.inputs}
    if container.repair:
        named["repair"] = [*tools().repair_inputs, container.target.base.os.manylinux]
    return named


def _steps(container: Container) -> list[tuple[int, str, Any]]:
    """Return number, template and deciding values of each step, in order."""
    rows = [(number, *_step(container, number, step)) for number, step in container.steps]
    for number, block in container.blocks:
        if block.installs:
            rows.append((number, "packages", ["packages", sorted(set(block.installs))]))
        rows.append((number, *_compiled(block)))
    return sorted(rows, key=lambda row: row[0])


def _step(container: Container, number: int, step: Packages | Build | Script) -> tuple[str, Any]:
    if isinstance(step, Packages):
        return "packages", ["packages", sorted(set(step.install))]
    if isinstance(step, Build):
        name = step.source or container.sources[0].name
        source = next(source for source in container.sources if source.name == name)
        versions = [f"{name} {tools().wheels()[name].version}" for name in container.own_tools]
        return "source", ["source", step.build, step.options, _source(source), *([versions] if versions else [])]
    values = {
        "number": number,  # of the list of files outside of /opt
        "run": step.run,
        "env": dict(sorted(step.env.items())),
        "network": step.network,
        "secrets": step.secrets,
        "sources": [_source(source) for source in container.sources],
        "layer": [container.target.layer, container.target.version],
        "files": container.recipe_files,
    }
    return "script", ["script", values]


def _source(source: Source) -> list[str | None]:
    """Return what decides the content of a source and where it lies: not the address that it comes from."""
    return [source.name, source.sha256 or source.commit]


def _compiled(block: Block) -> tuple[str, Any]:
    return block.template, [block.template, *block.inputs]
