"""Fuzz targets: every parser of what others send is a row of `TARGETS`. Seeds are of `tests/corpus/fuzz`, or made.

A parser may raise its own errors and nothing else; a `LayerwrightError` must have the exit code of a refused input.
"""

import gzip
import io
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy, binary, builds, floats, lists, one_of, sampled_from

from builder.base import archives, texts
from builder.base.errors import LayerwrightError
from builder.building import checking
from builder.layer import elf
from builder.model import recipes
from builder.model.architectures import X86_64
from builder.model.target import targets
from builder.packages import table
from builder.packages.cargo import cargo_lock
from builder.packages.go import buildinfo, go_mod, go_sum
from builder.packages.maven import maven_lock
from builder.packages.npm import package_lock
from builder.packages.pypi import build_system, requirements_lock, sdist
from builder.packages.rubygems import gemfile_lock, gemspec
from kit import gems, zips
from kit.wheels import make_sdist

CORPUS = Path(__file__).parents[1] / "corpus" / "fuzz"
REFUSED = {2, 4, 5}
"""Exit codes of an input that is at fault."""


@dataclass(frozen=True, kw_only=True)
class FuzzTarget:
    """A parser of foreign input."""

    name: str
    parse: Callable[[bytes], object]
    seeds: Sequence[bytes]
    allowed: tuple[type[Exception], ...] = ()
    """What it raises besides LayerwrightError."""

    def run(self, data: bytes) -> None:
        """Parse one input. Raises what a user would see as a traceback, or with a wrong exit code."""
        try:
            self.parse(data)
        except self.allowed:
            pass
        except LayerwrightError as error:
            if error.exit_code not in REFUSED:
                raise AssertionError(str(error)) from error


def text_of(data: bytes) -> str:
    return data.decode(errors="replace")


def in_file(parse: Callable[[Path], object], suffix: str) -> Callable[[bytes], object]:
    """Return a parser of bytes for one of files."""

    def run(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"a{suffix}")
            path.write_bytes(data)
            return parse(path)

    return run


def recipe(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x", "recipe.toml")
        path.parent.mkdir()
        path.write_bytes(data)
        return [targets(recipes.load(Path(folder), "x").recipe)]


def gem_metadata(data: bytes) -> object:
    def parse(path: Path) -> object:
        packed = gzip.compress(data, 1)
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo("metadata.gz")
            info.size = len(packed)
            archive.addfile(info, io.BytesIO(packed))
        return gemspec.text(gemspec.metadata(path), "1.0", "ruby").encode()

    return in_file(parse, ".gem")(b"")


def sdist_of(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as made:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def sdist_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a parser of one file of an sdist."""
    return lambda data: in_file(read, ".tar")(sdist_of({name: data}))


def installed(path: str) -> Callable[[bytes], object]:
    return lambda data: table.installed(zips.tree({path: data}))


def seeded(name: str) -> tuple[bytes, ...]:
    return ((CORPUS / name).read_bytes(),)


def target() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x", "recipe.toml")
        path.parent.mkdir()
        path.write_bytes(seeded("recipe.toml")[0])
        return next(each for each in targets(recipes.load(Path(folder), "x").recipe) if each.base.python)


def library() -> bytes:
    """Return a real ELF file, of the Python that runs the tests."""
    import _ctypes

    return Path(_ctypes.__file__).read_bytes()


def made(make: Callable[[Path], Path]) -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory() as folder:
        return (make(Path(folder)).read_bytes(),)


def check(path: Path) -> object:
    verdicts = list(checking.each((path,), ("python3.13",), ("x86_64",), together=False))
    return [verdict.as_json(strict=True) for verdict in verdicts], checking.inspected(path).as_json()


METADATA = b"Metadata-Version: 2.1\nName: a\nVersion: 1\nLicense: MIT\nRequires-Dist: b>=1 ; extra == 'x'\n\ntext\n"
PYPROJECT = b"""[build-system]
requires = ["setuptools>=61", "wheel"]
build-backend = "setuptools.build_meta"
[tool.hatch.build.hooks.custom]
dependencies = ["x"]
"""
PACKAGE_JSON = b'{"name": "e", "version": "1.0.0", "license": "MIT", "licenses": [{"type": "MIT", "url": "x"}]}'
RUBY = (
    b"# -*- encoding: utf-8 -*-\n# stub: one 1.0 ruby lib\n\nGem::Specification.new do |s|\n"
    b'  s.licenses = ["MIT".freeze]\nend\n'
)
PYLOCK = b"""lock-version = "1.0"
[[packages]]
name = "a"
version = "1.0"
sdist = { url = "http://x/a-1.0.tar.gz", size = 1, hashes = { sha256 = "%s" } }
wheels = [{ name = "a-1.0-py3-none-any.whl", url = "http://x/a-1.0-py3-none-any.whl", hashes = { sha256 = "%s" } }]
""" % (b"a" * 64, b"a" * 64)


def lock_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: read(text_of(data))


TARGET = target()
TARGETS = (
    FuzzTarget(name="recipe.toml", parse=recipe, seeds=seeded("recipe.toml")),
    FuzzTarget(
        name="requirements.lock",
        parse=in_file(lambda path: requirements_lock.read_all(path, TARGET), ".lock"),
        seeds=seeded("requirements.lock"),
    ),
    FuzzTarget(
        name="Cargo.lock", parse=lock_text(lambda text: cargo_lock.read(text, "x", "x")), seeds=seeded("Cargo.lock")
    ),
    FuzzTarget(
        name="package-lock.json",
        parse=lock_text(lambda text: package_lock.packages(text, X86_64, "x")),
        seeds=seeded("package-lock.json"),
    ),
    FuzzTarget(
        name="Gemfile.lock", parse=lock_text(lambda text: gemfile_lock.read(text, "x")), seeds=seeded("Gemfile.lock")
    ),
    FuzzTarget(name="maven.lock", parse=lock_text(lambda text: maven_lock.read(text, "x")), seeds=seeded("maven.lock")),
    FuzzTarget(name="go.mod", parse=lock_text(lambda text: go_mod.read(text, "x", "x")), seeds=seeded("go.mod")),
    FuzzTarget(name="go.sum", parse=lock_text(lambda text: go_sum.read(text, "x", "x")), seeds=seeded("go.sum")),
    FuzzTarget(name="metadata of a gem", parse=gem_metadata, seeds=seeded("metadata.yaml")),
    FuzzTarget(
        name="gem",
        parse=in_file(lambda path: [gemspec.metadata(path), list(gemspec.contents(path))], ".gem"),
        seeds=made(lambda folder: gems.pack(folder, "one")),
    ),
    FuzzTarget(
        name="sdist",
        parse=in_file(sdist.requirements, ".tar.gz"),
        seeds=made(lambda folder: make_sdist(folder, "a", "1.0", "x")),
        allowed=archives.FAULTS,
    ),
    FuzzTarget(
        name="PKG-INFO",
        parse=sdist_file("a-1/PKG-INFO", sdist.requirements),
        seeds=(METADATA,),
        allowed=archives.FAULTS,
    ),
    FuzzTarget(
        name="requires.txt",
        parse=sdist_file("a-1/a.egg-info/requires.txt", sdist.requirements),
        seeds=(b"x\n[e:python_version<'3']\ny>=1\n",),
        allowed=archives.FAULTS,
    ),
    FuzzTarget(
        name="pyproject.toml of an sdist", parse=sdist_file("a-1/pyproject.toml", build_system.read), seeds=(PYPROJECT,)
    ),
    FuzzTarget(
        name="setup.cfg of an sdist",
        parse=sdist_file("a-1/setup.cfg", build_system.read),
        seeds=(b"[options]\nsetup_requires =\n  a\n  b>=1\n",),
    ),
    FuzzTarget(
        name="setup.py of an sdist",
        parse=sdist_file("a-1/setup.py", build_system.read),
        seeds=(b"x = ['a']\nsetup(setup_requires=x, y=[1, (2, {3: 4})])\n",),
    ),
    FuzzTarget(name="elf", parse=elf.parse, seeds=(library(),), allowed=(elf.UnreadableElfError,)),
    FuzzTarget(
        name="buildinfo of Go", parse=buildinfo.read, seeds=(library()[:20_000], b"\xff Go buildinf:" + bytes(64))
    ),
    FuzzTarget(
        name="zip", parse=in_file(check, ".zip"), seeds=(zips.raw({"python/a.py": b"x = 1\n", "bin/p": b"#!/x\n"}),)
    ),
    FuzzTarget(
        name="jar in a zip",
        parse=lambda data: in_file(check, ".zip")(zips.raw({"java/lib/a.jar": data})),
        seeds=(
            zips.raw({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "a/B.class": b"\xca\xfe\xba\xbe\0\0\0\x41"}),
        ),
    ),
    FuzzTarget(name="METADATA in a layer", parse=installed("python/a-1.dist-info/METADATA"), seeds=(METADATA,)),
    FuzzTarget(
        name="package.json in a layer", parse=installed("nodejs/node_modules/e/package.json"), seeds=(PACKAGE_JSON,)
    ),
    FuzzTarget(
        name="gemspec in a layer",
        parse=installed("ruby/gems/3.4.0/specifications/one-1.0.gemspec"),
        seeds=(RUBY,),
    ),
    FuzzTarget(
        name="JSON", parse=texts.parse_json, seeds=(b'{"a": [1, 2.5, null, "x"]}',), allowed=(texts.MalformedError,)
    ),
    FuzzTarget(name="TOML", parse=lock_text(texts.parse_toml), seeds=(PYLOCK,), allowed=(texts.MalformedError,)),
)


# ---- inputs --------------------------------------------------------------------------------------------------------

ODD = (
    *(b"", b"\0", b"\n", b" ", b"\r\n\t", b"\xff\xfe", b"\xed\xa0\x80", b"../", b"/", b"\\", b"%s", b"\x1b[31m"),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
        b"=",
        b":",
        b"- ",
        b"#",
        b",",
        b"null",
        b"true",
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
    ),
    *(
        b"[]",
        b"{}",
        b"[[]]",
        b'{"": {}}',
        b"5",
        b'"x"',
        b"9" * 5000,
        b"[" * 2000,
        b"a" * 300,
        b"*id",
        b"&id ",
        b"!ruby/x ",
    ),
    *(b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", "\u202e\u00df\U0001f600".encode()),
)


@dataclass(frozen=True)
class Change:
    """One change of a seed: bytes at a place are replaced. Places and lengths are parts of the whole."""

    at: float
    length: float
    put: bytes

    def of(self, data: bytes) -> bytes:
        start = int(self.at * len(data))
        return data[:start] + self.put + data[start + int(self.length**4 * len(data)) :]


@dataclass(frozen=True)
class ValueChange:
    """Another value in place of one in a document: between two of the marks that surround values."""

    at: float
    put: bytes

    def of(self, data: bytes) -> bytes:
        marks = [index for index, byte in enumerate(data[: 1 << 14]) if byte in b'\n=:,"[]{} ']
        if not marks:
            return data + self.put
        first = int(self.at * (len(marks) - 1))
        end = marks[first + 1] if first + 1 < len(marks) else len(data)
        return data[: marks[first] + 1] + self.put + data[end:]


def mutated(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Return a strategy of inputs: seeds with some changes, and now and then anything."""
    part = floats(0, 1)
    put = one_of(sampled_from(ODD), binary(max_size=8))
    change = one_of(builds(Change, at=part, length=part, put=put), builds(ValueChange, at=part, put=put))

    def apply(seed: bytes, changes: list[Any]) -> bytes:
        for each in changes:
            seed = each.of(seed)
        return seed

    return one_of(builds(apply, sampled_from(list(seeds)), lists(change, min_size=1, max_size=4)), binary(max_size=64))
