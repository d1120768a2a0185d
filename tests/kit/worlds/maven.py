"""Jars, in a repository as Maven lays it out."""

import functools
import hashlib
import io
import itertools
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from kit import loopback
from kit.handlers import FolderHandler
from kit.loopback import PASSWORD, USER, Loopback
from kit.worlds.world import DIGEST, FILE, MEMBERS, NAME, VERSION, Thing, World

_GROUPS = itertools.count(1)
_POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>{group}</groupId><artifactId>{name}</artifactId><version>1.0.0</version>
<licenses><license><name>{license}</name></license></licenses>
<dependencies>{needs}</dependencies>{more}</project>
"""
_NEED = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>{}</dependency>"
_RUN = """<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>
<artifactId>maven-antrun-plugin</artifactId><version>3.1.0</version><executions><execution><phase>validate</phase>
<goals><goal>run</goal></goals><configuration><target><touch file="{}"/></target></configuration>
</execution></executions></plugin></plugins><extensions><extension><groupId>{}</groupId><artifactId>extension</artifactId>
<version>1.0.0</version></extension></extensions></build>
"""
_SETTINGS = """<settings>
<servers><server><id>loopback</id>{login}</server></servers>
<profiles><profile><id>loopback</id><repositories><repository><id>loopback</id><url>{url}</url></repository>
</repositories></profile></profiles><activeProfiles><activeProfile>loopback</activeProfile></activeProfiles></settings>
"""
_LOGIN = f"<username>{USER}</username><password>{PASSWORD}</password>"


class Maven(World):
    """The plugin that resolves comes from where it usually does; each world has a group of its own."""

    ecosystem: ClassVar[str] = "maven"
    runtime: ClassVar[str] = "java21"
    lock: ClassVar[str] = "maven.lock"
    programs: ClassVar[tuple[str, ...]] = ("mvn",)
    index_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION, FILE})
    lock_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION, FILE})
    leaves_out: ClassVar[frozenset[str]] = frozenset(MEMBERS)
    """A jar stays whole."""
    drops: ClassVar[frozenset[str]] = frozenset({NAME})
    """Maven warns of a pom with an invalid name, and takes none of its dependencies."""
    unindexed: ClassVar[tuple[str, ...]] = ("is not `group:artifact:version`",)
    front: Loopback

    @contextmanager
    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
        self._folder, self._home, self._group = (
            folder / "repository",
            folder / "home",
            f"g{next(_GROUPS)}.{os.getpid()}x",
        )
        self._folder.mkdir()
        (self._home / ".m2").mkdir(parents=True)
        quiet = functools.partial(FolderHandler, directory=str(self._folder))
        with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            with loopback.before(f"http://127.0.0.1:{server.server_port}") as self.front:
                self._settings("")
                patch.setenv("MAVEN_OPTS", f"{os.environ.get('MAVEN_OPTS', '')} -Duser.home={self._home}")
                yield
            server.shutdown()

    def _settings(self, login: str) -> None:
        text = _SETTINGS.format(login=login, url=self.front.url)
        (self._home / ".m2" / "settings.xml").write_text(text, encoding="utf-8")

    def publish(self, thing: Thing) -> None:
        self._publish(thing, "")

    def _publish(self, thing: Thing, more: str) -> None:
        needs = "".join(_NEED.format(self._group, name, "1.0.0", "") for name in thing.needs)
        pom = _POM.format(group=self._group, name=thing.name, license=thing.license, needs=needs, more=more)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(f"META-INF/maven/{self._group}/{thing.name}/pom.xml", pom)
            for name, data in thing.files.items():
                archive.writestr(name, data)
        self._write(thing.name, "pom", pom.encode())
        self._write(thing.name, "jar", stream.getvalue())

    def _write(self, name: str, kind: str, data: bytes) -> None:
        folder = self._folder.joinpath(*self._group.split("."), name, "1.0.0")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}-1.0.0.{kind}"
        path.write_bytes(data)
        path.with_name(f"{path.name}.sha1").write_text(hashlib.sha1(data).hexdigest())  # noqa: S324  Maven's own

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        self._publish(Thing(name="evil"), _RUN.format(marker, self._group))
        return self.step("evil"), self.step("evil")

    def step(self, *names: str) -> str:
        return _artifacts(*(f"{self._group}:{name}:1.0.0" for name in names))

    def other(self, *names: str) -> str:
        return _artifacts(*(f"{self._group}:{name}:2.0.0" for name in names))

    def local(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        yield "git", _artifacts("git+http://127.0.0.1:9/x.git"), {}
        yield "folder", _artifacts("file:../x"), {}
        yield "dots", _artifacts("g:..:.."), {}

    def lie(self, what: str, value: str) -> None:
        def told(path: str, body: bytes) -> bytes:
            if what == DIGEST:
                return value.encode() if path.endswith("/tiny-1.0.0.jar.sha1") else body
            if "/tiny/" not in path or ".pom" not in path:
                return body
            parts = {
                NAME: (self._group, value, "1.0.0", ""),
                VERSION: (self._group, "other", value, ""),
                FILE: (self._group, "tiny", "1.0.0", f"<classifier>{value}</classifier>"),
            }
            pom = (self._folder.joinpath(*path.removesuffix(".sha1").strip("/").split("/"))).read_bytes()
            pom = pom.replace(b"<dependencies>", f"<dependencies>{_NEED.format(*parts[what])}".encode())
            return hashlib.sha1(pom).hexdigest().encode() if path.endswith(".sha1") else pom  # noqa: S324

        self.front.lie = told

    def forge(self, lock: str, what: str, value: str) -> str:
        if what == DIGEST:
            return lock.replace("a" * 64, value)
        wrong = {NAME: f"{value}:1.0.0", VERSION: f"tiny:{value}", FILE: f"tiny:1.0.0:{value}"}
        return lock.replace("tiny:1.0.0", wrong[what])

    def archive(self, path: str) -> bool:
        return path.endswith(".jar")

    def private(self, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002  a file says it
        self._settings(_LOGIN)

    def purl(self, name: str) -> str:
        return f"pkg:maven/{self._group}/{name}@1.0.0"

    def kept(self, cache: Path) -> Iterator[Path]:
        yield from (path for path in (cache / "sources").iterdir() if path.is_file())


def _artifacts(*texts: str) -> str:
    return f'[[step]]\nuses = "maven"\nartifacts = {json.dumps(texts)}\n'
