"""Everything that decides a layer, by name. What differs from the last good build is why it is built again."""

import json
from collections.abc import Iterator, Mapping
from functools import cache

from builder.base import files
from builder.layer import interpreters
from builder.model import facts
from builder.model.recipes import RECIPE_FILE, Loaded
from builder.model.target import Target
from builder.packages import table
from builder.plan.plan import tool

UNKNOWN = "unknown"
"""Of an image that is not pinned and whose registry did not answer."""
_hashed = cache(files.hashes)
"""All targets of a recipe have the same files."""
TOOL, IMAGE, OPTION, PYTHON = "layerwright", "image", "option", "Python"


def image_paths(target: Target) -> list[str]:
    """Return the images of a target below the registry: those it is compiled and tried in."""
    found = {path for own in target.runtimes for arch in target.architectures for path in own.images(arch).values()}
    return sorted(found)


def of(loaded: Loaded, target: Target, options: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs of one target: names that people know, and what tells one state of it from another.

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
    """Tell whether an index decides what is in a layer: then only a plan shows if it is another one today."""
    paths = [ecosystem.lock_path(loaded) for ecosystem in table.of_recipe(loaded)]
    return any(path is None or not path.is_file() for path in paths)


@cache
def _tool() -> str:
    """Name this layerwright with its facts, but for the pins: those are inputs of their own."""
    named = {path.relative_to(facts.folder()).as_posix(): path for path in facts.files()}
    found = {name: files.sha256(path) for name, path in named.items() if not name.startswith("pins")}
    return f"{tool()}.{files.sha256_of(json.dumps(found).encode())[:16]}"


def _interpreter(loaded: Loaded, target: Target) -> dict[str, str]:
    """Name what compiles the bytecode, where the recipe has any."""
    if not target.base.python or not any(target.base.language in step.languages for step in loaded.recipe.step):
        return {}
    found = interpreters.find(target.base.series)
    return {PYTHON: found.version if found else "the image's"}


def forget() -> None:
    """Read files anew at the next question; for those who change them in one process."""
    _hashed.cache_clear()
    _tool.cache_clear()


# ---- why -----------------------------------------------------------------------------------------------------------


def reasons(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Say what differs, in the words of those who read it in the morning."""
    return tuple(_told(name, before.get(name), now.get(name)) for name in _differing(before, now))


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}, key=lambda name: (name != RECIPE_FILE, name)):
        if before.get(name) != now.get(name) and now.get(name) != UNKNOWN:
            yield name


def _told(name: str, old: str | None, new: str | None) -> str:
    kind, _, what = name.partition(" ")
    if name == TOOL:
        before, now = ((text or "").partition("+")[0] for text in (old, new))
        return f"layerwright is {now}, it was {before}" if before != now else "layerwright's code or facts changed"
    if name == PYTHON:
        return f"bytecode is compiled by Python {new or 'nobody'}, it was {old or 'nobody'}"
    if kind == OPTION:
        return f"{what} is {new or 'not given'}, it was {old or 'not given'}"
    if kind == IMAGE:
        name = f"base image {what}"
        if old == UNKNOWN:
            return f"{name} was not known, and is now"
        return f"{name} has another digest" if old and new else f"{name} is {_came(old)}"
    return f"{name} changed" if old and new else f"{name} is {_came(old)}"


def _came(old: str | None) -> str:
    return "gone" if old else "new"
