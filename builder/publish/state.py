"""What a publish was asked to do and how far it is, on disk as it goes: a kill, a crash, a fault lose nothing.

`<output>/publish/request.json` is what was asked; `<output>/publish/state/<account>/<region>.json` is what is under way
there. A version that was begun and not seen to end may be there or not; `known` tells which ones were there before.
"""

import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from builder.base import files
from builder.base.errors import NothingSelectedError, UsageError
from builder.publish.book import FOLDER
from builder.publish.wanted import Wanted

VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call of `publish --yes`."""

    account: str
    layers: tuple[Wanted, ...]
    bucket: str | None = None
    reference: bool = False
    finished: bool = False
    version: int = VERSION


@dataclass(kw_only=True, slots=True)
class Begun:
    """A version that was sent and not yet seen."""

    code_sha256: str
    known: int
    """Number of the newest version before."""


@dataclass(kw_only=True, slots=True)
class _Held:
    begun: dict[str, Begun] = field(default_factory=dict)
    version: int = VERSION


def folder(output: Path) -> Path:
    return output / FOLDER


def keep(output: Path, request: Request) -> None:
    place = folder(output)
    place.mkdir(parents=True, exist_ok=True)
    with files.replacing(place / "request.json") as part:
        part.write_bytes(_adapter(Request).dump_json(request, indent=2))


def unfinished(output: Path) -> Request:
    """Return the last request that did not come to its end.

    Raises NothingSelectedError when there is none, UsageError when a zip of it has changed since.
    """
    found = _read(folder(output) / "request.json", Request)
    if found is None or found.finished:
        msg = f"nothing is left to be published from {output}"
        raise NothingSelectedError(msg, hint="--output is the folder that it was published from")
    for one in found.layers:
        if not one.zip.is_file() or files.sha256(one.zip) != one.sha256:
            msg = f"{one.zip} is not the zip any more that was to be published"
            raise UsageError(msg, hint="publish anew: what is there already is not published twice")
    return found  # type: ignore[no-any-return]


class Journal:
    """What is under way in one region of one account; for several threads."""

    def __init__(self, output: Path, account: str, region: str) -> None:
        self._path = folder(output) / "state" / account / f"{region}.json"
        self._lock = threading.Lock()
        self._late = False
        self._held: _Held = _read(self._path, _Held) or _Held()

    def begun(self, name: str, code_sha256: str) -> Begun | None:
        """Return what was begun of that layer with that content, and not ended."""
        with self._lock:
            found = self._held.begun.get(name)
        return found if found and found.code_sha256 == code_sha256 else None

    def begin(self, name: str, begun: Begun) -> None:
        """Note it before it is sent."""
        with self._lock:
            self._held.begun[name] = begun
            self._write()

    def end(self, name: str) -> None:
        """Forget it; on disk with the next write, since to know of it for longer costs a look and nothing else."""
        with self._lock:
            self._late = bool(self._held.begun.pop(name, None)) or self._late

    def close(self) -> None:
        """Write what is not on disk yet."""
        with self._lock:
            if self._late:
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(self._path) as part:
            part.write_bytes(_adapter(_Held).dump_json(self._held))
        self._late = False


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    return TypeAdapter(kind)


def _read(path: Path, kind: Any) -> Any:  # noqa: ANN401
    """Return what is in a file; None when there is none that this version understands."""
    try:
        found = _adapter(kind).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.version == VERSION else None
