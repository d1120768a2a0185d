"""Versions and requirements of gems, compared as in RubyGems (Gem::Version, Gem::Requirement)."""

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
    """A version of a gem. A segment of letters makes it a prerelease, and sorts before numbers."""

    text: str

    def __post_init__(self) -> None:
        if not VERSION.fullmatch(self.text):
            msg = f"`{self.text}` is not a valid version of a gem"
            raise ValueError(msg)

    @cached_property
    def segments(self) -> tuple[int | str, ...]:
        """Numbers and words, without trailing zeros of the release and of the prerelease."""
        parts: list[int | str] = [
            int(part) if part.isdigit() else part
            for part in re.findall(r"[0-9]+|[A-Za-z]+", self.text.replace("-", ".pre."))
        ]
        words = next((at for at, part in enumerate(parts) if isinstance(part, str)), len(parts))
        return (*_trimmed(parts[:words]), *_trimmed(parts[words:]))

    @property
    def prerelease(self) -> bool:
        return any(isinstance(part, str) for part in self.segments)

    @cached_property
    def key(self) -> tuple[tuple[int, int, str], ...]:
        """Sort key: a word sorts before the end of a version, and the end before a number."""
        return (*((1, part, "") if isinstance(part, int) else (-1, 0, part) for part in self.segments), (0, 0, ""))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __lt__(self, other: "Version") -> bool:
        return self.key < other.key

    def bump(self) -> "Version":
        """Return the lowest version that `~>` excludes: 1.3 for 1.2.3, 2 for 1."""
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
    """Conditions that a version must all meet, such as `>= 1.2, < 3`. In an index `&` stands for the comma."""

    text: str

    def __post_init__(self) -> None:
        tuple(self.parts())

    def parts(self) -> Iterator[tuple[str, Version]]:
        """Yield operator and version of each condition. Raises ValueError for an invalid one."""
        for part in re.split(r"[,&]", self.text):
            match = _ONE.fullmatch(part)
            if match is None:
                msg = f"`{self.text}` is not a valid requirement of a gem"
                raise ValueError(msg)
            yield match[1] or "=", Version(match[2])

    def allows(self, version: Version) -> bool:
        return all(_holds(operator, version, bound) for operator, bound in self.parts())

    @property
    def prerelease(self) -> bool:
        """Whether a condition names a prerelease; otherwise prereleases are not considered."""
        return any(version.prerelease for _, version in self.parts())

    def __str__(self) -> str:
        return ", ".join(f"{operator} {version.text}" for operator, version in self.parts())


def _holds(operator: str, version: Version, bound: Version) -> bool:
    return {
        "=": version == bound,
        "!=": version != bound,
        ">": version > bound,
        "<": version < bound,
        ">=": version >= bound,
        "<=": version <= bound,
        "~>": version >= bound and _release(version) < bound.bump(),
    }[operator]


def _release(version: Version) -> Version:
    return Version(re.split(r"[.-](?=[A-Za-z])|-", version.text)[0])


def parse_gem(text: str) -> tuple[str, Requirement]:
    """Split `name@requirement` or a name alone. Raises ValueError for anything else."""
    name, _, requirement = text.partition("@")
    if not re.fullmatch(NAME, name):
        msg = f"`{text}` is not `name@version`, for example `nokogiri@1.18.2` or `nokogiri@~> 1.18`"
        raise ValueError(msg)
    return name, Requirement(requirement or ">= 0")
