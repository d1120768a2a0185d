"""Libraries that open plug-ins, settings or data at run time: `images/plugins.toml`."""

from functools import cache
from typing import Annotated

from builder.base.rules import Field
from builder.model import facts
from builder.model.fields import Text
from builder.model.tables import table

FILE = "plugins.toml"


@table
class PlugInVariable:
    """What a function sets, for files that a layer has."""

    name: Text
    value: Text
    """With `{file}`, `{folder}` or `{above}`, the folder above that: paths of the function."""
    of: tuple[Text, ...] = ()
    """Patterns of the file. Default: `needs`."""


@table
class PlugIns:
    """What one library opens."""

    library: Text
    """The beginning of its file's name."""
    needs: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Patterns of paths in a layer, of which one is there."""
    what: Text
    source: Text
    package: Text | None = None
    """Of Amazon Linux 2023."""
    variables: tuple[Text, ...] = ()
    """What a function sets, so that they are found in /opt."""
    sets: tuple[PlugInVariable, ...] = ()
    """The values of variables where the layer has the files."""


@cache
def known() -> tuple[PlugIns, ...]:
    """Return what the data file has, in its order."""
    return tuple(facts.parsed(dict[Text, PlugIns], FILE).values())
