"""Deciding everything about one zip, before anything is made."""

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from builder.base import cache_paths, files
from builder.base.errors import EngineError, UsageError
from builder.engine import client, containers
from builder.layer import archive, interpreters, tree
from builder.model.images import build_image, run_image
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipes import BUILD_LOCK, GEM_LOCK, LOCK_FILE, MAVEN_LOCK, NPM_LOCK, RECIPE_FILE, Loaded
from builder.model.runtimes import refuse_blocked, today
from builder.model.steps import Copy, Pip, Step
from builder.model.target import Target, steps
from builder.packages import languages
from builder.packages.npm.package_lock import Node
from builder.packages.pypi import known, requirements_lock
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.resolve import Wanted, newest_fitting, resolve
from builder.packages.pypi.routes import Route, route
from builder.packages.rubygems import gems
from builder.packages.rubygems.gemfile_lock import Gems
from builder.plan import dockerfile
from builder.plan.container import Compiled, Container, inside, sources
from builder.plan.mode import EngineChoice, decide
from builder.plan.plan import Copied, Plan

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def plan(loaded: Loaded, target: Target, *, wheels_only: bool = False) -> Plan:
    """Decide everything about one zip. Asks the package index, no engine; writes nothing."""
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    chosen = steps(loaded.recipe, target)
    asked = wanted(loaded, target, chosen, wheels_only=wheels_only)
    found, locked = _packages(loaded, target, asked)
    found = _without(found, chosen, target)
    routes = tuple(route(candidate, target, asked) for candidate in found)
    node = languages.node(loaded, target, chosen, wheels_only=wheels_only)
    jars, jars_locked = languages.jars(loaded, target, chosen)
    rubies = gems.plan(loaded, target, chosen, wheels_only=wheels_only)
    made_inside = _container(loaded, target, chosen, routes, (node, rubies))
    return Plan(
        target=target,
        recipe=loaded.recipe,
        routes=routes,
        copied=_copied(loaded, [step for _, step in chosen]),
        locked=(locked or not routes) and all(one is None or one.locked for one in (node, rubies)) and jars_locked,
        interpreter=_interpreter(loaded, target, has_python=bool(found)),
        container=made_inside,
        compression=archive.compression(),
        node=node,
        jars=jars,
        gems=rubies,
        warnings=(
            *loaded.warnings,
            *(text for runtime in target.runtimes if (text := runtime.warning(today()))),
            *_warnings(loaded, target, routes, made_inside),
            *_compiled_for_want_of_a_wheel(target, () if locked else routes, asked),
            *_built_with_the_newest(loaded, made_inside, locked=locked),
        ),
    )


def _warnings(loaded: Loaded, target: Target, routes: Sequence[Route], made_inside: Container | None) -> Iterator[str]:
    if routes and len(target.runtimes) > 1 and loaded.recipe.slim.bytecode != "off":
        yield "a layer for several runtimes comes without bytecode: each Python has its own"
    download = sum(one.size or 0 for one in routes if one.kind == "wheel")
    if download > UNZIPPED_LIMIT:
        yield f"the wheels are {download / MB:.0f} MB packed, more than Lambda takes unpacked: prune a lot"
    if made_inside and made_inside.image.digest is None:
        name = made_inside.image.name
        yield f"{name} is not pinned, so tomorrow's build may differ; `layerwright images pin` fixes that"


def _compiled_for_want_of_a_wheel(target: Target, routes: Sequence[Route], asked: Wanted) -> Iterator[str]:
    """Tell who has a wheel: compiling takes long, and people rarely mean it."""
    for one in routes:
        name, version = one.package.name, one.package.version
        if one.sdist and name not in asked.sources:
            newest = newest_fitting(name, target.base, target.arch)
            hint = f"; {name}=={newest} is the newest with a wheel that fits" if newest else ""
            yield f"{name} {version} has no wheel for {target.base.name}, so it is compiled{hint}"


def _built_with_the_newest(loaded: Loaded, made_inside: Container | None, *, locked: bool) -> Iterator[str]:
    """Tell who keeps a lock for the sake of the same bytes that a new setuptools or Cython would change them."""
    if locked and made_inside and made_inside.compiled and _build_lock(loaded) is None:
        names = ", ".join(one.name for one in made_inside.compiled)
        yield f"what {names} is built with is not locked; `layerwright lock {loaded.name}` writes {BUILD_LOCK}"


def wanted(loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]], *, wheels_only: bool = False) -> Wanted:
    """Collect what the pip steps of a target require."""
    pips = [step for _, step in chosen if isinstance(step, Pip)]
    never = [step for step in pips if step.wheels == "never"]
    return Wanted(
        requirements=tuple(target.expand(text) for step in pips for text in step.requirements),
        files=tuple(loaded.file(step.file) for step in pips if step.file),
        sources=frozenset() if wheels_only else frozenset(name for step in never for name in _names(loaded, step)),
        wheels_only=wheels_only or all(step.wheels == "only" for step in pips),
    )


def _names(loaded: Loaded, step: Pip) -> Iterator[str]:
    """Yield the packages that a step itself names."""
    lines = list(step.requirements)
    if step.file:
        lines += loaded.file(step.file).read_text(encoding="utf-8").splitlines()
    for line in lines:
        if named := _NAME.match(line):
            yield canonicalize_name(named[0])


def _packages(loaded: Loaded, target: Target, asked: Wanted) -> tuple[tuple[Candidate, ...], bool]:
    if not asked.requirements and not asked.files:
        return (), False
    if target.base.python is None:
        msg = f'{target.name}: `uses = "pip"` needs a Python runtime, not {target.base.name}'
        raise UsageError(msg)
    if loaded.lock is None or not loaded.lock.is_file():
        return resolve(asked, target.base, target.arch), False
    pins = requirements_lock.read(loaded.lock, target)
    if stale := requirements_lock.unfit(pins, asked.requirements, target):
        msg = f"the lock of {loaded.name} does not fit its recipe"
        raise UsageError(msg, why=stale, hint=f"`layerwright lock {loaded.name}` brings it up to date")
    fixed = tuple(f"{pin.name}=={pin.version}" for pin in pins.values())
    asked = dataclasses.replace(asked, pins=fixed)
    found = known.resolved(asked, target, loaded.lock, cache_paths.cache() / "resolved")
    return tuple(requirements_lock.locked(candidate, pins, target) for candidate in found), True


def _without(found: tuple[Candidate, ...], chosen: Sequence[tuple[int, Step]], target: Target) -> tuple[Candidate, ...]:
    """Leave out what another layer brings."""
    named = {canonicalize_name(name) for _, step in chosen if isinstance(step, Pip) for name in step.without}
    if unknown := sorted(named - {canonicalize_name(one.name) for one in found}):
        msg = f"{target.name}: `without` names {', '.join(unknown)}, which nothing here requires"
        raise UsageError(msg)
    return tuple(one for one in found if canonicalize_name(one.name) not in named)


def _container(
    loaded: Loaded,
    target: Target,
    chosen: Sequence[tuple[int, Step]],
    routes: Sequence[Route],
    packages: tuple[Node | None, Gems | None],
) -> Container | None:
    node, rubies = packages
    pips = [(number, step) for number, step in chosen if isinstance(step, Pip)]
    named = {name: number for number, step in pips for name in _names(loaded, step)}
    compiled = [
        Compiled(
            name=one.package.name,
            version=one.package.version,
            sdist=one.sdist,
            step=named.get(one.package.name, pips[-1][0]),
        )
        for one in routes
        if one.sdist
    ]
    pinned = _build_lock(loaded)
    made = Container(
        target=target,
        image=build_image(target.base, target.arch),
        steps=tuple((number, step) for number, step in chosen if inside(step, node, rubies)),
        sources=sources(loaded.recipe, target),
        compiled=tuple(compiled),
        recipe_files=tuple(sorted(_beside(loaded).items())),
        dlopened=loaded.recipe.libraries.dlopen,
        build_pins=requirements_lock.build_pins(pinned, target) if compiled and pinned else (),
        node=node if node and node.scripts else None,
        gems=rubies if rubies and rubies.compiled else None,
    )
    return made if made.parts else None


def _build_lock(loaded: Loaded) -> Path | None:
    path = loaded.lock_named(BUILD_LOCK)
    return path if path and path.is_file() else None


def _beside(loaded: Loaded) -> dict[str, str]:
    """Return the files that scripts can read, with their hashes: all that lie beside the recipe."""
    if loaded.folder is None or loaded.adhoc:
        return {}
    own = {RECIPE_FILE, LOCK_FILE, BUILD_LOCK, NPM_LOCK, MAVEN_LOCK, GEM_LOCK}
    return {name: digest for name, digest in files.hashes(loaded.folder).items() if name.rpartition("/")[2] not in own}


def _interpreter(loaded: Loaded, target: Target, *, has_python: bool) -> str | None:
    """Say who compiles the bytecode: a Python of this host, else the runtime's own in its image.

    Whether an engine is there for the latter is not asked here: a layer that is built already needs none.
    """
    if not has_python or loaded.recipe.slim.bytecode == "off" or len(target.runtimes) > 1:
        return None
    if found := interpreters.find(target.base.series):
        return found.version
    image = run_image(target.base, target.arch)
    return f"{target.base.series} in {target.base.image.replace('-{arch}', '')}@{image.digest or 'its newest'}"


def interpreter(planned: Plan, choice: EngineChoice) -> interpreters.Interpreter | None:
    """Return what compiles the bytecode of a plan; None when it must be done without.

    A container's Python is of the engine's architecture: bytecode is the same for all. For a layer that needs no
    engine otherwise, nothing is pulled: a minute for a second of start-up would be a surprise.
    """
    target = planned.target
    if planned.interpreter is None:
        return None
    if found := interpreters.find(target.base.series):
        return found
    engine = choice.engine() if planned.container else client.present(choice.kind, choice.builder)
    if engine is None:
        return None
    image = run_image(target.base, engine.architecture)
    if planned.container is None and not containers.has(engine, image):
        return None
    return containers.interpreter(engine, image, target.base.interpreter, target.base.series)


def without_bytecode(planned: Plan) -> Plan:
    """Return the plan of the same layer for a host that cannot compile its bytecode."""
    runtime = planned.target.base
    warning = (
        f"no Python {runtime.series} on this host, so the layer comes without bytecode and starts slower; "
        f"`uv python install {runtime.series}` gives one, or an engine that has the image "
        f"{run_image(runtime, planned.target.arch).name}"
    )
    return dataclasses.replace(planned, interpreter=None, warnings=(*planned.warnings, warning))


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """How the engine at hand would compile a plan."""

    way: str | None = None
    """`native`, `accelerated`, `emulated`, or why it is not possible; None when nothing is compiled."""
    node: str | None = None
    """The machine of the engine that would do it, when it needs no emulation."""
    slow: tuple[str, ...] = ()
    """What is emulated although the rest is not, each with the reason."""
    dockerfile: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs, to be joined with the plan."""
        return {"way": self.way, "node": self.node, "slow": list(self.slow), "dockerfile": self.dockerfile or None}


def outlook(planned: Plan, choice: EngineChoice) -> Outlook:
    """Ask the engine how it would compile a plan, and return that with the Dockerfile for it."""
    if planned.container is None:
        return Outlook()
    try:
        engine = choice.engine()
        chosen = decide(planned.container, engine, choice.route)
    except EngineError as error:
        return Outlook(way=f"not possible here: {error.what}", dockerfile=planned.dockerfile)
    arch = planned.target.arch
    node = engine.native_node(arch)
    languages = planned.container.slow_languages if chosen.acceleration else ()
    return Outlook(
        way=chosen.name,
        node=node.name if node else None,
        slow=tuple(f"{name}: C, C++, Go and Rust alone have a compiler of the engine's own" for name in languages),
        dockerfile=dockerfile.describe(planned.container, chosen.acceleration),
    )
