"""Layers compiled for the other architecture, and what a loader sees in them."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from builder.base.emitter import Events
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.engine.client import Engine
from builder.model import recipes
from builder.model.target import targets
from builder.plan.mode import EngineOptions
from builder.smoke import run
from kit.commands import write_recipe
from kit.compiled import recipe, script

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
    options = Options(output=folder / "dist" / route, containers=EngineOptions(mode=route))
    return build(one, targets(one.recipe)[0], options, Events())


def works(engine: Engine, built: Built, folder: Path) -> bool:
    one = recipes.load(folder / "recipes", "a")
    return len(run.layer(engine, built.path, targets(one.recipe)[0], one.recipe).passed) == 1


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
