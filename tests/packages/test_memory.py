"""The memory of what reads metadata of packages: an end with a reason, a way to raise it, and none for installing."""

import gzip
import io
import sys
import tarfile
from pathlib import Path

import pytest
from conftest import need
from kit.wheels import Index, make_wheel

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARM64
from builder.model.runtimes import runtime
from builder.packages import memory
from builder.packages.npm import npm
from builder.packages.pypi.install import Pinned, install
from builder.packages.pypi.resolve import Wanted, best, resolve

P313 = runtime("python3.13")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell the memory of a process")


def bomb(folder: Path, megabytes: int) -> None:
    """Write an sdist whose PKG-INFO has a long description."""
    text = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\n" + bytes(megabytes << 20)
    with gzip.open(folder / "a-1.0.tar.gz", "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w") as made:
        info = tarfile.TarInfo("a-1.0/PKG-INFO")
        info.size = len(text)
        made.addfile(info, io.BytesIO(text))


def test_a_resolution_that_takes_too_much_is_ended_and_told(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb(index.folder, 200)
    monkeypatch.setenv(memory.VARIABLE, "100")
    with pytest.raises(BuildError) as raised:
        resolve(Wanted(requirements=("a",)), P313, ARM64)
    assert raised.value.what == "uv was killed: it took more than 100 MB of memory"
    assert raised.value.why == (
        "it was reading the metadata of packages, and some of it may be made to fill the memory",
    )
    assert "LAYERWRIGHT_RESOLVER_MEMORY_MB=200" in str(raised.value.hint)
    monkeypatch.setenv(memory.VARIABLE, "2000")
    with pytest.raises(BuildError, match=r"a-1\.0\.tar\.gz cannot be read"):  # by our own limit
        resolve(Wanted(requirements=("a",)), P313, ARM64)


def test_installing_has_no_limit(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(index.folder, "a", "1.0")
    (found,) = resolve(Wanted(requirements=("a",)), P313, ARM64)
    monkeypatch.setenv(memory.VARIABLE, "1")
    wheel = best(found, P313, ARM64)
    assert wheel is not None
    pinned = Pinned(name=found.name, version=found.version, filename=wheel.filename, sha256=wheel.sha256)
    install([pinned], P313, ARM64, tmp_path / "a")
    assert list((tmp_path / "a").glob("a-1.0.dist-info"))
    with pytest.raises(BuildError, match="uv was killed"):
        resolve(Wanted(requirements=("a",)), P313, ARM64)


def test_npm_has_one_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("npm")
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setenv(memory.VARIABLE, "1")
    with pytest.raises(BuildError, match="was killed: it took more than 1 MB of memory"):
        npm.lock('{"name": "a", "version": "1.0.0"}', None)


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "1e3", "12345678"])
def test_what_is_no_number_of_megabytes_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(memory.VARIABLE, value)
    with pytest.raises(UsageError, match=f"{memory.VARIABLE}={value} is not a valid number of megabytes"):
        memory.limit(416)
    monkeypatch.setenv(memory.VARIABLE, " ")
    assert memory.limit(416) == 416 << 20
