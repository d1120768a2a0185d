"""Projects of Ruby: a folder with a Gemfile, whose lock decides. The Gemfile is code, and is not executed."""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from builder.base import texts
from builder.base.errors import UsageError
from builder.model.runtimes import Runtime, supported
from builder.model.steps.gem_version import Requirement, Version
from builder.model.steps.project import ProjectChoice
from builder.packages import projects
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.rubygems import gemfile, gemfile_lock, own
from builder.packages.rubygems.gemfile import Gemfile
from builder.packages.rubygems.gemfile_lock import GemLock
from builder.packages.rubygems.spec import Spec

_NAMES = {"Gemfile": "Gemfile.lock", "gems.rb": "gems.locked"}
MARKS = tuple(name for pair in _NAMES.items() for name in pair)
_LEFT_OUT = frozenset({"development", "test"})
_WRITES = "bundle lock --add-platform x86_64-linux aarch64-linux"
_LOCKED_RUBY = re.compile(r"^RUBY VERSION\n\s+ruby (?P<version>[\d.]+)", re.MULTILINE)


def find(request: ProjectRequest) -> FoundProject | None:
    """Return the project in a folder; None if it has none of Ruby."""
    pair = _files(request)
    if pair is None:
        return None
    file, lock = pair
    return FoundProject(
        request=request,
        uses="gem",
        language="ruby",
        title="Bundler",
        name=request.folder.resolve().name,
        file=file,
        lock=lock if lock.is_file() else None,
        runtime=_runtime(request, lock).name,
    )


def _files(request: ProjectRequest) -> tuple[Path, Path] | None:
    """Return a Gemfile, and the place of its lock."""
    named = request.choice.file
    if named and named not in MARKS:
        return None
    for name, lock in _NAMES.items():
        if request.file(name).is_file() and named in {None, name, lock}:
            return request.file(name), request.file(lock)
    if named:
        msg = f"{request.folder.as_posix()} has no {named} with its Gemfile"
        raise UsageError(msg)
    return None


def _runtime(request: ProjectRequest, lock: Path) -> Runtime:
    """Return the runtime for the Ruby that is locked, or named in .ruby-version; the newest where neither says."""
    every = supported("ruby")
    wanted = ""
    with contextlib.suppress(UsageError):
        if lock.is_file() and (match := _LOCKED_RUBY.search(texts.read(lock))):
            wanted = match["version"]
        elif request.file(".ruby-version").is_file():
            wanted = texts.read(request.file(".ruby-version")).strip().removeprefix("ruby-")
    return next((each for each in reversed(every) if wanted.startswith(each.series.rpartition(".")[0])), every[-1])


def lock_of(request: ProjectRequest) -> tuple[GemLock, Path]:
    """Return what is taken of the lock of a project, and its path.

    Raises UsageError for a project without a lock, for a lock that does not fit its Gemfile, and for unknown groups.
    """
    pair = _files(request)
    if pair is None:
        msg = f"{request.folder.as_posix()} has no project of Ruby: no Gemfile"
        raise UsageError(msg, hint="name a folder with a Gemfile")
    file, path = pair
    if not path.is_file():
        msg = f"there is no {path.name} beside {file.as_posix()}"
        raise UsageError(msg, hint=f"`{_WRITES}` in {request.folder.as_posix()} writes it: a Gemfile is not executed")
    text = texts.read(path)
    projects.refuse_conflicts(path, text)
    lock, says = gemfile_lock.read(text, path.as_posix(), own=True), gemfile.read(file)
    if unfit := list(_unfit(says, lock, file.name)):
        msg = f"{path.as_posix()} does not fit its {file.name}"
        raise UsageError(msg, why=unfit, hint=f"`{_WRITES}` in {request.folder.as_posix()} brings it up to date")
    roots = tuple(_roots(request, file, says, lock))
    if not roots:
        msg = f"{file.as_posix()} has no gems that a layer could have, without those for development and tests"
        raise UsageError(msg, hint="`--group NAME` adds a group")
    return replace(lock, roots=roots), path


def _unfit(says: Gemfile, lock: GemLock, name: str) -> Iterator[str]:
    """Yield the gems of a Gemfile that the lock was not made for."""
    locked = {each: str(Requirement(requirement)) for each, requirement in lock.roots}
    for gem in says.gems:
        asked = ", ".join(gem.requirements) or ">= 0"
        try:
            wanted = str(Requirement(asked))
        except ValueError:
            yield f"{gem.name}: line {gem.line} asks for {asked}, which is no version"
            continue
        if gem.name not in locked:
            yield f"{gem.name}: line {gem.line} of {name} asks for it, and the lock does not have it"
        elif gem.requirements and not _same(wanted, locked[gem.name]):
            yield f"{gem.name}: line {gem.line} of {name} asks for {wanted}, the lock is for {locked[gem.name]}"
    named = {gem.name for gem in says.gems}
    for each in sorted(locked.keys() - named) if not says.has_gemspec else ():
        yield f"{each}: the lock has it, and {name} does not ask for it"


def _same(one: str, other: str) -> bool:
    def parts(text: str) -> set[tuple[str, Version]]:
        return set(Requirement(text).parts())

    return parts(one) == parts(other)


def _roots(request: ProjectRequest, file: Path, says: Gemfile, lock: GemLock) -> Iterator[tuple[str, str]]:
    """Yield the gems of the groups that are taken; of a gemspec what the gem itself needs."""
    choice = projects.chosen(request, file, groups={*says.groups, "default"}, extras=())
    if choice.with_project and not says.has_gemspec:
        msg = f"{file.as_posix()} has no `gemspec`: an application is no gem that a layer could have"
        raise UsageError(msg, hint="leave out `--with-project`; a step `copy` adds files")
    left = _left_out(says, choice)
    taken = {gem.name for gem in says.gems if not gem.elsewhere and not gem.groups <= left}
    yield from (root for root in lock.roots if root[0] in taken)
    for spec in lock.own if says.has_gemspec else ():
        if spec.remote == "." and spec.revision is None:
            yield from ((spec.name, ">= 0"),) if choice.with_project else spec.needs


def _left_out(says: Gemfile, choice: ProjectChoice) -> frozenset[str]:
    """Return the groups that are not taken: development, test and optional ones, unless they are named."""
    return ((_LEFT_OUT | says.optional) - set(choice.groups)) | frozenset(choice.no_groups)


def inputs(request: ProjectRequest) -> dict[str, str]:
    """Return the SHA-256 of what is taken of a project, as `packages.projects.inputs`."""
    return projects.inputs(request, lambda: _decided(request))


def _decided(request: ProjectRequest) -> tuple[Path, Iterable[str]]:
    lock, path = lock_of(request)
    return path, _taken(request, lock)


def _taken(request: ProjectRequest, lock: GemLock) -> Iterator[str]:
    chosen: set[str] = set()

    def every(name: str) -> Spec:
        chosen.add(name)
        needs = tuple(need for spec in lock.specs if spec.name == name for need in spec.needs)
        return Spec(name=name, version="0", needs=needs)

    gemfile_lock.reached(lock, every, ())
    for spec in sorted(lock.specs, key=lambda one: one.titled):
        if spec.name in chosen:
            yield json.dumps([spec.titled, spec.sha256, spec.needs])
    for each in gemfile_lock.reached_own(lock, ()):
        tree = each.revision or own.of(each, request.folder, request.root).sha256
        yield json.dumps([each.name, each.version, each.needs, tree])
