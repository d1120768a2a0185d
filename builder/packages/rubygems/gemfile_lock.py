"""Ruby gems of a target: the lock in Bundler's own format, and which file of each gem a target gets."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.architectures import Architecture
from builder.model.steps.gem_version import NAME, Requirement
from builder.packages.ecosystem import differing, unindexed, unreadable
from builder.packages.rubygems.spec import PLATFORM, RUBY, Spec, platforms

_SPEC = re.compile(rf"^ {{4}}(?P<name>{NAME}) \((?P<version>[0-9][0-9A-Za-z.]*)(?:-(?P<platform>{PLATFORM}))?\)$")
_NEED = re.compile(rf"^ {{6}}(?P<name>{NAME})(?: \((?P<requirement>[^()]+)\))?$")
_ROOT = re.compile(rf"^ {{2}}(?P<name>{NAME})(?: \((?P<requirement>[^()]+)\))?(?P<pinned>!?)$")
_CHECKSUM = re.compile(rf"^ {{2}}(?P<spec>{NAME} \([^()]+\))(?: sha256=(?P<sha256>[0-9a-f]{{64}}))?$")
REVISION = re.compile(r"[0-9a-f]{40}")
_OWN = ("GIT", "PATH")
_UNLOCKED = (*_OWN, "PLUGIN SOURCE")


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSpec:
    """A gem of the project itself: in a folder, or in a repository at a commit."""

    name: str
    version: str
    needs: tuple[tuple[str, str], ...]
    remote: str
    """The folder, relative to the lock's, or the address of the repository."""
    revision: str | None = None
    """The commit; None for a folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GemLock:
    """What a Gemfile.lock says."""

    specs: tuple[Spec, ...]
    roots: tuple[tuple[str, str], ...]
    remotes: tuple[str, ...] = ()
    own: tuple[OwnSpec, ...] = ()


# ---- Gemfile.lock --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class _LockReader:
    """Collects what a lock says, and what is wrong with it."""

    specs: list[dict[str, Any]] = field(default_factory=list)
    roots: list[tuple[str, str]] = field(default_factory=list)
    remotes: list[str] = field(default_factory=list)
    checksums: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unindexed: list[str] = field(default_factory=list)
    """Sections of gems that no index has, with the addresses that they name."""

    own: list[dict[str, Any]] = field(default_factory=list)
    """Gems of sections that no index has."""
    about: dict[str, str] = field(default_factory=dict)
    """The facts above the gems of a section."""
    takes_own: bool = False

    def begin(self, section: str) -> None:
        self.about = {}
        if section in _UNLOCKED and not (self.takes_own and section in _OWN):
            self.unindexed.append(f"{section}: a gem that no index has cannot be locked by its hash")

    def take(self, section: str, line: str) -> None:
        if (fact := re.fullmatch(r" {2}(\w+): (.+)", line)) and section in {"GEM", *_UNLOCKED}:
            self._fact(section, fact[1], fact[2].strip())
            return
        if section in {"GEM", *_OWN} and (match := _SPEC.match(line)):
            self._spec(section, match.groupdict())
        elif section in {"GEM", *_OWN} and (match := _NEED.match(line)) and self._rows(section):
            self._rows(section)[-1]["needs"].append((match["name"], match["requirement"] or ">= 0"))
        elif section == "DEPENDENCIES" and (match := _ROOT.match(line)):
            self.roots.append((match["name"], match["requirement"] or ">= 0"))
        elif section == "CHECKSUMS" and (match := _CHECKSUM.match(line)):
            if match["sha256"]:
                self.checksums[match["spec"]] = match["sha256"]
        elif section in {"GEM", *_OWN, "DEPENDENCIES", "CHECKSUMS"} and line.strip() != "specs:":
            self.wrong.append(f"`{line.strip()[:70]}` below {section} is nothing that Bundler writes")

    def _rows(self, section: str) -> list[dict[str, Any]]:
        return self.specs if section == "GEM" else self.own

    def _fact(self, section: str, key: str, value: str) -> None:
        if section in _UNLOCKED and key == "remote" and not (self.takes_own and section in _OWN):
            self.unindexed.append(f"{section}: {value}")
        if section == "GEM" and key == "remote":
            self.remotes.append(value)
        if key != "remote" or section != "GEM":
            self.about[key] = value
        else:
            self.about.setdefault("remote", value)

    def _spec(self, section: str, named: dict[str, Any]) -> None:
        if section == "GEM":
            row = {**named, "platform": named["platform"] or RUBY, "remote": self.about.get("remote")}
            self.specs.append({**row, "needs": []})
            return
        revision = self.about.get("revision")
        if section == "GIT" and not (revision and REVISION.fullmatch(revision)):
            self.wrong.append(f"{named['name']}: GIT has no `revision` of 40 digits")
        row = {"name": named["name"], "version": named["version"], "remote": self.about.get("remote", "")}
        self.own.append({**row, "revision": revision if section == "GIT" else None, "needs": []})


def read(text: str, where: str, *, own: bool = False) -> GemLock:
    """Return what a lock says; all mistakes of the file together. With `own` also gems of folders and repositories."""
    reader = _LockReader(takes_own=own)
    section = ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            section = line.strip()
            reader.begin(section)
        elif line.strip():
            reader.take(section, line)
    if reader.unindexed:
        way = "`gem build` makes a gem of one, which an index of your own can offer (`gem push`)"
        raise unindexed(packages="Ruby gems", why=[f"{where}: {text}" for text in reader.unindexed], way=way)
    if not reader.roots and not reader.wrong:
        reader.wrong.append("it has no DEPENDENCIES")
    if reader.wrong:
        raise unreadable(where, "Gemfile.lock", reader.wrong, "bundle lock")
    several = len({one["remote"] for one in reader.specs}) > 1
    specs = (
        Spec(**{**one, "needs": tuple(one["needs"]), "remote": one["remote"] if several else None})
        for one in reader.specs
    )
    return GemLock(
        specs=tuple(replace(spec, sha256=reader.checksums.get(spec.titled)) for spec in specs),
        roots=tuple(reader.roots),
        remotes=tuple(reader.remotes),
        own=tuple(OwnSpec(**{**one, "needs": tuple(one["needs"])}) for one in reader.own),
    )


def write(lock: GemLock) -> str:
    """Return the text of a lock, with the hash of every file, as Bundler reads it."""
    lines = ["GEM", *(f"  remote: {credentials.without(remote)}" for remote in lock.remotes), "  specs:"]
    specs = sorted(lock.specs, key=lambda spec: (spec.name, spec.version, spec.platform != RUBY, spec.platform))
    for spec in specs:
        lines.append(f"    {spec.titled}")
        lines += [f"      {name}{_said(requirement)}" for name, requirement in sorted(spec.needs)]
    found = sorted({spec.platform for spec in specs})
    lines += ["", "PLATFORMS", *(f"  {name}" for name in found)]
    lines += ["", "DEPENDENCIES", *(f"  {name}{_said(requirement)}" for name, requirement in sorted(lock.roots))]
    lines += ["", "CHECKSUMS", *(f"  {spec.titled} sha256={spec.sha256}" for spec in specs if spec.sha256)]
    return "\n".join(lines) + "\n"


def _said(requirement: str) -> str:
    return "" if requirement == ">= 0" else f" ({Requirement(requirement)})"


def unfit(lock: GemLock, wanted: Mapping[str, str]) -> list[str]:
    """Return what a recipe asks for that its lock was not made for."""
    roots = {name: str(Requirement(requirement)) for name, requirement in lock.roots}
    asked = {name: str(Requirement(requirement)) for name, requirement in wanted.items()}
    changed = sorted(name for name in {*roots, *asked} if roots.get(name) != asked.get(name))
    return [differing(name, "the recipe", asked.get(name), roots.get(name)) for name in changed]


# ---- choosing ------------------------------------------------------------------------------------------------------


def files(lock: GemLock, name: str, arch: Architecture, where: str) -> list[Spec]:
    """Return the files of a gem that an architecture can use, precompiled ones first; UsageError when there is none."""
    there = {spec.platform: spec for spec in lock.specs if spec.name == name}
    found = [there[platform] for platform in (*platforms(arch), RUBY) if platform in there]
    if not found:
        msg = f"{where} has no {name} for Linux on {arch.name}"
        locked = f"it is locked for {', '.join(there)}" if there else "it is not locked at all"
        raise UsageError(msg, why=[locked], hint="`bundle lock --add-platform x86_64-linux aarch64-linux`")
    return found


def reached(lock: GemLock, choose: Callable[[str], Spec], without: Iterable[str]) -> list[Spec]:
    """Return what the roots need, directly or not, each file as `choose` takes it, in an order to install it."""
    left = {*without, "bundler"}  # Ruby brings Bundler
    own = {spec.name: spec for spec in lock.own}
    found: dict[str, Spec] = {}
    seen: set[str] = set()
    queue = [name for name, _ in lock.roots]
    while queue:
        name = queue.pop()
        if name in seen or name in left:
            continue
        seen.add(name)
        if name not in own:
            found[name] = choose(name)
        queue += [need for need, _ in (own[name].needs if name in own else found[name].needs)]
    return sequence(list(found.values()))


def needed(lock: GemLock, without: Iterable[str]) -> frozenset[str]:
    """Return the names of what the roots need on any platform, directly or not."""
    needs: dict[str, set[str]] = {}
    for name, required in (*((spec.name, spec.needs) for spec in lock.specs), *((o.name, o.needs) for o in lock.own)):
        needs.setdefault(name, set()).update(each for each, _ in required)
    left, seen = frozenset(without), set[str]()
    queue = [name for name, _ in lock.roots]
    while queue:
        name = queue.pop()
        if name not in seen and name not in left:
            seen.add(name)
            queue += needs.get(name, ())
    return frozenset(seen)


def reached_own(lock: GemLock, without: Iterable[str]) -> list[OwnSpec]:
    """Return the gems of the project itself that the roots need, sorted by name."""
    seen = needed(lock, without)
    return sorted((spec for spec in lock.own if spec.name in seen), key=lambda spec: spec.name)


def sequence(chosen: Sequence[Spec]) -> list[Spec]:
    """Return gems so that each comes after those that it needs; circles are cut where they are met."""
    by_name = {spec.name: spec for spec in chosen}
    done: dict[str, Spec] = {}

    def visit(spec: Spec, above: frozenset[str]) -> None:
        for name, _ in sorted(spec.needs):
            if name in by_name and name not in done and name not in above:
                visit(by_name[name], above | {name})
        done.setdefault(spec.name, spec)

    for name in sorted(by_name):
        visit(by_name[name], frozenset({name}))
    return list(done.values())
