"""The exceptions of layerwright, with one exit code per kind. `builder.cli.run` catches all of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from builder.base.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path

Location = tuple[int | str, ...]
"""Keys and positions in lists of a file, from the top: `("step", 0, "files")`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One mistake in a file of the user."""

    text: str
    key: str = ""
    """The key with those above it, in the words of the file: `step[0].files`; empty for the file as a whole."""
    file: str = ""
    line: int = 0
    column: int = 0
    """From 1; 0 for what has no text, as a command line."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        return f"{place}{self.key}: {self.text}" if self.key else f"{place}{self.text}"


class LayerwrightError(Exception):
    """Base class: what happened, the facts behind it (one per line), and a hint on how to solve it."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, why: Iterable[str] = (), hint: str | None = None, faults: Iterable[Fault] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.faults = tuple(faults)
        """The mistakes in files that it is about, which are facts behind it, too."""
        self.why = (*map(str, self.faults), *why)
        self.hint = hint
        self.subject = ""
        """The target that it is about, if it is about one."""
        self.log: Path | None = None
        """The log of the build in a container that failed."""
        self.instruction = ""
        """The instruction of its Dockerfile that failed, as the engine names it, with the stage; empty if none did."""
        self.packages: tuple[str, ...] = ()
        """Packages of the operating system that its hint proposes to compile with."""

    @property
    def brief(self) -> str:
        """The message and the first fact behind it, on one line."""
        return f"{self.what}: {self.why[0]}" if self.why else self.what

    def __str__(self) -> str:
        lines = [self.what, *(f"  {line}" for line in self.why)]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class UsageError(LayerwrightError):
    """The command line, a recipe or the environment is invalid, or names something that does not exist."""

    exit_code = 2


class UnreachableError(UsageError):
    """A remote service did not respond; retrying may succeed."""


class NothingSelectedError(LayerwrightError):
    """A valid selection matches nothing."""

    exit_code = 3


class BuildError(LayerwrightError):
    """A step of a build failed."""

    exit_code = 4


class NoImageError(BuildError):
    """An image cannot be pulled from its registry."""


class CheckFailedError(LayerwrightError):
    """A layer failed a check: it would not work in Lambda."""

    exit_code = 5


class SmokeFailedError(LayerwrightError):
    """A test of a layer failed in the image of its runtime."""

    exit_code = 6


class EngineError(LayerwrightError):
    """The container engine is missing, too old, unreachable, or lacks a required feature."""

    exit_code = 7


class PublishError(LayerwrightError):
    """At least one layer version could not be published."""

    exit_code = 8


class StoppedError(LayerwrightError):
    """The work was stopped, because other work failed or by an interrupt; nothing is wrong with its subject."""


class EngineGoneError(EngineError):
    """The connection to the engine was lost; retrying may succeed."""


TRANSIENT = (UnreachableError, EngineGoneError)
"""Errors after which the same operation may succeed when it is retried."""


def near(word: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the closest candidate; an empty string if none is close. Case is ignored."""
    folded = {name.casefold(): name for name in candidates}
    import difflib

    matches = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean `{folded[matches[0]]}`?" if matches else ""
