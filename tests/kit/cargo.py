"""Projects of cargo that tests make, and a cargo that must not run."""

from pathlib import Path

import pytest

ROOT_ROW = '[[package]]\nname = "program"\nversion = "1.0.0"\n'
SOURCE = "registry+https://crates.example/index"


def row(name: str, version: str = "1.0.0", sha256: str = "0" * 64) -> str:
    """Return the row of a crate, as cargo writes it."""
    return f'\n[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "{SOURCE}"\nchecksum = "{sha256}"\n'


def project(folder: Path, dependencies: str = "", lock: str | None = ROOT_ROW, main: str = "fn main() {}\n") -> Path:
    """Write a project `program`; `dependencies` is what its Cargo.toml ends with, `lock` the rows of its lock."""
    (folder / "src").mkdir(parents=True)
    head = '[package]\nname = "program"\nversion = "1.0.0"\nedition = "2021"\nlicense = "MIT"\n'
    (folder / "Cargo.toml").write_text(f"{head}{dependencies}\n", encoding="utf-8")
    (folder / "src" / "main.rs").write_text(main, encoding="utf-8")
    if lock is not None:
        (folder / "Cargo.lock").write_text(f"version = 3\n\n{lock}", encoding="utf-8")
    return folder


def step(more: str = 'path = "program"') -> str:
    return f'[[step]]\nuses = "cargo"\n{more}\n'


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no cargo be found on the host."""
    monkeypatch.setattr("builder.packages.cargo.cargo.shutil.which", lambda _: None)
