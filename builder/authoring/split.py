"""One recipe that is too large becomes several layers, of which each function takes what it imports.

Lambda's 250 MB hold for a function with all its layers together, so that no split makes more fit into one function. It
makes what many functions need a layer of its own, and each function fit that needs only some of the rest.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
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
from builder.packages.pypi import requirements_lock
from builder.packages.pypi.install import install
from builder.plan.planning import plan

_INFO = re.compile(r"^python/(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One package with what it needs, as it lies in the layer after slimming."""

    name: str
    version: str
    bytes: int
    needs: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One of the layers."""

    name: str
    roots: tuple[str, ...]
    """Packages that the recipe asks for; empty for what others share."""
    packages: tuple[Package, ...]

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
        install([one.package for one in planned.routes], target.base, target.arch, work / "python")
        content = tree.from_folder(work / "python", "python")
        rules = planned.slim
        slimmed = slim.slim(content, prune=rules.prune, keep=rules.keep, scratch=work / "s" if rules.strip else None)
        packages = _packages(slimmed.tree, target)
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


def _packages(content: Tree, target: Target) -> dict[str, Package]:
    """Return the installed packages: sizes by their RECORDs, needs by their METADATA."""
    entries = {entry.path: entry for entry in content}
    found: dict[str, Package] = {}
    for entry in content:
        if match := _INFO.match(entry.path):
            text = entry.content.read().decode("utf-8", errors="replace")
            record = entries.get(f"{entry.parent}/RECORD")
            lines = record.content.read().decode("utf-8", errors="replace").splitlines() if record else []
            files = {f"python/{line.rsplit(',', 2)[0].strip(chr(34))}" for line in lines}
            name = canonicalize_name(match["name"])
            found[name] = Package(
                name=name,
                version=match["version"],
                bytes=sum(entries[path].size for path in files if path in entries),
                needs=frozenset(_needs(text, target)),
            )
    return {name: _within(one, found) for name, one in found.items()}


def _within(one: Package, found: Mapping[str, Package]) -> Package:
    return Package(name=one.name, version=one.version, bytes=one.bytes, needs=one.needs & set(found))


def _needs(metadata: str, target: Target) -> Iterable[str]:
    """Yield what a package requires on the target; extras were not asked for, or are there as roots of others."""
    for line in metadata.partition("\n\n")[0].splitlines():
        if line.startswith("Requires-Dist:"):
            try:
                requirement = Requirement(line.partition(":")[2].strip())
            except InvalidRequirement:
                continue
            if requirement.marker is None or requirement.marker.evaluate(requirements_lock.environment(target)):
                yield canonicalize_name(requirement.name)


def _closure(root: str, packages: Mapping[str, Package]) -> set[str]:
    reached: set[str] = set()
    queue = [root]
    while queue:
        name = queue.pop()
        if name not in reached and name in packages:
            reached.add(name)
            queue += packages[name].needs
    return reached


def _shares(name: str, roots: Iterable[str], packages: Mapping[str, Package]) -> list[Share]:
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
