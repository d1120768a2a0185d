"""Deciding which gems a target gets, and writing their lock."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from builder.base import texts
from builder.base.errors import BuildError, UsageError
from builder.model.recipes import Loaded
from builder.model.steps import Gem
from builder.model.steps.gem_version import parse_gem
from builder.model.target import Target, steps, targets
from builder.packages import ecosystem, projects
from builder.packages.ecosystem import LockFile, LockRequest, Request
from builder.packages.rubygems import LOCK, gemfile_lock, index, own
from builder.packages.rubygems import projects as of_ruby
from builder.packages.rubygems.gemfile_lock import GemLock
from builder.packages.rubygems.own import OwnGem
from builder.packages.rubygems.picker import Picker, rubies
from builder.packages.rubygems.resolution import Gems
from builder.packages.rubygems.spec import Spec

_GEMFILE_LINE = re.compile(r"""^\s*gem[\s(]+["'](?P<name>[^"']+)["']""", re.MULTILINE)
_BUNDLE_LOCK = "`bundle lock --add-platform x86_64-linux aarch64-linux`"


def planned(request: Request) -> Gems:
    """Decide on the gems of a target, and fetch them: only the file itself tells whether it must be compiled."""
    loaded, target, step = request.loaded, request.target, request.only(Gem)
    if target.base.language != "ruby":
        msg = f'{target.name}: `uses = "gem"` needs a Ruby runtime, not {target.base.name}'
        raise UsageError(msg)
    lock, where, unsummed = _lock(loaded, step, target)
    address = index.source(lock.remotes)
    picker = Picker(step, target, address)

    def choose(name: str) -> Spec:
        return picker.choose(gemfile_lock.files(lock, name, target.arch, where))

    ecosystem.refuse_unknown(target, "without", step.without, {spec.name for spec in lock.specs})
    gems = tuple(picker.gem(spec) for spec in gemfile_lock.reached(lock, choose, step.without))
    if not request.may_compile and (compiled := [gem.spec.full_name for gem in gems if gem.compiled]):
        msg = f"{target.name}: a gem would have to be compiled, which needs an engine"
        raise BuildError(msg, why=compiled, hint="leave out `--route wheels`, or take a version that is precompiled")
    return Gems(
        target=target,
        step=request.number,
        gems=gems,
        own=_own(request, lock),
        series=target.base.series,
        index=address,
        locked=unsummed == (),
        unsummed=unsummed or (),
    )


def _own(request: Request, lock: GemLock) -> tuple[OwnGem, ...]:
    """Return the gems of the project itself."""
    followed = projects.followed(request.loaded, request.only(Gem))
    if followed is None:
        return ()
    found = gemfile_lock.reached_own(lock, request.only(Gem).without)
    return tuple(own.of(spec, followed.folder, followed.root) for spec in found)


def check(request: Request) -> None:
    """Raise UsageError for what `planned` refuses whatever the index offers."""
    loaded, target, step = request.loaded, request.target, request.only(Gem)
    path = lock_path(loaded)
    if step.file or step.project or (path and path.is_file()):
        lock = _kept(loaded, step, target, path)
        ecosystem.refuse_unknown(target, "without", step.without, {spec.name for spec in lock.specs})
        where = str(path and path.as_posix())
        gemfile_lock.reached(lock, lambda name: gemfile_lock.files(lock, name, target.arch, where)[0], step.without)


def pinned(request: Request) -> dict[str, tuple[str, ...]]:
    """Return the version of each gem that the lock has."""
    path = lock_path(request.loaded)
    if path is None or not path.is_file():
        return {}
    own_too = any(isinstance(step, Gem) and step.project for _, step in request.steps)
    lock = gemfile_lock.read(texts.read(path), path.as_posix(), own=own_too)
    versions = {spec.name: (spec.version,) for spec in lock.specs}
    return {**versions, **{spec.name: (spec.version,) for spec in lock.own}}


def lock_path(loaded: Loaded) -> Path | None:
    """Return the lock of a recipe's gems: a Gemfile has its own beside it."""
    gem = next((step for step in loaded.recipe.step if isinstance(step, Gem)), None)
    if gem and (followed := projects.followed(loaded, gem)):
        found = of_ruby.find(followed)
        return found.lock if found else None
    file = next((step.file for step in loaded.recipe.step if isinstance(step, Gem) and step.file), None)
    return loaded.file(f"{file}.lock") if file else loaded.lock_named(LOCK)


def _lock(loaded: Loaded, step: Gem, target: Target) -> tuple[GemLock, str, tuple[str, ...] | None]:
    """Return the lock, where it is from, and the gems that it has no hash of; None if it was not there already."""
    path = lock_path(loaded)
    if not step.file and not step.project and (path is None or not path.is_file()):
        return _resolved(loaded, None), LOCK, None
    lock = _kept(loaded, step, target, path)
    taken = gemfile_lock.needed(lock, step.without)  # the index may be one that has no gems of other groups
    unsummed = tuple(dict.fromkeys(spec.name for spec in lock.specs if not spec.sha256 and spec.name in taken))
    return (_summed(lock, taken) if unsummed else lock), str(path and path.as_posix()), unsummed


def _kept(loaded: Loaded, step: Gem, target: Target, path: Path | None) -> GemLock:
    """Return the lock beside a recipe or that of its project. UsageError if it does not fit or a Gemfile has none."""
    if followed := projects.followed(loaded, step):
        return of_ruby.lock_of(followed)[0]
    if path is None or not path.is_file():
        msg = f"there is no {step.file}.lock beside {step.file}"
        raise UsageError(msg, hint=f"{_BUNDLE_LOCK} writes it: a Gemfile is code for Ruby alone")
    lock = gemfile_lock.read(texts.read(path), path.as_posix())
    if unfit := _unfit(loaded, step, target, lock):
        raise ecosystem.stale(loaded, path.name, unfit, "bundle lock" if step.file else None)
    return lock


def _unfit(loaded: Loaded, step: Gem, target: Target, lock: GemLock) -> list[str]:
    if step.file is None:
        return gemfile_lock.unfit(lock, _wanted(step, target))
    named = set(_GEMFILE_LINE.findall(texts.read(loaded.file(step.file))))
    missing = sorted(named - {name for name, _ in lock.roots})
    return [f"{name} is in {step.file} and not in its lock" for name in missing]


def _wanted(step: Gem, target: Target) -> dict[str, str]:
    """Return names and requirements of what a step asks for."""
    return {name: str(requirement) for name, requirement in (parse_gem(target.expand(text)) for text in step.gems)}


def _resolved(loaded: Loaded, kept: Mapping[str, str] | None) -> GemLock:
    """Ask the index for all targets of a recipe at once: one lock serves every architecture and Ruby."""
    roots: dict[str, str] | None = None
    every = targets(loaded.recipe)
    for target in every:
        chosen = tuple(row for row in steps(loaded.recipe, target) if isinstance(row[1], Gem))
        if not chosen:
            continue
        step = Request(loaded=loaded, target=target, steps=chosen).only(Gem)
        if roots is not None and roots != _wanted(step, target):
            msg = f"{loaded.name}: its targets want different gems, and a {LOCK} holds one set"
            raise UsageError(msg, hint="make two recipes of it")
        roots = _wanted(step, target)
    machines = {arch.name: arch for target in every for arch in target.architectures}
    runtimes = [runtime for target in every for runtime in target.runtimes if runtime.language == "ruby"]
    address = index.source()
    specs = index.resolve(roots or {}, rubies(runtimes), list(machines.values()), address, kept)
    return GemLock(specs=tuple(specs), roots=tuple((roots or {}).items()), remotes=(address,))


def _summed(lock: GemLock, names: Collection[str]) -> GemLock:
    """Return the lock with the hashes that the index has today of these gems; Bundler before 2.6 wrote none."""
    address = index.source(lock.remotes)

    def known(spec: Spec) -> Spec:
        listed = () if spec.sha256 else index.listed(spec.name, index.of(spec, address))
        sums = {one.titled: one.sha256 for one, _ in listed}
        if not spec.sha256 and not sums.get(spec.titled):
            msg = f"the index of gems has no {spec.full_name}, which the lock names"
            raise BuildError(msg, hint="was it withdrawn? `bundle update` takes another version")
        return replace(spec, sha256=spec.sha256 or sums[spec.titled])

    return replace(lock, specs=tuple(known(spec) if spec.name in names else spec for spec in lock.specs))


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the lock of what the recipe names; for a Gemfile, Bundler's lock with the hashes that it lacks."""
    loaded = request.loaded
    if any(isinstance(step, Gem) and step.project for step in loaded.recipe.step):
        return  # the lock of the project decides, and Bundler writes that
    file = next((step.file for step in loaded.recipe.step if isinstance(step, Gem) and step.file), None)
    path = lock_path(loaded) or Path(LOCK)
    request.events.begin("resolving gems")
    old = gemfile_lock.read(texts.read(path), path.as_posix()) if path.is_file() else None
    if file and old is None:
        msg = f"there is no {file}.lock beside {file}"
        raise UsageError(msg, hint=f"{_BUNDLE_LOCK} writes it")
    before = {("", spec.name): spec.version for spec in old.specs} if old else {}
    kept = {} if request.upgrade else {name: version for (_, name), version in before.items()}
    new = _summed(old, {spec.name for spec in old.specs}) if file and old else _resolved(loaded, kept)
    after = {("", spec.name): spec.version for spec in new.specs}
    changes = ecosystem.changes(before, after)
    yield LockFile(path=path, text=gemfile_lock.write(new), packages=len(after), changes=changes)
