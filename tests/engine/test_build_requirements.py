"""What sdists are built with in a container: files that the host fetched by hash; no network, secrets or caches."""

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import make_sdist, make_telling_sdist, make_wheel, serve

pytestmark = pytest.mark.usefixtures("engine", "static_uv")
SAYS = """
import tool

def says():
    return tool.version
"""
STEP = '[[step]]\nuses = "pip"\nrequirements = ["told==1.0"]\n'
LOOKS = """
import json, socket

def says():
    kept = []
    for line in open("/proc/self/mountinfo"):
        words = line.split()
        kind = words[words.index("-") + 1]
        if kind not in ("proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "tmpfs") and words[4] != "/":
            kept.append([words[4], "rw" in words[5].split(",")])
    secrets = os.listdir("/run/secrets") if os.path.isdir("/run/secrets") else []
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=3)
        network = "connected"
    except OSError as error:
        network = error.strerror
    told = {"mounts": kept, "secrets": secrets, "network": network, "proxy": os.environ.get("HTTPS_PROXY", "")}
    return json.dumps(told)
"""
ASKS_LATER = """
LATER = ["later>=1"]

def says():
    import later
    return later.version
"""
DOWNLOADS = """
from urllib.request import urlopen

def says():
    return urlopen("https://example.invalid/").read().decode()
"""


@contextmanager
def offered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve an index to the host only, at an address that no cache knows."""
    with serve(folder) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(folder.parent / f"uv-{urlsplit(index.url).port}"))
        yield


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


def build(folder: Path, *options: str, arch: str = "arm64") -> tuple[Result, str]:
    result = layerwright("build", "a", "--recompile", *options, cwd=folder)
    if result.code:
        return result, ""
    with zipfile.ZipFile(folder / "dist" / f"a-1.0-python3.13-{arch}.zip") as archive:
        return result, archive.read("python/told.txt").decode()


def of_step(folder: Path, more: str = "", arch: str = "x86_64") -> None:
    write_recipe(folder, "a", recipe(STEP + more, arch=arch, runtime="python3.13"))


def test_a_newer_tool_changes_nothing_until_the_lock_is_upgraded(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "tool", "1.0")
    make_telling_sdist(index, SAYS, requires=["tool"])
    of_step(tmp_path, arch="arm64")
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
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "fresh"))
    with offered(index, monkeypatch):
        result, _ = build(tmp_path)
        assert result.code == 4
        assert "hash mismatch: tool 1.0 is not what the lock of a says" in result.err

        lock.write_text("tool\n")
        result, _ = build(tmp_path)
        assert result.code == 2
        assert "build-requirements.lock is not a valid build-requirements.lock" in result.err
        assert layerwright("lock", "a", cwd=tmp_path).code == 0
        assert "\ntool==2.0 " in lock.read_text()


def test_code_of_a_package_has_no_cache_no_secret_and_no_network(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_telling_sdist(index, LOOKS)
    of_step(tmp_path)
    monkeypatch.setenv("TOKEN", "t0ken")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pa55word@192.0.2.9:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with offered(index, monkeypatch):
        result, text = build(tmp_path, "--secret", "id=token,env=TOKEN", arch="x86_64")
    assert result.code == 0, result.err
    told: dict[str, Any] = json.loads(text)
    assert told["secrets"] == []
    assert told["proxy"] == ""
    assert told["network"] == os.strerror(101)
    ours = {path: writable for path, writable in told["mounts"] if path.startswith("/layerwright")}
    assert ours == dict.fromkeys(("/layerwright/inside", "/layerwright/bin", "/layerwright/requirements"), False)
    assert {path for path, writable in told["mounts"] if writable} <= {"/etc/resolv.conf", "/etc/hosts"}


def test_what_a_backend_asks_for_later_is_named_with_the_key_that_gives_it(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "later", "1.0")
    make_telling_sdist(index, ASKS_LATER)
    archive = index / "told-1.0.tar.gz"
    assert archive.is_file()
    of_step(tmp_path)
    with offered(index, monkeypatch):
        result, _ = build(tmp_path)
        assert result.code == 4
        assert "needs the build requirement `later`, which is not among those it was given" in result.err
        assert "`build-requires` of the `pip` step" in result.err
        of_step(tmp_path, 'build-requires = ["later"]\n')
        result, version = build(tmp_path, arch="x86_64")
    assert version == "1.0", result.err


def test_a_build_requirement_that_has_no_wheel_is_built_first(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "base", "3.0")
    backend = """
import os, zipfile, base
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("tool.py", f"version = 'built with {base.version}'")
        wheel.writestr("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tool\\nVersion: 1.0\\n")
        wheel.writestr("tool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tool-1.0.dist-info/RECORD", "")
    return name
"""
    project = '[build-system]\nrequires = ["base"]\nbuild-backend = "own"\nbackend-path = ["."]\n'
    make_sdist(index, "tool", "1.0", "", {"pyproject.toml": project, "own.py": backend})
    make_telling_sdist(index, SAYS, requires=["tool"])
    of_step(tmp_path)
    with offered(index, monkeypatch):
        result, text = build(tmp_path, arch="x86_64")
    assert text == "built with 3.0", result.err


def test_an_sdist_that_downloads_is_told_which_key_allows_it(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_telling_sdist(index, DOWNLOADS)
    of_step(tmp_path)
    with offered(index, monkeypatch):
        result, _ = build(tmp_path)
        assert result.code == 4
        assert "step `wheel-told` asks the network, which it does not have" in result.err
        assert "`network = true` on the `script` or `pip` step" in result.err
        make_telling_sdist(index, LOOKS)
        of_step(tmp_path, "network = true\n")
    with offered(index, monkeypatch):
        result, text = build(tmp_path, arch="x86_64")
    assert result.code == 0, result.err
    assert json.loads(text)["network"] != os.strerror(101)
