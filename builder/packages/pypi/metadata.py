"""The metadata of an installed Python package."""

from collections.abc import Iterator
from email.parser import BytesHeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name

_MOST = 16 << 20
"""Bytes of METADATA, or of a RECORD: some 100,000 files."""


def facts(folder: Path, package: str) -> tuple[str, str, list[str]]:
    """Return the summary, license and importable modules of an installed package; empty without metadata."""
    for info in folder.glob("*.dist-info"):
        headers = BytesHeaderParser().parsebytes(_text(info / "METADATA"))
        if canonicalize_name(str(headers["Name"])) != canonicalize_name(package):
            continue
        license_text = str(headers["License-Expression"] or headers["License"] or "")
        license_line = license_text.splitlines()[0][:100] if license_text else ""
        tops = {path.partition("/")[0] for path in recorded(_text(info / "RECORD"))}
        found = {item.name: item for item in folder.iterdir()}
        modules = sorted(top.removesuffix(".py") for top in tops & found.keys() if _is_module(found[top]))
        return str(headers["Summary"] or "")[:256], license_line, modules
    return "", "", []


def recorded(data: bytes) -> Iterator[str]:
    """Yield the paths of a RECORD, which are relative to the folder that the package is installed into."""
    for line in data.decode(errors="replace").splitlines():
        yield line.rsplit(",", 2)[0].strip('"')


def _text(path: Path) -> bytes:
    """Return a file that describes a package; nothing of one that is missing, or far too large to be real."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError:
        return b""
    return data if len(data) <= _MOST else b""


def modules(folder: Path, package: str) -> list[str]:
    """Return the importable modules of an installed package."""
    return facts(folder, package)[2]


def _is_module(path: Path) -> bool:
    name = path.name.removesuffix(".py")
    is_code = path.suffix == ".py" or (path / "__init__.py").is_file()
    return name.isidentifier() and not name.startswith("_") and is_code
