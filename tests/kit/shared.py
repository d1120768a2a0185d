"""What all workers of a run share: a folder, and what is made in it once by the first who needs it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder of this run, the same one for every worker."""
    own = factory.getbasetemp()
    path = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / name
    path.mkdir(exist_ok=True)
    return path


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that is filled once in a run; other workers wait for the first. A failure is tried again."""
    path = _folder(factory, name)
    made = path.with_name(f"{name}.made")
    with FileLock(path.with_name(f"{name}.lock")):
        if not made.exists():
            make(path)
            made.touch()
    return path
