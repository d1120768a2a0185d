"""The inputs that decide a layer, by name; a difference to the last successful build is a reason to build again."""

import json
from collections.abc import Iterator, Mapping
from functools import cache

from builder.base import files, programs
from builder.layer import interpreters
from builder.model import facts
from builder.model.recipes import RECIPE_FILE, Loaded
from builder.model.target import Target
from builder.packages import table
from builder.plan.plan import tool

UNKNOWN = "unknown"
"""Digest of an image that is not pinned and whose registry did not respond."""
_hashed = cache(files.hashes)
"""All targets of a recipe have the same files."""
TOOL, IMAGE, OPTION, PYTHON = "layerwright", "image", "option", "Python"


def image_paths(target: Target) -> list[str]:
    """Return the images that a target is compiled and tested in, as paths below the registry."""
    pairs = ((runtime, arch) for runtime in target.runtimes for arch in target.architectures)
    return sorted({path for runtime, arch in pairs for path in runtime.images(arch).values()})


def of(loaded: Loaded, target: Target, options: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs of one target: a name that users know, and a digest or version of each.

    Packages of Amazon Linux 2023 need no name here: its repositories are locked to the release of the build image
    (https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html), so the image's digest decides them.
    """
    return {
        TOOL: _tool(),
        **(_hashed(loaded.folder) if loaded.folder else {}),
        **{f"{IMAGE} {path}": digests.get(path, UNKNOWN) for path in image_paths(target)},
        **{f"{OPTION} {name}": value for name, value in options.items()},
        **_interpreter(loaded, target),
    }


def unlocked(loaded: Loaded) -> bool:
    """Tell whether a step has no lock. The index then decides the layer, so only a new plan shows a change."""
    paths = [ecosystem.lock_path(loaded) for ecosystem in table.of_recipe(loaded)]
    return any(path is None or not path.is_file() for path in paths)


@cache
def _tool() -> str:
    """Return an identifier of this layerwright and its facts, without the pins: those are inputs of their own."""
    named = {path.relative_to(facts.folder()).as_posix(): path for path in facts.files()}
    hashes = {name: files.sha256(path) for name, path in named.items() if not name.startswith("pins")}
    hashes |= {path.relative_to(programs.folder()).as_posix(): files.sha256(path) for path in programs.files()}
    return f"{tool()}.{files.sha256_of(json.dumps(hashes).encode())[:16]}"


def _interpreter(loaded: Loaded, target: Target) -> dict[str, str]:
    """Return the version of the Python that compiles the bytecode, where the recipe has bytecode."""
    if not target.base.python or not any(target.base.language in step.languages for step in loaded.recipe.step):
        return {}
    interpreter = interpreters.find(target.base.series)
    return {PYTHON: interpreter.version if interpreter else "the image's"}


def forget() -> None:
    """Clear the cached hashes, for callers that change files within one process."""
    _hashed.cache_clear()
    _tool.cache_clear()


# ---- why -----------------------------------------------------------------------------------------------------------


def reasons(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line for each input that differs, for the report."""
    return tuple(_reason(name, before.get(name), now.get(name)) for name in _differing(before, now))


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}, key=lambda name: (name != RECIPE_FILE, name)):
        if before.get(name) != now.get(name) and now.get(name) != UNKNOWN:
            yield name


def _reason(name: str, old: str | None, new: str | None) -> str:
    kind, _, what = name.partition(" ")
    if name == TOOL:
        before, now = ((text or "").partition("+")[0] for text in (old, new))
        return f"layerwright is {now}, it was {before}" if before != now else "layerwright's code or facts changed"
    if name == PYTHON:
        return f"bytecode is compiled by Python {new or '(none)'}, it was {old or '(none)'}"
    if kind == OPTION:
        return f"{what} is {new or '(not given)'}, it was {old or '(not given)'}"
    if kind == IMAGE:
        name = f"base image {what}"
        if old == UNKNOWN:
            return f"the digest of {name} was unknown before"
        return f"{name} has another digest" if old and new else f"{name} was {_came(old)}"
    return f"{name} changed" if old and new else f"{name} was {_came(old)}"


def _came(old: str | None) -> str:
    return "removed" if old else "added"
