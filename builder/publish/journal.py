"""State of a publish on disk, written as it proceeds: an interrupted publish can be resumed without losses.

`<output>/publish/request.json` is the request; `<output>/publish/state/<account>/<region>.json` lists the versions in
progress there. A version in progress may exist or not; its `known` tells the versions that existed before.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

from builder.base import files
from builder.base.documents import Document, Typed
from builder.base.errors import NothingSelectedError, UsageError
from builder.base.frozen import dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingVersion:
    """A version that was sent to Lambda and is not confirmed yet."""

    code_sha256: str
    known: int
    """Number of the newest version before it was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingVersions:
    """The content of a journal."""

    begun: dict[str, PendingVersion]
    """By layer name."""
    version: int = VERSION


def _folder(output: Path) -> Path:
    return output / FOLDER


def _request(output: Path) -> Document[SavedRequest]:
    codec = Typed(kind=SavedRequest, indent=2)
    return Document(path=_folder(output) / "request.json", what="publish request", codec=codec, version=VERSION)


def save_request(output: Path, request: SavedRequest) -> None:
    """Replace the last request. Raises NewerFormatError if a newer layerwright wrote it."""
    _request(output).replace(request)


def unfinished_request(output: Path) -> SavedRequest:
    """Return the last request if it is not finished.

    Raises NothingSelectedError if there is none, UsageError if one of its zips has changed since.
    """
    request = _request(output).read()
    if request is None or request.finished:
        msg = f"no unfinished publish in {output}"
        raise NothingSelectedError(msg, hint="--output must be the folder of the interrupted publish")
    for layer in request.layers:
        if not layer.zip.is_file() or files.sha256(layer.zip) != layer.sha256:
            msg = f"{layer.zip} was changed or removed since the publish was interrupted"
            raise UsageError(msg, hint="run publish without --resume; versions that exist are not published twice")
    return request


class Journal:
    """Versions in progress in one region of one account. Safe for threads."""

    def __init__(self, output: Path, account: str, region: str) -> None:
        path = _folder(output) / "state" / account / f"{region}.json"
        codec = Typed(kind=PendingVersions)
        self._document = Document(path=path, what="publish journal", codec=codec, version=VERSION)
        self._lock = threading.Lock()
        kept = self._document.read()
        self._begun = dict(kept.begun) if kept else {}
        self._ended: dict[str, PendingVersion] = {}
        """Versions whose removal is not on disk yet."""

    def pending(self, name: str, code_sha256: str) -> PendingVersion | None:
        """Return the pending version of a layer if it has the given content."""
        with self._lock:
            pending = self._begun.get(name)
        return pending if pending and pending.code_sha256 == code_sha256 else None

    def begin(self, name: str, pending: PendingVersion) -> None:
        """Record a version before it is sent."""
        with self._lock:
            self._begun[name] = pending
            self._write({name: pending})

    def end(self, name: str) -> None:
        """Remove a version. Written to disk with the next change: a stale entry only costs requests."""
        with self._lock:
            if pending := self._begun.pop(name, None):
                self._ended[name] = pending

    def close(self) -> None:
        """Write unwritten changes."""
        with self._lock:
            if self._ended:
                self._write({})

    def _write(self, added: Mapping[str, PendingVersion]) -> None:
        """Write what changed here, beside the versions of other processes."""
        ended = dict(self._ended)

        def changed(kept: PendingVersions | None) -> PendingVersions:
            begun = kept.begun.items() if kept else ()
            going = {name: pending for name, pending in begun if ended.get(name) != pending}
            return PendingVersions(begun={**going, **added})

        self._document.update(changed)
        self._ended.clear()
