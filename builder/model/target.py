"""Targets: the zips of a recipe. The name of a target is made from its fields and never parsed."""

import fnmatch
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

from builder.base.errors import NothingSelectedError, UsageError, near
from builder.base.frozen import dataclass
from builder.base.values import STORED, StoredAs, untrusted
from builder.model.architectures import ARCHITECTURES, Architecture, architecture
from builder.model.recipe import Axis, Recipe
from builder.model.runtimes import Runtime, runtime, runtimes
from builder.model.steps import Step, When

T = TypeVar("T")


def _known(table: Mapping[str, T], value: object, what: str) -> T:
    if isinstance(value, str) and value in table:
        return table[value]
    raise untrusted(STORED, value, what)


def _name(fact: Runtime | Architecture) -> str:
    return fact.name


StoredRuntime = Annotated[
    Runtime, StoredAs(plain=True, parse=lambda value: _known(runtimes(), value, "a runtime of Lambda"), write=_name)
]
StoredArchitecture = Annotated[
    Architecture,
    StoredAs(plain=True, parse=lambda value: _known(ARCHITECTURES, value, "an architecture of Lambda"), write=_name),
]
"""Facts are stored by their names: they belong to layerwright, and are read from its data again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One zip: a layer for some runtimes and architectures."""

    layer: str
    version: str
    runtimes: tuple[StoredRuntime, ...]
    architectures: tuple[StoredArchitecture, ...]
    split_by: tuple[Axis, ...]

    @property
    def name(self) -> str:
        """Name of the zip, for example `numpy-2.3.2-python3.13-arm64`; only axes in `split_by` are part of it."""
        parts = [self.layer, self.version]
        if "runtime" in self.split_by:
            parts.append(self.runtimes[0].name)
        if "arch" in self.split_by:
            parts.append(self.architectures[0].name)
        return "-".join(parts)

    @property
    def base(self) -> Runtime:
        """Runtime that the zip is built on: of the oldest operating system the first in the recipe."""
        return min(self.runtimes, key=lambda candidate: candidate.os.age)

    @property
    def arch(self) -> Architecture:
        """Architecture that the zip is built on."""
        return self.architectures[0]

    def matches(self, when: When | None) -> bool:
        """Tell whether a step, override or test with a condition is for the target."""
        return matches(when, self.base, self.arch)

    def expand(self, template: str) -> str:
        """Fill in `{name} {version} {arch} {machine}`."""
        values = {"name": self.layer, "version": self.version, "arch": self.arch.name, "machine": self.arch.machine}
        for key, value in values.items():
            template = template.replace(f"{{{key}}}", value)
        return template


def matches(when: When | None, runtime: Runtime, arch: Architecture) -> bool:
    """Tell whether a condition holds, which means that all values in it are equal."""
    if when is None:
        return True
    pairs = ((when.os, runtime.os.name), (when.arch, arch.name), (when.runtime, runtime.name))
    return all(expected is None or expected == actual for expected, actual in pairs)


def steps(recipe: Recipe, target: Target) -> list[tuple[int, Step]]:
    """Return the steps for a target with their numbers, from 1. Raises UsageError if there are none."""
    chosen = [(number, step) for number, step in enumerate(recipe.step, 1) if target.matches(step.when)]
    if not chosen:
        msg = f"no step of the recipe is for {target.name}"
        raise UsageError(msg, hint="`when` excludes it; remove the runtime or architecture from [targets], too")
    return chosen


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Filters of the command line; an empty one selects all."""

    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.runtimes:
            runtime(name)
        for name in self.architectures:
            architecture(name)

    def selects(self, target: Target) -> bool:
        """Tell whether a target is one of these."""
        by_runtime = not self.runtimes or any(each.name in self.runtimes for each in target.runtimes)
        by_arch = not self.architectures or any(each.name in self.architectures for each in target.architectures)
        by_name = not self.only or any(fnmatch.fnmatchcase(target.name, pattern) for pattern in self.only)
        return by_runtime and by_arch and by_name


def targets(recipe: Recipe) -> list[Target]:
    """Return all targets of a recipe, in the order of the recipe."""
    table = recipe.targets
    runtime_groups = _groups([runtime(name) for name in table.runtimes], split="runtime" in table.split_by)
    arch_groups = _groups([architecture(name) for name in table.architectures], split="arch" in table.split_by)
    every = []
    for group, architectures in itertools.product(runtime_groups, arch_groups):
        target = Target(
            layer=recipe.layer.name,
            version=recipe.layer.version,
            runtimes=group,
            architectures=architectures,
            split_by=table.split_by,
        )
        every.append(_overridden(target, recipe))
    return every


def _overridden(target: Target, recipe: Recipe) -> Target:
    for override in recipe.override:
        if target.matches(override.when):
            return Target(
                layer=target.layer,
                version=override.version,
                runtimes=target.runtimes,
                architectures=target.architectures,
                split_by=target.split_by,
            )
    return target


def _groups(values: Sequence, *, split: bool) -> list[tuple]:  # type: ignore[type-arg]
    return [(value,) for value in values] if split else [tuple(values)]


def select(candidates: Iterable[Target], selection: Selection) -> list[Target]:
    """Return the selected targets. Raises NothingSelectedError, which lists the targets, if there are none."""
    every = list(candidates)
    chosen = [target for target in every if selection.selects(target)]
    if chosen:
        return chosen
    _explain_unused(every, selection)
    msg = "no target is selected"
    raise NothingSelectedError(msg, why=[f"there is {target.name}" for target in every[:12]])


def _explain_unused(every: Sequence[Target], selection: Selection) -> None:
    """Raise UsageError for a pattern without wildcards that is not the name of a target."""
    names = [target.name for target in every]
    for pattern in selection.only:
        if not any(mark in pattern for mark in "*?[") and pattern not in names:
            msg = f"no target is called `{pattern}`{near(pattern, names)}"
            raise UsageError(msg)
