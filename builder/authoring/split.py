"""One recipe that is too large becomes several layers, of which each function takes what it imports.

Lambda's 250 MB hold for a function with all its layers together, so that no split makes more fit into one function. It
makes what many functions need a layer of its own, and each function fit that needs only some of the rest.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.base import cache_paths, files
from builder.base.errors import BuildError, CheckFailedError, UsageError
from builder.layer import slim, tree
from builder.layer.merge import MOST
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipes import Loaded
from builder.model.steps import Pip
from builder.model.target import Target
from builder.packages import table
from builder.packages.ecosystem import Weighed
from builder.plan.planning import plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One of the layers."""

    name: str
    roots: tuple[str, ...]
    """Packages that the recipe asks for; empty for what others share."""
    packages: tuple[Weighed, ...]

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.packages)


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    target: Target
    shares: tuple[Share, ...]
    """The shared one first."""
    total: int

    def elsewhere(self, share: Share) -> set[str]:
        """Return the packages that those of a layer need, directly or not, and that are in another one."""
        every = {one.name: one for layer in self.shares for one in layer.packages}
        own = {one.name for one in share.packages}
        return {name for one in own for name in _closure(one, every)} - own

    def attached(self, share: Share) -> tuple[Share, ...]:
        """Return the layers that a function needs for the packages of one."""
        needed = self.elsewhere(share)
        return tuple(one for one in self.shares if one is share or needed & {own.name for own in one.packages})


def split(loaded: Loaded, target: Target) -> Split:
    """Decide which packages go into which layer. Raises CheckFailedError when a single import is over the limit."""
    planned = plan(loaded, target, wheels_only=True)
    roots = [canonicalize_name(Requirement(target.expand(text)).name) for text in _step(loaded).requirements]
    with cache_paths.workspace() as work:
        content = tree.Tree(())
        for resolution in planned.resolutions:
            content = resolution.assemble(content, {}, work)
        rules = planned.slim
        slimmed = slim.slim(content, rules, table.leftovers(), work / "stripped" if rules.strip else None)
        packages = _weighed(slimmed.tree, target)
    shares = _fewer(_shares(loaded.name, dict.fromkeys(roots), packages))
    found = Split(target=target, shares=tuple(shares), total=sum(one.bytes for one in packages.values()))
    for share in found.shares:
        needed = sum(one.bytes for one in found.attached(share))
        if needed > UNZIPPED_LIMIT:
            who = f"{', '.join(share.roots)} with all that it needs"
            msg = f"{target.name}: {who} is {needed / MB:.1f} MB, over Lambda's limit"
            largest = sorted(share.packages, key=lambda one: -one.bytes)[:5]
            why = [f"{one.bytes / MB:8.1f} MB  {one.name}" for one in largest]
            raise CheckFailedError(msg, why=why, hint="prune it, or use a container image, which may have 10 GB")
    return found


def _step(loaded: Loaded) -> Pip:
    steps = loaded.recipe.step
    if len(steps) != 1 or not isinstance(steps[0], Pip) or not steps[0].requirements:
        msg = f"{loaded.name} cannot be split: only a recipe whose one step is `pip` with requirements can"
        raise UsageError(msg)
    return steps[0]


def _weighed(content: Tree, target: Target) -> dict[str, Weighed]:
    """Return the packages of a layer with those of their needs that are in it."""
    found = {name: one for ecosystem in table.ECOSYSTEMS for name, one in ecosystem.weigh(content, target).items()}
    return {name: dataclasses.replace(one, needs=one.needs & set(found)) for name, one in found.items()}


def _closure(root: str, packages: Mapping[str, Weighed]) -> set[str]:
    reached: set[str] = set()
    queue = [root]
    while queue:
        name = queue.pop()
        if name not in reached and name in packages:
            reached.add(name)
            queue += packages[name].needs
    return reached


def _shares(name: str, roots: Iterable[str], packages: Mapping[str, Weighed]) -> list[Share]:
    """Give each root a layer of what it alone needs, and put what several need into one before them."""
    closures = {root: _closure(root, packages) for root in roots}
    shared = {one for one in packages if sum(one in closure for closure in closures.values()) != 1}
    base = Share(name=f"{name}-base", roots=(), packages=tuple(packages[one] for one in sorted(shared)))
    found = [base] if shared else []
    for root, closure in closures.items():
        if own := sorted(closure - shared):
            found.append(Share(name=f"{name}-{root}", roots=(root,), packages=tuple(packages[one] for one in own)))
    return found


def _fewer(shares: list[Share]) -> list[Share]:
    """Join the smallest until a function can have all of them: five layers at most."""
    while len(shares) > MOST:
        first, second = sorted((one for one in shares if one.roots), key=lambda one: one.bytes)[:2]
        joined = Share(
            name=f"{first.name}-{second.roots[0]}",
            roots=(*first.roots, *second.roots),
            packages=tuple(sorted((*first.packages, *second.packages), key=attrgetter("name"))),
        )
        shares = [*(one for one in shares if one not in (first, second)), joined]
    return shares


def write(loaded: Loaded, found: Split, folder: Path) -> list[Path]:
    """Write one recipe for each layer beside the others; what is there already is never overwritten."""
    paths = [folder / share.name / "recipe.toml" for share in found.shares]
    if there := [path.as_posix() for path in paths if path.exists()]:
        msg = "recipes of that name are there already"
        raise UsageError(msg, why=there, hint="remove them to split anew")
    for share, path in zip(found.shares, paths, strict=True):
        files.writable(path.parent)
        with files.replacing(path) as part:
            part.write_text(_text(loaded, share, found), encoding="utf-8", newline="\n")
    return paths


def _text(loaded: Loaded, share: Share, found: Split) -> str:
    layer, targets = loaded.recipe.layer, loaded.recipe.targets
    own = [f"{one.name}=={one.version}" for one in share.packages]
    others = sorted(found.elsewhere(share))
    what = f"{', '.join(share.roots)} of {layer.name}" if share.roots else f"What the layers of {layer.name} share"
    more = f"; goes with {found.shares[0].name}" if others else ""
    without = f"without      = {_list(others)}  # {found.shares[0].name} brings them\n" if others else ""
    slimming = loaded.recipe.slim
    first = next(iter(share.packages)).name.replace("-", "_")
    version = layer.version
    return f"""\
[layer]
name        = "{share.name}"
version     = "{version}"
description = "{(what + more)[:256]}"
license     = "see its packages"

[targets]
runtimes      = {_list(targets.runtimes)}
architectures = {_list(targets.architectures)}

[[step]]
uses         = "pip"
requirements = {_list(own)}
{without}
[slim]
prune = {_list(slimming.prune)}
keep  = {_list(slimming.keep)}

[[test]]
shell = "ls -d /opt/python/*.dist-info | grep -i '{first}'"
"""


def _list(values: Sequence[str]) -> str:
    quoted = ", ".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return f"[{quoted}]"


def require_large(found: Split, *, anyway: bool) -> None:
    """Refuse to split what fits as it is."""
    if found.total <= UNZIPPED_LIMIT and not anyway:
        msg = f"{found.target.name} fits: {found.total / MB:.1f} MB unzipped"
        raise BuildError(msg, hint="--anyway splits it all the same")
