"""Crates in anybody's layer: by the list that the build leaves, and by what cargo-auditable puts into programs."""

import re
import struct
import zlib
from collections.abc import Iterator

from builder.base import texts
from builder.layer.elf import MAGIC
from builder.layer.installed import Installed, description, programs
from builder.layer.tree import Content, Entry, Tree

FOLDER = "share/licenses/cargo"
"""Of the texts, each crate's in a folder `name-version`, and of one list for each program."""
_LIST = re.compile(rf"^{FOLDER}/[^/]+\.json$")
_TEXT = re.compile(rf"^{FOLDER}/[^/]+/")
_SECTION = b".dep-v0"
"""Of ELF files (https://github.com/rust-secure-code/cargo-auditable): JSON, compressed by zlib."""
_MOST = 16 << 20
"""Bytes of the section of a program, unpacked."""
_SECTIONS = 4096
_OR = re.compile(r"\s*/\s*")
"""What old crates write between licenses to choose from."""
_HEADER = 64


def expression(license_: str) -> str:
    """Return the license of a crate in the form of SPDX."""
    return _OR.sub(" OR ", license_)


def is_text(path: str) -> bool:
    """Tell whether a file of a layer is the license text of a crate."""
    return _TEXT.match(path) is not None


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the crates of a layer: first those that only programs name, because a list knows their licenses as well."""
    lists = [entry for entry in content if _LIST.match(entry.path) and entry.link is None]
    listed = [package for entry in lists for package in _listed(entry)]
    known = {(package.name, package.version) for package in listed}
    for entry in programs(content):
        yield from (one for one in _audited(entry) if (one.name, one.version) not in known)
    yield from listed


def _listed(entry: Entry) -> Iterator[Installed]:
    for row in _rows(description(entry)):
        name, version = str(row.get("name", "")), str(row.get("version", ""))
        folder = f"{FOLDER}/{name}-{version}"
        yield Installed(
            ecosystem="cargo",
            root=folder,
            name=name,
            version=version,
            described=entry.path,
            license=expression(str(row.get("license") or "")),
            folder=folder,
        )


def _audited(entry: Entry) -> Iterator[Installed]:
    """Yield the crates that a program names itself, without those that only its build needed."""
    for row in _rows(_section(entry.content)):
        if row.get("kind", "runtime") == "runtime":
            name, version = str(row.get("name", "")), str(row.get("version", ""))
            yield Installed(
                ecosystem="cargo",
                root=f"{entry.path}/{name}-{version}",
                name=name,
                version=version,
                described=entry.path,
            )


def _rows(data: bytes) -> list[dict[str, object]]:
    try:
        document = texts.parse_json(data) if data else {}
    except texts.MalformedError:
        return []
    rows = document.get("packages") if isinstance(document, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


# ---- the section of a program --------------------------------------------------------------------------------------


def _section(content: Content) -> bytes:
    """Return the JSON in the section of a 64-bit little-endian ELF file; empty if there is none that makes sense."""
    head = content.head(_HEADER)
    if head[:6] != MAGIC + b"\x02\x01" or len(head) < _HEADER:
        return b""
    (table,) = struct.unpack_from("<Q", head, 40)
    size, count, names = struct.unpack_from("<HHH", head, 58)
    if size != _HEADER or not 0 < names < count <= _SECTIONS or table + size * count > content.size:
        return b""
    data = content.read()
    rows = [struct.unpack_from("<IIQQQQ", data, table + size * number) for number in range(count)]
    start, length = rows[names][4:6]
    texts = data[start : start + length]
    for name, _, _, _, offset, packed in rows:
        if texts[name : name + len(_SECTION) + 1] == _SECTION + b"\0":
            return _unpacked(data[offset : offset + packed])
    return b""


def _unpacked(data: bytes) -> bytes:
    try:
        unpacked = zlib.decompressobj().decompress(data, _MOST)
    except zlib.error:
        return b""
    return unpacked if len(unpacked) < _MOST else b""
