"""Find a CPython of a minor version on this host, to compile bytecode with."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from builder.base import environment, processes, programs, uv_program, windows
from builder.base.frozen import dataclass

_FINDING = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    command: tuple[str, ...]
    """Command that starts it, to which arguments are appended."""
    series: str
    version: str
    """Exact version (`3.13.5`), because patch releases may write different bytecode; in a container, its image."""
    remote: bool = False
    """Whether it runs in a container, which has its own environment variables."""


def find(series: str) -> Interpreter | None:
    """Return an interpreter of a minor version (`3.13`), or None.

    Searched in this order: the running interpreter, LAYERWRIGHT_PYTHON_3_13, PATH, pyenv, uv. Once in a process: of
    several targets that are planned at the same time, one asks.
    """
    with _FINDING:
        return _found(series)


@cache
def _found(series: str) -> Interpreter | None:
    if series == f"{sys.version_info[0]}.{sys.version_info[1]}" and sys.implementation.name == "cpython":
        import platform

        return Interpreter(command=(sys.executable,), series=series, version=platform.python_version())
    for candidate in _candidates(series):
        version = _ask(candidate)
        if version and version.startswith(f"{series}."):
            return Interpreter(command=(candidate,), series=series, version=version)
    return None


def _candidates(series: str) -> Iterator[str]:
    if given := environment.value(f"LAYERWRIGHT_PYTHON_{series.replace('.', '_')}"):
        yield given
        return
    in_path = shutil.which(f"python{series}")
    if in_path and Path(in_path).parent.name != "shims":
        yield in_path
    yield from _pyenv(series)
    yield from _uv(series)


def _pyenv(series: str) -> Iterator[str]:
    """Yield the interpreters of pyenv. Its shims in PATH are slow, and work only for activated versions."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted(root.glob(f"versions/{series}.*"), key=_patch, reverse=True):
        yield str(folder / "bin" / f"python{series}")


def _patch(folder: Path) -> int:
    digits = folder.name.rpartition(".")[2]
    return int(digits) if digits.isdigit() else -1


def _uv(series: str) -> Iterator[str]:
    """Yield the interpreter that uv finds: a managed one or, on Windows, one of the registry.

    Elsewhere uv searches nothing but its own: it would start each Python in PATH, shims that take long among them.
    Nowhere it starts that of an environment in the current folder, which is somebody's code.
    """
    where = ["--system"] if windows.IS_HOST else ["--system", "--managed-python"]
    command = [uv_program.path(), "python", "find", "--no-config", "--no-python-downloads", *where, series]
    variables = {name: value for name, value in os.environ.items() if name != "UV_PYTHON_PREFERENCE"}
    finished = processes.run(command, env=variables)
    if finished.returncode == 0:
        yield finished.stdout.strip()


def _ask(path: str) -> str | None:
    try:
        finished = processes.run([path, "-I", "-S", "-c", programs.text("python/version.py")])
    except OSError:
        return None
    words = finished.stdout.split()
    return words[1] if finished.returncode == 0 and words[:1] == ["CPython"] and "+" not in words[1] else None
