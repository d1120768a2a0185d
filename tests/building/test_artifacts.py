"""What a container returns: code of packages ran there, and a shared cache may have been written to by others."""

import contextlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.bad import seal

from builder.base import archives
from builder.base.errors import BuildError
from builder.building import artifacts
from builder.building.artifacts import Artifact, ExpectedArtifact

KEY = "k" * 64


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    yield tmp_path
    assert not [path for path in (tmp_path / "parts").iterdir() if path.name.startswith(".part-")]


def tarred(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
        for name, to in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, to
            made.addfile(info)
    return raw.getvalue()


def receive(data: bytes) -> Artifact:
    expected = ExpectedArtifact(key=KEY, mode="accelerated", compiles=True, notes=("one",))
    artifacts.receive(io.BytesIO(data), {"tree": expected})
    made = artifacts.get(KEY)
    assert made is not None
    return made


def test_files_links_and_second_names_arrive() -> None:
    files = {"tree/opt/a": b"1" * 511, "tree/opt/b": b"", "other/c": b"2" * 70_000, "tree/opt/d": b"3" * 70_000}
    made = receive(tarred(files, {"tree/opt/e": "tree/opt/d"}))
    found = {entry.path: entry.content.read() for entry in made.files("opt")}
    assert found == {"a": b"1" * 511, "b": b"", "d": b"3" * 70_000, "e": b"3" * 70_000}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Windows refuses it by itself")
def test_nothing_is_open_when_the_folder_of_a_broken_stream_is_removed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows removes no open file: the folder would stay, and the error be another one."""
    opened: list[str] = []

    def remove(folder: str, **options: Any) -> None:
        for number in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                opened.append(str(number.readlink()))
        removed(folder, **options)

    removed = shutil.rmtree
    monkeypatch.setattr("tempfile._shutil.rmtree", remove)
    with pytest.raises(archives.UnreadableError):
        receive(tarred({"tree/opt/a": b"1" * 70_000, "tree/opt/b": b"2" * 70_000})[:100_000])
    assert opened
    assert not [path for path in opened if path.startswith(str(cache / "parts"))]


def test_a_container_does_not_write_the_record_of_itself() -> None:
    forged = json.dumps({"compiles": False, "notes": ["forged"]}).encode()
    gcc = json.dumps({"compilers": ["gcc"]}).encode()
    made = receive(tarred({"tree/expected.json": forged, "tree/opt/a": b"", "tree/out/libraries.json": gcc}))
    assert made.mode == "emulated"
    assert made.notes == ["one", "its build ignores CC: the compiler was emulated"]


@pytest.mark.parametrize(
    "report",
    [
        "[",
        "[]",
        '{"added": 1}',
        '{"added": [{"soname": "../../x"}]}',
        '{"missing": [{"soname": "a\\u001b", "by": "x"}]}',
        '{"missing": [{"soname": "a"}]}',
        "[" * 5000,
        '{"added": [%s]}' % ",".join(['{"soname": "a"}'] * 10_001),  # noqa: UP031  braces
    ],
)
def test_a_damaged_report_is_refused_and_not_kept(report: str) -> None:
    with pytest.raises(BuildError):
        receive(tarred({"tree/opt/a": b"", "tree/out/libraries.json": report.encode()}))
    assert artifacts.get(KEY) is None


def test_a_report_of_gigabytes_is_not_read() -> None:
    with pytest.raises(BuildError, match=r"cannot be read[^-]*libraries\.json has more than 16 MB"):
        receive(tarred({"tree/opt/a": b"", "tree/out/libraries.json": bytes((16 << 20) + 1)}))


def test_output_beyond_a_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as limited:
        limited.setattr(archives, "MOST_MEMBERS", 2)
        with pytest.raises(BuildError, match="too large"):
            receive(tarred({"tree/a": b"", "tree/b": b"", "other/c": b""}))
    with pytest.raises(BuildError, match="too large"):
        receive(tarred({f"tree/{'a/' * 2100}b": b""}))
    info = tarfile.TarInfo("tree/opt/a")
    info.size = 9 << 30
    with pytest.raises(BuildError, match="too large"):
        receive(info.tobuf())
    monkeypatch.setattr(artifacts, "_MOST_BYTES", 1000)
    assert len(receive(tarred({"tree/opt/a": bytes(400)}, {"tree/opt/b": "tree/opt/a"})).files("opt")) == 2
    (artifacts.folder() / f"{KEY}-accelerated.tar").unlink()
    with pytest.raises(BuildError, match="too large"):
        receive(tarred({"tree/opt/a": bytes(400)}, {f"tree/opt/{name}": "tree/opt/a" for name in "bc"}))
    assert artifacts.get(KEY) is None


def test_a_huge_header_and_a_cut_tar_are_unreadable() -> None:
    whole = tarred({"tree/opt/a": b"1" * 5000})
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 64 << 20
    for data in (whole[:3000], b"x" * 5000, header.tobuf() + bytes(64 << 20)):
        with pytest.raises(archives.UnreadableError):
            receive(data)


def test_a_second_name_of_nothing_is_unreadable() -> None:
    for to in ("tree/opt/none", "other/a", "/etc/passwd"):
        with pytest.raises(archives.UnreadableError, match="second name"):
            receive(tarred({"tree/opt/a": b"", "other/a": b""}, {"tree/opt/b": to}))


@pytest.mark.parametrize("data", [b"", b"x" * 5000, tarred({"expected.json": b"{]", "out/libraries.json": b"5"})])
def test_a_sealed_artifact_that_is_none_is_told(cache: Path, data: bytes) -> None:
    (cache / "parts").mkdir()
    path = cache / "parts" / f"{KEY}-accelerated.tar"
    path.write_bytes(data)
    seal(path)
    made = artifacts.get(KEY)
    assert made is not None
    with pytest.raises(BuildError, match=r"cannot be read|damaged") as raised:
        made.libraries()
    assert raised.value.hint == "--no-cache compiles anew"
