"""Ruby gems."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from builder.packages.rubygems import index, resolution
from kit import gems, loopback
from kit.loopback import PASSWORD, USER, Loopback
from kit.worlds.world import DIGEST, FILE, NAME, VERSION, Thing, World

_GEMFILE = "source 'http://127.0.0.1:9'\ngem 'x'\n"
_LOCK = "{}\n  remote: {}\n  specs:\n    x (1.0.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  x!\n"


class RubyGems(World):
    ecosystem: ClassVar[str] = "gem"
    runtime: ClassVar[str] = "ruby3.3"
    lock: ClassVar[str] = "Gemfile.lock"
    index_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION, FILE})
    lock_sends: ClassVar[frozenset[str]] = frozenset({DIGEST, NAME, VERSION, FILE})
    front: Loopback

    @contextmanager
    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
        self._folder = folder / "index"
        (self._folder / "gems").mkdir(parents=True)
        index.listed.cache_clear()
        resolution.described.cache_clear()
        patch.setattr("time.sleep", lambda _: None)
        with gems.serve(self._folder) as address, loopback.before(address) as self.front:
            patch.setenv("BUNDLE_MIRROR__ALL", f"{self.front.url}/")
            patch.setenv("HOME", str(folder))
            yield

    def publish(self, thing: Thing) -> None:
        files = {f"lib/{thing.name}.rb": b"VALUE = 7\n", **thing.files}
        needs = dict.fromkeys(thing.needs, "= 1.0.0")
        gems.pack(self._folder / "gems", thing.name, "1.0.0", files, needs=needs, licenses=[thing.license])
        gems.write_index(self._folder)
        index.listed.cache_clear()

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        code = f"File.write({json.dumps(str(marker))}, '')\n".encode()
        hooks = {"lib/mild.rb": code, "lib/rubygems_plugin.rb": code, "mild.gemspec": code, "Rakefile": code}
        gems.pack(self._folder / "gems", "mild", "1.0.0", hooks)
        built = {**hooks, "ext/evil/extconf.rb": code}
        gems.pack(self._folder / "gems", "evil", "1.0.0", built, extensions=["ext/evil/extconf.rb"])
        gems.write_index(self._folder)
        return self.step("evil", "mild"), self.step("mild")

    def step(self, *names: str) -> str:
        return _gems(*(f"{name}@1.0.0" for name in names))

    def other(self, *names: str) -> str:
        return _gems(*(f"{name}@2.0.0" for name in names))

    def local(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        for kind, address in (("GIT", "http://127.0.0.1:9/x.git"), ("PATH", "../x")):
            files = {"Gemfile": _GEMFILE, "Gemfile.lock": _LOCK.format(kind, address)}
            yield kind, '[[step]]\nuses = "gem"\nfile = "Gemfile"\n', files

    def lie(self, what: str, value: str) -> None:
        def told(path: str, body: bytes) -> bytes:
            text = body.decode() if path == "/info/tiny" else ""
            if what == DIGEST and text:
                head, _, tail = text.partition("checksum:")
                return f"{head}checksum:{value}{tail[64:]}".encode()
            if what == NAME and text:
                return text.replace("1.0.0 |", f"1.0.0 {value}:>= 0|").encode()
            if what in {VERSION, FILE} and text:
                return text.replace("1.0.0 |", f"{value} |" if what == VERSION else f"1.0.0-{value} |").encode()
            return body

        self.front.lie = told
        index.listed.cache_clear()

    def forge(self, lock: str, what: str, value: str) -> str:
        if what == DIGEST:
            head, _, tail = lock.partition("sha256=")
            return f"{head}sha256={value}{tail[64:]}"
        wrong = {NAME: f"{value} (1.0.0)", VERSION: f"tiny ({value})", FILE: f"tiny (1.0.0-{value})"}
        return lock.replace("tiny (1.0.0)", wrong[what])

    def archive(self, path: str) -> bool:
        return path.endswith(".gem")

    def private(self, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("BUNDLE_MIRROR__ALL", f"{self.front.url.replace('//', f'//{USER}:{PASSWORD}@')}/")

    def purl(self, name: str) -> str:
        return f"pkg:gem/{name}@1.0.0"

    def kept(self, cache: Path) -> Iterator[Path]:
        yield from (path for path in (cache / "sources").iterdir() if path.is_file())


def _gems(*texts: str) -> str:
    return f'[[step]]\nuses = "gem"\ngems = {json.dumps(texts)}\n'
