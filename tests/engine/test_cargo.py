"""Programs in Rust from projects: fetched by their lock, compiled without network, for both architectures."""

import json
import zipfile
from pathlib import Path

import pytest
from kit.cargo import project, step
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.foreign import interface, programs

from builder.authoring.relock import relock
from builder.base.emitter import Events
from builder.base.errors import BuildError
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.engine.client import Engine
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.target import targets

DEPENDS = '[dependencies]\nitoa = "1"\n'
MAIN = """
fn main() {
    let panicked = std::panic::catch_unwind(|| { if std::env::args().count() > 9 { panic!("never") } });
    assert!(panicked.is_ok());
    println!("{} {}", itoa::Buffer::new().format(7), env!("ROUTES"));
}
"""
BUILD = """
fn main() {
    let marker = std::path::Path::new("%s");
    std::fs::create_dir_all(marker.parent().unwrap()).unwrap();
    std::fs::write(marker, "ran").unwrap();
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    println!("cargo:rustc-env=ROUTES={}", routes.lines().skip(1).count());
}
"""
"""Writes a marker, and tells how many routes lead out of the place that it runs in."""
TEST = '[[test]]\nshell = \'[ "$(program)" = "7 0" ]\'\n'


def loaded(folder: Path, program: object, arch: str) -> Loaded:
    """Return a recipe whose project has one crate of the registry and a build script."""
    assert callable(program)
    program("cargo")
    made = project(folder / "recipes" / "a" / "program", DEPENDS, lock=None, main=MAIN)
    (made / "build.rs").write_text(BUILD % (folder / "marker").as_posix(), encoding="utf-8")
    write_recipe(folder, "a", recipe(step(), TEST, arch=arch))
    found = recipes.load(folder / "recipes", "a")
    relock(found, upgrade=False, events=Events())
    return found


def made(folder: Path, one: Loaded) -> Built:
    return build(one, targets(one.recipe)[0], Options(output=folder, test="always"), Events())


@pytest.mark.network
@pytest.mark.parametrize("arch", ["x86_64", pytest.param("arm64", marks=pytest.mark.long)])
def test_a_program_is_fetched_compiled_without_network_and_works(
    engine: Engine, tmp_path: Path, program: object, arch: str
) -> None:
    built = made(tmp_path, loaded(tmp_path, program, arch))
    assert built.manifest.route == ("native" if engine.architecture.name == arch else "accelerated")
    assert built.manifest.notes == ()
    assert not (tmp_path / "marker").exists()
    (data,) = programs(built.path).values()
    assert interface(data)["machine"] == ("EM_X86_64" if arch == "x86_64" else "EM_AARCH64")
    assert b"/layerwright" not in data
    assert b"/native" not in data
    assert [row.ecosystem for row in built.manifest.packages] == ["cargo", "cargo"]


@pytest.mark.network
def test_crates_are_known_to_licences_and_bill_of_materials(engine: Engine, tmp_path: Path, program: object) -> None:
    assert engine.kind == "docker"
    built = made(tmp_path, loaded(tmp_path, program, "x86_64"))
    found = {row.package: row for row in built.manifest.licences}
    assert found["program"].license == "MIT"
    assert found["itoa"].license == "MIT OR Apache-2.0"
    assert [path.rpartition("/")[2] for path in found["itoa"].texts] == ["LICENSE-APACHE", "LICENSE-MIT"]
    bom = json.loads(built.path.with_suffix(".cdx.json").read_text(encoding="utf-8"))
    version = found["itoa"].version
    (row,) = [row for row in bom["components"] if row.get("purl") == f"pkg:cargo/itoa@{version}"]
    assert row["licenses"]
    assert row["hashes"][0]["alg"] == "SHA-256"
    with zipfile.ZipFile(built.path) as archive:
        assert "bin/program" in archive.namelist()


@pytest.mark.long
@pytest.mark.network
def test_two_builds_from_nothing_give_the_same_bytes(engine: Engine, tmp_path: Path, program: object) -> None:
    assert engine.kind == "docker"
    loaded(tmp_path, program, "x86_64")
    result = layerwright("build", "a", "--verify", cwd=tmp_path)
    assert result.code == 0, result.err


@pytest.mark.network
def test_a_crate_with_another_hash_than_the_lock_is_not_compiled(
    engine: Engine, tmp_path: Path, program: object
) -> None:
    assert engine.kind == "docker"
    one = loaded(tmp_path, program, "x86_64")
    lock = tmp_path / "recipes" / "a" / "program" / "Cargo.lock"
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [f'checksum = "{"0" * 64}"\n' if line.startswith("checksum") else line for line in lines]
    lock.write_text("".join(changed), encoding="utf-8")
    with pytest.raises(BuildError) as raised:
        made(tmp_path, one)
    assert "checksum" in str(raised.value)
