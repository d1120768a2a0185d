"""Hostile and broken zips end in a clear error; nothing is written or unpacked."""

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit import zips

from builder.base.errors import LayerwrightError, UsageError
from builder.layer import checks
from builder.layer.reader import BadArchiveError, LayerZip
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime


def refused(path: Path) -> str:
    with pytest.raises(BadArchiveError) as caught, LayerZip(path):
        pass
    assert caught.value.exit_code == 5
    return str(caught.value)


def named(folder: Path, name: str) -> Path:
    """Write a zip with a file of this name, which zipfile would change on Windows."""
    path = zips.write(folder / "x.zip", {name.replace("\\", "|"): b"x"})
    path.write_bytes(path.read_bytes().replace(name.replace("\\", "|").encode(), name.encode()))
    return path


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/etc/passwd", "is an absolute path"),
        ("C:/x", "is an absolute path"),
        ("python/../../x", "leaves the layer through `..`"),
        ("python\\x.py", "backslash"),
        ("python/\x07.py", "control character"),
    ],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str, problem: str) -> None:
    assert problem in refused(named(tmp_path, name))


def test_a_backslash_is_refused_where_it_separates_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = named(tmp_path, "python\\x.py")
    monkeypatch.setattr(os, "sep", "\\")  # zipfile makes slashes of what separates paths on this host
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["python/x.py"]
    assert "backslash" in refused(path)


@pytest.mark.parametrize(
    ("system", "attributes", "told"),
    [
        (3, 0o100000 << 16, ["python/a.py is a file that others cannot read (mode 0)"]),
        (19, 0o100000 << 16, ["python/a.py is a file that others cannot read (mode 0)"]),
        (0, 0o100000 << 16, []),
        (3, 0, []),
        (0, 0, []),
        (3, 0o100644 << 16, []),
    ],
)
def test_a_unix_that_gives_nobody_a_right_means_that(
    tmp_path: Path, system: int, attributes: int, told: list[str]
) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("python/a.py")
        info.create_system, info.external_attr = system, attributes
        archive.writestr(info, b"x")
        archive.filelist[-1].external_attr = attributes  # writestr gives a mode to what has none
    with LayerZip(path) as layer:
        where = (runtime("python3.13"),), (X86_64,)
        subject = checks.examine(layer.tree, *where, packages=(), own=False, directories=layer.directories)
        assert [f"{one.path} {one.message}" for one in checks.run(subject, only="permissions")] == told


def test_a_directory_that_nobody_may_enter_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, mode in (("python/", 0o040000), ("python/a.py", 0o100644)):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, b"" if name.endswith("/") else b"x")
    with LayerZip(path) as layer:
        assert layer.directories == {"python": 0o100000}


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("python/a", b"1")
        archive.writestr("./python//a", b"2")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("python/a", b"3")
    assert "`python/a` is in it 3 times" in refused(path)


def test_a_file_that_is_also_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a file and a directory" in refused(zips.write(tmp_path / "x.zip", {"a": b"1", "a/b": b"2"}))


def test_a_bomb_is_refused_by_what_it_claims(tmp_path: Path) -> None:
    path = zips.write(tmp_path / "x.zip", {"a": b"x"})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", 3 << 30)
    path.write_bytes(data)
    assert "a decompression bomb?" in refused(path)


def test_a_bomb_that_lies_about_its_size_unpacks_no_more_than_it_claims(tmp_path: Path) -> None:
    path = zips.write(tmp_path / "x.zip", {"python/a.so": bytes(50 << 20)})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        at = data.index(mark) + offset
        data[at : at + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    with LayerZip(path) as layer, pytest.raises(BadArchiveError, match="cannot be unpacked"):
        checks.examine(layer.tree, (runtime("python3.13"),), (X86_64,), packages=(), own=False)


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = zips.write(tmp_path / "x.zip", {"a": b"x" * 1000, "b": b"x" * 1000})
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    assert "shares its bytes with another entry" in refused(path)


@pytest.mark.parametrize("kept", [0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    path = zips.write(tmp_path / "x.zip", {"a": bytes(range(256)) * 2, "b": bytes(range(256)) * 3})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    assert "is not a valid zip" in refused(path)


def test_damaged_content_is_found_without_unpacking(tmp_path: Path) -> None:
    path = zips.write(tmp_path / "x.zip", {"python/a": bytes(range(256)) * 20})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with LayerZip(path) as layer, pytest.raises(BadArchiveError, match="python/a cannot be unpacked"):
        checks.examine(layer.tree, (runtime("python3.13"),), (X86_64,), packages=(), own=False)


def test_devices_methods_and_encryption_are_refused(tmp_path: Path) -> None:
    assert "is a device, socket or pipe" in refused(
        zips.write(tmp_path / "x.zip", {"dev": b""}, modes={"dev": 0o020644})
    )
    path = tmp_path / "y.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"x" * 100)
    assert "is compressed by method 14; Lambda unpacks deflate" in refused(path)
    path = zips.write(tmp_path / "z.zip", {"a": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert "is encrypted" in refused(path)


def test_all_problems_come_together_and_are_bounded(tmp_path: Path) -> None:
    text = refused(zips.write(tmp_path / "x.zip", {f"/x{number}": b"" for number in range(30)}))
    assert text.count("is an absolute path") == 10
    assert "and 20 more" in text


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        LayerZip(tmp_path / "none.zip")


def test_leading_dots_are_cleaned_as_unzip_does(tmp_path: Path) -> None:
    with LayerZip(zips.write(tmp_path / "x.zip", {"./python/a.py": b""})) as layer:
        assert layer.tree.paths() == {"python/a.py"}


SAMPLE = zips.raw({"python/a.py": b"x" * 300, "lib/b.so": b"\x7fELF" + bytes(300), "bin/c": b"#!/bin/sh"})


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
@settings(max_examples=1500 if os.name == "posix" else 150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_anywhere_is_an_error_of_ours_or_harmless(tmp_path: Path, damage: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLE)
    for position, value in damage:
        data[position] = value
    path = tmp_path / "damaged.zip"
    path.write_bytes(data)
    try:
        with LayerZip(path) as layer:
            subject = checks.examine(
                layer.tree, (runtime("python3.13"),), (X86_64,), packages=(), own=False, directories=layer.directories
            )
            assert all(".." not in one.path.split("/") and not one.path.startswith("/") for one in subject.tree)
            checks.run(subject)
    except LayerwrightError as error:
        assert error.what  # noqa: PT017  either outcome is right; a crash is not
    assert sorted(one.name for one in tmp_path.iterdir()) == ["damaged.zip"]


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zips.raw({"a": b"x"}).replace(b"a", b"\0"))
    assert "has no name" in refused(path)


@given(st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_no_zip(tmp_path: Path, noise: bytes) -> None:
    path = tmp_path / "noise.zip"
    path.write_bytes(noise)
    if not zipfile.is_zipfile(io.BytesIO(noise)):
        refused(path)
