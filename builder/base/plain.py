"""Dataclasses as JSON, read and written without pydantic where it would do the same; `shapes` says when."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from builder.base import rules
from builder.base.forms import hints
from builder.base.shapes import UnclearError, read
from builder.base.values import StoredAs

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_Writer = Callable[[Any], Any]


class Json:
    """The bytes of a document, which are parsed at most once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def value(self) -> object:
        """The document. Raises UnclearError as `loads` does."""
        return loads(self.data)


def loads(data: bytes) -> object:
    """Return a document of JSON. Raises UnclearError for one that parsers may disagree on."""
    try:
        text = data.decode("utf-8")
        if "\\u" in text and _SURROGATE.search(text):
            raise UnclearError
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UnclearError from error


def _refuse(_: str) -> object:
    raise UnclearError


def from_json(hint: Any, data: bytes) -> Any:  # noqa: ANN401  a value of that type
    """Return a document of JSON as a value of a type. Raises UnclearError."""
    return read(hint, loads(data))


def to_json(value: object, *, indent: int | None = None) -> bytes:
    """Return a dataclass as JSON. Raises UnclearError."""
    separators = None if indent else (",", ":")
    try:
        text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
        return text.encode("utf-8")
    except ValueError as error:  # also for texts that UTF-8 does not have
        raise UnclearError from error


def _plain(value: Any) -> Any:  # noqa: ANN401
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        kind: Any = type(value)
        return {name: write(getattr(value, name)) for name, write in _writers(kind).items()}
    raise UnclearError


@cache
def _writers(cls: Any) -> Mapping[str, _Writer]:  # noqa: ANN401  a dataclass
    """Return what writes each field of a class. Raises UnclearError if pydantic would leave out or change one."""
    annotated = hints(cls)
    return {field.name: _writer(annotated[field.name]) for field in dataclasses.fields(cls)}


def _writer(hint: Any) -> _Writer:  # noqa: ANN401
    if get_origin(hint) is Annotated:
        inner = _writer(get_args(hint)[0])
        for rule in hint.__metadata__:
            if isinstance(rule, rules.PlainSerializer):
                inner = rule.func
            elif isinstance(rule, StoredAs):
                inner = rule.write or inner
            elif not isinstance(rule, _SILENT) or getattr(rule, "exclude", None):
                raise UnclearError
        return inner
    if hint is Path:
        return str
    if any(_changes(part) for part in get_args(hint)):
        raise UnclearError
    return _plain


_SILENT = (rules.Field, rules.AfterValidator, rules.WrapValidator, rules.WithJsonSchema, rules.Strict)


def _changes(hint: Any) -> bool:  # noqa: ANN401
    """Return whether something within a type is not written as it is."""
    if isinstance(hint, (list, tuple)) or hint is Path:
        return True
    metadata = getattr(hint, "__metadata__", ())
    changing = (rule for rule in metadata if not isinstance(rule, _SILENT) or getattr(rule, "exclude", None))
    return any(not isinstance(rule, StoredAs) or rule.write for rule in changing) or any(map(_changes, get_args(hint)))
