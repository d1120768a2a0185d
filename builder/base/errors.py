"""What can go wrong, with one exit code per kind; caught once, in `builder.cli.run`."""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class LayerwrightError(Exception):
    """What happened, the facts behind it (one per line), and what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, why: Iterable[str] = (), hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = tuple(why)
        self.hint = hint

    @property
    def brief(self) -> str:
        """What happened and the first fact behind it, on one line."""
        return f"{self.what}: {self.why[0]}" if self.why else self.what

    def __str__(self) -> str:
        lines = [self.what, *(f"  {line}" for line in self.why)]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class UsageError(LayerwrightError):
    """The command line or a recipe asks for something that is not there or makes no sense."""

    exit_code = 2


class UnreachableError(UsageError):
    """Somebody out there did not answer: an index, a registry, a server. In a minute it may be another matter."""


class NothingSelectedError(LayerwrightError):
    """The selection is valid and empty."""

    exit_code = 3


class BuildError(LayerwrightError):
    """A step of a build failed."""

    exit_code = 4


class CheckFailedError(LayerwrightError):
    """A layer would not work in Lambda."""

    exit_code = 5


class SmokeFailedError(LayerwrightError):
    """What was built does not work in the runtime's image."""

    exit_code = 6


class EngineError(LayerwrightError):
    """The container engine is missing, too old, out of reach, or lacks something that is needed."""

    exit_code = 7


class PublishError(LayerwrightError):
    """Not everything that was to be published is."""

    exit_code = 8


class EngineGoneError(EngineError):
    """The engine went away in the middle of its work; it may come back."""


TRANSIENT = (UnreachableError, EngineGoneError)
"""What may go well when it is tried again without a change."""


def near(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` when a known word is close, else an empty string."""
    folded = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean `{folded[matches[0]]}`?" if matches else ""
