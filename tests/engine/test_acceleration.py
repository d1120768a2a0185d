"""Compiling for the other architecture with the engine's own compiler: the same result, and what happens where not."""

import dataclasses
import io
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from kit import standin
from kit.commands import ROOT, layerwright, write_recipe
from kit.compiled import recipe, script, source_archive

from builder import smoke
from builder.build import Built, Options, build
from builder.compiling import EngineChoice, decide
from builder.engine.client import Engine
from builder.errors import BuildError, EngineError
from builder.model import recipes
from builder.model.target import targets
from builder.planning import plan

PACKAGES = ("mysqlclient", "psycopg2", "pycurl", "pyodbc", "python-ldap", "pyyaml")
C_PROGRAM = """
mkdir -p "$PREFIX/bin"
echo '#include <stdio.h>
int main(void) { puts("works"); return 0; }' > a.c
"${CC:-gcc}" $CFLAGS -o "$PREFIX/bin/a" a.c $LDFLAGS
"""
CXX_PROGRAM = """
mkdir -p "$PREFIX/bin"
echo '#include <iostream>
#include <map>
#include <stdexcept>
int main() {
    std::map<int, std::string> words = {{1, "works"}};
    try { throw std::runtime_error(words[1]); }
    catch (std::exception &error) { std::cout << error.what() << std::endl; }
}' > a.cc
"${CXX:-g++}" $CXXFLAGS -std=c++17 -o "$PREFIX/bin/a" a.cc $LDFLAGS
"""


_OF_THE_LINKER = re.compile(
    r"_init$|_fini$|_?_?(bss_)?(start|end)_*$|__bss_(start|end)|_bss_end__|_edata$|_end$|__end__"
)


WORKS = """[[test]]
shell = '[ "$(/opt/bin/a)" = works ]'
"""


def making(run: str) -> str:
    """Return the text of a recipe whose program says that it works."""
    return recipe(script(run), WORKS, arch="arm64")


def made(folder: Path, text: str, route: str = "auto") -> Built:
    write_recipe(folder, "a", text)
    one = recipes.load(folder / "recipes", "a")
    options = Options(output=folder / "dist" / route, containers=EngineChoice(route=route))
    return build(one, targets(one.recipe)[0], options, lambda _: None)


def works(engine: Engine, built: Built, folder: Path) -> bool:
    one = recipes.load(folder / "recipes", "a")
    return smoke.layer(engine, built.path, targets(one.recipe)[0], one.recipe.test) == 1


def programs(path: Path) -> dict[str, bytes]:
    """Return the layer's own ELF files: libraries of the system are the same bytes anyway."""
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if not name.startswith("lib/")}
    return {name: data for name, data in found.items() if data[:4] == b"\x7fELF"}


def interface(data: bytes) -> dict[str, Any]:
    """Return what a loader sees: machine, needed libraries, symbol versions, what it exports."""
    elf: Any = ELFFile(io.BytesIO(data))
    dynamic = elf.get_section_by_name(".dynamic")
    versions = {
        f"{need.name}:{version.name}"
        for section in elf.iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for need, auxiliaries in section.iter_versions()
        for version in auxiliaries
    }
    exported = {
        symbol.name
        for symbol in elf.get_section_by_name(".dynsym").iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL"
    }
    return {
        "machine": elf["e_machine"],
        "needed": sorted(tag.needed for tag in dynamic.iter_tags("DT_NEEDED")),
        "versions": versions,
        "exported": {name for name in exported if not _OF_THE_LINKER.match(name)},
    }


@pytest.mark.network
@pytest.mark.parametrize("name", PACKAGES)
def test_the_result_is_that_of_the_emulated_compiler(name: str, engine: Engine, tmp_path: Path) -> None:
    one = recipes.load(ROOT / "recipes", name)
    target = next(t for t in targets(one.recipe) if t.base.name == "python3.13" and t.arch != engine.architecture)
    results = {}
    for route in ("accelerated", "emulated"):
        options = Options(output=tmp_path / route, containers=EngineChoice(route=route))
        built = build(one, target, options, lambda _: None)
        assert built.manifest["route"] == route
        assert built.manifest["packages"][-1]["route"] in {route, "wheel"}
        results[route] = programs(built.path)
    fast, slow = results["accelerated"], results["emulated"]
    assert set(fast) == set(slow) != set()
    for file, data in fast.items():
        assert interface(data) == interface(slow[file])
        assert b"/native" not in data
        assert b"clang version" not in slow[file]


def test_cxx_is_compiled_against_the_targets_own_library(engine: Engine, tmp_path: Path) -> None:
    built = made(tmp_path, making(CXX_PROGRAM))
    assert built.manifest["route"] == "accelerated"
    (data,) = programs(built.path).values()
    assert "libstdc++.so.6" in interface(data)["needed"]
    assert interface(data)["machine"] == "EM_AARCH64"
    assert works(engine, built, tmp_path)


def test_what_acceleration_breaks_is_emulated_and_told(engine: Engine, tmp_path: Path) -> None:
    picky = 'case "$("${CC:-gcc}" --version)" in *clang*) echo "a.c:1:1: error: only with gcc" >&2; exit 1 ;; esac\n'
    text = making(picky + C_PROGRAM)
    built = made(tmp_path, text)
    assert built.manifest["route"] == "emulated"
    assert [note for note in built.notes if "could not be accelerated: a.c:1:1: error: only with gcc" in note]
    assert works(engine, built, tmp_path)
    with pytest.raises(BuildError, match="step `step-1` failed"):
        made(tmp_path, text, "accelerated")


def test_a_build_that_ignores_cc_is_noticed_by_what_it_made(engine: Engine, tmp_path: Path) -> None:
    makefile = "all:\n\tgcc -o a a.c\ninstall:\n\tinstall -D a /opt/bin/a\n"
    code = '#include <stdio.h>\nint main(void) { puts("works"); return 0; }\n'
    digest, _ = source_archive({"Makefile": makefile, "a.c": code})
    source = f'[[source]]\nurl = "http://127.0.0.1:9/a.tgz"\nsha256 = "{digest}"\n\n'
    source += '[[step]]\nuses = "source"\nbuild = "make"\n'
    text = recipe(source, WORKS, arch="arm64")
    built = made(tmp_path, text)
    assert built.manifest["route"] == "emulated"
    assert [note for note in built.notes if "ignores CC" in note]
    assert works(engine, built, tmp_path)


def test_ways_can_be_forced_or_refused(engine: Engine, tmp_path: Path) -> None:
    text = making(C_PROGRAM)
    fast, slow = made(tmp_path, text, "accelerated"), made(tmp_path, text, "emulated")
    assert (fast.manifest["route"], slow.manifest["route"]) == ("accelerated", "emulated")
    with pytest.raises(EngineError, match="no node of this engine is arm64"):
        made(tmp_path, text, "native")
    assert engine.architecture.name == "x86_64"
    result = layerwright("build", "a", "--route", "native", "-o", "x", cwd=tmp_path)
    assert result.code == 7


def test_engines_without_events_accelerate_only_when_asked(engine: Engine, tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", making(C_PROGRAM))
    one = recipes.load(tmp_path / "recipes", "a")
    planned = plan(one, targets(one.recipe)[0])
    assert planned.container is not None
    podman = dataclasses.replace(engine, kind="podman")
    ways = [
        decide(planned.container, which, route).name for which in (engine, podman) for route in ("auto", "accelerated")
    ]
    assert ways == ["accelerated", "accelerated", "emulated", "accelerated"]


def test_a_mirror_without_the_engines_own_image_is_enough(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = "sam/build-provided.al2023:latest-arm64"
    mirror = f"{standin.REGISTRY}/only-arm64"
    copied = [
        engine.program,
        "buildx",
        "imagetools",
        "create",
        "--tag",
        f"{mirror}/{image}",
        f"{standin.REGISTRY}/{image}",
    ]
    subprocess.run(copied, check=True, capture_output=True)
    monkeypatch.setenv("LAYERWRIGHT_REGISTRY", mirror)
    built = made(tmp_path, making(C_PROGRAM))
    assert built.manifest["route"] == "emulated"
    assert [note for note in built.notes if "could not be accelerated" in note]
