"""Ruby gems: which file of each a target gets, and their files as a part of the layer."""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from builder.base.errors import BuildError, UsageError
from builder.layer import elf, tree
from builder.layer.tree import Entry, InMemory, Tree
from builder.layer.versions import version_key
from builder.model.architectures import Architecture
from builder.model.gem_version import Requirement, Version, parse_gem
from builder.model.recipes import GEM_LOCK, Loaded
from builder.model.runtimes import Runtime
from builder.model.steps import Gem as GemStep
from builder.model.steps import Step
from builder.model.target import Target, steps, targets
from builder.packages.languages import step_of
from builder.packages.rubygems import gemfile_lock, gemspec, index
from builder.packages.rubygems.gemfile_lock import Gem, GemLock, Gems
from builder.packages.rubygems.spec import RUBY, Spec, local_platform

_GEMFILE_LINE = re.compile(r"""^\s*gem[\s(]+["'](?P<name>[^"']+)["']""", re.MULTILINE)
_OTHER_ABI = re.compile(r"/(?P<abi>\d+\.\d+)/[^/]+\.so$")
"""Precompiled gems bring one library per Ruby: lib/nokogiri/3.3/nokogiri.so."""


def wanted(step: GemStep, target: Target) -> dict[str, str]:
    """Return names and requirements of what a step asks for."""
    return {name: str(requirement) for name, requirement in (parse_gem(target.expand(text)) for text in step.gems)}


def rubies(runtimes: Sequence[Runtime]) -> list[str]:
    """Return full versions for `required_ruby_version`: Lambda keeps each series at its newest patch release."""
    return sorted({f"{one.series.rpartition('.')[0]}.99" for one in runtimes})


@cache
def _described(spec: Spec, address: str) -> dict[str, Any]:
    """Return what a gem says of itself: asked several times on the way from plan to zip, read once."""
    return gemspec.metadata(index.fetched(spec, address))


# ---- deciding ------------------------------------------------------------------------------------------------------


def plan(loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]], *, wheels_only: bool) -> Gems | None:
    """Decide which gems a target gets, and fetch them: only the file itself tells whether it must be compiled."""
    step = step_of(GemStep, chosen, target)
    if step is None:
        return None
    if target.base.language != "ruby":
        msg = f'{target.name}: `uses = "gem"` needs a Ruby runtime, not {target.base.name}'
        raise UsageError(msg)
    lock, where, locked = _lock(loaded, step, target)
    address = index.source(lock.remotes)
    picker = _Picker(step, target, address)

    def choose(name: str) -> Spec:
        return picker.choose(gemfile_lock.files(lock, name, target.arch, where))

    unknown = sorted(set(step.without) - {spec.name for spec in lock.specs})
    if unknown:
        msg = f"{target.name}: `without` names {', '.join(unknown)}, which nothing here requires"
        raise UsageError(msg)
    found = [picker.gem(spec) for spec in gemfile_lock.reached(lock, choose, step.without)]
    if wheels_only and (compiled := [one.spec.full_name for one in found if one.compiled]):
        msg = f"{target.name}: a gem would have to be compiled, which needs an engine"
        raise BuildError(msg, why=compiled, hint="leave out `--route wheels`, or take a version that is precompiled")
    return Gems(gems=tuple(found), series=target.base.series, index=address, locked=locked)


def _lock(loaded: Loaded, step: GemStep, target: Target) -> tuple[GemLock, str, bool]:
    """Return the lock, where it is from, and whether it was there already."""
    path = loaded.file(f"{step.file}.lock") if step.file else loaded.lock_named(GEM_LOCK)
    if path is None or not path.is_file():
        if step.file:
            msg = f"there is no {step.file}.lock beside {step.file}"
            hint = "`bundle lock --add-platform x86_64-linux aarch64-linux` writes it: a Gemfile is code for Ruby alone"
            raise UsageError(msg, hint=hint)
        return resolved(loaded, None), GEM_LOCK, False
    lock = gemfile_lock.read(path.read_text(encoding="utf-8"), path.as_posix())
    if stale := _stale(loaded, step, target, lock):
        msg = f"the {path.name} of {loaded.name} does not fit its recipe"
        by = "bundle lock" if step.file else f"layerwright lock {loaded.name}"
        raise UsageError(msg, why=stale, hint=f"`{by}` brings it up to date")
    complete = all(spec.sha256 for spec in lock.specs)
    return (lock if complete else summed(lock)), path.as_posix(), complete


def _stale(loaded: Loaded, step: GemStep, target: Target, lock: GemLock) -> list[str]:
    if step.file is None:
        return gemfile_lock.unfit(lock, wanted(step, target))
    named = set(_GEMFILE_LINE.findall(loaded.file(step.file).read_text(encoding="utf-8")))
    missing = sorted(named - {name for name, _ in lock.roots})
    return [f"{name} is in {step.file} and not in its lock" for name in missing]


def resolved(loaded: Loaded, kept: Mapping[str, str] | None) -> GemLock:
    """Ask the index for all targets of a recipe at once: one lock serves every architecture and Ruby."""
    every = targets(loaded.recipe)
    asked_for = [(step_of(GemStep, steps(loaded.recipe, target), target), target) for target in every]
    found = [wanted(step, target) for step, target in asked_for if step]
    roots = found[0]
    if any(other != roots for other in found):
        msg = f"{loaded.name}: its targets want different gems, and a {GEM_LOCK} holds one set"
        raise UsageError(msg, hint="make two recipes of it")
    machines = {arch.name: arch for target in every for arch in target.architectures}
    runtimes = [one for target in every for one in target.runtimes if one.language == "ruby"]
    address = index.source()
    specs = index.resolve(roots, rubies(runtimes), list(machines.values()), address, kept)
    return GemLock(specs=tuple(specs), roots=tuple(roots.items()), remotes=(address,))


def summed(lock: GemLock) -> GemLock:
    """Return the lock with the hashes that the index has today; Bundler before 2.6 wrote none."""
    address = index.source(lock.remotes)

    def known(spec: Spec) -> Spec:
        sums = {one.titled: one.sha256 for one, _ in index.listed(spec.name, address)} if not spec.sha256 else {}
        if not spec.sha256 and not sums.get(spec.titled):
            msg = f"the index of gems has no {spec.full_name}, which the lock names"
            raise BuildError(msg, hint="was it withdrawn? `bundle update` takes another version")
        return replace(spec, sha256=spec.sha256 or sums[spec.titled])

    return replace(lock, specs=tuple(known(spec) for spec in lock.specs))


class _Picker:
    """Takes the best file of each gem: precompiled if it will load in Lambda, else the one that is compiled."""

    def __init__(self, step: GemStep, target: Target, address: str) -> None:
        self._step, self._target, self._address = step, target, address
        self._why: dict[str, str] = {}

    def choose(self, files: Sequence[Spec]) -> Spec:
        refused: list[str] = []
        for spec in files:
            problem = self._problem(spec)
            if problem is None:
                self._why[spec.name] = "; ".join(refused)
                return spec
            refused.append(f"{spec.full_name}: {problem}")
        msg = f"{self._target.name}: no file of {files[0].name} {files[0].version} fits"
        raise BuildError(msg, why=refused, hint="`bundle lock --add-platform ruby` adds the one that is compiled")

    def _problem(self, spec: Spec) -> str | None:
        if spec.platform != RUBY and self._step.precompiled == "never":
            return "the recipe wants none that is precompiled"
        needs = gemspec.required_ruby(_described(spec, self._address))
        for text in rubies(self._target.runtimes):
            if needs and not Requirement(needs).allows(Version(text)):
                return f"needs Ruby {needs}"
        return _too_new(index.fetched(spec, self._address), self._target) if spec.platform != RUBY else None

    def gem(self, spec: Spec) -> Gem:
        found = _described(spec, self._address)
        compiled = spec.platform == RUBY and bool(gemspec.extensions(found))
        if compiled:
            reason = self._why.get(spec.name) or "has an extension and no precompiled gem"
        else:
            reason = "pure Ruby" if spec.platform == RUBY else f"precompiled for {spec.platform}"
        return Gem(spec=spec, compiled=compiled, reason=reason, options=self._step.options.get(spec.name, ()))


def _too_new(path: Path, target: Target) -> str | None:
    """Say which glibc a precompiled gem wants, when Lambda has an older one."""
    highest = target.base.os.glibc
    for name, data in gemspec.contents(path):
        if not data.startswith(elf.MAGIC) or _other_abi(name, target.base):
            continue
        for need in elf.parse(data).versions:
            family, _, version = need.version.partition("_")
            if family == "GLIBC" and version[:1].isdigit() and version_key(version) > version_key(highest):
                return f"{name} needs glibc {version}, {target.base.os.title} has {highest}"
    return None


def _other_abi(name: str, runtime: Runtime) -> bool:
    match = _OTHER_ABI.search(f"/{name}")
    return match is not None and match["abi"] != runtime.series.rpartition(".")[0]


# ---- files ---------------------------------------------------------------------------------------------------------


def archive(planned: Gems, path: Path) -> None:
    """Write all gems and the order of their installation as a tar for the build context."""
    order = [{"file": f"{one.spec.full_name}.gem", "options": one.options} for one in planned.gems]
    with tarfile.open(path, "w") as made:
        _add(made, "order.json", json.dumps(order).encode())
        for one in planned.gems:
            _add(made, f"{one.spec.full_name}.gem", index.fetched(one.spec, planned.index).read_bytes())


def _add(made: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    made.addfile(info, io.BytesIO(data))


def entries(planned: Gems, runtime: Runtime) -> Iterator[Entry]:
    """Yield the files of gems that need no compiler, and the specifications of all."""
    root = f"ruby/gems/{planned.series}"
    for one in planned.gems:
        name = one.spec.full_name
        found = _described(one.spec, planned.index)
        text = gemspec.text(found, one.spec.version, one.spec.platform)
        yield tree.from_data(f"{root}/specifications/{name}.gemspec", text.encode())
        if one.compiled:
            continue
        for file, data in gemspec.contents(index.fetched(one.spec, planned.index)):
            if not _other_abi(file, runtime):
                yield tree.from_data(f"{root}/gems/{name}/{file}", data)
        if gemspec.extensions(found):  # else Ruby would take it for one whose extension was never compiled
            yield tree.from_data(
                f"{root}/extensions/{one.spec.platform}/{planned.series}/{name}/gem.build_complete", b""
            )


def linked(content: Tree, planned: Gems, arch: Architecture) -> Tree:
    """Keep one copy of each extension: RubyGems puts it into `extensions` and into the gem's own folder."""
    root = f"ruby/gems/{planned.series}"
    there = {entry.path: entry for entry in content}
    double: list[Entry] = []
    for one in planned.compiled:
        name = one.spec.full_name
        prefix = f"{root}/extensions/{local_platform(arch)}/{planned.series}/{name}/"
        for path in gemspec.require_paths(_described(one.spec, planned.index)):
            double += _doubles(there, prefix, f"{root}/gems/{name}/{path}/")
    return content.with_entries(double)


def _doubles(there: Mapping[str, Entry], prefix: str, own: str) -> Iterator[Entry]:
    for path, entry in there.items():
        if not path.startswith(prefix) or not path.endswith(".so"):
            continue
        other = there.get(own + path.removeprefix(prefix))
        if other and other.link is None and other.content.read() == entry.content.read():
            up = "../" * path.removeprefix("ruby/gems/").count("/")
            pointed = up + other.path.removeprefix("ruby/gems/")
            yield Entry(path=path, mode=tree.LINK, content=InMemory(data=pointed.encode()), link=pointed)
