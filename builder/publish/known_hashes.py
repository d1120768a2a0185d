"""CodeSha256 of layer versions, cached. Versions are immutable, so an entry never expires.

Machines that share a remote cache share these files: without them, every existing version has to be requested once.
"""

import json
import threading
from pathlib import Path
from typing import Any

from builder.base import cache_paths, files, remote

VERSION = 1


class KnownHashes:
    """CodeSha256 by version ARN, for one account and region. Safe for threads."""

    def __init__(self, account: str, region: str) -> None:
        self._name = f"published/{account}-{region}.json"
        self._path = cache_paths.cache() / self._name
        self._lock = threading.Lock()
        self._loaded: dict[str, str] | None = None
        self._changed = False

    def get(self, arn: str) -> str | None:
        with self._lock:
            return self._hashes().get(arn)

    def put(self, arn: str, code_sha256: str) -> None:
        with self._lock:
            self._hashes()[arn] = code_sha256
            self._changed = True

    def _hashes(self) -> dict[str, str]:
        """Load the file on first use: commands that only list versions do not need it."""
        if self._loaded is None:
            if not self._path.is_file():
                remote.fetch(self._name, self._path)
            self._loaded = _read(self._path)
        return self._loaded

    def save(self) -> None:
        """Write new entries to the cache. A lost entry costs one request."""
        with self._lock:
            if not self._changed:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(self._path) as part:
                part.write_text(json.dumps({"version": VERSION, "versions": self._hashes()}), encoding="utf-8")
            self._changed = False
        remote.upload(self._name, self._path)


def _read(path: Path) -> dict[str, str]:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    current = isinstance(document, dict) and document.get("version") == VERSION
    hashes = document.get("versions") if current else None
    return dict(hashes) if isinstance(hashes, dict) else {}
