"""`layerwright lock`: exact versions and hashes for every target of a recipe."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder import places
from builder.errors import UsageError
from builder.index.dist import Candidate
from builder.index.resolve import resolve
from builder.model.recipes import Loaded
from builder.model.runtimes import refuse_blocked, today
from builder.model.target import Target, targets
from builder.plan import lock
from builder.plan.plan import steps
from builder.planning import wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """What `relock` did: (package, old version or None, new version or None) of what changed."""

    path: Path
    packages: int
    changes: tuple[tuple[str, str | None, str | None], ...]


def relock(loaded: Loaded, *, upgrade: bool, report: Callable[[str], None]) -> Locked:
    """Write the lock of a recipe. Without `upgrade`, versions stay where the recipe still allows them."""
    if loaded.lock is None:
        msg = "only a recipe can have a lock"
        raise UsageError(msg)
    resolved: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    for target in targets(loaded.recipe):
        report(f"resolving {target.name}")
        pins = lock.read(loaded.lock, target) if loaded.lock.is_file() else {}
        before.update({(target.name, pin.name): pin.version for pin in pins.values()})
        kept = () if upgrade else tuple(f"{pin.name}=={pin.version}" for pin in pins.values())
        resolved[target] = _resolve(loaded, target, kept)
    after = {(target.name, one.name): one.version for target, found in resolved.items() for one in found}
    if not after:
        msg = f"{loaded.name} has no Python packages to lock"
        raise UsageError(msg)
    with places.replacing(loaded.lock) as part:
        part.write_text(lock.write(resolved), encoding="utf-8", newline="\n")
    return Locked(path=loaded.lock, packages=len({name for _, name in after}), changes=_changes(before, after))


def _resolve(loaded: Loaded, target: Target, kept: tuple[str, ...]) -> tuple[Candidate, ...]:
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    asked = wanted(loaded, target, steps(loaded.recipe, target))
    if not asked.requirements and not asked.files:
        return ()
    asked = dataclasses.replace(asked, preferences=kept)
    return resolve(asked, target.base, target.arch)


def _changes(
    before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]
) -> tuple[tuple[str, str | None, str | None], ...]:
    changed = {
        (key[1], before.get(key), after.get(key)) for key in {**before, **after} if before.get(key) != after.get(key)
    }
    return tuple(sorted(changed, key=lambda change: (change[0], change[1] or "", change[2] or "")))
