"""What other programs see in a zip: Python, Info-ZIP, libarchive, Java and Go. None shares code with layerwright's."""

import hashlib
import os
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "readers"

Seen = Mapping[str, str] | None
"""SHA-256 by path of every file, a link's of where it points to; None for a zip that the reader refuses."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compile_go(folder: Path, go: str) -> None:
    """Compile Go's reader into a folder, as `zipdump`."""
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    command = [go, "build", "-o", str(folder / "zipdump"), str(SOURCES / "zipdump.go")]
    subprocess.run(command, check=True, env=environment)


def compile_java(folder: Path, javac: str) -> None:
    """Compile Java's readers into a folder, their class path."""
    subprocess.run([javac, "-d", str(folder), str(SOURCES / "ZipDump.java")], check=True)


def by_python(path: Path) -> Seen:
    try:
        with zipfile.ZipFile(path) as archive:
            return _clean((_utf8(info), digest(archive.read(info))) for info in archive.infolist())
    except Exception:  # noqa: BLE001  whatever makes it stop
        return None


def _utf8(info: zipfile.ZipInfo) -> str:
    """Return a name without the flag as everybody but Python reads it; Python takes it for one of DOS."""
    return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode("utf-8", "surrogateescape")


def by_go(paths: Sequence[Path], reader: Path) -> list[Seen]:
    return _table(_lines([reader, *paths]), range(len(paths)))


def by_java(paths: Sequence[Path], classes: Path) -> tuple[list[Seen], list[Seen]]:
    """Return what `ZipFile` and what `ZipInputStream` see: the table, and the local headers one after the other."""
    lines = _lines(["java", "-XX:TieredStopAtLevel=1", "-cp", classes, "ZipDump", *paths])
    of = {reader: [[row[0], *row[2:]] for row in lines if row[1] == reader] for reader in ("table", "stream")}
    return _table(of["table"], range(len(paths))), _table(of["stream"], range(len(paths)))


def unpacked(path: Path, out: Path, program: str) -> Seen:
    """Return what `unzip`, `bsdtar` or `bsdtar -` (from a pipe) leave in a folder."""
    out.mkdir()
    if program == "unzip":
        command = ["unzip", "-qq", "-o", str(path), "-d", str(out)]
    else:
        command = ["bsdtar", "-xf", "-" if program.endswith("-") else str(path), "-C", str(out)]
    with path.open("rb") as stream:
        cat = subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.PIPE)
        finished = subprocess.run(command, stdin=cat.stdout, capture_output=True, check=False, timeout=60)
        cat.communicate()
    # unzip ends with 1 where it tells something and unpacks nevertheless.
    return dict(_of_folder(out)) if finished.returncode in ({0, 1} if program == "unzip" else {0}) else None


FOLDERS = ("unzip", "bsdtar", "bsdtar -")


def _lines(command: Sequence[str | Path]) -> list[list[str]]:
    finished = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", timeout=300)
    return [line.split("\t") for line in finished.stdout.splitlines()]


def _table(rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> list[Seen]:
    """Read rows of number, name and digest; a name of "!" is an error."""
    failed = {int(number) for number, name, _ in rows if name == "!"}
    files: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for number, name, sha256 in rows:
        if name != "!":
            files[int(number)].append((bytes.fromhex(name).decode("utf-8", errors="surrogateescape"), sha256))
    return [None if number in failed else _clean(files[number]) for number in numbers]


def _clean(found: "Iterator[tuple[str, str]] | Sequence[tuple[str, str]]") -> dict[str, str]:
    """Return the files: without directories, and without dots and empty parts, as a file system has them."""
    return {
        "/".join(part for part in name.split("/") if part not in {"", "."}): sha256
        for name, sha256 in found
        if not name.endswith("/")
    }


def _of_folder(out: Path) -> Iterator[tuple[str, str]]:

    for file in out.rglob("*"):
        name = file.relative_to(out).as_posix()
        if file.is_symlink():
            yield name, digest(os.fsencode(file.readlink()))
        elif file.is_file():
            yield name, digest(file.read_bytes())
