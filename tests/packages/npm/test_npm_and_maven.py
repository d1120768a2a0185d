"""npm and Maven as they are, against the registries that this machine is set up with."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.npm import package

from builder.base import files
from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARM64
from builder.packages.maven import mvn
from builder.packages.npm import npm

Need = Callable[[str], str]


def test_an_install_script_never_runs_on_the_host(program: Need, npm_registry: Path, tmp_path: Path) -> None:
    program("npm")
    ran = tmp_path / "ran"
    package(npm_registry, "evil", scripts={"preinstall": f"touch {ran}", "postinstall": f"touch {ran}"})
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"evil": "1.0.0"}})
    locked = npm.lock(manifest, None)
    assert json.loads(locked)["packages"]["node_modules/evil"]["hasInstallScript"] is True
    npm.install(manifest, locked, ARM64, tmp_path / "installed")
    assert (tmp_path / "installed" / "node_modules" / "evil" / "index.js").is_file()
    assert not ran.exists()


@pytest.mark.network
def test_a_package_that_is_not_what_was_locked_is_refused(
    program: Need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("npm")
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"is-number": "7.0.0"}})
    document = json.loads(npm.lock(manifest, None))
    row = document["packages"]["node_modules/is-number"]
    row["integrity"] = "sha512-" + base64.b64encode(bytes(64)).decode()
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(BuildError, match="npm could not install") as raised:
        npm.install(manifest, json.dumps(document), ARM64, tmp_path / "installed")
    assert any("EINTEGRITY" in line for line in raised.value.why)


def test_a_lock_that_does_not_fit_is_told_with_the_way_out(program: Need, npm_registry: Path, tmp_path: Path) -> None:
    program("npm")
    package(npm_registry, "mine")
    package(npm_registry, "other")
    manifest = {"name": "layer", "version": "0.0.0", "dependencies": {"mine": "1.0.0"}}
    locked = npm.lock(json.dumps(manifest), None)
    more = json.dumps({**manifest, "dependencies": {"mine": "1.0.0", "other": "1.0.0"}})
    with pytest.raises(UsageError, match="does not fit the packages of the recipe") as raised:
        npm.install(more, locked, ARM64, tmp_path / "installed")
    assert "layerwright lock" in str(raised.value)


@pytest.mark.network
def test_a_package_that_nobody_has_is_told(program: Need) -> None:
    program("npm")
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"is-number": "99.99.99"}})
    with pytest.raises(BuildError, match="npm could not resolve") as raised:
        npm.lock(manifest, None)
    assert any("is-number@99.99.99" in line for line in raised.value.why)


@pytest.mark.network
def test_npm_itself_is_fetched_for_a_host_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"is-number": "7.0.0"}})
    npm.install(manifest, npm.lock(manifest, None), ARM64, tmp_path / "installed")
    assert (tmp_path / "installed" / "node_modules" / "is-number" / "index.js").is_file()


@pytest.mark.engine
@pytest.mark.network
def test_what_jars_need_at_run_time_comes_along_and_is_verified(program: Need) -> None:
    program("mvn")
    found = mvn.resolve(["com.fasterxml.jackson.core:jackson-databind:2.23.0"])
    assert {name.split(":")[1] for name in found} == {"jackson-annotations", "jackson-core", "jackson-databind"}
    jars = mvn.jars(found)
    assert all(files.sha256(jars[name]) == sha256 for name, sha256 in found.items())
    one = "com.fasterxml.jackson.core:jackson-core:2.23.0"
    with pytest.raises(BuildError, match="hash mismatch: com.fasterxml.jackson.core:jackson-core"):
        mvn.jars({one: "0" * 64})


@pytest.mark.engine
@pytest.mark.network
def test_a_jar_that_nobody_has_is_told(program: Need) -> None:
    program("mvn")
    with pytest.raises(BuildError, match=r"the repository has no com\.fasterxml.*:jackson-core:jar:0\.0\.0"):
        mvn.resolve(["com.fasterxml.jackson.core:jackson-core:0.0.0"])


def test_without_maven_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(UsageError, match="Maven is not installed"):
        mvn.resolve(["a:b:1"])
