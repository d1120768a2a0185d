"""What layerwright remembers while it runs, forgotten: commands of one process begin as processes of their own do."""

import contextlib
import functools
import sqlite3
import sys
from types import ModuleType

from builder.base import cache_paths, caches, notices, processes, remote
from builder.model import defaults

OF_THE_CODE = {"builder.base.adapters", "builder.base.plain", "builder.base.shapes", "builder.model.facts"}
"""Modules whose memory holds what the code and its data say, which no test changes; to make it takes long."""


def forget() -> None:
    """Clear every `functools.cache` of layerwright, its end of processes and its view of the shared cache."""
    for module in [module for name, module in list(sys.modules.items()) if _is_ours(name)]:
        for function in _cached(module):
            function.cache_clear()
    processes._stopped.clear()  # noqa: SLF001  a process that was interrupted starts nothing more; the next one does
    caches._looked.clear()  # noqa: SLF001
    notices.take()
    remote.reset()
    defaults.use(None)


def forget_installations() -> None:
    """Have packages installed anew, whatever other tests built: this one may be about packages that are gone."""
    for path in cache_paths.folder("derived").glob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("DELETE FROM derived WHERE substr(data, 1, 2) = ?", (b"[[",))  # lists of rows


def _is_ours(name: str) -> bool:
    return name.startswith("builder.") and name not in OF_THE_CODE


def _cached(module: ModuleType) -> "list[functools._lru_cache_wrapper[object]]":
    return [value for value in vars(module).values() if isinstance(value, functools._lru_cache_wrapper)]  # noqa: SLF001
