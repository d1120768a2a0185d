"""Differences between two zips of one layer, down to the sections of a program."""

import struct
from collections.abc import Iterator

from builder.layer.elf import MAGIC
from builder.layer.reader import LayerZip
from builder.layer.tree import Entry

_MOST_SECTIONS = 1000


def differences(first: LayerZip, second: LayerZip) -> Iterator[str]:
    """Yield a line for each difference; no line if the zips are equal byte for byte."""
    if first.path.read_bytes() == second.path.read_bytes():
        return
    ours, theirs = ({entry.path: entry for entry in zipped.tree} for zipped in (first, second))
    differ = False
    for path in sorted({*ours, *theirs}):
        if path not in theirs:
            line = "is only in the first"
        elif path not in ours:
            line = "is only in the second"
        else:
            line = _entry(ours[path], theirs[path])
        if line:
            differ = True
            yield f"{path} {line}"
    if not differ:
        yield "the files are equal; their order, times or compression in the zips are not"


def _entry(first: Entry, second: Entry) -> str:
    """Return the difference between two files of the same name, or an empty string."""
    if first.link != second.link:
        return f"points to {first.link} and to {second.link}"
    if first.mode != second.mode:
        return f"has mode {first.mode:o} and {second.mode:o}"
    ours, theirs = first.content.read(), second.content.read()
    if ours == theirs:
        return ""
    if ours[:4] == theirs[:4] == MAGIC:
        named = _sections(ours, theirs)
        if named:
            return f"differs in {', '.join(named)}"
    return f"differs from byte {_first_difference(ours, theirs):,} on ({len(ours):,} and {len(theirs):,} bytes)"


def _sections(first: bytes, second: bytes) -> list[str]:
    """Return the names of the sections of an ELF file that differ, with the first different byte of each."""
    ours, theirs = dict(sections(first)), dict(sections(second))
    differing = []
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            differing.append(f"{name} (only in one)")
        elif ours[name] != theirs[name]:
            at = _first_difference(ours[name], theirs[name])
            differing.append(f"{name} (from byte {at:,} of {len(ours[name]):,})")
    return differing


def _first_difference(first: bytes, second: bytes) -> int:
    """Return the offset of the first different byte; the length of the shorter one if the longer one begins with it."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


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
