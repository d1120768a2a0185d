"""Zips byte by byte: those that two readers read differently, and those that all read alike."""

import struct
import zlib
from dataclasses import dataclass, field

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


PACKED = zlib.compress(DATA)[2:-4]
LONG = struct.pack("<2H2Q", 1, 16, 0, 0)
"""The field by which a reader knows that the sizes after the bytes have 64 bits."""


def described(*facts: int, form: str = "<4s3I", method: int = 8, extra: bytes = b"") -> bytes:
    """Return a zip whose sizes come after the bytes."""
    after = struct.pack(form, *([b"PK\7\x08"] if form.startswith("<4s") else []), *facts)
    body = PACKED if method else DATA
    local = Header(flags=DESCRIPTOR, method=method, crc=0, packed=0, raw=0, extra=extra)
    table = Header(flags=DESCRIPTOR, method=method, packed=len(body))
    return of(Member(local=local, table=table, body=body + after))


SOUND = (zlib.crc32(DATA), len(PACKED), len(DATA))


def changed(data: bytes, at: int, byte: int) -> bytes:
    """Return a zip with another byte."""
    out = bytearray(data)
    out[at] = byte
    return bytes(out)


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
    "a stored file with a descriptor": (
        described(zlib.crc32(DATA), len(DATA), len(DATA), method=0),
        "so that a stream cannot find their end",
    ),
    "a descriptor of 64 bits": (
        described(*SOUND, form="<4sI2Q", extra=LONG),
        "another size or checksum after its bytes, or in 64 bits",
    ),
    "a descriptor of 64 bits that nothing announces": (
        described(*SOUND, form="<4sI2Q"),
        "another size or checksum after its bytes",
    ),
    "a prefix": (of(Member(), before=b"#!/bin/sh\n"), "10 bytes before `python/a.py` are of no file"),
    "a file that the table has not": (
        of(Member(), before=of(named(b"b"))[:-68]),
        "bytes before `python/a.py` are of no file, and streams stop there",
    ),
    "bytes before the table": (
        of(Member(body=DATA + b"more")),
        "4 bytes before its table are of no file",
    ),
    "garbage among the fields": (of(Member(local=Header(extra=b"\xff\xff\xff"))), "an extra field that is cut off"),
    "a comment that is cut off": (of(Member())[:-1] + b"\1", "its end is cut off"),
    "a row that is cut off": (
        changed(of(Member()), -(22 + len(NAME) + 14), 5),  # the length of its comment
        "the last row of its table is cut off",
    ),
    "a directory with bytes": (
        of(Member(), Member(local=Header(name=b"python/b/"), attributes=FOLDER)),
        "is a directory with 6 bytes",
    ),
    "a name of DOS": (of(named(b"python/\xe9.py")), "has a name that is not UTF-8"),
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
TAKEN = {
    "plain": of(Member()),
    "a descriptor": described(*SOUND),
    "a descriptor without its signature": described(*SOUND, form="<3I"),
    "the same name in a field": of(Member(local=Header(extra=renamed(NAME)))),
    "a remark of the compressor": of(Member(local=Header(flags=0x2), table=Header(flags=0x4))),
    "a directory of any kind": of(Member(), folder(b"python/", 0o177777 << 16)),
    "the longest name": of(named(b"python/" + b"a" * 255)),
    "a comment": of(Member(), comment=b"made by hand"),
}
MORE = {
    "UTF-8 without its flag": of(named("python/größe.py".encode())),
    "UTF-8 with its flag": of(Member(local=Header(name="python/größe.py".encode(), flags=UTF8))),
    "UTF-8 that is none": of(Member(local=Header(name=b"python/\xff\xfe.py", flags=UTF8))),
    "a directory twice": of(Member(), folder(b"python/"), folder(b"python/")),
    "dots": of(named(b"./python/./a.py")),
    "two slashes": of(named(b"python//a.py")),
    "a space at the end": of(named(b"python/a.py ")),
    "a link out of it": of(link(b"python/x", b"/etc/passwd")),
    "bytes after it": of(Member()) + b"more",
    "a 64 bit field in one": of(
        Member(local=Header(extra=struct.pack("<2H2Q", 1, 16, len(DATA), len(DATA))), table=Header())
    ),
}
"""Whatever `check` says of them: if it takes one, all readers read it alike."""
