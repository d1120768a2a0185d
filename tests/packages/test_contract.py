"""The contract of ecosystems: the same cases, and the same words, for each of them.

Nothing of a package runs on this host; values of indexes, locks and archives have their form or are refused by the name
of the sender; credentials stay with their origin; locks, licenses and damage in the cache are handled alike.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import need
from kit import engine as engines
from kit import loopback, tls
from kit.loopback import PASSWORD
from kit.worlds.all import WORLDS
from kit.worlds.world import DIGEST, MEMBERS, Thing, World

from builder.authoring import relock
from builder.base import cache_paths, caches
from builder.base.emitter import Events
from builder.base.errors import LayerwrightError, UsageError
from builder.base.values import RelativePath
from builder.building import layer
from builder.building.job import Options
from builder.layer.licences import NONE, Policy
from builder.layer.reader import LayerZip
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.packages import table
from builder.packages.ecosystem import requests
from builder.plan.planning import plan
from builder.report import legal

RECIPE = """
[layer]
name = "some"
version = "1"
description = "for tests"
license = "MIT"
[targets]
runtimes = ["{}"]
architectures = ["x86_64"]
{}
[slim]
bytecode = "off"
"""
DIGESTS = ("../../victim", "A" * 64, "a" * 63, "None", "")
NAMES = ("../../victim", "..", "a/b", "a\\b", "a\nb", "a\x07b", "/etc/victim", "C:victim")
FEWER = ("../../victim", "a\\b", "a\nb", "a\x07b", "C:victim")
"""For indexes: each is asked by a client of its own."""
NETWORK = {"maven"}
"""Ecosystems whose own client fetches a plugin from its usual repository."""


def every(*, network: bool = True) -> list[Any]:
    return [pytest.param(name, marks=_marks(name, network=network)) for name in sorted(WORLDS)]


def each(*values: str) -> list[Any]:
    """Return each ecosystem with each value; two where a client takes seconds, and in short runs where a container."""
    return [
        pytest.param(name, value, marks=[*_marks(name, network=True), *_later(name, values.index(value))])
        for name in sorted(WORLDS)
        for value in values[: 2 if name in NETWORK else None]
    ]


def _later(name: str, number: int) -> Any:
    return [pytest.mark.long] if WORLDS[name].compiled and number > 1 else []


def saying(attribute: str, *values: str) -> list[Any]:
    """Return each ecosystem with what its index or its lock can send, and with each value where there are any."""
    rows = [(name, what) for name in sorted(WORLDS) for what in sorted(getattr(WORLDS[name], attribute) - {DIGEST})]
    if not values:
        return [pytest.param(name, what) for name, what in rows]
    return [
        pytest.param(name, what, value, marks=_marks(name, network=True))
        for name, what in rows
        for value in values[: 2 if name in NETWORK else None]
    ]


def _marks(name: str, *, network: bool) -> Any:
    return [pytest.mark.network] if network and name in NETWORK else []


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = WORLDS[request.param]()
    for program in made.programs:
        need(program)
    if made.compiled and "container" in request.fixturenames:
        request.getfixturevalue("engine")
        made.host = engines.gateway()
    for name in ("cache", "project", "world"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    with made.running(tmp_path / "world", monkeypatch):
        yield made


@pytest.fixture
def container() -> None:
    """Let a test build layers of ecosystems that compile theirs in a container; `world` sees that it is asked for."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


def recipe(project: Path, world: World, step: str) -> Loaded:
    path = project / "some" / "recipe.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(RECIPE.format(world.runtime, step), encoding="utf-8")
    return recipes.load(project, "some")


def locked(project: Path, world: World, *names: str) -> Loaded:
    loaded = recipe(project, world, world.step(*names))
    relock.relock(loaded, upgrade=False, events=Events())
    assert (project / "some" / world.lock).is_file()
    return loaded


def lint(loaded: Loaded) -> None:
    for ecosystem in table.of_recipe(loaded):
        ecosystem.lint(loaded)


def planned(loaded: Loaded) -> None:
    for target in targets(loaded.recipe):
        plan(loaded, target)


def built(loaded: Loaded, output: Path) -> layer.Built:
    """Build with nothing remembered of files, so that the caches of packages are what counts."""
    compiled = any(WORLDS[ecosystem.name].compiled for ecosystem in table.of_recipe(loaded))
    shutil.rmtree(cache_paths.folder("derived"), ignore_errors=True)
    options = Options(output=output, wheels_only=not compiled, rebuild=True)
    return layer.build(loaded, targets(loaded.recipe)[0], options, Events())


def content(zipped: Path) -> dict[str, bytes]:
    with LayerZip(zipped) as opened:
        return {entry.path: entry.content.read() for entry in opened.tree}


def outside(folder: Path) -> set[str]:
    """Return what lies beside the cache, the index and their clients' own folders, but for a `.gitignore`."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.name != ".gitignore")
    return {path.as_posix() for path in found if path.parts[0] not in {"cache", "world"}}


def refused(error: LayerwrightError) -> str:
    assert error.exit_code in {2, 4}, error
    return str(error)


def names_sender(error: LayerwrightError, world: World) -> bool:
    senders = ("index", "registry", "repository", ".whl", ".gem", "an archive of", world.front.url, *world.blamed)
    told = "\n".join([error.what, *error.why])  # the hint of every such error has the word index
    return any(sender in told for sender in senders)


def index_refused(world: World, loaded: Loaded, folder: Path) -> None:
    before = outside(folder)
    with pytest.raises(LayerwrightError) as raised:
        planned(loaded)
    refused(raised.value)
    assert names_sender(raised.value, world), str(raised.value)
    assert outside(folder) == before


def lock_refused(world: World, project: Path, folder: Path, text: str, lock: str = "") -> None:
    """Make sure that a lock is refused by its name, by `lint` as by `plan`, before the index is asked."""
    (project / "some" / (lock or world.lock)).write_text(text, encoding="utf-8")
    loaded = recipe(project, world, world.step("tiny"))
    before, asked = outside(folder), len(world.front.asked)
    for command in (lint, planned):
        with pytest.raises(UsageError) as raised:
            command(loaded)
        assert (lock or world.lock) in str(raised.value), text
        assert raised.value.why, text
        assert raised.value.hint, text
    assert (outside(folder), len(world.front.asked)) == (before, asked)


def test_every_ecosystem_has_a_world() -> None:
    assert {ecosystem.name for ecosystem in table.ECOSYSTEMS} == set(WORLDS)


# ---- 1 nothing runs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", every(), indirect=True)
def test_nothing_of_a_package_runs_on_this_host(world: World, project: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    step, prebuilt = world.hostile(marker)
    loaded = recipe(project, world, step)
    lint(loaded)
    planned(loaded)
    relock.relock(loaded, upgrade=True, events=Events())
    planned(loaded)
    if prebuilt:
        (project / "some" / world.lock).unlink()
        result = built(recipe(project, world, prebuilt), tmp_path / "dist")
        assert len(content(result.path)) > 0
    assert not marker.exists()


# ---- 2 digests -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize(("world", "digest"), each(*DIGESTS), indirect=["world"])
def test_a_digest_of_an_index_that_is_none_is_refused(world: World, project: Path, tmp_path: Path, digest: str) -> None:
    world.publish(Thing())
    world.lie(DIGEST, digest)
    loaded = recipe(project, world, world.step("tiny"))
    before = outside(tmp_path)
    with pytest.raises(LayerwrightError) as raised:  # uv reads capitals as what they mean, and no file has that digest
        built(loaded, tmp_path / "dist")
    refused(raised.value)
    assert names_sender(raised.value, world), str(raised.value)
    assert outside(tmp_path) - {"dist"} == before


@pytest.mark.parametrize("world", every(network=False), indirect=True)
def test_a_digest_of_a_lock_that_is_none_is_refused(
    world: World, project: Path, tmp_path: Path, lock_text: str
) -> None:
    lock = world.digests or world.lock
    text = (project / "some" / lock).read_text(encoding="utf-8") if world.digests else lock_text
    for digest in (*DIGESTS, "a" * 63 + "g"):
        lock_refused(world, project, tmp_path, world.forge(text, DIGEST, digest), lock)


# ---- 3 names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "what", "value"), saying("index_sends", *FEWER), indirect=["world"])
def test_a_name_of_an_index_that_is_a_path_is_refused(
    world: World, project: Path, tmp_path: Path, what: str, value: str
) -> None:
    world.publish(Thing())
    world.publish(Thing(name="other"))
    world.lie(what, value)
    loaded = recipe(project, world, world.step("tiny"))
    if what in world.drops:
        before = outside(tmp_path)
        (found,) = [package for target in targets(loaded.recipe) for package in plan(loaded, target).packages]
        assert found.name.endswith("tiny")
        assert outside(tmp_path) == before
    else:
        index_refused(world, loaded, tmp_path)


@pytest.mark.parametrize(("world", "what"), saying("lock_sends"), indirect=["world"])
def test_a_name_of_a_lock_that_is_a_path_is_refused(
    world: World, project: Path, tmp_path: Path, what: str, lock_text: str
) -> None:
    for value in NAMES:
        lock_refused(world, project, tmp_path, world.forge(lock_text, what, value))


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize(("world", "member"), each(*MEMBERS), indirect=["world"])
def test_a_path_in_an_archive_that_leaves_its_folder_is_refused(
    world: World, project: Path, tmp_path: Path, member: str
) -> None:
    world.publish(Thing(files={member: b"victim"}))
    loaded = recipe(project, world, world.step("tiny"))
    before = outside(tmp_path)
    if member in world.leaves_out:
        paths = set(content(built(loaded, tmp_path / "dist").path))
        assert {RelativePath.parse(path, "zip") for path in paths} == paths
    else:
        with pytest.raises(LayerwrightError) as raised:
            built(loaded, tmp_path / "dist")
        assert raised.value.exit_code == 4
        assert names_sender(raised.value, world), str(raised.value)
        assert not list((tmp_path / "dist").glob("*.zip"))
    assert {path for path in outside(tmp_path) - before if not path.startswith("dist")} == set()
    assert not any(path.exists() for path in (tmp_path / "victim", Path("/victim")))


# ---- 4 credentials -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize("world", every(), indirect=True)
def test_a_redirect_to_another_origin_gets_no_credentials(
    world: World, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish(Thing())
    world.front.private = True
    world.private(monkeypatch)
    secure = tls.server(world.host) if world.front.url.startswith("https:") else None
    with loopback.before(world.front.behind, world.host, secure) as other:
        name = "localhost" if world.host == "127.0.0.1" else f"[::ffff:{world.host}]"
        host = other.url.replace(world.host, name) if world.shared_host else other.url
        world.front.moved = lambda path: host + path if world.archive(path) else None
        result = built(recipe(project, world, world.step("tiny")), tmp_path / "dist")
    assert len(content(result.path)) > 0
    assert any(given for _, given in world.front.asked)
    assert [path for path, _ in other.asked if world.archive(path)]
    assert [given for _, given in other.asked if given] == []
    assert PASSWORD not in result.path.with_suffix(".json").read_text(encoding="utf-8")


# ---- 5 folders and repositories ------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", every(network=False), indirect=True)
def test_a_folder_and_a_repository_are_refused(world: World, project: Path) -> None:
    for name, step, files in world.local():
        (project / "some").mkdir(exist_ok=True)
        for file, text in files.items():
            (project / "some" / file).parent.mkdir(exist_ok=True)
            (project / "some" / file).write_text(text, encoding="utf-8")
        for command in (lint, planned):
            with pytest.raises(UsageError) as raised:
                command(recipe(project, world, step))
            assert raised.value.exit_code == 2, name
            assert any(words in str(raised.value) for words in world.unindexed), name
            assert raised.value.why, name
    assert world.front.asked == []


# ---- 6 stale locks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", every(network=False), indirect=True)
def test_a_stale_lock_is_refused(world: World, project: Path, lock_text: str) -> None:
    (project / "some" / world.lock).write_text(lock_text, encoding="utf-8")
    loaded = recipe(project, world, world.other("tiny"))
    asked = len(world.front.asked)
    for command in (lint, planned):
        with pytest.raises(UsageError, match=f"^the {world.lock} of some does not fit its recipe") as raised:
            command(loaded)
        assert any("tiny" in line for line in raised.value.why)
        assert raised.value.hint == "`layerwright lock some` brings it up to date"
    assert len(world.front.asked) == asked


@pytest.mark.parametrize("world", every(network=False), indirect=True)
def test_a_lock_says_its_versions_without_an_index(world: World, project: Path, lock_text: str) -> None:
    loaded = recipe(project, world, world.step("tiny"))
    asked = len(world.front.asked)
    (ecosystem,) = table.of_recipe(loaded)
    (request,) = list(requests(loaded, ecosystem.step))[:1]
    (project / "some" / world.lock).write_text(lock_text, encoding="utf-8")
    name, version = world.coordinates("tiny")
    pinned = {
        full.rpartition(":")[2]: versions for full, versions in ecosystem.pinned(request).items()
    }  # Maven's groups
    assert version in pinned[name]
    (project / "some" / world.lock).unlink()
    if world.digests:
        (project / "some" / world.digests).unlink()
    assert not ecosystem.pinned(request)
    assert len(world.front.asked) == asked


# ---- 7 licenses ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize("world", every(), indirect=True)
def test_licenses_are_the_same_everywhere(world: World, project: Path, tmp_path: Path) -> None:
    expected = {"free": "MIT", "strict": "GPL-3.0-only", "owned": "Proprietary"}
    for name, text in expected.items():
        world.publish(Thing(name=name, license=text))
    result = built(recipe(project, world, world.step(*expected)), tmp_path / "dist")
    warned = [row for row in result.manifest.findings if row.check == "license"]
    assert len(warned) == (0 if world.vague else 2)
    for name in () if world.vague else ("strict", "owned"):
        assert any(f"{name} 1.0.0" in row.message and expected[name] in row.message for row in warned)
    if world.vague:
        expected = {name: text if text == "MIT" else NONE for name, text in expected.items()}
    looked = legal.look(result.path)
    found = {(row.package, row.version): row.license for row in looked.licences if row.package not in world.along}
    assert found == {world.coordinates(name): text for name, text in expected.items()}
    objections = legal.objections([looked], Policy(deny=("GPL-*", "Proprietary", NONE)))
    assert sorted(text.split()[0] for text in objections) == [
        world.coordinates(name)[0] for name in ("owned", "strict")
    ]
    bill = json.loads(result.path.with_suffix(".cdx.json").read_text(encoding="utf-8"))
    rows = {row["purl"]: row.get("licenses", []) for row in bill["components"] if row.get("purl")}
    rows = {purl: texts for purl, texts in rows.items() if not any(f"/{name}@" in purl for name in world.along)}
    assert rows == {
        world.purl(name): [{"license": {"name" if name == "owned" else "id": text}}] if text != NONE else []
        for name, text in expected.items()
    }


# ---- 8 damage ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize("world", every(), indirect=True)
def test_a_flipped_byte_in_the_cache_never_reaches_a_layer(world: World, project: Path, tmp_path: Path) -> None:
    world.publish(Thing())
    loaded = locked(project, world, "tiny")
    before = content(built(loaded, tmp_path / "dist").path)
    kept = list(world.kept(tmp_path / "cache"))
    assert kept
    for path in kept:
        for place in (0, path.stat().st_size // 2, path.stat().st_size - 1):
            data = bytearray(path.read_bytes())
            data[place] ^= 1
            path.unlink()  # it may be a second name of a file of the ecosystem's own cache
            path.write_bytes(data)
            assert content(built(loaded, tmp_path / "dist").path) == before, path
    assert {path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()} <= set(caches.KINDS)


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize("world", every(), indirect=True)
def test_what_is_missing_or_added_in_the_cache_is_noticed(world: World, project: Path, tmp_path: Path) -> None:
    world.publish(Thing())
    loaded = locked(project, world, "tiny")
    before = content(built(loaded, tmp_path / "dist").path)
    for path in list(world.kept(tmp_path / "cache")):
        path.with_name("more.js").write_bytes(b"victim")
        assert content(built(loaded, tmp_path / "dist").path) == before
        path.unlink(missing_ok=True)
        assert content(built(loaded, tmp_path / "dist").path) == before


# ---- locks of which the text alone matters -------------------------------------------------------------------------


@pytest.fixture
def lock_text(world: World, project: Path) -> str:
    """Return the text of a lock for tiny. Maven's is written here: its client would have to fetch a plugin."""
    (project / "some").mkdir(exist_ok=True)
    if world.ecosystem in NETWORK:
        (artifact,) = json.loads(world.step("tiny").partition("artifacts = ")[2])
        return f"{artifact} sha256:{'a' * 64}\n"
    world.publish(Thing())
    locked(project, world, "tiny")
    return (project / "some" / world.lock).read_text(encoding="utf-8")
