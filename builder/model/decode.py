"""Plain data into frozen dataclasses: every mistake at once, each with its path and a near match."""

import dataclasses
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tomli
from pydantic import TypeAdapter, ValidationError

from builder.base.errors import UsageError, near

T = TypeVar("T")
Location = tuple[int | str, ...]


@cache
def adapter(cls: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    """Return pydantic's view of a type; making it costs more than using it."""
    return TypeAdapter(cls)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text, or raise UsageError that names line and column."""
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        msg = f"{where} is not valid TOML"
        raise UsageError(msg, why=[str(error)]) from None


def decode(cls: type[T], data: Mapping[str, Any], where: str) -> T:
    """Return the data as an instance of `cls`, or raise UsageError with all mistakes."""
    try:
        found: T = adapter(cls).validate_python(dict(data))  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = list(mistakes(cls, error))
        raise mistaken(where, wrong) from None
    return found


def mistaken(where: str, wrong: Sequence[str]) -> UsageError:
    """Return the error that tells all mistakes of a file."""
    return UsageError(f"{where} has {len(wrong)} mistake{'s' if len(wrong) > 1 else ''}", why=wrong)


def mistakes(cls: type, error: ValidationError) -> Iterator[str]:
    """Yield `path: what is wrong` for each error that pydantic found."""
    entries = error.errors(include_url=False)
    for entry in entries:
        if entry["type"] == "too_short" and any(_below(other["loc"], entry["loc"]) for other in entries):
            continue  # pydantic counts only the valid items; the invalid ones have a message of their own
        location, owner, keys = _resolve(cls, entry["loc"])
        yield f"{_dotted(location)}: {_message(entry, owner, keys)}"


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
            text = f"`{value}` is none of {context['expected']}{_near_quoted(value, context['expected'])}"
        case "string_pattern_mismatch":
            text = f"`{value}` does not match {context['pattern']}"
        case "value_error":
            text = str(context["error"])
        case _:
            text = str(entry["msg"])
            text = (text[:1].lower() + text[1:]).replace("tuple", "list")
    return text


def _near_quoted(value: object, listed: object) -> str:
    """Return the near match among the quoted words of one of pydantic's lists."""
    return near(str(value), re.findall(r"'([^']*)'", str(listed)))


def _dotted(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "recipe"


def _resolve(cls: type, location: Location) -> tuple[Location, str, dict[str, object]]:
    """Follow pydantic's location through the types.

    Returns the location without the tags that pydantic puts in for unions, and name and keys of the table in which
    the location's last part stands.
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
    """Strip Annotated and `| None`."""
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
    """Return the tables of a union by the value of `uses`."""
    if get_origin(hint) not in {Union, types.UnionType}:
        return {}
    found: dict[object, type] = {}
    for member in get_args(hint):
        tag = get_type_hints(member).get("uses") if dataclasses.is_dataclass(member) else None
        if get_origin(tag) is Literal:
            found[get_args(tag)[0]] = member
    return found


def _keys(cls: Any) -> dict[str, object]:  # noqa: ANN401
    """Return the keys of a table as TOML spells them, with their types."""
    hints = get_type_hints(cls, include_extras=True)
    return {_alias(hints[field.name]) or field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _alias(hint: object) -> str | None:
    for extra in getattr(hint, "__metadata__", ()):
        if alias := getattr(extra, "alias", None):
            return str(alias)
    return None
