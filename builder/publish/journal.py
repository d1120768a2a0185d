"""State of a publish on disk, written as it proceeds: an interrupted publish can be resumed without losses.

`<output>/publish/request.json` is the request; `<output>/publish/state/<account>/<region>.json` lists the versions in
progress there. A version in progress may exist or not; its `known` tells the versions that existed before.
"""

import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from builder.base import files
from builder.base.errors import NothingSelectedError, UsageError
from builder.publish.arn_book import FOLDER
from builder.publish.layer_version import LayerVersion

VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedRequest:
    """The request of one `publish --yes`, as stored on disk."""

    account: str
    layers: tuple[LayerVersion, ...]
    bucket: str | None = None
    reference: bool = False
    finished: bool = False
    version: int = VERSION


@dataclass(kw_only=True, slots=True)
class PendingVersion:
    """A version that was sent to Lambda and is not confirmed yet."""

    code_sha256: str
    known: int
    """Number of the newest version before it was sent."""


@dataclass(kw_only=True, slots=True)
class _JournalFile:
    begun: dict[str, PendingVersion] = field(default_factory=dict)
    """By layer name."""
    version: int = VERSION


def _folder(output: Path) -> Path:
    return output / FOLDER


def save_request(output: Path, request: SavedRequest) -> None:
    folder = _folder(output)
    folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(folder / "request.json") as part:
        part.write_bytes(_adapter(SavedRequest).dump_json(request, indent=2))


def unfinished_request(output: Path) -> SavedRequest:
    """Return the last request if it is not finished.

    Raises NothingSelectedError if there is none, UsageError if one of its zips has changed since.
    """
    request = _read(_folder(output) / "request.json", SavedRequest)
    if request is None or request.finished:
        msg = f"no unfinished publish in {output}"
        raise NothingSelectedError(msg, hint="--output must be the folder of the interrupted publish")
    for layer in request.layers:
        if not layer.zip.is_file() or files.sha256(layer.zip) != layer.sha256:
            msg = f"{layer.zip} was changed or removed since the publish was interrupted"
            raise UsageError(msg, hint="run publish without --resume; versions that exist are not published twice")
    return request  # type: ignore[no-any-return]


class Journal:
    """Versions in progress in one region of one account. Safe for threads."""

    def __init__(self, output: Path, account: str, region: str) -> None:
        self._path = _folder(output) / "state" / account / f"{region}.json"
        self._lock = threading.Lock()
        self._unwritten = False
        self._state: _JournalFile = _read(self._path, _JournalFile) or _JournalFile()

    def pending(self, name: str, code_sha256: str) -> PendingVersion | None:
        """Return the pending version of a layer if it has the given content."""
        with self._lock:
            pending = self._state.begun.get(name)
        return pending if pending and pending.code_sha256 == code_sha256 else None

    def begin(self, name: str, pending: PendingVersion) -> None:
        """Record a version before it is sent."""
        with self._lock:
            self._state.begun[name] = pending
            self._write()

    def end(self, name: str) -> None:
        """Remove a version. Written to disk with the next change: a stale entry only costs requests."""
        with self._lock:
            self._unwritten = bool(self._state.begun.pop(name, None)) or self._unwritten

    def close(self) -> None:
        """Write unwritten changes."""
        with self._lock:
            if self._unwritten:
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(self._path) as part:
            part.write_bytes(_adapter(_JournalFile).dump_json(self._state))
        self._unwritten = False


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    return TypeAdapter(kind)


def _read(path: Path, kind: Any) -> Any:  # noqa: ANN401
    """Return the content of a file; None if it is missing or has an unknown format."""
    try:
        document = _adapter(kind).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return document if document.version == VERSION else None
