"""`python3 rpms.py DEBS TABLE EXTRA OUT`: make RPMs of Amazon Linux 2023's kind from Debian's packages, for real dnf.

Names are those of TABLE, `packages.tsv`; a package that it does not name keeps Debian's. Libraries move to /usr/lib64,
licences to /usr/share/licenses, documentation does not come. What a library offers and needs is told by its soname and
symbol versions, as rpmbuild does. EXTRA has files that maintainer scripts would make, a folder for each RPM.

rpmbuild takes a second for each, this takes a tenth: the format is a header of typed tags and a cpio archive. Needs
dpkg-deb and zstd. Python 3.9, standard library only.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import re
import struct
import subprocess
import sys
import tarfile
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

RELEASE = "1.amzn2023"
ARCHES = {"amd64": "x86_64", "arm64": "aarch64", "all": "noarch"}
DROPPED = re.compile(
    r"/usr/share/(?:doc|man|info|locale|lintian|bug|menu|doc-base|gtk-doc|debconf|apport)/"
    r"|/usr/lib/(?:\.build-id|debug)/|/etc/(?:apt|init\.d|cron\.[a-z]+|logrotate\.d|default)/|/var/lib/(?:dpkg|apt)/"
)
NOT_IN_AMAZON = {
    *("adduser", "base-files", "coreutils", "dash", "debconf", "debianutils", "dpkg", "init-system-helpers"),
    *("install-info", "libdpkg-perl", "lsb-base", "passwd", "sensible-utils", "ucf", "x11-common"),
}
TRIPLET = re.compile(r"^/usr/lib/(?:x86_64|aarch64)-linux-gnu(?=/|$)")
ROOTS = re.compile(r"^/(bin|sbin|lib|lib64)(?=/|$)")
GHOSTSCRIPT = re.compile(r"^/usr/share/ghostscript/[0-9.]+(?=/|$)")
"""Debian's folder of a version, which Fedora's packaging has not."""
DIRECTORIES = {
    *("/", "/bin", "/etc", "/lib", "/lib64", "/opt", "/root", "/run", "/sbin", "/usr", "/usr/bin", "/usr/include"),
    *("/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local", "/usr/sbin", "/usr/share", "/usr/share/licenses"),
    *("/usr/src", "/var", "/var/cache", "/var/lib", "/var/log"),
}
LICENCE_OF = {"gcc-10-base": "libgcc"}
"""Debian keeps GCC's licence once for all of its packages, Amazon in libgcc's folder: libgomp has none."""
NOT_NEEDED = {"rpm": {"perl"}, "ca-certificates": {"openssl"}, "dnf": {"sqlite"}}
"""What Debian's package needs and Amazon's does not."""
SIXTY_FOUR = "()(64bit)"
EQUAL = 8


@dataclass(frozen=True)
class File:
    """One entry of a package. `link` is the target of a symbolic link; a folder has neither link nor content."""

    path: str
    mode: int
    content: bytes = b""
    link: str = ""


@dataclass(frozen=True)
class Rpm:
    """What stands in the header, and the files."""

    name: str
    version: str
    release: str
    arch: str
    licence: str = "see the text"
    source: str = ""
    summary: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)


# ---- from Debian ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deb:
    """A package of Debian: its control file, and where it lies."""

    path: Path
    control: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.control["Package"]

    def depends(self) -> Iterator[list[str]]:
        """Yield the alternatives of each dependency."""
        text = ", ".join(self.control.get(key, "") for key in ("Pre-Depends", "Depends"))
        for group in filter(None, map(str.strip, text.split(","))):
            yield [re.split(r"[ (:\[]", word.strip(), maxsplit=1)[0] for word in group.split("|")]

    def provides(self) -> list[str]:
        words = filter(None, map(str.strip, self.control.get("Provides", "").split(",")))
        return [re.split(r"[ (:]", word, maxsplit=1)[0] for word in words]


def deb(path: Path) -> Deb:
    text = subprocess.run(["dpkg-deb", "-f", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    pairs = (line.partition(": ") for line in text.splitlines() if not line.startswith((" ", "\t")))
    return Deb(path, {key.rstrip(":"): value for key, _, value in pairs})


def place(path: str) -> str:
    """Return where a file of Debian lies in Amazon Linux, whose /bin, /sbin, /lib and /lib64 are links into /usr."""
    path = ROOTS.sub(r"/usr/\1", "/" + path.lstrip("./"))
    return GHOSTSCRIPT.sub("/usr/share/ghostscript", TRIPLET.sub("/usr/lib64", path))


def files(package: Deb, rpm_name: str) -> Iterator[File]:
    """Yield the files with their new places; links of the archive become copies, licences move."""
    run = subprocess.run(["dpkg-deb", "--fsys-tarfile", package.path], stdout=subprocess.PIPE, check=True)
    licence = f"/usr/share/doc/{package.name}/copyright"
    with tarfile.open(fileobj=io.BytesIO(run.stdout)) as archive:
        for member in archive:
            old = "/" + member.name.lstrip("./")
            new = place(old)
            if old == licence and member.isfile():
                new = f"/usr/share/licenses/{LICENCE_OF.get(package.name, rpm_name)}/COPYING"
            elif DROPPED.match(old) or DROPPED.match(new) or old in DIRECTORIES or new in DIRECTORIES:
                continue
            if member.issym():
                target = posixpath.normpath(posixpath.join(posixpath.dirname(old), member.linkname))
                yield File(new, 0o120777, link=posixpath.relpath(place(target), posixpath.dirname(new)))
            elif member.isdir():
                yield File(new, 0o040000 | (member.mode & 0o7777))
            elif member.isfile() or member.islnk():
                stream = archive.extractfile(member)
                yield File(new, 0o100000 | (member.mode & 0o7777), stream.read() if stream else b"")


def licence_of(found: Mapping[str, File]) -> str:
    """Return the licence as the machine-readable copyright file has it first."""
    text = next((file.content for path, file in found.items() if path.endswith("/COPYING")), b"")
    match = re.search(rb"^License: *(\S[^\n]*)", text, re.MULTILINE)
    return match.group(1).decode("ascii", "replace") if match else "see the text"


def versions(text: str) -> tuple[str, str]:
    """Return version and release: no epoch, and no hyphen in either."""
    upstream, _, revision = text.partition(":")[2 if ":" in text else 0].rpartition("-")
    return (upstream or revision).replace("-", "."), f"{revision.replace('-', '.') if upstream else 0}.{RELEASE}"


# ---- what libraries offer and need ---------------------------------------------------------------------------------


class Elf:
    """The dynamic section of a 64-bit file: soname, needed libraries, versions of symbols."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        (at,) = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        headers = [struct.unpack_from("<IIQQQQ", data, at + number * size) for number in range(count)]
        self.loads = [one for one in headers if one[0] == 1]
        self.entries: list[tuple[int, int]] = []
        for _, _, offset, _, _, length in (one for one in headers if one[0] == 2):
            for place_ in range(offset, min(offset + length, len(data)) - 15, 16):
                tag, value = struct.unpack_from("<QQ", data, place_)
                if tag == 0:
                    break
                self.entries.append((tag, value))
        self.strings = self.place(5)

    def value(self, wanted: int) -> int:
        return next((value for tag, value in self.entries if tag == wanted), 0)

    def place(self, tag: int) -> int:
        address = self.value(tag)
        for _, _, offset, start, _, length in self.loads:
            if address and start <= address < start + length:
                return int(address - start + offset)
        return 0

    def string(self, offset: int) -> str:
        begin = self.strings + offset
        return self.data[begin : self.data.index(b"\0", begin)].decode("utf-8", "replace")

    def names(self, wanted: int) -> list[str]:
        return [self.string(value) for tag, value in self.entries if tag == wanted and self.strings]

    def needs(self) -> Iterator[str]:
        for name in self.names(1):
            yield name + SIXTY_FOUR
        at = self.place(0x6FFFFFFE)
        for _ in range(self.value(0x6FFFFFFF) if at else 0):
            _, count, name, first, following = struct.unpack_from("<HHIII", self.data, at)
            row = at + first
            for _ in range(count):
                _, _, _, version, step = struct.unpack_from("<IHHII", self.data, row)
                yield f"{self.string(name)}({self.string(version)})(64bit)"
                row += step
            at += following

    def offers(self, name: str) -> Iterator[str]:
        soname = "".join(self.names(14)[:1]) or name
        yield soname + SIXTY_FOUR
        at = self.place(0x6FFFFFFC)
        for _ in range(self.value(0x6FFFFFFD) if at else 0):
            first, following = struct.unpack_from("<II", self.data, at + 12)
            yield f"{soname}({self.string(struct.unpack_from('<I', self.data, at + first)[0])})(64bit)"
            at += following


def sonames(found: Mapping[str, File]) -> tuple[list[str], list[str]]:
    """Return what the files of a package offer, and what they need."""
    offers: set[str] = set()
    needs: set[str] = set()
    for path, file in found.items():
        if file.content[:6] == b"\x7fELF\x02\x01" and file.content[16:18] in (b"\2\0", b"\3\0"):
            elf = Elf(file.content)
            needs.update(elf.needs())
            if ".so" in posixpath.basename(path):
                offers.update(elf.offers(posixpath.basename(path)))
    return sorted(offers), sorted(needs - offers)


# ---- the format ----------------------------------------------------------------------------------------------------


class Header:
    """Tags with values, sorted, in a region that digests cover."""

    def __init__(self, region: int) -> None:
        self.region = region
        self.tags: dict[int, tuple[int, int, bytes]] = {}

    def numbers(self, tag: int, kind: int, values: Iterable[int]) -> None:
        listed = list(values)
        if listed:
            letter = {3: "H", 4: "I"}[kind]
            self.tags[tag] = (kind, len(listed), struct.pack(f">{len(listed)}{letter}", *listed))

    def text(self, tag: int, value: str, kind: int = 6) -> None:
        self.tags[tag] = (kind, 1, value.encode() + b"\0")

    def texts(self, tag: int, values: Iterable[str]) -> None:
        listed = list(values)
        if listed:
            self.tags[tag] = (8, len(listed), b"".join(value.encode() + b"\0" for value in listed))

    def binary(self, tag: int, value: bytes) -> None:
        self.tags[tag] = (7, len(value), value)

    def pack(self) -> bytes:
        store, index = b"", b""
        for tag, (kind, count, data) in sorted(self.tags.items()):
            store += b"\0" * (-len(store) % {3: 2, 4: 4}.get(kind, 1))
            index += struct.pack(">IIII", tag, kind, len(store), count)
            store += data
        entries = len(self.tags) + 1
        first = struct.pack(">IIII", self.region, 7, len(store), 16)
        store += struct.pack(">IIiI", self.region, 7, -16 * entries, 16)
        return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", entries, len(store)) + first + index + store


def cpio(listed: list[File]) -> bytes:
    out = io.BytesIO()
    entries = [(f".{file.path}", file.mode, file.link.encode() or file.content) for file in listed]
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        values = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name.encode()) + 1, 0)
        out.write(b"070701" + b"".join(b"%08x" % value for value in values) + name.encode() + b"\0")
        out.write(b"\0" * (-out.tell() % 4))
        out.write(data)
        out.write(b"\0" * (-out.tell() % 4))
    return out.getvalue()


def relations(header: Header, tags: tuple[int, int, int], names: Iterable[str]) -> None:
    """Write names, flags and versions; `name = version` is one with a version."""
    parts = [name.partition(" = ") for name in names]
    header.texts(tags[0], (name for name, _, _ in parts))
    header.numbers(tags[1], 4, (EQUAL if version else 0 for _, _, version in parts))
    header.texts(tags[2], (version for _, _, version in parts))


def file_tags(header: Header, listed: list[File]) -> None:
    folders = list(dict.fromkeys(posixpath.dirname(file.path).rstrip("/") + "/" for file in listed))
    at = {folder: number for number, folder in enumerate(folders)}
    header.numbers(1028, 4, (len(file.link or file.content) for file in listed))
    header.numbers(1030, 3, (file.mode for file in listed))
    header.numbers(1033, 3, (0 for _ in listed))
    header.numbers(1034, 4, (0 for _ in listed))
    header.texts(1035, (hashlib.sha256(file.content).hexdigest() if file.mode >> 12 == 8 else "" for file in listed))
    header.texts(1036, (file.link for file in listed))
    header.numbers(1037, 4, (0 for _ in listed))
    header.texts(1039, ("root" for _ in listed))
    header.texts(1040, ("root" for _ in listed))
    header.numbers(1045, 4, (0xFFFFFFFF for _ in listed))
    header.numbers(1095, 4, (1 for _ in listed))
    header.numbers(1096, 4, range(1, len(listed) + 1))
    header.texts(1097, ("" for _ in listed))
    header.numbers(1116, 4, (at[posixpath.dirname(file.path).rstrip("/") + "/"] for file in listed))
    header.texts(1117, (posixpath.basename(file.path) for file in listed))
    header.texts(1118, folders)
    header.numbers(5011, 4, [8])


def pack(rpm: Rpm) -> bytes:
    """Return the bytes of a package."""
    listed = [rpm.files[path] for path in sorted(rpm.files)]
    archive = cpio(listed)
    payload = subprocess.run(["zstd", "-q", "-3"], input=archive, stdout=subprocess.PIPE, check=True).stdout
    header = Header(63)
    header.texts(100, ["C"])
    for tag, text in ((1000, rpm.name), (1001, rpm.version), (1002, rpm.release), (1014, rpm.licence)):
        header.text(tag, text)
    header.text(1007, "standin")
    for tag, text in ((1004, rpm.summary), (1005, rpm.summary), (1016, "Unspecified")):
        header.text(tag, text, 9)
    header.numbers(1006, 4, [1])
    header.numbers(1009, 4, [sum(len(file.content) for file in listed)])
    header.text(1021, "linux")
    header.text(1022, rpm.arch)
    header.text(1044, f"{rpm.source or rpm.name}-{rpm.version}-{rpm.release}.src.rpm")
    itself = f"{rpm.name} = {rpm.version}-{rpm.release}"
    relations(header, (1047, 1112, 1113), [itself, *rpm.provides])
    relations(header, (1049, 1048, 1050), rpm.requires)
    relations(header, (1054, 1053, 1055), rpm.conflicts)
    header.text(1064, "4.16.1.3")
    header.text(1124, "cpio")
    header.text(1125, "zstd")
    header.text(1126, "3")
    header.texts(5092, [hashlib.sha256(payload).hexdigest()])
    header.numbers(5093, 4, [8])
    if listed:
        file_tags(header, listed)
    body = header.pack()
    signature = Header(62)
    signature.text(269, hashlib.sha1(body).hexdigest())  # noqa: S324  the format's
    signature.text(273, hashlib.sha256(body).hexdigest())
    signature.numbers(1000, 4, [len(body) + len(payload)])
    signature.binary(1004, hashlib.md5(body + payload).digest())  # noqa: S324
    signature.numbers(1007, 4, [len(archive)])
    signed = signature.pack()
    name = f"{rpm.name}-{rpm.version}-{rpm.release}".encode()[:65]
    lead = b"\xed\xab\xee\xdb\3\0\0\0" + struct.pack(">H66sHH16s", 1, name, 1, 5, b"")
    return lead + signed + b"\0" * (-len(signed) % 8) + body + payload


# ---- all together --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Amazon's names: the first Debian package of a line becomes the RPM, all others are required by it.

    So is the first one with a `+`, or if a line above has taken it. One with a `&` is not required but part of it.
    """

    renamed: Mapping[str, str]
    also: Mapping[str, tuple[str, ...]]
    parts: frozenset[str]

    def name(self, debian: str) -> str:
        return self.renamed.get(debian, debian)


def table(text: str) -> Table:
    renamed: dict[str, str] = {}
    also: dict[str, tuple[str, ...]] = {}
    parts: set[str] = set()
    for line in text.splitlines():
        name, _, listed = line.partition("\t")
        words = [] if listed.strip() == "-" else listed.split()
        own = [word[1:] for word in words if word.startswith("&")]
        parts.update(own)
        renamed.update(dict.fromkeys(own, name))
        words = [word for word in words if not word.startswith("&")]
        if words and not words[0].startswith("+") and words[0] not in renamed:
            renamed[words[0]] = name
            words = words[1:]
        also[name] = tuple(word.lstrip("+") for word in words)
    return Table(renamed, also, frozenset(parts))


def extras(folder: Path) -> dict[str, File]:
    """Return the files that a maintainer script would make for a package, from a folder like the root of a system."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        name = f"/{path.relative_to(folder)}"
        if path.is_symlink():
            found[name] = File(name, 0o120777, link=str(path.readlink()))
        elif path.is_file():
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            found[name] = File(name, 0o100000 | mode, path.read_bytes())
    return found


def converted(package: Deb, parts: Iterable[Deb], names: Table, extra: Path) -> Rpm:
    """Return the RPM of a Debian package with its parts, whose requirements still have Debian's names."""
    name = names.name(package.name)
    own = [*parts, package]
    found = {file.path: file for one in own for file in files(one, name)}
    found.update(extras(extra / name))
    offers, needs = sonames(found)
    version, release = versions(package.control["Version"])
    groups = tuple("|".join(group) for one in own for group in one.depends())
    return Rpm(
        name=name,
        version=version,
        release=release,
        arch=ARCHES[package.control["Architecture"]],
        licence=licence_of(found),
        source=package.control.get("Source", package.name).partition(" ")[0],
        summary=package.control.get("Description", name),
        provides=(*offers, *(word for one in own for word in one.provides())),
        requires=(*needs, *(f"debian:{group}" for group in (*groups, *names.also.get(name, ())))),
        files=found,
    )


def empty(name: str, arch: str, names: Table, extra: Path) -> Rpm:
    """Return an RPM without a Debian package: what it requires and what EXTRA has of it."""
    found = extras(extra / name)
    return Rpm(
        name=name,
        version="2023.8",
        release=RELEASE,
        arch=arch,
        licence="MIT",
        summary=name,
        provides=tuple(sonames(found)[0]),
        requires=(*sonames(found)[1], *(f"debian:{word}" for word in names.also.get(name, ()))),
        files=found,
    )


def resolved(rpm: Rpm, by_debian: Mapping[str, str], offered: set[str]) -> Rpm:
    """Return the RPM with names of RPMs in the place of Debian's, and without what nothing offers."""
    requires: dict[str, None] = {}
    for need in rpm.requires:
        if need.startswith("debian:"):
            known = [by_debian[word] for word in need[7:].split("|") if word in by_debian]
            requires.update(dict.fromkeys(set(known[:1]) - {rpm.name} - NOT_NEEDED.get(rpm.name, set())))
        elif need in offered:
            requires[need] = None
    return replace(rpm, requires=tuple(requires))


SNAPSAFE = "openssl-snapsafe-libs"


def conflicting(rpm: Rpm) -> Rpm:
    """Return Amazon's OpenSSL for SnapStart, which is in the place of openssl-libs and conflicts with it."""
    own = (f"openssl-libs = 1:{rpm.version}-{rpm.release}",)
    return replace(rpm, provides=(*rpm.provides, *own), conflicts=("openssl-libs",))


def write(rpm: Rpm, out: Path) -> None:
    (out / f"{rpm.name}-{rpm.version}-{rpm.release}.{rpm.arch}.rpm").write_bytes(pack(rpm))


def main(debs: str, listed: str, extra: str, out: str) -> None:
    names = table(Path(listed).read_text(encoding="utf-8"))
    packages = [one for one in map(deb, sorted(Path(debs).glob("*.deb"))) if one.name not in NOT_IN_AMAZON]
    arch = next(name for one in packages if (name := ARCHES[one.control["Architecture"]]) != "noarch")
    whole = [one for one in packages if one.name not in names.parts]
    parts: dict[str, list[Deb]] = {}
    for one in packages:
        if one.name in names.parts:
            parts.setdefault(names.name(one.name), []).append(one)

    def convert(package: Deb) -> Rpm:
        return converted(package, parts.get(names.name(package.name), ()), names, Path(extra))

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(convert, whole))
        there = {rpm.name for rpm in made}
        if len(there) < len(made):
            sys.exit(f"two packages have the same name: {[rpm.name for rpm in made]}")
        made += [empty(name, arch, names, Path(extra)) for name in names.also if name not in there]
        made = [conflicting(rpm) if rpm.name == SNAPSAFE else rpm for rpm in made]
        of_names = {one.name: names.name(one.name) for one in packages}
        virtual = {word: of_names[one.name] for one in packages for word in one.provides()}
        offered = {name for rpm in made for name in rpm.provides}
        Path(out).mkdir(parents=True, exist_ok=True)
        by_debian = ChainMap(of_names, virtual)
        list(pool.map(lambda rpm: write(resolved(rpm, by_debian, offered), Path(out)), made))


if __name__ == "__main__":
    main(*sys.argv[1:])
