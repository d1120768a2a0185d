"""`build-requirements.lock`: sdists are compiled with the locked requirements, by hash, whatever the index has."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.engine import EVERYWHERE, gateway
from kit.wheels import make_telling_sdist, make_wheel, serve

SAYS = """
import tool

def says():
    return tool.version
"""


@contextmanager
def offered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve an index here and to containers, at an address that no cache knows."""
    with serve(folder, host=EVERYWHERE) as index:
        url = index.url.replace(EVERYWHERE, gateway())
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        monkeypatch.setenv("UV_INSECURE_HOST", gateway())
        monkeypatch.setenv("UV_CACHE_DIR", str(folder.parent / f"uv-{urlsplit(url).port}"))
        yield


def build(folder: Path) -> tuple[Result, str]:
    result = layerwright("build", "a", "--recompile", cwd=folder)
    if result.code:
        return result, ""
    with zipfile.ZipFile(folder / "dist" / "a-1.0-python3.13-arm64.zip") as archive:
        return result, archive.read("python/told.txt").decode()


@pytest.mark.usefixtures("engine", "static_uv")
def test_a_newer_tool_changes_nothing_until_the_lock_is_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "tool", "1.0")
    make_telling_sdist(index, SAYS, requires=["tool"])
    step = '[[step]]\nuses = "pip"\nrequirements = ["told==1.0"]\n'
    write_recipe(tmp_path, "a", recipe(step, arch="arm64", runtime="python3.13"))
    lock = tmp_path / "recipes" / "a" / "build-requirements.lock"
    with offered(index, monkeypatch):
        locked = layerwright("lock", "a", cwd=tmp_path)
        assert locked.code == 0, locked.err
        assert "tool (new) -> 1.0" in locked.err
    first = lock.read_text()
    make_wheel(index, "tool", "2.0")
    with offered(index, monkeypatch):
        result, version = build(tmp_path)
        assert version == "1.0", result.err
        assert "are not locked" not in result.err

        lock.unlink()
        result, version = build(tmp_path)
        assert version == "2.0", result.err
        assert (
            "the build requirements of told are not locked; `layerwright lock a` writes build-requirements.lock"
            in result.err
        )

    make_wheel(index, "tool", "1.0", files={"tool/evil.py": b""})
    lock.write_text(first)
    with offered(index, monkeypatch):
        result, _ = build(tmp_path)
        assert result.code == 4
        assert "Hash mismatch for `tool==1.0`" in result.err

        lock.write_text("tool\n")
        result, _ = build(tmp_path)
        assert result.code == 2
        assert "build-requirements.lock is not a valid build-requirements.lock" in result.err
        assert layerwright("lock", "a", cwd=tmp_path).code == 0
        assert "\ntool==2.0 " in lock.read_text()
