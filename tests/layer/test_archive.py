"""The zip is the same on every host, and other readers can read it."""

import base64
import hashlib
import io
import random
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import zip_readers
from kit.zips import entry, tree

from builder.base.errors import BuildError
from builder.layer import archive
from builder.layer.packing import Packed
from builder.layer.store import Store
from builder.layer.tree import Tree, of

MIXED = of(
    [
        entry("python/a.py", b"print('a')\n" * 100),
        entry("python/empty.txt", b""),
        entry("python/random.bin", hashlib.sha512(b"x").digest()),
        entry("python/größe/ß.txt", "größe".encode()),
        entry("lib/libx.so.1", b"\x7fELF" + bytes(1000)),
        entry("lib/libx.so", link="libx.so.1"),
        entry("bin/run", b"#!/bin/sh\n", mode=0o755),
    ]
)


def write(content: Tree, folder: Path) -> Path:
    path = folder / "layer.zip"
    archive.write(content, path)
    return path


def test_python_reads_names_modes_links_and_bytes(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(MIXED, tmp_path)) as read:
        assert read.testzip() is None
        assert read.namelist() == [one.path for one in MIXED]
        assert {info.filename: info.external_attr >> 16 for info in read.infolist()} == {
            "python/a.py": 0o100644,
            "python/empty.txt": 0o100644,
            "python/random.bin": 0o100644,
            "python/größe/ß.txt": 0o100644,
            "lib/libx.so.1": 0o100755,
            "lib/libx.so": 0o120777,
            "bin/run": 0o100755,
        }
        assert {info.date_time for info in read.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.create_system for info in read.infolist()} == {3}
        assert all(read.read(one.path) == one.content.read() for one in MIXED)
        methods = {info.filename: info.compress_type for info in read.infolist()}
        assert methods["python/a.py"] == zipfile.ZIP_DEFLATED
        assert methods["python/random.bin"] == zipfile.ZIP_STORED


def test_info_zip_reads_it_and_makes_the_links(tmp_path: Path, program: Callable[[str], str]) -> None:
    path = write(MIXED, tmp_path)
    out = tmp_path / "out"
    subprocess.run([program("unzip"), "-q", str(path), "-d", str(out)], check=True)
    assert (out / "lib" / "libx.so").is_symlink()
    assert (out / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (out / "python" / "größe" / "ß.txt").read_text(encoding="utf-8") == "größe"


@pytest.mark.engine
@pytest.mark.parametrize("count", [7, 70_000])
def test_gos_reader_sees_the_same_also_beyond_65535_entries(count: int, tmp_path: Path, zipdump: Path) -> None:
    content = MIXED if count == len(MIXED) else tree({f"d/{number:05}": b"" for number in range(count)})
    path = write(content, tmp_path)
    (seen,) = zip_readers.by_go([path], zipdump)
    assert seen is not None
    assert list(seen.items()) == [(one.path, zip_readers.digest(one.content.read())) for one in content]


def test_zip64_is_used_only_when_needed(tmp_path: Path) -> None:
    assert b"PK\6\6" not in write(MIXED, tmp_path).read_bytes()
    many = write(tree({f"{number}": b"" for number in range(65_535)}), tmp_path)
    assert b"PK\6\6" in many.read_bytes()[-200:]
    with zipfile.ZipFile(many) as read:
        assert len(read.infolist()) == 65_535


def test_sizes_of_four_gigabytes_get_their_extra_field() -> None:
    one = entry("big", b"")
    packed = Packed(crc=1, method=0, raw_size=5 << 30, data=b"")
    local = archive._local_record(one, packed)  # noqa: SLF001
    central = archive._central_record(one, packed, 6 << 30)  # noqa: SLF001
    assert (5 << 30).to_bytes(8, "little") in local
    assert local[4] == 45
    assert (5 << 30).to_bytes(8, "little") + (6 << 30).to_bytes(8, "little") in central


def test_the_hash_is_the_files_and_lambdas(tmp_path: Path) -> None:
    path = tmp_path / "layer.zip"
    written = archive.write(MIXED, path)
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert written.bytes == path.stat().st_size
    assert written.code_sha256 == base64.b64encode(bytes.fromhex(written.sha256)).decode()


def test_a_zip_a_little_above_the_limit_of_an_upload_is_written_denser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = random.Random(7)
    words = [chosen.randbytes(chosen.randint(3, 9)) for _ in range(400)]
    tree = of([entry(f"{number}", b"".join(chosen.choices(words, k=20_000))) for number in range(3)])
    usual = archive.write(tree, tmp_path / "usual.zip")
    for limit, denser in ((usual.bytes, False), (usual.bytes - 1, True), (int(usual.bytes * 0.9), False)):
        monkeypatch.setattr(archive, "DIRECT_LIMIT", limit)
        with Store(tmp_path / "store") as store:
            once = archive.write(tree, tmp_path / "once.zip", store)
            assert archive.write(tree, tmp_path / "again.zip", store) == once
        assert (once.bytes < usual.bytes) == denser
        assert (once.sha256 == usual.sha256) == (not denser)
        with zipfile.ZipFile(tmp_path / "again.zip") as written:
            assert written.testzip() is None


def test_the_order_in_which_a_tree_was_made_does_not_matter(tmp_path: Path) -> None:
    first = archive.write(of(reversed(MIXED.entries)), tmp_path / "1.zip")
    assert first == archive.write(MIXED, tmp_path / "2.zip")


letters = st.characters(exclude_characters="/\\\x7f", exclude_categories=["Cs", "Cc"])
names = st.text(letters, min_size=1, max_size=20).filter(lambda name: name not in {".", ".."})


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        (["python/a\nb.py"], "control character"),
        (["a\\b"], "backslash"),
        (["/etc/passwd"], "is an absolute path"),
        (["python/../../x"], "leaves the layer"),
        (["python/" + "a" * 256], "more than 255 bytes"),
        (["a", "a/b"], "`a` is a file and a directory"),
    ],
)
def test_what_the_reader_refuses_is_not_written(tmp_path: Path, paths: list[str], problem: str) -> None:
    with pytest.raises(BuildError) as caught:
        archive.write(of(entry(path) for path in paths), tmp_path / "x.zip")
    assert problem in caught.value.why[0]
    assert not (tmp_path / "x.zip").exists()


@given(st.dictionaries(names, st.binary(max_size=3000), max_size=30))
def test_any_names_and_bytes_survive(files: dict[str, bytes]) -> None:
    content = tree({f"d/{name}": data for name, data in files.items()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.zip"
        archive.write(content, path)
        written = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(written)) as read:
        assert {name: read.read(name) for name in read.namelist()} == {one.path: one.content.read() for one in content}
