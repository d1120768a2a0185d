"""Types with our own rules as pydantic reads them. It takes longer to import than most commands to run."""

import dataclasses
import threading
import types
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from builder.base import rules

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_OF_OTHERS = {tuple, list, dict, set, frozenset, Mapping, Sequence, Collection}
_LOCK = threading.RLock()
_TRANSLATED: set[type] = set()


def adapter(hint: Any) -> "TypeAdapter[Any]":  # noqa: ANN401  any type
    """Return the adapter of a type, which is kept because building it is slow."""
    return _made(hint)


@cache
def _made(hint: Any) -> "TypeAdapter[Any]":  # noqa: ANN401
    from pydantic import TypeAdapter

    with _LOCK:
        return TypeAdapter(_translated(hint))


def _translated(hint: Any) -> Any:  # noqa: ANN401
    """Return a type with pydantic's own rules instead of ours, in all that it consists of."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Annotated[(_translated(parts[0]), *map(_rule, hint.__metadata__))]
    if origin in {Union, types.UnionType}:
        return Union[tuple(map(_translated, parts))]  # noqa: UP007  made of a tuple
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        _translate(hint)
    if origin in _OF_OTHERS:
        return origin[tuple(map(_translated, parts))]
    return hint


def _translate(cls: Any) -> None:  # noqa: ANN401  a dataclass
    """Let the fields of a dataclass have types that pydantic understands: it reads those, and not the annotations."""
    if cls in _TRANSLATED:
        return
    _TRANSLATED.add(cls)
    hints = get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        field.type = _translated(hints[field.name])


def _rule(rule: object) -> object:
    """Return a rule of ours as pydantic has it, under the same name."""
    if type(rule) not in _OURS:
        return rule
    import pydantic

    given = rule.given if isinstance(rule, rules.Field) else vars(rule)
    return getattr(pydantic, type(rule).__name__)(**given)


_OURS = {
    rules.Field,
    rules.AfterValidator,
    rules.WrapValidator,
    rules.PlainSerializer,
    rules.WithJsonSchema,
    rules.Strict,
}
