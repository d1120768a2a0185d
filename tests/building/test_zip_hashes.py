"""What is remembered of a zip holds until something is written to it, whatever clocks and other processes do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.base import files
from builder.building import zip_hashes
from builder.layer.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is remembered there")
LATER = 10_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.zip"
    made.write_bytes(b"first")
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read, of processes whose clocks are ten seconds ahead of the files."""
    real, now, read = files.sha256, time.time_ns, []

    def counted(one: Path) -> str:
        read.append(one)
        return real(one)

    monkeypatch.setattr(files, "sha256", counted)
    monkeypatch.setattr(time, "time_ns", lambda: now() + LATER)
    return read


def asked(path: Path) -> str:
    """Return the hash as another process would: with a store of its own."""
    return zip_hashes.sha256(path, Store(path.parent / "derived"))


def once_more(path: Path, write: Callable[[], object]) -> None:
    """Write until the clock of the file system has moved on."""
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        write()


def test_a_file_is_read_once(path: Path, reads: list[Path]) -> None:
    assert [asked(path), asked(path)] == [files.sha256_of(b"first")] * 2
    assert reads == [path]


def test_other_bytes_with_the_same_size_and_time_are_read(path: Path, reads: list[Path]) -> None:
    asked(path)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    once_more(path, lambda: path.write_bytes(b"other"))
    os.utime(path, ns=times)
    assert path.stat().st_mtime_ns == times[1]
    assert asked(path) == files.sha256_of(b"other")
    assert len(reads) == 2


def test_a_file_that_another_process_puts_in_its_place_is_read(path: Path, reads: list[Path]) -> None:
    asked(path)
    other = path.with_name("other")
    other.write_bytes(b"other")
    code = "import os, sys; os.utime(sys.argv[1], ns=(int(sys.argv[3]),) * 2); os.replace(*sys.argv[1:3])"
    subprocess.run([sys.executable, "-c", code, other, path, str(path.stat().st_mtime_ns)], check=True)
    assert asked(path) == files.sha256_of(b"other")
    assert len(reads) == 2


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = files.sha256

    def raced(one: Path) -> str:
        found = real(one)
        once_more(one, lambda: one.write_bytes(b"other"))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(files, "sha256", raced)
        assert asked(path) == files.sha256_of(b"first")
    assert asked(path) == files.sha256_of(b"other")
    assert len(reads) == 2


def test_what_was_just_written_is_read_again(path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A second change within a tick of the clock has the same times."""
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns + 1)
    asked(path)
    asked(path)
    assert len(reads) == 2


def test_a_file_of_the_future_is_read_again(path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock was set back after it was written."""
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns - LATER)
    asked(path)
    asked(path)
    assert len(reads) == 2


def test_a_damaged_store_costs_time_alone(path: Path, reads: list[Path]) -> None:
    asked(path)
    (path.parent / "derived" / "young.sqlite").write_bytes(b"x" * 5000)
    assert asked(path) == files.sha256_of(b"first")
    assert len(reads) == 2


def test_on_windows_each_build_reads_it(path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time of changes is that of the creation."""
    monkeypatch.setattr("builder.base.windows.IS_HOST", True)
    asked(path)
    asked(path)
    assert len(reads) == 2


def test_a_file_that_is_not_there_is_an_error(path: Path) -> None:
    path.unlink()
    with pytest.raises(FileNotFoundError):
        asked(path)
