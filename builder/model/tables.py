"""The decorator for a TOML table."""

import dataclasses
from typing import Any, TypeVar, cast

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import dataclass_transform

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
def table(cls: type[T]) -> type[T]:
    """Make a class a TOML table: a frozen dataclass in which an unknown key is a mistake."""
    config = ConfigDict(extra="forbid", defer_build=True)  # built once, as parts of the file's own type
    decorated = pydantic_dataclass(frozen=True, kw_only=True, slots=True, config=config)(cls)
    return cast("type[T]", decorated)


def changed(value: T, **changes: object) -> T:
    """Return a copy of a table with other values: `dataclasses.replace` does not know the keys of a file."""
    given = {field.name: getattr(value, field.name) for field in dataclasses.fields(cast("Any", value))}
    keys = {name: info.alias or name for name, info in cast("Any", value).__pydantic_fields__.items()}
    return type(value)(**{keys[name]: each for name, each in {**given, **changes}.items()})
