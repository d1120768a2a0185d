"""`layerwright lock`: exact versions and hashes for every target of a recipe."""

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.base import files
from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARCHITECTURES
from builder.model.recipes import BUILD_LOCK, GEM_LOCK, LOCK_FILE, MAVEN_LOCK, NPM_LOCK, Loaded
from builder.model.runtimes import Runtime, refuse_blocked, today
from builder.model.steps import Gem, Maven, Npm, Pip
from builder.model.target import Target, steps, targets
from builder.packages import languages
from builder.packages.maven import maven_lock
from builder.packages.maven.mvn import resolve as resolve_jars
from builder.packages.npm import npm, npm_rows
from builder.packages.npm.package_lock import packages
from builder.packages.pypi import build_system, requirements_lock, sdist
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.resolve import Wanted, best, resolve
from builder.packages.rubygems import gemfile_lock, gems
from builder.plan.planning import wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """What `relock` did: (package, old version or None, new version or None) of what changed."""

    path: Path
    packages: int
    changes: tuple[tuple[str, str | None, str | None], ...]
    open: tuple[str, ...] = ()
    """Packages that are not in it, because several versions of them are needed."""


Change = tuple[str, str | None, str | None]
Report = Callable[[str], None]


def relock(loaded: Loaded, *, upgrade: bool, report: Report) -> list[Locked]:
    """Write every lock that a recipe needs. Without `upgrade`, versions stay where the recipe still allows them."""
    if loaded.lock is None:
        msg = "only a recipe can have a lock"
        raise UsageError(msg)
    ways = ((Pip, _python), (Npm, _node), (Gem, _ruby), (Maven, _java))
    kinds = {type(step) for step in loaded.recipe.step}
    found = [one for kind, way in ways if kind in kinds for one in way(loaded, upgrade=upgrade, report=report)]
    if not found:
        msg = f"{loaded.name} has no packages to lock: of Python, Node.js, Ruby or Java"
        raise UsageError(msg)
    return found


def _python(loaded: Loaded, *, upgrade: bool, report: Report) -> Iterator[Locked]:
    path = loaded.lock or Path(LOCK_FILE)
    resolved: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    for target in targets(loaded.recipe):
        report(f"resolving {target.name}")
        pins = _pins(path, target)
        before.update(_versions({target: pins.values()}))
        resolved[target] = _resolve(loaded, target, () if upgrade else _exact(pins.values()))
    after = _versions(resolved)
    if not after:
        msg = f"{loaded.name} has no Python packages to lock"
        raise UsageError(msg)
    _write(path, requirements_lock.write(resolved))
    yield Locked(path=path, packages=len({name for _, name in after}), changes=_changes(before, after))
    yield from _builders(loaded, resolved, upgrade=upgrade, report=report)


def _builders(
    loaded: Loaded, resolved: Mapping[Target, tuple[Candidate, ...]], *, upgrade: bool, report: Report
) -> Iterator[Locked]:
    """Lock what those packages are built with that are compiled."""
    path = loaded.lock_named(BUILD_LOCK) or Path(BUILD_LOCK)
    found: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    left: set[str] = set()
    resolve_once = functools.cache(built_with)  # targets that differ by architecture alone ask the same
    for target, all_found in resolved.items():
        compiled = [one for one in all_found if best(one, target.base, target.arch) is None]
        pins = _pins(path, target)
        before.update(_versions({target: pins.values()}))
        if compiled:
            report(f"resolving what {target.name} is built with")
            paths = [sdist.file(one.sdist, one.name, one.version) for one in compiled if one.sdist]
            asked = tuple(map(build_system.read, paths))
            found[target], differing = resolve_once(asked, target.base, () if upgrade else _exact(pins.values()))
            left.update(differing)
    after = _versions(found)
    if found:
        _write(path, requirements_lock.write_build(found))
    else:
        path.unlink(missing_ok=True)
    if before or found:
        names = {name for _, name in after}
        yield Locked(path=path, packages=len(names), changes=_changes(before, after), open=tuple(sorted(left)))


def built_with(
    systems: Sequence[BuildSystem], runtime: Runtime, kept: tuple[str, ...]
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return what builds all sdists, and the names of packages left out because they need different versions.

    Each package comes with its files for both architectures: a build may run on either. BuildError when the index has
    nothing that builds one of them.
    """
    needed = [text for one in systems for text in one.requires]
    perhaps = [text for one in systems for text in one.perhaps]
    for texts in ([*needed, *perhaps], needed):
        with contextlib.suppress(BuildError):
            return _agreed(_on_each_machine(texts, runtime, kept))
    return _agreed(found for one in systems for found in _on_each_machine(one.requires, runtime, kept))


def _on_each_machine(
    requirements: Sequence[str], runtime: Runtime, kept: tuple[str, ...]
) -> Iterator[tuple[Candidate, ...]]:
    asked = Wanted(requirements=tuple(dict.fromkeys(requirements)), preferences=kept)
    for arch in ARCHITECTURES.values() if requirements else ():
        found = resolve(asked, runtime, arch)
        yield found
        asked = dataclasses.replace(asked, preferences=_exact(found))


def _agreed(resolved: Iterable[tuple[Candidate, ...]]) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Join the files of packages that have one version everywhere; return the names of the others as well."""
    merged: dict[tuple[str, str], Candidate] = {}
    for one in (one for found in resolved for one in found):
        known = merged.get((one.name, one.version), one)
        wheels = tuple(dict.fromkeys((*known.wheels, *one.wheels)))
        merged[one.name, one.version] = dataclasses.replace(known, wheels=wheels, sdist=known.sdist or one.sdist)
    versions = Counter(name for name, _ in merged)
    agreed = tuple(one for _, one in sorted(merged.items()) if versions[one.name] == 1)
    return agreed, tuple(sorted(name for name, count in versions.items() if count > 1))


def _pins(path: Path, target: Target) -> dict[str, requirements_lock.Pin]:
    """Return what a lock has for a target; nothing when it is damaged, which is why it is written anew."""
    with contextlib.suppress(UsageError, FileNotFoundError):
        return requirements_lock.read(path, target)
    return {}


def _exact(found: Iterable[requirements_lock.Pin | Candidate]) -> tuple[str, ...]:
    return tuple(f"{one.name}=={one.version}" for one in found)


def _versions(found: Mapping[Target, Iterable[requirements_lock.Pin | Candidate]]) -> dict[tuple[str, str], str]:
    return {(target.name, one.name): one.version for target, pins in found.items() for one in pins}


def _node(loaded: Loaded, *, upgrade: bool, report: Report) -> Iterator[Locked]:
    path = loaded.lock_named(NPM_LOCK) or Path(NPM_LOCK)
    asked: dict[str, Target] = {}
    for target in targets(loaded.recipe):
        if step := languages.step_of(Npm, steps(loaded.recipe, target), target):
            asked.setdefault(languages.manifest(loaded, step, target), target)
    if len(asked) > 1:
        msg = f"{loaded.name}: its targets want different packages, and a {NPM_LOCK} holds one set"
        raise UsageError(msg, hint="make two recipes of it")
    report("resolving Node.js packages")
    (text,) = asked
    old = path.read_text(encoding="utf-8") if path.is_file() else None
    try:
        npm_rows.check(text, old)
        before = _node_versions(old, path)
    except UsageError:
        old, before = None, {}  # it is damaged, which is why it is written anew
    new = npm.lock(text, None if upgrade else old)
    _write(path, new)
    after = _node_versions(new, path)
    yield Locked(path=path, packages=len(after), changes=_changes(before, after))


def _node_versions(text: str | None, path: Path) -> dict[tuple[str, str], str]:
    rows = [one for arch in ARCHITECTURES.values() for one in packages(text, arch, path.as_posix())] if text else []
    return {(one.path, one.name): one.version for one in rows}


def _ruby(loaded: Loaded, *, upgrade: bool, report: Report) -> Iterator[Locked]:
    """Resolve what the recipe names; for a Gemfile, give Bundler's lock the hashes that it lacks."""
    files = {step.file for step in loaded.recipe.step if isinstance(step, Gem)}
    file = next(iter(files), None)
    path = loaded.file(f"{file}.lock") if file else loaded.lock_named(GEM_LOCK) or Path(GEM_LOCK)
    report("resolving gems")
    old = gemfile_lock.read(path.read_text(encoding="utf-8"), path.as_posix()) if path.is_file() else None
    if file and old is None:
        msg = f"there is no {file}.lock beside {file}"
        raise UsageError(msg, hint="`bundle lock --add-platform x86_64-linux aarch64-linux` writes it")
    before = {("", spec.name): spec.version for spec in old.specs} if old else {}
    kept = {} if upgrade else {name: version for (_, name), version in before.items()}
    new = gems.summed(old) if file and old else gems.resolved(loaded, kept)
    _write(path, gemfile_lock.write(new))
    after = {("", spec.name): spec.version for spec in new.specs}
    yield Locked(path=path, packages=len(after), changes=_changes(before, after))


def _java(loaded: Loaded, *, upgrade: bool, report: Report) -> Iterator[Locked]:  # noqa: ARG001  versions are exact
    path = loaded.lock_named(MAVEN_LOCK) or Path(MAVEN_LOCK)
    wanted: dict[str, None] = {}
    for target in targets(loaded.recipe):
        if step := languages.step_of(Maven, steps(loaded.recipe, target), target):
            wanted.update(dict.fromkeys(target.expand(text) for text in step.artifacts))
    report("resolving jars")
    old = maven_lock.read(path.read_text(encoding="utf-8"), path.as_posix()) if path.is_file() else ()
    new = [maven_lock.Jar(coordinates=name, sha256=sha256) for name, sha256 in resolve_jars(list(wanted)).items()]
    _write(path, maven_lock.write(new))
    before, after = ({("", ":".join(one.parts[:2])): one.parts[2] for one in found} for found in (old, new))
    yield Locked(path=path, packages=len(new), changes=_changes(before, after))


def _write(path: Path, text: str) -> None:
    with files.replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _resolve(loaded: Loaded, target: Target, kept: tuple[str, ...]) -> tuple[Candidate, ...]:
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    asked = wanted(loaded, target, steps(loaded.recipe, target))
    if not asked.requirements and not asked.files:
        return ()
    asked = dataclasses.replace(asked, preferences=kept)
    return resolve(asked, target.base, target.arch)


def _changes(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> tuple[Change, ...]:
    changed = {
        (key[1], before.get(key), after.get(key)) for key in {**before, **after} if before.get(key) != after.get(key)
    }
    return tuple(sorted(changed, key=lambda change: (change[0], change[1] or "", change[2] or "")))
