"""Go modules, behind a proxy as https://go.dev/ref/mod#goproxy-protocol describes it."""

import functools
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

from kit import loopback, tls
from kit.handlers import FolderHandler
from kit.loopback import PASSWORD, USER, Loopback
from kit.worlds.world import DIGEST, NAME, VERSION, Thing, World

_HOSTS = itertools.count(1)
_STEP = '[[step]]\nuses = "go"\npackage = "{}@{}"\n'
_FOLDER = '[[step]]\nuses = "go"\npath = "ext"\n'
_MAIN = 'package main\n\n{}func main() {{\n\tprintln("{}")\n}}\n'
_HOSTILE = """package main

// #cgo LDFLAGS: -Wl,--wrap=x
// #cgo pkg-config: --version;touch{marker}
import "C"

//go:generate touch {marker}
func main() {{}}
"""
_MIT = """MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.
"""


class Golang(World):
    """Each world has a host of its own, so that no container's cache knows a module of another test.

    Layers are compiled in real containers, which reach the proxy by the gateway of the engine's bridge. Go sends
    credentials by TLS only, therefore the proxy has a certificate. The proxy sends no digest of a module: the host's Go
    computes that of the first download, and a `lie` about it is another module at the second one, in the container. A
    module declares no license, and layerwright names the texts of the usual ones only. The cache of layerwright keeps
    nothing of a module but the compiled program.
    """

    ecosystem: ClassVar[str] = "golang"
    runtime: ClassVar[str] = "provided.al2023"
    lock: ClassVar[str] = "go.mod"
    digests: ClassVar[str] = "go.sum"
    programs: ClassVar[tuple[str, ...]] = ("go",)
    index_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    lock_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    blamed: ClassVar[tuple[str, ...]] = ("the module proxy sent", "checksum mismatch")
    unindexed: ClassVar[tuple[str, ...]] = (*World.unindexed, "is not `path@version`")
    drops: ClassVar[frozenset[str]] = frozenset({NAME})
    """Go looks for no module that no package imports, and no package can import one whose path is invalid."""
    compiled: ClassVar[bool] = True
    vague: ClassVar[bool] = True
    along: ClassVar[frozenset[str]] = frozenset({"stdlib"})
    shared_host: ClassVar[bool] = True
    front: Loopback

    @contextmanager
    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
        self._folder, self._group = folder / "proxy", f"g{next(_HOSTS)}p{os.getpid()}.example.com"
        self._folder.mkdir()
        quiet = functools.partial(FolderHandler, directory=str(self._folder))
        with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}"
            with loopback.before(address, self.host, tls.server(self.host)) as self.front:
                self._settings(folder, patch)
                yield
            server.shutdown()

    def _settings(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        for name in ("GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOSUMDB"):
            patch.delenv(name, raising=False)
        patch.setenv("GOPROXY", self.front.url)
        patch.setenv("GONOSUMDB", "*.example.com")
        patch.setenv("GOFLAGS", "-modcacherw")  # so that the folder can be removed
        patch.setenv("GOENV", "off")
        patch.setenv("GOPATH", str(folder / "go"))
        patch.setenv("GOMODCACHE", str(folder / "go" / "modules"))
        patch.setenv("SSL_CERT_FILE", str(tls.certificate(self.host)))

    def publish(self, thing: Thing) -> None:
        imports = "".join(f'import _ "{self._group}/{need}"\n' for need in thing.needs)
        self._publish(thing, _MAIN.format(imports, thing.name))

    def _publish(self, thing: Thing, main: str) -> None:
        module = f"{self._group}/{thing.name}"
        needs = "".join(f"require {self._group}/{need} v1.0.0\n" for need in thing.needs)
        mod = f"module {module}\n\ngo 1.17\n{needs}"
        text = _MIT if thing.license == "MIT" else f"{thing.license}\n"
        files = {"go.mod": mod.encode(), "main.go": main.encode(), "LICENSE": text.encode(), **thing.files}
        folder = self._folder / module / "@v"
        folder.mkdir(parents=True)
        (folder / "list").write_text("v1.0.0\n", encoding="utf-8")
        (folder / "v1.0.0.info").write_text('{"Version": "v1.0.0", "Time": "2024-01-01T00:00:00Z"}', encoding="utf-8")
        (folder / "v1.0.0.mod").write_text(mod, encoding="utf-8")
        (folder / "v1.0.0.zip").write_bytes(_zip(module, files))

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        self._publish(Thing(name="evil"), _HOSTILE.format(marker=marker))
        return self.step("evil"), None

    def step(self, *names: str) -> str:
        return "".join(_STEP.format(f"{self._group}/{name}", "v1.0.0") for name in names)

    def other(self, *names: str) -> str:
        return "".join(_STEP.format(f"{self._group}/{name}", "v1.1.0") for name in names)

    def local(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        for path in ("../x", "file:///tmp/x", "git+http://127.0.0.1:9/x.git"):
            yield path, _STEP.format(path, "v1.0.0"), {}
        for to in ("../x", "/srv/x", "./a/../../x"):
            mod = f"module ext\n\ngo 1.21\n\nrequire example.com/x v1.0.0\n\nreplace example.com/x => {to}\n"
            yield f"a folder in a file: {to}", _FOLDER, {"ext/go.mod": mod, "ext/main.go": _MAIN.format("", "")}

    def coordinates(self, name: str) -> tuple[str, str]:
        return f"{self._group}/{name}", "v1.0.0"

    def lie(self, what: str, value: str) -> None:
        module, served = f"/{self._group}/tiny/@v/v1.0.0", itertools.count()

        def told(path: str, body: bytes) -> bytes:
            if what == DIGEST:
                return _with(body, value) if path == f"{module}.zip" and next(served) else body
            if path != f"{module}.mod":
                return body
            need = f"{json.dumps(value)} v1.0.0" if what == NAME else f"{self._group}/other {json.dumps(value)}"
            return body + f"\nrequire {need}\n".encode()

        self.front.lie = told

    def forge(self, lock: str, what: str, value: str) -> str:
        module = f"{self._group}/tiny"
        if what == DIGEST:
            head, _, tail = lock.partition("h1:")
            return f"{head}h1:{value}{tail[44:]}"
        wrong = f"{value} v1.0.0" if what == NAME else f"{module} {value}"
        return lock.replace(f"{module} v1.0.0", wrong)

    def archive(self, path: str) -> bool:
        return path.endswith(".zip")

    def private(self, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("GOPROXY", self.front.url.replace("//", f"//{USER}:{PASSWORD}@"))

    def purl(self, name: str) -> str:
        return f"pkg:golang/{self._group}/{name}@v1.0.0"

    def kept(self, cache: Path) -> Iterator[Path]:
        yield from (path for path in (cache / "parts").iterdir() if path.is_file())


def _zip(module: str, files: Mapping[str, bytes]) -> bytes:
    """Return the archive of a module at v1.0.0; a path from the root stands there as it is."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name if name.startswith("/") else f"{module}@v1.0.0/{name}", data)
    return stream.getvalue()


def _with(archive: bytes, value: str) -> bytes:
    """Return an archive with one more file."""
    stream = io.BytesIO(archive)
    with zipfile.ZipFile(stream, "a") as more:
        more.writestr(f"{more.namelist()[0].rpartition('/')[0]}/more.txt", value)
    return stream.getvalue()
