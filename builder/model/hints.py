"""What the output of a failure means: patterns with hints, of `images/hints.toml`."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Literal

from builder.base.rules import AfterValidator, Field
from builder.model import facts
from builder.model.fields import Text, validated
from builder.model.tables import table

FILE = "hints.toml"


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        return validated(f"`{value}` is not a regular expression: {error}", value)
    return value


Expression = Annotated[Text, AfterValidator(_expression)]


@table
class OutputHint:
    """A pattern in the output of a test, and what to do about it."""

    pattern: Expression
    hint: Text
    """`{0}` is what the first group of the pattern matched."""
    example: Text
    """A line with the pattern."""

    def of(self, text: str) -> str | None:
        """Return the hint if a text has the pattern."""
        match = re.search(self.pattern, text)
        return self.hint.format(*match.groups()) if match else None


@table
class OutputSign:
    """A pattern by which a failure is recognized."""

    pattern: Expression
    example: Text


@table
class KnownFailure:
    """A kind of failure with the signs of it."""

    hint: Text
    signs: Annotated[tuple[OutputSign, ...], Field(min_length=1)]

    def shows(self, text: str) -> bool:
        """Tell whether a text has one of the signs."""
        return any(re.search(sign.pattern, text) for sign in self.signs)

    def named(self, text: str) -> Iterator[str]:
        """Yield what the groups of the signs match in a text."""
        for sign in self.signs:
            yield from (match[1] for match in re.finditer(sign.pattern, text))

    def pairs(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield what the first two groups of the signs match in a text."""
        for sign in self.signs:
            yield from ((match[1], match[2]) for match in re.finditer(sign.pattern, text))


@table
class BuildFailures:
    """The failures of a container build that are not those of its own steps."""

    disk_full: Annotated[KnownFailure, Field(alias="disk-full")]
    no_image: Annotated[KnownFailure, Field(alias="no-image")]
    no_emulation: Annotated[KnownFailure, Field(alias="no-emulation")]
    engine_gone: Annotated[KnownFailure, Field(alias="engine-gone")]
    no_build_requirement: Annotated[KnownFailure, Field(alias="no-build-requirement")]
    no_network: Annotated[KnownFailure, Field(alias="no-network")]
    no_node_headers: Annotated[KnownFailure, Field(alias="no-node-headers")]
    no_tool: Annotated[KnownFailure, Field(alias="no-tool")]
    no_package: Annotated[KnownFailure, Field(alias="no-package")]
    conflicting_packages: Annotated[KnownFailure, Field(alias="conflicting-packages")]


@table
class StepHint:
    """A pattern in the output of a failed step, and what to do about it: at least one of the last three is there."""

    pattern: Expression
    example: Text
    """A line with the pattern."""
    hint: Text | None = None
    """`{0}` is what a group of the pattern matched."""
    packages: tuple[Text, ...] = ()
    """Of Amazon Linux 2023, which bring what is missing."""
    of: Literal["headers", "libraries", "modules"] | None = None
    """What the pattern's group names, of which `devel` knows the package."""

    def found(self, text: str) -> str | None:
        """Return what a group of the pattern matches in a text, empty if there is none; None without a match."""
        match = re.search(self.pattern, text)
        return next((group for group in match.groups() if group), "") if match else None


@table
class DevelopmentPackage:
    """What a package has that is compiled against."""

    headers: tuple[Text, ...] = ()
    """As `#include` has them; one that ends with a slash stands for all that begin with it."""
    libraries: tuple[Text, ...] = ()
    """As the linker has them, after `-l`."""
    modules: tuple[Text, ...] = ()
    """Names of pkg-config, Meson and CMake."""


@table
class CompilingHint:
    """What compiling a package of Python needs, and how it can be spared."""

    packages: tuple[Text, ...] = ()
    """Of Amazon Linux 2023."""
    prebuilt: Text | None = None
    """A package with the same modules, or the same purpose, that has wheels."""


@table
class Hints:
    """All hints."""

    test: Annotated[tuple[OutputHint, ...], Field(min_length=1)]
    """In the order in which they are tried."""
    build: BuildFailures
    step: Annotated[tuple[StepHint, ...], Field(min_length=1)]
    """In the order in which they are tried."""
    devel: dict[Text, DevelopmentPackage]
    """By the name of the package in Amazon Linux 2023."""
    packages_of: Annotated[dict[Text, Text], Field(alias="packages-of")]
    """Names of packages, separated by spaces, by the program that they bring."""
    compiling: dict[Text, CompilingHint]
    """By the name of a package of Python, in its canonical form."""


def installing(packages: Iterable[str]) -> str:
    """Return the hint that packages of the system bring what a step lacks."""
    return hints().build.no_tool.hint.format(json.dumps(list(packages)))


@cache
def hints() -> Hints:
    """Return the hints of the data file."""
    return facts.parsed(Hints, FILE)
