"""Programs in Go for both architectures: modules by go.sum, compiled without network by the engine's own processor."""

import zipfile
from pathlib import Path

import pytest
from kit.compiled import recipe
from kit.foreign import made, works

from builder.base.errors import BuildError
from builder.building.layer import Built
from builder.engine.client import Engine
from builder.layer import elf, reader
from builder.packages import table

MACHINES = {"x86_64": ("EM_X86_64", "native"), "arm64": ("EM_AARCH64", "accelerated")}
MOD = """// Written by `layerwright lock`, for github.com/BurntSushi/toml/cmd/tomlv@v1.2.0

module layer

go 1.17

require github.com/BurntSushi/toml v1.2.0 // indirect
"""
SUM = """github.com/BurntSushi/toml v1.2.0 h1:Rt8g24XnyGTyglgET/PRUNlrUeu9F5L+7FilkXfZgs0=
github.com/BurntSushi/toml v1.2.0/go.mod h1:CxXYINrC8qIiEnFrOxCa7Jy5BFHlXnUU2pbicEuybxQ=
"""
PACKAGE = """[[step]]
uses    = "go"
package = "github.com/BurntSushi/toml/cmd/tomlv@v1.2.0"
"""
VALID = """[[test]]
shell = 'echo "a = 1" > /tmp/a.toml && tomlv /tmp/a.toml && ! tomlv /opt/bin/tomlv'
"""
WITH_C = """package main

// #include <stdlib.h>
import "C"
import "fmt"

var word = "fails"

func main() {
	if C.abs(-1) == 1 {
		fmt.Println(word)
	}
}
"""
FOLDER = """[[step]]
uses      = "go"
path      = "ext"
main      = "cmd/a"
cgo       = true
variables = { "main.word" = "works" }
"""
WORKS = """[[test]]
shell = '[ "$(a)" = works ]'
"""


def locked(folder: Path, sums: str = SUM) -> None:
    beside = folder / "recipes" / "a"
    beside.mkdir(parents=True)
    (beside / "go.mod").write_text(MOD, encoding="utf-8")
    (beside / "go.sum").write_text(sums, encoding="utf-8")


def program(built: Built, name: str) -> bytes:
    with zipfile.ZipFile(built.path) as archive:
        return archive.read(name)


@pytest.mark.network
@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_a_program_of_a_module_is_static_and_names_its_modules(engine: Engine, tmp_path: Path, arch: str) -> None:
    locked(tmp_path)
    built = made(tmp_path, recipe(PACKAGE, VALID, arch=arch))
    machine, route = MACHINES[arch]
    assert (built.manifest.route, built.manifest.locked, built.manifest.notes) == (route, True, ())
    found = elf.parse(program(built, "bin/tomlv"))
    assert (found.machine, found.dynamic) == (machine, False)
    assert [row.file for row in built.manifest.packages] == ["github.com/BurntSushi/toml@v1.2.0"]
    with reader.LayerZip(built.path) as layer:
        packages = {package.name: package.license for package in table.installed(layer.tree)}
    assert packages == {"stdlib": "BSD-3-Clause", "github.com/BurntSushi/toml": "MIT"}
    assert "pkg:golang/github.com/" in built.path.with_suffix(".cdx.json").read_text(encoding="utf-8")
    assert works(engine, built, tmp_path)


@pytest.mark.network
@pytest.mark.usefixtures("engine")
def test_a_module_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    wrong = SUM.replace("v1.2.0 h1:R", "v1.2.0 h1:S")
    locked(tmp_path, wrong)
    with pytest.raises(BuildError) as error:
        made(tmp_path, recipe(PACKAGE))
    assert "checksum mismatch" in "\n".join(error.value.why)


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_a_program_beside_the_recipe_may_use_c(engine: Engine, tmp_path: Path, arch: str) -> None:
    source = tmp_path / "recipes" / "a" / "ext"
    (source / "cmd" / "a").mkdir(parents=True)
    (source / "go.mod").write_text("module ext\n\ngo 1.15\n", encoding="utf-8")
    (source / "cmd" / "a" / "main.go").write_text(WITH_C, encoding="utf-8")
    built = made(tmp_path, recipe(FOLDER, WORKS, arch=arch))
    machine, route = MACHINES[arch]
    assert built.manifest.route == route
    found = elf.parse(program(built, "bin/a"))
    assert found.machine == machine
    assert "libc.so.6" in found.needed
    assert works(engine, built, tmp_path)
