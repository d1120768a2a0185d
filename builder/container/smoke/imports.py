"""Imports modules one after another, and notes what becomes of each; tells the time that the first of them took.

Kinds: `first` are tried in any case, `begun` and `more` as long as there is time, `native` are files that are loaded if
no import has done that. What ended a process is tried once more, alone. The time of the plan is for all that a process
does, measuring included; for what comes after the first imports there is some in any case.
"""

import ctypes
import importlib
import json
import os
import re
import signal
import sys
import time
import traceback
from pathlib import Path

import layerwright_costs as costs

STARTED = time.perf_counter()
HANGS = 5  # seconds
# Seconds for what comes after the first imports, and as many for files; emulation, which measures nothing, takes more.
LEAST = 0.5 if costs.MODE else 1.5
SHOWN = 5  # lines of a traceback
LOADER = re.compile(
    "cannot open shared object|undefined symbol|version `|invalid ELF|wrong ELF|too short|static TLS|executable stack"
)
plan = json.loads(Path("/var/task/layerwright.json").read_text(encoding="utf-8"))
notes = Path("/tmp/layerwright.notes")  # noqa: S108  the only folder that can be written to
before = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
out = os.open(str(notes), os.O_WRONLY | os.O_APPEND)


def note(*words: object) -> None:
    if costs.MEASURES:
        return  # the process that goes through the items notes them
    os.write(out, (json.dumps(words) + "\n").encode())


def first() -> int:
    """Return the number of the item to begin with."""
    begun = [int(each[1]) for each in before if each[0] == "begin"]
    return begun[-1] + (begun.count(begun[-1]) > 1) if begun else 0


def chain(error: BaseException) -> "list[BaseException]":
    """Return an exception with those that led to it."""
    every = [error]
    for each in every:
        cause = each.__cause__ or each.__context__
        if cause is not None and not any(cause is one for one in every):
            every.append(cause)
    return every


def described(error: BaseException) -> "dict[str, object]":
    every = chain(error)
    refused = [each for each in every if isinstance(each, (ImportError, OSError)) and LOADER.search(str(each))]
    return {
        "text": f"{type(error).__name__}: {error}",
        "missing": [each.name for each in every if isinstance(each, ModuleNotFoundError) and each.name],
        "file": next((each.path for each in refused if isinstance(each, ImportError) and each.path), None),
        "imports": isinstance(error, ImportError) and not error.name,
        "loads": bool(refused),
        "trace": shown(error),
    }


def shown(error: BaseException) -> "list[str]":
    """Return the last lines of a traceback without marks, and before them where it was last in a file of the layer."""
    printed = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
    lines = [line for line in printed if line.strip(" ~^")]
    own = [number for number, line in enumerate(lines) if line.startswith('  File "/opt/')]
    if own and own[-1] < len(lines) - SHOWN:
        return [*lines[own[-1] : own[-1] + 2], *lines[2 - SHOWN :]]
    return lines[-SHOWN:]


def mapped() -> "set[str]":
    """Return the files that are loaded."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return {line.split(" ", 5)[-1].strip() for line in lines if ".so" in line}


def fits(path: str) -> bool:
    """Tell whether a file is for this processor, by `e_machine` in its header."""
    with Path(path).open("rb") as file, Path(sys.executable).open("rb") as own:
        return file.read(20)[18:] == own.read(20)[18:]


def attempt(number: int, name: str, kind: str) -> None:
    note("begin", number)
    signal.alarm(0 if kind == "first" else HANGS)
    try:
        if kind == "native":
            ctypes.CDLL(name, os.RTLD_NOW)
        elif kind == "first":
            costs.measured(name, lambda: importlib.import_module(name))
        else:
            importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001  sys.exit in a module is a failure, too
        note("fail", number, described(error))
    signal.alarm(0)


def through(start: int) -> None:
    began, timed, loaded = time.perf_counter(), start > 0, frozenset(mapped())
    until = max(STARTED + plan["seconds"], began + LEAST)
    for number, (name, kind) in list(enumerate(plan["items"]))[start:]:
        if kind != "first" and not timed:
            costs.tell(began)
            until, timed = max(until, time.perf_counter() + LEAST), True
        if kind != "first" and time.perf_counter() > until + LEAST * (kind == "native"):
            continue
        if kind == "native" and name not in loaded:
            loaded = frozenset(mapped())
        if kind == "native" and name in loaded:
            note("loaded", number)
        elif kind != "native" or fits(name):
            attempt(number, name, kind)
    if not timed:
        costs.tell(began)


sys.argv[:] = ["layerwright"]
costs.begin()
through(first())
note("through", 0)
os._exit(0)  # threads of modules may run for ever
