"""`layerwright lock`: exact versions and hashes for every target of a recipe."""

from pathlib import Path

from builder.base import files, texts
from builder.base.emitter import Events
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.recipes import Loaded
from builder.packages import table
from builder.packages.ecosystem import Change, LockFile, LockRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A lock that `relock` wrote, or would write."""

    path: Path
    packages: int
    """Number of packages in it."""
    changes: tuple[Change, ...]


def relock(loaded: Loaded, *, upgrade: bool, events: Events) -> list[Locked]:
    """Write every lock that a recipe needs. Without `upgrade`, versions stay where the recipe still allows them.

    None is needed for a recipe that follows a project, where the project's lock decides. Raises UsageError for a recipe
    without a folder or without packages.
    """
    return [_written(lock) for lock in _locks(LockRequest(loaded=loaded, upgrade=upgrade, events=events))]


def outdated(loaded: Loaded, events: Events) -> list[Locked]:
    """Return the locks that `relock` would write anew, because they are missing or do not fit the recipe any more.

    Nothing is written. Raises what `relock` raises.
    """
    request = LockRequest(loaded=loaded, upgrade=False, events=events)
    return [_as_locked(lock) for lock in _locks(request) if lock.text != _present(lock.path)]


def _locks(request: LockRequest) -> list[LockFile]:
    loaded = request.loaded
    if loaded.folder is None or loaded.adhoc:
        msg = "only a recipe can have a lock"
        raise UsageError(msg)
    locks = [lock for ecosystem in table.of_recipe(loaded) for lock in ecosystem.lock(request)]
    if not locks and not loaded.follows:
        msg = f"{loaded.name} has no packages to lock"
        raise UsageError(msg, hint="a lock pins the packages of Python, Node.js, Ruby, Java, Rust and Go")
    return locks


def _present(path: Path) -> str | None:
    return texts.read(path) if path.exists() else None


def _written(lock: LockFile) -> Locked:
    if lock.text is None:
        files.remove(lock.path)
    else:
        with files.replacing(lock.path) as part:
            part.write_text(lock.text, encoding="utf-8", newline="\n")
    return _as_locked(lock)


def _as_locked(lock: LockFile) -> Locked:
    return Locked(path=lock.path, packages=lock.packages, changes=lock.changes)
