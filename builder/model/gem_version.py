"""Versions and requirements of gems, compared as RubyGems does (Gem::Version, Gem::Requirement)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, total_ordering

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
VERSION = re.compile(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_ONE = re.compile(r"\s*(=|!=|>=|<=|~>|>|<)?\s*([0-9][^\s,&]*)\s*")


@total_ordering
@dataclass(frozen=True, slots=False)
class Version:
    """One version. A segment of letters makes it a prerelease, and sorts before any number."""

    text: str

    def __post_init__(self) -> None:
        if not VERSION.fullmatch(self.text):
            msg = f"`{self.text}` is no version of a gem"
            raise ValueError(msg)

    @cached_property
    def segments(self) -> tuple[int | str, ...]:
        """Numbers and words, without zeros at the end of the release and of the prerelease."""
        found: list[int | str] = [
            int(part) if part.isdigit() else part
            for part in re.findall(r"[0-9]+|[A-Za-z]+", self.text.replace("-", ".pre."))
        ]
        words = next((at for at, part in enumerate(found) if isinstance(part, str)), len(found))
        return (*_trimmed(found[:words]), *_trimmed(found[words:]))

    @property
    def prerelease(self) -> bool:
        return any(isinstance(part, str) for part in self.segments)

    @cached_property
    def key(self) -> tuple[tuple[int, int, str], ...]:
        """For comparison: a word is less than the end, and the end is not more than a number."""
        return (*((1, part, "") if isinstance(part, int) else (-1, 0, part) for part in self.segments), (0, 0, ""))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __lt__(self, other: "Version") -> bool:
        return self.key < other.key

    def bump(self) -> "Version":
        """Return the first version that `~>` does not allow any more: 1.2.3 gives 1.3, 1 gives 2."""
        release: list[int] = []
        for part in re.split(r"[.-]", self.text):
            if not part.isdigit():
                break
            release.append(int(part))
        kept = release[:-1] or release
        return Version(".".join(str(part) for part in [*kept[:-1], kept[-1] + 1]))


def _trimmed(parts: list[int | str]) -> list[int | str]:
    while parts and parts[-1] == 0:
        parts = parts[:-1]
    return parts


@dataclass(frozen=True, slots=True)
class Requirement:
    """Several conditions that a version must all meet: `>= 1.2, < 3`; in an index `&` stands for the comma."""

    text: str

    def __post_init__(self) -> None:
        tuple(self.parts())

    def parts(self) -> Iterator[tuple[str, Version]]:
        """Yield operator and version of each condition; ValueError for anything else."""
        for part in re.split(r"[,&]", self.text):
            match = _ONE.fullmatch(part)
            if match is None:
                msg = f"`{self.text}` is no requirement of a gem"
                raise ValueError(msg)
            yield match[1] or "=", Version(match[2])

    def allows(self, version: Version) -> bool:
        return all(_holds(operator, version, wanted) for operator, wanted in self.parts())

    @property
    def prerelease(self) -> bool:
        """Whether it names a prerelease, which is not taken otherwise."""
        return any(version.prerelease for _, version in self.parts())

    def __str__(self) -> str:
        return ", ".join(f"{operator} {version.text}" for operator, version in self.parts())


def _holds(operator: str, version: Version, wanted: Version) -> bool:
    return {
        "=": version == wanted,
        "!=": version != wanted,
        ">": version > wanted,
        "<": version < wanted,
        ">=": version >= wanted,
        "<=": version <= wanted,
        "~>": version >= wanted and _release(version) < wanted.bump(),
    }[operator]


def _release(version: Version) -> Version:
    return Version(re.split(r"[.-](?=[A-Za-z])|-", version.text)[0])


def asked(text: str) -> tuple[str, Requirement]:
    """Split what a recipe asks for, `name@requirement` or a name alone; ValueError when it is neither."""
    name, _, requirement = text.partition("@")
    if not re.fullmatch(NAME, name):
        msg = f"`{text}` is not `name@version`, for example `nokogiri@1.18.2` or `nokogiri@~> 1.18`"
        raise ValueError(msg)
    return name, Requirement(requirement or ">= 0")
