"""Stripping real programs and libraries."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.layer import elf
from builder.layer.strip import strip

SOURCE = """
#include <math.h>
static int hidden(int x) { return x * 3; }
int triple(int x) { return hidden(x); }
double root(double x) { return sqrt(x); }
__thread int local = 7;
int get_local(void) { return local; }
int main(void) { return triple(14) == 42 && root(9) == 3 ? 0 : 1; }
"""


@pytest.fixture(params=[[], ["-g3"], ["-g", "-gz"], ["-g", "-Wl,--emit-relocs"]], ids=["plain", "g", "gz", "relocs"])
def library(request: pytest.FixtureRequest, tmp_path: Path, program: Callable[[str], str]) -> Path:
    return build(tmp_path, program("gcc"), ["-shared", "-fPIC", *request.param])


def build(folder: Path, compiler: str, flags: list[str]) -> Path:
    (folder / "x.c").write_text(SOURCE)
    path = folder / "x.out"
    subprocess.run([compiler, *flags, "-o", str(path), str(folder / "x.c"), "-lm"], check=True)
    return path


def test_a_stripped_library_still_works_and_says_the_same(library: Path, program: Callable[[str], str]) -> None:
    before = library.read_bytes()
    stripped = strip(before)
    assert stripped is not None
    assert stripped.dropped > 500
    assert len(stripped.data) < len(before)
    smaller = library.with_name("small.so")
    smaller.write_bytes(stripped.data)
    loaded = ctypes.CDLL(str(smaller))
    assert loaded.triple(14) == 42
    assert loaded.get_local() == 7
    old, new = elf.parse(before), elf.parse(stripped.data)
    assert (old.needed, old.versions, old.soname) == (new.needed, new.versions, new.soname)
    read = subprocess.run(
        [program("readelf"), "--wide", "--sections", "--dyn-syms", "--segments", str(smaller)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert not read.stderr
    assert "triple" in read.stdout
    assert ".debug_info" not in read.stdout
    assert ".symtab" not in read.stdout


def test_a_program_still_runs(tmp_path: Path, program: Callable[[str], str]) -> None:
    for flags in (["-g"], ["-g", "-static"], ["-g", "-no-pie"]):
        path = build(tmp_path, program("gcc"), flags)
        stripped = strip(path.read_bytes())
        assert stripped is not None
        path.write_bytes(stripped.data)
        assert subprocess.run([str(path)], check=False).returncode == 0


def test_twice_is_once(library: Path) -> None:
    first = strip(library.read_bytes())
    assert first is not None
    assert strip(first.data) is None


def test_what_a_program_carries_behind_itself_is_not_touched(library: Path) -> None:
    assert strip(library.read_bytes() + b"PK\3\4 a payload") is None


def test_object_files_archives_and_other_formats_are_left_alone(tmp_path: Path, program: Callable[[str], str]) -> None:
    path = tmp_path / "x.o"
    (tmp_path / "x.c").write_text(SOURCE)
    subprocess.run([program("gcc"), "-c", "-g", "-o", str(path), str(tmp_path / "x.c")], check=True)
    assert strip(path.read_bytes()) is None
    assert strip(b"#!/bin/sh\n") is None
    assert strip(b"\x7fELF\x01\x01" + bytes(100)) is None
    assert strip(b"") is None


def test_a_damaged_file_is_left_alone(library: Path) -> None:
    data = library.read_bytes()
    for cut in (10, 60, 64, len(data) // 2, len(data) - 1):
        assert strip(data[:cut]) is None


@given(st.data())
@settings(max_examples=300)
def test_damaged_headers_never_crash(data: st.DataObject) -> None:
    image = bytearray(Path("/bin/true").read_bytes()) if Path("/bin/true").exists() else bytearray(b"\x7fELF" * 100)
    for _ in range(4):
        image[data.draw(st.integers(0, 200))] = data.draw(st.integers(0, 255))
    stripped = strip(bytes(image))
    assert stripped is None or len(stripped.data) <= len(image) + 4096
