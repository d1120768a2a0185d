"""Finds the shared libraries that a layer needs and Lambda has not, and copies them: runs in the build image.

    libraries.py PROVIDED OUT TREE [WHEEL]...

PROVIDED lists the sonames that the runtime has. TREE is /opt; each WHEEL is looked into. What is missing is copied to
OUT/lib under its soname, followed by what that needs itself; OUT/libraries.json says where each came from. Nothing is
executed to find out (no ldd): ELF headers are read. Python 3.7 or newer, standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Iterator  # noqa: UP035  the oldest Python that runs this has no other

ELF64 = b"\x7fELF\x02\x01"
LOAD, DYNAMIC = 1, 2
NEEDED, STRTAB, SONAME = 1, 5, 14
FOLDERS = ("/opt/lib", "/usr/lib64", "/lib64", "/usr/local/lib64", "/usr/local/lib", "/usr/lib", "/lib")
NEVER = {"linux-vdso.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
COMPILERS = {"clang": b"clang version ", "gcc": b"GCC: ("}
"""What compilers write into `.comment`. GCC's stands in every program: the C library's own start files have it."""
OWNER = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{LICENSE}\\n"


class Elf:
    """What a loader reads of a file."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.machine = struct.unpack_from("<H", data, 18)[0]
        self.needed: list[str] = []
        self.compilers = [name for name, mark in COMPILERS.items() if mark in data]
        self.soname = Path(name).name
        for tag, text in strings(data):
            if tag == NEEDED:
                self.needed.append(text)
            else:
                self.soname = text


def strings(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield NEEDED and SONAME of the dynamic section."""
    segments = list(program_headers(data))
    dynamic = [(start, size) for kind, start, _, size in segments if kind == DYNAMIC]
    if not dynamic:
        return
    start, size = dynamic[0]
    entries = [struct.unpack_from("<qQ", data, start + at) for at in range(0, size - 15, 16)]
    entries = entries[: next((index for index, (tag, _) in enumerate(entries) if tag == 0), len(entries))]
    table = next((value for tag, value in entries if tag == STRTAB), -1)
    offsets = [
        table - address + begin for kind, begin, address, length in segments if address <= table < address + length
    ]
    for tag, value in entries:
        if tag in (NEEDED, SONAME) and offsets:
            begin = offsets[0] + value
            yield tag, data[begin : data.index(b"\0", begin)].decode("utf-8", "replace")


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


def owner(path: Path) -> dict[str, str]:
    """Ask the package manager for name, version and licence; empty when it knows nothing."""
    words = output(["rpm", "-qf", "--queryformat", OWNER, str(path)]).partition("\n")[0].split("\t")
    return dict(zip(("package", "version", "license"), words)) if len(words) > 1 else {}


def output(command: list[str]) -> str:
    """Return what a program prints, or nothing. The interpreter's own libraries would break the system's programs."""
    env = {**os.environ, "LD_LIBRARY_PATH": ""}
    try:
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, check=False)
    except OSError:
        return ""
    return finished.stdout.decode("utf-8", "replace") if finished.returncode == 0 else ""


def close(elves: list[Elf], provided: set[str], lib: Path) -> dict[str, list[dict[str, str]]]:
    """Copy what is missing, and what that needs in turn; return what was added and what is nowhere."""
    there = provided | NEVER | {elf.soname for elf in elves} | {Path(elf.name).name for elf in elves}
    machines = {elf.machine for elf in elves}
    system = available()
    added: list[dict[str, str]] = []
    missing: list[dict[str, str]] = []
    queue = list(elves)
    while queue:
        by = queue.pop(0)
        for soname in by.needed:
            if soname in there:
                continue
            there.add(soname)
            real = system[soname].resolve() if soname in system else None
            found = Elf(str(real), real.read_bytes()) if real and real.read_bytes()[:6] == ELF64 else None
            if real is None or found is None or found.machine not in machines:
                missing.append({"soname": soname, "by": by.name})
                continue
            lib.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(real), str(lib / soname))
            added.append({"soname": soname, "path": str(real), "by": Path(by.name).name, **owner(real)})
            queue.append(found)
    return {"added": added, "missing": missing}


def main(provided: str, out: str, tree: str, *wheels: str) -> None:
    elves = [*in_tree(Path(tree)), *(elf for wheel in wheels for elf in in_wheel(Path(wheel)))]
    names = set(Path(provided).read_text(encoding="utf-8").split())
    report: dict[str, Any] = {**close(elves, names, Path(out, "lib"))}
    report["compilers"] = sorted({name for elf in elves for name in elf.compilers})
    Path(out).mkdir(parents=True, exist_ok=True)
    Path(out, "libraries.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
