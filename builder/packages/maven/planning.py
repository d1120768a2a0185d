"""Deciding which jars a target gets, and writing their lock."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from builder.base import texts
from builder.model.steps import Maven
from builder.packages import ecosystem
from builder.packages.ecosystem import LockFile, LockRequest, Request
from builder.packages.maven import LOCK, classifiers, maven_lock, mvn
from builder.packages.maven.maven_lock import Jar
from builder.packages.maven.resolution import Jars


def planned(request: Request) -> Jars:
    """Decide on the jars of a target. Asks the repository where there is no lock."""
    jars, transitive = check(request), request.only(Maven).transitive
    found = _resolved(_artifacts(request), transitive=transitive) if jars is None else jars
    kept = found if request.only(Maven).all_platforms else classifiers.fitting(found, request.target.architectures)
    left_out = [jar for jar in found if jar not in kept]
    warnings = (f"{request.target.name}: {classifiers.warning(left_out)}",) if left_out else ()
    return Jars(jars=kept, locked=jars is not None, warnings=warnings)


def check(request: Request) -> tuple[Jar, ...] | None:
    """Return the jars of the lock; None if there is none. Raises UsageError for a lock that does not fit."""
    artifacts, path = _artifacts(request), request.loaded.lock_named(LOCK)
    if path is None or not path.is_file():
        return None
    jars = maven_lock.read(texts.read(path), path.as_posix())
    if unfit := maven_lock.unfit(jars, artifacts):
        raise ecosystem.stale(request.loaded, LOCK, unfit)
    return jars


def pinned(request: Request) -> dict[str, tuple[str, ...]]:
    """Return the version of each jar that the lock has."""
    return {":".join(jar.parts[:2]): (jar.parts[2],) for jar in check(request) or ()}


def _artifacts(request: Request) -> list[str]:
    return [request.target.expand(text) for text in request.only(Maven).artifacts]


def _resolved(artifacts: list[str], *, transitive: bool) -> tuple[Jar, ...]:
    return _asked(tuple(artifacts), transitive)


@cache
def _asked(artifacts: tuple[str, ...], transitive: bool) -> tuple[Jar, ...]:  # noqa: FBT001  a key of the cache
    """Ask the repository, which takes Maven seconds: a new recipe is planned and locked in one process."""
    found = mvn.resolve(artifacts, transitive=transitive)
    return tuple(Jar(coordinates=coordinates, sha256=sha256) for coordinates, sha256 in found.items())


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the one lock of a recipe's jars. Versions are exact, so an upgrade changes none of those that it names."""
    loaded = request.loaded
    path = loaded.lock_named(LOCK) or Path(LOCK)
    artifacts: dict[str, None] = {}
    for each in ecosystem.requests(loaded, Maven):
        artifacts.update(dict.fromkeys(_artifacts(each)))
    request.events.begin("resolving jars")
    old = maven_lock.read(texts.read(path), path.as_posix()) if path.is_file() else ()
    transitive = all(each.only(Maven).transitive for each in ecosystem.requests(loaded, Maven))
    new = _resolved(list(artifacts), transitive=transitive)
    before, after = ({("", ":".join(jar.parts[:2])): jar.parts[2] for jar in jars} for jars in (old, new))
    changes = ecosystem.changes(before, after)
    yield LockFile(path=path, text=maven_lock.write(new), packages=len(new), changes=changes)
