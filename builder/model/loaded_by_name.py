"""What code opens or starts by name, and what brings it: `images/loaded-by-name.toml`."""

from functools import cache
from typing import Annotated

from builder.base.rules import Field
from builder.model import facts
from builder.model.fields import Text
from builder.model.tables import table

FILE = "loaded-by-name.toml"


@table
class KnownProgram:
    """What brings a program."""

    package: Text | None = None
    """Of Amazon Linux 2023."""
    recipe: Text | None = None
    """Of the catalogue."""


@table
class OpeningModule:
    """What a module of Python opens, where its code does not tell: it wants one of each list."""

    libraries: tuple[Text, ...] = ()
    programs: tuple[Text, ...] = ()


@table
class LoadedByName:
    """All that is known."""

    other_systems: Annotated[frozenset[Text], Field(alias="other-systems")]
    """Libraries of macOS and Windows, in small letters."""
    optional: frozenset[Text]
    """Libraries that all who look for them do without, without `lib` and version."""
    libraries: dict[Text, Text]
    """Packages of Amazon Linux 2023, by the beginning of a library's name without `lib`."""
    programs: dict[Text, KnownProgram]
    modules: dict[Text, OpeningModule]
    """By path below site-packages. One without entries opens nothing that its package cannot do without."""

    def does_without(self, library: str) -> bool:
        """Tell whether all who look for a library do without it. Its name has neither `lib` nor a suffix."""
        return library.partition("-")[0] in self.optional


@cache
def known() -> LoadedByName:
    """Return what the data file has."""
    return facts.parsed(LoadedByName, FILE)
