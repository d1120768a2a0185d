"""What a layer over Lambda's limit is told: which packages are the weight, who brings them, and what helps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from builder.base.errors import CheckFailedError
from builder.layer import checks, findings
from builder.layer.checks import size
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipes import Loaded
from builder.model.steps import Step
from builder.model.target import Target, steps
from builder.packages import table
from builder.packages.dividing import Divider, Weighed, closure
from builder.plan.plan import Plan

_SHOWN = 6
_HEAVY = UNZIPPED_LIMIT // 50
"""Bytes from which on a package is worth a line."""


def refuse_download(loaded: Loaded, plan: Plan) -> None:
    """Raise CheckFailedError, before anything is fetched, for packages whose archives alone are over the limit.

    Archives are smaller than what they hold. A recipe that prunes more than is usual, or allows the size, knows better.
    """
    usual = {pattern for each in table.of_recipe(loaded) for pattern in each.prune}
    packed = {package.name: package.bytes for package in plan.packages if package.bytes and package.stage is None}
    if sum(packed.values()) <= UNZIPPED_LIMIT or not usual.issuperset(plan.slim.prune):
        return
    if any(allow.check == "size" for allow in plan.recipe.allow):
        return
    by = _required_by(loaded, plan)
    packages = {name: _packed(name, size, by) for name, size in packed.items()}
    roots = [root for root in _roots(loaded, plan.target) if root in packed] or [
        name for name in packed if name in by and not by[name]
    ]
    rows = (
        f"  {_row(name, size, by.get(name, ()), loaded, needed=name in roots)}"
        for name, size in sorted(packed.items(), key=lambda row: -row[1])[:_SHOWN]
    )
    msg = f"{plan.target.name}: check `size` failed before anything was fetched"
    why = (f"is {sum(packed.values()) / MB:.1f} MB packed, and Lambda accepts 250 MB unpacked", *rows)
    raise CheckFailedError(msg, why=why, hint=f"{_hint(loaded, roots, packages)}; or prune more than tests")


def _packed(name: str, size: int, by: Mapping[str, Sequence[str]]) -> Weighed:
    """Return a package with the size of its archive and what it needs, of which nothing else is known yet."""
    needs = frozenset(each for each, requiring in by.items() if name in requiring)
    nothing = frozenset[str]()
    return Weighed(name=name, version="", bytes=size, needs=needs, files=nothing, modules=nothing, landmark="")


def _required_by(loaded: Loaded, plan: Plan) -> dict[str, Sequence[str]]:
    """Return the packages that require each one of a plan, as far as ecosystems know before they fetch it."""
    dividers = {step.uses: divider for divider, step in _dividers(loaded, plan.target)}
    known = [dividers[each.uses].required_by(each) for each in plan.resolutions if each.uses in dividers]
    return {name: by for each in known for name, by in each.items()}


def _row(name: str, size: int, by: Iterable[str], loaded: Loaded, *, needed: bool) -> str:
    """Return one package with its size and, unless a step needs it itself, who brings it and how it is left out."""
    option = f"--without {name}" if loaded.adhoc else f'without = ["{name}"]'
    required = f", required by {', '.join(by)}" if by else ""
    return f"{size / MB:8.1f} MB  {name}{'' if needed else f'{required}: `{option}` leaves it out'}"


def refuse(loaded: Loaded, plan: Plan, content: Tree, *, strict: bool) -> None:
    """Raise CheckFailedError for content that the check of the size refuses. Reads no file of it but metadata."""
    failed = findings.failures(checks.weigh(content, plan.recipe.allow), strict=strict)
    if not failed:
        return
    roots, packages = _weighed(loaded, plan.target, content)
    if packages:  # they say more than folders
        details = (*_rows(packages, roots, loaded), *size.savings(content))
        failed = tuple(replace(each, details=details, hint=_hint(loaded, roots, packages)) for each in failed)
    raise findings.failure(plan.target.name, failed)


def _weighed(loaded: Loaded, target: Target, content: Tree) -> tuple[list[str], Mapping[str, Weighed]]:
    """Return the packages that steps ask for, and all with their sizes; none if no ecosystem of theirs can tell."""
    packages: dict[str, Weighed] = {}
    for divider, _ in _dividers(loaded, target):
        packages.update(divider.weigh(content, target))
    return [root for root in _roots(loaded, target) if root in packages], packages


def _roots(loaded: Loaded, target: Target) -> list[str]:
    """Return the packages that the steps ask for."""
    return [root for divider, step in _dividers(loaded, target) for root in divider.roots(loaded, step)]


def _dividers(loaded: Loaded, target: Target) -> Iterator[tuple[Divider[object], Step]]:
    for _, step in steps(loaded.recipe, target):
        ecosystem = table.of_step(step)
        if ecosystem and ecosystem.divider:
            yield ecosystem.divider, step


def _rows(packages: Mapping[str, Weighed], roots: Sequence[str], loaded: Loaded) -> Iterator[str]:
    largest = sorted(packages.values(), key=lambda package: (-package.bytes, package.name))
    for package in [each for each in largest if each.bytes >= _HEAVY][:_SHOWN]:
        by = sorted(each.name for each in packages.values() if package.name in each.needs and each != package)
        yield _row(package.name, package.bytes, by, loaded, needed=package.name in roots or not by)


def _hint(loaded: Loaded, roots: Sequence[str], packages: Mapping[str, Weighed]) -> str:
    """Say what `split` would say, which is not worth a second call."""
    for root in roots:
        needed = sum(packages[name].bytes for name in closure(root, packages))
        if needed > UNZIPPED_LIMIT:
            return f"{root} with all that it needs is {needed / MB:.1f} MB, so {size.ALONE}"
    if len(roots) < 2:  # noqa: PLR2004  nothing to divide
        return f"the limit is that of a function with all its layers, so {size.ALONE}"
    if loaded.adhoc:
        return f"no function can have all of them; a layer each for functions that need only some of {', '.join(roots)}"
    return f"`layerwright split {loaded.name}` makes layers for functions that need only some of it"
