"""Wheels of pure Python, written from files: what a backend would write, and the same bytes on each host."""

import base64
import hashlib
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from builder.base import contained
from builder.packages.pypi.local.described import Described

_WHEEL = "Wheel-Version: 1.0\nGenerator: layerwright\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_TIME = (1980, 1, 1, 0, 0, 0)


def write(package: Described, content: Mapping[str, Path], licences: Mapping[str, Path], to: Path) -> None:
    """Write a wheel of files, by their paths in it, and of licenses, by their paths below `licenses/`."""
    info = f"{package.stem}.dist-info"
    files = {path: (contained.content(source), _mode(source)) for path, source in content.items()}
    plain = stat.S_IFREG | 0o644
    files.update({f"{info}/licenses/{path}": (contained.content(source), plain) for path, source in licences.items()})
    files[f"{info}/METADATA"] = package.metadata().encode(), plain
    files[f"{info}/WHEEL"] = _WHEEL.encode(), plain
    if points := _entry_points(package):
        files[f"{info}/entry_points.txt"] = points.encode(), plain
    rows = [f"{_quoted(path)},sha256={_digest(data)},{len(data)}\n" for path, (data, _) in sorted(files.items())]
    record = "".join([*rows, f"{info}/RECORD,,\n"])
    # stored, since compressors of different versions write different bytes, and the hash of the file is an input
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for path, (data, mode) in sorted(files.items()):
            _add(archive, path, data, mode)
        _add(archive, f"{info}/RECORD", record.encode(), plain)


def _entry_points(package: Described) -> str:
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in package.entry_points.items()
        if points
    ]
    return "\n".join(groups)


def _mode(path: Path) -> int:
    return stat.S_IFREG | (0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _add(archive: zipfile.ZipFile, path: str, data: bytes, mode: int) -> None:
    info = zipfile.ZipInfo(path, _TIME)
    info.external_attr = mode << 16
    archive.writestr(info, data)


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path or '"' in path else path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
