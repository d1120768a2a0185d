"""Which content each layer version has. Versions never change, so what was asked once is known for good.

Machines that share a cache share this: who begins with nothing would ask for every version that ever was.
"""

import json
import threading
from pathlib import Path
from typing import Any

from builder.base import cache_paths, files, remote

VERSION = 1


class Shas:
    """CodeSha256 by the ARN of a version, for one account and region; kept in layerwright's cache."""

    def __init__(self, account: str, region: str) -> None:
        self._name = f"published/{account}-{region}.json"
        self._path = cache_paths.cache() / self._name
        self._lock = threading.Lock()
        self._read: dict[str, str] | None = None
        self._changed = False

    def get(self, arn: str) -> str | None:
        with self._lock:
            return self._known().get(arn)

    def put(self, arn: str, code_sha256: str) -> None:
        with self._lock:
            self._known()[arn] = code_sha256
            self._changed = True

    def _known(self) -> dict[str, str]:
        """Read it when it is first asked: lists of versions have no need of it."""
        if self._read is None:
            if not self._path.is_file():
                remote.fetch(self._name, self._path)
            self._read = _read(self._path)
        return self._read

    def save(self) -> None:
        """Keep what is new; to lose it costs questions and nothing else."""
        with self._lock:
            if not self._changed:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(self._path) as part:
                part.write_text(json.dumps({"version": VERSION, "versions": self._known()}), encoding="utf-8")
            self._changed = False
        remote.upload(self._name, self._path)


def _read(path: Path) -> dict[str, str]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = found.get("versions") if isinstance(found, dict) and found.get("version") == VERSION else None
    return dict(rows) if isinstance(rows, dict) else {}
