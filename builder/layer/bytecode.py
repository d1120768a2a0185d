"""Bytecode for a layer. /opt is read-only: without bytecode every cold start compiles every module again."""

import hashlib
import itertools
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO

from builder.base import processes, programs
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.layer import import_graph, names, packing
from builder.layer.hashed import Hashed, digest, hashed
from builder.layer.interpreters import Interpreter
from builder.layer.names import SITE_PACKAGES
from builder.layer.slim import Saving
from builder.layer.store import Store
from builder.layer.tree import PLAIN, Entry, InMemory, Slice, Tree, of

_REVISION = b"3"
"""Incremented when `container/python/compile.py` writes other bytes than before, or the store keeps them otherwise."""
_FORM = struct.Struct("<32sQ")
UNFIT = "bytecode that would not fit"
_SUFFIX = ".pyc"
_SHARE = 1000
"""Files."""


def add(tree: Tree, interpreter: Interpreter, store: Store, scratch: Path) -> Tree:
    """Return the tree with an `unchecked-hash` `.pyc` (PEP 552) for every Python source.

    The bytecode is written to the file `scratch`, which must exist as long as the tree, as must the store: bytecode
    that it has is not made again. Sources that do not compile get none, and neither do those whose bytecode would have
    a name that no file system takes. Raises BuildError if the interpreter itself fails.
    """
    tag = f"cpython-{interpreter.series.replace('.', '')}"
    sources = hashed(of(entry for entry in tree if entry.link is None and _is_module(entry.path, tag))).entries
    with scratch.open("wb") as stream:
        output = _Output(interpreter=interpreter, store=store, path=scratch, stream=stream)
        compiled = [one for share in _shares(sources) for one in output.of_all(share)]
    return tree.with_entries(
        Entry(path=_cached_name(entry.path, tag), mode=PLAIN, content=content)
        for entry, content in zip(sources, compiled, strict=True)
        if content.size
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Output:
    """Where bytecode is kept, and written."""

    interpreter: Interpreter
    store: Store
    path: Path
    stream: BinaryIO

    def of_all(self, sources: Sequence[Entry]) -> list[Hashed]:
        """Return bytecode in the order of the sources; empty for a source that does not compile."""
        keys = [_key(entry, self.interpreter) for entry in sources]
        kept = self._kept(dict(zip(keys, sources, strict=True)))
        missing = {key: entry for key, entry in zip(keys, sources, strict=True) if key not in kept}
        fresh = _compile(list(missing.values()), self.interpreter)
        made = {key: self._written(fresh[entry.path]) for key, entry in missing.items()}
        self.store.put({key: _FORM.pack(one.sha256, one.size) for key, one in made.items()})
        return [kept.get(key) or made[key] for key in keys]

    def _kept(self, sources: Mapping[bytes, Entry]) -> dict[bytes, Hashed]:
        """Return the bytecode that the store has, compressed, and of what became of each source."""
        rows = {key: _FORM.unpack(row) for key, row in self.store.get_all(sources).items() if len(row) == _FORM.size}
        there = packing.present((sha256 for sha256, _ in rows.values()), self.store)
        return {
            key: self._unpacked(sources[key], sha256, size)
            for key, (sha256, size) in rows.items()
            if sha256 in there or not size
        }

    def _unpacked(self, source: Entry, sha256: bytes, size: int) -> Hashed:
        if not size:
            return Hashed(sha256=sha256, content=InMemory(data=b""))
        return packing.remembered(sha256, size, self.store, partial(_compile_one, source, self.interpreter))

    def _written(self, data: bytes) -> Hashed:
        content = Slice(path=self.path, offset=self.stream.tell(), size=len(data))
        self.stream.write(data)
        return Hashed(sha256=hashlib.sha256(data).digest(), content=content)


def _compile_one(source: Entry, interpreter: Interpreter) -> bytes:
    return _compile([source], interpreter)[source.path]


def fitting(tree: Tree, limit: int, store: Store | None = None) -> tuple[Tree, Saving | None]:
    """Return the tree without the bytecode that would not fit into a number of unzipped bytes, and what that saves.

    Modules that no import at the top of others leads to go first, then those that are farthest from the top of a
    package, the largest of each first.
    """
    over = tree.unzipped_bytes - limit
    if over <= 0:
        return tree, None
    nearest = import_graph.distances(tree, store)
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


def _is_module(path: str, tag: str) -> bool:
    found = path.endswith(".py") and SITE_PACKAGES.match(path) is not None
    return found and not any(names.problems(_cached_name(path, tag)))


def _cached_name(path: str, tag: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _key(source: Entry, interpreter: Interpreter) -> bytes:
    parts = (_REVISION, interpreter.version.encode(), source.path.encode(), digest(source.content) or b"")
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
