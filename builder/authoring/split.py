"""One recipe that is too large becomes several layers, of which each function takes those that it imports.

Lambda's limit of 250 MB applies to a function with all its layers, so no split makes more fit into one function. It
gives a layer of its own to packages that many functions need, and makes functions fit that need only some of the rest.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from builder.base import cache_paths
from builder.base.errors import BuildError, CheckFailedError, UsageError
from builder.base.frozen import dataclass
from builder.layer import slim, tree
from builder.layer.checks import size
from builder.layer.merge import MOST
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipes import Loaded
from builder.model.target import Target, targets
from builder.packages import table
from builder.packages.dividing import Divider, Weighed, closure
from builder.plan.plan import Plan
from builder.plan.planning import plan

Packages = Mapping[str, Weighed]
"""The packages of one target, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One of the layers."""

    name: str
    roots: tuple[str, ...]
    """Packages that the recipe asks for; empty for the layer that others share."""
    names: frozenset[str]
    """All its packages, on whatever target."""
    packages: tuple[Weighed, ...]
    """Those on the measured target."""

    @property
    def bytes(self) -> int:
        return sum(package.bytes for package in self.packages)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """The layers that a recipe is divided into."""

    target: Target
    """The target that the sizes are measured for."""
    shares: tuple[Share, ...]
    """The shared one first."""
    contents: Mapping[Target, Packages]
    """The packages of every target, with the excluded ones; the measured target is the first."""
    excluded: frozenset[str]
    """Packages that the recipe itself leaves to another layer."""
    compiled: frozenset[str]
    """Packages that have no wheel on some target, so that a container compiles them."""

    @cached_property
    def total(self) -> int:
        """Bytes of the recipe's layer."""
        return sum(share.bytes for share in self.shares)

    def elsewhere(self, share: Share, target: Target | None = None) -> set[str]:
        """Return the packages that a layer needs, directly or not, from others. Default: on the measured target."""
        packages = self.contents[target or self.target]
        inside = share.names & packages.keys()
        return {name for root in inside for name in closure(root, packages)} - inside

    def attached(self, share: Share) -> tuple[Share, ...]:
        """Return the layers that a function needs for the packages of one."""
        needed = self.elsewhere(share)
        return tuple(layer for layer in self.shares if layer is share or needed & layer.names)


def split(loaded: Loaded, target: Target) -> Split:
    """Decide which packages go into which layer, on all targets alike; `target` is the one to measure.

    Raises UsageError for a recipe that cannot be split, CheckFailedError if a single import is over the limit.
    """
    divider, step = divisible(loaded)
    roots = divider.roots(loaded, step)
    excluded = divider.excluded(step)
    whole = dataclasses.replace(loaded, recipe=dataclasses.replace(loaded.recipe, step=(divider.whole(step),)))
    plans = {each: plan(whole, each) for each in [target, *(each for each in targets(loaded.recipe) if each != target)]}
    contents = _contents(whole, divider, plans)
    included = [root for root in roots if root not in excluded]
    division = Split(
        target=target,
        shares=tuple(_fewer(list(_shares(loaded.name, included, contents, excluded)))),
        contents=contents,
        excluded=excluded,
        compiled=frozenset(package.name for each in plans.values() for package in each.packages if package.stage),
    )
    for share in division.shares:
        _require_fitting(division, share)
    return division


def divisible(loaded: Loaded) -> tuple[Divider[Any], Any]:
    """Return the one step of a recipe and how it is divided. Raises UsageError for a recipe that cannot be split."""
    steps = loaded.recipe.step
    ecosystem = table.of_step(steps[0])
    if len(steps) == 1 and ecosystem and ecosystem.divider and ecosystem.divider.roots(loaded, steps[0]):
        return ecosystem.divider, steps[0]
    usable = " or ".join(f"`{kind.name}`" for kind in table.ECOSYSTEMS if kind.divider)
    msg = f"{loaded.name} cannot be split: only a recipe with a single step can, which lists packages of {usable}"
    hint = "what follows a project is divided by groups and extras, each in a recipe" if loaded.follows else None
    raise UsageError(msg, hint=hint)


def _contents(loaded: Loaded, divider: Divider[Any], plans: Mapping[Target, Plan]) -> dict[Target, Packages]:
    """Return the packages of every target. A target with the same versions as one before it is not downloaded."""
    trees: dict[frozenset[tuple[str, str]], Tree] = {}
    contents: dict[Target, Packages] = {}
    with cache_paths.workspace() as work:
        for number, (target, planned) in enumerate(plans.items()):
            versions = {package.name: package.version for package in planned.packages}
            key = frozenset(versions.items())
            if key not in trees:
                trees[key] = _tree(loaded, target, work / str(number))
            contents[target] = {
                name: dataclasses.replace(package, version=versions.get(name, package.version))
                for name, package in divider.weigh(trees[key], target).items()
            }
    return contents


def _tree(loaded: Loaded, target: Target, work: Path) -> Tree:
    """Return the slimmed layer of a target. Raises BuildError for packages that would have to be compiled."""
    work.mkdir()
    planned = plan(loaded, target, wheels_only=True)
    content = tree.Tree(())
    for resolution in planned.resolutions:
        content = resolution.assemble(content, {}, work)
    rules = planned.slim
    return slim.slim(content, rules, table.leftovers(), work / "stripped" if rules.strip else None).tree


def _shares(
    recipe: str, roots: Iterable[str], contents: Mapping[Target, Packages], excluded: frozenset[str]
) -> Iterator[Share]:
    """Yield a layer for each root with the packages that it alone needs, after one for those that several need.

    A package is in the same layer on every target.
    """
    measured = next(iter(contents.values()))
    names = {name for packages in contents.values() for name in packages} - excluded
    closures = {
        root: {name for packages in contents.values() for name in closure(root, packages)} - excluded
        for root in dict.fromkeys(roots)
    }
    shared = {name for name in names if sum(name in needed for needed in closures.values()) != 1}

    def share(suffix: str, roots: tuple[str, ...], members: set[str]) -> Share:
        packages = tuple(measured[name] for name in sorted(members & measured.keys()))
        return Share(name=f"{recipe}-{suffix}", roots=roots, names=frozenset(members), packages=packages)

    if shared:
        yield share("base", (), shared)
    for root, needed in closures.items():
        if members := needed - shared:
            yield share(root, (root,), members)


def _fewer(shares: list[Share]) -> list[Share]:
    """Join the smallest until a function can have all of them: five layers at most."""
    while len(shares) > MOST:
        first, second = sorted((share for share in shares if share.roots), key=lambda share: share.bytes)[:2]
        joined = Share(
            name=f"{first.name}-{second.roots[0]}",
            roots=(*first.roots, *second.roots),
            names=first.names | second.names,
            packages=tuple(sorted((*first.packages, *second.packages), key=lambda package: package.name)),
        )
        shares = [*(share for share in shares if share not in (first, second)), joined]
    return shares


def _require_fitting(division: Split, share: Share) -> None:
    needed = sum(layer.bytes for layer in division.attached(share))
    if needed > UNZIPPED_LIMIT:
        subject = f"{', '.join(share.roots)} with all that it needs"
        msg = f"{division.target.name}: {subject} is {needed / MB:.1f} MB, over Lambda's limit"
        largest = sorted(share.packages, key=lambda package: -package.bytes)[:5]
        why = [f"{package.bytes / MB:8.1f} MB  {package.name}" for package in largest]
        raise CheckFailedError(msg, why=why, hint=f"prune it, or {size.IMAGE}")


def require_large(division: Split, *, anyway: bool) -> None:
    """Raise BuildError for a layer that fits as it is, unless it shall be split anyway."""
    if division.total <= UNZIPPED_LIMIT and not anyway:
        msg = f"{division.target.name} fits: {division.total / MB:.1f} MB unzipped"
        raise BuildError(msg, hint="--anyway splits it all the same")
