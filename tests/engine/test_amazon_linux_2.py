"""Builds in the images of Amazon Linux 2: yum, a Python that is old or absent, neither patchelf nor a new CMake."""

import zipfile
from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe, script, source_archive

pytestmark = pytest.mark.usefixtures("engine")
COMPILE = """
    mkdir -p "$PREFIX/bin"
    echo "const char *onig_version(void); int main() { return *onig_version() != 54; }" > a.c
    gcc $CFLAGS -o "$PREFIX/bin/a" a.c $LDFLAGS -lonig
"""


def built(folder: Path) -> dict[str, bytes]:
    (path,) = (folder / "dist").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_a_program_is_compiled_with_what_yum_installs_and_brings_its_libraries(tmp_path: Path, arch: str) -> None:
    steps = '[[step]]\nuses = "packages"\ninstall = ["oniguruma-devel"]\n' + script(COMPILE)
    tests = '[[test]]\nshell = "a"\n'
    write_recipe(tmp_path, "a", recipe(steps, tests, arch=arch, runtime="provided.al2"))
    result = layerwright("build", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    assert {"bin/a", "lib/libonig.so.5"} <= built(tmp_path).keys()


def test_a_name_that_yum_does_not_know_is_an_error_although_it_knows_the_other(tmp_path: Path) -> None:
    steps = '[[step]]\nuses = "packages"\ninstall = ["zlib-devel", "no-such-thing"]\n' + script(COMPILE)
    write_recipe(tmp_path, "a", recipe(steps, runtime="provided.al2"))
    result = layerwright("build", "a", cwd=tmp_path)
    assert result.code == 4, result.err
    assert "no-such-thing" in result.err
    assert not list((tmp_path / "dist").glob("*.zip"))


@pytest.mark.network
def test_cmake_of_today_comes_from_the_package_index(tmp_path: Path) -> None:
    """The system's are 2.8 and 3.13."""
    lists = """
        cmake_minimum_required(VERSION 3.20)
        project(a C)
        add_executable(a a.c)
        install(TARGETS a DESTINATION bin)
    """
    digest, _ = source_archive({"CMakeLists.txt": lists, "a.c": "int main() { return 0; }\n"})
    steps = f'[[source]]\nname = "thing"\nurl = "http://127.0.0.1:9/thing-1.0.tar.gz"\nsha256 = "{digest}"\n'
    steps += '[[step]]\nuses = "source"\nsource = "thing"\nbuild = "cmake"\n'
    write_recipe(tmp_path, "a", recipe(steps, '[[test]]\nshell = "a"\n', runtime="provided.al2"))
    result = layerwright("build", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "bin/a" in built(tmp_path)


@pytest.mark.network
@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_an_extension_of_python_is_compiled_without_a_python_of_the_system(tmp_path: Path, arch: str) -> None:
    steps = '[[step]]\nuses = "packages"\ninstall = ["libyaml-devel"]\n'
    steps += '[[step]]\nuses = "pip"\nrequirements = ["pyyaml==6.0.3"]\nwheels = "never"\n'
    tests = '[[test]]\npython = "import yaml; assert yaml.__with_libyaml__"\n'
    write_recipe(tmp_path, "a", recipe(steps, tests, arch=arch, runtime="python3.11"))
    result = layerwright("build", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    assert [name for name in built(tmp_path) if name.endswith(("/yaml/_yaml.so", "-linux-gnu.so"))]
