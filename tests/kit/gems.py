"""Ruby gems: packed as `gem build` does, served by a static index on loopback, and real ones from Debian's sources."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from builder.packages.rubygems import gemspec
from kit import standin
from kit.handlers import FolderHandler

_SOURCES = {
    "affc4397e1f90ed8baf9eeaf30aeba1b9f25ac7e22e4bacb644415fe7886cacc": "pool/main/r/racc/racc_1.8.1.orig.tar.gz",
    "3fb79bae406a5765602c683a64f983d517c0bad956dada7b3b5f98bb87809c4d": (
        "pool/main/r/ruby-nokogiri/ruby-nokogiri_1.18.2+dfsg.orig.tar.xz"
    ),
    "2e17d0bb3b3b65fa534063b5da55082be869484b568581978213e88c81c41575": (
        "pool/main/r/ruby-sqlite3/ruby-sqlite3_2.9.6.orig.tar.gz"
    ),
    "e843496c838ea186f3b1568e67d65e1aa6848f42fcb2d21571f9969ed521755e": (
        "pool/main/r/ruby-bcrypt/ruby-bcrypt_3.1.20.orig.tar.gz"
    ),
}
_PORTILE = (
    "4c20e9b7ec088fe6522b3b0c24d9bb6171ec648caada274fb49fd619857a0eea",
    "pool/main/r/ruby-mini-portile2/ruby-mini-portile2_2.8.7-1_all.deb",
)
_BUILD = """
cd /work
for folder in src/*/; do
    (cd "$folder" && git init --quiet . && git add --all . && ruby -e '
        require "rubygems/package"
        spec = Gem::Specification.load(Dir["*.gemspec"].first)
        spec.files = spec.files.select { |file| File.file?(file) } # Debian takes out what others wrote
        Gem::Package.build(spec, true)') >&2
    mv -- "$folder"*.gem gems/
done
"""


class _Tagged:
    """An object of Ruby's, as YAML writes it."""

    def __init__(self, ruby: str, fields: Mapping[str, object]) -> None:
        self.ruby, self.fields = ruby, fields


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _: object) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, one: _Tagged) -> yaml.Node:
    return dumper.represent_mapping(f"!ruby/object:{one.ruby}", one.fields)


_Dumper.add_representer(_Tagged, _represent)


def pack(
    folder: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, bytes] | None = None,
    *,
    platform: str = "ruby",
    needs: Mapping[str, str] | None = None,
    extensions: Sequence[str] = (),
    ruby: str = ">= 0",
    licenses: Sequence[str] = (),
    more: Sequence[tarfile.TarInfo] = (),
) -> Path:
    """Write a .gem with these files, and more members without content behind them."""
    files = files if files is not None else {f"lib/{name}.rb": b"VALUE = 7\n"}
    described = _Tagged(
        "Gem::Specification",
        {
            "name": name,
            "version": _version(version),
            "platform": platform,
            "authors": ["somebody"],
            "licenses": list(licenses),
            "summary": f'#{name} "for" tests',
            "require_paths": ["lib"],
            "extensions": list(extensions),
            "files": sorted(files),
            "required_ruby_version": _requirement(ruby),
            "required_rubygems_version": _requirement(">= 0"),
            "dependencies": [
                _Tagged(
                    "Gem::Dependency",
                    {"name": need, "type": ":runtime", "prerelease": False, "requirement": _requirement(said)},
                )
                for need, said in (needs or {}).items()
            ],
            "specification_version": 4,
        },
    )
    full = f"{name}-{version}" + ("" if platform == "ruby" else f"-{platform}")
    path = folder / f"{full}.gem"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as inner:
        _add(inner, files)
        for info in more:
            inner.addfile(info)
    with tarfile.open(path, "w") as archive:
        text = yaml.dump(described, Dumper=_Dumper).encode()
        _add(archive, {"metadata.gz": gzip.compress(text), "data.tar.gz": data.getvalue()})
    return path


def _version(text: str) -> "_Tagged":
    return _Tagged("Gem::Version", {"version": text})


def _requirement(text: str) -> "_Tagged":
    pairs = [part.split() for part in text.split(",")]
    return _Tagged("Gem::Requirement", {"requirements": [[how, _version(version)] for how, version in pairs]})


def _add(archive: tarfile.TarFile, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


def write_index(folder: Path) -> None:
    """Write `info/NAME` for all that lies in `gems/`, as the compact index has it."""
    lines: dict[str, list[str]] = {}
    for path in sorted((folder / "gems").glob("*.gem")):
        found = gemspec.metadata(path)
        version = found["version"]["version"]
        platform = "" if found.get("platform", "ruby") == "ruby" else f"-{found['platform']}"
        needs = [
            f"{one['name']}:{_conditions(one['requirement'])}"
            for one in found.get("dependencies") or ()
            if str(one["type"]).endswith("runtime")
        ]
        facts = [f"checksum:{hashlib.sha256(path.read_bytes()).hexdigest()}"]
        if ruby := gemspec.required_ruby(found):
            facts.append(f"ruby:{ruby.replace(', ', '&')}")
        lines.setdefault(found["name"], []).append(f"{version}{platform} {','.join(needs)}|{','.join(facts)}")
    (folder / "info").mkdir(exist_ok=True)
    for name, rows in lines.items():
        (folder / "info" / name).write_text("---\n" + "\n".join(rows) + "\n", encoding="utf-8")


def _conditions(requirement: Mapping[str, Any]) -> str:
    return "&".join(f"{operator} {version['version']}" for operator, version in requirement["requirements"])


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve an index; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(FolderHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def real(folder: Path) -> Path:
    """Pack the gems of the recipes with real RubyGems in the build image, once; returns the folder of an index."""
    index = folder / "gem-index"
    if not (index / "info").is_dir():
        work = folder / f"gem-work-{os.getpid()}"
        for name in ("src", "gems", "deb"):
            (work / name).mkdir(parents=True, exist_ok=True)
        for sha256, path in _SOURCES.items():
            with tarfile.open(fileobj=io.BytesIO(_fetched(sha256, path))) as archive:
                archive.extractall(work / "src")  # noqa: S202  Debian's, by their hashes
        _portile(work)
        image = f"{standin.REGISTRY}/sam/build-ruby3.3:latest-x86_64"
        command = ["docker", "run", "--rm", "--entrypoint=bash", "-v", f"{work}:/work", image, "-euc", _BUILD]
        subprocess.run(command, check=True, timeout=300)
        (work / "index").mkdir()
        (work / "gems").rename(work / "index" / "gems")
        write_index(work / "index")
        (work / "index").rename(index)
        shutil.rmtree(work)
    return index


def _fetched(sha256: str, path: str) -> bytes:
    with urllib.request.urlopen(f"{standin.mirror()}{path}", timeout=60) as source:
        data: bytes = source.read()
    assert hashlib.sha256(data).hexdigest() == sha256, path
    return data


def _portile(work: Path) -> None:
    """Pack mini_portile2 from Debian's package of it: pure Ruby, whose source tarball the mirror does not have."""
    (work / "deb" / "one.deb").write_bytes(_fetched(*_PORTILE))
    subprocess.run(["dpkg-deb", "-x", work / "deb" / "one.deb", work / "deb" / "all"], check=True)
    root = work / "deb" / "all/usr/share/rubygems-integration/all/gems/mini_portile2-2.8.7"
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.rb"))}
    pack(work / "gems", "mini_portile2", "2.8.7", files, ruby=">= 2.3.0")
