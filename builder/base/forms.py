"""The forms that plain data of a type can have, and the limits of a field: what `shapes` reads by."""

import dataclasses
import datetime as dt
import functools
import operator
import re
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from builder.base import rules

FORMLESS = (rules.Field, rules.AfterValidator, rules.WithJsonSchema, rules.Strict)
"""Rules that let a value have the form that its type says."""
_ALL = (str, int, bool, float, dict, list, tuple, type(None), dt.date)
_OF_TYPES: dict[Any, tuple[type, ...]] = {
    **{kind: (kind,) for kind in (str, int, bool, dt.date, type(None))},
    None: (type(None),),
    float: (float, int),
    Path: (str,),
}
_OF_ORIGINS: dict[Any, tuple[type, ...]] = {
    tuple: (list, tuple),
    **dict.fromkeys((list, frozenset), (list,)),
    **dict.fromkeys((dict, Mapping), (dict,)),
}


def forms(hint: Any) -> tuple[type, ...]:  # noqa: ANN401  any type
    """Return the types that plain data of a type can have. Those of an unknown type are all: no member is told."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return forms(parts[0]) if all(isinstance(rule, FORMLESS) for rule in hint.__metadata__) else _ALL
    if origin in {Union, types.UnionType}:
        return tuple(form for part in parts for form in forms(part))
    if origin is Literal:
        return tuple({type(value) for value in parts})
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return (dict, hint)
    return _OF_ORIGINS.get(origin) or _OF_TYPES.get(hint, _ALL)


def limit(rule: rules.Field) -> Callable[[Any], bool] | None:
    """Return whether a value is within the limits of a field, as a function; None if there are none."""
    tests: list[Callable[[Any], bool]] = []
    if rule.pattern is not None:
        tests.append(_matches(rule.pattern))
    if rule.min_length is not None or rule.max_length is not None:
        least, most = rule.min_length or 0, rule.max_length
        tests.append(lambda value: least <= len(value) and (most is None or len(value) <= most))
    for limit, within in (
        (rule.ge, operator.ge),
        (rule.gt, operator.gt),
        (rule.le, operator.le),
        (rule.lt, operator.lt),
    ):
        if limit is not None:
            tests.append(functools.partial(_within, within, limit))

    if len(tests) < 2:  # noqa: PLR2004  most have one
        return tests[0] if tests else None
    return lambda value: all(test(value) for test in tests)


def _within(within: Callable[[Any, Any], bool], limit: float, value: Any) -> bool:  # noqa: ANN401
    return within(value, limit)


def _matches(pattern: str) -> Callable[[str], bool]:
    """Return whether a text has a match: of those texts for which Python and the engine of pydantic agree on it."""
    expression = functools.cache(lambda: re.compile(pattern))
    return lambda text: text.isascii() and text.isprintable() and expression().search(text) is not None


def hints(cls: type) -> dict[str, Any]:
    """Return the annotations of a class and its bases; `get_type_hints` is needed only where they are texts."""
    annotated = (getattr(base, "__annotations__", {}) for base in reversed(cls.__mro__))
    found = {name: hint for own in annotated for name, hint in own.items()}
    return get_type_hints(cls, include_extras=True) if any(type(hint) is str for hint in found.values()) else found


def keys(cls: Any) -> dict[str, str]:  # noqa: ANN401  a dataclass
    """Return the fields of a class, each with its key in plain data."""
    annotated = hints(cls)
    return {field.name: _alias(annotated[field.name]) or field.name for field in dataclasses.fields(cls)}


def _alias(hint: Any) -> str | None:  # noqa: ANN401
    named = (rule.alias for rule in getattr(hint, "__metadata__", ()) if isinstance(rule, rules.Field))
    return next(filter(None, named), None)
