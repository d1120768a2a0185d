"""Go modules in anybody's layer: what programs say of themselves, and the texts of their licenses."""

import struct
import time
from pathlib import Path

import pytest

from builder.layer import licences, sbom, tree
from builder.layer.tree import Entry, InMemory
from builder.model.manifest import PackageRow
from builder.packages import table
from builder.packages.go import buildinfo, installed, licence_text
from builder.packages.go.buildinfo import Module

H1 = "h1:xfD0iDuEKnDkl03q4limB+vH+GxLEtL/jb4xVJSWWEY="
ROWS = f"""path\texample.com/tools/cmd/tool
mod\texample.com/tools\tv1.2.3\t{H1}
dep\texample.com/used\tv0.1.0
=>\texample.com/fork\tv0.1.1\t{H1}
dep\texample.com/local\tv0.0.0
=>\t./local\t\t
dep\tgopkg.in/yaml.v3\tv3.0.1\t{H1}
build\t-trimpath=true
"""
MODULES = (
    Module(path="example.com/tools", version="v1.2.3"),
    Module(path="example.com/fork", version="v0.1.1"),
    Module(path="gopkg.in/yaml.v3", version="v3.0.1"),
)
BASE = 0x400000
MIT = """MIT License

Copyright (c) 2026 The authors

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, subject to the
following conditions: the above copyright notice and this permission notice shall be included in all copies.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.
"""
BSD2 = """Redistribution and use in source and binary forms, with or without modification, are permitted provided that
the following conditions are met:
 * Redistributions of source code must retain the above copyright notice.
 * Redistributions in binary form must reproduce the above copyright notice.
"""
BSD3 = (
    BSD2 + "Neither the name of Example nor the names of its contributors may be used to endorse or promote products"
    " derived from this software without specific prior written permission.\n"
)
ISC = """Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.
THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES.
"""


def varint(number: int) -> bytes:
    parts = []
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def wrapped(rows: str) -> bytes:
    return b"\x01" * 16 + rows.encode() + b"\x02" * 16


def blob(version: str = "go1.24.4", rows: str = ROWS) -> bytes:
    """Return what Go has written since 1.18."""
    head = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    modules = wrapped(rows) if rows else b""
    return head + varint(len(version)) + version.encode() + varint(len(modules)) + modules


def elf(writable: bytes, constant: bytes = b"", *, at: int = 0) -> bytes:
    """Return a program with two segments: constants at BASE, variables one page later."""
    start = 64 + 2 * 56
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    rows = [(4, start, BASE, len(constant)), (6, start + len(constant), BASE + 0x100000 + at, len(writable))]
    table_of = b"".join(
        struct.pack("<IIQQQQQQ", 1, flags, offset, where, where, size, size, 4096)
        for flags, offset, where, size in rows
    )
    return head + table_of + constant + writable


def old() -> bytes:
    """Return a program as Go wrote it before 1.18: the blob points to strings, and they to constants."""
    version, modules = b"go1.15.15", wrapped(ROWS)
    data = BASE + 0x100000
    head = b"\xff Go buildinf:" + bytes([8, 0]) + struct.pack("<QQ", data + 32, data + 48)
    strings = struct.pack("<QQQQ", BASE, len(version), BASE + len(version), len(modules))
    return elf(head + strings, version + modules)


def program(path: str, data: bytes, mode: int = 0o755) -> Entry:
    return Entry(path=path, mode=mode, content=InMemory(data=data))


def text(module: str, content: str, name: str = "LICENSE") -> Entry:
    return tree.from_data(f"{installed.FOLDER}{module}/{name}", content.encode())


@pytest.mark.parametrize("data", [elf(blob()), elf(bytes(4096) + blob()), old()], ids=["new", "later", "old"])
def test_a_program_names_its_modules(data: bytes) -> None:
    info = buildinfo.read(data)
    assert info is not None
    assert info.modules == MODULES
    assert info.go in {"1.24.4", "1.15.15"}


@pytest.mark.parametrize("version", ["devel go1.25-abc", "go1.24.4 X:nocoverageredesign", "go1.25rc1"])
def test_the_version_of_go_is_one_that_was_released(version: str) -> None:
    info = buildinfo.read(elf(blob(version)))
    assert info is not None
    assert (
        info.go
        == {"d": "", " ": "1.24.4", "1": "1.25rc1"}["d" if "devel" in version else " " if " " in version else "1"]
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n" + blob(),
        elf(blob(), at=8),
        elf(blob()[:20]),
        elf(blob()[:40]),
        elf(blob()[:32] + b"\xff" * 40),
        elf(blob()[:32] + varint(1 << 27) + bytes(64)),
        elf(blob()[:32] + varint(300) + bytes(400)),
        elf(b"\xff Go buildinf:" + bytes([8, 0]) + struct.pack("<QQ", 7, 1 << 63)),
        elf(b"\xff Go buildinf:" + bytes([4, 0]) + bytes(64)),
        elf(b"\xff Go buildinf:" + bytes([8, 1]) + bytes(64)),
        elf(b"", blob()),
    ],
)
def test_other_files_and_damaged_ones_name_none(data: bytes) -> None:
    assert buildinfo.read(data) is None


def test_every_byte_of_a_program_may_be_another() -> None:
    for data in (elf(blob()), old()):
        for at in range(len(data)):
            for value in (0, 0x7F, 0xFF):
                buildinfo.read(data[:at] + bytes([value]) + data[at + 1 :])


def test_a_segment_table_without_an_end_is_read_to_a_bound() -> None:
    data = bytearray(elf(blob()))
    struct.pack_into("<HH", data, 54, 0, 0xFFFF)  # 65,535 rows of no bytes, all of them the first
    started = time.monotonic()
    buildinfo.read(bytes(data))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "row",
    [
        "dep\t../../etc\tv1.0.0",
        "dep\ta b\tv1.0.0",
        "dep\texample.com/a\t(devel)",
        "dep\texample.com/a",
        "dep",
        "dep\t\t\t",
    ],
)
def test_rows_that_name_no_module_are_left_out(row: str) -> None:
    info = buildinfo.read(elf(blob(rows=f"{row}\ndep\texample.com/b\tv1.0.0\n")))
    assert info is not None
    assert info.modules == (Module(path="example.com/b", version="v1.0.0"),)


def test_programs_of_a_layer_are_looked_into_where_lambda_finds_them() -> None:
    data = elf(blob(rows="dep\texample.com/b\tv1.0.0\n"))
    content = tree.of(
        [
            program("bin/a", data),
            program("bootstrap", data),
            program("extensions/b", data),
            program("share/c", data),
            program("bin/data", data, mode=0o644),
        ]
    )
    found = [package for package in table.installed(content) if package.name == "example.com/b"]
    assert [package.described for package in found] == ["bin/a", "bootstrap", "extensions/b"]
    assert {package.ecosystem for package in found} == {"golang"}
    go = next(package for package in table.installed(content) if package.name == "stdlib")
    assert (go.version, go.license) == ("1.24.4", "BSD-3-Clause")


def test_licences_are_those_of_the_texts_that_the_build_kept() -> None:
    rows = "".join(f"dep\texample.com/{name}\tv1.0.0\n" for name in ("mit", "bsd", "both", "none", "odd"))
    content = tree.of(
        [
            program("bin/a", elf(blob(rows=rows))),
            text("example.com/mit@v1.0.0", MIT),
            text("example.com/mit@v1.0.0", "Some people", "NOTICE"),
            text("example.com/bsd@v1.0.0", BSD3, "COPYING.txt"),
            text("example.com/both@v1.0.0", MIT),
            text("example.com/both@v1.0.0", BSD2, "LICENSE-BSD"),
            text("example.com/odd@v1.0.0", "Do as you like."),
        ]
    )
    found = {row.package: row for row in licences.declared(content, table.installed(content))}
    assert {name.rpartition("/")[2]: row.license for name, row in found.items()} == {
        "mit": "MIT",
        "bsd": "BSD-3-Clause",
        "both": "NOASSERTION",
        "none": "NOASSERTION",
        "odd": "NOASSERTION",
        "stdlib": "BSD-3-Clause",
    }
    assert found["example.com/mit"].texts == (
        "share/licenses/go/example.com/mit@v1.0.0/LICENSE",
        "share/licenses/go/example.com/mit@v1.0.0/NOTICE",
    )


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (MIT, "MIT"),
        (MIT.upper().replace(" ", "\n"), "MIT"),
        (BSD2, "BSD-2-Clause"),
        (BSD3, "BSD-3-Clause"),
        (BSD3.replace("specific prior", "prior"), ""),
        (BSD2 + "All advertising materials mentioning features of this software must say so.", ""),
        (ISC, "ISC"),
        (MIT + BSD3, ""),
        (MIT + "This is also under the GNU General Public License.", ""),
        (MIT + "And further words. " * 100, ""),
        ("", ""),
        ("MIT", ""),
    ],
)
def test_a_license_is_named_only_where_nothing_else_can_be_meant(content: str, name: str) -> None:
    assert licence_text.name(content) == name


def test_package_urls_have_the_host_and_the_owner_as_namespace() -> None:
    row = PackageRow(
        name="github.com/x/y", version="v1.2.3", ecosystem="golang", route="compile", file="y", sha256=None
    )
    assert str(sbom.package_url(row)) == "pkg:golang/github.com/x/y@v1.2.3"


def test_a_layer_of_large_programs_is_read_quickly(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(elf(bytes(64 << 20) + blob()))
    content = tree.of([tree.from_file(path, "bin/a")])
    started = time.monotonic()
    assert [package.name for package in table.installed(content)][:2] == ["stdlib", "example.com/tools"]
    assert time.monotonic() - started < 5
