"""Packages of Node.js."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kit import loopback, npm
from kit.loopback import PASSWORD, USER, Loopback
from kit.worlds.world import ABOVE, DIGEST, LONG, NAME, VERSION, Thing, World

ADDRESSES = {"git": "git+http://127.0.0.1:9/x.git", "folder": "file:../x", "github": "github:me/x"}


class Npm(World):
    ecosystem: ClassVar[str] = "npm"
    runtime: ClassVar[str] = "nodejs22.x"
    lock: ClassVar[str] = "package-lock.json"
    programs: ClassVar[tuple[str, ...]] = ("npm",)
    index_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    lock_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    leaves_out: ClassVar[frozenset[str]] = frozenset({*ABOVE, LONG})
    shared_host: ClassVar[bool] = True
    unindexed: ClassVar[tuple[str, ...]] = (*World.unindexed, "has local packages, and there is no package-lock.json")
    front: Loopback

    @contextmanager
    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
        self._folder, self._settings = folder / "registry", folder / "npmrc"
        self._folder.mkdir()
        with npm.registry(self._folder) as address, loopback.before(address) as self.front:
            patch.setenv("npm_config_registry", f"{self.front.url}/")
            patch.setenv("npm_config_cache", str(folder / "npm-cache"))
            patch.setenv("npm_config_userconfig", str(self._settings))
            patch.setenv("npm_config_fetch_retries", "0")
            yield

    def publish(self, thing: Thing) -> None:
        needs = dict.fromkeys(thing.needs, "1.0.0")
        files = {name: data.decode("latin-1") for name, data in thing.files.items()}
        npm.package(self._folder, thing.name, files=files, license=thing.license, dependencies=needs)

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        run = f"touch {marker}"
        scripts = dict.fromkeys(("preinstall", "install", "postinstall", "prepare", "prepublish"), run)
        gyp = f"{{'targets': [{{'target_name': 'x', 'type': 'none', 'variables': {{'y': '<!({run})'}}}}]}}"
        script = f"#!/bin/sh\n{run}\n"
        files = {"binding.gyp": gyp, ".npmrc": "git=./evil.sh\nscript-shell=./evil.sh\n", "evil.sh": script}
        npm.package(self._folder, "evil", scripts=scripts, files=files)
        return self.step("evil"), f'{self.step("evil")}skip-scripts = ["evil"]\n'

    def step(self, *names: str) -> str:
        return _packages(*(f"{name}@1.0.0" for name in names))

    def other(self, *names: str) -> str:
        return _packages(*(f"{name}@2.0.0" for name in names))

    def local(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        for kind, address in ADDRESSES.items():
            if "@" not in address:
                yield f"{kind} in a step", _packages(f"x@{address}"), {}
            text = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"x": address}})
            yield f"{kind} in a file", '[[step]]\nuses = "npm"\nfile = "package.json"\n', {"package.json": text}

    def lie(self, what: str, value: str) -> None:
        def told(path: str, body: bytes) -> bytes:
            if path.strip("/").partition("?")[0] != "tiny":
                return body
            document = json.loads(body)
            row: dict[str, Any] = document["versions"]["1.0.0"]
            if what == DIGEST:
                row["dist"]["integrity"] = value
            elif what == NAME:
                row["dependencies"] = {value: "1.0.0"}
            else:
                row["version"] = value
            return json.dumps(document).encode()

        self.front.lie = told

    def forge(self, lock: str, what: str, value: str) -> str:
        document = json.loads(lock)
        rows = document["packages"]
        if what == DIGEST:
            rows["node_modules/tiny"]["integrity"] = value
        elif what == VERSION:
            rows["node_modules/tiny"]["version"] = value
        else:
            rows["node_modules/tiny"]["dependencies"] = {value: "1.0.0"}
            rows[f"node_modules/{value}"] = {**rows["node_modules/tiny"], "dependencies": {}}
        return json.dumps(document, indent=2) + "\n"

    def archive(self, path: str) -> bool:
        return path.endswith(".tgz")

    def private(self, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002  a file says it
        import base64

        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        place = self.front.url.partition(":")[2]
        self._settings.write_text(f"{place}/:_auth={auth}\n", encoding="utf-8")

    def purl(self, name: str) -> str:
        return f"pkg:npm/{name}@1.0.0"

    def kept(self, cache: Path) -> Iterator[Path]:
        yield from (cache / "npm").glob("*/node_modules/tiny/index.js")


def _packages(*texts: str) -> str:
    return f'[[step]]\nuses = "npm"\npackages = {json.dumps(texts)}\n'
