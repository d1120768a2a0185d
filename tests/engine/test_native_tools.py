"""Programs of the engine's architecture in a container of the other one: their environment and their results."""

import dataclasses
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.foreign import C_PROGRAM, CXX_PROGRAM, interface, made, making, programs, works
from kit.wheels import Index, make_telling_sdist

from builder.building.layer import Built
from builder.engine import client
from builder.engine.client import Engine
from builder.engine.nodes import Node
from builder.model.runtime_tables import OperatingSystem

OPENMP_PROGRAM = """
mkdir -p "$PREFIX/bin"
echo '#include <omp.h>
#include <stdio.h>
int main(void) {
    int found = 0;
    #pragma omp parallel num_threads(3) reduction(+:found)
    found += 1;
    if (found == 3) puts("works");
    return 0;
}' > a.c
"${CC:-gcc}" $CFLAGS -fopenmp -c a.c
"${CC:-gcc}" $CFLAGS -fopenmp -o "$PREFIX/bin/a" a.o $LDFLAGS
"""
GO_PROGRAM = """
mkdir -p "$PREFIX/bin"
echo 'package main
import ("fmt"; "os/user")
func main() { _, _ = user.Current(); fmt.Println("works") }' > a.go
go build -o "$PREFIX/bin/a" a.go
for file in /usr/bin/go "$(go env GOTOOLDIR)/compile"; do
    od -An -t u2 -j 18 -N 2 "$file" >> "$PREFIX/bin/compiler"
done
"""
SAYS = """
import json, platform, sys, sysconfig

def _elf_machine(path):
    with open(path, "rb") as stream:
        return int.from_bytes(stream.read(20)[18:], "little")

FACTS = {
    "uname": os.uname().machine,
    "platform": [sys.platform, platform.machine(), sysconfig.get_platform()],
    "paths": sysconfig.get_paths(),
    "variables": sysconfig.get_config_vars(),
    "prefixes": [sys.base_prefix, sys.base_exec_prefix],
    "implementation": sys.implementation._multiarch,
    "flags": [os.environ["CFLAGS"], os.environ["CXXFLAGS"]],
}

def says():
    return json.dumps({**FACTS, "running on": _elf_machine("/proc/self/exe")}, default=str)
"""
X86_64, AARCH64 = 62, 183
"""What an ELF header calls them."""


def told(folder: Path, route: str, says: str = SAYS, backend: str = "backend") -> tuple[Built, dict[str, Any]]:
    """Build a wheel whose build backend writes down what it is told; return that."""
    make_telling_sdist(folder / "index", says, backend=backend)
    steps = '[[step]]\nuses = "pip"\nrequirements = ["told==1.0"]\n'
    built = made(folder, recipe(steps, arch="arm64", runtime="python3.13"), route)
    with zipfile.ZipFile(built.path) as archive:
        text = archive.read("python/told.txt").decode()
    return built, json.loads(re.sub(r"\.tmp\w+/builds-v0/\.tmp\w+", "builds-v0/a", text))


@pytest.mark.usefixtures("engine", "static_uv")
def test_the_native_python_reports_the_same_values_as_the_emulated_one(index: Index, tmp_path: Path) -> None:
    assert index.url
    built, fast = told(tmp_path, "accelerated")
    _, slow = told(tmp_path, "emulated")
    assert (fast.pop("running on"), slow.pop("running on")) == (X86_64, AARCH64)
    assert fast == slow
    assert fast["platform"] == ["linux", "aarch64", "linux-aarch64"]
    assert built.manifest.notes == ()


@pytest.mark.usefixtures("engine", "static_uv")
@pytest.mark.parametrize(("name", "optimised"), [("backend", True), ("mesonpy", False)])
def test_extensions_are_optimised_as_this_python_does_it(
    index: Index, tmp_path: Path, name: str, *, optimised: bool
) -> None:
    """Meson has its own optimisation, before CFLAGS; setuptools drops that of the interpreter when CFLAGS is set."""
    assert index.url
    _, facts = told(tmp_path, "accelerated", backend=name)
    words = facts["variables"]["CFLAGS"].split()
    wanted = {word for word in words if word.startswith(("-O", "-DNDEBUG"))}
    assert len(wanted) == 2
    for given in facts["flags"]:
        assert "-march=armv8.2-a" in given.split()
        assert wanted & set(given.split()) == (wanted if optimised else set())


@pytest.mark.usefixtures("engine", "static_uv")
def test_a_build_that_needs_the_emulated_python_gets_it(index: Index, tmp_path: Path) -> None:
    assert index.url
    condition = '_elf_machine("/proc/self/exe") == 183'
    picky = SAYS.replace("says():\n", f'says():\n    assert {condition}, "not this machine"\n')
    built, facts = told(tmp_path, "auto", picky)
    assert facts["running on"] == AARCH64
    assert [note for note in built.notes if "had to be emulated: AssertionError: not this machine" in note]


def test_openmp_is_that_of_the_targets_gcc(engine: Engine, tmp_path: Path) -> None:
    built = made(tmp_path, making(OPENMP_PROGRAM), "accelerated")
    (data,) = programs(built.path).values()
    assert "libgomp.so.1" in interface(data)["needed"]
    assert works(engine, built, tmp_path)


def test_go_is_compiled_without_emulation(engine: Engine, tmp_path: Path) -> None:
    packages = '[[step]]\nuses = "packages"\ninstall = ["golang"]\n'
    text = making(GO_PROGRAM).replace("[[step]]", f"{packages}[[step]]", 1)
    built = made(tmp_path, text, "accelerated")
    with zipfile.ZipFile(built.path) as archive:
        assert archive.read("bin/compiler").split() == [str(X86_64).encode()] * 2
    assert {interface_of_go(data) for data in programs(built.path).values()} == {("EM_AARCH64", True)}
    assert works(engine, built, tmp_path)


def interface_of_go(data: bytes) -> tuple[str, bool]:
    """Return the machine of a program, and whether it calls the C library as an emulated Go's does."""
    found = interface(data)
    return found["machine"], "libc.so.6" in found["needed"]


def test_a_language_without_a_native_compiler_is_reported(engine: Engine, tmp_path: Path) -> None:
    assert engine.kind == "docker"
    packages = '[[step]]\nuses = "packages"\ninstall = ["gcc-gfortran"]\n'
    write_recipe(tmp_path, "a", making(C_PROGRAM).replace("[[step]]", f"{packages}[[step]]", 1))
    assert "  emulated Fortran: only C, C++, Go and Rust are accelerated" in layerwright("plan", "a", cwd=tmp_path).out
    assert layerwright("plan", "a", "--json", cwd=tmp_path).json["plans"][0]["slow"]
    assert "  emulated Fortran" not in layerwright("plan", "a", "--route", "emulated", cwd=tmp_path).out


def test_an_arm64_machine_accelerates_for_x86_64(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ("linux/arm64", "linux/amd64")
    laptop = dataclasses.replace(engine, nodes=(Node(name="laptop", platforms=both, native=both[0]),))
    monkeypatch.setattr(client, "find", lambda *_: laptop)
    built = made(tmp_path, making(CXX_PROGRAM).replace('["arm64"]', '["x86_64"]'), "accelerated")
    assert built.manifest.route == "accelerated"
    (data,) = programs(built.path).values()
    assert interface(data)["machine"] == "EM_X86_64"
    assert b"clang" not in data
    assert works(engine, built, tmp_path)


def test_a_toolchain_that_cannot_be_installed_leaves_emulation(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.kind == "docker"
    wrong = property(lambda _: ("clang", "lld", "no-such-package"), lambda *_: None)  # also of systems read later
    monkeypatch.setattr(OperatingSystem, "toolchain", wrong, raising=True)
    built = made(tmp_path, making(CXX_PROGRAM))
    assert built.manifest.route == "emulated"
    assert [note for note in built.notes if "no package is called `no-such-package`" in note]
