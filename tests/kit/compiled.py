"""Recipes that a container is needed for, and sources of theirs, made by a test."""

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path


def source_archive(files: Mapping[str, str], folder: str = "thing-1.0/") -> tuple[str, Path]:
    """Put an archive into the cache of sources, as if it had been fetched; return its hash."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{folder}{name}")
            info.size, info.mode = len(text.encode()), 0o755 if text.startswith("#!") else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
    digest = hashlib.sha256(stream.getvalue()).hexdigest()
    path = Path(os.environ["LAYERWRIGHT_CACHE"]) / "sources" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
    return digest, path


def recipe(steps: str, more: str = "", arch: str = "x86_64", runtime: str = "provided.al2023") -> str:
    """Return the text of a recipe that a container is needed for."""
    return f"""
[layer]
name        = "a"
version     = "1.0"
description = "for tests"
license     = "MIT"

[targets]
runtimes      = ["{runtime}"]
architectures = ["{arch}"]

{steps}
{more}
"""


def script(run: str, more: str = "") -> str:
    """Return a step that runs a script."""
    return f"[[step]]\nuses = \"script\"\nrun = '''\n{run}\n'''\n{more}\n"
