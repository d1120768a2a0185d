"""Packages that go on in pure Python without a compiler or CMake: told, with what they lacked."""

from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_sdist

from builder.model.architectures import X86_64
from builder.model.tools import tools
from builder.packages.pypi import static_tools

pytestmark = pytest.mark.usefixtures("engine", "static_uv")
BACKEND = """
import os, shutil, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    native = {native}
    if not native:
        print("configuring")
        os.system("cmake --version")
        print("WARNING: the extension module could not be built, falling back to pure Python")
    name = "a-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("a.py", "VALUE = 7\\n")
        if native:
            wheel.writestr("a_native.so", open("/usr/lib64/libdl.so.2", "rb").read())
        wheel.writestr("a-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: a\\nVersion: 1.0\\n")
        wheel.writestr("a-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {tag}\\n")
        wheel.writestr("a-1.0.dist-info/RECORD", "")
    return name
"""
PLATFORM = "cp313-cp313-linux_x86_64"


def offer(index: Index, tag: str, *, native: bool = False) -> None:
    project = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    backend = BACKEND.replace("{native}", str(native)).replace("{tag}", tag)
    make_sdist(index.folder, "a", "1.0", "", {"pyproject.toml": project, "own.py": backend})


@pytest.fixture
def auditwheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Get what repairs wheels from the usual index: that of a test has it not."""
    with monkeypatch.context() as patch:
        patch.delenv("UV_DEFAULT_INDEX", raising=False)
        for tool in tools().repairing:
            for file in tool.for_machine(X86_64.machine):
                assert static_tools.wheel(tool, file).is_file()


@pytest.mark.usefixtures("auditwheel")
def test_a_wheel_that_fell_back_is_refused_with_what_it_lacked(tmp_path: Path, index: Index) -> None:
    offer(index, PLATFORM)
    for _ in range(2):  # the second time from the cache
        made = layerwright("wheel", "a", "--runtime", "python3.13", "--arch", "x86_64", cwd=tmp_path)
        assert made.code == 4, made.err
        error = made.err.partition("error: ")[2]
        assert error.startswith("a: it fell back to pure Python, because its build lacked something\n")
        assert "cmake" in error
        assert "falling back to pure Python" in error
        assert 'install = ["cmake"' in error
        assert "auditwheel" not in made.err
    assert list(tmp_path.rglob("*.whl")) == list((tmp_path / "index").glob("*.whl"))


def test_a_layer_with_a_package_that_fell_back_says_so(tmp_path: Path, index: Index) -> None:
    offer(index, PLATFORM)
    write_recipe(
        tmp_path, "a", recipe('[[step]]\nuses = "pip"\nrequirements = ["a=={version}"]\n', runtime="python3.13")
    )
    for again in ((), ("--rebuild",)):
        built = layerwright("build", "a", *again, cwd=tmp_path)
        assert built.code == 0, built.err
        assert "wheel-a: it fell back to pure Python" in built.err
        assert 'install = ["cmake"' in built.err


@pytest.mark.parametrize(("tag", "native"), [("py3-none-any", False), (PLATFORM, True)])
def test_what_is_as_its_name_says_is_not_told(tmp_path: Path, index: Index, tag: str, *, native: bool) -> None:
    offer(index, tag, native=native)
    write_recipe(
        tmp_path, "a", recipe('[[step]]\nuses = "pip"\nrequirements = ["a=={version}"]\n', runtime="python3.13")
    )
    built = layerwright("build", "a", "--no-test", cwd=tmp_path)
    assert built.code == 0, built.err
    assert "fell back" not in built.err
