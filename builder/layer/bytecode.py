"""Bytecode for a layer. /opt is read-only: without bytecode every cold start compiles every module again."""

import hashlib
import itertools
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder.base import processes, programs
from builder.base.errors import BuildError
from builder.layer import import_graph, names
from builder.layer.interpreters import Interpreter
from builder.layer.names import SITE_PACKAGES
from builder.layer.slim import Saving
from builder.layer.store import Store
from builder.layer.tree import PLAIN, Entry, Slice, Tree

_REVISION = b"2"
"""Incremented when `container/python/compile.py` writes other bytes than before."""
UNFIT = "bytecode that would not fit"
_SUFFIX = ".pyc"
_SHARE = 1000
"""Files."""


def add(tree: Tree, interpreter: Interpreter, store: Store, scratch: Path) -> Tree:
    """Return the tree with an `unchecked-hash` `.pyc` (PEP 552) for every Python source.

    The bytecode is written to the file `scratch`, which must exist as long as the tree. Sources that do not compile
    get none, and neither do those whose bytecode would have a name that no file system takes. Raises BuildError if the
    interpreter itself fails.
    """
    tag = f"cpython-{interpreter.series.replace('.', '')}"
    sources = [entry for entry in tree if entry.link is None and _is_module(entry.path, tag)]
    added = []
    with scratch.open("wb") as stream:
        for share in _shares(sources):
            for entry, data in zip(share, _derive(share, interpreter, store), strict=True):
                if data:
                    content = Slice(path=scratch, offset=stream.tell(), size=len(data))
                    added.append(Entry(path=_cached_name(entry.path, tag), mode=PLAIN, content=content))
                    stream.write(data)
    return tree.with_entries(added)


def fitting(tree: Tree, limit: int) -> tuple[Tree, Saving | None]:
    """Return the tree without the bytecode that would not fit into a number of unzipped bytes, and what that saves.

    Modules that no import at the top of others leads to go first, then those that are farthest from the top of a
    package, the largest of each first.
    """
    over = tree.unzipped_bytes - limit
    if over <= 0:
        return tree, None
    nearest = import_graph.distances(tree)
    bytecode = (entry for entry in tree if entry.path.endswith(_SUFFIX))
    compiled = sorted(bytecode, key=lambda entry: _order(entry, nearest))
    sizes = itertools.accumulate(entry.size for entry in compiled)
    left_out = {entry.path for entry, size in zip(compiled, sizes, strict=True) if size - entry.size < over}
    saved = sum(entry.size for entry in compiled if entry.path in left_out)
    saving = Saving(rule=UNFIT, files=len(left_out), bytes=saved)
    return tree.without(lambda entry: entry.path in left_out), saving if left_out else None


def _order(entry: Entry, nearest: Mapping[str, int]) -> tuple[float, int, str]:
    """Return what the bytecode of modules is sorted by, that which is missed least first."""
    return -nearest.get(_source(entry.path), math.inf), -entry.size, entry.path


def _source(path: str) -> str:
    """Return the path of the module whose bytecode a file is."""
    folder, _, name = path.rpartition("/__pycache__/")
    return f"{folder}/{name.partition('.')[0]}.py"


def _shares(sources: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Yield the sources in shares, so that at most the bytecode of one share is in memory."""
    yield from (sources[start : start + _SHARE] for start in range(0, len(sources), _SHARE))


def _derive(sources: Sequence[Entry], interpreter: Interpreter, store: Store) -> list[bytes]:
    """Return bytecode in the order of the sources; empty for a source that does not compile."""
    keys = [_key(entry, interpreter) for entry in sources]
    bytecode = {key: data for key in keys if (data := store.get(key)) is not None}
    missing = {key: entry for key, entry in zip(keys, sources, strict=True) if key not in bytecode}
    fresh = _compile(list(missing.values()), interpreter)
    derived = {key: fresh[entry.path] for key, entry in missing.items()}
    store.put(derived)
    bytecode.update(derived)
    return [bytecode[key] for key in keys]


def _is_module(path: str, tag: str) -> bool:
    found = path.endswith(".py") and SITE_PACKAGES.match(path) is not None
    return found and not any(names.problems(_cached_name(path, tag)))


def _cached_name(path: str, tag: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _key(entry: Entry, interpreter: Interpreter) -> bytes:
    parts = (_REVISION, interpreter.version.encode(), entry.path.encode(), entry.content.read())
    return hashlib.sha256(b"\0".join(parts)).digest()


def _compile(sources: Sequence[Entry], interpreter: Interpreter) -> dict[str, bytes]:
    """Return bytecode by the path of the source; empty for a source that does not compile."""
    if not sources:
        return {}
    workers = min(os.cpu_count() or 1, len(sources))
    shares = [sources[i::workers] for i in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        return {
            entry.path: data
            for share, made in zip(shares, pool.map(lambda share: _run(share, interpreter), shares), strict=True)
            for entry, data in zip(share, made, strict=True)
        }


def _run(sources: Sequence[Entry], interpreter: Interpreter) -> list[bytes]:
    finished = processes.run_bytes(
        [*interpreter.command, "-s", "-S", "-B", "-W", "ignore", "-c", programs.text("python/compile.py")],
        stdin=b"".join(map(_record, sources)),
        env=None if interpreter.remote else _environment(),
    )
    if finished.returncode:
        msg = f"Python {interpreter.version} failed to compile bytecode: {interpreter.command[0]}"
        raise BuildError(
            msg,
            why=finished.stderr.decode(errors="replace").strip().splitlines()[-3:],
            hint='`bytecode = "off"` under [slim] leaves compiling to Lambda',
        )
    return list(_results(finished.stdout))


def _environment() -> dict[str, str]:
    env = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    if "SYSTEMROOT" in os.environ:  # Windows' Python does not start without it
        env["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return env


def _record(entry: Entry) -> bytes:
    """Return one record for `compile.py`, with the path under /opt, which tracebacks in Lambda show."""
    name, source = f"/opt/{entry.path}".encode(), entry.content.read()
    return struct.pack(">II", len(name), len(source)) + name + source


def _results(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length
