"""CodeSha256 of layer versions, cached. Versions are immutable, so an entry never expires.

Machines that share a remote cache share these files: without them, every existing version has to be requested once.
"""

import threading

from builder.base import cache_paths, notices, remote
from builder.base.documents import Document, NewerFormatError, Typed
from builder.base.frozen import dataclass

VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedHashes:
    """The content of the file."""

    versions: dict[str, str]
    """CodeSha256 by ARN."""
    version: int = VERSION


class KnownHashes:
    """CodeSha256 by version ARN, for one account and region. Safe for threads."""

    def __init__(self, account: str, region: str) -> None:
        path = cache_paths.folder("published") / f"{account}-{region}.json"
        self._name = f"published/{path.name}"
        self._document = Document(path=path, what="cache of hashes", codec=Typed(kind=CachedHashes), version=VERSION)
        self._lock = threading.Lock()
        self._loaded: dict[str, str] | None = None
        self._added: dict[str, str] = {}
        self._writable = True

    def get(self, arn: str) -> str | None:
        with self._lock:
            return self._hashes().get(arn)

    def put(self, arn: str, code_sha256: str) -> None:
        with self._lock:
            self._hashes()[arn] = self._added[arn] = code_sha256

    def _hashes(self) -> dict[str, str]:
        """Load the file on first use: commands that only list versions do not need it."""
        if self._loaded is None:
            if not self._document.path.is_file():
                remote.fetch(self._name, self._document.path)
            try:
                kept = self._document.read()
            except NewerFormatError as error:
                notices.warn(f"{error.what}; it is neither used nor changed")
                kept, self._writable = None, False
            self._loaded = dict(kept.versions) if kept else {}
        return self._loaded

    def save(self) -> None:
        """Write new entries to the cache, beside those of other processes. A lost entry costs one request."""
        with self._lock:
            if not (self._added and self._writable):
                return
            added = dict(self._added)
            self._document.update(lambda kept: CachedHashes(versions={**(kept.versions if kept else {}), **added}))
            self._added.clear()
        remote.upload(self._name, self._document.path)
