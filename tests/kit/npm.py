"""Packages of Node.js, as `npm pack` writes them, and a registry on loopback that serves them."""

import base64
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from builder.packages.npm import npm


def program() -> tuple[Path, Path]:
    """Return the Node.js and the script of npm that layerwright uses, which need not be those of PATH."""
    node, script = npm._program()  # noqa: SLF001  a name of that module that changes changes the format of plans
    return Path(node), Path(script)


def into_path(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put the Node.js and npm that layerwright uses first in PATH, as links in a folder."""
    for name, path in zip(("node", "npm"), program(), strict=True):
        (folder / name).symlink_to(path)
    patch.setenv("PATH", str(folder), prepend=os.pathsep)


def write_recipe(folder: Path, name: str, step: str) -> None:
    """Write the recipe.toml of a layer with one step of npm, which has these keys."""
    folder.mkdir(parents=True, exist_ok=True)
    layer = f'[layer]\nname = "{name}"\nversion = "1"\ndescription = ""\nlicense = "MIT"\n'
    rest = f'[targets]\nruntimes = ["nodejs22.x"]\n[[step]]\nuses = "npm"\n{step}\n'
    (folder / "recipe.toml").write_text(layer + rest, encoding="utf-8")


def package(folder: Path, name: str, *, files: dict[str, str] | None = None, **more: object) -> Path:
    """Write a package as `npm pack` does."""
    text = json.dumps({"name": name, "version": "1.0.0", **more}).encode()
    path = folder / f"{name}.tgz"
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        named = {file if file.startswith("/") else f"package/{file}": text for file, text in (files or {}).items()}
        others = {file: content.encode() for file, content in named.items()}
        content = {"package/package.json": text, "package/index.js": b"module.exports = 7;\n", **others}
        for file, data in content.items():
            info = tarfile.TarInfo(file)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@contextmanager
def registry(folder: Path, token: str | None = None) -> Iterator[str]:
    """Serve the packages of a folder, each with its one version, as a registry on loopback; only for a token if any."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
            name = "/".join(parts[: 2 if parts[0].startswith("@") else 1])
            path = folder / f"{name}.tgz"
            body = None
            if token and self.headers.get("Authorization") != f"Bearer {token}":
                path = folder / "nothing"
            if path.is_file():
                address = f"http://{self.headers['Host']}/{name}/-/{name.rpartition('/')[2]}-1.0.0.tgz"
                body = path.read_bytes() if "/-/" in self.path else _document(path, address)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def _document(path: Path, address: str) -> bytes:
    """Return what a registry tells of a package."""
    with tarfile.open(path) as archive:
        stream = archive.extractfile("package/package.json")
        assert stream is not None
        about = json.loads(stream.read())
        wrapped = "package/npm-shrinkwrap.json" in archive.getnames()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    row = {**about, "_hasShrinkwrap": wrapped, "dist": {"tarball": address, "integrity": integrity}}
    row["hasInstallScript"] = bool({"preinstall", "install", "postinstall"} & set(about.get("scripts", {})))
    document = {"name": about["name"], "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": row}}
    return json.dumps(document).encode()
