"""The decorator for a TOML table."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from builder.base import forms, frozen
from builder.model.decode import typed

T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[T], T]:
        """Return a decorator that only checkers of types look at."""
        return lambda function: function


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
def table(cls: type[T]) -> type[T]:
    """Make a class a TOML table: a frozen dataclass in which an unknown key is a mistake.

    Its values are validated wherever they come from: a call of the class takes the keys of the file, as a file does.
    """
    given = cast("Any", cls)
    given.__pydantic_config__ = {"extra": "forbid"}
    given.__init__ = _validated
    made: Callable[[type[T]], type[T]] = frozen.dataclass(frozen=True, kw_only=True, slots=True)
    return made(cls)


def _validated(self: object, **given: object) -> None:
    value = typed(type(self), given)
    for field in dataclasses.fields(cast("Any", value)):
        object.__setattr__(self, field.name, getattr(value, field.name))


def changed(value: T, **changes: object) -> T:
    """Return a copy of a table with other values: `dataclasses.replace` does not know the keys of a file."""
    keys = forms.keys(type(value))
    return type(value)(**{key: changes.get(name, getattr(value, name)) for name, key in keys.items()})
