"""Crates, in a sparse registry as https://doc.rust-lang.org/cargo/reference/registry-index.html describes it."""

import base64
import functools
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, ClassVar

import pytest

from builder.base import programs
from builder.base.emitter import Events
from builder.base.errors import BuildError
from builder.engine.buildx import ContainerBuild
from kit import loopback
from kit.handlers import FolderHandler
from kit.loopback import PASSWORD, USER, Loopback
from kit.worlds.world import ABOVE, DIGEST, NAME, VERSION, Thing, World

_STEP = '[[step]]\nuses = "cargo"\n{}\n'
_TOML = '[package]\nname = "{}"\nversion = "1.0.0"\nedition = "2018"\n'
_CONFIG = """[source.crates-io]
replace-with = "loopback"
[source.loopback]
registry = "sparse+{url}/"
[registries.loopback]
index = "sparse+{url}/"
{token}
[registry]
global-credential-providers = ["cargo:token"]
[net]
retry = 0
"""
_BUILD = 'fn main() {{ std::fs::write("{}", "").unwrap(); }}\n'
_SCRIPTS = programs.folder() / "steps"
_TOKEN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_PYTHON = re.compile(r"LD_LIBRARY_PATH=\S* \S+")
"""The image's, in a command of its Dockerfile."""
_BUNDLE = "bundle"
"""The program that needs several crates: a step asks for one."""


class Cargo(World):
    """The container's part is done by this host's cargo, with the very scripts of the build image.

    The image of the tests has the cargo of Debian 11, which reads neither a sparse index nor `--config`, and so cannot
    be sent to an index on loopback; tests/engine compile crates in it. What is a container in production is a folder
    here: the build context is unpacked, `crates.sh` and `crates.py` run with its paths in place of theirs, and the
    files that they write are received like the output of an image.
    """

    ecosystem: ClassVar[str] = "cargo"
    runtime: ClassVar[str] = "provided.al2023"
    lock: ClassVar[str] = "cargo.lock"
    programs: ClassVar[tuple[str, ...]] = ("cargo",)
    index_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    lock_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION})
    unindexed: ClassVar[tuple[str, ...]] = (*World.unindexed, "is not `name@version`")
    leaves_out: ClassVar[frozenset[str]] = frozenset({*ABOVE[:2], "a\\b", "a\nb", "a\x07b"})
    """A layer has the compiled program, and of the crate's files only license texts."""
    compiled: ClassVar[bool] = True
    along: ClassVar[frozenset[str]] = frozenset({_BUNDLE})
    front: Loopback

    @contextmanager
    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
        self._folder, self._home = folder / "registry", folder / "home"
        self._folder.mkdir()
        self._home.mkdir()
        quiet = functools.partial(FolderHandler, directory=str(self._folder))
        with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            with loopback.before(f"http://127.0.0.1:{server.server_port}", self.host) as self.front:
                self._settings(patch)
                yield
            server.shutdown()

    def _settings(self, patch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("CARGO_")]:
            patch.delenv(name)
        self._configure()
        patch.setenv("CARGO_HOME", str(self._home))
        patch.setattr("builder.building.compiling.buildx.run", self._run)

    def _configure(self, token: str = "") -> None:
        download = f"{self.front.url}/crates/{{crate}}/{{version}}/download"
        config = json.dumps({"dl": download, "auth-required": bool(token)})
        (self._folder / "config.json").write_text(config, encoding="utf-8")
        text = _CONFIG.format(url=self.front.url, token=f'token = "{token}"' if token else "")
        (self._home / "config.toml").write_text(text, encoding="utf-8")

    # ---- the registry ----------------------------------------------------------------------------------------------

    def publish(self, thing: Thing) -> None:
        self._publish(thing, {})

    def _publish(self, thing: Thing, more: Mapping[str, str]) -> None:
        needs = "".join(f'{need} = "=1.0.0"\n' for need in thing.needs)
        toml = f"{_TOML.format(thing.name)}license = {json.dumps(thing.license)}\n\n[dependencies]\n{needs}"
        files = {"Cargo.toml": toml, "src/lib.rs": "pub fn value() -> i32 { 7 }\n", "src/main.rs": "fn main() {}\n"}
        data = _crate(thing.name, {**{name: text.encode() for name, text in {**files, **more}.items()}, **thing.files})
        download = self._folder / "crates" / thing.name / "1.0.0" / "download"
        download.parent.mkdir(parents=True)
        download.write_bytes(data)
        index = self._folder / thing.name[:2] / thing.name[2:4] / thing.name
        index.parent.mkdir(parents=True, exist_ok=True)
        row = {"name": thing.name, "vers": "1.0.0", "deps": [_need(name) for name in thing.needs], "features": {}}
        text = json.dumps({**row, "cksum": hashlib.sha256(data).hexdigest(), "yanked": False})
        index.write_text(f"{text}\n", encoding="utf-8")

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        run = f'#!/bin/sh\ntouch {marker}\nexec "$@"\n'
        wrapper = marker.with_name("wrapper")
        wrapper.write_text(run, encoding="utf-8")
        wrapper.chmod(0o755)
        config = f'[build]\nrustc-wrapper = "{wrapper}"\n[net]\ngit-fetch-with-cli = true\n'
        files = {"build.rs": _BUILD.format(marker), ".cargo/config.toml": config}
        self._publish(Thing(name="macros"), {"build.rs": _BUILD.format(marker)})
        self._publish(Thing(name="evil", needs=("macros",)), files)
        return self.step("evil"), None

    def lie(self, what: str, value: str) -> None:
        def told(path: str, body: bytes) -> bytes:
            if path != "/ti/ny/tiny":
                return body
            row: dict[str, Any] = json.loads(body)
            if what == DIGEST:
                row["cksum"] = value
            elif what == NAME:
                row["deps"] = [_need(value)]
            else:
                row["vers"] = value
            return json.dumps(row).encode() + b"\n"

        self.front.lie = told

    def archive(self, path: str) -> bool:
        return path.endswith("/download")

    def private(self, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002  a file says it
        self._configure(_TOKEN)

    # ---- recipes and locks -----------------------------------------------------------------------------------------

    def step(self, *names: str) -> str:
        if len(names) == 1:
            return _STEP.format(f'crate = "{names[0]}@1.0.0"')
        self.publish(Thing(name=_BUNDLE, needs=names))
        return _STEP.format(f'crate = "{_BUNDLE}@1.0.0"')

    def other(self, *names: str) -> str:
        return "".join(_STEP.format(f'crate = "{name}@2.0.0"') for name in names)

    def local(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        for text in ("../x", "file:///tmp/x", "git+http://127.0.0.1:9/x.git"):
            yield f"{text} in a step", _STEP.format(f'crate = "{text}@1.0.0"'), {}
        for kind in ('git = "http://127.0.0.1:9/x.git"', 'path = "../x"', 'path = "/tmp/x"'):
            toml = f"{_TOML.format('program')}[dependencies]\nx = {{ {kind} }}\n"
            yield f"a file: {kind}", _STEP.format('path = "ext"'), {"ext/Cargo.toml": toml}
        for source in ("git+http://127.0.0.1:9/x.git#0", "path+file:///tmp/x"):
            lock = f'version = 3\n\n[[package]]\nname = "x"\nversion = "1.0.0"\nsource = "{source}"\n'
            yield f"a lock: {source}", _STEP.format('crate = "x@1.0.0"'), {"cargo.lock": lock}

    def forge(self, lock: str, what: str, value: str) -> str:
        text = json.dumps(value)
        if what == DIGEST:
            head, _, tail = lock.partition('checksum = "')
            return f"{head}checksum = {text}{tail[65:]}"
        wrong = {NAME: ('name = "tiny"', f"name = {text}"), VERSION: ('version = "1.0.0"', f"version = {text}")}
        return lock.replace(*wrong[what])

    def purl(self, name: str) -> str:
        return f"pkg:cargo/{name}@1.0.0"

    def kept(self, cache: Path) -> Iterator[Path]:
        yield from (path for path in (cache / "parts").iterdir() if path.is_file())

    # ---- in place of a container -----------------------------------------------------------------------------------

    def _run(self, _: object, build: ContainerBuild, events: Events, receive: Callable[[BinaryIO], None]) -> None:
        events.log("tree", "")
        with tempfile.TemporaryDirectory(prefix="layerwright-cargo-") as name:
            inside = Path(name)
            self._prepare(inside, build.context)
            lines = (build.context / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "").splitlines()
            for command in (line[line.index("sh /layerwright") :] for line in lines if "inside/crates.sh" in line):
                self._command(inside, command)
            receive(_output(inside))

    def _prepare(self, inside: Path, context: Path) -> None:
        for folder in ("layerwright/inside", "layerwright/cargo", "secrets", "opt", "out"):
            (inside / folder).mkdir(parents=True)
        for path in _SCRIPTS.glob("*.*"):
            text = path.read_text(encoding="utf-8")
            (inside / "layerwright" / "inside" / path.name).write_text(_placed(text, inside), encoding="utf-8")
        with tarfile.open(context / "cargo.tar") as archive:
            archive.extractall(inside / "layerwright" / "cargo", filter="data")
        (inside / "secrets" / "cargo.toml").write_bytes((self._home / "config.toml").read_bytes())
        (inside / "out" / "libraries.json").write_text("{}", encoding="utf-8")

    def _command(self, inside: Path, command: str) -> None:
        env = {**os.environ, "PREFIX": str(inside / "opt"), "MACHINE": "x86_64", "RUSTUP_HOME": _rustup()}
        script = _PYTHON.sub(sys.executable, _placed(command, inside))
        done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            msg = "a step of the container failed"
            raise BuildError(msg, why=done.stderr.splitlines()[-6:])


def _rustup() -> str:
    return os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))


def _placed(text: str, inside: Path) -> str:
    return text.replace("/run/secrets", f"{inside}/secrets").replace("/layerwright/", f"{inside}/layerwright/")


def _output(inside: Path) -> BinaryIO:
    """Return the tar that an engine gives of the result."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(inside / "opt", "tree/opt")
        archive.add(inside / "out", "tree/out")
    stream.seek(0)
    return stream


def _need(name: str) -> dict[str, object]:
    row = {"name": name, "req": "=1.0.0", "features": [], "optional": False, "default_features": True}
    return {**row, "target": None, "kind": "normal"}


def _crate(name: str, files: Mapping[str, bytes]) -> bytes:
    """Return the archive of a crate at 1.0.0; a path from the root stands there as it is."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path if path.startswith("/") else f"{name}-1.0.0/{path}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()
