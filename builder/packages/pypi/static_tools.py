"""Static programs for containers. Those of the engine's architecture run in images of any architecture."""

import shutil
import zipfile
from pathlib import Path

from builder.base import cache_paths, files, records
from builder.base.errors import BuildError
from builder.model.architectures import Architecture
from builder.model.tools import WheelFile, WheelTool, tools
from builder.packages.pypi.dist import Dist


def uv(arch: Architecture) -> Path:
    """Return the path of uv for a machine; downloaded once."""
    return _program("uv", tools().uv, arch)


def patchelf(arch: Architecture) -> Path:
    """Return the path of patchelf for a machine; downloaded once."""
    return _program("patchelf", tools().patchelf, arch)


def copy(program: Path, to: Path) -> None:
    """Copy a program into a build context with its modification time, so that BuildKit does not transfer it again."""
    shutil.copy2(program, to)
    to.chmod(0o755)


def wheel(tool: WheelTool, file: WheelFile) -> Path:
    """Return the path of a wheel of a tool; downloaded once, by the hash of images/tools.toml."""
    from builder.packages.pypi import published  # with what downloads

    dist = Dist(filename=file.name, sha256=file.sha256, size=None)
    return published.file(dist, tool.package, tool.version, tools().python)


def _program(name: str, tool: WheelTool, arch: Architecture) -> Path:
    """Return a program of a wheel that is linked against musl."""
    path = cache_paths.folder("tools") / f"{name}-{tool.version}-{arch.machine}"
    if records.intact(path):
        return path
    file = tool.static(arch.machine)
    cached = wheel(tool, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(cached) as archive, files.replacing(path) as part:
        member = next((member for member in archive.namelist() if member.endswith(f"/scripts/{name}")), None)
        if member is None:
            msg = f"{file.name} does not contain {name}"
            raise BuildError(msg)
        part.write_bytes(archive.read(member))
    records.write(path)
    return path
