"""What packages put into a layer, remembered: packages that were installed before are not installed again.

Only the list of files is kept here, with their SHA-256. Their bytes come from the store; where it lost some, or never
had them, the packages are installed after all.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from builder import __version__
from builder.base.values import RelativePath, UntrustedError
from builder.layer import packing
from builder.layer.hashed import Hashed, hashed
from builder.layer.packing import StaleError
from builder.layer.store import Store
from builder.layer.tree import EXECUTABLE, LINK, PLAIN, Entry, InMemory, Tree
from builder.plan import keys
from builder.plan.container import TREE
from builder.plan.plan import Plan

_MODES = {EXECUTABLE, PLAIN}
_SHA256 = 32
"""Bytes."""
_SMALL = 64 << 10
"""Bytes of a script that is kept though no layer has it."""
_RECORD = ".dist-info/RECORD"
Row = tuple[str, int, int, str, "str | None"]
"""Path, mode, bytes, SHA-256 in hexadecimal digits, and target of a link."""


def packages(plan: Plan, compiled: Mapping[str, str], store: Store, install: Callable[[], Tree]) -> Tree:
    """Return the files of the packages of a plan with their digests; `install` puts them into a tree.

    `compiled` has the SHA-256 of each part that a container made, by stage. What steps put into the layer is read
    where it lies, and packages of folders and repositories are always installed.
    """
    if TREE in compiled or any(package.local or package.git for package in plan.packages):
        return hashed(install())
    key = bytes.fromhex(keys.key({**_decides(plan), "compiled": dict(compiled)}))
    installation = _Installation(key, store, install)
    kept = store.get(key)
    rows = _parsed(kept) if kept is not None else None
    return installation.tree() if rows is None else Tree(tuple(installation.entry(*row) for row in rows))


def _decides(plan: Plan) -> dict[str, Any]:
    """Return what decides which files an installation has: more than what decides the bytes of the zip."""
    inputs = plan.inputs()
    named = {name: inputs[name] for name in ("formats", "runtimes", "architectures", "packages")}
    return {**named, "layerwright": __version__, "host": [sys.platform, sys.executable], "kept": 1}


class _Installation:
    """The installed packages of a plan; they are installed when bytes are asked for that the store does not have."""

    def __init__(self, key: bytes, store: Store, install: Callable[[], Tree]) -> None:
        self._key = key
        self._store = store
        self._install = install
        self._lock = threading.Lock()
        self._by_path: dict[str, Entry] | None = None

    def tree(self) -> Tree:
        """Install, and keep the list of the files."""
        content = hashed(self._install())
        self._store.put({self._key: json.dumps([_row(entry) for entry in content]).encode()})
        packing.keep(_read_again(content), self._store)
        return content

    def entry(self, path: str, mode: int, size: int, sha256: str, link: str | None) -> Entry:
        """Return a file of the list, whose bytes are not read yet."""
        if link is not None:
            return Entry(path=path, mode=mode, content=InMemory(data=link.encode()), link=link)
        again = partial(self._read, path)
        return Entry(path=path, mode=mode, content=packing.remembered(bytes.fromhex(sha256), size, self._store, again))

    def _read(self, path: str) -> bytes:
        with self._lock:
            if self._by_path is None:
                self._by_path = {entry.path: entry for entry in self.tree()}
        if path not in self._by_path:
            msg = f"the caches remember {path}, which is no longer installed"
            raise StaleError(msg)
        return self._by_path[path].content.read()


def _read_again(content: Iterable[Entry]) -> Iterable[Hashed]:
    """Yield what slimming reads: records, and scripts, which it removes if they name this host."""
    for entry in content:
        is_script = entry.size <= _SMALL and entry.mode == EXECUTABLE
        if (is_script or entry.path.endswith(_RECORD)) and isinstance(entry.content, Hashed):
            yield entry.content


def _row(entry: Entry) -> list[Any]:
    sha256 = entry.content.sha256.hex() if isinstance(entry.content, Hashed) else ""
    return [entry.path, entry.mode, entry.size, sha256, entry.link]


def _parsed(kept: bytes) -> list[Row] | None:
    """Return the rows of a list that was kept; None if it is none."""
    try:
        rows = json.loads(kept)
        return [_checked(*row) for row in rows]
    except (ValueError, TypeError, UntrustedError):
        return None


def _checked(path: Any, mode: Any, size: Any, sha256: Any, link: Any) -> Row:  # noqa: ANN401  JSON
    plain = link is None and mode in _MODES and len(bytes.fromhex(sha256)) == _SHA256
    pointing = isinstance(link, str) and mode == LINK
    if not (plain or pointing) or not isinstance(size, int) or RelativePath.parse(path, "the cache") != path:
        msg = "no row of a list of files"
        raise ValueError(msg)
    return path, mode, size, sha256, link
