"""Code in archives that packages unpack when they are first used."""

import bz2
import gzip
import lzma
import os
import struct
import zipfile
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


def deep(count: int, data: bytes) -> bytes:
    """Return a file in so many zips."""
    return zipped({"tool": data}) if count == 1 else zipped({"inner": deep(count - 1, data)})


def debian(files: dict[str, bytes]) -> bytes:
    """Return a package of Debian."""
    data = b"!<arch>\n"
    rows = {"debian-binary": b"2.0\n", "control.tar.gz": gzip.compress(tarred({"control": b"Package: x\n"}))}
    for name, member in {**rows, "data.tar.xz": lzma.compress(tarred(files))}.items():
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(member):<10}`\n".encode() + member
        data += b"\n" * (len(member) % 2)
    return data


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
    for name in ("data.csv.gz", "page.html.br", "notes"):
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


@pytest.mark.parametrize(
    ("name", "data", "member"),
    [
        ("tool", gzip.compress(elf(X86)), "tool"),
        ("tool.dat", gzip.compress(elf(X86)), "tool.dat"),
        ("tool.lzma", lzma.compress(elf(X86), lzma.FORMAT_ALONE), "tool.lzma"),
        ("libs.tlz", lzma.compress(tarred({"a": elf(X86)}), lzma.FORMAT_ALONE), "a"),
        ("x.pack", zipped({"bin/engine": elf(X86)}), "bin/engine"),
        ("tool.gz", gzip.compress(gzip.compress(gzip.compress(elf(X86)))), "tool.gz"),
        ("3.zip", deep(3, elf(X86)), "inner/inner/tool"),
        ("5.zip", deep(5, elf(X86)), "inner/inner/inner/inner/tool"),
        ("tool.deb", debian({"usr/bin/tool": elf(X86)}), "data.tar.xz/usr/bin/tool"),
        ("a.tar", tarred({"broken.gz": b"\x1f\x8b\x08 no" * 9, "tool": elf(X86)}), "tool"),
    ],
)
def test_archives_are_known_by_their_first_bytes_in_each_other_too(name: str, data: bytes, member: str) -> None:
    (finding,) = verdict(f"bin/{name}", data)
    assert finding.severity == "error"
    assert f"holds code for X86_64 (`{member}`)" in finding.message
    assert verdict(f"bin/{name}", data, "x86_64") == []


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_data_that_begins_as_an_archive_does_is_none_of_a_finding(arch: str) -> None:
    for name, data in {
        "a.npz": zipped({"x.npy": b"\x93NUMPY" + bytes(900)}),
        "a.pkl.gz": gzip.compress(b"\x80\x05" + bytes(900)),
        "cut.bin": gzip.compress(os.urandom(900))[:400],
        "model.bin": b"\x1f\x8b\x08" + bytes(5000),
        "weights.bin": b"\x5d\0\0\x77\x77" + os.urandom(5000),
        "small.7z": b"7z\xbc\xaf\x27\x1c" + bytes(900),
        "lib.a": b"!<arch>\n" + bytes(900),
        "tests/a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(9000),
    }.items():
        assert verdict(f"{BASE}/{name}", data, arch) == []


def test_a_file_that_is_called_a_library_and_is_an_archive_is_no_library() -> None:
    files = tree({"lib/libx.so": gzip.compress(b"text" * 99)})
    (finding,) = found(files, only="architecture")
    assert "has the name of a library and is none" in finding.message


def test_programs_are_found_behind_what_is_large() -> None:
    for data in (bytes(99 << 20), os.urandom(99 << 20)):
        late = gzip.compress(tarred({"data": data, "late": elf(X86)}), 1 if data[:1] == b"\0" else 0)
        (finding,) = verdict(f"{BASE}/long.tar.gz", late)
        assert "holds code for X86_64 (`late`)" in finding.message


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(tarred({"zeros": bytes(1 << 20), "late": elf(X86)})), "it unpacks to more than 1 MB"),
        (tarred({str(number): b"x" for number in range(600)}), "it unpacks to more than 1 MB"),
        (zipped({str(number): b"x" for number in range(600)}), "it unpacks to more than 1 MB"),
        (deep(9, elf(X86)), "more than 8 archives are packed in each other"),
        (gzip.compress(b"7z\xbc\xaf\x27\x1c" + bytes(9000)), "it is a 7z archive, which nothing here unpacks"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(9000), "it is a 7z archive, which nothing here unpacks"),
        (tarred({"a.rar": b"Rar!\x1a\x07" + bytes(9000)}), "`a.rar` in it is a RAR archive"),
        (lzma.compress(lzma.compress(lzma.compress(elf(X86)))), "it is compressed more than 2 times"),
        (zipped({"a": b"x"}, zipfile.ZIP_BZIP2), "a is packed by method 12"),
        (lzma.compress(elf(X86), filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]), "takes 256 MB of memory"),
        (
            lzma.compress(
                elf(X86),
                filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 3 << 27}],
                check=lzma.CHECK_NONE,
            ),
            "takes 384 MB of memory",
        ),
        (
            lzma.compress(elf(X86), lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 28}]),
            "takes 256 MB of memory",
        ),
        (b"\x28\xb5\x2f\xfd\0\x90" + bytes(90), "takes 256 MB of memory"),
    ],
)
def test_a_search_that_ends_early_is_told(data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MOST_UNPACKED", 1 << 20)
    (finding,) = verdict(f"{BASE}/long", data)
    assert finding.severity == "warning"
    assert reason in finding.message
    assert "is not looked into to its end" in finding.message
    assert verdict("python/p/tests/long", data) == []


def test_many_archives_have_one_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MOST_IN_LAYER", 2 << 20)
    bomb = gzip.compress(tarred({"zeros": bytes(1 << 20)}))
    where = {"runtimes": ("nodejs22.x",), "architectures": ("arm64",), "only": "packed-code"}
    assert found(tree({f"{BASE}/0": bomb}), **where) == []  # type: ignore[arg-type]
    told = found(tree({f"{BASE}/{number}": bomb for number in range(3)}), **where)  # type: ignore[arg-type]
    assert ["the archives of the layer unpack to more than 2 MB" in each.message for each in told] == [True] * len(told)
    assert told


def test_no_claim_about_sizes_is_believed() -> None:
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
