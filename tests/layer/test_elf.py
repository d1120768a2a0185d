"""ELF files are read as by readelf; damage is a clear error."""

import json
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import zips
from kit.commands import layerwright

from builder.layer import elf

PROGRAMS = [path for path in (Path("/bin/ls"), Path("/usr/bin/git"), Path("/usr/bin/python3")) if path.exists()]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_it_says_what_readelf_says(path: Path, program: Callable[[str], str]) -> None:
    command = [program("readelf"), "--wide", "--dynamic", "--version-info", "--program-headers", str(path)]
    shown = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    found = elf.parse(path.read_bytes())
    assert list(found.needed) == re.findall(r"Shared library: \[(.*?)\]", shown)
    assert {need.version for need in found.versions} == set(re.findall(r"  Name: (\S+)  Flags:", shown))
    assert found.interpreter
    assert found.interpreter in shown
    assert found.machine in {"EM_X86_64", "EM_AARCH64"}


def test_a_file_without_sections_is_read_by_its_segments() -> None:
    data = bytearray(PROGRAMS[0].read_bytes())
    whole = elf.parse(bytes(data))
    data[40:48] = bytes(8)  # e_shoff
    data[58:64] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
    assert elf.parse(bytes(data)).needed == whole.needed


@given(st.data())
@settings(max_examples=400)
def test_damage_is_an_error_of_ours_or_harmless(data: st.DataObject) -> None:
    image = bytearray(PROGRAMS[0].read_bytes())
    tables = st.one_of(st.integers(0, 1200), st.integers(len(image) - 2200, len(image) - 1))
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(tables)] = data.draw(st.integers(0, 255))
    try:
        elf.parse(bytes(image))
    except elf.UnreadableElfError as error:
        assert "damaged ELF file" in str(error)  # noqa: PT017  either outcome is right; a crash is not


NEEDED, STRTAB, STRSZ, SONAME, RPATH = 1, 5, 10, 14, 15


def library(tags: list[tuple[int, int]], names: bytes) -> bytes:
    """Return a library whose dynamic section has these tags and this string table."""
    start = 64 + 56 * 2
    where = start + 16 * (len(tags) + 3)
    rows = [*tags, (STRTAB, where), (STRSZ, len(names)), (0, 0)]
    head = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    size = where + len(names)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 8)
    dynamic = struct.pack("<IIQQQQQQ", 2, 5, start, start, start, 16 * len(rows), 16 * len(rows), 8)
    body = b"".join(struct.pack("<QQ", *row) for row in rows)
    return elf.MAGIC + b"\2\1\1" + bytes(9) + head + load + dynamic + body + names


def test_names_up_to_the_longest_path_are_read() -> None:
    found = elf.parse(library([(NEEDED, 1), (RPATH, 4098)], b"\0" + b"a" * 4096 + b"\0$ORIGIN:/opt/lib\0"))
    assert found.needed == ("a" * 4096,)
    assert found.rpath == ("$ORIGIN", "/opt/lib")


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ([(NEEDED, 1)], b"\0" + b"a" * 4097 + b"\0"),
        ([(NEEDED, 1)] * 4000, b"\0" + b"a" * 4000 + b"\0"),
        ([(RPATH, 1)], b"\0" + b":" * (20 << 20) + b"\0"),
    ],
    ids=["long", "many", "folders"],
)
def test_names_that_no_linker_writes_are_an_error_of_any_zip(tags: list[tuple[int, int]], names: bytes) -> None:
    data = library(tags, names)
    with pytest.raises(elf.ExcessiveElfError):
        elf.parse(data)
    path = "python/x.cpython-313-x86_64-linux-gnu.so"
    (finding,) = zips.found(zips.tree({path: data}), only="architecture")
    assert (finding.severity, finding.path) == ("error", path)


def test_inspect_names_the_soname_of_a_library(tmp_path: Path) -> None:
    names = b"\0libown.so.2\0"
    zips.write(tmp_path / "x.zip", {"lib/libown.so": library([(SONAME, 1)], names), "lib/none.so": library([], names)})
    document = json.loads(layerwright("inspect", "x.zip", "--json", cwd=tmp_path).out)
    assert [(each["path"], each["soname"]) for each in document["elves"]] == [
        ("lib/libown.so", "libown.so.2"),
        ("lib/none.so", None),
    ]


def test_more_segments_than_there_are_is_told_in_words_of_our_own() -> None:
    data = bytearray(library([], b"\0"))
    data[56:58] = b"\xff\xff"  # e_phnum
    with pytest.raises(elf.UnreadableElfError, match="^damaged ELF file: a table in it is cut off or leads elsewhere$"):
        elf.parse(bytes(data))


@given(st.binary(max_size=40))
def test_a_header_that_is_cut_off(noise: bytes) -> None:
    with pytest.raises(elf.UnreadableElfError):
        elf.parse(elf.MAGIC + noise)
