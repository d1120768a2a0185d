"""The recipes of a split: each keeps the versions, exceptions and settings of the recipe that concern its packages."""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from builder.authoring.recipe_text import Tables, as_table, recipe_text
from builder.authoring.split import Share, Split, divisible
from builder.base import files
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.layer.patterns import Matcher
from builder.model.recipe import Allow, Test
from builder.model.recipes import RECIPE_FILE, Loaded
from builder.model.target import Target
from builder.packages.dividing import Divider, closure

T = TypeVar("T")
_AXES: tuple[tuple[str, ...], ...] = (("os",), ("arch",), ("runtime",), ("os", "arch"), ("runtime", "arch"))
"""Keys of a condition, in the order in which they are tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerRecipe:
    """One layer of a split with the recipe that it comes from."""

    loaded: Loaded
    division: Split
    share: Share
    divider: Divider[Any]

    @property
    def targets(self) -> list[Target]:
        """The targets of the recipe on which the layer has packages."""
        contents = self.division.contents
        return [target for target in contents if self.share.names & contents[target].keys()]

    @property
    def files(self) -> frozenset[str]:
        """Paths in the layer, relative to /opt."""
        contents = self.division.contents
        return frozenset(
            path
            for target in self.targets
            for name in self.share.names & contents[target].keys()
            for path in contents[target][name].files
        )

    @property
    def suffix(self) -> str:
        return self.share.name.removeprefix(self.loaded.name)


def write(loaded: Loaded, division: Split, folder: Path) -> list[Path]:
    """Write one recipe for each layer into the folder of recipes. Raises UsageError rather than overwrite a folder."""
    texts = {folder / part.share.name / RECIPE_FILE: text(part) for part in layer_recipes(loaded, division)}
    if existing := [path.parent.as_posix() for path in texts if path.parent.exists()]:
        msg = "recipes of that name are there already"
        raise UsageError(msg, why=existing, hint="remove them to split anew")
    for path, content in texts.items():
        files.writable(path.parent)
        with files.replacing(path) as draft:
            draft.write_text(content, encoding="utf-8", newline="\n")
    return list(texts)


def layer_recipes(loaded: Loaded, division: Split) -> list[LayerRecipe]:
    divider, _ = divisible(loaded)
    return [LayerRecipe(loaded=loaded, division=division, share=share, divider=divider) for share in division.shares]


def untested(loaded: Loaded, division: Split) -> list[int]:
    """Return the numbers, from 1, of the tests that no layer of a split can run by itself."""
    every = layer_recipes(loaded, division)
    return [
        number for number, test in enumerate(loaded.recipe.test, 1) if not any(_testable(part, test) for part in every)
    ]


def warnings(loaded: Loaded, division: Split) -> Iterator[str]:
    """Yield a warning for each test that no layer of a split can run by itself."""
    for number in untested(loaded, division):
        needed = "needs packages of several layers: no written recipe has it"
        yield f"[[test]] number {number} of {loaded.name} {needed}"


def text(part: LayerRecipe) -> str:
    """Return the recipe of a layer."""
    recipe = part.loaded.recipe
    tables: Tables = {
        "layer": _layer(part),
        "targets": _targets(part),
        "override": [
            as_table(override)
            for override in recipe.override
            if any(target.matches(override.when) for target in part.targets)
        ],
        "step": list(_steps(part)),
        "slim": as_table(recipe.slim),
        "libraries": _libraries(part),
        "test": list(_tests(part)),
        "allow": [as_table(allow) for allow in recipe.allow if _concerned(part, allow)],
        "publish": _publish(part),
    }
    return recipe_text(tables, *_comments(part))


def _comments(part: LayerRecipe) -> Iterator[str]:
    needed = {name for target in part.targets for name in part.division.elsewhere(part.share, target)}
    for layer in part.division.shares:
        if brought := sorted(needed & layer.names):
            yield f"Goes with {layer.name}, which has {', '.join(brought)}."


def _layer(part: LayerRecipe) -> dict[str, Any]:
    layer, roots = part.loaded.recipe.layer, part.share.roots
    description = f"{', '.join(roots)} of {layer.name}" if roots else f"Packages that the layers of {layer.name} share"
    needs_base = any(part.division.elsewhere(part.share, target) - part.division.excluded for target in part.targets)
    goes_with = f"; goes with {part.division.shares[0].name}" if needs_base else ""
    return {
        "name": part.share.name,
        "version": layer.version,
        "description": (description + goes_with)[:256],
        "license": "see its packages",
    }


def _targets(part: LayerRecipe) -> dict[str, Any]:
    """Return [targets] without runtimes and architectures that have none of the packages."""
    listed = part.loaded.recipe.targets
    runtimes = [name for name in listed.runtimes if any(_has(target, name) for target in part.targets)]
    architectures = [name for name in listed.architectures if any(_has(target, name) for target in part.targets)]
    for target in part.division.contents:
        inside = any(_has(target, name) for name in runtimes) and any(_has(target, name) for name in architectures)
        if inside and target not in part.targets:
            msg = f"{part.loaded.name} cannot be split: {part.share.name} would have no package for {target.name}"
            raise UsageError(msg, hint="divide the recipe by runtimes or architectures first")
    return {"runtimes": runtimes, "architectures": architectures, **_but(as_table(listed), "runtimes", "architectures")}


def _but(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}


def _has(target: Target, name: str) -> bool:
    return name in {*(runtime.name for runtime in target.runtimes), *(arch.name for arch in target.architectures)}


def _steps(part: LayerRecipe) -> Iterator[dict[str, Any]]:
    """Yield the steps: one for all targets if they have the same packages, else one for each kind of them."""
    step, share, division = part.loaded.recipe.step[0], part.share, part.division
    by_target = {}
    for target in part.targets:
        packages = division.contents[target]
        own = [packages[name] for name in sorted(share.names & packages.keys())]
        elsewhere = sorted(division.elsewhere(share, target))
        by_target[target] = part.divider.divided(step, own, elsewhere, target)
    for when, steps in _conditions(by_target):
        yield from ({**table, **when} for table in steps)


def _conditions(values: Mapping[Target, T]) -> Iterator[tuple[dict[str, Any], T]]:
    """Yield each value with the `when` of its targets; one value without a condition if it is the same for all."""
    first = next(iter(values.values()))
    if all(value == first for value in values.values()):
        yield {}, first
        return
    for axes in _AXES:
        by_key: dict[tuple[str, ...], list[T]] = {}
        for target, value in values.items():
            by_key.setdefault(_key(target, axes), []).append(value)
        if all(value == group[0] for group in by_key.values() for value in group):
            yield from (({"when": dict(zip(axes, key, strict=True))}, group[0]) for key, group in by_key.items())
            return


def _key(target: Target, axes: Sequence[str]) -> tuple[str, ...]:
    values = {"os": target.base.os.name, "arch": target.arch.name, "runtime": target.base.name}
    return tuple(values[axis] for axis in axes)


def _libraries(part: LayerRecipe) -> dict[str, Any]:
    """Return [libraries] for the layers that have libraries: those with compiled packages, if there are any."""
    compiled = part.division.compiled
    return as_table(part.loaded.recipe.libraries) if not compiled or compiled & part.share.names else {}


# ---- tests ---------------------------------------------------------------------------------------------------------


def _tests(part: LayerRecipe) -> Iterator[dict[str, Any]]:
    """Yield the tests that the layer can run by itself.

    Without any, a layer that needs others is tested for its files: the default test would import them.
    """
    own = [as_table(test) for test in part.loaded.recipe.test if _testable(part, test)]
    if own:
        yield from own
    elif any(part.division.elsewhere(part.share, target) for target in part.targets):
        contents, names = part.division.contents, part.share.names
        landmarks = {
            target: [contents[target][name].landmark for name in sorted(names & contents[target].keys())]
            for target in part.targets
        }
        yield from ({"files": paths, **when} for when, paths in _conditions(landmarks))


def _testable(part: LayerRecipe, test: Test) -> bool:
    """Tell whether a layer has everything that a test needs, on each target that the test is for."""
    chosen = [target for target in part.targets if target.matches(test.when)]
    if test.invoke and test.invoke.files:
        return False  # they lie beside the recipe that is divided
    if test.files:
        return bool(chosen) and all(fnmatch.filter(part.files, pattern) for pattern in test.files)
    return bool(chosen) and all(_importable(part, test, target) for target in chosen)


def _importable(part: LayerRecipe, test: Test, target: Target) -> bool:
    packages = part.division.contents[target]
    modules = part.divider.imports(test)
    imported = {package.name for package in packages.values() if package.modules & modules}
    if not imported:  # whatever it needs, a layer with all packages has it
        imported = set(packages)
    return all(closure(name, packages) - part.division.excluded <= part.share.names for name in imported)


# ---- exceptions and publishing -------------------------------------------------------------------------------------


def _concerned(part: LayerRecipe, allow: Allow) -> bool:
    """Tell whether an [[allow]] can cover a finding of the layer: its path is there, or in no layer of the split."""
    if allow.path is None:
        return True
    pattern = Matcher([allow.path])
    inside = any(pattern.match_file(path) for path in part.files)
    every = layer_recipes(part.loaded, part.division)
    return inside or not any(pattern.match_file(path) for other in every for path in other.files)


def _publish(part: LayerRecipe) -> dict[str, Any]:
    """Return [publish] with a name and a parameter for each layer: one name for two would mix their versions."""
    publish = part.loaded.recipe.publish
    settings = as_table(publish)
    for key in ("name", "ssm"):
        if (pattern := getattr(publish, key)) and "{name}" not in pattern:
            settings[key] = f"{pattern}{part.suffix}"
    return settings
