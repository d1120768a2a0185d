"""`layerwright images survey --all`: what Amazon's images have, and where that is not what layerwright assumes."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.authoring import pin
from builder.base import files
from builder.base.emitter import Events
from builder.base.errors import LayerwrightError, NothingSelectedError
from builder.base.frozen import dataclass
from builder.engine import survey
from builder.engine.client import Engine
from builder.model import image_facts, images, libraries, runtimes, symbol_versions
from builder.model.architectures import ARCHITECTURES, Architecture
from builder.model.image_facts import ImageFacts
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime
from builder.model.steps import Build, Packages, Script
from builder.model.target import targets

_USED = ("cmp", "find", "gcc", "gzip", "make", "python3", "tar")
"""Programs that build steps of ours start."""
_SONAME = re.compile(r"[^/]+\.so\.\d+")
"""Beside it, images have the file under its full version, which no program names."""
_SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyedImage:
    """One image after its survey."""

    path: str
    """Below the registry."""
    file: Path
    differences: tuple[str, ...]
    """Where the image is not what was known of it, each a sentence without its full stop."""
    recipes: tuple[str, ...]
    """Recipes that are compiled in it, if there are differences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """The images of a survey."""

    images: tuple[SurveyedImage, ...]
    missing: tuple[LayerwrightError, ...]
    """Errors of the other images."""


def everything(engine: Engine, chosen: Sequence[Runtime], recipes: Sequence[Loaded], events: Events) -> Survey:
    """Survey the images of runtimes, for each architecture, and write what they have.

    The files are written as the answers come; an image that cannot be asked does not keep the others back. Raises
    NothingSelectedError if none could be asked.
    """
    done: list[SurveyedImage] = []
    errors: list[LayerwrightError] = []
    paths = pin.paths(list(chosen))
    for number, path in enumerate(paths):
        events.progress(number, len(paths), "images")
        runtime, arch = _use_of(path, chosen)
        try:
            found = survey.survey(engine, path, images.image(path), arch)
        except LayerwrightError as error:
            errors.append(error)
            continue
        differences = tuple(_differences(found, runtime, arch))
        done.append(
            SurveyedImage(
                path=path,
                file=_write(found),
                differences=differences,
                recipes=tuple(_touched(recipes, path)) if differences else (),
            )
        )
    runtimes.forget()
    if not done:
        msg = f"none of the {len(paths)} images could be asked"
        raise NothingSelectedError(msg, why=[error.brief for error in errors[:3]])
    return Survey(images=tuple(done), missing=tuple(errors))


def _use_of(path: str, chosen: Sequence[Runtime]) -> tuple[Runtime, Architecture]:
    """Return a runtime and an architecture that an image is for."""
    return next(
        (runtime, arch)
        for runtime in chosen
        for arch in ARCHITECTURES.values()
        if path in runtime.images(arch).values()
    )


def _write(found: ImageFacts) -> Path:
    path = image_facts.file_of(found.image)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as part:
        part.write_text(image_facts.text(found), encoding="utf-8", newline="\n")
    return path


def _touched(recipes: Sequence[Loaded], path: str) -> Iterator[str]:
    """Yield the recipes that may compile in an image."""
    for loaded in recipes:
        steps = loaded.recipe.step
        if any(isinstance(step, (Build, Packages, Script)) for step in steps) and any(
            path in target.base.images(target.arch).values() for target in targets(loaded.recipe)
        ):
            yield loaded.name


# ---- what differs --------------------------------------------------------------------------------------------------


def _differences(found: ImageFacts, runtime: Runtime, arch: Architecture) -> Iterator[str]:
    """Yield where an image is not what layerwright assumes of it."""
    before = image_facts.of(found.image)
    if before is not None:
        yield from _since(before, found)
    if found.image == runtime.images(arch)["build"]:
        yield from _of_building(found, runtime)
    if found.image == runtime.images(arch)["run"]:
        yield from _of_running(found, runtime, arch)


def _since(before: ImageFacts, found: ImageFacts) -> Iterator[str]:
    """Yield what changed since the survey before."""
    for what in ("release", "releasever", "bin_sh", "coreutils", "manager", "node_headers"):
        old, new = getattr(before, what), getattr(found, what)
        if old != new:
            yield f"{what.replace('_', ' ')}: `{old or 'none'}` before, `{new or 'none'}` now"
    if gone := sorted(before.programs.keys() - found.programs.keys()):
        yield f"programs that are gone: {', '.join(gone)}"


def _of_building(found: ImageFacts, runtime: Runtime) -> Iterator[str]:
    manager = found.manager
    if manager is None:
        yield "no package manager that layerwright knows"
    elif runtime.assumed_manager != manager:
        yield f"its package manager is {manager}, where {runtime.assumed_manager} was assumed"
    brought = {tool.partition("=")[0] for tool in runtime.tools}
    if missing := [name for name in _USED if name not in found.programs and name not in brought]:
        yield f"programs that build steps may start, and it lacks: {', '.join(missing)}"
    if runtime.language == "nodejs" and not found.node_headers:
        yield "no headers of Node.js: native modules take those of an npm package"


def _of_running(found: ImageFacts, runtime: Runtime, arch: Architecture) -> Iterator[str]:
    having = {**found.libraries, **found.language_libraries}
    assumed = libraries.certain([runtime], [arch]) - {arch.loader.rpartition("/")[2]}
    if absent := sorted(name for name in assumed - having.keys() if _SONAME.fullmatch(name)):
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        yield f"libraries that it lacks: {', '.join(absent[:_SHOWN])}{more}"
    for name in sorted(having):
        known = libraries.versions_of(name, runtime, arch)
        if known is None:
            continue
        own = found.language_libraries.get(name) or found.libraries.get(name, ())
        for version in known.everywhere:
            if not symbol_versions.has(own, version):
                yield f"`{name}` has {symbol_versions.same_family(own, version)}, where {version} was assumed"
