"""Finds the shared libraries that a layer needs and Lambda has not, and copies them: runs in the build image.

    libraries.py PROVIDED DLOPENED OUT TREE [WHEEL]...

PROVIDED lists the sonames that the runtime has, DLOPENED those that the recipe says are opened at run time. TREE is
/opt; each WHEEL is looked into. What is missing is copied to OUT/lib under its soname, followed by what that needs
itself; OUT/libraries.json says where each came from, OUT/licences/PACKAGE
holds the licences that came with it. A program or library of TREE that needs one of TREE/lib which the
runtime has as well gets a DT_RPATH: LD_LIBRARY_PATH would find the runtime's. Nothing is executed to find out (no
ldd): ELF headers are read. Python 3.7 or newer, standard library only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator

ELF64 = b"\x7fELF\x02\x01"
LOAD, DYNAMIC = 1, 2
NEEDED, STRTAB, SONAME, RPATH, RUNPATH = 1, 5, 14, 15, 29
VERDEF, VERDEFNUM, VERNEED, VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
FOLDERS = ("/opt/lib", "/usr/lib64", "/lib64", "/usr/local/lib64", "/usr/local/lib", "/usr/lib", "/lib")
NEVER = {"linux-vdso.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
OF_THE_C_LIBRARY = re.compile(
    r"^(?:lib(?:c|m|dl|pthread|rt|resolv|util|anl|mvec|BrokenLocale|thread_db|nss_[a-z0-9_]+)|ld-linux[^.]*)\.so\.\d+$"
)
"""Parts of one C library, which works with itself alone: one of them beside another's ends in crashes."""
LICENCES = Path("/usr/share/licenses")
DOCUMENTS = Path("/usr/share/doc")
RELEASE = Path("/layerwright/releasever")
"""The release of the repositories that packages were installed from; see packages.sh."""
PATCHELF = "/layerwright/bin/patchelf"
COMPILERS = {"clang": (b"clang version ",), "gcc": (b"GCC: (",), "rustc": (b"rustc version ", b"LLD ")}
"""What compilers write into `.comment`. GCC's stands in every program: the C library's own start files have it.

An emulated rustc links with GNU's linker."""
OWNER = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{LICENSE}\\t%{SOURCERPM}\\n"


class Elf:
    """What a loader reads of a file."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.machine = struct.unpack_from("<H", data, 18)[0]
        self.compilers = [name for name, marks in COMPILERS.items() if all(mark in data for mark in marks)]
        table = Dynamic(data)
        self.needed = table.all(NEEDED)
        self.soname = "".join(table.all(SONAME)[:1]) or Path(name).name
        self.rpath = ":".join(table.all(RPATH) or table.all(RUNPATH))
        self.has_rpath = bool(table.all(RPATH)) and not table.all(RUNPATH)
        self.versions = table.needs()
        self.defined = table.definitions()


class Dynamic:
    """The dynamic section, and the tables that it points to."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.segments = list(program_headers(data))
        self.entries: list[tuple[int, int]] = []
        for _, start, _, size in [one for one in self.segments if one[0] == DYNAMIC][:1]:
            for at in range(start, start + size - 15, 16):
                tag, value = struct.unpack_from("<QQ", data, at)
                if tag == 0:
                    break
                self.entries.append((tag, value))
        self.strings = self.place(STRTAB)

    def value(self, wanted: int) -> int:
        return next((value for tag, value in self.entries if tag == wanted), 0)

    def place(self, tag: int) -> int:
        """Return where in the file the table of a tag lies, or 0."""
        address = self.value(tag)
        loaded = [one for one in self.segments if one[0] == LOAD and one[2] <= address < one[2] + one[3]]
        return address - loaded[0][2] + loaded[0][1] if address and loaded else 0

    def string(self, offset: int) -> str:
        begin = self.strings + offset
        return self.data[begin : self.data.index(b"\0", begin)].decode("utf-8", "replace")

    def all(self, wanted: int) -> list[str]:
        return [self.string(value) for tag, value in self.entries if tag == wanted and self.strings]

    def needs(self) -> dict[str, set[str]]:
        """Return the symbol versions that are needed of each library."""
        found: dict[str, set[str]] = {}
        at = self.place(VERNEED)
        for _ in range(self.value(VERNEEDNUM) if at else 0):
            _, count, name, first, following = struct.unpack_from("<HHIII", self.data, at)
            row = at + first
            for _ in range(count):
                _, weak, _, version, step = struct.unpack_from("<IHHII", self.data, row)
                if not weak & 2:
                    found.setdefault(self.string(name), set()).add(self.string(version))
                row += step
            at += following
        return found

    def definitions(self) -> set[str]:
        """Return the symbol versions that the file offers."""
        found = set()
        at = self.place(VERDEF)
        for _ in range(self.value(VERDEFNUM) if at else 0):
            first, following = struct.unpack_from("<II", self.data, at + 12)
            found.add(self.string(struct.unpack_from("<I", self.data, at + first)[0]))
            at += following
        return found


def program_headers(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield kind, offset, address and size in the file of each segment."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, table + index * size)
        yield kind, offset, address, length


def in_tree(root: Path) -> Iterator[Elf]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(len(ELF64)) == ELF64:
                    stream.seek(0)
                    yield Elf(str(path), stream.read())


def in_wheel(wheel: Path) -> Iterator[Elf]:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as stream:
                if stream.read(len(ELF64)) == ELF64:
                    yield Elf(name, archive.read(name))


def available() -> dict[str, Path]:
    """Map each soname that the image's loader would find to its file: ldconfig's list, then the usual folders."""
    found = {path.name: path for folder in reversed(FOLDERS) for path in Path(folder).glob("*.so*")}
    for line in reversed(output(["/sbin/ldconfig", "-p"]).splitlines()):
        name, arrow, path = line.strip().partition(" => ")
        if arrow:
            found[name.split(" ")[0]] = Path(path)
    return found


def owners(paths: list[Path]) -> list[dict[str, str]]:
    """Ask the package manager for name, version and licence of each; empty when it knows nothing.

    All at once where each is answered by one line: emulated, it takes a second to start.
    """
    ask = ["rpm", "-qf", "--queryformat", OWNER]
    lines = output([*ask, *map(str, paths)]).splitlines() if paths else []
    if len(lines) != len(paths):
        lines = [output([*ask, str(path)]).partition("\n")[0] for path in paths]
    words = [line.split("\t") for line in lines]
    return [dict(zip(("package", "version", "license", "source"), one)) if len(one) > 1 else {} for one in words]


def output(command: list[str]) -> str:
    """Return what a program prints, or nothing. The interpreter's own libraries would break the system's programs."""
    env = {**os.environ, "LD_LIBRARY_PATH": ""}
    try:
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, check=False)
    except OSError:
        return ""
    return finished.stdout.decode("utf-8", "replace")


Row = Dict[str, Any]


def close(elves: list[Elf], provided: set[str], dlopened: list[str], lib: Path) -> dict[str, list[Row]]:
    """Copy what is missing, and what that needs in turn; return what was added, what is nowhere, what must not come."""
    there = provided | NEVER | {elf.soname for elf in elves} | {Path(elf.name).name for elf in elves}
    machines = {elf.machine for elf in elves}
    system = available()
    found: dict[str, list[Row]] = {"added": [], "missing": [], "refused": []}
    queue = [(elf.name, soname, elf.versions.get(soname, set())) for elf in elves for soname in elf.needed]
    queue += [("the recipe", soname, set()) for soname in dlopened]
    while queue:
        by, soname, versions = queue.pop(0)
        if soname in there:
            continue
        there.add(soname)
        if OF_THE_C_LIBRARY.match(soname):
            found["refused"].append({"soname": soname, "by": by})
            continue
        real = system[soname].resolve() if soname in system else None
        elf = Elf(str(real), real.read_bytes()) if real and real.read_bytes()[:6] == ELF64 else None
        if real is None or elf is None or (machines and elf.machine not in machines):
            found["missing"].append({"soname": soname, "by": by})
            continue
        lacking = sorted(versions - elf.defined) if elf.defined else []
        if lacking:
            found["missing"].append({"soname": f"{soname} with {', '.join(lacking)}", "by": by})
        lib.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(real), str(lib / soname))
        size = real.stat().st_size
        found["added"].append({"soname": soname, "path": str(real), "by": Path(by).name, "bytes": size})
        queue += [(str(real), needed, elf.versions.get(needed, set())) for needed in elf.needed]
    for row, known in zip(found["added"], owners([Path(row["path"]) for row in found["added"]])):
        row.update(known)
    return found


def licences(added: list[Row], out: Path) -> None:
    """Copy the texts that packages put where Amazon Linux keeps them.

    GCC's libraries have none: that of libgcc, which comes from the same source, is theirs, too.
    """
    sources = {(row["package"], row["version"]): row.pop("source", "") for row in added if "package" in row}
    for (name, version), source in sorted(sources.items()):
        found = texts(name, version)
        siblings = of_source(source) if source and not found else []
        for path in found or next(filter(None, (texts(one, version) for one in siblings)), []):
            (out / name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(path), str(out / name / path.name))


def texts(name: str, version: str) -> list[Path]:
    """Return the licences in the folder of a package, whose name may end with the version."""
    folders = [LICENCES / name, LICENCES / f"{name}-{version.partition('-')[0]}"]
    found = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*"))]
    return [path for path in [*found, DOCUMENTS / name / "copyright"] if path.is_file()]


def of_source(source: str) -> list[str]:
    """Return the installed packages that were built from a source package."""
    lines = output(["rpm", "-qa", "--queryformat", "%{NAME}\\t%{SOURCERPM}\\n"]).splitlines()
    return sorted(name for name, _, of in (line.partition("\t") for line in lines) if of == source)


def prefer_own(elves: list[Elf], root: Path, provided: set[str]) -> list[Row]:
    """Give a DT_RPATH to what needs a library of the layer that the runtime has as well; return what was changed.

    DT_RPATH comes before LD_LIBRARY_PATH, which ends with /opt/lib; DT_RUNPATH, which hides it, does not.
    """
    lib = str(root / "lib")
    own = {elf.soname for elf in elves if str(Path(elf.name).parent) == lib} & provided
    changed = []
    for elf in elves:
        wanted = sorted(own & set(elf.needed))
        if not wanted:
            continue
        folder = os.path.relpath(lib, str(Path(elf.name).parent))
        mine = "$ORIGIN" if folder == "." else f"$ORIGIN/{folder}"
        folders = [one for one in elf.rpath.split(":") if one]
        if elf.has_rpath and {mine, lib} & set(folders):
            continue
        path = ":".join(dict.fromkeys([mine, *folders]))
        arguments = ["--force-rpath", "--set-rpath", path, elf.name]
        subprocess.run([PATCHELF, *arguments], check=True, env={**os.environ, "LD_LIBRARY_PATH": ""})
        changed.append({"path": os.path.relpath(elf.name, str(root)), "libraries": wanted, "rpath": path})
    return changed


def main(provided: str, dlopened: str, out: str, tree: str, *wheels: str) -> None:
    own = list(in_tree(Path(tree)))
    elves = [*own, *(elf for wheel in wheels for elf in in_wheel(Path(wheel)))]
    names = set(Path(provided).read_text(encoding="utf-8").split())
    opened = Path(dlopened).read_text(encoding="utf-8").split()
    report: dict[str, Any] = {**close(elves, names, opened, Path(out, "lib"))}
    licences(report["added"], Path(out, "licences"))
    report["rpath"] = [] if wheels else prefer_own(own, Path(tree), names)
    report["compilers"] = sorted({name for elf in elves for name in elf.compilers})
    if RELEASE.is_file():
        report["releasever"] = RELEASE.read_text(encoding="utf-8").strip()
    Path(out).mkdir(parents=True, exist_ok=True)
    Path(out, "libraries.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
