"""Jars of a target, and `maven.lock`: one line per jar, `group:artifact:version[:classifier] sha256:...`."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Annotated

from builder.base.frozen import dataclass
from builder.base.values import StoredSha256, matching, stored
from builder.packages.ecosystem import unreadable

HEADER = "# Written by `layerwright lock`: every jar of the layer, with its hash.\n"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_+-]*(?:\.[A-Za-z0-9_+-]+)*"
"""Maven makes a folder of each part, and of each word of a group; no folder is empty, `.` or `..`."""
_COORDINATES = re.compile(rf"{_PART}:{_PART}:{_PART}(?::{_PART})?")
_LINE = re.compile(rf"(?P<coordinates>{_COORDINATES.pattern}) sha256:(?P<sha256>[0-9a-f]{{64}})")


def coordinates(value: str, sender: str) -> str:
    """Return `group:artifact:version` or `group:artifact:version:classifier`; else raise UntrustedError."""
    return matching(_COORDINATES, value, sender, "a name of a jar, group:artifact:version")


@dataclass(frozen=True, kw_only=True, slots=True)
class Jar:
    """One artifact at one version."""

    coordinates: Annotated[str, stored(_COORDINATES, "a name of a jar, group:artifact:version")]
    """group:artifact:version, or with :classifier."""
    sha256: StoredSha256

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Group, artifact, version, classifier; the last is often empty."""
        group, artifact, version, *classifier = self.coordinates.split(":")
        return group, artifact, version, "".join(classifier)

    @property
    def filename(self) -> str:
        """As Maven's repositories call it."""
        return "-".join(part for part in self.parts[1:] if part) + ".jar"


def write(jars: Iterable[Jar]) -> str:
    """Return the text of a lock."""
    return HEADER + "".join(
        f"{one.coordinates} sha256:{one.sha256}\n" for one in sorted(jars, key=attrgetter("coordinates"))
    )


def read(text: str, where: str) -> tuple[Jar, ...]:
    """Return the jars of a lock; all mistakes of the file together."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [_LINE.fullmatch(line.strip()) for line in lines]
    if wrong := [
        f"`{line[:70]}` is not `group:artifact:version sha256:...`"
        for line, hit in zip(lines, found, strict=True)
        if not hit
    ]:
        raise unreadable(where, "maven.lock", wrong)
    return tuple(Jar(coordinates=hit["coordinates"], sha256=hit["sha256"]) for hit in found if hit)


def unfit(jars: Sequence[Jar], wanted: Iterable[str]) -> list[str]:
    """Return what a recipe asks for that its lock does not give."""
    there = {one.coordinates for one in jars}
    return [f"the recipe asks for {text}, which the lock does not have" for text in wanted if text not in there]


def names(jars: Sequence[Jar]) -> dict[str, Jar]:
    """Return the jars by the names that they get in java/lib: two of one name get their group in front."""
    counts = Counter(one.filename for one in jars)
    return {f"{one.parts[0]}.{one.filename}" if counts[one.filename] > 1 else one.filename: one for one in jars}
