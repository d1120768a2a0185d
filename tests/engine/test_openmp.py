"""OpenMP compiled by clang for the target's libgomp, and by GCC where it calls more than is known."""

import shutil
import zipfile
from pathlib import Path

import pytest
from kit.commands import write_recipe
from kit.foreign import interface, made, making, programs, works

from builder.building.layer import Built
from builder.engine.client import Engine

BEGIN = """
: "${CC:=gcc}" "${CXX:=g++}"
mkdir -p "$PREFIX/bin"
cd "$(mktemp -d)"
cp "$RECIPE/program.c" a.c
cp a.c a.cc
"""
END = '{ readelf -p .comment a.o; nm -u a.o; } > "$PREFIX/bin/told"\n'
PROGRAM = """
"$CC" {flags} -fopenmp -c a.c -o a.o
"$CC" -fopenmp -o "$PREFIX/bin/a" a.o $LDFLAGS
"""
CXX_PROGRAM = """
"$CXX" {flags} -fopenmp -c a.cc -o a.o
"$CXX" -fopenmp -o "$PREFIX/bin/a" a.o $LDFLAGS
"""
LIBRARY = """
mkdir -p "$PREFIX/lib"
"$CC" {flags} -fPIC -fopenmp -Dmain=tried -c a.c -o a.o
"$CC" -O0 -fPIC -fopenmp -Dmain=other -c a.c -o b.o
echo "int tried(void), other(void); int main(void) {{ return other() || tried(); }}" > main.c
"$CC" -shared -fopenmp -o "$PREFIX/lib/libtried.so" a.o $LDFLAGS
"$CC" -shared -fopenmp -o "$PREFIX/lib/libother.so" b.o $LDFLAGS
"$CC" -o "$PREFIX/bin/a" main.c -L"$PREFIX/lib" -ltried -lother $LDFLAGS
"""


def compiled(folder: Path, name: str, text: str, route: str) -> Built:
    """Build a recipe with a program of this folder."""
    write_recipe(folder, "a", "")
    shutil.copy(Path(__file__).with_name(name), folder / "recipes" / "a" / "program.c")
    return made(folder, making(BEGIN + text.format(flags="$CFLAGS") + END), route)


def told(built: Built) -> str:
    """Return what the object says: its compiler, and what it calls."""
    with zipfile.ZipFile(built.path) as archive:
        return archive.read("bin/told").decode()


@pytest.mark.parametrize("text", [PROGRAM, CXX_PROGRAM], ids=["C", "C++"])
def test_clang_compiles_what_calls_libgomp(engine: Engine, tmp_path: Path, text: str) -> None:
    fast = compiled(tmp_path, "openmp.c", text, "accelerated")
    assert "clang version" in told(fast)
    assert "GOMP_parallel" in told(fast)
    assert "__kmpc" not in told(fast)
    assert works(engine, fast, tmp_path)
    slow = compiled(tmp_path, "openmp.c", text, "emulated")
    assert "clang version" not in told(slow)
    (ours,), (theirs,) = (programs(built.path).values() for built in (fast, slow))
    assert {"libgomp.so.1"} <= {*interface(ours)["needed"]} <= {*interface(theirs)["needed"]}
    more = interface(ours)["versions"] - interface(theirs)["versions"]
    assert more <= {"libgomp.so.1:GOMP_2.0"}, "what openmp.c calls, of GCC 4.4"


def test_each_library_of_a_process_has_its_own(engine: Engine, tmp_path: Path) -> None:
    """Both have the same functions and threads' variables, hidden from each other."""
    built = compiled(tmp_path, "openmp.c", LIBRARY, "accelerated")
    assert "clang version" in told(built)
    with zipfile.ZipFile(built.path) as archive:
        exported = interface(archive.read("lib/libtried.so"))["exported"]
    assert not [name for name in exported if "kmpc" in name]
    recipe = tmp_path / "recipes" / "a" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("$(/opt/bin/a)", "$(/opt/bin/a | uniq)"))
    assert works(engine, built, tmp_path)


def test_gcc_compiles_what_calls_more_than_that(engine: Engine, tmp_path: Path) -> None:
    built = compiled(tmp_path, "openmp_tasks.c", PROGRAM, "accelerated")
    assert "clang version" not in told(built)
    assert "GCC: " in told(built)
    assert "GOMP_task" in told(built)
    assert works(engine, built, tmp_path)


MIXED = """
"$CC" {flags} -fopenmp -DNO_TASKS -Dmain=tried -c a.c -o a.o
"$CC" {flags} -fopenmp -Dmain=other -c a.c -o b.o
echo "int tried(void), other(void); int main(void) {{ return tried() || other(); }}" > main.c
"$CC" -fopenmp -o "$PREFIX/bin/a" main.c a.o b.o $LDFLAGS
nm a.o b.o "$PREFIX/bin/a" | grep critical_user > "$PREFIX/bin/locks"
"""


def test_a_lock_with_a_name_is_the_same_in_what_clang_and_gcc_compile(engine: Engine, tmp_path: Path) -> None:
    built = compiled(tmp_path, "openmp_tasks.c", MIXED, "accelerated")
    assert "clang version" in told(built)
    with zipfile.ZipFile(built.path) as archive:
        locks = archive.read("bin/locks").decode()
    names = [line.split()[-1] for line in locks.splitlines() if "a_name" in line]
    assert names == [".gomp_critical_user_a_name"] * 3
    recipe = tmp_path / "recipes" / "a" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("$(/opt/bin/a)", "$(/opt/bin/a | uniq)"))
    assert works(engine, built, tmp_path)
