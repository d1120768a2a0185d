"""Differences between two zips of one layer, down to the sections of a program."""

import struct
from collections.abc import Iterator

from builder.layer.elf import MAGIC
from builder.layer.reader import LayerZip
from builder.layer.tree import Entry

_MOST_SECTIONS = 1000


def differences(one: LayerZip, other: LayerZip) -> Iterator[str]:
    """Yield a line for each difference; no line if the zips are equal byte for byte."""
    if one.path.read_bytes() == other.path.read_bytes():
        return
    first, second = ({entry.path: entry for entry in zipped.tree} for zipped in (one, other))
    differ = False
    for path in sorted({*first, *second}):
        if path not in second:
            line = "is only in the first"
        elif path not in first:
            line = "is only in the second"
        else:
            line = _entry(first[path], second[path])
        if line:
            differ = True
            yield f"{path} {line}"
    if not differ:
        yield "the files are equal; their order, times or compression in the zips are not"


def _entry(one: Entry, other: Entry) -> str:
    """Return the difference between two files of the same name, or an empty string."""
    if one.link != other.link:
        return f"points to {one.link} and to {other.link}"
    if one.mode != other.mode:
        return f"has mode {one.mode:o} and {other.mode:o}"
    first, second = one.content.read(), other.content.read()
    if first == second:
        return ""
    if first[:4] == second[:4] == MAGIC:
        named = _sections(first, second)
        if named:
            return f"differs in {', '.join(named)}"
    return f"differs from byte {_first_difference(first, second):,} on ({len(first):,} and {len(second):,} bytes)"


def _sections(first: bytes, second: bytes) -> list[str]:
    """Return the names of the sections of an ELF file that differ, with the first different byte of each."""
    ours, theirs = dict(sections(first)), dict(sections(second))
    found = []
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            found.append(f"{name} (only in one)")
        elif ours[name] != theirs[name]:
            at = _first_difference(ours[name], theirs[name])
            found.append(f"{name} (from byte {at:,} of {len(ours[name]):,})")
    return found


def _first_difference(one: bytes, other: bytes) -> int:
    """Return the offset of the first different byte; the length of the shorter one if the longer one begins with it."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def sections(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the sections of a 64-bit ELF file; none if its section table is malformed."""
    try:
        (table,) = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        rows = [
            struct.unpack_from("<IIQQQQ", data, table + number * size) for number in range(min(count, _MOST_SECTIONS))
        ]
        texts = data[rows[names][4] : rows[names][4] + rows[names][5]]
    except (struct.error, IndexError):
        return
    for number, (name, kind, _, _, offset, length) in enumerate(rows):
        text = texts[name : texts.find(b"\0", name)].decode(errors="replace") or f"section {number}"
        yield text, b"" if kind == 8 else data[offset : offset + length]  # noqa: PLR2004  SHT_NOBITS has no bytes
