"""Rules for the values of annotated fields, under the names that pydantic has for them.

They are plain objects, so a module of dataclasses costs no import of pydantic. `shapes` reads values by them, and
`adapters` translates them where pydantic is needed: to tell every mistake, and to write JSON schemas.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any


class Field:
    """Limits of a value, and how its key is spelled and described."""

    def __init__(  # noqa: PLR0913  as pydantic has them
        self,
        *,
        pattern: str | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        ge: float | None = None,
        gt: float | None = None,
        le: float | None = None,
        lt: float | None = None,
        alias: str | None = None,
        discriminator: str | None = None,
        description: str | None = None,
        exclude: bool | None = None,
    ) -> None:
        given = dict(locals())
        self.given: Mapping[str, Any] = {
            key: value for key, value in given.items() if key != "self" and value is not None
        }
        self.pattern, self.min_length, self.max_length = pattern, min_length, max_length
        self.ge, self.gt, self.le, self.lt = ge, gt, le, lt
        self.alias, self.discriminator, self.exclude = alias, discriminator, exclude


class AfterValidator:
    """A function that returns the value, or another one, or raises ValueError."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self.func = func


class WrapValidator:
    """A function that gets the value as it was sent, and the function that reads it."""

    def __init__(self, func: Callable[[Any, Callable[[Any], Any]], Any]) -> None:
        self.func = func


class PlainSerializer:
    """A function that returns the value as JSON has it."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self.func = func


class WithJsonSchema:
    """The JSON schema of a value, instead of that of its type."""

    def __init__(self, json_schema: dict[str, Any]) -> None:
        self.json_schema = json_schema


class Strict:
    """No value of another type is converted."""


StrictBool = Annotated[bool, Strict()]
