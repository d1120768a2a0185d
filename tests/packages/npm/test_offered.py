"""What npm would fetch from elsewhere than a registry is refused before npm runs."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.npm import package

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import X86_64
from builder.packages.npm import PUBLIC, npm, offered

SHA = "sha512-aaaa"
REFUSED = (
    "file:../mine",
    "file:mine.tgz",
    "link:../mine",
    "portal:../mine",
    "workspace:*",
    "../mine",
    "./mine",
    "~/mine",
    "/mine",
    "C:\\mine",
    "mine.tgz",
    "git+https://git.test/mine.git",
    "git+ssh://git@git.test/mine.git#v1",
    "git://git.test/mine.git",
    "git@git.test:me/mine.git",
    "github:me/mine",
    "gitlab:me/mine",
    "me/mine",
    "me/mine#semver:^1",
    "https://git.test/me/mine",
    "https://git.test/me/mine.git",
    "https://files.test/mine.tgz",
    "npm:mine@git+https://git.test/mine.git",
)
OFFERED = ("1.0.0", "^1 || >=2 <3", "1.0.0 - 2.0.0", "latest", "*", "", "npm:other@^1", "npm:@me/other@1", "npm:other")


def lock(rows: dict[str, Any]) -> str:
    return json.dumps({"lockfileVersion": 3, "packages": {"": {}, **rows}})


def told(manifest: dict[str, Any], locked: str | None = None) -> tuple[str, ...]:
    with pytest.raises(UsageError) as raised:
        offered.check(json.dumps(manifest), locked)
    assert raised.value.hint
    return raised.value.why


@pytest.mark.parametrize("spec", REFUSED)
def test_what_no_registry_answers_is_refused_in_a_manifest_and_in_a_lock(spec: str) -> None:
    assert told({"dependencies": {"mine": spec}})[0].startswith("package.json: dependencies.mine: ")
    row = {"version": "1.0.0", "resolved": spec, "integrity": SHA}
    assert told({}, lock({"node_modules/mine": row}))[0].startswith("package-lock.json: node_modules/mine: ")
    assert told({}, lock({"node_modules/mine": {**row, "resolved": "", "dependencies": {"x": spec}}}))
    assert told({}, lock({"node_modules/mine": {"version": spec, "integrity": SHA}}))


@pytest.mark.parametrize("spec", OFFERED)
def test_what_a_registry_answers_is_taken(spec: str) -> None:
    kinds = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
    row = {"version": "1.0.0-rc.1+build", "integrity": SHA, "dependencies": {"mine": spec}}
    offered.check(json.dumps({kind: {"mine": spec} for kind in kinds}), lock({"node_modules/mine": row}))


REGISTRY = "https://npm.test:8443/mine"


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("https://registry.npmjs.org/mine/-/mine-1.0.0.tgz", True),
        (f"{REGISTRY}/mine/-/mine-1.0.0.tgz", True),
        ("https://scoped.test/mine/-/mine-1.0.0.tgz", True),
        ("https://npm.test:8443/other/mine/-/mine-1.0.0.tgz", False),
        (f"{REGISTRY}/../other/mine-1.0.0.tgz", False),
        ("https://npm.test/mine/mine/-/mine-1.0.0.tgz", False),
        ("http://npm.test:8443/mine/mine/-/mine-1.0.0.tgz", False),
        ("https://npm.test:8443@files.test/mine/mine-1.0.0.tgz", False),
        ("https://files.test/mine/-/mine-1.0.0.tgz", False),
        ("https://[/mine-1.0.0.tgz", False),
    ],
)
def test_a_tarball_is_taken_from_a_configured_registry_only(
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    is_taken: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", REGISTRY)
    monkeypatch.setenv("npm_config_@mine:registry", "https://scoped.test/")
    row = {"version": "1.0.0", "resolved": address, "integrity": SHA}
    if is_taken:
        offered.check("{}", lock({"node_modules/mine": row}))
    else:
        assert told({}, lock({"node_modules/mine": row}))[0].startswith("package-lock.json: node_modules/mine: comes")


def test_every_mistake_is_told_at_once_and_no_password() -> None:
    manifest = {
        "dependencies": {"a": "file:../a"},
        "devDependencies": {"b": "git+https://me:word@git.test/b.git"},
        "overrides": {"c": {"d": "me/d"}},
        "workspaces": ["packages/*"],
    }
    rows = {
        "packages/e": {"version": "1.0.0"},
        "node_modules/e": {"resolved": "packages/e", "link": True},
        "node_modules/f": {"version": "1.0.0", "resolved": "file:f.tgz", "integrity": SHA},
        "node_modules/g": {"version": "1.0.0", "inBundle": True},
        "node_modules/h": {"version": "1.0.0", "integrity": SHA, "resolved": f"{PUBLIC}h/-/h-1.0.0.tgz"},
    }
    assert told(manifest, lock(rows)) == (
        "package.json: dependencies.a: file:../a",
        "package.json: devDependencies.b: git+https://git.test/b.git",
        "package.json: overrides.c.d: me/d",
        'package.json: workspaces: ["packages/*"]',
        "package-lock.json: packages/e: is a folder of this host",
        "package-lock.json: node_modules/e: is a link to packages/e",
        "package-lock.json: node_modules/f: comes from file:f.tgz",
    )


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("node_modules/../../mine", {}),
        ("node_modules/a/../../mine", {}),
        ("node_modules\\..\\mine", {}),
        ("/mine", {}),
        ("node_modules/mine", {"name": "mine@git+https://git.test/mine.git"}),
        ("node_modules/mine", {"name": "../mine"}),
        ("node_modules/mine", {"version": ["git+https://git.test/mine.git"]}),
        ("node_modules/mine", {"resolved": True}),
        ("node_modules/mine", {"version": "me/mine"}),
    ],
)
def test_rows_that_npm_never_writes_are_refused(path: str, row: dict[str, Any]) -> None:
    (line,) = told({}, lock({path: {"version": "1.0.0", "integrity": SHA, **row}}))
    assert line.startswith(f"package-lock.json: {path}: ")


MISTAKES = {
    'packages = ["mine@git+file:///nowhere/mine.git"]': ("packages: ", None),
    'file = "package.json"': ("package.json: ", None),
    'packages = ["mine@1.0.0"]': (
        "package-lock.json: ",
        {"version": "1.0.0", "resolved": "git+file:///nowhere/mine.git", "integrity": SHA},
    ),
}


@pytest.mark.parametrize("what", list(MISTAKES))
@pytest.mark.parametrize("command", ["plan", "build"])
def test_npm_is_not_even_started(tmp_path: Path, what: str, command: str) -> None:
    where, row = MISTAKES[what]
    folder = write_recipe(tmp_path, "a", recipe(f'[[step]]\nuses = "npm"\n{what}', runtime="nodejs22.x")).parent
    (folder / "package.json").write_text(json.dumps({"dependencies": {"mine": "git+file:///nowhere/mine.git"}}))
    if row:
        rows = {"": {"dependencies": {"mine": "1.0.0"}}, "node_modules/mine": row}
        (folder / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": rows}))
    (tmp_path / "bin").mkdir()
    npm_program = tmp_path / "bin" / "npm"
    npm_program.write_text(f"#!/bin/sh\n: >{tmp_path}/started\n")
    npm_program.chmod(0o755)
    result = layerwright(command, "a", cwd=tmp_path, env={"PATH": str(tmp_path / "bin")})
    assert result.code == 2
    assert where in result.err
    assert "git+file:///nowhere/mine.git" in result.err
    assert not (tmp_path / "started").exists()


def test_a_repository_that_a_package_itself_names_is_not_cloned(program: Any, npm_registry: Path) -> None:
    program("npm")
    address = f"git+{(npm_registry / 'evil').as_uri()}"
    wish = {"evil": address}
    rows = {"": {"dependencies": wish}, "node_modules/evil": {"version": "1.0.0", "resolved": f"{address}#{'0' * 40}"}}
    wrapped = {"name": "mine", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": rows}
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"mine": "1.0.0"}})
    for files in ({}, {"npm-shrinkwrap.json": json.dumps(wrapped)}):
        package(npm_registry, "mine", dependencies=wish, files=files)
        with pytest.raises((BuildError, UsageError)) as raised:
            npm.lock(manifest, None)
        assert "evil" in str(raised.value)


def test_a_package_that_brings_others_along_is_locked_and_installed(
    program: Any, npm_registry: Path, tmp_path: Path
) -> None:
    program("npm")
    brought = {"node_modules/inner/package.json": json.dumps({"name": "inner", "version": "2.0.0"})}
    package(npm_registry, "mine", dependencies={"inner": "2.0.0"}, bundleDependencies=["inner"], files=brought)
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"mine": "1.0.0"}})
    locked = npm.lock(manifest, None)
    assert json.loads(locked)["packages"]["node_modules/mine/node_modules/inner"]["inBundle"] is True
    npm.install(manifest, locked, X86_64, tmp_path / "installed")
    assert (tmp_path / "installed/node_modules/mine/node_modules/inner/package.json").is_file()


def test_a_tarball_of_another_host_is_not_asked_for(program: Any, npm_registry: Path) -> None:
    program("npm")
    asked: list[str] = []

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/evil-1.0.0.tgz"
        package(npm_registry, "mine", dependencies={"evil": address})
        with pytest.raises(BuildError, match="npm could not resolve"):
            npm.lock(json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"mine": "1.0.0"}}), None)
        server.shutdown()
    assert asked == []
