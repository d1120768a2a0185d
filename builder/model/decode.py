"""Decode plain data into frozen dataclasses. All mistakes are reported at once, each with its path and a near match."""

import dataclasses
import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from builder.base import faults, shapes, texts
from builder.base.adapters import adapter
from builder.base.errors import Fault, Location, UsageError, near
from builder.base.faults import TomlText

T = TypeVar("T")


def typed(cls: type[T], data: object) -> T:
    """Return data as a value of a type. Raises pydantic's ValidationError, for formats with messages of their own."""
    try:
        value: T = shapes.read(cls, data)
    except shapes.UnclearError:
        value = adapter(cls).validate_python(data)
    return value


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text. Raises UsageError with line and column."""
    try:
        return texts.parse_toml(text)
    except texts.MalformedError as error:
        msg = f"{where} is not valid TOML"
        raise UsageError(msg, why=[str(error)]) from None


def decode(cls: type[T], data: Mapping[str, Any], where: str | TomlText) -> T:
    """Return the data as an instance of `cls`. Raises UsageError with all mistakes, each with its place in a text."""
    try:
        return typed(cls, dict(data))
    except ValueError as error:  # that of pydantic, which is one
        found = mistakes(cls, error)
        if isinstance(where, TomlText):
            raise where.mistaken(found) from None
        named = [Fault(key=faults.dotted(location) or "recipe", text=text) for location, text in found]
        raise faults.mistaken(where, named) from None


def mistakes(cls: type, error: Any) -> Iterator[tuple[Location, str]]:  # noqa: ANN401  a class that is imported late
    """Yield location and message for each error of pydantic."""
    entries = error.errors(include_url=False)
    for entry in entries:
        if entry["type"] == "too_short" and any(_below(other["loc"], entry["loc"]) for other in entries):
            continue  # pydantic counts only valid items; each invalid one has a message of its own
        location, owner, keys = _resolve(cls, entry["loc"])
        yield location, _message(entry, owner, keys)


def _below(inner: Location, outer: Location) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _message(entry: Any, owner: str, keys: Mapping[str, object]) -> str:  # noqa: ANN401
    value, context = entry.get("input"), entry.get("ctx", {})
    match entry["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            text = f"unknown key{near(str(entry['loc'][-1]), keys) or f'; {owner} has ' + ', '.join(keys)}"
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            text = "is missing"
        case "union_tag_invalid":
            text = f'`uses = "{context["tag"]}"` is unknown{_near_quoted(context["tag"], context["expected_tags"])}'
        case "union_tag_not_found":
            text = "`uses` is missing"
        case "string_type" if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = f'is a number; write it in quotes: "{value}"'
        case "literal_error":
            text = f"`{value}` is not one of {context['expected']}{_near_quoted(value, context['expected'])}"
        case "string_pattern_mismatch":
            text = f"`{value}` does not match {context['pattern']}"
        case "value_error":
            text = str(context["error"])
        case _:
            text = _brackets(entry, value) or _lowered(str(entry["msg"]))
    return text


def _lowered(text: str) -> str:
    return (text[:1].lower() + text[1:]).replace("tuple", "list")


def _brackets(entry: Any, value: object) -> str | None:  # noqa: ANN401
    """Return the message for one table where a list of them belongs, or the other way round; None for other errors."""
    name = entry["loc"][-1] if entry["loc"] else ""
    if entry["type"] in {"tuple_type", "list_type"} and isinstance(value, dict):
        return f"`[{name}]` is one table of a list: write `[[{name}]]`"
    if entry["type"] == "dataclass_type" and isinstance(value, list):
        return f"there is one table of that name: write `[{name}]`"
    return None


def _near_quoted(value: object, listed: object) -> str:
    """Return the near match among the quoted words of a list in a message of pydantic."""
    return near(str(value), re.findall(r"'([^']*)'", str(listed)))


def _resolve(cls: type, location: Location) -> tuple[Location, str, dict[str, object]]:
    """Follow a location of pydantic through the types.

    Returns the location without the tags that pydantic inserts for unions, and the name and the keys of the table
    that contains the last part of the location.
    """
    here: Any = cls
    shown: list[int | str] = []
    owner, keys = cls.__name__.casefold(), _keys(cls)
    for part in location:
        here = _plain(here)
        if tagged := _members(here).get(part):
            here = tagged
            continue
        if get_origin(here) in {Union, types.UnionType} and isinstance(part, str):
            here = Any  # pydantic's name for a member of a union without tags
            continue
        shown.append(part)
        if dataclasses.is_dataclass(here):
            owner, keys = getattr(here, "__name__", "").casefold(), _keys(here)
            here = keys.get(str(part), Any)
        else:
            here = next(iter(get_args(here)), Any) if isinstance(part, int) else Any
    return tuple(shown), f"[{owner}]", keys


def _plain(hint: Any) -> Any:  # noqa: ANN401
    """Return a type without Annotated and `| None`."""
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint = get_args(hint)[0]
        elif (
            origin in {Union, types.UnionType} and len(rest := [a for a in get_args(hint) if a is not type(None)]) == 1
        ):
            hint = rest[0]
        else:
            return hint


def _members(hint: Any) -> dict[object, type]:  # noqa: ANN401
    """Return the tables of a union, by their values of `uses`."""
    if get_origin(hint) not in {Union, types.UnionType}:
        return {}
    tables: dict[object, type] = {}
    for member in get_args(hint):
        tag = get_type_hints(member).get("uses") if dataclasses.is_dataclass(member) else None
        if get_origin(tag) is Literal:
            tables[get_args(tag)[0]] = member
    return tables


def _keys(cls: Any) -> dict[str, object]:  # noqa: ANN401
    """Return the keys of a table in their TOML spelling, with their types."""
    hints = get_type_hints(cls, include_extras=True)
    return {_alias(hints[field.name]) or field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _alias(hint: object) -> str | None:
    for extra in getattr(hint, "__metadata__", ()):
        if alias := getattr(extra, "alias", None):
            return str(alias)
    return None
