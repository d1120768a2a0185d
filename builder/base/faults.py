"""Mistakes in files of a user, each with its place: what a terminal shows, a linter reports and an editor jumps to."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from builder.base import texts
from builder.base.errors import Fault, Location, UsageError


@dataclass(frozen=True, kw_only=True)
class TomlText:
    """A TOML file that was read: its name in messages, its text, and where the keys of the text stand."""

    name: str
    text: str
    below: Location = ()
    """The table that counts, in a file of several tools: locations begin there."""

    def parsed(self) -> dict[str, Any]:
        """Return the tables of the text. Raises UsageError with line and column."""
        try:
            found = texts.parse_toml(self.text)
        except texts.MalformedError as error:
            fault = Fault(file=self.name, line=error.line, column=error.column, text=error.what)
            msg = f"{self.name} is not valid TOML"
            raise UsageError(msg, faults=[fault]) from None
        return found

    @cached_property
    def _places(self) -> dict[Location, tuple[int, int]]:
        from builder.base import toml_places  # which is needed only where something is wrong

        return toml_places.places(self.text.removeprefix(texts.BOM))

    def fault(self, location: Location, text: str) -> Fault:
        """Return the mistake of a key, which need not be there: then the place is that of its table."""
        from builder.base import toml_places

        line, column = toml_places.nearest(self._places, (*self.below, *location))
        return Fault(file=self.name, line=line, column=column, key=dotted(location), text=text)

    def mistaken(self, faults: Iterable[tuple[Location, str]]) -> UsageError:
        """Return the error with all mistakes of the file, in the order of their places."""
        found = [self.fault(location, text) for location, text in faults]
        return mistaken(self.name, sorted(found, key=lambda fault: (fault.line, fault.column)))


def mistaken(name: str, faults: list[Fault]) -> UsageError:
    """Return the error with all mistakes of a file."""
    return UsageError(f"{name} has {len(faults)} mistake{'s' if len(faults) > 1 else ''}", faults=faults)


def dotted(location: Location) -> str:
    """Return a location in the words of TOML: `step[0].files`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
