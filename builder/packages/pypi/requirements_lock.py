"""`requirements.lock`: hashed requirements of a recipe, for all its targets, without the address of an index.

Environment markers separate targets that need different versions. Lambda ties each Python to one Amazon Linux, so
`python_version` and `platform_machine` suffice.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.base import texts
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.model.target import Target
from builder.packages.ecosystem import unreadable
from builder.packages.pypi import addresses
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.markers import among, applies
from builder.packages.pypi.resolve import best

HEADER = "# Written by `layerwright lock`. Install by hash: pip, uv and layerwright all read it.\n"
BUILD_HEADER = (
    "# Written by `layerwright lock`: all that sdists are built with, by hash; of a package perhaps several versions.\n"
)


_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One package of a lock, for the environments that match its marker."""

    name: str
    version: str
    marker: Marker | None
    hashes: frozenset[str]


def read(path: Path, target: Target) -> dict[str, Pin]:
    """Return the pins of a lock for a target, by name. Raises UsageError with all mistakes of the file."""
    return {pin.name: pin for pin in read_all(path, target)}


def read_all(path: Path, target: Target) -> tuple[Pin, ...]:
    """Return the pins of a lock for a target, a package in several versions if the lock has them."""
    joined = re.sub(r"\\\r?\n\s*", " ", texts.read(path))
    pins: list[Pin] = []
    wrong: list[str] = []
    for line in joined.splitlines():
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        try:
            pin = _pin(text)
            if applies(pin.marker, target):
                pins.append(pin)
        except (InvalidRequirement, InvalidVersion, InvalidMarker):
            wrong.append(f"`{text[:60]}` is not `name==version --hash=sha256:...`")
    if wrong:
        raise unreadable(path.as_posix(), path.name, wrong)
    return tuple(pins)


def pins(lines: Iterable[str], target: Target) -> Iterator[Pin]:
    """Yield the pins among lines of requirements that apply to a target. Folders and addresses are no pins."""
    for line in lines:
        with contextlib.suppress(InvalidRequirement, InvalidVersion, InvalidMarker):
            if applies((pin := _pin(line)).marker, target):
                yield pin


def _pin(text: str) -> Pin:
    """Parse a pin. Raises InvalidRequirement or InvalidVersion."""
    spec, *hashes = (word.strip() for word in re.split(r"\s+--hash=sha256:", text))
    requirement = pep508.parsed(spec)
    versions = list(requirement.specifier)
    if len(versions) != 1 or versions[0].operator != "==" or not hashes or not all(map(_HASH.fullmatch, hashes)):
        raise InvalidRequirement(text)
    Version(versions[0].version)
    return Pin(
        name=canonicalize_name(requirement.name),
        version=versions[0].version,
        marker=requirement.marker,
        hashes=frozenset(hashes),
    )


def unfit(pins: Mapping[str, Pin], requirements: Iterable[str], target: Target) -> list[str]:
    """Return the requirements of a recipe that its lock does not satisfy, as messages."""
    problems = []
    for text in requirements:
        requirement = pep508.parsed(text)
        try:
            if not applies(requirement.marker, target):
                continue
        except InvalidMarker:
            problems.append(f"the marker of {text} compares what cannot be compared")
            continue
        if requirement.url and addresses.is_place(requirement.url):
            continue
        pin = pins.get(canonicalize_name(requirement.name))
        if pin is None:
            problems.append(f"the recipe requires {text}, the lock has no {requirement.name} for {target.name}")
        elif not requirement.specifier.contains(Version(pin.version), prereleases=True):
            problems.append(f"the recipe requires {text}, the lock has {pin.name}=={pin.version}")
    return problems


def locked(candidate: Candidate, pins: Mapping[str, Pin], target: Target) -> Candidate:
    """Return the candidate with the files that the lock allows.

    Raises UsageError if the lock does not have the package, BuildError if no file has an allowed hash.
    """
    if candidate.origin is not None:  # its files are what is in the repository, or at the commit that is required
        return candidate
    pin = pins.get(canonicalize_name(candidate.name))
    if pin is None:
        msg = f"the lock has no {candidate.name}, which {target.name} needs"
        raise UsageError(msg, hint=f"`layerwright lock {target.layer}` brings it up to date")
    allowed = candidate.with_hashes(pin.hashes)
    if not allowed.wheels and (candidate.wheels or allowed.sdist is None):
        offered = best(candidate, target.base, target.arch) or candidate.sdist or candidate.wheels[0]
        msg = f"hash mismatch: {candidate.name} {candidate.version} is not what the lock of {target.layer} says"
        raise BuildError(
            msg,
            why=[f"the index offers {offered.filename} sha256:{offered.sha256}", *_hash_lines(pin)],
            hint=f"if the new file is right, `layerwright lock {target.layer}` accepts it",
        )
    return allowed


def _hash_lines(pin: Pin) -> list[str]:
    return [f"the lock allows sha256:{value}" for value in sorted(pin.hashes)]


def write(resolved: Mapping[Target, tuple[Candidate, ...]]) -> str:
    """Return the text of a lock for these targets."""
    return _text(HEADER, resolved, _allowed)


def write_build(resolved: Mapping[Target, tuple[Candidate, ...]]) -> str:
    """Return the text of the lock of build requirements. A build can run on any machine, so all files are allowed."""
    return _text(BUILD_HEADER, resolved, _offered)


def _text(
    header: str,
    resolved: Mapping[Target, tuple[Candidate, ...]],
    allowed: Callable[[Candidate, Target], set[str]],
) -> str:
    environments = {(target.base.series, target.arch.machine) for target in resolved}
    versions: dict[str, dict[str, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    hashes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for target, candidates in resolved.items():
        for candidate in candidates:
            if candidate.origin is not None:
                continue
            versions[candidate.name][candidate.version].add((target.base.series, target.arch.machine))
            hashes[candidate.name, candidate.version].update(allowed(candidate, target))
    lines = [header]
    for name in sorted(versions):
        for version, where in sorted(versions[name].items(), key=lambda item: Version(item[0])):
            marker = among(where, environments)
            listed = "".join(f" \\\n    --hash=sha256:{value}" for value in sorted(hashes[name, version]))
            lines.append(f"{name}=={version}{f' ; {marker}' if marker else ''}{listed}\n")
    return "".join(lines)


def _allowed(candidate: Candidate, target: Target) -> set[str]:
    wheel: Dist | None = best(candidate, target.base, target.arch)
    hashes = {wheel.sha256} if wheel else set()
    return hashes | ({candidate.sdist.sha256} if candidate.sdist else set())


def _offered(candidate: Candidate, _: Target) -> set[str]:
    return {dist.sha256 for dist in (*candidate.wheels, candidate.sdist) if dist}
