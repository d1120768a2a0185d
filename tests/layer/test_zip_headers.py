"""Zips that two readers read differently are refused; those of common programs are not."""

import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.layer.reader import BadArchiveError, LayerZip

NAME, DATA = b"python/a.py", b"x = 1\n"
FILE, LINK, FOLDER = 0o100644 << 16, 0o120777 << 16, 0o040755 << 16
UNIX, DOS = 3 << 8 | 20, 20
ENCRYPTED, DESCRIPTOR, UTF8 = 0x1, 0x8, 0x800


@dataclass(frozen=True, kw_only=True)
class Header:
    """What one of the two headers of a file says."""

    name: bytes = NAME
    flags: int = 0
    method: int = 0
    crc: int = zlib.crc32(DATA)
    packed: int = len(DATA)
    raw: int = len(DATA)
    extra: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file of a zip, with headers that may disagree."""

    local: Header = field(default_factory=Header)
    table: Header | None = None
    """None for the same as the local one."""
    body: bytes = DATA
    attributes: int = FILE
    made: int = UNIX


def named(name: bytes) -> Member:
    return Member(local=Header(name=name))


def folder(name: bytes, attributes: int = FOLDER) -> Member:
    return Member(local=Header(name=name, crc=0, packed=0, raw=0), body=b"", attributes=attributes)


def link(name: bytes, to: bytes, made: int = UNIX) -> Member:
    header = Header(name=name, crc=zlib.crc32(to), packed=len(to), raw=len(to))
    return Member(local=header, body=to, attributes=LINK, made=made)


def end(count: int, start: int, size: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, start, len(comment)) + comment


def of(*members: Member, comment: bytes = b"", counted: int | None = None, before: bytes = b"") -> bytes:
    out, table = before, b""
    for member in members:
        one, two = member.local, member.table or member.local
        table += struct.pack(
            *("<4s6H3I5H2I", b"PK\1\2", member.made, 20, two.flags, two.method, 0, 0x21, two.crc, two.packed, two.raw),
            *(len(two.name), len(two.extra), 0, 0, 0, member.attributes, len(out)),
        )
        table += two.name + two.extra
        out += struct.pack(
            *("<4s5H3I2H", b"PK\3\4", 20, one.flags, one.method, 0, 0x21, one.crc, one.packed, one.raw),
            *(len(one.name), len(one.extra)),
        )
        out += one.name + one.extra + member.body
    return out + table + end(len(members) if counted is None else counted, len(out), len(table), comment)


def renamed(new: bytes, old: bytes = NAME) -> bytes:
    """Return a Unicode path field."""
    return struct.pack("<2HBI", 0x7075, 5 + len(new), 1, zlib.crc32(old)) + new


def described(*facts: int, form: str = "<4s3I") -> bytes:
    """Return a zip whose sizes come after the bytes."""
    after = struct.pack(form, b"PK\7\x08", *facts)
    local = Header(flags=DESCRIPTOR, crc=0, packed=0, raw=0)
    return of(Member(local=local, table=Header(flags=DESCRIPTOR), body=DATA + after))


SOUND = (zlib.crc32(DATA), len(DATA), len(DATA))
REFUSED = {
    "another name": (of(Member(local=Header(name=b"python/b.py"), table=Header())), "another name in its local header"),
    "another size": (
        of(Member(local=Header(packed=3, raw=3), table=Header())),
        "another size or checksum in its local",
    ),
    "another checksum": (
        of(Member(local=Header(crc=1), table=Header())),
        "another size or checksum in its local header",
    ),
    "another method": (of(Member(local=Header(method=8), table=Header())), "other flags or another method"),
    "encrypted in one": (of(Member(local=Header(flags=ENCRYPTED), table=Header())), "other flags or another method"),
    "another encoding": (of(Member(local=Header(flags=UTF8), table=Header())), "other flags or another method"),
    "a descriptor that lies": (described(1, 2, 3), "another size or checksum after its bytes"),
    "no local header": (of(Member()).replace(b"PK\3\4", b"PK\0\0"), "no local header where the table says"),
    "renamed": (
        of(Member(local=Header(extra=renamed(b"python/evil.py")))),
        "has another name for some readers, `python/evil.py`",
    ),
    "renamed in one": (
        of(Member(local=Header(extra=renamed(b"python/evil.py")), table=Header())),
        "has another name for some readers in its local header",
    ),
    "two ends": (of(Member(), comment=end(0, 0, 0)), "it has two ends"),
    "an end in a comment that does not fit": (of(Member(), comment=end(0, 0, 0) + b"more"), "it has two ends"),
    "too many counted": (of(Member(), counted=5), "its end counts 5 files, and its table has 1"),
    "too few counted": (of(Member(), named(b"b"), counted=1), "its end counts 1 files, and its table has 2"),
    "nothing": (end(0, 0, 0), "it has no files"),
    "a NUL": (of(named(b"python/a\0.py")), "control character in its name"),
    "a long name": (of(named(b"python/" + b"a" * 256)), "a name of more than 255 bytes"),
    "a long path": (of(named(b"d/" * 2100 + b"x")), "a path of 4,201 bytes"),
    "a file and a directory": (of(named(b"python/a"), folder(b"python/a/")), "`python/a` is a file and a directory"),
    "a link and a directory": (
        of(folder(b"python/x/"), link(b"python/x", b"/etc")),
        "`python/x` is a file and a directory",
    ),
    "a link of DOS": (of(link(b"python/x", b"/etc", made=DOS)), "its maker is no Unix"),
    "a directory that is a link": (of(folder(b"python/x/", LINK)), "a symbolic link for some readers and a directory"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_zip_that_readers_read_differently_is_refused(tmp_path: Path, name: str) -> None:
    data, problem = REFUSED[name]
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(BadArchiveError) as caught, LayerZip(path):
        pass
    assert any(problem in line for line in caught.value.why), caught.value.why
    assert caught.value.exit_code == 5


TAKEN = {
    "plain": of(Member()),
    "a descriptor": described(*SOUND),
    "a descriptor of 64 bits": described(*SOUND, form="<4sI2Q"),
    "a prefix": of(Member(), before=b"#!/bin/sh\n"),
    "the same name in a field": of(Member(local=Header(extra=renamed(NAME)))),
    "garbage among the fields": of(Member(local=Header(extra=b"\xff\xff\xff"))),
    "a remark of the compressor": of(Member(local=Header(flags=0x2), table=Header(flags=0x4))),
    "a directory of any kind": of(Member(), folder(b"python/", 0o177777 << 16)),
    "the longest name": of(named(b"python/" + b"a" * 255)),
    "a comment": of(Member(), comment=b"made by hand"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_all_readers_read_alike_is_taken(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(TAKEN[name])
    with LayerZip(path) as layer:
        (entry,) = layer.tree
        assert entry.content.read() == DATA


def test_more_files_than_an_end_can_count_are_counted_in_the_long_one(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):
            archive.writestr(f"d/{number}", b"")
    with LayerZip(path) as layer:
        assert len(layer.tree) == 70_000
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<2Q", 70_000, 70_000), struct.pack("<2Q", 70_001, 70_001)))
    with pytest.raises(BadArchiveError, match="counts 70001 files, and its table has 70000"), LayerZip(path):
        pass


# ---- programs that make zips ---------------------------------------------------------------------------------------


def _python(folder: Path, path: Path) -> None:
    shutil.make_archive(str(path.with_suffix("")), "zip", folder)


def _stream(folder: Path, path: Path) -> None:
    """Write as to a pipe: sizes follow the bytes."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    path.write_bytes(pipe.getvalue())


def _info_zip(folder: Path, path: Path) -> None:
    subprocess.run(["zip", "-qr", str(path), "."], cwd=folder, check=True)


@pytest.mark.parametrize("make", [_python, _stream, _info_zip])
def test_zips_of_common_programs_are_taken(
    tmp_path: Path, make: Callable[[Path, Path], None], program: Callable[[str], str]
) -> None:
    if make is _info_zip:
        program("zip")
    source = tmp_path / "source"
    (source / "python" / "größe").mkdir(parents=True)
    for name in ("a.py", "größe/日本.txt"):
        (source / "python" / name).write_bytes(DATA * 100)
    make(source, tmp_path / "x.zip")
    with LayerZip(tmp_path / "x.zip") as layer:
        assert {entry.content.read() for entry in layer.tree if entry.path.startswith("python/")} == {DATA * 100}
