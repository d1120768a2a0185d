"""Damaged and hostile inputs for parsers: seeds with some changes, and texts that formats stumble over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy, binary, builds, floats, lists, one_of, sampled_from

ODD = (
    *(b"", b"\0", b"\n", b" ", b"\r\n\t", b"\xff\xfe", b"\xed\xa0\x80", b"../", b"/", b"\\", b"%s", b"\x1b[31m"),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
        b"=",
        b":",
        b"- ",
        b"#",
        b",",
        b"null",
        b"true",
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
    ),
    *(
        b"[]",
        b"{}",
        b"[[]]",
        b'{"": {}}',
        b"5",
        b'"x"',
        b"9" * 5000,
        b"[" * 2000,
        b"(" * 2000,
        b"a" * 300,
        b"*id",
        b"&id ",
        b"!ruby/x ",
    ),
    *(b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", "\u202e\u00df\U0001f600".encode()),
)


@dataclass(frozen=True)
class Change:
    """One change of a seed: bytes at a place are replaced. Places and lengths are parts of the whole."""

    at: float
    length: float
    put: bytes

    def of(self, data: bytes) -> bytes:
        start = int(self.at * len(data))
        return data[:start] + self.put + data[start + int(self.length**4 * len(data)) :]


@dataclass(frozen=True)
class ValueChange:
    """Another value in place of one in a document: between two of the marks that surround values."""

    at: float
    put: bytes

    def of(self, data: bytes) -> bytes:
        marks = [index for index, byte in enumerate(data[: 1 << 14]) if byte in b'\n=:,"[]{} ']
        if not marks:
            return data + self.put
        first = int(self.at * (len(marks) - 1))
        end = marks[first + 1] if first + 1 < len(marks) else len(data)
        return data[: marks[first] + 1] + self.put + data[end:]


def mutated(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Return a strategy of inputs: seeds with some changes, and now and then anything."""
    part = floats(0, 1)
    put = one_of(sampled_from(ODD), binary(max_size=8))
    change = one_of(builds(Change, at=part, length=part, put=put), builds(ValueChange, at=part, put=put))

    def apply(seed: bytes, changes: list[Any]) -> bytes:
        for each in changes:
            seed = each.of(seed)
        return seed

    return one_of(builds(apply, sampled_from(list(seeds)), lists(change, min_size=1, max_size=4)), binary(max_size=64))
