"""Small real wheels and sdists, and an index on loopback that serves them."""

import base64
import email
import hashlib
import html
import http.server
import io
import json
import re
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    files: Mapping[str, bytes] | None = None,
    requires: tuple[str, ...] = (),
    scripts: tuple[str, ...] = (),
    requires_python: str | None = None,
    changelog: str | None = None,
    license: str = "MIT",  # noqa: A002  the field's own name
) -> Path:
    """Write a valid wheel with these files beside a module of the package's name."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Summary: A wheel for tests\nLicense: {license}"]
    extras = sorted({extra for requirement in requires for extra in re.findall(r"extra == '([^']+)'", requirement)})
    metadata += [f"Provides-Extra: {extra}" for extra in extras]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    metadata += [f"Project-URL: Release notes, {changelog}"] if changelog else []
    metadata += [f"Requires-Python: {requires_python}"] if requires_python else []
    content = {f"{name}/__init__.py": f"version = {version!r}\n".encode(), **(files or {})}
    content[f"{info}/METADATA"] = "\n".join([*metadata, ""]).encode()
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    if scripts:
        lines = "".join(f"{script} = {name}:version\n" for script in scripts)
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}".encode()
    record = [f"{path},sha256={_hash(data)},{len(data)}" for path, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in content.items():
            archive.writestr(member, data)
    return path


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def make_sdist(folder: Path, name: str, version: str, setup: str, files: Mapping[str, str] | None = None) -> Path:
    """Write a source distribution whose setup.py does what the test says."""
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, text in {
            "setup.py": setup,
            "PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n",
            **(files or {}),
        }.items():
            info = tarfile.TarInfo(f"{name}-{version}/{member}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


TELLING = """
import os, zipfile
LATER = []
{says}
def get_requires_for_build_wheel(config_settings=None):
    return LATER

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "told-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("told.txt", says())
        wheel.writestr("told-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: told\\nVersion: 1.0\\n")
        wheel.writestr("told-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("told-1.0.dist-info/RECORD", "")
    return name
"""


def make_telling_sdist(folder: Path, says: str, requires: Sequence[str] = (), backend: str = "backend") -> Path:
    """Write told 1.0, a source distribution that becomes a wheel with one file: `told.txt`.

    `says` is Python code that defines `says()`: what it returns as the wheel is built is in that file. It may define
    `LATER`, the requirements that the backend asks for once it runs.
    """
    system = f'requires = {json.dumps(requires)}\nbuild-backend = "{backend}"\nbackend-path = ["."]\n'
    project = f'[build-system]\n{system}\n[project]\nname = "told"\nversion = "1.0"\n'
    files = {"pyproject.toml": project, f"{backend}.py": TELLING.format(says=says)}
    return make_sdist(folder, "told", "1.0", "", files)


@dataclass(frozen=True)
class Index:
    """A running index: serves the files of a folder, asks for credentials when it has any."""

    url: str
    folder: Path
    stop: Callable[[], None]
    """Ends it before its time."""


@contextmanager
def serve(
    folder: Path,
    credentials: str | None = None,
    *,
    hashes: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    pause: float = 0.0,
) -> Iterator[Index]:
    """Serve a folder of distributions as a simple index (PEP 503) on loopback."""
    expected = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(pause)
            if expected and self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
                return
            kind, body = _answer(folder, self.path, hashes=hashes)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET  # noqa: N815  the server looks for that name

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((host, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        who = f"{credentials}@" if credentials else ""

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        try:
            yield Index(url=f"http://{who}{host}:{server.server_address[1]}/simple/", folder=folder, stop=stop)
        finally:
            stop()


def _answer(folder: Path, path: str, *, hashes: bool) -> tuple[str, bytes | None]:
    parts = [part for part in path.split("/") if part]
    if len(parts) == 2 and parts[0] == "simple":
        files = [one for one in sorted(folder.iterdir()) if one.name.split("-")[0].replace("_", "-") == parts[1]]
        fragments = {one: f"#sha256={_digest(one)}" if hashes else "" for one in files}
        links = "".join(
            f'<a href="/files/{one.name}{fragments[one]}"{_wanted_python(one)}>{one.name}</a>\n' for one in files
        )
        return "text/html", f"<!DOCTYPE html><html><body>{links}</body></html>".encode() if files else None
    if len(parts) == 2 and parts[0] == "files" and (folder / parts[1]).is_file():
        return "application/octet-stream", (folder / parts[1]).read_bytes()
    if len(parts) == 2 and parts[0] == "files" and parts[1].endswith(".whl.metadata"):
        return "text/plain", _metadata(folder / parts[1].removesuffix(".metadata"))
    return "text/plain", None


def _metadata(path: Path) -> bytes | None:
    """Return what an index tells of a wheel without the wheel (PEP 658)."""
    if not path.is_file():
        return None
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


def _wanted_python(path: Path) -> str:
    """Return the attribute of a link (PEP 503) to an sdist whose PKG-INFO asks for a Python."""
    if not path.name.endswith(".tar.gz"):
        return ""
    with tarfile.open(path) as archive:
        stream = archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
        asked = email.message_from_binary_file(stream).get("Requires-Python") if stream else None
    return f' data-requires-python="{html.escape(asked)}"' if asked else ""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
