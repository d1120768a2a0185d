"""The form in which the store keeps what a file tells: JSON of what differs from nothing, parsed as it is read."""

import json
from dataclasses import fields
from typing import Any

from builder.layer.checks.reading import NOTHING, FileFacts
from builder.layer.derived import Kind
from builder.layer.elf import Elf, VersionNeed
from builder.layer.python_loads import OpenedName

_NOTHING = b""
"""What most files tell."""
_TEXTS = frozenset({"needed", "rpath", "runpath", "defined"})
_SHAPES: dict[str, type | tuple[type, ...]] = {
    "machine": str,
    "kind": str,
    "interpreter": (str, type(None)),
    "soname": (str, type(None)),
    "python_module": bool,
    "level": int,
    "dynamic": bool,
    "program": bool,
}
"""Of the plain fields of Elf."""


def _encoded(told: FileFacts) -> bytes | None:
    if told.damage or told.odd or told.packed or told.jar:
        return None  # few files, each looked into anew
    if told == NOTHING:
        return _NOTHING
    document = {
        "token": told.token,
        "elf": _elf_as_json(told.elf) if told.elf else None,
        "opened": [[list(each.names), each.line, each.program] for each in told.opened],
    }
    return json.dumps(document).encode()


def _elf_as_json(elf: Elf) -> dict[str, Any]:
    versions = [[need.library, need.version, need.weak] for need in elf.versions]
    return {**{field.name: getattr(elf, field.name) for field in fields(Elf)}, "versions": versions}


def _decoded(data: bytes) -> FileFacts:
    if data == _NOTHING:
        return NOTHING
    document = json.loads(data)
    if not isinstance(document, dict) or document.keys() != {"token", "elf", "opened"}:
        msg = "no facts of a file"
        raise ValueError(msg)
    elf = document["elf"]
    return FileFacts(
        token=_of(document["token"], (str, type(None))),
        elf=None if elf is None else _elf(elf),
        opened=tuple(_opened(row) for row in _of(document["opened"], list)),
    )


def _elf(document: object) -> Elf:
    known = _of(document, dict)
    values: dict[str, Any] = {name: _of(known.get(name), shape) for name, shape in _SHAPES.items()}
    values |= {name: _texts(known.get(name)) for name in _TEXTS}
    return Elf(**values, versions=tuple(_need(row) for row in _of(known.get("versions"), list)))


def _need(row: object) -> VersionNeed:
    library, version, weak = _row(row, (str, str, bool))
    return VersionNeed(library=library, version=version, weak=weak)


def _opened(row: object) -> OpenedName:
    names, line, program = _row(row, (list, int, bool))
    return OpenedName(names=_texts(names), line=line, program=program)


def _row(row: object, shapes: tuple[type, ...]) -> list[Any]:
    values = _of(row, list)
    if len(values) != len(shapes):
        msg = "a row of another length"
        raise ValueError(msg)
    return [_of(value, shape) for value, shape in zip(values, shapes, strict=True)]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_of(each, str) for each in _of(value, list))


def _of(value: Any, shape: Any) -> Any:  # noqa: ANN401  JSON
    if not isinstance(value, shape):
        msg = f"{type(value).__name__} where another type is kept"
        raise ValueError(msg)  # noqa: TRY004  damage, not a mistake of the caller
    return value


FACTS: Kind[FileFacts] = Kind(name="facts", encode=_encoded, decode=_decoded)
"""What one file tells."""
