"""Zips that two readers read differently are refused; those of common programs are not."""

import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.zip_corpus import DATA, REFUSED, TAKEN

from builder.layer.reader import BadArchiveError, LayerZip


@pytest.mark.parametrize("name", REFUSED)
def test_a_zip_that_readers_read_differently_is_refused(tmp_path: Path, name: str) -> None:
    data, problem = REFUSED[name]
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(BadArchiveError) as caught, LayerZip(path):
        pass
    assert any(problem in line for line in caught.value.why), caught.value.why
    assert caught.value.exit_code == 5


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
