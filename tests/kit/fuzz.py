"""Fuzz targets: every parser of what others send is a row of `TARGETS`. Seeds are of `tests/corpus/fuzz`, or made.

A parser may raise its own errors and nothing else; a `LayerwrightError` must have the exit code of a refused input.
"""

import contextlib
import gzip
import io
import lzma
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import brotli
import zstandard

from builder.base import archives, texts
from builder.base.errors import LayerwrightError
from builder.building import artifacts, checking, container_reports
from builder.building.artifacts import Artifact, ExpectedArtifact
from builder.layer import elf, jars, java_loads, node_loads, packed, python_loads
from builder.layer.tree import PLAIN, Entry, InMemory
from builder.model import image_facts, manifest, recipes, runtime_tables
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime
from builder.model.steps.project import ProjectChoice
from builder.model.target import targets
from builder.packages import table
from builder.packages.cargo import cargo_lock
from builder.packages.go import buildinfo, go_mod, go_sum
from builder.packages.maven import maven_lock
from builder.packages.maven import projects as java_projects
from builder.packages.npm import following, layout, offered, package_lock
from builder.packages.npm.locks import berry_settings, pnpm_settings
from builder.packages.npm.project import NodeProject
from builder.packages.projects import refuse_conflicts, requested
from builder.packages.pypi import (
    build_system,
    metadata,
    project_lines,
    projects,
    pylock,
    requirements_file,
    requirements_lock,
    sdist,
)
from builder.packages.pypi import installed as python_packages
from builder.packages.pypi.local import building, tree
from builder.packages.pypi.local import sources as places
from builder.packages.rubygems import gemfile, gemfile_lock, gemspec
from kit import gems, zips
from kit.bad import seal, tarred, zipped
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


def project(name: str) -> Callable[[bytes], object]:
    """Return a parser of a file of a project, beside a good pyproject.toml."""

    def parse(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            for each, text in {"pyproject.toml": PROJECT, name: data}.items():
                Path(folder, each).write_bytes(text)
            request = requested(Path(folder), ProjectChoice())
            return projects.find(request), requirements_file.read((Path(folder, name),))

    return parse


def local_package(name: str) -> Callable[[bytes], object]:
    """Return a parser of a file of a local package, beside a module and what makes setuptools read the file."""

    def parse(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            system = _SYSTEM.format("setuptools", "setuptools.build_meta")
            own = _NAMED if name == "MANIFEST.in" else ""
            files = {"x.py": b"version = '1'\n", "pyproject.toml": f"{own}{system}".encode(), name: data}
            for each, text in files.items():
                Path(folder, each).write_bytes(text)
            try:
                named = building.name(Path(folder))
                package = building.read(tree.read(Path(folder)))
                return named, package.package.metadata(), places.places(Path(folder))
            finally:
                building.read.cache_clear()
                tree.forget()

    return parse


MADE = Path(__file__).parents[1] / "corpus" / "locks"


def tool_lock(made: str, lock: str) -> "FuzzTarget":
    """Return the target of a lock that a tool wrote, beside its project."""
    choices = (ProjectChoice(), ProjectChoice(groups=("dev",)))

    def parse(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(MADE / "shared", Path(folder, "shared"))
            project = Path(shutil.copytree(MADE / made, Path(folder, "x")))
            (project / lock).write_bytes(data)
            requests = [requested(project, choice) for choice in choices]
            project_lines.forget()
            return [(projects.find(each), project_lines.lines(each)) for each in requests]

    return FuzzTarget(name=f"{lock} of {made}", parse=parse, seeds=((MADE / made / lock).read_bytes(),))


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


def sdist_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a parser of one file of an sdist."""
    return lambda data: in_file(read, ".tar")(tarred({name: data}))


def jar(data: bytes) -> object:
    entry = Entry(path="java/lib/a.jar", mode=PLAIN, content=InMemory(data=data))
    with jars.opened(entry) as archive:
        return [jars.head(archive, info) for info in archive.infolist()]


@contextlib.contextmanager
def own_cache() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"LAYERWRIGHT_CACHE": folder}):
        yield Path(folder)


def container_output(data: bytes) -> object:
    """Receive what a container build writes to its standard output, and read what is kept of it."""
    with own_cache():
        artifacts.receive(io.BytesIO(data), {"tree": ExpectedArtifact(key="k" * 64, mode="native")})
        kept = artifacts.get("k" * 64)
        return kept and (kept.mode, kept.notes, kept.libraries(), contents(kept))


def sealed_artifact(data: bytes) -> object:
    """Read an artifact with a seal that fits, as whoever can write to a shared cache without keys can make one."""

    def parse(path: Path) -> object:
        seal(path)
        kept = Artifact(path=path, requested_mode="accelerated")
        return kept.mode, kept.notes, kept.with_dependencies({"a"}), contents(kept)

    return in_file(parse, ".tar")(data)


def contents(artifact: Artifact) -> list[tuple[str, bytes]]:
    return [(entry.path, entry.content.read()) for entry in artifact.files("opt")]


def wheel_metadata(name: str) -> Callable[[bytes], object]:
    """Return a parser of one file that describes an installed wheel."""

    def parse(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            described = Path(folder, "a-1.dist-info")
            described.mkdir()
            for each, text in {"METADATA": METADATA, "RECORD": RECORD, name: data}.items():
                (described / each).write_bytes(text)
            return metadata.facts(Path(folder), "a")

    return parse


def weighed(name: str) -> Callable[[bytes], object]:
    files = {"METADATA": METADATA, "RECORD": RECORD}
    return lambda data: python_packages.weigh(
        zips.tree({f"python/a-1.dist-info/{each}": text for each, text in {**files, name: data}.items()}), TARGET
    )


def package_json(data: bytes) -> object:
    content = zips.tree({"nodejs/node_modules/e/package.json": data})
    return table.installed(content), list(table.ECOSYSTEMS[1].tests(content, runtime("nodejs22.x")))


def installed(path: str) -> Callable[[bytes], object]:
    return lambda data: table.installed(zips.tree({path: data}))


POM = b"""<project><artifactId>a</artifactId><properties><v>1</v></properties><dependencies><dependency>
<groupId>b</groupId><artifactId>c</artifactId><version>${v}</version></dependency></dependencies></project>"""


KOFFI = b"const k = require('koffi');\ntry { k() } catch {}\nif (a) { koffi.load('libx.so.1') }\n"


def seeded(name: str) -> tuple[bytes, ...]:
    return ((CORPUS / name).read_bytes(),)


def locked(*names: str) -> tuple[bytes, ...]:
    """Return locks of Node.js that tools wrote."""
    folder = CORPUS.parents[1] / "packages" / "npm" / "locks" / "data"
    return tuple((folder / name).read_bytes() for name in names)


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
RECORD = b'a/__init__.py,sha256=x,1\n"b,c.py",,\na-1.dist-info/METADATA,,\n'
REQUIREMENTS = b"""--index-url https://i.test/simple --find-links .
z @ git+https://g.test/z@%s#subdirectory=y
a==1 \\
  --hash=sha256:%s
b[x] >= 1; python_version > '3' # c
""" % (b"c" * 40, b"a" * 64)
SETUP_CFG = b"""[metadata]
name = x
version = attr: x.version
[options]
packages = find:
package_dir =
    = src
py_modules = x
install_requires =
    a>=1
[options.extras_require]
more = b
[options.entry_points]
console_scripts = run = x:main
"""
OPENING = b"""import ctypes, subprocess
if ctypes.sizeof(ctypes.c_long) != 4:
    lib = ctypes.CDLL(ctypes.util.find_library("zbar") or "libzbar.so.0")
try:
    subprocess.run(("pdfinfo", "x"))
except OSError:
    raise
"""
SETUP_PY = b"from setuptools import setup\nNAME = 'x'\nsetup(name=NAME, version='1', install_requires=['a'])\n"
MANIFEST_IN = b"include a.txt *.md\nrecursive-include src *.json\ngraft data\nprune old\nglobal-exclude *.py[cod]\n"
_NAMED = '[project]\nname = "x"\nversion = "1"\ndescription = "d"\n'
_SYSTEM = '[build-system]\nrequires = ["{0}"]\nbuild-backend = "{1}"\n'
_TOOLS = (
    ("hatchling", "hatchling.build", '[tool.hatch.build.targets.wheel]\ninclude = ["*.py"]\nsources = ["src"]\n'),
    ("flit_core", "flit_core.buildapi", '[tool.flit.module]\nname = "x"\n'),
    ("uv_build", "uv_build", '[tool.uv.build-backend]\nmodule-root = ""\n[tool.uv.sources]\na = { path = "../a" }\n'),
    ("setuptools", "setuptools.build_meta", '[tool.setuptools]\npackage-data = { "*" = ["*.txt"] }\n'),
    ("poetry-core", "poetry.core.masonry.api", '[tool.poetry]\npackages = [{ include = "x.py" }]\n'),
)
LOCAL_PACKAGES = tuple(f"{_NAMED}{_SYSTEM.format(name, backend)}{tool}".encode() for name, backend, tool in _TOOLS)
PROJECT = b"""[project]
name = "x"
version = "1"
dependencies = ["a>=1", "b[c]; python_version > '3'"]
[tool.uv.workspace]
members = ["packages/*"]
"""
UV_LOCK = b"""version = 1
requires-python = ">=3.9"

[[package]]
name = "a"
version = "1.0"
source = { registry = "https://example.com/simple" }
sdist = { url = "https://example.com/a-1.0.tar.gz", hash = "sha256:%s", size = 1 }

[[package]]
name = "b"
version = "1.0"
source = { registry = "https://example.com/simple" }
sdist = { url = "https://example.com/b-1.0.tar.gz", hash = "sha256:%s", size = 1 }

[package.optional-dependencies]
c = [{ name = "a" }]

[[package]]
name = "x"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "a" }, { name = "b", extra = ["c"], marker = "python_full_version > '3'" }]

[package.metadata]
requires-dist = [
  { name = "a", specifier = ">=1" },
  { name = "b", extras = ["c"], marker = "python_full_version > '3'" },
]
""" % (b"a" * 64, b"a" * 64)
RUNTIMES = b"""[runtime.custom-a]
image = "registry.example.com/a:{arch}"
os = "al2023"
language = "python"
series = "3.13"
"""
FACTS = b"""image = "a:latest"
release = "x"
packages = ["bash 5.2-1 x86_64"]
[managers]
dnf = "microdnf-dnf 3.8.1"
[libraries]
"libc.so.6" = "GLIBC_2.34"
"""
REPORT = b"""{"added": [
  {"soname": "liba.so.1", "path": "/lib/liba.so.1", "by": "x", "bytes": 1, "package": "a", "version": "1"}],
"missing": [{"soname": "libb.so", "by": "x"}], "refused": [], "rpath": [{}], "compilers": ["gcc"]}"""
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


OVERRIDES = b"""{"dependencies": {"debug": "2.6.9", "is-odd": "^3.0.0", "ms": "^2.1.0", "short": "npm:ms@^2.0.0"},
"overrides": {"is-number@^6 || 5": "7.0.0", "debug": {".": "$debug", "ms": "2.1.2"}}}"""
RESOLUTIONS = b"""{"dependencies": {"debug": "2.6.9", "ms": "^2.1.3", "is-odd": "3.0.1"},
"resolutions": {"debug/ms": "2.1.2", "**/is-number": "7.0.0"}}"""
PNPM_SETTINGS = b"""packages: [a/*]
overrides: {ms: 2.1.2, 'a>b@>1': '$ms', c: 'catalog:old'}
catalog: {is-odd: ^3.0.0}
catalogs: {old: {is-number: ^6.0.0}}
packageExtensions:
  debug@2: {dependencies: {is-number: 6.0.0}, peerDependenciesMeta: {x: {optional: true}}}
"""
YARN_SETTINGS = b"""catalog: {is-odd: ^3.0.0}
catalogs: {old: {debug: 2.6.9}}
packageExtensions:
  'debug@*': {dependencies: {is-number: ^6.0.0}}
"""


def lock_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: read(text_of(data))


def node_lock(name: str) -> Callable[[bytes], object]:
    """Return the reader of a lock of Node.js, for a project that is a folder without files."""
    folder = Path("/none/of/this/host")
    node = NodeProject(manifest=folder / "package.json", lock=folder / name, repository=folder)

    def placed(data: bytes) -> object:
        text = text_of(data)
        refuse_conflicts(node.lock, text)
        return layout.placed(following.read(node, text)[0])

    return placed


def beside_lock(lock: str, written_by: str, file: str) -> Callable[[bytes], object]:
    """Return the reader of a package.json beside the lock that a tool wrote for another."""
    text = locked(written_by)[0]

    def read(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / lock).write_bytes(text)
            (root / file).write_bytes(data)
            return following.graph(NodeProject(manifest=root / file, lock=root / lock, repository=root))

    return read


def of_pnpm(path: Path) -> object:
    node = NodeProject(manifest=path.with_name("package.json"), lock=path.with_name("pnpm-lock.yaml"), repository=path)
    settings = list(pnpm_settings.unfit(node, pnpm_settings.LockedSettings(extensions="other")))
    return settings, pnpm_settings.members(path.parent), pnpm_settings.replaced(path.parent)


def of_yarn(path: Path) -> object:
    settings = berry_settings.read(path.parent)
    return settings.added("debug", "2.6.9"), settings.of_catalog("is-odd", "catalog:")


def in_a_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return the reader of a file."""

    def parsed(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(data)
            return read(Path(folder) / name)

    return parsed


def output(report: bytes = REPORT, top: str = "tree/") -> bytes:
    """Return the tar of a container, with a file, a second name of it, and a link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, data in (
            ("tree/opt/bin/a", b"program"),
            ("tree/out/libraries.json", report),
            ("tree/expected.json", b"{}"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
        for name, kind, to in (("b", tarfile.LNKTYPE, f"{top}opt/bin/a"), ("c", tarfile.SYMTYPE, "a")):
            info = tarfile.TarInfo(f"{top}opt/bin/{name}")
            info.type, info.linkname = kind, to
            made.addfile(info)
    return raw.getvalue()


TARGET = target()
MANIFESTS = tuple(path.read_bytes() for path in sorted(Path(__file__).parents[1].glob("model/manifests/*.json")))


def packed_archive(name: str) -> Callable[[bytes], object]:
    return lambda data: packed.look(name, io.BytesIO(data), ())


_CODE = library()
PACKED = {
    "a.tar.gz": gzip.compress(tarred({"libx.so": _CODE, "inner.zip": zipped({"x": _CODE})})),
    "a.zip": zipped({"libx.so": _CODE, "inner.tar": tarred({"x": _CODE})}),
    "a.br": brotli.compress(_CODE, quality=1),
    "a.tar.zst": zstandard.compress(tarred({"libx.so": _CODE})),
    "a.tar.xz": lzma.compress(tarred({"libx.so": _CODE})),
}


TARGETS = (
    FuzzTarget(name="Python that opens by name", parse=python_loads.opened, seeds=(OPENING, SETUP_PY)),
    FuzzTarget(name="Java that opens by name", parse=java_loads.opened, seeds=seeded("Opens.class")),
    FuzzTarget(name="JavaScript that opens by name", parse=node_loads.opened, seeds=(KOFFI,)),
    FuzzTarget(name="recipe.toml", parse=recipe, seeds=seeded("recipe.toml")),
    FuzzTarget(
        name="requirements.lock",
        parse=in_file(lambda path: requirements_lock.read_all(path, TARGET), ".lock"),
        seeds=seeded("requirements.lock"),
    ),
    FuzzTarget(
        name="requirements.txt",
        parse=in_file(lambda path: requirements_file.read((path,)), ".txt"),
        seeds=(REQUIREMENTS,),
    ),
    FuzzTarget(name="pyproject.toml of a project", parse=project("pyproject.toml"), seeds=(PROJECT,)),
    FuzzTarget(name="pyproject.toml of a package", parse=local_package("pyproject.toml"), seeds=LOCAL_PACKAGES),
    FuzzTarget(name="setup.cfg of a package", parse=local_package("setup.cfg"), seeds=(SETUP_CFG,)),
    FuzzTarget(name="setup.py of a package", parse=local_package("setup.py"), seeds=(SETUP_PY,)),
    FuzzTarget(name="MANIFEST.in of a package", parse=local_package("MANIFEST.in"), seeds=(MANIFEST_IN,)),
    FuzzTarget(name="uv.lock of a project", parse=project("uv.lock"), seeds=(UV_LOCK,)),
    FuzzTarget(name="pylock.toml of a project", parse=project("pylock.toml"), seeds=(PYLOCK,)),
    tool_lock("poetry-2", "poetry.lock"),
    tool_lock("poetry-1.8", "poetry.lock"),
    tool_lock("pdm-2", "pdm.lock"),
    tool_lock("pdm-2-flat", "pdm.lock"),
    tool_lock("pipenv", "Pipfile.lock"),
    FuzzTarget(name="pylock.toml of uv", parse=lock_text(pylock.candidates), seeds=(PYLOCK,)),
    FuzzTarget(name="runtimes.toml", parse=in_file(runtime_tables.project_runtimes, ".toml"), seeds=(RUNTIMES,)),
    FuzzTarget(name="facts about an image", parse=in_file(image_facts.parsed, ".toml"), seeds=(FACTS,)),
    FuzzTarget(name="manifest", parse=manifest.parse_any, seeds=MANIFESTS),
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
        allowed=(archives.UnreadableError,),
    ),
    FuzzTarget(
        name="PKG-INFO",
        parse=sdist_file("a-1/PKG-INFO", sdist.requirements),
        seeds=(METADATA,),
        allowed=(archives.UnreadableError,),
    ),
    FuzzTarget(
        name="requires.txt",
        parse=sdist_file("a-1/a.egg-info/requires.txt", sdist.requirements),
        seeds=(b"x\n[e:python_version<'3']\ny>=1\n",),
        allowed=(archives.UnreadableError,),
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
    *(
        FuzzTarget(name=f"archive in a layer, {name}", parse=packed_archive(name), seeds=(data,))
        for name, data in PACKED.items()
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
    FuzzTarget(
        name="jar",
        parse=jar,
        seeds=(zips.raw({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "a/B.class": b"\xca\xfe\xba\xbe" * 9}),),
        allowed=(jars.DamagedJarError,),
    ),
    FuzzTarget(
        name="output of a container",
        parse=container_output,
        seeds=(output(), output(b"")),
        allowed=(archives.UnreadableError,),
    ),
    FuzzTarget(name="artifact of a shared cache", parse=sealed_artifact, seeds=(output(top=""),)),
    FuzzTarget(name="libraries.json of a container", parse=lock_text(container_reports.libraries), seeds=(REPORT,)),
    FuzzTarget(name="METADATA of a wheel", parse=wheel_metadata("METADATA"), seeds=(METADATA,)),
    FuzzTarget(name="RECORD of a wheel", parse=wheel_metadata("RECORD"), seeds=(RECORD,)),
    FuzzTarget(name="METADATA that is weighed", parse=weighed("METADATA"), seeds=(METADATA,)),
    FuzzTarget(name="RECORD that is weighed", parse=weighed("RECORD"), seeds=(RECORD,)),
    FuzzTarget(name="METADATA in a layer", parse=installed("python/a-1.dist-info/METADATA"), seeds=(METADATA,)),
    FuzzTarget(name="package.json in a layer", parse=package_json, seeds=(PACKAGE_JSON,)),
    FuzzTarget(
        name="package.json of a project",
        parse=lock_text(lambda text: offered.check(text, None)),
        seeds=(b'{"dependencies": {"a": "^1.0.0", "b": "npm:c@latest"}, "overrides": {"a": {"b": "1"}}}',),
    ),
    FuzzTarget(
        name="package-lock.json before npm runs",
        parse=lock_text(lambda text: offered.check("{}", text)),
        seeds=seeded("package-lock.json"),
    ),
    FuzzTarget(
        name="package-lock.json of a project",
        parse=node_lock("package-lock.json"),
        seeds=locked("npm-3.json", "npm-1.json"),
    ),
    FuzzTarget(
        name="pnpm-lock.yaml",
        parse=node_lock("pnpm-lock.yaml"),
        seeds=locked("pnpm-8.yaml", "pnpm-9.yaml"),
    ),
    FuzzTarget(name="yarn.lock", parse=node_lock("yarn.lock"), seeds=locked("yarn-1.lock", "yarn-4.lock")),
    FuzzTarget(
        name="overrides of npm",
        parse=beside_lock("package-lock.json", "npm-3-overrides.json", "package.json"),
        seeds=(OVERRIDES,),
    ),
    FuzzTarget(
        name="resolutions of Yarn 1",
        parse=beside_lock("yarn.lock", "yarn-1-resolutions.lock", "package.json"),
        seeds=(RESOLUTIONS,),
    ),
    FuzzTarget(name="pnpm-workspace.yaml", parse=in_a_file("pnpm-workspace.yaml", of_pnpm), seeds=(PNPM_SETTINGS,)),
    FuzzTarget(name=".yarnrc.yml with catalogs", parse=in_a_file(".yarnrc.yml", of_yarn), seeds=(YARN_SETTINGS,)),
    FuzzTarget(
        name="Gemfile",
        parse=in_a_file("Gemfile", gemfile.read),
        seeds=(b'gem "a", "~> 1", group: [:x]\ngroup :test do\n  gem "b"\nend\n',),
    ),
    FuzzTarget(
        name="pom.xml",
        parse=in_a_file("pom.xml", lambda path: java_projects.find(requested(path.parent, ProjectChoice()))),
        seeds=(POM,),
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
