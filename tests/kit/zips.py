"""Layers for tests: trees in memory, and zips with every freedom that the format has."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from builder.layer import checks
from builder.layer.findings import Finding
from builder.layer.tree import EXECUTABLE, LINK, PLAIN, Entry, InMemory, Tree, of
from builder.model.architectures import architecture
from builder.model.runtimes import runtime
from builder.packages import table


def entry(path: str, data: bytes = b"x", *, mode: int = PLAIN, link: str | None = None) -> Entry:
    if link is not None:
        return Entry(path=path, mode=LINK, content=InMemory(data=link.encode()), link=link)
    return Entry(path=path, mode=EXECUTABLE if data[:4] == b"\x7fELF" else mode, content=InMemory(data=data))


def tree(files: Mapping[str, bytes]) -> Tree:
    return of(entry(path, data) for path, data in files.items())


def found(
    layer: Tree,
    *,
    runtimes: tuple[str, ...] = ("python3.13",),
    architectures: tuple[str, ...] = ("x86_64",),
    own: bool = False,
    only: str | None = None,
) -> list[Finding]:
    """Run the checks over a tree."""
    where = tuple(runtime(name) for name in runtimes), tuple(architecture(name) for name in architectures)
    return list(checks.run(checks.examine(layer, *where, packages=table.installed(layer), own=own), only=only))


def write(path: Path, files: Mapping[str, bytes], *, modes: Mapping[str, int] | None = None) -> Path:
    """Write a zip; names are taken as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(info, data)
    return path


def raw(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
