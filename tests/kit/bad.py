"""Layers that fail in Lambda, each in one known way: made of real compiles, real wheels and real zips."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.base import records

MODULE = "int PyInit_x(void) { return 0; }"
PROGRAM = "int main(void) { return 0; }"
X = "python/x.cpython-313-x86_64-linux-gnu.so"
WINDOWS = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(200)
ARCHIVE = "archive"
"""Stands for a check's name where the zip itself is refused."""


@dataclass(frozen=True)
class Bad:
    """One failure: what makes the files, which check must say what."""

    name: str
    check: str
    says: str
    make: Callable[["Workshop"], Mapping[str, bytes]]
    names: str = ""
    """The file that must be named; empty where the layer as a whole is meant."""
    runtime: str = "python3.13"
    arch: str = "x86_64"
    warning: bool = False
    """Suspicious rather than sure to fail."""
    modes: Mapping[str, int] = field(default_factory=dict)
    damage: Callable[[bytes], bytes] | None = None


class Workshop:
    """Compiles and fetches what bad layers are made of; x86_64 only."""

    def __init__(self, folder: Path, fetched: Callable[[str, str, str], Mapping[str, bytes]]) -> None:
        self.folder = folder
        self.wheel = fetched
        """Name, Python and platform to the files of a wheel, below python/."""

    def compiled(self, source: str, *flags: str, shared: bool = True) -> bytes:
        (self.folder / "x.c").write_text(source)
        kind = ["-shared", "-fPIC"] if shared else []
        out = self.folder / "x.out"
        subprocess.run(["gcc", *kind, "-o", str(out), str(self.folder / "x.c"), *flags], check=True)
        return out.read_bytes()

    def stub(self, soname: str, version: str = "", symbol: str = "thing") -> str:
        """Return the path of a library that offers one symbol, for others to be linked with."""
        (self.folder / "stub.c").write_text(f"int {symbol}(void) {{ return 1; }}")
        flags = [f"-Wl,-soname,{soname}"]
        if version:
            (self.folder / "stub.map").write_text(f"{version} {{ global: {symbol}; }};")
            flags.append(f"-Wl,--version-script,{self.folder / 'stub.map'}")
        out = self.folder / soname
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(out), str(self.folder / "stub.c"), *flags], check=True)
        return str(out)

    def needing(self, soname: str, *flags: str, version: str = "", shared: bool = True) -> bytes:
        """Return a module or program that needs a library."""
        source = "int thing(void); int PyInit_x(void) { return thing(); }\n"
        source += "" if shared else "int main(void) { return thing(); }\n"
        return self.compiled(source, self.stub(soname, version), *flags, shared=shared)


def one(path: str, source: str, *flags: str, shared: bool = True) -> Callable[[Workshop], Mapping[str, bytes]]:
    return lambda shop: {path: shop.compiled(source, *flags, shared=shared)}


def needs(
    path: str, soname: str, *flags: str, version: str = "", shared: bool = True, beside: str = ""
) -> Callable[[Workshop], Mapping[str, bytes]]:
    """Make one file that needs a library, and put the library at `beside` as well."""

    def make(shop: Workshop) -> Mapping[str, bytes]:
        data = shop.needing(soname, *flags, version=version, shared=shared)
        return {path: data, **({beside: (shop.folder / soname).read_bytes()} if beside else {})}

    return make


def plain(files: Mapping[str, bytes]) -> Callable[[Workshop], Mapping[str, bytes]]:
    return lambda _: files


def wheel(name: str, python: str, platform: str) -> Callable[[Workshop], Mapping[str, bytes]]:
    return lambda shop: shop.wheel(name, python, platform)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def seal(path: Path) -> None:
    """Give a tar the seal that fits, as whoever can write to a cache can."""
    data = path.read_bytes()
    with records.Sealed(path) as tar:
        tar.write(data)
        tar.seal()


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def claimed(data: bytes, size: int) -> bytes:
    return patched(data, data.index(b"PK\1\2") + 24, size.to_bytes(4, "little"))


def flagged(data: bytes, flag: int) -> bytes:
    return patched(data, data.index(b"PK\1\2") + 8, flag.to_bytes(2, "little"))


def write(case: Bad, path: Path, shop: Workshop) -> Path:
    """Make the zip of one case; files are stored, so that damage finds them."""
    files = case.make(shop)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if case.check == "size" else zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.compress_type = archive.compression
            default = 0o100755 if data[:4] == b"\x7fELF" or data[:2] == b"#!" else 0o100644
            info.external_attr = case.modes.get(name, default) << 16 or 0x20  # what DOS calls an archive
            archive.writestr(info, data)
    if case.damage:
        path.write_bytes(case.damage(path.read_bytes()))
    return path


def usable() -> str | None:
    """Return why the corpus cannot be made here, or None."""
    return None if shutil.which("gcc") and os.uname().machine == "x86_64" else "needs gcc on x86_64"
