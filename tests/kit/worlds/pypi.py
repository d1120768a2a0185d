"""Wheels and sdists."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from kit import loopback, wheels
from kit.loopback import PASSWORD, USER, Loopback
from kit.worlds.world import ABOVE, DIGEST, FILE, NAME, VERSION, Thing, World

GIT = "git+http://127.0.0.1:9/x.git"


class PyPI(World):
    ecosystem: ClassVar[str] = "pypi"
    runtime: ClassVar[str] = "python3.13"
    lock: ClassVar[str] = "requirements.lock"
    index_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION, FILE})
    lock_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    leaves_out: ClassVar[frozenset[str]] = frozenset(ABOVE)
    unindexed: ClassVar[tuple[str, ...]] = (*World.unindexed, "can become other code")
    blamed: ClassVar[tuple[str, ...]] = ("tiny==1.0.0",)
    front: Loopback

    @contextmanager
    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
        self._folder = folder / "index"
        self._folder.mkdir()
        with wheels.serve(self._folder) as index, loopback.before(index.url.removesuffix("/simple/")) as self.front:
            patch.setenv("UV_DEFAULT_INDEX", f"{self.front.url}/simple/")
            patch.setenv("UV_CACHE_DIR", str(folder / "uv-cache"))
            patch.delenv("UV_INDEX", raising=False)
            yield

    def publish(self, thing: Thing) -> None:
        needs = tuple(f"{name}==1.0.0" for name in thing.needs)
        wheels.make_wheel(self._folder, thing.name, "1.0.0", files=thing.files, requires=needs, license=thing.license)

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        code = f"open({str(marker)!r}, 'w').close()\n"
        setup = f"{code}from setuptools import setup\nsetup(name='evil', version='1.0.0')\n"
        wheels.make_sdist(self._folder, "evil", "1.0.0", setup, {"setup.cfg": ""})
        system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        backend = {"pyproject.toml": system, "backend.py": code}
        wheels.make_sdist(self._folder, "backed", "1.0.0", setup, backend)
        hooks = {"mild.pth": f"import sys; {code}".encode(), "mild/__init__.py": code.encode()}
        wheels.make_wheel(self._folder, "mild", "1.0.0", files=hooks)
        wheels.make_wheel(self._folder, "setuptools", "99.0", files={"setuptools/build_meta.py": code.encode()})
        return self.step("evil", "mild", "backed"), self.step("mild")

    def step(self, *names: str) -> str:
        return _requirements(*(f"{name}==1.0.0" for name in names))

    def other(self, *names: str) -> str:
        return _requirements(*(f"{name}==2.0.0" for name in names))

    def local(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        for kind, address in (("git", GIT), ("folder", "file:///tmp")):
            yield f"{kind} in a step", _requirements(f"x @ {address}"), {}
            for line in (f"x @ {address}", f"-e {address}"):
                yield f"{kind}: {line}", '[[step]]\nuses = "pip"\nfile = "r.txt"\n', {"r.txt": f"{line}\n"}

    def lie(self, what: str, value: str) -> None:
        name = "tiny-1.0.0-py3-none-any.whl"

        def told(path: str, body: bytes) -> bytes:
            if what == NAME and path.endswith(".metadata"):
                return body.replace(b"\nLicense:", f"\nRequires-Dist: {value}\nLicense:".encode(), 1)
            text = body.decode() if path.rstrip("/").endswith("/simple/tiny") else ""
            if what == NAME and text:
                return text.replace("<a ", '<a data-core-metadata="true" ').encode()
            if what == DIGEST and text:
                return _digest(text, value).encode()
            if what in {VERSION, FILE} and text:
                wrong = name.replace("1.0.0", value) if what == VERSION else f"{value}/{name}"
                quoted = urllib.parse.quote(wrong, safe="/")
                return text.replace(f"/files/{name}", f"/files/{quoted}").replace(f">{name}<", f">{wrong}<").encode()
            return body

        self.front.lie = told

    def forge(self, lock: str, what: str, value: str) -> str:
        if what == DIGEST:
            head, _, tail = lock.partition("sha256:")
            return f"{head}sha256:{value}{tail[64:]}"
        return lock.replace("tiny==1.0.0", f"{value}==1.0.0" if what == NAME else f"tiny=={value}")

    def archive(self, path: str) -> bool:
        return path.endswith(".whl")

    def private(self, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("UV_DEFAULT_INDEX", f"{self.front.url.replace('//', f'//{USER}:{PASSWORD}@')}/simple/")

    def purl(self, name: str) -> str:
        return f"pkg:pypi/{name}@1.0.0"

    def kept(self, cache: Path) -> Iterator[Path]:
        yield from (cache / "resolved").glob("*.json")


def _requirements(*texts: str) -> str:
    return f'[[step]]\nuses = "pip"\nrequirements = {json.dumps(texts)}\n'


def _digest(text: str, value: str) -> str:
    head, _, tail = text.partition("#sha256=")
    return f"{head}#sha256={value}{tail[64:]}"
