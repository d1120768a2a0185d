"""JSON documents: damaged, foreign and newer ones, several processes at once, and kills in the middle of a write."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from kit.commands import ROOT

from builder.base import notices, texts
from builder.base.documents import Document, NewerFormatError, Typed
from builder.base.errors import BuildError


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    names: tuple[str, ...] = ()
    version: int = 2


def sample(path: Path) -> Document[Sample]:
    return Document(path=path, what="sample", codec=Typed(kind=Sample), version=2)


@pytest.fixture(autouse=True)
def _no_notices() -> None:
    notices.take()


@pytest.fixture
def document(tmp_path: Path) -> Document[Sample]:
    return sample(tmp_path / "folder" / "sample.json")


def test_what_is_written_is_read(document: Document[Sample]) -> None:
    assert document.read() is None
    document.replace(Sample(names=("a",)))
    assert document.read() == Sample(names=("a",))
    assert document.update(lambda old: Sample(names=(*(old.names if old else ()), "b"))) == Sample(names=("a", "b"))
    assert json.loads(document.path.read_bytes()) == {"names": ["a", "b"], "version": 2}
    assert sorted(path.name for path in document.path.parent.iterdir()) == ["sample.json"]
    assert not notices.take()


def test_an_indented_document_ends_with_a_line_break(tmp_path: Path) -> None:
    codec = Typed(kind=Sample, indent=2)
    Document(path=tmp_path / "x.json", what="sample", codec=codec, version=2).replace(Sample())
    assert (tmp_path / "x.json").read_bytes() == b'{\n  "names": [],\n  "version": 2\n}\n'


DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"names": ["a", "b',
    "not JSON": b"<<<<<<< HEAD\n",
    "a list": b'["a"]',
    "a number": b"2",
    "wrong types": b'{"names": [1], "version": 2}',
    "no version": b'{"names": []}',
    "no version, and foreign": b'{"bomFormat": "CycloneDX", "components": [{"version": 2}]}',
    "version 0": b'{"names": [], "version": 0}',
    "a negative version": b'{"names": [], "version": -1}',
    "a version of another type": b'{"names": [], "version": "two"}',
    "a version that is a boolean": b'{"names": [], "version": true}',
    "a version that is a float": b'{"names": [], "version": 2.0}',
    "too deep": b"[" * 100_000,
    "too deep below a key": b'{"version": 3, "names": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"names": ["\xff"], "version": 2}',
    "zeros": bytes(4096),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("written", [False, True])
def test_a_damaged_file_is_renamed_and_told(document: Document[Sample], name: str, *, written: bool) -> None:
    document.path.parent.mkdir()
    document.path.write_bytes(DAMAGED[name])
    if written:
        document.replace(Sample(names=("new",)))
    assert document.read() == (Sample(names=("new",)) if written else None)
    aside = document.path.with_name("sample.json.damaged")
    assert aside.read_bytes() == DAMAGED[name]
    (text,) = notices.take()
    assert f"{document.path} is not a valid sample, and was renamed to sample.json.damaged: " in text
    assert "\n" not in text


def test_no_damaged_file_replaces_another(document: Document[Sample]) -> None:
    for content in (b"1", b"2", b"3"):
        document.path.parent.mkdir(exist_ok=True)
        document.path.write_bytes(content)
        assert document.read() is None
    found = {path.name: path.read_bytes() for path in document.path.parent.iterdir()}
    assert found == {
        "sample.json.damaged": b"1",
        "sample.json.damaged-2": b"2",
        "sample.json.damaged-3": b"3",
    }


def _folder(path: Path) -> None:
    (path / "inner").mkdir(parents=True)


def _pipe(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)


@pytest.mark.parametrize("put", [_folder, _pipe])
def test_what_is_no_file_is_renamed(document: Document[Sample], put: Callable[[Path], None]) -> None:
    put(document.path)
    document.replace(Sample(names=("new",)))
    assert document.read() == Sample(names=("new",))
    assert not document.path.with_name("sample.json.damaged").is_file()
    assert "it is not a file" in notices.take()[0]


def test_a_file_that_is_too_large_is_not_read(document: Document[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "LARGEST", 1 << 20)
    document.path.parent.mkdir()
    document.path.write_bytes(b'{"names": ["' + b"a" * (1 << 20) + b'"], "version": 2}')
    assert document.read() is None
    assert "it has more than 1 MiB" in notices.take()[0]


@pytest.mark.parametrize("text", ['{"names": [], "version": 3}', '{"others": {"a": 1}, "version": 3}'])
def test_a_newer_format_is_refused_and_left_alone(document: Document[Sample], text: str) -> None:
    document.path.parent.mkdir()
    document.path.write_text(text)
    attempts: list[Callable[[], object]] = [document.read, lambda: document.replace(Sample())]
    for attempt in attempts:
        with pytest.raises(NewerFormatError) as caught:
            attempt()
        assert (caught.value.exit_code, "newer layerwright" in str(caught.value)) == (2, True)
        assert "version 3 of the format; this layerwright reads version 2" in str(caught.value)
    assert document.path.read_text() == text
    assert [path.name for path in document.path.parent.iterdir()] == ["sample.json"]


@pytest.mark.parametrize("text", ['{"names": [], "version": 1}', '{"others": {"a": 1}, "version": 1}'])
def test_an_older_format_is_made_again_without_a_word(document: Document[Sample], text: str) -> None:
    document.path.parent.mkdir()
    document.path.write_text(text)
    assert document.read() is None
    document.replace(Sample(names=("a",)))
    assert document.read() == Sample(names=("a",))
    assert not notices.take()


# ---- disks ---------------------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    document = sample(tmp_path / "file" / "sample.json")
    assert document.read() is None
    with pytest.raises(BuildError, match=r"cannot write .*sample\.json"):
        document.replace(Sample())


PROLOGUE = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from base.test_documents import Sample, sample
from pathlib import Path
document = sample(Path(sys.argv[1]))
"""


def started(code: str, path: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROLOGUE + code, str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_folder_that_is_read_only_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the process becomes somebody else."""
    code = """
from builder.base import notices
from builder.base.errors import BuildError
another = sample(Path(os.environ["LAYERWRIGHT_CACHE"], "another.json"))  # whose life imports what the others need
another.replace(Sample())
another.path.write_text("{")
another.read()
notices.take()
for path in Path(os.environ["LAYERWRIGHT_CACHE"]).rglob("*.lock"):
    path.unlink()
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    document.replace(Sample(names=("b",)))
except BuildError as error:
    print(error)
print(document.read())
damaged = sample(document.path.with_name("damaged.json"))
print(damaged.read(), notices.take())
"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "cache" / "locks").mkdir(parents=True)
        for path in (folder / "cache", folder / "cache" / "locks"):
            path.chmod(0o777)
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(folder / "cache"))
        document = sample(folder / "read-only" / "sample.json")
        document.replace(Sample(names=("a",)))
        document.path.with_name("damaged.json").write_text("{")
        document.path.parent.chmod(0o555)
        try:
            output, _ = started(code, document.path).communicate(timeout=60)
        finally:
            document.path.parent.chmod(0o755)
    assert f"cannot write {document.path}" in output
    assert "Sample(names=('a',), version=2)" in output
    assert "damaged.json is not a valid sample, and is ignored" in output


def test_a_full_disk_is_an_error_and_keeps_the_old_value(document: Document[Sample]) -> None:
    document.replace(Sample(names=("a",)))
    code = """
import resource, signal
from builder.base.errors import BuildError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    document.replace(Sample(names=("b" * 5000,)))
except BuildError as error:
    print(error)
"""
    output, _ = started(code, document.path).communicate(timeout=60)
    assert f"cannot write {document.path}" in output
    assert "is the disk full or read-only?" in output
    assert document.read() == Sample(names=("a",))
    assert [path.name for path in document.path.parent.iterdir()] == ["sample.json"]


# ---- several processes ---------------------------------------------------------------------------------------------


def test_processes_that_update_at_once_lose_nothing(document: Document[Sample]) -> None:
    code = """
for number in range(60):
    document.update(lambda old: Sample(names=(*(old.names if old else ()), f"{sys.argv[2]}{number}")))
"""
    running = [started(code, document.path, letter) for letter in "abc"]
    for process in running:
        output, _ = process.communicate(timeout=120)
        assert (process.returncode, output) == (0, "")
    value = document.read()
    assert value
    assert sorted(value.names) == sorted(f"{letter}{number}" for letter in "abc" for number in range(60))
    for letter in "abc":
        own = [name for name in value.names if name.startswith(letter)]
        assert own == [f"{letter}{number}" for number in range(60)]


def test_a_killed_process_loses_nothing(document: Document[Sample]) -> None:
    """Each update is reported after it; so what was reported must be there, whenever the process is killed."""
    code = """
for number in range(1_000_000):
    document.update(lambda old: Sample(names=(*(old.names if old else ())[-200:], f"{number}{'x' * 2000}")))
    print(number, flush=True)
"""
    chance = random.Random(7)
    for _ in range(6):
        process = started(code, document.path)
        assert process.stdout
        assert process.stdout.readline() == "0\n"
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=60)
        reported = int((output.splitlines() or ["0"])[-1])
        value = document.read()
        assert value
        last = int(value.names[-1].rstrip("x"))
        assert reported <= last <= reported + 1
    document.replace(Sample())
    assert [path.name for path in document.path.parent.iterdir()] == ["sample.json"]
    assert not notices.take()
