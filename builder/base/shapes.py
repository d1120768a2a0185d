"""Reading and writing of plain data as dataclasses, without pydantic, for values that are as they should be.

A reader takes the forms that a type has in TOML and JSON, and nothing that would have to be converted. Of anything else
it says that it cannot tell: then pydantic decides, which reads by the same rules, knows all conversions, and tells
every mistake. So a reader may refuse what is right, and never takes what pydantic refuses: a test compares both.
"""

import dataclasses
import datetime as dt
import functools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from builder.base import rules
from builder.base.forms import forms, hints, keys, limit
from builder.base.values import StoredAs

Reader = Callable[[Any], Any]
_FORBID = "forbid"
_set = object.__setattr__


class UnclearError(Exception):
    """A value, or a type, that pydantic has to decide on."""


class AbsentError(UnclearError):
    """A table lacks a key that it must have."""


def read(hint: Any, data: object) -> Any:  # noqa: ANN401  a value of that type
    """Return data as a value of a type. Raises UnclearError."""
    try:
        return _reader(hint)(data)
    except (ValueError, AssertionError, RecursionError) as error:  # of validators
        raise UnclearError from error


def _reader(hint: Any) -> Reader:  # noqa: ANN401
    """Return the function that reads a type, or that is unclear about each value of a type that it does not know."""
    try:
        return _made(hint)
    except TypeError:  # the hash of a rule of others
        return _unclear


@cache
def _made(hint: Any) -> Reader:  # noqa: ANN401
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ruled(parts[0], hint.__metadata__)
    if origin in _OF_PARTS:
        return _OF_PARTS[origin](parts)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and not hasattr(hint, "__get_pydantic_core_schema__"):
        return _Table(hint).read
    return _PLAIN.get(hint, _unclear)


def _unclear(_: object) -> Any:  # noqa: ANN401
    raise UnclearError


def _exactly(kind: type) -> Reader:
    def read(value: Any) -> Any:  # noqa: ANN401
        if type(value) is kind:
            return value
        raise UnclearError

    return read


def _float(value: Any) -> float:  # noqa: ANN401
    if type(value) is float or type(value) is int:
        return float(value)
    raise UnclearError


def _path(value: Any) -> Path:  # noqa: ANN401
    if type(value) is str:
        return Path(value)
    raise UnclearError


_PLAIN: dict[Any, Reader] = {
    **{kind: _exactly(kind) for kind in (str, int, bool, dt.date, type(None))},
    None: _exactly(type(None)),
    float: _float,
    Path: _path,
    Any: lambda value: value,
    object: lambda value: value,
}


def _of_literal(values: Sequence[object]) -> Reader:
    known = {(type(value), value): value for value in values}

    def read(value: Any) -> Any:  # noqa: ANN401
        if type(value) in _HASHABLE and (type(value), value) in known:
            return known[type(value), value]
        raise UnclearError

    return read


_HASHABLE = {str, int, bool}


def _of_tuple(parts: Sequence[Any]) -> Reader:
    if len(parts) == 2 and parts[1] is Ellipsis:  # noqa: PLR2004  tuple[X, ...]
        inner = _reader(parts[0])

        def read(value: Any) -> Any:  # noqa: ANN401
            if type(value) is list or type(value) is tuple:
                return tuple([inner(item) for item in value])
            raise UnclearError

        return read
    readers = [_reader(part) for part in parts]

    def read_each(value: Any) -> Any:  # noqa: ANN401
        if (type(value) is list or type(value) is tuple) and len(value) == len(readers):
            return tuple([read(item) for read, item in zip(readers, value, strict=True)])
        raise UnclearError

    return read_each


def _of_list(parts: Sequence[Any]) -> Reader:
    inner = _reader(parts[0])

    def read(value: Any) -> Any:  # noqa: ANN401
        if type(value) is list:
            return [inner(item) for item in value]
        raise UnclearError

    return read


def _of_set(parts: Sequence[Any]) -> Reader:
    read = _of_list(parts)
    return lambda value: frozenset(read(value))


def _of_dict(parts: Sequence[Any]) -> Reader:
    key, inner = map(_reader, parts)

    def read(value: Any) -> Any:  # noqa: ANN401
        if type(value) is dict:
            return {key(name): inner(item) for name, item in value.items()}
        raise UnclearError

    return read


# ---- unions --------------------------------------------------------------------------------------------------------


def _of_union(parts: Sequence[Any]) -> Reader:
    """Return the reader of a union whose members have different forms, so that the form tells the member."""
    readers: dict[type, Reader] = {}
    for part in parts:
        for form in forms(part):
            if form in readers:
                return _unclear
            readers[form] = _reader(part)
    if not readers:
        return _unclear

    def read(value: Any) -> Any:  # noqa: ANN401
        taken: Reader = readers.get(type(value), _unclear)
        return taken(value)

    return read


_OF_PARTS: dict[Any, Callable[[Sequence[Any]], Reader]] = {
    Union: _of_union,
    types.UnionType: _of_union,
    Literal: _of_literal,
    tuple: _of_tuple,
    list: _of_list,
    frozenset: _of_set,
    dict: _of_dict,
    Mapping: _of_dict,
}

# ---- rules ---------------------------------------------------------------------------------------------------------


def _ruled(hint: Any, metadata: Sequence[object]) -> Reader:  # noqa: ANN401
    """Return the reader of an annotated type: each rule holds for what those before it returned."""
    read = _reader(hint)
    optional = type(None) in forms(hint)
    for rule in metadata:
        if isinstance(rule, rules.Field):
            if rule.discriminator:
                read = _tagged(hint, rule.discriminator)
            if within := limit(rule):
                read = _limited(read, within, optional=optional)
        elif isinstance(rule, rules.AfterValidator):
            read = _then(read, rule.func)
        elif isinstance(rule, rules.WrapValidator):
            read = _wrapped(read, rule.func)
        elif isinstance(rule, StoredAs):
            read = rule.parse if rule.plain else _then(read, rule.parse)
        elif not isinstance(rule, (rules.WithJsonSchema, rules.Strict, rules.PlainSerializer)):
            return _unclear
    return read


def _then(read: Reader, rule: Reader) -> Reader:
    return lambda value: rule(read(value))


def _limited(read: Reader, within: Callable[[Any], bool], *, optional: bool) -> Reader:
    """Return the reader of values within limits, which None has not, where a field may be None."""

    def limited(value: Any) -> Any:  # noqa: ANN401
        value = read(value)
        if (optional and value is None) or within(value):
            return value
        raise UnclearError

    return limited


def _wrapped(read: Reader, func: Callable[[Any, Reader], Any]) -> Reader:
    return lambda value: func(value, read)


def _tagged(hint: Any, key: str) -> Reader:  # noqa: ANN401
    """Return the reader of a union of tables, each of which has its own values of a key."""
    tables: dict[str, type] = {}
    for member in get_args(hint):
        tables.update(dict.fromkeys(get_args(hints(member)[key]), member))

    def read(value: Any) -> Any:  # noqa: ANN401
        if type(value) is dict and type(tag := value.get(key)) is str and tag in tables:
            return _reader(tables[tag])(value)
        if type(value) in tables.values():
            return value
        raise UnclearError

    return read


# ---- tables --------------------------------------------------------------------------------------------------------


_Column = tuple[str, str, Callable[[], object] | None, Reader]
"""A field of a table: its name, its key, what makes its default, and what reads it."""


class _Table:
    """A reader of dataclasses, which looks at their fields when it gets the first one."""

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self._columns: Sequence[_Column] = ()
        self._extra = getattr(cls, "__pydantic_config__", {}).get("extra") == _FORBID

    def read(self, data: Any) -> Any:  # noqa: ANN401
        if type(data) is not dict:
            if type(data) is self._cls:
                return data
            raise UnclearError
        rows = self._columns = self._columns or tuple(_rows(self._cls))
        made: Any = object.__new__(self._cls)
        known = 0
        for name, key, default, read in rows:
            if key in data:
                known += 1
                _set(made, name, read(data[key]))
            elif default is None:
                raise AbsentError
            else:
                _set(made, name, default())
        if known < len(data) and (self._extra or any(type(key) is not str for key in data)):
            raise UnclearError
        if finish := getattr(made, "__post_init__", None):
            finish()
        return made


def _rows(cls: Any) -> Iterator[_Column]:  # noqa: ANN401  a dataclass
    annotated, named = hints(cls), keys(cls)
    for field in dataclasses.fields(cls):
        default = field.default_factory if field.default_factory is not dataclasses.MISSING else None
        if field.default is not dataclasses.MISSING:
            default = functools.partial(getattr, field, "default")
        yield field.name, named[field.name], default, _reader(annotated[field.name])
