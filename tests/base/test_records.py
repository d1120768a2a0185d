"""Records of what the cache holds: every change of a file, a name or a link is noticed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.base import records


def folder(tmp_path: Path) -> Path:
    path = tmp_path / "set"
    (path / "a" / "b").mkdir(parents=True)
    (path / "a" / "one").write_bytes(b"one")
    (path / "a" / "b" / "two").write_bytes(b"two")
    (path / "link").symlink_to("a/one")
    return path


def _link(path: Path, to: str) -> None:
    path.unlink()
    path.symlink_to(to)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda path: (path / "a" / "one").write_bytes(b"onf"),
    "a longer file": lambda path: (path / "a" / "one").write_bytes(b"one "),
    "a file less": lambda path: (path / "a" / "one").unlink(),
    "a file more": lambda path: (path / "a" / "three").write_bytes(b""),
    "another name": lambda path: (path / "a" / "one").rename(path / "a" / "eno"),
    "another folder": lambda path: (path / "a" / "one").rename(path / "one"),
    "another link": lambda path: _link(path / "link", "a/b/two"),
    "a link instead of a file": lambda path: _link(path / "a" / "one", "b/two"),
    "a damaged record": lambda path: (path / records.IN_FOLDER).write_bytes(b"\xff"),
    "no record": lambda path: (path / records.IN_FOLDER).unlink(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_folder_is_not_intact(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path)
    records.write(path)
    assert records.intact(path)
    path.replace(tmp_path / "moved")  # the record comes along
    assert records.intact(tmp_path / "moved")
    CHANGES[name](tmp_path / "moved")
    assert not records.intact(tmp_path / "moved")


def test_a_file_has_its_record_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    assert not records.intact(path)
    path.write_bytes(b"tool")
    assert not records.intact(path)
    records.write(path)
    assert records.intact(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["tool", "tool.sha256"]
    os.truncate(path, 3)
    assert not records.intact(path)
    path.unlink()
    assert not records.intact(path)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tools" / "made-1.0"


def _make_folder(to: Path) -> None:
    to.mkdir()
    (to / "one").write_bytes(b"one")


@pytest.mark.parametrize(
    ("make", "inside"), [(_make_folder, "one"), (lambda to: to.write_bytes(b"one"), "")], ids=["folder", "file"]
)
def test_what_is_changed_or_gone_is_made_again(place: Path, make: Callable[[Path], None], inside: str) -> None:
    asked: list[Path] = []

    def counted(to: Path) -> None:
        asked.append(to)
        make(to)

    for changed in (False, False, True, True):
        if changed:
            (place / inside).write_bytes(b"other")
        assert records.made(place, counted) == place
        assert (place / inside).read_bytes() == b"one"
        assert records.intact(place)
    assert len(asked) == 3
    assert place not in asked
    assert not any(path.exists() for path in asked)


def test_what_cannot_be_made_leaves_the_place_as_it_was(place: Path) -> None:
    def fail(to: Path) -> None:
        _make_folder(to)
        raise KeyError

    for there in (False, True):
        if there:
            _make_folder(place)
        with pytest.raises(KeyError):
            records.made(place, fail)
        assert place.exists() == there
        place.parent.mkdir(exist_ok=True)
    assert not records.intact(place)
