"""Which content each layer version has. Versions never change, so what was asked once is known for good.

Machines that share a cache share this: who begins with nothing would ask for every version that ever was.
"""

import json
import threading
from pathlib import Path
from typing import Any

from builder import places, remote

VERSION = 1


class Shas:
    """CodeSha256 by the ARN of a version, for one account and region; kept in layerwright's cache."""

    def __init__(self, account: str, region: str) -> None:
        self._name = f"published/{account}-{region}.json"
        self._path = places.cache() / self._name
        if not self._path.is_file():
            remote.fetch(self._name, self._path)
        self._lock = threading.Lock()
        self._found = _read(self._path)
        self._changed = False

    def get(self, arn: str) -> str | None:
        return self._found.get(arn)

    def put(self, arn: str, code_sha256: str) -> None:
        with self._lock:
            self._found[arn] = code_sha256
            self._changed = True

    def save(self) -> None:
        """Keep what is new; to lose it costs questions and nothing else."""
        with self._lock:
            if not self._changed:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with places.replacing(self._path) as part:
                part.write_text(json.dumps({"version": VERSION, "versions": self._found}), encoding="utf-8")
            self._changed = False
        remote.offer(self._name, self._path)


def _read(path: Path) -> dict[str, str]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = found.get("versions") if isinstance(found, dict) and found.get("version") == VERSION else None
    return dict(rows) if isinstance(rows, dict) else {}
