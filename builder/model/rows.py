"""Typed reading of TOML tables without pydantic, for the one data file that every command reads at its start."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from builder.base.errors import near

T = TypeVar("T")
_KINDS = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    dt.date: "a date",
    list: "a list",
    dict: "a table",
}


class Row:
    """One table, its path in the file, and the mistakes of all tables, which are collected."""

    def __init__(self, data: Mapping[str, Any], path: str, mistakes: list[str]) -> None:
        self._data, self._path, self._mistakes = data, path, mistakes
        self._read: set[str] = set()

    def value(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Return a value of a type. A value that is missing without a default, or of another type, is a mistake."""
        self._read.add(key)
        value = self._data.get(key, default)
        if type(value) is kind:
            return value
        self.mistake(key, "is missing" if value is None else f"`{value}` is not {_KINDS[kind]}")
        return kind() if default is None and kind is not dt.date else default  # type: ignore[return-value]

    def date(self, key: str) -> dt.date | None:
        """Return a date, or None if there is none."""
        return self.value(key, dt.date) if key in self._data else None

    def words(self, key: str, default: list[Any] | None = None) -> tuple[str, ...]:
        """Return a list of strings."""
        values = self.value(key, list, default)
        for value in values:
            if not isinstance(value, str):
                self.mistake(key, f"`{value}` is not a string")
        return tuple(values)

    def texts(self, key: str, default: dict[str, str] | None = None) -> dict[str, str]:
        """Return a table of strings."""
        row = self._below(key, self.value(key, dict, default))
        return {name: row.value(name, str) for name in row._data}  # noqa: SLF001

    def tables(self, key: str, read: "Callable[[str, Row], T]") -> dict[str, T]:
        """Return the tables below a key, each read by a function that gets its name."""
        return dict(self._tables(key, read))

    def _tables(self, key: str, read: "Callable[[str, Row], T]") -> Iterator[tuple[str, T]]:
        for name, data in self.value(key, dict).items():
            if isinstance(data, dict):
                row = self._below(f"{key}.{name}", data)
                yield name, read(name, row)
                row.close()
            else:
                self.mistake(f"{key}.{name}", f"`{data}` is not a table")

    def _below(self, key: str, data: Mapping[str, Any]) -> "Row":
        return Row(data, f"{self._path}{key}.", self._mistakes)

    def mistake(self, key: str, text: str) -> None:
        self._mistakes.append(f"{self._path}{key}: {text}")

    def close(self) -> None:
        """Report the keys that nothing read."""
        for key in self._data.keys() - self._read:
            self.mistake(key, f"unknown key{near(key, self._read)}")
