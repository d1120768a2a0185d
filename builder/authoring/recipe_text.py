"""The text of a recipe, from tables: keys aligned, long lists and texts of several lines on lines of their own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import AoT, Item, SingleKey, String, StringType, Table, Trivia

from builder.base.adapters import adapter

Tables = Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]
_WIDTH = 120


def recipe_text(tables: Tables, *comments: str) -> str:
    """Return TOML: one table for each mapping, an array of tables for each list. Empty ones are left out."""
    document = tomlkit.document()
    for comment in comments:
        document.add(tomlkit.comment(comment))
    for name, value in tables.items():
        if not value:
            continue
        if len(document.body):
            document.add(tomlkit.nl())
        document.append(name, _table(value) if isinstance(value, Mapping) else AoT([_table(each) for each in value]))
    return f"{document.as_string().strip()}\n"


def as_table(value: Any) -> dict[str, Any]:  # noqa: ANN401  any table of the model
    """Return a table of a recipe as it stands in a file, without the keys that have their default."""
    table: Callable[..., Any] = type(value)
    plain: dict[str, Any] = adapter(table).dump_python(value, mode="json", by_alias=True, exclude_defaults=True)
    return plain


def _table(values: Mapping[str, Any]) -> Table:
    width = max(map(len, values))
    table = tomlkit.table()
    for key, value in values.items():
        table.append(SingleKey(key, sep=" " * (width - len(key)) + " = "), _item(value, width))
    return table


def _item(value: Any, width: int) -> Item:  # noqa: ANN401  whatever TOML can hold
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline
    if isinstance(value, Sequence) and not isinstance(value, str):
        array = tomlkit.array()
        array.extend(value)
        return array.multiline(multiline=width + len(array.as_string()) > _WIDTH)
    if isinstance(value, str) and _has_plain_lines(value):
        return String(StringType.MLL, value, f"\n{value}", Trivia())  # TOML drops the first line end
    made: Item = tomlkit.item(value)
    return made


def _has_plain_lines(value: str) -> bool:
    """Tell whether a text has several lines and nothing that would have to be escaped."""
    return "\n" in value and value.replace("\n", "").isprintable() and "'" * 3 not in value and value[-1] != "'"
