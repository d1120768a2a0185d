"""What Windows does otherwise, as far as another system can tell; the rest is run by `make test-windows`."""

import ast
import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

import pytest
from kit.commands import ROOT, layerwright, layerwright_process, pip_recipe, write_recipe

from builder.base import cache_paths, files, windows
from builder.base.errors import BuildError
from builder.cli import streams

DESCRIPTION = "JSON für alle: 日本語 ✓"


# ---- paths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "extended"),
    [
        ("C:\\Users\\Änne\\a b", "\\\\?\\C:\\Users\\Änne\\a b"),
        ("C:\\", "\\\\?\\C:\\"),
        ("\\\\server\\share\\x", "\\\\?\\UNC\\server\\share\\x"),
        ("\\\\?\\C:\\x", "\\\\?\\C:\\x"),
        ("\\\\?\\UNC\\server\\share", "\\\\?\\UNC\\server\\share"),
    ],
)
def test_paths_may_be_longer_than_260_characters(path: str, extended: str) -> None:
    assert windows.extended(path) == extended
    assert windows.extended(extended) == extended
    assert PureWindowsPath(extended, "a").is_absolute()


def test_other_systems_have_no_such_paths(tmp_path: Path) -> None:
    if windows.IS_HOST:
        assert str(windows.long(tmp_path)).startswith("\\\\?\\")
    else:
        assert windows.long(Path("a/../b")) == Path("a/../b")


# ---- files that are open elsewhere ---------------------------------------------------------------------------------


def refusing(times: int, done: list[str]) -> Callable[[], None]:
    """Return an act that is refused so many times, as of a file that a scanner reads."""
    left = [times]

    def act() -> None:
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "The process cannot access the file", "a.zip")
        done.append("done")

    return act


def test_a_file_that_is_open_elsewhere_is_waited_for_on_windows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr("builder.base.windows.time.sleep", paused.append)
    monkeypatch.setattr(windows, "IS_HOST", True)
    done: list[str] = []
    windows.patiently(refusing(3, done))
    assert (done, len(paused)) == (["done"], 3)
    with pytest.raises(PermissionError):
        windows.patiently(refusing(99, done))
    assert 0.5 < sum(paused[3:]) < 2
    del paused[:]
    monkeypatch.setattr(windows, "IS_HOST", False)
    with pytest.raises(PermissionError):
        windows.patiently(refusing(1, done))
    assert (done, paused) == (["done"], [])


def of_windows(number: int, code: int = errno.EACCES) -> OSError:
    error = PermissionError(code, "refused", "layer.zip") if code == errno.EACCES else OSError(code, "no", "layer.zip")
    error.winerror = number  # type: ignore[attr-defined,unused-ignore]
    return error


def test_the_hint_says_what_has_the_file() -> None:
    held = files.disk_error(of_windows(32))
    assert held is not None
    assert str(held.hint).startswith("close the program that has the file open")
    denied = files.disk_error(PermissionError(errno.EACCES, "Permission denied", "x"))
    assert denied is not None
    assert "close the program" not in str(denied.hint)


def test_a_file_that_is_only_in_the_cloud_is_told() -> None:
    error = files.disk_error(of_windows(362, errno.EINVAL))
    assert error is not None
    assert error.what == "layer.zip is not on this disk"
    assert "OneDrive" in str(error.hint)
    assert files.disk_error(of_windows(87, errno.EINVAL)) is None


@pytest.mark.parametrize("number", [206, 234])
def test_a_path_that_is_too_long_is_told(number: int) -> None:
    error = files.disk_error(of_windows(number, errno.ENOENT))
    assert error is not None
    assert error.what == "a path is too long for this system"
    assert "LongPathsEnabled" in str(error.hint)


def test_replacing_a_file_that_stays_open_ends_in_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:  # noqa: ARG001
        raise of_windows(5)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(BuildError) as caught, files.replacing(tmp_path / "layer.zip") as part:
        part.write_bytes(b"new")
    assert "close the program that has the file open" in str(caught.value.hint)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


MOVES = {"rename", "renames", "move"}


def calls_of_methods() -> Iterator[tuple[str, ast.Call, ast.Attribute]]:
    """Yield the place, the call and the method of each such call in the programs of the host."""
    for path in sorted((ROOT / "builder").rglob("*.py")):
        if "container" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", node, node.func


def test_files_are_moved_in_one_place() -> None:
    """So that none forgets to wait: `files.move`. A method `replace` of paths is told by its one argument, a path."""
    found = [
        place for place, _, method in calls_of_methods() if method.attr in MOVES and ast.unparse(method) != "files.move"
    ]
    assert found == []


def test_texts_that_are_written_have_line_feeds() -> None:
    found = [
        place
        for place, call, method in calls_of_methods()
        if method.attr == "write_text"
        and ast.unparse(method.value) != "files"
        and not any(each.arg == "newline" for each in call.keywords)
    ]
    assert found == []


# ---- streams -------------------------------------------------------------------------------------------------------


def test_a_stream_of_a_code_page_becomes_utf_8_with_line_feeds() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", newline="\r\n")
    streams.steady(stream)
    stream.write(f"{DESCRIPTION}\n\udcff\n")
    stream.flush()
    assert raw.getvalue() == f"{DESCRIPTION}\n\\udcff\n".encode()


def test_a_terminal_keeps_its_encoding() -> None:
    class Console(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    raw = io.BytesIO()
    stream = Console(raw, encoding="cp1252", newline="\n")
    streams.steady(stream)
    stream.write(DESCRIPTION)
    stream.flush()
    assert raw.getvalue().decode("cp1252") == "JSON für alle: \\u65e5\\u672c\\u8a9e \\u2713"


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("lint",)])
def test_output_into_a_file_is_utf_8_whatever_the_code_page(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    text = pip_recipe("json", "a==1").replace("for tests", DESCRIPTION)
    write_recipe(tmp_path, "json", text)
    result = layerwright_process(*arguments, cwd=tmp_path, env={"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"})
    assert "charmap" not in result.err
    assert "\r" not in result.out
    if "--json" in arguments:
        assert DESCRIPTION in result.out


CLOSED = """
import errno, io, os, stat, sys

class Closed(io.FileIO):
    def write(self, data):
        if stat.S_ISREG(os.fstat(self.fileno()).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        return super().write(data)

sys.stdout = io.TextIOWrapper(io.BufferedWriter(Closed(sys.argv.pop(1), "w")))
from builder.__main__ import main
main()
"""
"""The stdout of Windows whose reader has gone."""


@pytest.mark.parametrize("arguments", [["runtimes"], ["runtimes", "--json"], ["schema"], ["build", "--help"]])
def test_a_reader_that_has_gone_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    command = [sys.executable, "-c", CLOSED, str(tmp_path / "pipe"), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_client_that_reads_no_more_is_no_error() -> None:
    for error in (BrokenPipeError(errno.EPIPE, "x"), OSError(errno.EINVAL, "x")):
        with windows.until_closed():
            raise error
    with pytest.raises(OSError, match="full"), windows.until_closed():
        raise OSError(errno.ENOSPC, "full")


def test_schema_has_line_feeds(tmp_path: Path) -> None:
    assert layerwright("schema", cwd=tmp_path).out == (ROOT / "images" / "recipe.schema.json").read_text("utf-8")


def test_leases_of_dead_processes_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows removes no open file, so the lease goes after its lock."""
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    void = tmp_path / "work" / "lease-1000.000-aaaaaaaaaaaa"
    void.parent.mkdir()
    void.touch()
    with cache_paths.in_use():
        assert cache_paths.used_since() > 1000
        assert not void.exists()
    assert list(void.parent.iterdir()) == []
