"""What a layer over Lambda's limit is told: which packages are the weight, who brings them, and what helps."""

from collections.abc import Iterator, Mapping, Sequence

from builder.layer import checks
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipes import Loaded
from builder.model.target import Target, steps
from builder.packages import table
from builder.packages.dividing import Divider, Weighed, closure
from builder.plan.plan import Plan

_SHOWN = 6
_HEAVY = UNZIPPED_LIMIT // 50
"""Bytes from which on a package is worth a line."""
_ALONE = "no split helps: leave out what it can do without, or use a container image, which may have 10 GB"


def refuse(loaded: Loaded, plan: Plan, content: Tree, *, strict: bool) -> None:
    """Raise CheckFailedError for content that the check of the size refuses. Reads no file of it but metadata."""
    failed = checks.failures(checks.weigh(content, plan.recipe.allow), strict=strict)
    if not failed:
        return
    error = checks.failure(plan.target.name, failed)
    roots, packages = _weighed(loaded, plan.target, content)
    if packages:
        message, *details = error.why
        rows = [line for line in details if not line.lstrip()[:1].isdigit()]  # folders say less than packages
        error.why = (message, *_rows(packages, roots, loaded), *rows)
        error.hint = _hint(loaded, roots, packages)
    raise error


def _weighed(loaded: Loaded, target: Target, content: Tree) -> tuple[list[str], Mapping[str, Weighed]]:
    """Return the packages that steps ask for, and all with their sizes; none if no ecosystem of theirs can tell."""
    roots: list[str] = []
    packages: dict[str, Weighed] = {}
    for _, step in steps(loaded.recipe, target):
        ecosystem = table.of_step(step)
        divider: Divider[object] | None = ecosystem.divider if ecosystem else None
        if divider:
            roots += divider.roots(loaded, step)
            packages.update(divider.weigh(content, target))
    return [root for root in roots if root in packages], packages


def _rows(packages: Mapping[str, Weighed], roots: Sequence[str], loaded: Loaded) -> Iterator[str]:
    largest = sorted(packages.values(), key=lambda package: (-package.bytes, package.name))
    for package in [each for each in largest if each.bytes >= _HEAVY][:_SHOWN]:
        by = sorted(each.name for each in packages.values() if package.name in each.needs and each != package)
        way = f"--without {package.name}" if loaded.adhoc else f'without = ["{package.name}"]'
        needed = f", required by {', '.join(by)}: `{way}` leaves it out" if by and package.name not in roots else ""
        yield f"  {package.bytes / MB:8.1f} MB  {package.name}{needed}"


def _hint(loaded: Loaded, roots: Sequence[str], packages: Mapping[str, Weighed]) -> str:
    """Say what `split` would say, which is not worth a second call."""
    for root in roots:
        needed = sum(packages[name].bytes for name in closure(root, packages))
        if needed > UNZIPPED_LIMIT:
            return f"{root} with all that it needs is {needed / MB:.1f} MB, so {_ALONE}"
    if len(roots) < 2:  # noqa: PLR2004  nothing to divide
        return f"the limit is that of a function with all its layers, so {_ALONE}"
    if loaded.adhoc:
        return f"no function can have all of them; a layer each for functions that need only some of {', '.join(roots)}"
    return f"`layerwright split {loaded.name}` makes layers for functions that need only some of it"
