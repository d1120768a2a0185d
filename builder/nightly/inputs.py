"""The inputs that decide a layer, by name; a difference to the last successful build is a reason to build again."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from builder.base import contained
from builder.base.errors import LayerwrightError
from builder.layer import compression, interpreters
from builder.model import image_facts
from builder.model.manifest import PackageRow
from builder.model.recipes import RECIPE_FILE, Loaded
from builder.model.steps import Build, Packages
from builder.model.target import Target, steps
from builder.packages import projects, table
from builder.packages.ecosystem import Ecosystem, requests
from builder.packages.pypi import uv
from builder.plan import formats, keys, program_texts

UNKNOWN = "unknown"
"""Digest of an image that is not pinned and whose registry did not respond."""
_hashed = cache(contained.hashes)
"""All targets of a recipe have the same files."""
IMAGE, OPTION, PYTHON = "image", "option", "Python"
UV, COMPRESSOR, LEFTOVERS, FACT = "uv", "compressor", "leftovers", "fact"
FORMAT, TEMPLATE, PROGRAM = "format", "template", "program"
RELEASE = "release"
OWN = frozenset({RELEASE, UV, COMPRESSOR, LEFTOVERS, FACT, FORMAT, TEMPLATE, PROGRAM})
"""What layerwright itself brings, or a survey tells. The recipe says what takes part: a new name alone is no reason."""
BEFORE = "layerwright"
"""The one name of all of it in records of older versions."""


def image_paths(target: Target) -> list[str]:
    """Return the images that a target is compiled and tested in, as paths below the registry."""
    pairs = ((runtime, arch) for runtime in target.runtimes for arch in target.architectures)
    return sorted({path for runtime, arch in pairs for path in runtime.images(arch).values()})


def of(
    loaded: Loaded, target: Target, options: Mapping[str, str], digests: Mapping[str, str], *, compiled: bool = True
) -> dict[str, str]:
    """Return the inputs of one target: a name that users know, and a digest or version of each.

    `compiled` tells whether a container takes part. Repositories of Amazon Linux 2023 are locked to a release
    (https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html): that of the image, or another that was
    chosen when the image was made. Its digest decides that; where it is not known, a survey may.
    """
    return {
        **_own(loaded, target, compiled=compiled),
        **(_hashed(loaded.folder) if loaded.folder else {}),
        **table.project_inputs(loaded),
        **table.local_inputs(loaded),
        **{f"{IMAGE} {path}": digests.get(path, UNKNOWN) for path in image_paths(target)},
        **(_releases(target) if compiled else {}),
        **{f"{OPTION} {name}": value for name, value in options.items()},
        **_interpreter(loaded, target),
    }


def _releases(target: Target) -> dict[str, str]:
    """Return the release that packages of each build image are from, as far as surveys tell."""
    images = sorted(target.base.images(arch)["build"] for arch in target.architectures)
    surveyed = ((image, image_facts.of(image)) for image in images)
    return {f"{RELEASE} {image}": found.releasever for image, found in surveyed if found and found.releasever}


def unlocked(loaded: Loaded) -> bool:
    """Tell whether a step has no lock. The index then decides the layer, so only a new plan shows a change."""
    paths = [ecosystem.lock_path(loaded) for ecosystem in table.of_recipe(loaded)]
    return any(path is None or not path.is_file() for path in paths)


def _own(loaded: Loaded, target: Target, *, compiled: bool) -> dict[str, str]:
    """Return what layerwright itself brings to a target: nothing that another recipe or runtime needs."""
    chosen = [step for _, step in steps(loaded.recipe, target)]
    uses = frozenset(step.uses for step in chosen)
    slim = loaded.recipe.slim
    written = {"layer", "slim", "manifest", *(formats.FORMATS.keys() & uses)}
    written |= {"strip"} if slim.strip else set()
    written |= {"bytecode"} if _has_bytecode(loaded, target) else set()
    named = {f"{FORMAT} {name}": str(version) for name, version in formats.versions(written).items()}
    named[COMPRESSOR] = compression.name()
    named[LEFTOVERS] = keys.key(table.leftovers())
    if "bytecode" in written:
        named.update(program_texts.compiler())
    if "pip" in uses:
        named[UV] = uv.version()
    if not compiled:
        return named
    installs = [name for step in chosen if isinstance(step, Packages) for name in step.install]
    systems = [step.build for step in chosen if isinstance(step, Build)]
    for name, value in keys.own(target, (uses - {"maven", "copy"}) | {"tree"}, installs, systems).items():
        kind = name.partition(" ")[0]
        plain = value if isinstance(value, str) else json.dumps(value)
        named[name if kind in {FORMAT, TEMPLATE, PROGRAM} else f"{FACT} {name}"] = plain
    return named


def _has_bytecode(loaded: Loaded, target: Target) -> bool:
    languages = (step.languages for step in loaded.recipe.step)
    python = target.base.python and any(target.base.language in each for each in languages)
    return bool(python) and loaded.recipe.slim.bytecode != "off" and len(target.runtimes) == 1


def _interpreter(loaded: Loaded, target: Target) -> dict[str, str]:
    """Return the version of the Python that compiles the bytecode, where the layer has bytecode."""
    if not _has_bytecode(loaded, target):
        return {}
    interpreter = interpreters.find(target.base.series)
    return {PYTHON: interpreter.version if interpreter else "the image's"}


def forget() -> None:
    """Clear the cached hashes, for callers that change files within one process."""
    _hashed.cache_clear()
    program_texts.forget()


# ---- why -----------------------------------------------------------------------------------------------------------


def reasons(
    before: Mapping[str, str], now: Mapping[str, str], changes: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, ...]:
    """Return a line for each input that differs, for the report. `changes` has what is known of a file's content."""
    if BEFORE in before:
        return ("its record is of an older layerwright, which knew less about its inputs",)
    return tuple(_reason(name, before.get(name), now.get(name), changes or {}) for name in differing(before, now))


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of inputs that are a reason to build again, the recipe first.

    A project that is refused has no other input: what it had takes no part.
    """
    refused = any(value.startswith(projects.REFUSED) for value in now.values())
    for name in sorted({*before, *now}, key=lambda name: (name != RECIPE_FILE, name)):
        new_name = name.partition(" ")[0] in OWN and not (name in before and name in now)
        gone = refused and name not in now
        if before.get(name) != now.get(name) and now.get(name) != UNKNOWN and not new_name and not gone:
            yield name


def lock_changes(
    loaded: Loaded, target: Target, names: Collection[str], had: Sequence[PackageRow]
) -> dict[str, tuple[str, ...]]:
    """Return packages that changed locks pin at other versions than a layer has: `numpy 2.2 -> 2.3`, by lock."""
    return {
        name: found
        for ecosystem in table.of_recipe(loaded)
        if (path := ecosystem.lock_path(loaded))
        for name in names
        if name == path.name or (name.endswith(f"/{path.name}") and path.resolve().as_posix().endswith(f"/{name}"))
        if (found := tuple(_versions(loaded, target, ecosystem, had)))
    }


def _versions(loaded: Loaded, target: Target, ecosystem: Ecosystem, had: Sequence[PackageRow]) -> Iterator[str]:
    before = {row.name: row.version for row in had if row.ecosystem == ecosystem.name}
    for request in requests(loaded, ecosystem.step):
        if request.target == target:
            try:
                pinned = ecosystem.pinned(request)
            except LayerwrightError:
                return  # the build tells what is wrong with the lock
            for name in sorted(before.keys() & pinned.keys()):
                if before[name] not in pinned[name]:
                    yield f"{name} {before[name]} -> {' and '.join(sorted(pinned[name]))}"


_SHOWN = 5
"""Packages of a lock in a reason."""


def _reason(name: str, old: str | None, new: str | None, changes: Mapping[str, Sequence[str]]) -> str:
    kind, _, what = name.partition(" ")
    if new and new.startswith(projects.REFUSED):
        return new.removeprefix(projects.REFUSED)
    if known := changes.get(name):
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        return f"{name}: {', '.join(known[:_SHOWN])}{more}"
    if kind == IMAGE:
        return _image_reason(what, old, new)
    texts = {
        PYTHON: f"bytecode is compiled by Python {new or '(none)'}, it was {old or '(none)'}",
        OPTION: f"{what} is {new or '(not given)'}, it was {old or '(not given)'}",
        UV: f"uv {old} -> {new}",
        RELEASE: f"packages of {what} are of release {new}, they were of {old}",
        COMPRESSOR: f"{old} -> {new}",
        LEFTOVERS: "layerwright leaves out other files of installers",
        FACT: f"layerwright knows better: {what}",
        FORMAT: f"layerwright writes another {what}: {old} -> {new}",
        TEMPLATE: f"template {what} changed",
        PROGRAM: f"program {what} changed",
    }
    return texts.get(kind) or (f"{name} changed" if old and new else f"{name} was {_came(old)}")


def _image_reason(path: str, old: str | None, new: str | None) -> str:
    name = f"base image {path}"
    if old == UNKNOWN:
        return f"the digest of {name} was unknown before"
    return f"{name} has another digest" if old and new else f"{name} was {_came(old)}"


def _came(old: str | None) -> str:
    return "removed" if old else "added"
