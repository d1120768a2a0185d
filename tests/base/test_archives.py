"""Archives of others: damaged, cut, encrypted, and bombs. Each ends in an error of `FAULTS`, in little memory."""

import bz2
import errno
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers, lists

from builder.base import archives


def tarred(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as made:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd" if kind != tarfile.REGTYPE else ""
            info.size = len(data) if kind == tarfile.REGTYPE else 0
            made.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def read(data: bytes, most: int = 100) -> dict[str, bytes]:
    with archives.tar(io.BytesIO(data)) as archive:
        return {
            member.name: archives.read(archive.extractfile(member), most, member.name)
            for member in archives.files(archive)
        }


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_tars_of_every_compression_are_read(pack: Callable[[bytes], bytes]) -> None:
    assert read(pack(tarred(("a", b"1"), ("b/c", b"2")))) == {"a": b"1", "b/c": b"2"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_only_regular_files_are_read(kind: bytes) -> None:
    assert read(tarred(("a", b""), kind=kind)) == {}


def header(name: bytes, size: int, kind: bytes) -> bytes:
    """Return the header of a member that claims a size."""
    info = tarfile.TarInfo(name.decode())
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_huge_header_is_refused_before_it_is_read(kind: bytes) -> None:
    bomb = gzip.compress(header(b"x", 64 << 20, kind) + bytes(64 << 20) + tarred(("a", b"1")), 1)
    tracemalloc.start()
    with pytest.raises(archives.FAULTS):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def test_a_member_beyond_the_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_BYTES", 1 << 20)
    data = header(b"x", 2 << 20, tarfile.REGTYPE) + bytes(2 << 20) + tarred(("a", b"1"))
    with pytest.raises(archives.FAULTS, match="GB unpacked"):
        read(gzip.compress(data), most=4 << 20)


def test_a_large_file_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="^a has more than 0 MB"):
        read(tarred(("a", bytes(101))))
    monkeypatch.setattr(archives, "MOST_MEMBERS", 1)
    with pytest.raises(ValueError, match="more than 1 members"):
        read(tarred(("a", b""), ("b", b"")))


@given(integers(0, 400), binary(max_size=8))
def test_a_cut_or_damaged_tar_ends_in_an_error_or_not_at_all(cut: int, noise: bytes) -> None:
    whole = gzip.compress(tarred(("a", b"1" * 50), ("b", b"2" * 50)), mtime=0)
    for data in (whole[:cut], whole[:cut] + noise + whole[cut + len(noise) :], noise):
        try:
            found = read(data)
        except archives.FAULTS:
            continue
        assert set(found) <= {"a", "b"}


# ---- xz ------------------------------------------------------------------------------------------------------------


def with_dictionary(code: int) -> bytes:
    """Return an xz file that asks for a dictionary (tukaani.org/xz/xz-file-format.txt, 5.3.1)."""
    data = bytearray(lzma.compress(tarred(("a", b"1"))))
    size = (data[12] + 1) * 4
    place = data.index(b"\x21\x01", 12) + 2
    data[place] = code
    struct.pack_into("<I", data, 12 + size - 4, zlib.crc32(data[12 : 12 + size - 4]))
    return bytes(data)


def test_xz_that_asks_for_gigabytes_is_refused() -> None:
    assert read(with_dictionary(28)) == {"a": b"1"}  # 64 MB, as of `xz -9`
    for code in (31, 38, 40):
        with pytest.raises(archives.FAULTS):
            read(with_dictionary(code))


def test_xz_files_after_each_other_are_one() -> None:
    whole = tarred(("a", b"1" * 3000), ("b", bytes(200_000)))
    for data in (
        lzma.compress(whole[:1000]) + bytes(8) + lzma.compress(whole[1000:]),
        lzma.compress(whole) + bytes(4),
    ):
        assert read(data, 1 << 20) == {"a": b"1" * 3000, "b": bytes(200_000)}


def test_a_cut_xz_is_an_error() -> None:
    whole = lzma.compress(tarred(("a", bytes(range(256)) * 100)))
    for end in (5, 20, len(whole) // 2):
        with pytest.raises(archives.FAULTS):
            read(whole[:end], 1 << 20)


# ---- streams -------------------------------------------------------------------------------------------------------


class Pipe(io.RawIOBase):
    """A stream that cannot seek, and gives little at a time."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(min(len(buffer), 700))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True


def streamed(data: bytes, most: int = 1 << 20, *, skip: frozenset[str] = frozenset()) -> dict[str, bytes]:
    with archives.reading(), archives.streamed(io.BufferedReader(Pipe(data)), most) as archive:
        return {
            member.name: archives.read(archive.extractfile(member), most, member.name)
            for member in archives.files(archive)
            if member.name not in skip
        }


@given(lists(integers(0, 2000), max_size=8), integers(0, 1))
def test_a_stream_is_read_in_its_order(sizes: list[int], step: int) -> None:
    files = {f"{number}{'x' * (size % 200)}": bytes([number]) * size for number, size in enumerate(sizes)}
    skip = frozenset(list(files)[:: step + 1]) if step else frozenset()
    left = {name: data for name, data in files.items() if name not in skip}
    assert streamed(tarred(*files.items()), skip=skip) == left


def test_a_stream_ends_at_its_limit() -> None:
    data = tarred(*((str(number), bytes(30_000)) for number in range(10)))
    assert len(streamed(data, 400_000)) == 10
    with pytest.raises(archives.UnreadableError, match="it has more than 0 GB"):
        streamed(data, 200_000, skip=frozenset("0123456789"))


# ---- zips ----------------------------------------------------------------------------------------------------------


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a", b"1")
    return path


def test_a_zip_is_read(tmp_path: Path) -> None:
    with archives.zipped(zipped(tmp_path / "a.zip")) as archive:
        assert archive.namelist() == ["a"]


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_that_is_packed_otherwise_is_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as made:
        made.writestr("a", b"1")
    with pytest.raises(ValueError, match=f"a is packed by method {method}"), archives.zipped(tmp_path / "a.zip"):
        pass


def test_a_zip_with_a_huge_table_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\5\6") + 12, 1 << 30)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="its table has 1,073,741,824 bytes"), archives.zipped(path):
        pass


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\5\6", b"x" * 70_000])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(archives.FAULTS), archives.zipped(tmp_path / "a.zip"):
        pass


def test_an_error_of_the_system_is_none_of_the_archive() -> None:
    with pytest.raises(OSError, match="No space left"), archives.reading():
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(archives.UnreadableError, match="Not a gzipped file"), archives.reading():
        gzip.decompress(b"no")
