"""Rust for the other architecture: rustc, cargo, build scripts and macros run on the engine's own processor."""

import zipfile
from pathlib import Path

import pytest
from kit.commands import layerwright
from kit.compiled import recipe
from kit.foreign import interface, made, making, programs, works

from builder.engine.client import Engine

PACKAGES = '[[step]]\nuses = "packages"\ninstall = ["cargo"]\n'
PROGRAM = """
mkdir -p "$PREFIX/bin" src said/src
echo '[package]
name = "a"
version = "1.0.0"
edition = "2021"
[dependencies]
said = { path = "said" }
[build-dependencies]
said = { path = "said" }' > Cargo.toml
echo '[package]
name = "said"
version = "1.0.0"
edition = "2021"
[lib]
proc-macro = true' > said/Cargo.toml
echo 'use proc_macro::TokenStream;
#[proc_macro]
pub fn word(_: TokenStream) -> TokenStream { "\\"works\\"".parse().unwrap() }' > said/src/lib.rs
echo 'use std::{env, fs};
fn main() {
    assert_eq!(said::word!(), "works");
    let program = fs::read("/proc/self/exe").unwrap();
    println!("cargo:rustc-env=BUILT_ON={}", u16::from_le_bytes([program[18], program[19]]));
    println!("cargo:rustc-env=BUILT_FOR={}", env::var("TARGET").unwrap());
}' > build.rs
echo 'fn main() {
    let panicked = std::panic::catch_unwind(|| { if std::env::args().count() > 0 { panic!("caught") } });
    assert!(panicked.is_err() && std::thread::spawn(|| 7).join().unwrap() == 7);
    if std::env::args().count() > 1 { println!("{} {}", env!("BUILT_ON"), env!("BUILT_FOR")) }
    println!("{}", said::word!())
}' > src/main.rs
%s
"""
BUILT = 'cargo build --release && cp target/release/a "$PREFIX/bin/a"'
BUILDS = {
    "target": BUILT,
    "installed": 'cargo install --path . --root "$PREFIX" && rm "$PREFIX/.crates.toml" "$PREFIX/.crates2.json"',
    "elsewhere": (
        "cargo --quiet build --manifest-path Cargo.toml --release --target-dir=/tmp/there"
        ' && cp /tmp/there/release/a "$PREFIX/bin/a"'
    ),
    "asked": (
        'cargo build --release --target "$MACHINE-unknown-linux-gnu"'
        ' && cp "target/$MACHINE-unknown-linux-gnu/release/a" "$PREFIX/bin/a"'
    ),
    "alone": 'echo \'fn main() { println!("works") }\' > a.rs && rustc -O -o "$PREFIX/bin/a" a.rs',
}
X86_64 = 62
"""ELF's number."""


def rust(build: str) -> str:
    return making(PROGRAM % build).replace("[[step]]", f"{PACKAGES}[[step]]", 1)


@pytest.mark.parametrize("build", BUILDS)
def test_a_program_is_compiled_without_emulation(engine: Engine, tmp_path: Path, build: str) -> None:
    built = made(tmp_path, rust(BUILDS[build]), "accelerated")
    assert built.manifest.route == "accelerated"
    assert built.manifest.notes == ()
    (data,) = programs(built.path).values()
    assert interface(data)["machine"] == "EM_AARCH64"
    assert b"/native" not in data
    assert works(engine, built, tmp_path)


def test_build_scripts_and_macros_run_on_the_engines_own_processor(engine: Engine, tmp_path: Path) -> None:
    assert engine.kind == "docker"
    built = made(tmp_path, rust(BUILT), "accelerated")
    wanted = f"{X86_64} aarch64-unknown-linux-gnu"
    shell = f'[ "$(/opt/bin/a x | head -n 1)" = "{wanted}" ]'
    tested = layerwright("test", built.path, "--shell", shell, cwd=tmp_path)
    assert tested.code == 0, tested.err


def test_acceleration_and_emulation_give_the_same_program(engine: Engine, tmp_path: Path) -> None:
    assert engine.kind == "docker"
    fast, slow = (made(tmp_path, rust(BUILT), route) for route in ("accelerated", "emulated"))
    assert slow.manifest.route == "emulated"
    ours, theirs = ([interface(data) for data in programs(one.path).values()] for one in (fast, slow))
    assert ours == theirs


@pytest.mark.network
@pytest.mark.parametrize(("package", "version"), [("rpds-py", "0.22.3"), ("bcrypt", "4.2.1")])
def test_wheels_by_maturin_and_by_setuptools_rust(engine: Engine, tmp_path: Path, package: str, version: str) -> None:
    assert engine.kind == "docker"
    step = f'[[step]]\nuses = "pip"\nrequirements = ["{package}=={version}"]\nwheels = "never"\n'
    module = package.partition("-")[0]
    test = f'[[test]]\npython = "import {module}"\n'
    built = made(tmp_path, recipe(PACKAGES + step, test, arch="arm64", runtime="python3.13"), "auto")
    assert built.manifest.route == "accelerated"
    assert works(engine, built, tmp_path)
    with zipfile.ZipFile(built.path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".so")]
        found = interface(archive.read(name))
    assert name.endswith(("-aarch64-linux-gnu.so", ".abi3.so"))
    assert found["machine"] == "EM_AARCH64"
    assert not any("python" in soname for soname in found["needed"])
