"""The canary: no command runs anything of a package or of a project on this host, for any ecosystem.

Every hook that a package manager has leaves a marker. The commands are processes of their own, in a project full of
traps; packages come from an index on loopback.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import need
from kit import canary
from kit import engine as engines
from kit.commands import Result, write_recipe
from kit.compiled import recipe
from kit.worlds.all import WORLDS
from kit.worlds.world import World

from builder.engine.client import Engine

PROGRAM = Path(sys.executable).with_name("layerwright")
PREBUILT = [name for name, world in WORLDS.items() if not world.compiled]
"""Ecosystems with packages that need no container."""


def each(names: Iterable[str]) -> list[Any]:
    """Return ecosystems; Maven fetches a plugin from its usual repository."""
    return [pytest.param(name, marks=[pytest.mark.network] if name == "maven" else []) for name in sorted(names)]


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = WORLDS[request.param]()
    for program in made.programs:
        need(program)
    if made.compiled and "engine" in request.fixturenames:
        made.host = engines.gateway()
    (tmp_path / "world").mkdir()
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    with made.running(tmp_path / "world", monkeypatch):
        yield made


@pytest.fixture
def markers(tmp_path: Path) -> Path:
    folder = tmp_path / "markers"
    (folder / "packages").mkdir(parents=True)
    return folder


@pytest.fixture
def project(tmp_path: Path, markers: Path) -> Path:
    """Make a repository with a trap for each program that could be started in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    canary.lay(folder, canary.traps(markers))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def call(project: Path, *arguments: str) -> Result:
    done = subprocess.run([str(PROGRAM), *arguments], cwd=project, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode in {0, 2, 3, 4, 5, 6}, done.stderr
    assert "Traceback" not in done.stderr
    return Result(code=done.returncode, out=done.stdout, err=done.stderr)


def named(project: Path, name: str, world: World, step: str) -> Path:
    """Write a recipe, with the traps beside it as well."""
    text = recipe(step, runtime=world.runtime).replace('name        = "a"', f'name        = "{name}"')
    folder = write_recipe(project, name, text).parent
    canary.lay(folder, [trap for trap in canary.traps(project.parent / "markers") if trap.path != "package.json"])
    return folder


def marks(markers: Path) -> list[str]:
    return sorted(path.name for path in markers.rglob("*") if path.is_file() and path.name != "wrapper")


@pytest.mark.parametrize("world", each(WORLDS), indirect=True)
def test_planning_locking_and_updating_run_nothing(world: World, project: Path, markers: Path) -> None:
    step, _ = world.hostile(markers / "packages" / "ran")
    folder = named(project, "a", world, step)
    for command in (("lint",), ("plan", "a"), ("lock", "a"), ("plan", "a"), ("update", "a")):
        result = call(project, *command)
        assert marks(markers) == [], (command, result.err)
    assert (folder / world.lock).is_file()


@pytest.mark.parametrize("world", each(PREBUILT), indirect=True)
def test_building_and_examining_run_nothing(world: World, project: Path, markers: Path) -> None:
    _, step = world.hostile(markers / "packages" / "ran")
    assert step
    named(project, "a", world, step)
    result = call(project, "build", "a", "--no-test")
    assert result.code == 0, result.err
    (built,) = (project / "dist").glob("**/*.zip")
    zipped = str(built.relative_to(project))
    for command in (("check", zipped), ("inspect", zipped), ("licenses", zipped)):
        assert call(project, *command).code in {0, 5}, command
        assert marks(markers) == [], command


@pytest.mark.parametrize("world", sorted(WORLDS), indirect=True)
def test_what_containers_run_stays_in_them(engine: Engine, world: World, project: Path, markers: Path) -> None:
    """A build script fails here, since it finds no folder for its marker; that is no matter."""
    assert engine.program
    step, prebuilt = world.hostile(markers / "packages" / "ran")
    named(project, "a", world, step)
    call(project, "build", "a", "--no-test")
    if prebuilt:
        named(project, "b", world, prebuilt)
        assert call(project, "build", "b", "--no-test").code == 0
        (built,) = (project / "dist").glob("**/b-*.zip")
        assert call(project, "test", str(built)).code in {0, 6}
    assert marks(markers) == []


def test_the_canary_can_die(project: Path, markers: Path) -> None:
    """Each trap whose program is on this host leaves its marker when a user starts that program."""
    fired = [trap for trap in canary.traps(markers) if canary.can_fire(trap)]
    assert len(fired) > len(canary.traps(markers)) // 2
    for trap in fired:
        for mark in marks(markers):
            (markers / mark).unlink()
        folder = project.parent / "single" / trap.path.replace("/", "-")
        canary.lay(folder, [trap])
        canary.fire(folder, trap)
        assert marks(markers), trap.path
