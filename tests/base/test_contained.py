"""Containment of a recipe's files: links of every kind, names of every kind."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.base import contained
from builder.base.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside" / "sub").mkdir(parents=True)
    (tmp_path / "outside" / "sub" / "key").write_text("secret")
    inside = tmp_path / "inside"
    (inside / "d").mkdir(parents=True)
    (inside / "d" / "file").write_text("own")
    return inside


LEAVING: dict[str, tuple[str, str]] = {
    "a file": ("key", "../outside/sub/key"),
    "a folder": ("sub", "../outside/sub"),
    "absolute": ("a", "/etc/passwd"),
    "variables of the process": ("p", "/proc/self"),
    "root": ("r", "/"),
    "to nothing outside": ("n", "../missing"),
    "deep": ("d/e", "../../outside"),
    "a detour through a folder": ("t", "d/../../outside/sub/key"),
    "the folder above": ("u", ".."),
    "itself": ("x", "x"),
}


@pytest.mark.parametrize("case", LEAVING)
def test_a_link_that_leaves_the_folder_is_refused_by_name(folder: Path, case: str) -> None:
    name, to = LEAVING[case]
    (folder / name).symlink_to(to)
    with pytest.raises(UsageError, match="symbolic links lead out of") as raised:
        contained.refuse_links(folder)
    assert raised.value.why == (f"{name} -> {to}",)
    for use in (
        contained.hashes,
        lambda root: contained.matching(root, f"{name}*"),
        lambda root: contained.path(root, name),
    ):
        with pytest.raises(UsageError, match="leads out of"):
            use(folder)


def test_a_chain_of_links_is_followed_to_its_end(folder: Path) -> None:
    (folder / "first").symlink_to("second")
    (folder / "second").symlink_to("d/third")
    (folder / "d" / "third").symlink_to("../../outside")
    with pytest.raises(UsageError) as raised:
        contained.refuse_links(folder)
    assert [line.split(" -> ")[0] for line in raised.value.why] == ["d/third", "first", "second"]
    for name in ("first/sub/key", "first/sub/*", "second/sub/k*"):
        with pytest.raises(UsageError, match="leads out of"):
            contained.matching(folder, name)


def test_links_that_stay_in_the_folder_are_followed(folder: Path) -> None:
    (folder / "link").symlink_to("d/file")
    (folder / "absolute").symlink_to(folder / "d")
    (folder / "nothing").symlink_to("d/missing")
    contained.refuse_links(folder)
    assert [path.name for path in contained.matching(folder, "*")] == ["link"]
    assert [path.read_text() for path in contained.matching(folder, "absolute/*")] == ["own"]
    assert set(contained.hashes(folder)) == {"d/file", "link"}


@pytest.mark.parametrize("name", ["../outside/sub/key", "d/../../outside", "/etc/passwd", "a\0b", ".."])
def test_no_name_leaves_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="leads out of"):
        contained.path(folder, name)


@pytest.mark.parametrize("pattern", ["/etc/*", "/", "**a", "a\0", "", "[", "x" * 5000, "d/" * 3000 + "*"])
def test_a_pattern_that_is_none_matches_nothing(folder: Path, pattern: str) -> None:
    assert contained.matching(folder, pattern) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes")
def test_only_regular_files_are_found(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    contained.refuse_links(folder)
    assert contained.matching(folder, "*") == []
    assert set(contained.hashes(folder)) == {"d/file"}


@pytest.mark.parametrize("use", [contained.refuse_links])
def test_a_name_that_is_not_utf8_is_refused(folder: Path, use: Callable[[Path], None]) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(folder) + b"/d/\xff\xfe.py"))).write_text("x")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(UsageError, match="are not UTF-8") as raised:
        use(folder)
    assert raised.value.why == ("'d/\\udcff\\udcfe.py'",)


def test_a_folder_is_weighed_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "MOST_BYTES", 2)
    monkeypatch.setattr(contained, "sha256", lambda path: pytest.fail(f"{path} was read"))
    with pytest.raises(UsageError, match="have 3 bytes"):
        contained.hashes(folder)


def test_a_copy_has_files_and_links_and_no_pipes(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "to-file").symlink_to("d/file")
    (folder / "d" / "up").symlink_to("..")
    (folder / "d" / "absolute").symlink_to(folder / "d" / "file")
    (folder / "empty").mkdir()
    (folder / "d" / "file").chmod(0o750)
    copy = tmp_path / "copy"
    contained.copy(folder, copy)
    names = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*"))
    assert names == ["d", "d/absolute", "d/file", "d/up", "empty", "to-file"]
    contained.refuse_links(copy)
    assert (copy / "d" / "absolute").resolve() == copy / "d" / "file"
    assert (copy / "d" / "up" / "to-file").read_text() == "own"
    assert (copy / "d" / "file").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("case", LEAVING)
def test_nothing_is_copied_from_elsewhere(folder: Path, tmp_path: Path, case: str) -> None:
    name, to = LEAVING[case]
    (folder / name).symlink_to(to)
    with pytest.raises(UsageError, match="symbolic links lead out of"):
        contained.copy(folder, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_copy_is_weighed_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "MOST_BYTES", 2)
    with pytest.raises(UsageError, match="have 3 bytes"):
        contained.copy(folder, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_plain_path_is_resolved_only_if_something_in_it_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortcut for paths without links: what is a link, or spelled otherwise, takes the long way."""
    folder = tmp_path / "recipe"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("a", encoding="utf-8")
    (folder / "out").symlink_to(tmp_path)
    (folder / "in").symlink_to(folder / "inner")
    resolved: list[str] = []
    before = vars(contained)["_stays"]

    def stays(root: Path, path: str) -> bool:
        resolved.append(path)
        return bool(before(root, path))

    monkeypatch.setattr(contained, "_stays", stays)
    assert contained.path(folder, "inner/file") == folder / "inner" / "file"
    assert not resolved
    for inside in ("in/file", "inner/../inner/file", "./inner", "inner/none"):
        assert contained.path(folder, inside) == folder / inside
    for outside in ("out/recipe/inner/../../..", "out", "out/file", "..", "../other", "inner/../../other"):
        with pytest.raises(UsageError, match="leads out of"):
            contained.path(folder, outside)
    assert "in/file" in resolved
