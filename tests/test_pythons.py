"""The built wheel, installed as users install it, on every Python that it is for: it builds, plans, checks."""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from kit import shared
from kit.commands import ROOT, layerwright

from builder.base.files import sha256

pytestmark = [pytest.mark.network, pytest.mark.long]
SERIES = ("3.10", "3.11", "3.12", "3.13", "3.14")
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
UV = Path(sys.executable).with_name("uv")
Way = Callable[[Path, Path, Path], list[str]]


def interpreter(series: str) -> Path:
    """Return a Python of a series: in PATH, of pyenv, or one that uv finds. Skips the test if this host has none."""
    candidates = [shutil.which(f"python{series}"), *Path.home().glob(f".pyenv/versions/{series}.*/bin/python")]
    found = subprocess.run(
        [UV, "python", "find", "--offline", series], capture_output=True, encoding="utf-8", check=False
    )
    for candidate in (*candidates, found.stdout.strip()):
        if candidate and _is_of(Path(candidate), series):
            return Path(candidate)
    pytest.skip(f"this host has no Python {series}: `uv python install {series}`")


def _is_of(python: Path, series: str) -> bool:
    """Tell whether a Python runs, and is of a series: a shim of pyenv is there for versions that are not chosen."""
    command = [str(python), "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return False
    return done.stdout.strip() == series


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next(shared.once(tmp_path_factory, "wheel", _built).glob("*.whl"))


def _built(folder: Path) -> None:
    list(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the hash of a layer of this clone."""
    output = tmp_path_factory.mktemp("expected")
    assert layerwright("build", "bash-runtime", "--no-test", "--output", output, cwd=ROOT).code == 0
    return sha256(next(output.glob("*.zip")))


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder in which no clone and no other environment is in reach."""
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR", "UV_TOOL_DIR", "UV_TOOL_BIN_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def by_pip(python: Path, wheel: Path, folder: Path) -> list[str]:
    run(python, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / SCRIPTS
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)  # it compiles all that it installs
    return [str(programs / "layerwright")]


def by_pipx(python: Path, wheel: Path, folder: Path) -> list[str]:
    run(UV, "tool", "run", "pipx", "install", "--quiet", "--python", python, wheel, cwd=folder)
    return [str(folder / "pipx_bin_dir" / "layerwright")]


def by_uv(python: Path, wheel: Path, folder: Path) -> list[str]:
    run(UV, "tool", "install", "--quiet", "--python", python, wheel, cwd=folder)
    return [str(folder / "uv_tool_bin_dir" / "layerwright")]


def by_uvx(python: Path, wheel: Path, folder: Path) -> list[str]:  # noqa: ARG001  nothing is installed
    return [str(UV), "tool", "run", "--quiet", "--python", str(python), "--from", str(wheel), "layerwright"]


def require_works(program: list[str], folder: Path, expected: str) -> None:
    """Build a recipe of the catalogue, write a copy, plan it, check the zip: with nothing but what was installed."""
    assert run(*program, "--version", cwd=folder).startswith("layerwright, version ")
    work = folder / "work"
    work.mkdir()
    run(*program, "build", "bash-runtime", "--no-test", cwd=work)
    (made,) = (work / "dist").glob("*.zip")
    assert sha256(made) == expected
    assert run(*program, "check", made, "--json", cwd=work).startswith("{")
    run(*program, "new", "mine", "--from", "jq", cwd=work)
    run(*program, "lint", cwd=work)
    planned = json.loads(run(*program, "plan", "mine", "--arch", "arm64", "--json", cwd=work))
    assert [plan["target"].partition("-")[0] for plan in planned["plans"]] == ["mine"]


@pytest.mark.parametrize("series", SERIES)
def test_pip_on_every_python(series: str, wheel: Path, expected: str, clean: Path) -> None:
    require_works(by_pip(interpreter(series), wheel, clean), clean, expected)


@pytest.mark.parametrize("way", [by_pipx, by_uv, by_uvx], ids=["pipx", "uv-tool", "uvx"])
def test_each_installer(way: Way, wheel: Path, expected: str, clean: Path) -> None:
    require_works(way(Path(sys.executable), wheel, clean), clean, expected)


def test_the_page_of_the_manual_is_installed(wheel: Path, clean: Path) -> None:
    by_pip(Path(sys.executable), wheel, clean)
    assert (clean / "venv/share/man/man1/layerwright.1").is_file()


def test_the_sdist_gives_the_same_wheel(wheel: Path, clean: Path) -> None:
    """What is packed from the sdist has everything that the clone has."""
    from hatchling.builders.sdist import SdistBuilder

    (sdist,) = SdistBuilder(str(ROOT)).build(directory=str(clean / "sdist"), versions=["standard"])
    run(UV, "build", "--quiet", "--wheel", "--out-dir", clean / "again", sdist, cwd=clean)
    (again,) = (clean / "again").glob("*.whl")
    assert members(again) == members(wheel)


@functools.cache
def members(wheel: Path) -> dict[str, int]:
    """Return the files of a wheel with their checksums, without the list of them."""
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist() if not info.filename.endswith("RECORD")}
