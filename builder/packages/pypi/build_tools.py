"""CMake, Meson and Ninja for containers whose own are missing or too old: from the package index, by hash."""

import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from builder.model.architectures import Architecture
from builder.model.tools import tools
from builder.packages.pypi import static_tools

_MESON = '#!/bin/sh\n# The Python of the image runs it.\nexec python3 "${0%/*}/../meson" "$@"\n'
_MAIN = "import sys\n\nfrom mesonbuild.mesonmain import main\n\nsys.exit(main())\n"
_LINKS = {"cmake": "../cmake/data/bin/cmake", "ninja": "../ninja/scripts/ninja"}


def write(names: Iterable[str], folder: Path, arch: Architecture) -> None:
    """Write tools for an architecture into a folder, with their programs in its `bin/`."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in names:
        _unpack(name, folder, arch)
        program = folder / "bin" / name
        if name in _LINKS:
            program.symlink_to(_LINKS[name])
        else:
            (folder / "meson" / "__main__.py").write_text(_MAIN, encoding="utf-8", newline="\n")
            program.write_text(_MESON, encoding="utf-8", newline="\n")
            program.chmod(0o755)


def _unpack(name: str, folder: Path, arch: Architecture) -> None:
    tool = tools().wheels()[name]
    file = next(tool.for_machine(arch.machine))
    with zipfile.ZipFile(static_tools.wheel(tool, file)) as archive:
        for member in archive.infolist():
            to = _place(name, PurePosixPath(member.filename))
            if to is None or member.is_dir():
                continue
            path = folder / to
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))
            if path.parent.name in {"bin", "scripts"}:
                path.chmod(0o755)


def _place(name: str, path: PurePosixPath) -> PurePosixPath | None:
    """Return where a file of a wheel lies below the folder; None where no build needs it. CMake keeps its layout."""
    top = path.parts[0]
    if name == "meson":
        return "meson" / path if top == "mesonbuild" else None
    if name == "ninja":
        return PurePosixPath("ninja", *path.parts[1:]) if path.parts[1:2] == ("scripts",) else None
    needed = top == "cmake.libs" or path.parts[1:3] in {("data", "bin"), ("data", "share")}
    return path if needed else None
