"""Code in archives that packages unpack when they are first used."""

import bz2
import gzip
import lzma
import os
import struct
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from kit import zips
from kit.bad import tarred, zipped
from kit.zips import found, tree

from builder.layer import checks, packed
from builder.layer.findings import Finding
from builder.layer.reader import IN_MEMORY, LayerZip
from builder.model.architectures import architecture
from builder.model.runtimes import runtime

X86, ARM = 62, 183
BASE = "nodejs/node_modules/browser/bin"


def elf(machine: int, kind: int = 2) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", kind, machine) + bytes(60)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": lambda data: bytes(zstandard.compress(data)),
    "br": lambda data: bytes(brotli.compress(data)),
}


def verdict(path: str, data: bytes, arch: str = "arm64") -> list[Finding]:
    return found(tree({path: data}), runtimes=("nodejs22.x",), architectures=(arch,), only="packed-code")


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_program_that_was_packed_for_another_processor_is_an_error(suffix: str) -> None:
    pack = PACKERS[suffix]
    for name, data, member in (
        (f"browser.{suffix}", pack(elf(X86)), f"browser.{suffix}"),
        (f"libs.tar.{suffix}", pack(tarred({"readme": b"x" * 3000, "lib/libnss3.so": elf(X86, 3)})), "lib/libnss3.so"),
    ):
        (finding,) = verdict(f"{BASE}/{name}", data)
        assert (finding.severity, finding.path) == ("error", f"{BASE}/{name}")
        assert finding.message == f"holds code for X86_64 (`{member}`), and none for arm64"
        assert verdict(f"{BASE}/{name}", data, "x86_64") == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("libs.tar", tarred({"tool": elf(X86)})),
        ("engine.zip", zipped({"bin/engine": elf(X86)})),
        ("inner.whl", zipped({"p/_p.cpython-313-x86_64-linux-gnu.so": elf(X86, 3)})),
        ("natives.jar", zipped({"linux/libx.so": elf(X86, 3), "A.class": elf(ARM)})),
        ("bundle.tar.gz", gzip.compress(tarred({"wheels/p-1.whl": zipped({"p.so": elf(X86, 3)})}))),
        ("bundle.zip", zipped({"browser.br": brotli.compress(elf(X86), quality=1)})),
    ],
)
def test_archives_of_all_kinds_are_looked_into_and_those_in_them(name: str, data: bytes) -> None:
    (finding,) = verdict(f"{BASE}/{name}", data)
    assert "holds code for X86_64" in finding.message
    assert verdict(f"{BASE}/{name}", data, "x86_64") == []


def test_what_has_code_for_the_layer_or_none_is_fine() -> None:
    both = zipped({"linux-x64/a": elf(X86), "linux-arm64/a": elf(ARM)})
    for data in (both, zipped({"a.txt": b"text"}), zipped({"kernel.o": elf(X86, 1)}), b"\x1f\x8b damaged" * 9):
        assert verdict(f"{BASE}/engine.zip", data) == []
    for name in ("data.csv.gz", "page.html.br", "notes.7z"):
        assert verdict(f"{BASE}/{name}", gzip.compress(b"a,b" * 99)) == []
    assert verdict("java/lib/a.jar", zipped({"liba.so": elf(X86)})) == [], "the check `jar` does that"
    (finding,) = verdict("python/p/tests/data/x86.tar.gz", gzip.compress(tarred({"a": elf(X86)})))
    assert finding.severity == "warning"


def test_archives_for_several_platforms_are_one_set() -> None:
    files = {f"{BASE}/x64/engine.br": brotli.compress(elf(X86)), f"{BASE}/arm64/engine.br": brotli.compress(elf(ARM))}
    for arch in ("arm64", "x86_64"):
        assert found(tree(files), runtimes=("nodejs22.x",), architectures=(arch,), only="packed-code") == []
    both = found(tree(files), runtimes=("nodejs22.x",), architectures=("arm64", "x86_64"), only="packed-code")
    assert both == []


def test_what_is_looked_at_has_limits() -> None:
    """Of an archive so much is unpacked; of what is in it one level; and no claim about sizes is believed."""
    long = gzip.compress(tarred({"zeros": bytes(packed.MOST_UNPACKED + 1), "late": elf(X86)}), 1)
    assert verdict(f"{BASE}/long.tar.gz", long) == []
    deep = zipped({"a.zip": zipped({"b.zip": zipped({"c": elf(X86)})})})
    assert verdict(f"{BASE}/deep.zip", deep) == []
    huge = bytearray(tarred({"a": elf(X86)}))
    huge[124:136] = b"77777777777\0"
    assert verdict(f"{BASE}/claims.tar", bytes(huge)) == []


def test_a_large_archive_is_read_as_it_lies_in_the_zip(tmp_path: Path) -> None:
    """More than may be in memory at once: of what is not stored, the beginning is unpacked again."""
    data = gzip.compress(elf(X86) + os.urandom(IN_MEMORY // 2 + (1 << 20)), 1)
    path = zips.write(tmp_path / "a.zip", {f"{BASE}/browser.gz": data})
    with LayerZip(path) as layer:
        (entry,) = layer.tree
        assert not entry.content.fits_memory  # type: ignore[attr-defined]
        where = (runtime("nodejs22.x"),), (architecture("arm64"),)
        subject = checks.examine(layer.tree, *where, packages=(), own=False)
        (finding,) = checks.run(subject, only="packed-code")
    assert "holds code for X86_64 (`browser.gz`)" in finding.message
