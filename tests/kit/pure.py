"""A world that must not be asked: files besides layerwright's own data, networks, programs, variables, the clock."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from builder.base import programs
from builder.model import facts, runtimes
from builder.model.acceleration import native_programs

_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.")
_FOLDERS = ("os.listdir", "os.scandir")
_FILES = ("open", "os.remove", "os.rename", "os.mkdir")
_LIBRARY = "PYDANTIC_"
"""Variables that a library reads before it compiles a validator, whatever the data."""
_state = {"pure": False, "hooked": False}


class ImpureError(AssertionError):
    """Something asked the world."""


class _NoVariables(dict[str, str]):
    """An environment that cannot be read."""

    def __getitem__(self, name: str) -> NoReturn:
        msg = f"reads the variable {name}"
        raise ImpureError(msg)

    def get(self, name: str, default: object = None) -> Any:
        return default if name.startswith(_LIBRARY) else self[name]

    __contains__ = __getitem__  # type: ignore[assignment]


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _state["pure"]:
        return
    if event.startswith(_FORBIDDEN):
        msg = f"{event} {arguments[:1]}"
        raise ImpureError(msg)
    if event in _FOLDERS and not _own(arguments[0]) and not _imported(arguments[0]):
        msg = f"{event} {arguments[0]!r}"
        raise ImpureError(msg)
    if event in _FILES and not _own(arguments[0]):
        msg = f"{event} {arguments[0]!r}"
        raise ImpureError(msg)


def _own(path: object) -> bool:
    """Tell whether a path is one of layerwright's data or programs, or code that is imported."""
    if not isinstance(path, (str, bytes, Path)):
        return True  # a file that is open already
    text = Path(os.fsdecode(path)).as_posix()
    roots = (facts.folder(), programs.folder())
    return text.startswith(tuple(root.as_posix() for root in roots)) or text.endswith((".py", ".pyc", ".so"))


def _imported(folder: object) -> bool:
    """Tell whether a folder is one that Python imports from."""
    text = Path(os.fsdecode(folder)).as_posix() if isinstance(folder, (str, bytes, Path)) else ""
    return text.startswith((Path(sys.prefix).as_posix(), Path(sys.base_prefix).as_posix()))


@contextlib.contextmanager
def pure(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forbid to ask the world. Libraries load their own parts when they read the first data."""
    native_programs()
    if not _state["hooked"]:
        sys.addaudithook(_hook)
        _state["hooked"] = True

    def clock(*_: object) -> NoReturn:
        msg = "asks the clock"
        raise ImpureError(msg)

    with patch.context() as inner:
        variables: Mapping[str, str] = _NoVariables()
        inner.setattr(os, "environ", variables)
        inner.setattr(runtimes, "today", clock)
        for name in ("time", "time_ns", "monotonic"):
            inner.setattr(time, name, clock)
        _state["pure"] = True
        try:
            yield
        finally:
            _state["pure"] = False
